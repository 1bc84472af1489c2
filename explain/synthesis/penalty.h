/* What keeps pictures calm: total variation and distance from mid-grey. */
#ifndef CX_SYNTHESIS_PENALTY_H
#define CX_SYNTHESIS_PENALTY_H

#include "cxai/tensor.h"

/* Sums over planes of height x width, one behind the other. */
typedef struct cx_penalty {
    int planes, height, width;
    double total_variation, l2; /* weights, of the mean over all elements */
} cx_penalty;

/* weight * sum(|dx| + |dy|) / elements + weight * sum((p - 1/2)^2) / elements,
   the first sum being tf.image.total_variation (anisotropic). */
double cx_penalty_value(const cx_penalty *penalty, const cxai_real *picture);

/* gradient -= the penalty's gradient at the picture. */
void cx_penalty_subtract(const cx_penalty *penalty, const cxai_real *picture,
                         cxai_real *gradient);

#endif
