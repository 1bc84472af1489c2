/* Fuzzing of preprocessing files: any bytes are settings, under which a small
   picture is prepared, or one clear line that leaves the settings alone. */
#include <math.h>

#include "cxai/preprocess.h"
#include "fuzz/target.h"

static void prepare(const cxai_preprocess *p)
{
    uint8_t pixels[5 * 3 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(7 * i);
    cxai_image photo = { 5, 3, 3, pixels };
    cxai_image seen;
    cxai_geometry geometry;
    cxai_error error;
    cxai_shape shape = cxai_preprocess_shape(p, 1);
    int64_t count = cxai_shape_count(&shape);
    require(count > 0);
    if (count > 1 << 18)
        return;
    cxai_real *tensor = calloc((size_t)count, sizeof *tensor);
    if (tensor == NULL)
        return;
    cxai_status status =
        cxai_preprocess_apply(p, &photo, tensor, &geometry, &error);
    if (status == CXAI_OK)
        status = cxai_preprocess_invert(p, tensor, &seen, &error);
    if (status == CXAI_OK)
        cxai_image_free(&seen);
    else
        require_error(status, &error);
    free(tensor);
}

FUZZ_TARGET(fuzz_preprocess)
{
    cxai_error error;
    cxai_preprocess before, p;
    require(cxai_preprocess_defaults(&before, NULL, &error) == CXAI_OK);
    memcpy(&p, &before, sizeof p);
    cxai_status status = cxai_preprocess_parse(&p, (const char *)bytes, size,
                                               "fuzz.json", "folder", &error);
    if (status != CXAI_OK) {
        require_error(status, &error);
        require(memcmp(&p, &before, sizeof p) == 0);
        return 0;
    }
    require(p.width >= 1 && p.width <= 16384);
    require(p.height >= 1 && p.height <= 16384);
    require(p.scale != 0 && isfinite(p.scale));
    require(p.labels[0] == '\0' || strncmp(p.labels, "folder/", 7) == 0);
    require(strstr(p.labels, "..") == NULL);
    char text[512];
    require(cxai_preprocess_text(&p, text, sizeof text)[0] != '\0');
    for (int c = 0; c < cxai_preprocess_channel_count(&p); c++)
        require(isfinite(p.mean[c]) && isfinite(p.std[c]) && p.std[c] != 0);
    prepare(&p);
    return 0;
}
