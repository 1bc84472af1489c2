/* A map laid over a photo, or alone to be laid over one. */
#include "cxai/draw.h"

#include <math.h>
#include <string.h>

static void lay(const uint8_t photo[3], const uint8_t colour[3], double alpha,
                cxai_blend blend, uint8_t out[3])
{
    for (int c = 0; c < 3; c++) {
        double over = blend == CXAI_BLEND_MULTIPLY
                          ? photo[c] * (double)colour[c] / 255
                          : (double)colour[c];
        out[c] = (uint8_t)lround((1 - alpha) * photo[c] + alpha * over);
    }
}

cxai_status cxai_overlay(cxai_image *out, const cxai_image *photo,
                         const cxai_real *map, cxai_colormap colormap,
                         double alpha, cxai_blend blend, cxai_error *error)
{
    memset(out, 0, sizeof *out);
    if (!(alpha >= 0 && alpha <= 1))
        return cxai_fail(error, CXAI_INVALID,
                         "the opacity of an overlay must be from 0 to 1, not "
                         "%g",
                         alpha);
    cxai_status status =
        cxai_image_create(out, photo->width, photo->height, 3, error);
    if (status != CXAI_OK)
        return status;
    size_t count = (size_t)photo->width * (size_t)photo->height;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = photo->pixels + i * (size_t)photo->channels;
        uint8_t colour[3];
        cxai_colormap_colour(colormap, (double)map[i], colour);
        lay(from, colour, isfinite((double)map[i]) ? alpha : 0, blend,
            out->pixels + 3 * i);
    }
    return CXAI_OK;
}

cxai_status cxai_map_transparent(cxai_image *out, const cxai_real *map,
                                 int height, int width, double zero,
                                 cxai_colormap colormap, cxai_error *error)
{
    cxai_status status = cxai_image_create(out, width, height, 4, error);
    if (status != CXAI_OK)
        return status;
    size_t count = (size_t)height * (size_t)width;
    for (size_t i = 0; i < count; i++) {
        double value = (double)map[i];
        uint8_t *pixel = out->pixels + 4 * i;
        if (!isfinite(value))
            continue;
        cxai_colormap_colour(colormap, value, pixel);
        double share = fabs(value - zero) / (1 - zero);
        pixel[3] = (uint8_t)lround(255 * fmin(1, share));
    }
    return CXAI_OK;
}
