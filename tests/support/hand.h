/*
 * Networks whose heatmaps can be checked by hand: those of captum's own tests
 * (captum/testing/helpers/basic_models.py).
 */
#ifndef TEST_SUPPORT_HAND_H
#define TEST_SUPPORT_HAND_H

#include "cxai/heatmap.h"

/* BasicModel_ConvNet_One_Conv: x (1,1,4,4) -> conv1 (two 3x3 kernels of ones,
   bias -50, -75) -> relu1 -> fc (4x8: 5 columns of 1, 3 of -1) -> relu: y */
cxai_model *hand_net_a(void);

/* The input that captum's tests give it: 0 to 15. */
void hand_ramp(cxai_real x[16]);

/* BasicModel_MultiLayer: x (1,3,1,1) or (1,1,1,3) -> linear0 (identity) ->
   linear1 (4x3 ones, bias -10, 1, 1, 1) -> relu -> linear2 (2x4 ones, bias -1,
   1) */
cxai_model *hand_net_b(void);

/* The library's method of this name, which must exist. */
const cxai_heatmap_method *hand_method(const char *name);

/* One channel of a value. */
cxai_target hand_target(const cxai_model *model, const char *value,
                        int channel);

/* The heatmap of a method at x (1,C,H,W) is want[count], and is returned, to be
   ended by cxai_heatmap_clear. options may be NULL. */
cxai_heatmap hand_check(const char *method, const cxai_model *model,
                        const char *shape, const cxai_real *x,
                        cxai_target target, const cxai_heatmap_options *options,
                        const double *want, int64_t count, double tolerance);

#endif
