/*
 * Rectified gradient. Kim et al., "Why are saliency maps noisy? Cause of and
 * solution to noisy saliency maps", ICCV workshop 2019, section 4: a gradient
 * passes a ReLU backwards only where its output a matters,
 *
 *     R_l = (a_l R_l+1 > tau) R_l+1,
 *
 * tau being a percentile of a R over the whole layer, 98 as in the paper's
 * experiments; and the attribution is the input times what arrives there. The
 * percentile is the number of the nearest rank, as in the authors' code. See
 * relus.h for what a ReLU is.
 */
#include <math.h>
#include <stdlib.h>

#include "../gradient.h"
#include "../rank.h"
#include "../rows.h"

typedef struct rectifier {
    double percentile;
    cxai_real *products; /* room for the largest layer */
    int64_t count;       /* products of a layer so far */
    cxai_real threshold;
} rectifier;

/* rows a, dy */
static void multiply(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    rectifier *r = payload;

    for (int64_t i = 0; i < count; i++)
        r->products[r->count++] = at[0][i * step[0]] * at[1][i * step[1]];
}

/* rows a, dy, dx */
static void rectify(cxai_real *const *at, const int64_t *step, int64_t count,
                    void *payload)
{
    const rectifier *r = payload;

    for (int64_t i = 0; i < count; i++) {
        cxai_real dy = at[1][i * step[1]];
        int passes = at[0][i * step[0]] * dy > r->threshold;
        at[2][i * step[2]] = passes ? dy : 0;
    }
}

static int go_back(const cxai_hook_call *call, void *payload)
{
    rectifier *r = payload;
    const cxai_tensor views[] = { call->outputs[0], call->output_gradients[0],
                                  call->input_gradients[0] };

    if (!views[2].data)
        return 0;
    r->count = 0;
    cx_each_row(views, 2, multiply, r);
    if (r->count > 0) {
        double rank = r->percentile / 100 * (double)(r->count - 1);
        r->threshold = cx_ranked(r->products, r->count, (int64_t)lrint(rank));
    }
    cx_each_row(views, 3, rectify, r);
    return 0;
}

static cxai_status finish(const cxai_heatmap_call *call, int i,
                          cxai_real *gradient, cxai_error *error)
{
    int64_t count = cxai_shape_count(&call->input_shape);

    for (int64_t e = 0; e < count; e++)
        gradient[e] *= call->input[e];
    return cxai_heatmap_set_attribution(call, i, gradient, error);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    int64_t most = 1;
    rectifier r = { .percentile = cxai_heatmap_setting(call, "percentile") };

    for (int v = 0; v < cxai_model_value_count(call->model); v++) {
        int64_t count =
            call->shapes[v].rank < 0 ? 0 : cxai_shape_count(&call->shapes[v]);
        most = count > most ? count : most;
    }
    r.products = calloc((size_t)most + 1, sizeof *r.products);
    if (!r.products)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "no memory for rectified gradients");
    cxai_status status = cx_input_gradients(call, go_back, &r, finish, error);
    free(r.products);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "percentile", 98, 0, 100, NULL,
      "share of a layer's gradients that is stopped" },
    { 0 }
};

const cxai_heatmap_method cxai_method_rectgrad = {
    .name = "rectgrad",
    .title = "Rectified gradient",
    .family = "gradient",
    .paper = "Kim et al., 2019, ICCV workshop",
    .summary = "input times a gradient that passes each ReLU only where output "
               "x gradient is largest",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_GRADIENT,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
