/* EXIF orientation: finding it, and turning the picture.
   Source: CIPA DC-008 (Exif 2.32), 4.6.4.A; TIFF 6.0, section 2. */
#include "base/alloc.h"
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIFF_HEADER = 8,
    ENTRY_SIZE = 12,
    TAG_ORIENTATION = 0x0112,
    TYPE_SHORT = 3,
};

typedef struct reader {
    const uint8_t *bytes;
    size_t size;
    int big_endian;
} reader;

/* An unsigned number of 2 or 4 bytes; 0 beyond the end. */
static uint32_t number(const reader *r, size_t at, size_t length)
{
    if (at > r->size || length > r->size - at)
        return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < length; i++) {
        size_t from = r->big_endian ? i : length - 1 - i;
        value = value << 8 | r->bytes[at + from];
    }
    return value;
}

int cx_exif_orientation(const uint8_t *tiff, size_t size)
{
    if (size < TIFF_HEADER)
        return 1;
    reader r = { tiff, size, memcmp(tiff, "MM\0*", 4) == 0 };
    if (!r.big_endian && memcmp(tiff, "II*\0", 4) != 0)
        return 1;
    size_t directory = number(&r, 4, 4);
    size_t count = number(&r, directory, 2);
    for (size_t i = 0; i < count; i++) {
        size_t entry = directory + 2 + i * ENTRY_SIZE;
        if (number(&r, entry, 2) != TAG_ORIENTATION)
            continue;
        uint32_t orientation = number(&r, entry + 8, 2);
        int valid = number(&r, entry + 2, 2) == TYPE_SHORT &&
                    orientation >= 1 && orientation <= 8;
        return valid ? (int)orientation : 1;
    }
    return 1;
}

/*
 * 1 as stored · 2 mirrored left-right · 3 turned by 180 degrees · 4 mirrored
 * top-bottom · 5 transposed · 6 to be turned clockwise by 90 degrees · 7
 * transposed across the other diagonal · 8 to be turned anticlockwise.
 * Pixel (x, y) of the result comes from (x, y), or (y, x) for 5 to 8, counted
 * from the right or from the bottom as the orientation has it.
 */
cxai_status cx_image_orient(cxai_image *image, int orientation,
                            cxai_error *error)
{
    int swap = orientation >= 5;
    int from_right = orientation == 2 || orientation == 3 || orientation == 7 ||
                     orientation == 8;
    int from_bottom = orientation == 3 || orientation == 4 ||
                      orientation == 6 || orientation == 7;
    cxai_image turned;
    cxai_status status = cxai_image_create(
        &turned, swap ? image->height : image->width,
        swap ? image->width : image->height, image->channels, error);
    if (status != CXAI_OK)
        return status;
    size_t channels = (size_t)image->channels;
    uint8_t *to = turned.pixels;
    for (int y = 0; y < turned.height; y++) {
        for (int x = 0; x < turned.width; x++) {
            int column = swap ? y : x;
            int row = swap ? x : y;
            if (from_right)
                column = image->width - 1 - column;
            if (from_bottom)
                row = image->height - 1 - row;
            size_t at = (size_t)row * (size_t)image->width + (size_t)column;
            memcpy(to, image->pixels + at * channels, channels);
            to += channels;
        }
    }
    cxai_image_free(image);
    *image = turned;
    return CXAI_OK;
}
