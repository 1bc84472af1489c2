/* DeepLIFT's multipliers as hooks. */
#ifndef CXAI_HEATMAP_RESCALE_H
#define CXAI_HEATMAP_RESCALE_H

#include "cxai/session.h"

/*
 * A cx_hook_lister of pass.h, without payload, for a session of two pictures,
 * the one that is explained and then the one that it is compared with: hooks by
 * which the backward pass carries multipliers m = contribution / difference
 * instead of gradients:
 *
 * - functions of single numbers (Relu, Clip, Sigmoid, Tanh, Elu, ...): the
 *   rescale rule of Shrikumar et al., 2017, section 3.5.2, m_x = m_y dy / dx,
 *   the d being differences of the two pictures; where |dx| < 1e-10, the
 *   gradient, as in captum;
 * - max pools: the change of the maximum is given to the place of the greater
 *   of the two maxima, divided by the difference there; nothing where that is
 *   0. captum does the same, but where windows overlap its max_unpool keeps the
 *   last window only: contributions are lost, which the paper adds;
 * - Mul and MatMul of two such values: the mean of the two pictures'
 *   gradients, by which d(ab) = da (b + b')/2 + db (a + a')/2 exactly. The
 *   paper has no rule for them; captum takes the gradient at the picture.
 *
 * Linear operators need no hook, all others keep their gradient. The seed must
 * be the same for both pictures. Multipliers are then the same, too.
 */
int cx_list_rescalers(const cxai_model *model, void *payload, cxai_hook *hooks);

#endif
