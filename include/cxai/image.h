/*
 * Pictures: PNG, JPEG and, with libwebp, WebP in, PNG out.
 *
 * A picture is 8-bit RGB (3 channels) or RGBA (4 channels), rows from the top,
 * channels interleaved: the sample of column x, row y, channel c is
 * pixels[(y * width + x) * channels + c].
 *
 * All functions may be called from any thread.
 */
#ifndef CXAI_IMAGE_H
#define CXAI_IMAGE_H

#include "cxai/error.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero-initialise. The pixels are owned by the picture; cxai_image_free ends
   them. */
typedef struct cxai_image {
    int width;
    int height;
    int channels; /* 3: RGB, 4: RGBA, alpha not premultiplied */
    uint8_t *pixels;
} cxai_image;

/* How a picture is read; zero means the default given here. */
typedef struct cxai_image_options {
    uint64_t max_pixels;  /* refuse larger pictures: 100 million */
    uint64_t max_bytes;   /* refuse larger files: 1 GiB */
    int keep_orientation; /* 1: leave pixels as stored, whatever EXIF says */
} cxai_image_options;

/* What was found in the file, and what was done about it. */
typedef struct cxai_image_info {
    const char *format; /* "PNG", "JPEG" or "WebP" */
    const char *colour; /* as stored: "grey", "RGB", "palette", "YCbCr",
                           "CMYK", "YCCK" */
    int bits;           /* per stored sample: 1, 2, 4, 8 or 16 */
    int stored_width;   /* before the orientation was applied */
    int stored_height;
    int orientation;         /* EXIF, 1..8; 1 also when there is none */
    int orientation_applied; /* 1: pixels were turned or mirrored */
    int alpha_composited;    /* 1: some pixel was not opaque and was laid over
                                white */
} cxai_image_info;

/*
 * Reads a picture file; "-" is standard input. The content decides the
 * type, not the name. The result always has 3 channels:
 *
 * - PNG of every colour type, depth and interlace. 16-bit samples v become
 *   round(v / 257). Transparent pixels are laid over white. Gamma and colour
 *   profiles are ignored.
 * - JPEG, baseline and progressive: grey, YCbCr, RGB, CMYK and YCCK (stored
 *   inverted, as Adobe does and every writer in use follows; converted without
 *   a colour profile).
 * - WebP, lossy and lossless, without animation, where the library was built
 *   with libwebp; else it is named as unsupported.
 * - EXIF orientation is applied, unless options say otherwise.
 *
 * A picture that is cut short, or damaged so that a decoder has to guess, is
 * refused. The size is checked before memory is taken for it.
 *
 * options and info may be NULL. On success *out (whatever it held before is
 * not freed) is owned by the caller; on failure it is zero. Errors: CXAI_IO,
 * CXAI_MALFORMED, CXAI_UNSUPPORTED (another format, which is named),
 * CXAI_LIMIT, CXAI_NO_MEMORY.
 */
CXAI_API cxai_status cxai_image_load(cxai_image *out, const char *path,
                                     const cxai_image_options *options,
                                     cxai_image_info *info, cxai_error *error);

/* The same from memory; name is for messages. */
CXAI_API cxai_status cxai_image_parse(cxai_image *out, const void *bytes,
                                      size_t size, const char *name,
                                      const cxai_image_options *options,
                                      cxai_image_info *info, cxai_error *error);

/* A black (and transparent) picture. CXAI_INVALID for a side below 1 or
   channels other than 3 and 4. */
CXAI_API cxai_status cxai_image_create(cxai_image *out, int width, int height,
                                       int channels, cxai_error *error);

/* Frees the pixels and zeroes *image; image may be NULL. */
CXAI_API void cxai_image_free(cxai_image *image);

/* Writes an 8-bit PNG file (RGB or RGBA), which appears by rename. */
CXAI_API cxai_status cxai_image_save(const cxai_image *image, const char *path,
                                     cxai_error *error);

/* The same to memory; *bytes is owned by the caller, who ends it with
   free(). */
CXAI_API cxai_status cxai_image_encode(const cxai_image *image, void **bytes,
                                       size_t *size, cxai_error *error);

typedef enum cxai_filter {
    CXAI_BILINEAR, /* triangle */
    CXAI_BICUBIC,  /* Keys, a = -0.5 */
    CXAI_NEAREST,
    CXAI_LINEAR, /* between neighbours, however much the picture shrinks */
} cxai_filter;

/*
 * Resizes to width x height. Bilinear and bicubic are antialiased: where the
 * picture shrinks, the kernel widens with it. Results equal those of Pillow's
 * Image.resize on RGB, bit for bit: first the rows, then the columns, each
 * rounded to 8 bits (since version 13 Pillow takes the columns first when the
 * height shrinks far more than the width; networks were trained before that).
 * Linear is not antialiased: it is what OpenCV calls INTER_LINEAR, whose
 * results it equals within one level. Channels are independent.
 */
CXAI_API cxai_status cxai_image_resize(cxai_image *out, const cxai_image *image,
                                       int width, int height,
                                       cxai_filter filter, cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
