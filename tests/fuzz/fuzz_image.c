/* Fuzzing of the picture decoders: any bytes are a picture or one clear line.
   A picture that loads is prepared for a network, written, and read again. */
#include "cxai/preprocess.h"
#include "fuzz/target.h"

/* The file chooses the rule, so that every one is tried. */
static void prepare(const cxai_image *image, unsigned choice)
{
    cxai_preprocess p;
    cxai_geometry geometry;
    cxai_error error = { .message = "" };
    static cxai_real tensor[3 * 8 * 8];
    require(cxai_preprocess_defaults(&p, NULL, &error) == CXAI_OK);
    p.width = p.height = 8;
    p.rule = (cxai_resize_rule)(choice % 3);
    p.filter = (cxai_filter)(choice / 3 % 3);
    cxai_status status =
        cxai_preprocess_apply(&p, image, tensor, &geometry, &error);
    require(status == CXAI_OK || status == CXAI_LIMIT);
    require(status != CXAI_OK || (geometry.seen_left < geometry.seen_right &&
                                  geometry.seen_top < geometry.seen_bottom));
}

static void write_and_read(const cxai_image *image)
{
    cxai_image back;
    cxai_error error = { .message = "" };
    void *bytes;
    size_t size;
    require(cxai_image_encode(image, &bytes, &size, &error) == CXAI_OK);
    require(cxai_image_parse(&back, bytes, size, "written", NULL, NULL,
                             &error) == CXAI_OK);
    require(back.width == image->width && back.height == image->height);
    size_t count = (size_t)image->width * (size_t)image->height * 3;
    require(memcmp(back.pixels, image->pixels, count) == 0);
    cxai_image_free(&back);
    free(bytes);
}

FUZZ_TARGET(fuzz_image)
{
    cxai_image image;
    cxai_image_info info;
    cxai_error error;
    cxai_image_options options = { .max_pixels = 1 << 18 };
    cxai_status status =
        cxai_image_parse(&image, bytes, size, "fuzz", &options, &info, &error);
    if (status != CXAI_OK) {
        require_error(status, &error);
        require(image.pixels == NULL && image.width == 0);
        return 0;
    }
    require(image.width > 0 && image.height > 0 && image.channels == 3);
    require(info.orientation >= 1 && info.orientation <= 8);
    require(info.bits >= 1 && info.bits <= 16);
    prepare(&image, bytes[size - 1] + (unsigned)size);
    write_and_read(&image);
    cxai_image_free(&image);
    return 0;
}
