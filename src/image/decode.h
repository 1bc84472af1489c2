/*
 * Decoders: what image.c, which picks one by content, shares with them.
 */
#ifndef CX_IMAGE_DECODE_H
#define CX_IMAGE_DECODE_H

#include "cxai/image.h"

/* A file in memory. name is for messages; options are complete. */
typedef struct cx_picture_file {
    const uint8_t *bytes;
    size_t size;
    const char *name;
    cxai_image_options options;
} cx_picture_file;

/* Each fills *out (RGB, as stored: orientation not yet applied) and *info.
   On failure what *out holds is the caller's to free. */
cxai_status cx_png_decode(cxai_image *out, const cx_picture_file *file,
                          cxai_image_info *info, cxai_error *error);
cxai_status cx_jpeg_decode(cxai_image *out, const cx_picture_file *file,
                           cxai_image_info *info, cxai_error *error);

/* Only where CXAI_WEBP is defined. */
cxai_status cx_webp_decode(cxai_image *out, const cx_picture_file *file,
                           cxai_image_info *info, cxai_error *error);

/* Refuses pictures over the limit; to be called before memory is taken. */
cxai_status cx_picture_check_size(const cx_picture_file *file, uint64_t width,
                                  uint64_t height, cxai_error *error);

/* What a file that is neither PNG nor JPEG is, e.g. "a WebP picture", or NULL
   when that is not known. */
const char *cx_format_guess(const uint8_t *bytes, size_t size);

/* The orientation (1..8) in an EXIF block, which begins with a TIFF header;
   1 when it has none or is damaged. */
int cx_exif_orientation(const uint8_t *tiff, size_t size);

/* Turns and mirrors the picture as an EXIF orientation asks for. */
cxai_status cx_image_orient(cxai_image *image, int orientation,
                            cxai_error *error);

#endif
