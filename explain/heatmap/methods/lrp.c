/*
 * Layer-wise relevance propagation. Bach et al., "On pixel-wise explanations
 * for non-linear classifier decisions by layer-wise relevance propagation",
 * PLoS ONE 10(7), 2015, equations 58 and 60; further rules in lrp_rule.h, and
 * how they meet everything that is no linear layer in lrp.h.
 *
 * A composite says which rule each layer gets, as in zennit 1.0: Kohlbrenner
 * et al., "Towards best practice in explaining neural network decisions with
 * LRP", IJCNN 2020. Fully connected layers get the epsilon rule in all whose
 * name begins with it; then come the convolutions and, last, the layers that
 * read the picture. Single rules are given to all layers.
 *
 * The default is what Montavon et al., "Layer-wise relevance propagation: an
 * overview", 2019 ("Which LRP rule for which layer?") advise, and zennit's
 * first example takes: epsilon at the top, gamma below, z^B for pixels. A bias
 * is there, as here, the weight of one more input 1 and keeps its share of
 * relevance: where batch norms have made biases large, most stays with them,
 * and delta says how much.
 *
 * Batch norms are merged into the layers before them (zennit's canonizers).
 * Where several convolutions read the picture, zennit gives the rule of the
 * first layer to the first of them alone; here all have it.
 */
#include "../lrp.h"

/* The rules of convolutions, dense layers and the first layer, by composite;
   the order is that of the choices below. */
static const cx_lrp_composite composites[] = {
    { .convolution = CX_LRP_EPSILON, .dense = CX_LRP_EPSILON },
    { .convolution = CX_LRP_GAMMA, .dense = CX_LRP_GAMMA },
    { .convolution = CX_LRP_ZPLUS, .dense = CX_LRP_ZPLUS },
    { .convolution = CX_LRP_ALPHA_BETA, .dense = CX_LRP_ALPHA_BETA },
    { .convolution = CX_LRP_ZPLUS, .dense = CX_LRP_EPSILON },
    { .convolution = CX_LRP_ZPLUS,
      .dense = CX_LRP_EPSILON,
      .special_first = 1,
      .first = CX_LRP_FLAT },
    { .convolution = CX_LRP_GAMMA,
      .dense = CX_LRP_EPSILON,
      .special_first = 1,
      .first = CX_LRP_BOX,
      .first_convolutions = 1 },
    { .convolution = CX_LRP_ALPHA_BETA, .dense = CX_LRP_EPSILON },
    { .convolution = CX_LRP_ALPHA_BETA,
      .dense = CX_LRP_EPSILON,
      .special_first = 1,
      .first = CX_LRP_FLAT },
};

static const cxai_heatmap_parameter parameters[] = {
    { .name = "composite",
      .standard = 6,
      .choices = "epsilon gamma zplus alpha_beta epsilon_plus "
                 "epsilon_plus_flat epsilon_gamma_box epsilon_alpha2_beta1 "
                 "epsilon_alpha2_beta1_flat",
      .summary = "the rules of the layers" },
    { .name = "input",
      .choices = "composite box flat wsquare",
      .summary = "the rule of the layers that read the picture" },
    { .name = "epsilon",
      .standard = 1e-6,
      .low = 0,
      .high = 1e6,
      .summary = "added to the denominators of the epsilon rule" },
    { .name = "gamma",
      .standard = 0.25,
      .low = 0,
      .high = 1e6,
      .summary = "weight of what is positive, in convolutions" },
    { .name = "dense_gamma",
      .standard = 0.25,
      .low = 0,
      .high = 1e6,
      .summary = "the same in fully connected layers" },
    { .name = "alpha",
      .standard = 2,
      .low = 1,
      .high = 1e6,
      .summary = "share of what is positive; beta is alpha - 1" },
    { .name = "low",
      .low = -1e6,
      .high = 1e6,
      .summary = "lowest number of the box; equal to high: the model's" },
    { .name = "high",
      .low = -1e6,
      .high = 1e6,
      .summary = "highest number of the box" },
    { .name = NULL },
};

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    static const cx_lrp_rule inputs[] = { CX_LRP_EPSILON, CX_LRP_BOX,
                                          CX_LRP_FLAT, CX_LRP_WSQUARE };
    int input = (int)cxai_heatmap_setting(call, "input");
    cx_lrp_composite composite =
        composites[(int)cxai_heatmap_setting(call, "composite")];

    if (input > 0) {
        composite.special_first = 1;
        composite.first = inputs[input];
        composite.first_convolutions = 0;
    }
    composite.epsilon = cxai_heatmap_setting(call, "epsilon");
    composite.gamma = cxai_heatmap_setting(call, "gamma");
    composite.dense_gamma = cxai_heatmap_setting(call, "dense_gamma");
    composite.alpha = cxai_heatmap_setting(call, "alpha");
    composite.low = cxai_heatmap_setting(call, "low");
    composite.high = cxai_heatmap_setting(call, "high");
    return cx_lrp_compute(call, &composite, error);
}

const cxai_heatmap_method cxai_method_lrp = {
    .name = "lrp",
    .title = "Layer-wise relevance propagation",
    .family = "relevance",
    .paper = "Bach et al., 2015, PLoS ONE",
    .summary = "the score handed down from layer to layer, by rules for each",
    .cost = "1 forward, 1 to 4 backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_DIRECT,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
