/*
 * An operator's sample (src/ops/operator.h) turned into numbers and models.
 *
 * The node's inputs are values "x0", "x1", ..., its outputs "y0", "y1", ...
 * What cannot be read ends the test through cmocka.
 */
#ifndef TEST_SUPPORT_SAMPLE_H
#define TEST_SUPPORT_SAMPLE_H

#include "cxai/model.h"
#include "ops/operator.h"

enum { SAMPLE_INPUTS = 16, SAMPLE_OUTPUTS = 8, SAMPLE_TEXT = 256 };

typedef enum sample_kind {
    SAMPLE_OMITTED,
    SAMPLE_INTEGERS, /* always a constant */
    SAMPLE_NUMBERS,  /* a constant of real numbers */
    SAMPLE_REALS,
} sample_kind;

typedef struct sample_input {
    sample_kind kind;
    char shape_text[SAMPLE_TEXT];
    cxai_shape shape;
    int64_t count;
    int64_t *integers;
    double *reals;
} sample_input;

typedef struct sample_case {
    const cx_operator *op;
    const cx_sample *sample;
    int input_count, output_count;
    sample_input inputs[SAMPLE_INPUTS];
} sample_case;

/* The reals are distinct, pseudo-random and the same in every run. */
sample_case sample_read(const cx_operator *op, const cx_sample *sample);
void sample_free(sample_case *s);

typedef enum sample_model {
    SAMPLE_ALL_FED,    /* every real input is an input of the graph */
    SAMPLE_FIRST_FED,  /* only the first of them, the others are constants */
    SAMPLE_NEIGHBOURS, /* as SAMPLE_ALL_FED; convolutions that change nothing
                          around the node, so that its tensors lie as they do
                          inside a network */
    SAMPLE_JOINT,      /* as SAMPLE_ALL_FED; all outputs, flattened, are joined
                          to one value "joint" */
} sample_model;

/* y_shape, of output_count, is read for SAMPLE_NEIGHBOURS alone. NULL when the
   engine refuses the model. */
cxai_model *sample_build(const sample_case *s, sample_model kind,
                         const cxai_shape *y_shape, cxai_error *error);

#endif
