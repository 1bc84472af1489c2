/* JPEG pictures, read by libjpeg (libjpeg-turbo). Source: ITU-T T.81; Adobe
   Technical Note 5116 for the colour transform of CMYK. */
#include "base/alloc.h"
#include "image/decode.h"

#include <setjmp.h>
#include <stdio.h> /* jpeglib.h needs it */
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

enum {
    MAX_SCANS = 500,     /* a progressive file of more is an attack */
    MAX_MARKER = 0xffff, /* bytes of an application segment */
    EXIF_MARKER = JPEG_APP0 + 1,
    EXIF_PREFIX = 6, /* "Exif", 0, 0; the TIFF header follows */
};

/* libjpeg reports errors through a function that must not return, so all that
   has to be given back lies here and not in local variables. */
typedef struct decoder {
    struct jpeg_error_mgr manager; /* first: libjpeg hands it back */
    jmp_buf jump;
    struct jpeg_progress_mgr progress;
    struct jpeg_decompress_struct jpeg;
    const cx_picture_file *file;
    cxai_image *out;
    cxai_image_info *found;
    cxai_error *error;
    cxai_status status;
    uint8_t *row; /* one row as libjpeg gives it */
} decoder;

static void on_error(j_common_ptr jpeg)
{
    decoder *d = (decoder *)jpeg->err;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
        d->status =
            cxai_fail(d->error, CXAI_NO_MEMORY,
                      "%s: no memory for the JPEG decoder", d->file->name);
    else
        d->status = cxai_fail(d->error, CXAI_MALFORMED, "%s: corrupt JPEG: %s",
                              d->file->name, message);
    longjmp(d->jump, 1);
}

/* A warning (level -1) says that libjpeg fills in what it cannot read. Only
   those that leave the picture whole are let through. */
static void on_message(j_common_ptr jpeg, int level)
{
    int code = jpeg->err->msg_code;
    if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR ||
        code == JWRN_ADOBE_XFORM)
        return;
    decoder *d = (decoder *)jpeg->err;
    if (code != JWRN_JPEG_EOF && code != JWRN_HIT_MARKER)
        on_error(jpeg);
    d->status = cxai_fail(d->error, CXAI_MALFORMED,
                          "%s: truncated JPEG: the file ends before the "
                          "picture does",
                          d->file->name);
    longjmp(d->jump, 1);
}

static void on_output(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_progress(j_common_ptr jpeg)
{
    decoder *d = (decoder *)jpeg->err;
    if (d->jpeg.input_scan_number <= MAX_SCANS)
        return;
    d->status =
        cxai_fail(d->error, CXAI_LIMIT, "%s: the JPEG has more than %d scans",
                  d->file->name, (int)MAX_SCANS);
    longjmp(d->jump, 1);
}

static void start(decoder *d)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg_create_decompress(jpeg);
    d->progress.progress_monitor = on_progress;
    jpeg->progress = &d->progress;
    jpeg_save_markers(jpeg, EXIF_MARKER, MAX_MARKER);
    jpeg_mem_src(jpeg, d->file->bytes, (unsigned long)d->file->size);
    jpeg_read_header(jpeg, TRUE);
}

static int find_orientation(const struct jpeg_decompress_struct *jpeg)
{
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker != NULL;
         marker = marker->next)
        if (marker->marker == EXIF_MARKER &&
            marker->data_length > EXIF_PREFIX &&
            memcmp(marker->data, "Exif\0", EXIF_PREFIX) == 0)
            return cx_exif_orientation(marker->data + EXIF_PREFIX,
                                       marker->data_length - EXIF_PREFIX);
    return 1;
}

/* Names the stored colours and asks for RGB, grey or CMYK rows. */
static const char *choose_colour(struct jpeg_decompress_struct *jpeg)
{
    switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE: jpeg->out_color_space = JCS_GRAYSCALE; return "grey";
    case JCS_CMYK: jpeg->out_color_space = JCS_CMYK; return "CMYK";
    case JCS_YCCK: jpeg->out_color_space = JCS_CMYK; return "YCCK";
    case JCS_RGB: jpeg->out_color_space = JCS_RGB; return "RGB";
    default: jpeg->out_color_space = JCS_RGB; return "YCbCr";
    }
}

static uint8_t times(unsigned a, unsigned b)
{
    return (uint8_t)((a * b + 127) / 255);
}

/* Inks are stored inverted, 255 being none; a colour is what the ink and then
   black let through. */
static void convert_row(const uint8_t *row, int components, int width,
                        uint8_t *rgb)
{
    for (int x = 0; x < width; x++, row += components, rgb += 3)
        for (int c = 0; c < 3; c++)
            rgb[c] = components == 1 ? row[0] : times(row[c], row[3]);
}

static void read_rows(decoder *d)
{
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    jpeg_start_decompress(jpeg);
    int width = d->out->width, components = jpeg->output_components;
    d->row = cx_alloc((size_t)width, (size_t)components);
    if (d->row == NULL) {
        d->status =
            cxai_fail(d->error, CXAI_NO_MEMORY,
                      "%s: no memory for the JPEG decoder", d->file->name);
        return;
    }
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *rgb =
            d->out->pixels + (size_t)jpeg->output_scanline * (size_t)width * 3;
        JSAMPROW target = components == 3 ? rgb : d->row;
        jpeg_read_scanlines(jpeg, &target, 1);
        if (components != 3)
            convert_row(d->row, components, width, rgb);
    }
    jpeg_finish_decompress(jpeg);
}

static void decode(decoder *d)
{
    if (setjmp(d->jump))
        return;
    start(d);
    struct jpeg_decompress_struct *jpeg = &d->jpeg;
    d->status = cx_picture_check_size(d->file, jpeg->image_width,
                                      jpeg->image_height, d->error);
    if (d->status != CXAI_OK)
        return;
    d->found->format = "JPEG";
    d->found->colour = choose_colour(jpeg);
    d->found->bits = jpeg->data_precision;
    d->found->stored_width = (int)jpeg->image_width;
    d->found->stored_height = (int)jpeg->image_height;
    d->found->orientation = find_orientation(jpeg);
    d->status = cxai_image_create(d->out, d->found->stored_width,
                                  d->found->stored_height, 3, d->error);
    if (d->status == CXAI_OK)
        read_rows(d);
}

cxai_status cx_jpeg_decode(cxai_image *out, const cx_picture_file *file,
                           cxai_image_info *info, cxai_error *error)
{
    decoder d = { .file = file, .out = out, .found = info, .error = error };
    d.jpeg.err = jpeg_std_error(&d.manager);
    d.manager.error_exit = on_error;
    d.manager.emit_message = on_message;
    d.manager.output_message = on_output;
    decode(&d);
    jpeg_destroy_decompress(&d.jpeg);
    free(d.row);
    return d.status;
}
