/* The equation of an Einsum: which label runs along which axis of which
   tensor. "..." stands for labels without a letter, aligned at the last. */
#ifndef CX_OPS_COMMON_EQUATION_H
#define CX_OPS_COMMON_EQUATION_H

#include "ops/operator.h"

enum {
    CX_EQUATION_INPUTS = 2,
    CX_EQUATION_OUTPUT = CX_EQUATION_INPUTS, /* behind the inputs */
    CX_EQUATION_TENSORS = CX_EQUATION_INPUTS + 1,
    CX_MAX_LABELS = CX_EQUATION_INPUTS * CXAI_MAX_RANK,
};

/* Strides are those of row-major tensors. A label that stands twice in a term
   runs along a diagonal; an axis of one element is broadcast. */
typedef struct cx_equation {
    int labels;
    int64_t size[CX_MAX_LABELS];
    /* whether the tensor's elements differ along the label */
    int varies[CX_EQUATION_TENSORS][CX_MAX_LABELS];
    int64_t stride[CX_EQUATION_TENSORS][CX_MAX_LABELS];
    cxai_shape output;
    int output_label[CXAI_MAX_RANK]; /* by axis */
} cx_equation;

/* Reads the attribute equation for one or two inputs; refuses what does not
   fit to their shapes. */
cxai_status cx_equation_read(const cx_case *c, cx_equation *e);

#endif
