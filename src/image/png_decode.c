/* PNG pictures, read by libpng. Source: PNG specification, third edition. */
#include "base/alloc.h"
#include "image/decode.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/* libpng reports errors by longjmp, so all that has to be given back lies
   here and not in local variables. */
typedef struct decoder {
    const cx_picture_file *file;
    size_t position; /* of the next byte to read */
    cxai_image *out;
    cxai_image_info *found;
    cxai_error *error;
    cxai_status status;
    int no_memory;      /* 1: libpng asked for memory and got none */
    size_t most_memory; /* at once; more is not for what the file holds */
    png_structp png;
    png_infop info;
    uint8_t *raw; /* one row, or all rows of an interlaced picture */
    int colours;  /* of the palette, over white; 0: no palette is used */
    uint8_t palette[PNG_MAX_PALETTE_LENGTH][3];
    uint8_t transparent[PNG_MAX_PALETTE_LENGTH]; /* 1: not opaque */
} decoder;

static void on_error(png_structp png, png_const_charp message)
{
    decoder *d = png_get_error_ptr(png);
    if (d->no_memory)
        d->status =
            cxai_fail(d->error, CXAI_NO_MEMORY,
                      "%s: no memory for the PNG decoder", d->file->name);
    else
        d->status = cxai_fail(d->error, CXAI_MALFORMED,
                              "%s: corrupt PNG near byte %zu: %s",
                              d->file->name, d->position, message);
    png_longjmp(png, 1);
}

static png_voidp on_malloc(png_structp png, png_alloc_size_t size)
{
    decoder *d = png_get_mem_ptr(png);
    if (size > d->most_memory)
        return NULL;
    void *block = cx_alloc(size, 1);
    if (block == NULL)
        d->no_memory = 1;
    return block;
}

static void on_free(png_structp png, png_voidp block)
{
    (void)png;
    free(block);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep bytes, size_t size)
{
    decoder *d = png_get_io_ptr(png);
    if (size > d->file->size - d->position)
        png_error(png, "truncated: the file ends before the picture does");
    memcpy(bytes, d->file->bytes + d->position, size);
    d->position += size;
}

/* While chunks are read that are kept whole: libpng takes memory for as much
   as they claim to hold before it reads them. Its own needs are small then. */
static void expect_chunks(decoder *d)
{
    d->most_memory = d->file->size + (1 << 16);
}

/* Gamma, profiles and texts have no influence here: they are skipped unread,
   so that a strange profile or a text that unpacks to gigabytes does no
   harm. */
static void skip_chunks(png_structp png)
{
    static const png_byte skipped[] = "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0"
                                      "oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0"
                                      "sRGB\0sTER\0tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, skipped,
                                sizeof skipped / 5);
}

static const char *colour_name(int colour_type)
{
    if (colour_type == PNG_COLOR_TYPE_PALETTE)
        return "palette";
    return colour_type & PNG_COLOR_MASK_COLOR ? "RGB" : "grey";
}

static unsigned sample(const uint8_t *raw, size_t index, int bits)
{
    if (bits == 8)
        return raw[index];
    return (unsigned)raw[2 * index] << 8 | raw[2 * index + 1];
}

/* One row of 3 or 4 samples a pixel to 8-bit RGB over white, rounded once.
   Returns 1 when some pixel is not opaque. */
static int convert_row(const uint8_t *raw, int channels, int bits, int width,
                       uint8_t *rgb)
{
    const uint64_t full = bits == 8 ? 255 : 65535;
    const uint64_t divisor = full * (full / 255);
    int transparent = 0;
    for (int x = 0; x < width; x++) {
        size_t at = (size_t)x * (size_t)channels;
        uint64_t alpha = channels == 4 ? sample(raw, at + 3, bits) : full;
        transparent |= alpha != full;
        for (size_t c = 0; c < 3; c++) {
            uint64_t over_white =
                sample(raw, at + c, bits) * alpha + full * (full - alpha);
            *rgb++ = (uint8_t)((over_white + divisor / 2) / divisor);
        }
    }
    return transparent;
}

/* The same for a row of indices. libpng would let through those that the
   palette lacks. */
static int convert_indices(const decoder *d, const uint8_t *raw, int width,
                           uint8_t *rgb)
{
    int transparent = 0;
    for (int x = 0; x < width; x++, rgb += 3) {
        if (raw[x] >= d->colours)
            png_error(d->png, "a pixel has a colour that the palette lacks");
        memcpy(rgb, d->palette[raw[x]], 3);
        transparent |= d->transparent[raw[x]];
    }
    return transparent;
}

static void read_palette(decoder *d)
{
    png_colorp colour;
    png_bytep alpha = NULL;
    int alphas = 0;
    if (!png_get_PLTE(d->png, d->info, &colour, &d->colours) || d->colours < 1)
        png_error(d->png, "the palette is missing");
    png_get_tRNS(d->png, d->info, &alpha, &alphas, NULL);
    for (int i = 0; i < d->colours; i++) {
        uint8_t rgba[4] = { colour[i].red, colour[i].green, colour[i].blue,
                            i < alphas ? alpha[i] : 255 };
        d->transparent[i] = (uint8_t)convert_row(rgba, 4, 8, 1, d->palette[i]);
    }
}

/* Reads the header, checks it, and asks libpng for rows of indices, or of RGB
   or RGBA in 8 or 16 bits. Returns the number of interlace passes, 0 when
   refused. */
static int start(decoder *d)
{
    png_structp png = d->png;
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_crc_action(png, PNG_CRC_DEFAULT, PNG_CRC_ERROR_QUIT);
    skip_chunks(png);
    png_read_info(png, d->info);

    png_uint_32 width = png_get_image_width(png, d->info);
    png_uint_32 height = png_get_image_height(png, d->info);
    int colour_type = png_get_color_type(png, d->info);
    d->status = cx_picture_check_size(d->file, width, height, d->error);
    if (d->status != CXAI_OK)
        return 0;
    d->found->format = "PNG";
    d->found->colour = colour_name(colour_type);
    d->found->bits = png_get_bit_depth(png, d->info);
    d->found->stored_width = (int)width;
    d->found->stored_height = (int)height;

    if (colour_type == PNG_COLOR_TYPE_PALETTE) {
        read_palette(d);
        png_set_packing(png); /* one byte for each index */
    } else {
        png_set_expand(png); /* 1 to 4 bits, a transparent colour */
        if (!(colour_type & PNG_COLOR_MASK_COLOR))
            png_set_gray_to_rgb(png);
    }
    d->most_memory = SIZE_MAX; /* for rows, whose size is checked */
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, d->info);
    return passes;
}

static void read_rows(decoder *d, int passes)
{
    png_structp png = d->png;
    size_t row_bytes = png_get_rowbytes(png, d->info);
    int channels = png_get_channels(png, d->info);
    int bits = png_get_bit_depth(png, d->info);
    int width = d->out->width, height = d->out->height;
    size_t stride = passes > 1 ? row_bytes : 0;
    d->raw = cx_alloc(passes > 1 ? (size_t)height : 1, row_bytes);
    if (d->raw == NULL) {
        d->status = cxai_fail(d->error, CXAI_NO_MEMORY,
                              "%s: no memory for %d x %d pixels", d->file->name,
                              width, height);
        return;
    }
    for (int pass = 0; pass < passes; pass++) {
        for (int y = 0; y < height; y++) {
            uint8_t *raw = d->raw + (size_t)y * stride;
            png_read_row(png, raw, NULL);
            uint8_t *rgb = d->out->pixels + (size_t)y * (size_t)width * 3;
            if (pass < passes - 1)
                continue;
            if (d->colours > 0 ? convert_indices(d, raw, width, rgb)
                               : convert_row(raw, channels, bits, width, rgb))
                d->found->alpha_composited = 1;
        }
    }
}

static void finish(decoder *d)
{
    expect_chunks(d);
    png_read_end(d->png, d->info);
    png_bytep exif;
    png_uint_32 size;
    if (png_get_eXIf_1(d->png, d->info, &size, &exif))
        d->found->orientation = cx_exif_orientation(exif, size);
}

static void decode(decoder *d)
{
    if (setjmp(png_jmpbuf(d->png)))
        return;
    int passes = start(d);
    if (d->status != CXAI_OK)
        return;
    d->status = cxai_image_create(d->out, d->found->stored_width,
                                  d->found->stored_height, 3, d->error);
    if (d->status != CXAI_OK)
        return;
    read_rows(d, passes);
    if (d->status == CXAI_OK)
        finish(d);
}

cxai_status cx_png_decode(cxai_image *out, const cx_picture_file *file,
                          cxai_image_info *info, cxai_error *error)
{
    decoder d = { .file = file, .out = out, .found = info, .error = error };
    expect_chunks(&d);
    d.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &d, on_error,
                                     on_warning, &d, on_malloc, on_free);
    if (d.png != NULL)
        d.info = png_create_info_struct(d.png);
    if (d.info == NULL) {
        d.status = cxai_fail(error, CXAI_NO_MEMORY,
                             "%s: no memory for the PNG decoder", file->name);
    } else {
        png_set_read_fn(d.png, &d, on_read);
        decode(&d);
    }
    png_destroy_read_struct(&d.png, &d.info, NULL);
    free(d.raw);
    return d.status;
}
