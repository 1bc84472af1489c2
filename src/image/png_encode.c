/* PNG pictures, written by libpng. */
#include "base/alloc.h"
#include "cxai/file.h"
#include "cxai/image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

typedef struct encoder {
    const cxai_image *image;
    cxai_error *error;
    cxai_status status;
    png_structp png;
    png_infop info;
    void *bytes;
    size_t size;
    size_t capacity;
} encoder;

static void on_error(png_structp png, png_const_charp message)
{
    encoder *e = png_get_error_ptr(png);
    e->status = cxai_fail(e->error, CXAI_NO_MEMORY,
                          "cannot write a PNG of %d x %d pixels: %s",
                          e->image->width, e->image->height, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_write(png_structp png, png_bytep bytes, size_t size)
{
    encoder *e = png_get_io_ptr(png);
    if (cx_grow(&e->bytes, &e->capacity, e->size + size, 1) != 0)
        png_error(png, "out of memory");
    memcpy((char *)e->bytes + e->size, bytes, size);
    e->size += size;
}

static void on_flush(png_structp png)
{
    (void)png;
}

static void encode(encoder *e)
{
    if (setjmp(png_jmpbuf(e->png)))
        return;
    const cxai_image *image = e->image;
    png_set_user_limits(e->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(
        e->png, e->info, (png_uint_32)image->width, (png_uint_32)image->height,
        8, image->channels == 4 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB,
        PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
        PNG_FILTER_TYPE_DEFAULT);
    /* for photos and drawings half the time of libpng's defaults, and smaller
       files */
    png_set_compression_level(e->png, 3);
    png_set_filter(e->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_write_info(e->png, e->info);
    size_t row_bytes = (size_t)image->width * (size_t)image->channels;
    for (int y = 0; y < image->height; y++)
        png_write_row(e->png, image->pixels + (size_t)y * row_bytes);
    png_write_end(e->png, e->info);
}

cxai_status cxai_image_encode(const cxai_image *image, void **bytes,
                              size_t *size, cxai_error *error)
{
    *bytes = NULL;
    *size = 0;
    encoder e = { .image = image, .error = error };
    e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &e, on_error,
                                    on_warning);
    if (e.png != NULL)
        e.info = png_create_info_struct(e.png);
    if (e.info == NULL) {
        e.status =
            cxai_fail(error, CXAI_NO_MEMORY, "no memory for the PNG encoder");
    } else {
        png_set_write_fn(e.png, &e, on_write, on_flush);
        encode(&e);
    }
    png_destroy_write_struct(&e.png, &e.info);
    if (e.status != CXAI_OK) {
        free(e.bytes);
        return e.status;
    }
    *bytes = e.bytes;
    *size = e.size;
    return CXAI_OK;
}

cxai_status cxai_image_save(const cxai_image *image, const char *path,
                            cxai_error *error)
{
    void *bytes;
    size_t size;
    cxai_status status = cxai_image_encode(image, &bytes, &size, error);
    if (status != CXAI_OK)
        return status;
    status = cxai_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}
