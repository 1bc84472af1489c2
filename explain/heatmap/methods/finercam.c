/*
 * Finer-CAM. Zhang et al., "Finer-CAM: spotting the difference reveals finer
 * details for visual explanation", CVPR 2025, equations 5 and 6: Grad-CAM of
 * what tells a class apart from those most similar to it, here the three whose
 * logits z are nearest to the target's z_t,
 *
 *     y = sum_d p_d (z_t - alpha z_d) / sum_d p_d,    p = softmax(z)
 *
 * Numbers as pytorch-grad-cam and the authors' program, which let the gradient
 * pass through the weights p, too: with q_d = p_d / sum p
 *
 *     dy/dz_t = 1,   dy/dz_d = -alpha q_d (1 + z_d - sum_e q_e z_e)
 *
 * They add 1e-9 to the denominator, which takes over where the similar classes
 * are less probable than that; it is left out here.
 */
#include <math.h>
#include <stdlib.h>

#include "../cam.h"
#include "../classes.h"

enum { most_similar = 32 };

/* The count classes other than `class` whose logits are nearest to its own, in
   order of distance, of equal ones the first. */
static int find_similar(const cx_classes *classes, int64_t class, int count,
                        int64_t similar[most_similar])
{
    int found = 0;

    for (int64_t k = 0; k < classes->of.count; k++) {
        double distance =
            fabs((double)classes->logits[k] - (double)classes->logits[class]);
        int place = found;
        if (k == class)
            continue;
        while (place > 0 &&
               distance < fabs((double)classes->logits[similar[place - 1]] -
                               (double)classes->logits[class]))
            place--;
        if (place >= count)
            continue;
        for (int i = found < count ? found++ : count - 1; i > place; i--)
            similar[i] = similar[i - 1];
        similar[place] = k;
    }
    return found;
}

/* q_d, and the mean of z weighted by it. */
static double share(const cx_classes *classes, const int64_t *similar,
                    int count, double shares[most_similar])
{
    double high = (double)-INFINITY, total = 0, mean = 0;

    for (int d = 0; d < count; d++)
        high = fmax(high, (double)classes->logits[similar[d]]);
    for (int d = 0; d < count; d++)
        total += shares[d] = exp((double)classes->logits[similar[d]] - high);
    for (int d = 0; d < count; d++) {
        shares[d] /= total;
        mean += shares[d] * (double)classes->logits[similar[d]];
    }
    return mean;
}

static cxai_status seed(const cx_pass *pass, int i, cxai_real *at_logits,
                        cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int wanted = (int)cxai_heatmap_setting(call, "similar");
    double alpha = cxai_heatmap_setting(call, "alpha");
    int64_t similar[most_similar], class = -1;
    double shares[most_similar];
    cxai_tensor value;
    cx_classes classes;
    cxai_status status = cx_classes_open(&classes, call, error);

    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, call->value, &value, error);
    if (status == CXAI_OK) {
        cx_classes_read(&classes, &value, 0);
        status = cx_class_needed(&classes, call, i, &class, error);
    }
    if (status == CXAI_OK) {
        double sign = call->results[i].target.terms[0].weight;
        int count = find_similar(&classes, class, wanted, similar);
        double mean = share(&classes, similar, count, shares);
        for (int64_t k = 0; k < classes.of.count; k++)
            at_logits[k] = 0;
        at_logits[class] = (cxai_real)sign;
        for (int d = 0; d < count; d++)
            at_logits[similar[d]] =
                (cxai_real)(-sign * alpha * shares[d] *
                            (1 + (double)classes.logits[similar[d]] - mean));
    }
    cx_classes_free(&classes);
    return status;
}

static void weigh(const cxai_cam_layer *layer, cxai_real *weighed)
{
    cx_weigh_channels(layer, cx_mean_gradient, weighed);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_cam cam = { .weigh = weigh, .seed = seed };

    return cx_cam_compute(call, &cam, error);
}

static const cxai_heatmap_parameter parameters[] = {
    { "alpha", 1, 0, 100, NULL, "how strongly similar classes are subtracted" },
    { "similar", 3, 1, most_similar, NULL, "how many of them" },
    { 0 },
};

const cxai_heatmap_method cxai_method_finercam = {
    .name = "finercam",
    .title = "Finer-CAM",
    .family = "CAM",
    .paper = "Zhang et al., 2025, CVPR",
    .summary = "Grad-CAM of what tells a class from the most similar ones",
    .cost = "1 forward, 1 backward a target",
    .needs = CXAI_NEEDS_LAYER | CXAI_NEEDS_GRADIENT | CXAI_SUMS_CHANNELS |
             CXAI_NEEDS_CLASS,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
