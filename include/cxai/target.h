/*
 * Targets: the number that is explained or maximised.
 *
 * A target is a linear functional of one value of the graph, of one batch
 * item: a sum of up to CXAI_TARGET_TERMS terms, each being
 *
 *     weight * mean of a block of the value's numbers
 *
 * A class is such a block of cxai_model_logits: never of the saturated
 * probability, unless that value is asked for by name. A class of a
 * segmentation is the mean of its map, or of some positions of it; a channel
 * of a layer the mean over its positions; "cat - dog" two terms.
 *
 * The mean is taken, not the sum, so that a score does not depend on the size
 * of a block; pytorch-grad-cam's SemanticSegmentationTarget is the sum, count
 * times as much.
 *
 * All functions are pure but for what they write through their pointers.
 */
#ifndef CXAI_TARGET_H
#define CXAI_TARGET_H

#include "cxai/labels.h"
#include "cxai/model.h"
#include "cxai/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CXAI_TARGET_TERMS 4

/* Indices first .. first + count - 1 of a dimension; count 0: all of it. */
typedef struct cxai_span {
    int64_t first, count;
} cxai_span;

/* Which positions of a class count. */
typedef enum cxai_wins {
    CXAI_EVERYWHERE,
    CXAI_WINS_LARGEST,  /* where no other class along wins_axis is larger (of
                           equal ones the first wins) */
    CXAI_WINS_POSITIVE, /* where the number is above 0: a sigmoid above 1/2 */
} cxai_wins;

typedef struct cxai_target_term {
    double weight;
    cxai_span span[CXAI_MAX_RANK]; /* of each dimension; that of the batch,
                                      span[0], is not looked at */
    const unsigned char *mask; /* borrowed; NULL, or a byte for each number of
                                  the block in row-major order: 0 leaves the
                                  number out of the mean */

    /* What only a forward pass can tell; see cxai_target_resolve. */
    int top;      /* 0; or k: the index along top_axis of the k-th largest */
    int top_axis; /* 0: of the two sides of a single number, x and -x, the one
                     that is positive (k = 1) or the other (k = 2) */
    cxai_wins wins;
    int wins_axis; /* span[wins_axis] is one index */
} cxai_target_term;

typedef struct cxai_target {
    int value;      /* value number; shape (N,...) */
    int term_count; /* 1 .. CXAI_TARGET_TERMS */
    cxai_target_term terms[CXAI_TARGET_TERMS];
    char text[256]; /* as it was asked for, cut to fit */
} cxai_target;

/* One channel, index of dimension 1, of a value of any rank: the mean over its
   positions. The text is empty. */
CXAI_API cxai_target cxai_target_channel(int value, int64_t channel);

/* Turns a target into its contrary: all weights change their sign. */
CXAI_API void cxai_target_negate(cxai_target *target);

/* What a text is read against. */
typedef struct cxai_target_context {
    const cxai_model *model;
    const cxai_shape *shapes;      /* those of cxai_model_shapes */
    const cxai_labels *labels;     /* may be NULL */
    const cxai_geometry *geometry; /* of the photo; NULL: the network's pixels
                                      are the photo's */
} cxai_target_context;

/*
 * Reads a target:
 *
 *     281                 a class by index
 *     tabby cat           a class by label, or a unique part of one
 *     yes, no             the two sides of a single sigmoid output
 *     top1 ... topK       the class with the K-th largest logit; NULL: top1
 *     -tabby cat          what speaks against a class
 *     tabby cat - tiger cat       this and not that; + adds. The spaces are
 *                         needed. 2*cat weighs.
 *     CLASS@x0,y0,x1,y1   a class of a map (segmentation) in a part of the
 *                         photo, in its pixels: x0 <= x < x1
 *     CLASS@wins          a class of a map at the positions where it wins
 *     layer4[7]           a channel of any layer, see cxai_model_find
 *     layer4[7,3,5]       one position (row, column) of it
 *     out[0:4,-1]         numbers of any value, indices of the dimensions
 *                         behind the batch as in Python: -1 is the last, 2:5
 *                         are 2, 3 and 4, : all, ... as many : as fit; what is
 *                         left out at the end is all. The mean is taken.
 *     out[4,top1]         of the numbers out[4,:] the largest; out[5,top1]
 *                         another index perhaps
 *
 * A text, or a part of one, that is a label as a whole is that class, whatever
 * signs stand in it.
 *
 * A single number behind a sigmoid has two sides, yes (its logit) and no (minus
 * its logit); top1 is the one that wins. Index 0 is yes. With two labels, the
 * second names yes and the first no (and an index is refused, as people mean
 * either by it); with one label, it names yes.
 *
 * Errors: CXAI_NOT_FOUND for an unknown label or layer (the nearest are
 * listed), CXAI_INVALID for an ambiguous one, an empty text, an index out of
 * range (which is named), a class of a value without classes.
 */
CXAI_API cxai_status cxai_target_parse(cxai_target *out,
                                       const cxai_target_context *context,
                                       const char *text, cxai_error *error);

/* Reads a list joined by commas, in which topA..topB stands for all ranks from
   A to B. A comma inside brackets, or inside a label as a whole, does not
   split. *out is owned by the caller, who ends it with free(). */
CXAI_API cxai_status cxai_target_parse_list(cxai_target **out, int *count,
                                            const cxai_target_context *context,
                                            const char *text,
                                            cxai_error *error);

/* Whether a target fits a value's shape: CXAI_INVALID names what does not. Ask
   before any function below, whose arguments are not checked. */
CXAI_API cxai_status cxai_target_check(const cxai_target *target,
                                       const cxai_model *model,
                                       const cxai_shape *shape,
                                       cxai_error *error);

/* 1 when a forward pass has to tell what the target is (topK, wins). */
CXAI_API int cxai_target_is_open(const cxai_target *target);

/* Bytes that cxai_target_resolve needs for masks; 0 without wins. */
CXAI_API int64_t cxai_target_mask_bytes(const cxai_target *target,
                                        const cxai_shape *shape);

/* Turns ranks into the indices that they stand for, and wins into masks, which
   are written to mask and belong to the target from then on; mask may be NULL
   when none is needed. value is a view of the target's value after a forward,
   of which batch item 0 decides. NaN ranks last and wins nowhere, equal
   numbers rank by their index. CXAI_INVALID for a rank that does not exist and
   a class that wins nowhere. */
CXAI_API cxai_status cxai_target_resolve(cxai_target *target,
                                         const cxai_tensor *value,
                                         unsigned char *mask,
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

/* The class that a target, which is not open, stands for: the index when it is
   a single term, a class of the logits as a whole; else -1. classes is
   cxai_model_classes of the model. */
CXAI_API int64_t cxai_target_class(const cxai_target *target,
                                   const cxai_classes *classes);

/* Says in words what a target that is not open is: "tabby cat", "no", "tabby
   cat - tiger cat", "out[3,0:4]", "cat where it wins (12 of 64)". labels may
   be NULL. Cut to size bytes with a final 0; returns text. */
CXAI_API char *cxai_target_describe(const cxai_target *target,
                                    const cxai_target_context *context,
                                    char *text, size_t size);

/* The numbers of one term: "[3,0:4,:]", in the order of the value's
   dimensions behind the batch. */
CXAI_API char *cxai_target_indices(const cxai_target_term *term,
                                   const cxai_shape *shape, char *text,
                                   size_t size);

/* Numbers of a term that are averaged. */
CXAI_API int64_t cxai_target_count(const cxai_target_term *term,
                                   const cxai_shape *shape);

/* Probabilities of count logits (dense) of one position: by softmax or
   sigmoid, or NaN, as the model's classes are to be read. */
CXAI_API void cxai_target_probabilities(cxai_reading reading,
                                        const cxai_real *logits, int64_t count,
                                        double *probabilities);

#ifdef __cplusplus
}
#endif
#endif
