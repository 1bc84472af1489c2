#include "heat.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A grey ground for what is no picture, of the map's size. */
static cxai_status draw_nothing(cxai_image *out, const cxai_shape *shape,
                                cxai_error *error)
{
    char text[128];
    if (shape->rank != 4 || shape->dim[2] > INT_MAX || shape->dim[3] > INT_MAX)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "what the network takes (%s) cannot be drawn: take "
                         "--raw --npy FILE",
                         cxai_shape_text(shape, text, sizeof text));
    cxai_status status = cxai_image_create(out, (int)shape->dim[3],
                                           (int)shape->dim[2], 3, error);
    if (status == CXAI_OK)
        memset(out->pixels, 128, (size_t)out->width * (size_t)out->height * 3);
    return status;
}

cxai_status heat_photo(cxai_image *photo, cxai_geometry *geometry,
                       const input *in, const workbench *bench, int64_t row,
                       cxai_error *error)
{
    *photo = (cxai_image){ 0 };
    if (in->photo.pixels != NULL) {
        *geometry = in->geometry;
        cxai_status status =
            cxai_image_create(photo, in->photo.width, in->photo.height,
                              in->photo.channels, error);
        if (status == CXAI_OK)
            memcpy(photo->pixels, in->photo.pixels,
                   (size_t)photo->width * (size_t)photo->height *
                       (size_t)photo->channels);
        return status;
    }
    int64_t one = cxai_shape_count(&bench->input_shape);
    cxai_status status =
        bench->no_pictures.status != CXAI_OK
            ? draw_nothing(photo, &bench->input_shape, error)
            : cxai_preprocess_invert(&bench->preprocess, in->tensor + row * one,
                                     photo, error);
    int width = photo->width, height = photo->height;
    *geometry = (cxai_geometry){
        .photo_width = width,
        .photo_height = height,
        .network_width = width,
        .network_height = height,
        .scale_x = 1,
        .scale_y = 1,
        .seen_right = width,
        .seen_bottom = height,
    };
    return status;
}

const char *heat_normalisation(const cxai_heatmap *map)
{
    if (map->kind != CXAI_HEATMAP_MAP)
        return "numbers: none; picture: channels summed, divided by the "
               "magnitude below which 98 % of the total lies, cut off at 1";
    if (map->raw)
        return "none";
    return "ReLU, minimum to 0 and maximum to 1, bilinear resize, minimum to 0 "
           "and maximum to 1";
}

/* The map of a layer is enlarged to the network's input. */
static cxai_real *enlarge(cxai_real *map, const cxai_heatmap *heatmap,
                          const cxai_geometry *geometry, cxai_error *error)
{
    const int64_t *dim = heatmap->shape.dim + heatmap->shape.rank - 2;
    int width = geometry->network_width, height = geometry->network_height;
    if (dim[0] == height && dim[1] == width)
        return map;
    cxai_real *large = malloc((size_t)width * (size_t)height * sizeof *large);
    if (large == NULL)
        cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    else
        cxai_map_resize(map, (int)dim[0], (int)dim[1], large, height, width);
    free(map);
    return large;
}

/* The map to look at, over the network's input, scaled to 0..1 for colours. */
static cxai_real *display_map(const cxai_heatmap *heatmap,
                              const cxai_geometry *geometry,
                              cxai_heatmap_sign sign, cxai_error *error)
{
    const cxai_shape *shape = &heatmap->shape;
    size_t count =
        (size_t)(shape->dim[shape->rank - 2] * shape->dim[shape->rank - 1]);
    cxai_real *map = malloc(count * sizeof *map);
    if (map == NULL) {
        cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (cxai_heatmap_display(heatmap, sign, map, NULL, error) != CXAI_OK) {
        free(map);
        return NULL;
    }
    if (heatmap->kind != CXAI_HEATMAP_MAP && sign == CXAI_SIGN_ALL)
        for (size_t i = 0; i < count; i++)
            map[i] = (map[i] + 1) / 2;
    return enlarge(map, heatmap, geometry, error);
}

/* Puts left and right side by side into *picture, which is one of them. */
static cxai_status join(cxai_image *picture, const cxai_image *left,
                        const cxai_image *right, cxai_error *error)
{
    cxai_image joined, both[2] = { *left, *right };
    cxai_tiles style = { .hide_labels = 1, .columns = 2 };
    cxai_status status = cxai_tiles_images(&joined, both, 2, &style, error);
    cxai_image_free(picture);
    *picture = joined;
    return status;
}

static cxai_status add_colorbar(cxai_image *picture,
                                const cxai_heatmap *heatmap,
                                const heat_style *style, cxai_error *error)
{
    int is_signed =
        heatmap->kind != CXAI_HEATMAP_MAP && style->sign == CXAI_SIGN_ALL;
    cxai_range range = { is_signed ? -1 : 0, 1 };
    cxai_image bar;
    cxai_status status =
        cxai_colorbar(&bar, picture->height < 40 ? 40 : picture->height, range,
                      style->colormap, error);
    if (status != CXAI_OK)
        return status;
    status = join(picture, picture, &bar, error);
    cxai_image_free(&bar);
    return status;
}

/* What the network did not see (no number) is veiled in grey, as strongly as
   the rest is coloured. */
static void veil_unseen(cxai_image *picture, const cxai_real *map, double alpha)
{
    size_t count = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(map[i]))
            continue;
        for (size_t c = 0; c < 3; c++) {
            uint8_t *sample = picture->pixels + 3 * i + c;
            *sample = (uint8_t)lrint((1 - alpha) * *sample + alpha * 128);
        }
    }
}

static cxai_status draw_one(cxai_image *out, const cxai_image *photo,
                            const cxai_geometry *geometry,
                            const cxai_heatmap *heatmap,
                            const heat_style *style, cxai_error *error)
{
    *out = (cxai_image){ 0 };
    cxai_real *map = display_map(heatmap, geometry, style->sign, error);
    if (map == NULL)
        return error->status;
    cxai_status status = CXAI_OK;
    cxai_real *projected = malloc((size_t)photo->width * (size_t)photo->height *
                                  sizeof *projected);
    if (projected == NULL) {
        status = cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    } else {
        cxai_geometry_project(geometry, map, projected);
        status = cxai_overlay(out, photo, projected, style->colormap,
                              style->alpha, CXAI_BLEND_ALPHA, error);
        if (status == CXAI_OK)
            veil_unseen(out, projected, style->alpha);
    }
    free(map);
    free(projected);
    if (status == CXAI_OK && style->colorbar)
        status = add_colorbar(out, heatmap, style, error);
    if (status == CXAI_OK && style->side_by_side)
        status = join(out, photo, out, error);
    return status;
}

cxai_status heat_draw(cxai_image *out, const cxai_image *photo,
                      const cxai_geometry *geometry, const cxai_heatmap *maps,
                      const char *const *names, int count,
                      const heat_style *style, cxai_error *error)
{
    if (count == 1)
        return draw_one(out, photo, geometry, maps, style, error);
    *out = (cxai_image){ 0 };
    cxai_tiles tiles = { .labels = names };
    cxai_status status = CXAI_OK;
    cxai_image *pictures = calloc((size_t)count, sizeof *pictures);
    if (pictures == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %d pictures",
                         count);
    for (int i = 0; status == CXAI_OK && i < count; i++)
        status =
            draw_one(&pictures[i], photo, geometry, &maps[i], style, error);
    if (status == CXAI_OK)
        status = cxai_tiles_images(out, pictures, count, &tiles, error);
    for (int i = 0; i < count; i++)
        cxai_image_free(&pictures[i]);
    free(pictures);
    return status;
}
