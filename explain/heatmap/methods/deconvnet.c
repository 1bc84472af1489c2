/*
 * Deconvolutional network. Zeiler and Fergus, "Visualizing and understanding
 * convolutional networks", ECCV 2014, section 2.1: from the target back to the
 * input, each ReLU rectifies what comes back, R_l = max(R_l+1, 0), whatever
 * passed it forwards; max pools go back to where the maximum was. All else is
 * the gradient; see relus.h for what a ReLU is. Signs as in captum: the result
 * may be negative below the first ReLU.
 */
#include "../gradient.h"
#include "../rows.h"

/* rows dx, dy */
static void rectify(cxai_real *const *at, const int64_t *step, int64_t count,
                    void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++) {
        cxai_real dy = at[1][i * step[1]];
        at[0][i * step[0]] = dy > 0 ? dy : 0;
    }
}

static int go_back(const cxai_hook_call *call, void *payload)
{
    if (call->input_gradients[0].data) {
        const cxai_tensor views[] = { call->input_gradients[0],
                                      call->output_gradients[0] };
        cx_each_row(views, 2, rectify, payload);
    }
    return 0;
}

static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    return cx_input_gradients(call, go_back, NULL, finish, error);
}

const cxai_heatmap_method cxai_method_deconvnet = {
    .name = "deconvnet",
    .title = "Deconvolutional network",
    .family = "gradient",
    .paper = "Zeiler and Fergus, 2014, ECCV",
    .summary = "gradient at the input with each ReLU passing what is positive "
               "on the way back",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
