/*
 * The numbers of each set of a tensor are brought to mean 0 and variance 1,
 * then scaled and shifted:
 *
 *   y = (x - mean) * inverse * scale + bias,
 *   inverse = 1 / sqrt(mean of (x - mean)^2 + epsilon).
 *
 * The mechanism of layer, group and instance normalisation. A set runs over
 * some of the axes of x; groups are an axis of their own, made by splitting
 * the channels.
 */
#ifndef CX_OPS_COMMON_STANDARDIZE_H
#define CX_OPS_COMMON_STANDARDIZE_H

#include "ops/operator.h"

/* Inputs and outputs; all but x and y may be left out. */
enum { CX_STANDARDIZE_X, CX_STANDARDIZE_SCALE, CX_STANDARDIZE_BIAS };
enum { CX_STANDARDIZE_Y, CX_STANDARDIZE_MEAN, CX_STANDARDIZE_INVERSE };

/* An operator's params. */
typedef struct cx_standardize {
    /* filled by the operator */
    uint32_t axes;  /* bit a: runs inside a set; axes after the split */
    int64_t groups; /* 0: the channels stay one axis; else scale and bias have
                       one number a channel or one a group */
    int centered;   /* 0: the mean is taken to be 0 */
    double epsilon;
    double epsilon_outside; /* added to the square root */
    /* filled by cx_standardize_infer */
    int64_t elements; /* of a set */
    int64_t sets;
    cxai_real one, zero; /* in place of a scale or bias that is left out */
} cx_standardize;

/* The rest of infer: checks, y_shape[0] and sizes. */
cxai_status cx_standardize_infer(const cx_case *c);
void cx_standardize_demand(const cx_case *c, uint64_t wanted,
                           cx_demand *demand);
void cx_standardize_forward(const cx_call *call);
void cx_standardize_backward(const cx_call *call);

#endif
