/* What the commands share: a model with its preprocessing and labels, inputs,
   messages, reports. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "command.h"

#include <cjson/cJSON.h>

#include "cxai/image.h"
#include "cxai/labels.h"
#include "cxai/model.h"
#include "cxai/preprocess.h"

/* Every command's settings begin with these. */
typedef struct common_settings {
    const char *model;
    const char *labels;
    const char *npy;
    int json;
    int quiet;
    long long threads;
    const char *preprocess[9]; /* by number in preprocess_options */
} common_settings;

/* The options behind them: model and labels, preprocessing, output. */
extern const option_list model_options;
extern const option_list preprocess_options;

/* ---- messages: one line on standard error ---------------------------------
 */

/* "cxai: message"; returns EXIT_FAILED. */
int complain(const char *format, ...) CXAI_PRINTF(1, 2);
int complain_error(const cxai_error *error);

/* ---- the model ------------------------------------------------------------
 */

typedef struct workbench {
    cxai_model *model;
    const char *name; /* path, or "built-in efficientnet-lite0" */
    cxai_preprocess preprocess;
    cxai_labels *labels;    /* NULL: none */
    cxai_shape input_shape; /* of one picture */
    cxai_shape *shapes;     /* of all values for input_shape */
    double load_seconds;
} workbench;

/* Loads model, preprocessing and labels; 0, or an exit code after a message.
   workbench_close ends it in either case. */
int workbench_open(workbench *bench, const common_settings *settings);
void workbench_close(workbench *bench);

/* A class's name, or NULL. */
const char *class_name(const workbench *bench, int64_t index);

/* Finds the layer a user names; NULL: the default CAM layer. */
int find_layer(const workbench *bench, const char *name, int *value);

/* ---- inputs ---------------------------------------------------------------
 */

/* One IMAGE operand: a picture, prepared; or the rows of a .npy array. */
typedef struct input {
    const char *path;
    cxai_image photo; /* pixels NULL for .npy */
    cxai_geometry geometry;
    cxai_image_info info;
    cxai_real *tensor; /* dense, of shape */
    cxai_shape shape;  /* dim[0]: number of pictures in it */
} input;

int input_open(input *in, const workbench *bench, const char *path);
void input_close(input *in);

/* ---- outputs --------------------------------------------------------------
 */

double seconds_now(void);

/* The operand's file name without folder and extension, made safe for a file
   name; "stdin" for "-". */
void stem_of(const char *path, char *stem, size_t size);

/* text with everything but letters, digits, '.', '_' and '-' replaced. */
void safe_name(const char *text, char *safe, size_t size);

/* OUT/stem.suffix where out is a folder (it is made when it ends in '/'),
   ./stem.suffix where out is NULL, else out itself. 0, or an exit code. */
int output_path(const char *out, const char *stem, const char *suffix,
                char *path, size_t size);

/* 1 when out means a folder. */
int is_folder(const char *out);

/* A growing array of reals for --npy. */
typedef struct stack {
    cxai_real *data;
    size_t count, capacity;
    cxai_shape shape; /* of one item; dim[0] of the file counts items */
    int64_t items;
} stack;

/* Adds items of one shape; 0, or an exit code. */
int stack_add(stack *s, const cxai_real *data, const cxai_shape *shape,
              int64_t items);
/* Saves (items, shape...) where a path is given; ends the stack. */
int stack_save(stack *s, const char *path);

/* The start of a JSON report: version, command, model, preprocessing. */
cJSON *report_begin(const char *name, const workbench *bench);
/* Prints and ends a report; 0, or an exit code. */
int report_end(cJSON *report);

#endif
