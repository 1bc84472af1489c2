/*
 * Grad-CAM++. Chattopadhyay et al., "Grad-CAM++: generalized gradient-based
 * visual explanations for deep convolutional networks", WACV 2018, equations 5
 * and 19, with y = exp(S), so that the second and third derivative are powers
 * of the gradient g = dS/dA and exp(S) cancels:
 *
 *     a_kij = g^2 / (2 g^2 + (sum_ab A_kab) g^3), 0 where g = 0
 *     w_k = sum_ij a_kij ReLU(g_kij)
 *     map = ReLU(sum_k w_k A_k)
 *
 * Numbers as pytorch-grad-cam, whose denominator has 1e-6 added. torchcam
 * multiplies A and g^3 before the sum, which is not the paper's equation.
 */
#include "../cam.h"

static double weight_of(const cxai_real *activation, const cxai_real *gradient,
                        int64_t positions)
{
    double total = 0, weight = 0;

    for (int64_t i = 0; i < positions; i++)
        total += (double)activation[i];
    for (int64_t i = 0; i < positions; i++) {
        double g = (double)gradient[i];
        if (!(g <= 0))
            weight += g * g * g / (2 * g * g + total * g * g * g + 1e-6);
    }
    return weight;
}

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    cx_weigh_channels(layer, weight_of, weighed);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_heatmap_cam(call, weigh, error);
}

const cxai_heatmap_method cxai_method_gradcampp = {
    .name = "gradcampp",
    .title = "Grad-CAM++",
    .family = "CAM",
    .paper = "Chattopadhyay et al., 2018, WACV",
    .summary = "Grad-CAM with positions weighted too, for several objects",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
