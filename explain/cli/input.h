/* One IMAGE: a picture, prepared; or the rows of a .npy array. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "common.h"

#include "cxai/image.h"

typedef struct input {
    const char *path;
    const char *stem; /* what its output files are called by */
    cxai_image photo; /* pixels NULL for .npy */
    cxai_geometry geometry;
    cxai_image_info info;
    cxai_real *tensor; /* dense, of shape */
    cxai_shape shape;  /* dim[0]: number of pictures in it */
    char note[48];     /* what was done to the photo that people may wonder
                          at, to stand behind its path, or "" */
} input;

enum { INPUT_STEM = 128 };

/* Reads and prepares what in->path names; the error names the path.
   input_close ends it in either case; the path stays. */
cxai_status input_open(input *in, workbench *bench, cxai_error *error);
void input_close(input *in);

/* What output files of one row are called by: the stem, with the row's number
   where there are several. */
void input_row_stem(const input *in, int64_t row, char stem[INPUT_STEM]);

/* The number that a report gives a row of several, or -1. */
int64_t input_row_number(const input *in, int64_t row);
/* Adds the photo's facts, and the range of the numbers that the network got, to
   the result of one row. */
void input_report(json *report, const input *in, int64_t row);

/* Whether a file's name is that of a picture or array that input_open reads,
   as far as a name can tell. */
int input_is_named(const char *name);

#endif
