/*
 * AttnLRP. Achtibat et al., "AttnLRP: attention-aware layer-wise relevance
 * propagation for transformers", ICML 2024: linear layers by the epsilon or the
 * gamma rule, softmax by its first-order Taylor series (proposition 3.1),
 * products of tokens half to each factor (3.3), layer norms with the deviation
 * held constant (3.4), activations passed. See lrp.h, which runs it as
 * modified gradient x input, as the authors' program lxt does.
 *
 * The gamma rule is theirs for vision transformers, with gamma 0.25 for the
 * convolution that cuts the patches and 0.05 for linear layers; 0 is the
 * epsilon rule, with which relevance is noisy in pixels and ill-conditioned:
 * the picture's last bit moves it by up to 1e-3 of the largest. Here every
 * product with a constant matrix is a linear layer; lxt leaves those inside
 * torch.nn.MultiheadAttention to the epsilon rule.
 */
#include "../lrp.h"

static const cxai_heatmap_parameter parameters[] = {
    { .name = "gamma",
      .standard = 0.25,
      .low = 0,
      .high = 1e6,
      .summary = "weight of what is positive, in convolutions" },
    { .name = "dense_gamma",
      .standard = 0.05,
      .low = 0,
      .high = 1e6,
      .summary = "the same in linear layers" },
    { .name = "epsilon",
      .standard = 1e-6,
      .low = 0,
      .high = 1e6,
      .summary = "added to the denominators of the epsilon rule" },
    { .name = NULL },
};

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    double gamma = cxai_heatmap_setting(call, "gamma");
    double dense_gamma = cxai_heatmap_setting(call, "dense_gamma");
    cx_lrp_composite composite = {
        .convolution = gamma > 0 ? CX_LRP_GAMMA : CX_LRP_EPSILON,
        .dense = dense_gamma > 0 ? CX_LRP_GAMMA : CX_LRP_EPSILON,
        .epsilon = cxai_heatmap_setting(call, "epsilon"),
        .gamma = gamma,
        .dense_gamma = dense_gamma,
    };

    return cx_lrp_compute(call, &composite, error);
}

const cxai_heatmap_method cxai_method_attnlrp = {
    .name = "attnlrp",
    .title = "AttnLRP",
    .family = "relevance",
    .paper = "Achtibat et al., 2024, ICML",
    .summary = "the score handed down through attention and layers",
    .cost = "1 forward, 1 to 4 backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_DIRECT,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
