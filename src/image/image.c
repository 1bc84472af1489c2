/* Pictures: memory, and loading by content. */
#include "cxai/image.h"

#include "base/alloc.h"
#include "cxai/file.h"
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

#ifdef CXAI_WEBP
#define FORMATS "PNG, JPEG and WebP"
#define NO_FORMAT "neither PNG nor JPEG nor WebP"
#else
#define FORMATS "PNG and JPEG"
#define NO_FORMAT "neither PNG nor JPEG"
#endif

enum { DEFAULT_MAX_PIXELS = 100000000, DEFAULT_MAX_BYTES = 1 << 30 };

cxai_status cxai_image_create(cxai_image *out, int width, int height,
                              int channels, cxai_error *error)
{
    memset(out, 0, sizeof *out);
    if (width < 1 || height < 1 || channels < 3 || channels > 4)
        return cxai_fail(error, CXAI_INVALID,
                         "a picture cannot have %d x %d pixels of %d channels",
                         width, height, channels);
    out->pixels = cx_alloc((size_t)width * (size_t)height, (size_t)channels);
    if (out->pixels == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for a picture of %d x %d pixels", width,
                         height);
    out->width = width;
    out->height = height;
    out->channels = channels;
    return CXAI_OK;
}

void cxai_image_free(cxai_image *image)
{
    if (image == NULL)
        return;
    free(image->pixels);
    memset(image, 0, sizeof *image);
}

cxai_status cx_picture_check_size(const cx_picture_file *file, uint64_t width,
                                  uint64_t height, cxai_error *error)
{
    uint64_t limit = file->options.max_pixels;
    if (width == 0 || height == 0 || width > INT32_MAX || height > INT32_MAX)
        return cxai_fail(error, CXAI_MALFORMED,
                         "%s: invalid picture size: width %llu, height %llu",
                         file->name, (unsigned long long)width,
                         (unsigned long long)height);
    if (width > limit / height)
        return cxai_fail(error, CXAI_LIMIT,
                         "%s: the picture is too large: %llu x %llu pixels "
                         "are over the limit of %llu; scale it down or raise "
                         "the limit",
                         file->name, (unsigned long long)width,
                         (unsigned long long)height, (unsigned long long)limit);
    return CXAI_OK;
}

static int starts_with(const cx_picture_file *file, const char *magic,
                       size_t length)
{
    return file->size >= length && memcmp(file->bytes, magic, length) == 0;
}

static cxai_status decode(cxai_image *out, const cx_picture_file *file,
                          cxai_image_info *info, cxai_error *error)
{
    if (file->size == 0)
        return cxai_fail(error, CXAI_MALFORMED, "%s: the file is empty",
                         file->name);
    if (starts_with(file, "\x89PNG\r\n\x1a\n", 8))
        return cx_png_decode(out, file, info, error);
    if (starts_with(file, "\xff\xd8\xff", 3))
        return cx_jpeg_decode(out, file, info, error);
#ifdef CXAI_WEBP
    if (starts_with(file, "RIFF", 4) && file->size >= 12 &&
        memcmp(file->bytes + 8, "WEBP", 4) == 0)
        return cx_webp_decode(out, file, info, error);
#endif
    const char *guess = cx_format_guess(file->bytes, file->size);
    if (guess != NULL)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s: this is %s; only " FORMATS " pictures can be "
                         "read, so convert it first",
                         file->name, guess);
    return cxai_fail(error, CXAI_MALFORMED,
                     "%s: not a picture: its content is " NO_FORMAT,
                     file->name);
}

static cxai_image_options complete(const cxai_image_options *options)
{
    cxai_image_options o = { 0 };
    if (options != NULL)
        o = *options;
    if (o.max_pixels == 0)
        o.max_pixels = DEFAULT_MAX_PIXELS;
    if (o.max_bytes == 0)
        o.max_bytes = DEFAULT_MAX_BYTES;
    return o;
}

cxai_status cxai_image_parse(cxai_image *out, const void *bytes, size_t size,
                             const char *name,
                             const cxai_image_options *options,
                             cxai_image_info *info, cxai_error *error)
{
    memset(out, 0, sizeof *out);
    cx_picture_file file = { bytes, size, name, complete(options) };
    cxai_image_info found = { .orientation = 1 };
    cxai_status status = decode(out, &file, &found, error);
    if (status == CXAI_OK && found.orientation != 1 &&
        !file.options.keep_orientation) {
        status = cx_image_orient(out, found.orientation, error);
        found.orientation_applied = 1;
    }
    if (status != CXAI_OK) {
        cxai_image_free(out);
        return status;
    }
    if (info != NULL)
        *info = found;
    return CXAI_OK;
}

cxai_status cxai_image_load(cxai_image *out, const char *path,
                            const cxai_image_options *options,
                            cxai_image_info *info, cxai_error *error)
{
    memset(out, 0, sizeof *out);
    void *bytes;
    size_t size;
    cxai_status status =
        cxai_file_read(path, complete(options).max_bytes, &bytes, &size, error);
    if (status != CXAI_OK)
        return status;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    status = cxai_image_parse(out, bytes, size, name, options, info, error);
    free(bytes);
    return status;
}
