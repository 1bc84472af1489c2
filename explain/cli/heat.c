#include "heat.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A grey ground for what is no picture, of the map's size. */
static cxai_status draw_ground(cxai_image *out, const cxai_shape *shape,
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
            ? draw_ground(photo, &bench->input_shape, error)
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

/* ---- the map over the photo -----------------------------------------------
 */

/* A map to look at, brought to its photo: NaN where the network saw nothing. */
typedef struct view {
    cxai_real *map; /* owned */
    int height, width;
    int is_signed; /* -1..1, else 0..1 */
    double scale[2];
} view;

/* The map to look at, as large as the heatmap. */
static cxai_status display_map(cxai_real **out, const cxai_heatmap *heatmap,
                               const heat_style *style, view *v,
                               cxai_error *error)
{
    const cxai_shape *shape = &heatmap->shape;
    size_t count =
        (size_t)(shape->dim[shape->rank - 2] * shape->dim[shape->rank - 1]);
    *out = malloc(count * sizeof **out);
    if (*out == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    double unit[2];
    cxai_status status =
        cxai_heatmap_display(heatmap, style->sign, *out, unit, error);
    v->is_signed = heat_is_signed(style, heatmap);
    v->scale[0] = v->is_signed ? -unit[1] : unit[0];
    v->scale[1] = unit[1];
    return status;
}

/* The map of a layer is enlarged to the network's input. */
static cxai_status enlarge(cxai_real **map, const cxai_heatmap *heatmap,
                           const cxai_geometry *geometry, cxai_error *error)
{
    const int64_t *dim = heatmap->shape.dim + heatmap->shape.rank - 2;
    int width = geometry->network_width, height = geometry->network_height;
    if (dim[0] == height && dim[1] == width)
        return CXAI_OK;
    cxai_real *large = malloc((size_t)width * (size_t)height * sizeof *large);
    if (large == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
    cxai_map_resize(*map, (int)dim[0], (int)dim[1], large, height, width);
    free(*map);
    *map = large;
    return CXAI_OK;
}

/* v->map ends with free() in either case. */
static cxai_status make_view(view *v, const cxai_geometry *geometry,
                             const cxai_heatmap *heatmap,
                             const heat_style *style, cxai_error *error)
{
    cxai_real *map;
    *v = (view){ .height = geometry->photo_height,
                 .width = geometry->photo_width };
    cxai_status status = display_map(&map, heatmap, style, v, error);
    if (status == CXAI_OK)
        status = enlarge(&map, heatmap, geometry, error);
    if (status == CXAI_OK) {
        v->map = malloc((size_t)v->height * (size_t)v->width * sizeof *v->map);
        if (v->map == NULL)
            status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for a map");
        else
            cxai_geometry_project(geometry, map, v->map);
    }
    free(map);
    return status;
}

/* ---- facts -----------------------------------------------------------------
 */

static cxai_status find_facts(heat_facts *f, const view *v, double threshold,
                              cxai_error *error)
{
    double sum = 0, heat = 0;
    *f = (heat_facts){ .known = 1,
                       .scale = { v->scale[0], v->scale[1] },
                       .threshold = threshold };
    for (int y = 0; y < v->height; y++)
        for (int x = 0; x < v->width; x++) {
            double value =
                (double)v->map[(size_t)y * (size_t)v->width + (size_t)x];
            if (isnan(value))
                continue;
            f->seen++;
            sum += value;
            if (value > 0) {
                heat += value;
                f->centre_x += value * (x + 0.5);
                f->centre_y += value * (y + 0.5);
            }
        }
    f->mean = sum / (double)f->seen;
    f->centre_x /= heat;
    f->centre_y /= heat;
    cxai_status status =
        cxai_map_region(&f->hot, v->map, v->height, v->width, threshold, error);
    f->heat_share = f->hot.heat / heat;
    return status;
}

static void report_pair(json *j, const char *key, double first, double second)
{
    json_array(j, key);
    json_number(j, NULL, first);
    json_number(j, NULL, second);
    json_end(j);
}

static void report_hot(json *j, const heat_facts *f)
{
    const cxai_region *hot = &f->hot;
    json_object(j, "hot");
    json_number(j, "threshold", f->threshold);
    json_number(j, "share", (double)hot->hot_area / (double)f->seen);
    json_number(j, "regions", (double)hot->regions);
    json_array(j, "box");
    json_number(j, NULL, hot->box.left);
    json_number(j, NULL, hot->box.top);
    json_number(j, NULL, hot->box.right);
    json_number(j, NULL, hot->box.bottom);
    json_end(j);
    json_number(j, "area", (double)hot->area);
    json_number(j, "area_share", (double)hot->area / (double)f->seen);
    json_number(j, "heat_share", f->heat_share);
    report_pair(j, "centre", hot->centre_x, hot->centre_y);
    json_end(j);
}

void heat_report(json *j, const heat_facts *f)
{
    if (!f->known)
        return;
    json_object(j, "map");
    report_pair(j, "scale", f->scale[0], f->scale[1]);
    json_number(j, "mean", f->mean);
    report_pair(j, "centre", f->centre_x, f->centre_y);
    report_hot(j, f);
    json_end(j);
}

/* ---- drawing ---------------------------------------------------------------
 */

/* Lays a grey over a pixel. */
static void veil(uint8_t *pixel, double alpha)
{
    for (int c = 0; c < 3; c++)
        pixel[c] = (uint8_t)lrint((1 - alpha) * pixel[c] + alpha * 128);
}

/* What the network did not see (no number) is veiled in grey, as strongly as
   the rest is coloured; but multiplied colours leave the photo to be seen. */
static void veil_unseen(cxai_image *picture, const cxai_real *map,
                        const heat_style *style)
{
    double alpha =
        style->blend == CXAI_BLEND_MULTIPLY ? 0.8 * style->alpha : style->alpha;
    size_t count = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < count; i++)
        if (isnan(map[i]))
            veil(picture->pixels + 3 * i, alpha);
}

cxai_status heat_draw_nothing(cxai_image *out, const cxai_image *photo,
                              const char *word, cxai_error *error)
{
    static const uint8_t white[3] = { 255, 255, 255 };
    char text[64];
    cxai_status status =
        cxai_image_create(out, photo->width, photo->height, 3, error);
    if (status != CXAI_OK)
        return status;
    size_t count = (size_t)photo->width * (size_t)photo->height;
    for (size_t i = 0; i < count; i++) {
        memcpy(out->pixels + 3 * i, photo->pixels + i * (size_t)photo->channels,
               3);
        veil(out->pixels + 3 * i, 0.8);
    }
    int scale = cxai_text_scale(photo->width);
    cxai_text_fit(word, photo->width / scale, text, sizeof text);
    cxai_text_draw(out, (out->width - cxai_text_width(text, scale)) / 2,
                   (out->height - CXAI_TEXT_HEIGHT * scale) / 2, text, white,
                   scale);
    return CXAI_OK;
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

static cxai_status add_colorbar(cxai_image *picture, const view *v,
                                const heat_style *style, cxai_error *error)
{
    cxai_range range = { v->scale[0], v->scale[1] };
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

/* The colours of a view over its photo, or alone. The view's values, if signed,
   come to lie in 0..1: the middle is 0. */
static cxai_status colour(cxai_image *out, view *v, const cxai_image *photo,
                          const heat_style *style, cxai_error *error)
{
    size_t count = (size_t)v->height * (size_t)v->width;
    for (size_t i = 0; v->is_signed && i < count; i++)
        v->map[i] = (v->map[i] + 1) / 2;
    if (style->map_only)
        return cxai_map_transparent(out, v->map, v->height, v->width,
                                    v->is_signed ? 0.5 : 0, style->colormap,
                                    error);
    cxai_status status = cxai_overlay(out, photo, v->map, style->colormap,
                                      style->alpha, style->blend, error);
    if (status == CXAI_OK)
        veil_unseen(out, v->map, style);
    return status;
}

/* Contours of a view whose values have come to lie in 0..1. */
static cxai_status add_contours(cxai_image *out, const view *v,
                                const heat_style *style, cxai_error *error)
{
    double levels[MOST_LEVELS];
    int count = 0;
    for (int i = 0; i < style->level_count; i++) {
        double level = style->levels[i];
        levels[count++] = v->is_signed ? (level + 1) / 2 : level;
        if (v->is_signed && style->both_signs)
            levels[count++] = (1 - level) / 2;
    }
    return count > 0 ? cxai_contours_draw(out, v->map, levels, count, error)
                     : CXAI_OK;
}

static cxai_status draw_view(cxai_image *out, const heat_facts *facts, view *v,
                             const cxai_image *photo, const heat_style *style,
                             cxai_error *error)
{
    cxai_status status = colour(out, v, photo, style, error);
    if (status == CXAI_OK)
        status = add_contours(out, v, style, error);
    if (status == CXAI_OK && style->hot && facts->hot.area > 0)
        cxai_box_draw(out, facts->hot.box);
    if (status == CXAI_OK && style->colorbar)
        status = add_colorbar(out, v, style, error);
    if (status == CXAI_OK && style->side_by_side)
        status = join(out, photo, out, error);
    return status;
}

cxai_status heat_draw(cxai_image *out, heat_facts *facts,
                      const cxai_image *photo, const cxai_geometry *geometry,
                      const cxai_heatmap *map, const heat_style *style,
                      cxai_error *error)
{
    view v;
    *out = (cxai_image){ 0 };
    cxai_status status = make_view(&v, geometry, map, style, error);
    if (status == CXAI_OK)
        status = find_facts(facts, &v, style->threshold, error);
    if (status == CXAI_OK)
        status = draw_view(out, facts, &v, photo, style, error);
    free(v.map);
    if (status != CXAI_OK)
        cxai_image_free(out);
    return status;
}
