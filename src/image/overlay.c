/* A map laid over a photo. */
#include "cxai/draw.h"

#include <math.h>
#include <string.h>

/* round((1 - alpha) * photo + alpha * colour); the photo itself at alpha 0 */
static void blend(const uint8_t photo[3], const uint8_t colour[3], double alpha,
                  uint8_t out[3])
{
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)lround((1 - alpha) * photo[c] + alpha * colour[c]);
}

cxai_status cxai_overlay(cxai_image *out, const cxai_image *photo,
                         const cxai_real *map, cxai_colormap colormap,
                         double alpha, cxai_error *error)
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
        blend(from, colour, isfinite((double)map[i]) ? alpha : 0,
              out->pixels + 3 * i);
    }
    return CXAI_OK;
}
