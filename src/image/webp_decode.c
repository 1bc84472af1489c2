/* WebP pictures, read by libwebp where the build found it. Source: RFC 9649. */
#include "image/decode.h"

#ifdef CXAI_WEBP

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

enum { FILE_HEADER = 12, CHUNK_HEADER = 8, EXIF_PREFIX = 6 };

static size_t little_endian(const uint8_t *bytes)
{
    return bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
           (size_t)bytes[3] << 24;
}

/* The orientation in the chunk EXIF, which some writers begin as JPEG does. */
static int find_orientation(const cx_picture_file *file)
{
    size_t at = FILE_HEADER;
    while (at < file->size && file->size - at >= CHUNK_HEADER) {
        const uint8_t *chunk = file->bytes + at;
        size_t size = little_endian(chunk + 4), room = file->size - at;
        if (size > room - CHUNK_HEADER)
            break;
        if (memcmp(chunk, "EXIF", 4) == 0) {
            const uint8_t *tiff = chunk + CHUNK_HEADER;
            int prefixed =
                size >= EXIF_PREFIX && memcmp(tiff, "Exif\0", EXIF_PREFIX) == 0;
            size_t skipped = prefixed ? EXIF_PREFIX : 0;
            return cx_exif_orientation(tiff + skipped, size - skipped);
        }
        at += CHUNK_HEADER + size + size % 2;
    }
    return 1;
}

static cxai_status refuse(const cx_picture_file *file, VP8StatusCode reason,
                          cxai_error *error)
{
    if (reason == VP8_STATUS_OUT_OF_MEMORY)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "%s: no memory for the WebP decoder", file->name);
    if (reason == VP8_STATUS_NOT_ENOUGH_DATA)
        return cxai_fail(error, CXAI_MALFORMED,
                         "%s: truncated WebP: the file ends before the picture "
                         "does",
                         file->name);
    return cxai_fail(error, CXAI_MALFORMED, "%s: corrupt WebP", file->name);
}

static int over_white(const uint8_t *rgba, size_t pixels, uint8_t *rgb)
{
    int transparent = 0;
    for (; pixels > 0; pixels--, rgba += 4) {
        unsigned alpha = rgba[3];
        transparent |= alpha < 255;
        for (int c = 0; c < 3; c++)
            *rgb++ =
                (uint8_t)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    return transparent;
}

/* Decodes into `to`, which holds a sample for each of 3 or 4 channels of every
   pixel. */
static cxai_status decode(const cx_picture_file *file, const cxai_image *out,
                          size_t channels, uint8_t *to, cxai_error *error)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s: libwebp is not the one of the build", file->name);
    size_t stride = (size_t)out->width * channels;
    config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = to;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = stride * (size_t)out->height;
    VP8StatusCode reason = WebPDecode(file->bytes, file->size, &config);
    WebPFreeDecBuffer(&config.output);
    return reason == VP8_STATUS_OK ? CXAI_OK : refuse(file, reason, error);
}

static cxai_status decode_alpha(cxai_image *out, const cx_picture_file *file,
                                cxai_image_info *info, cxai_error *error)
{
    size_t pixels = (size_t)out->width * (size_t)out->height;
    uint8_t *rgba = cx_alloc(pixels, 4);
    if (rgba == NULL)
        return refuse(file, VP8_STATUS_OUT_OF_MEMORY, error);
    cxai_status status = decode(file, out, 4, rgba, error);
    if (status == CXAI_OK)
        info->alpha_composited = over_white(rgba, pixels, out->pixels);
    free(rgba);
    return status;
}

cxai_status cx_webp_decode(cxai_image *out, const cx_picture_file *file,
                           cxai_image_info *info, cxai_error *error)
{
    WebPBitstreamFeatures found;
    VP8StatusCode reason = WebPGetFeatures(file->bytes, file->size, &found);
    if (reason != VP8_STATUS_OK)
        return refuse(file, reason, error);
    if (found.has_animation)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s: this is an animated WebP picture; convert one of "
                         "its frames first",
                         file->name);
    cxai_status status = cx_picture_check_size(file, (uint64_t)found.width,
                                               (uint64_t)found.height, error);
    if (status != CXAI_OK)
        return status;
    *info = (cxai_image_info){ .format = "WebP",
                               .colour = found.format == 2 ? "RGB" : "YCbCr",
                               .bits = 8,
                               .stored_width = found.width,
                               .stored_height = found.height,
                               .orientation = find_orientation(file) };
    status = cxai_image_create(out, found.width, found.height, 3, error);
    if (status != CXAI_OK)
        return status;
    return found.has_alpha ? decode_alpha(out, file, info, error)
                           : decode(file, out, 3, out->pixels, error);
}

#endif
