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
#include <string.h>

#include "../attention.h"

static void mix(const cx_attention *a, int64_t token, double *row)
{
    int64_t tokens = a->tokens;

    memset(row, 0, (size_t)tokens * sizeof *row);
    for (int64_t h = 0; h < a->heads; h++) {
        int64_t at = (h * tokens + token) * tokens;
        for (int64_t j = 0; j < tokens; j++) {
            double share =
                (double)a->weights[at + j] * (double)a->gradients[at + j];
            row[j] += share > 0 ? share : 0;
        }
    }
    for (int64_t j = 0; j < tokens; j++)
        row[j] = row[j] / (double)a->heads + (j == token);
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
