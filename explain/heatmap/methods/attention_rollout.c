/*
 * Attention rollout. Abnar and Zuidema, "Quantifying attention flow in
 * transformers", ACL 2020, section 3: each block mixes tokens by its attention
 * and, through the residual connection, leaves them as they are,
 *
 *     A = 0.5 W + 0.5 I, rows normalised to sum to 1
 *
 * with W averaged over heads, and the product over the blocks tells how much
 * of each patch is in the class token. It knows nothing of the target: all
 * targets get the same map. Fusing heads by their maximum or minimum, as some
 * programs do, is a setting.
 */
#include "../attention.h"

static double fuse(double a, double b, int rule)
{
    switch (rule) {
    case 1: return a > b ? a : b;
    case 2: return a < b ? a : b;
    default: return a + b;
    }
}

static void mix(const cx_attention *a, int64_t token, double *row)
{
    int rule = *(const int *)a->payload;
    int64_t tokens = a->tokens;
    double sum = 0;

    for (int64_t j = 0; j < tokens; j++) {
        const cxai_real *weight = a->weights + token * tokens + j;
        row[j] = (double)weight[0];
        for (int64_t h = 1; h < a->heads; h++)
            row[j] = fuse(row[j], (double)weight[h * tokens * tokens], rule);
        if (rule == 0)
            row[j] /= (double)a->heads;
        row[j] = 0.5 * row[j] + 0.5 * (j == token);
        sum += row[j];
    }
    for (int64_t j = 0; j < tokens; j++)
        row[j] /= sum;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int rule = (int)cxai_heatmap_setting(call, "heads");

    return cx_attention_rollout(call, 0, mix, &rule, error);
}

static const cxai_heatmap_parameter parameters[] = {
    { .name = "heads",
      .choices = "mean max min",
      .summary = "how the heads of a block become one" },
    { .name = NULL },
};

const cxai_heatmap_method cxai_method_attention_rollout = {
    .name = "attention_rollout",
    .title = "Attention rollout",
    .family = "attention",
    .paper = "Abnar and Zuidema, 2020, ACL",
    .summary = "attention multiplied over the blocks; the same for every "
               "target",
    .cost = "1 forward",
    .needs = CXAI_NEEDS_ATTENTION,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
