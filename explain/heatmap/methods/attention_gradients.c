/*
 * Relevance of tokens by attention and its gradient. Chefer, Gur and Wolf,
 * "Generic attention-model explainability for interpreting bi-modal and
 * encoder-decoder transformers", ICCV 2021, equations 5 and 6, for
 * self-attention: from the identity R, in each block
 *
 *     R := R + A R,    A = mean over heads of (dy/dW * W)+
 *
 * and what the class token has of each patch. dy/dW is the gradient of the
 * target at the attention weights W.
 */
#include "../attention.h"

static void mix(const cx_attention *a, double *matrix)
{
    int64_t tokens = a->tokens;

    for (int64_t i = 0; i < tokens; i++)
        for (int64_t j = 0; j < tokens; j++) {
            double sum = 0;
            for (int64_t h = 0; h < a->heads; h++) {
                int64_t at = (h * tokens + i) * tokens + j;
                double share =
                    (double)a->weights[at] * (double)a->gradients[at];
                sum += share > 0 ? share : 0;
            }
            matrix[i * tokens + j] = sum / (double)a->heads + (i == j);
        }
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cx_attention_rollout(call, 1, mix, NULL, error);
}

const cxai_heatmap_method cxai_method_attention_gradients = {
    .name = "attention_gradients",
    .title = "Gradient-weighted attention rollout",
    .family = "attention",
    .paper = "Chefer et al., 2021, ICCV",
    .summary = "attention times its gradient, multiplied over the blocks",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_ATTENTION,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
