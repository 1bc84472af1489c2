/*
 * Targets: the number that is explained or maximised.
 *
 * A target is a linear functional of one value of the graph: weight times one
 * channel of it. Where the channel has several positions, its mean over them
 * is taken, or one position if row and column say so. A class is the channel
 * of cxai_model_logits: never the saturated probability, unless that value is
 * asked for by name.
 *
 * All functions are pure but for what they write through their pointers.
 */
#ifndef CXAI_TARGET_H
#define CXAI_TARGET_H

#include "cxai/labels.h"
#include "cxai/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cxai_target {
    int value;           /* value number; shape (N,channels,...) */
    int top;             /* 0; or k: the k-th largest channel, not known yet */
    int64_t channel;     /* index along dimension 1; -1 while top is not 0 */
    int64_t row, column; /* one position of a value of rank 4; -1, -1: mean */
    double weight;       /* 1 unless the caller changes it */
    char text[128];      /* as it was asked for, cut to fit */
} cxai_target;

/*
 * Reads a target:
 *
 *     281                 a class by index
 *     tabby cat           a class by label, or a unique part of one
 *     top1 ... topK       the class with the K-th largest logit; NULL: top1
 *     layer4[7]           a channel of any layer, see cxai_model_find
 *     layer4[7,3,5]       one position (row, column) of it
 *
 * shapes are those of cxai_model_shapes; labels may be NULL. Errors:
 * CXAI_NOT_FOUND for an unknown label or layer (the nearest are listed),
 * CXAI_INVALID for an ambiguous one, an index out of range or a value without
 * channels.
 */
CXAI_API cxai_status cxai_target_parse(cxai_target *out,
                                       const cxai_model *model,
                                       const cxai_shape *shapes,
                                       const cxai_labels *labels,
                                       const char *text, cxai_error *error);

/* Reads a list joined by commas, in which topA..topB stands for all ranks from
   A to B. A comma inside brackets, or a text that is a label as a whole, is
   not split. *out is owned by the caller, who ends it with free(). */
CXAI_API cxai_status cxai_target_parse_list(cxai_target **out, int *count,
                                            const cxai_model *model,
                                            const cxai_shape *shapes,
                                            const cxai_labels *labels,
                                            const char *text,
                                            cxai_error *error);

/* Turns a rank (topK) into the channel it stands for; value is a view of the
   target's value after a forward, of which batch item 0 decides. Does nothing
   when the channel is known. NaN ranks last, equal numbers by their index. */
CXAI_API cxai_status cxai_target_resolve(cxai_target *target,
                                         const cxai_tensor *value,
                                         cxai_error *error);

/* The target's number in one batch item of a view of its value. */
CXAI_API double cxai_target_score(const cxai_target *target,
                                  const cxai_tensor *value, int64_t item);

/* Adds the target's gradient for one batch item to seed, which is dense, of
   the given shape of the target's value, and zero at first: what
   cxai_session_backward takes. */
CXAI_API void cxai_target_seed(const cxai_target *target,
                               const cxai_shape *shape, int64_t item,
                               cxai_real *seed);

/* Probabilities of count logits (dense): sigmoid where the model's output is a
   sigmoid of its logits, softmax otherwise. */
CXAI_API void cxai_target_probabilities(const cxai_model *model,
                                        const cxai_real *logits, int64_t count,
                                        double *probabilities);

#ifdef __cplusplus
}
#endif
#endif
