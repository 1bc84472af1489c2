/* The rules of lrp_rule.h as sums of products. */
#ifndef CXAI_HEATMAP_LRP_TERMS_H
#define CXAI_HEATMAP_LRP_TERMS_H

#include "lrp_rule.h"

/* Parts of the input, in which LOW and HIGH are the ends of the box. */
typedef enum cx_lrp_input {
    CX_ALL,
    CX_POSITIVE,
    CX_NEGATIVE,
    CX_ONE,
    CX_LOW,
    CX_HIGH,
} cx_lrp_input;

typedef enum cx_lrp_weight {
    CX_SAME,
    CX_ABOVE,      /* w+ */
    CX_BELOW,      /* w- */
    CX_MORE_ABOVE, /* w + g w+ */
    CX_MORE_BELOW, /* w + g w- */
    CX_SQUARE,
    CX_UNIT, /* 1 */
} cx_lrp_weight;

/* sign * (a part of x) (a part of W), with the same part of the bias. */
typedef struct cx_lrp_term {
    cx_lrp_input x;
    cx_lrp_weight w;
    int biased;
    int sign;
} cx_lrp_term;

enum { cx_lrp_most_terms = 3, cx_lrp_most_groups = 2 };

/* Terms over one denominator, their sum; used where y has the given sign, or
   everywhere. */
typedef struct cx_lrp_group {
    int where;
    int count;
    cx_lrp_term terms[cx_lrp_most_terms];
} cx_lrp_group;

typedef struct cx_lrp_terms {
    int count;
    cx_lrp_group groups[cx_lrp_most_groups];
} cx_lrp_terms;

/* Of any rule but epsilon. */
const cx_lrp_terms *cx_lrp_terms_of(cx_lrp_rule rule);

#endif
