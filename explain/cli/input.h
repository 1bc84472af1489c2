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
} input;

/* Reads and prepares what in->path names; the error names the path.
   input_close ends it in either case; the path stays. */
cxai_status input_open(input *in, const workbench *bench, cxai_error *error);
void input_close(input *in);

/* Whether a file's name is that of a picture or array that input_open reads,
   as far as a name can tell. */
int input_is_named(const char *name);

#endif
