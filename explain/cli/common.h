/* What the commands share: settings, messages, a model with its preprocessing
   and labels, the head and foot of reports. */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include "command.h"

#include "json.h"
#include "limits.h"

#include "cxai/labels.h"
#include "cxai/model.h"
#include "cxai/preprocess.h"

/* Every command's settings begin with these. */
typedef struct common_settings {
    const char *model;
    const char *labels;
    const char *out;
    const char *npy;
    int json;
    int quiet;
    long long threads;
    text_list limits;
    const char *preprocess[12]; /* by number in preprocess_options */
    int keep_orientation;
    const char *files_from;
    int recursive;
} common_settings;

/* The options behind them: model, labels and output; preprocessing; IMAGE
   operands. Each command describes its own --out. */
extern const option_list model_options;
extern const option_list preprocess_options;
extern const option_list image_options;

/* ---- messages: one line on standard error ---------------------------------
 */

/* "cxai: message"; returns EXIT_FAILED. */
int complain(const char *format, ...) CXAI_PRINTF(1, 2);
int complain_error(const cxai_error *error);

/* Prints on standard output. */
void say(const char *format, ...) CXAI_PRINTF(1, 2);

/* A number to print: glibc prints the sign of a NaN, which means nothing. */
double shown(double value);

double seconds_now(void);

/* ---- the model ------------------------------------------------------------
 */

typedef struct workbench {
    cxai_model *model;
    const char *name;       /* path, or "built-in efficientnet-lite0" */
    cxai_error no_pictures; /* why the network takes none; status OK: it does */
    cxai_preprocess preprocess; /* where it takes pictures */
    cxai_image_options pictures;
    cxai_labels *labels;    /* NULL: none */
    cxai_shape input_shape; /* of one picture */
    cxai_shape *shapes;     /* of all values for input_shape */
    double load_seconds;
    limits limits;
    int quiet;
    json warnings;             /* an array, for the report */
    int told_guess, told_size; /* warnings that are given once */
} workbench;

/* Loads model, preprocessing and labels; 0, or an exit code after a message.
   workbench_close ends it in either case. A model that takes no pictures is
   opened as well, for what needs none; shapes that its free dimensions leave
   unknown have rank -1. */
int workbench_open(workbench *bench, const common_settings *settings);
void workbench_close(workbench *bench);

/* Fails where the model takes no pictures, saying why. */
cxai_status need_pictures(const workbench *bench, cxai_error *error);

/* Makes input_shape and shapes those of one input of this shape. */
cxai_status workbench_take_shape(workbench *bench, const cxai_shape *shape,
                                 cxai_error *error);
/* Allocates shapes and makes them those of one picture, as far as they are
   known before there is one. */
cxai_status workbench_find_shapes(workbench *bench, cxai_error *error);
/* The same for a photo, where pictures are fed at their own size. */
cxai_status workbench_take_photo(workbench *bench, const cxai_image *photo,
                                 cxai_error *error);

/* "cxai: warning: message", unless quiet; the report holds it in any case. */
void warn(workbench *bench, const char *format, ...) CXAI_PRINTF(2, 3);

/* Warns, once, where nothing says how the model wants its pictures. */
void warn_of_guess(workbench *bench);

/* A class's name, or NULL. */
const char *class_name(const workbench *bench, int64_t index);

/* The preprocessing in one line. */
const char *preprocess_text(const workbench *bench, char *text, size_t size);

/* Finds the layer a user names; NULL: the default CAM layer. */
cxai_status find_layer(workbench *bench, const char *name, int *value,
                       cxai_error *error);

/* ---- reports --------------------------------------------------------------
 */

/* The start of a JSON report: version, command, model, preprocessing. The
   object stays open. wanted as for report_end. */
void report_begin(json *report, const char *name, const workbench *bench,
                  int wanted);

/* Ends the report with the warnings, prints it where wanted, and frees it. */
cxai_status report_end(json *report, workbench *bench, int wanted,
                       cxai_error *error);

#endif
