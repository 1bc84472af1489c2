/*
 * Guided integrated gradients. Kapishnikov et al., "Guided integrated
 * gradients: an adaptive path method for removing noise", CVPR 2021: the path
 * from the baseline to the picture first changes the numbers whose gradients
 * are smallest. After the authors' library (PAIR saliency, core/guided_ig.py),
 * "anchored" as in section 4.2: 200 steps, each of which brings the point
 * nearer to the picture by an even share of the distance (the sum of
 * magnitudes), by changing the quarter of the numbers that matter least, while
 * none may be more than 2 % of its own way ahead of the straight path or behind
 * it. The attribution sums over the steps dy/dx times the change of x.
 *
 * On a straight path (leeway 0) it sums to y(x) - y(x') nearly. With leeway it
 * may be far from that, as the library's is, too: the numbers that change are
 * those whose gradient is small where it is taken, not all along their way, and
 * more steps help little. delta says how far.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../gradient.h"
#include "../rank.h"

enum { default_steps = 200, most_steps = 100000 };

/* of two distances that count as the same, relative and absolute */
static const double closeness = 1e-9;

typedef struct guide {
    int64_t count;
    int steps;
    double fraction, leeway; /* of the settings */
    const cxai_real *from;   /* baseline */
    const cxai_real *to;     /* picture */
    double *x, *before;      /* where the path is, and was */
    double *sums;
    cxai_real *point, *gradient; /* of the network */
    cxai_real *order; /* |gradient|, infinite where x may not go on */
    cxai_real *sorted;
} guide;

/* x at the share a of the straight path. */
static double straight(const guide *g, int64_t e, double a)
{
    double from = (double)g->from[e];

    return from + ((double)g->to[e] - from) * a;
}

static double distance_left(const guide *g)
{
    double sum = 0;

    for (int64_t e = 0; e < g->count; e++)
        sum += fabs(g->x[e] - (double)g->to[e]);
    return sum;
}

/* What fell behind a share a of its way is brought there. */
static void catch_up(guide *g, double a)
{
    for (int64_t e = 0; e < g->count; e++) {
        double from = (double)g->from[e], way = (double)g->to[e] - from;
        if (way != 0 && (g->x[e] - from) / way < a)
            g->x[e] = straight(g, e, a);
    }
}

/* The magnitude of the gradient up to which numbers are changed, towards the
   share a of their way. */
static double choose(guide *g, double a)
{
    int64_t rank = (int64_t)((double)(g->count - 1) * g->fraction);

    for (int64_t e = 0; e < g->count; e++)
        if (g->x[e] == straight(g, e, a))
            g->order[e] = (cxai_real)INFINITY;
    memcpy(g->sorted, g->order, (size_t)g->count * sizeof *g->sorted);
    return (double)cx_ranked(g->sorted, g->count, rank);
}

static int is_chosen(const guide *g, int64_t e, double threshold)
{
    double magnitude = (double)g->order[e];

    return magnitude <= threshold && !isinf(magnitude);
}

static double distance_of_chosen(const guide *g, double threshold, double a)
{
    double sum = 0;

    for (int64_t e = 0; e < g->count; e++)
        if (is_chosen(g, e, threshold))
            sum += fabs(g->x[e] - straight(g, e, a));
    return sum;
}

/* The chosen go a share of what they lack to the share a of their way. */
static void move_chosen(guide *g, double threshold, double a, double share)
{
    for (int64_t e = 0; e < g->count; e++)
        if (is_chosen(g, e, threshold)) {
            double most = straight(g, e, a);
            g->x[e] = share < 1 ? g->x[e] + (most - g->x[e]) * share : most;
        }
}

static void add_change(guide *g)
{
    for (int64_t e = 0; e < g->count; e++)
        g->sums[e] += (g->x[e] - g->before[e]) * (double)g->gradient[e];
}

/* Moves x until the distance that is left is `goal`, or nothing may move. */
static void walk(guide *g, double goal, double behind, double ahead)
{
    for (double share = (double)INFINITY; share > 1;) {
        memcpy(g->before, g->x, (size_t)g->count * sizeof *g->x);
        catch_up(g, behind);
        double left = distance_left(g);
        double close = closeness * (goal > left ? goal : left);
        if (fabs(goal - left) <= (close > closeness ? close : closeness)) {
            add_change(g);
            return;
        }
        double threshold = choose(g, ahead);
        double reach = distance_of_chosen(g, threshold, ahead);
        if (reach > 0) {
            share = (left - goal) / reach;
            move_chosen(g, threshold, ahead, share);
        }
        add_change(g);
        if (!(reach > 0))
            return;
    }
}

/* One gradient, and the step that it guides. */
static cxai_status take_step(cx_pass *pass, guide *g, int target, int step,
                             double distance, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    double a = (step + 1.0) / g->steps;

    for (int64_t e = 0; e < g->count; e++)
        g->point[e] = (cxai_real)g->x[e];
    cxai_status status = cx_pass_forward(pass, g->point, error);
    if (status == CXAI_OK)
        status = cx_pass_backward(pass, &call->results[target].target, 1,
                                  g->gradient, error);
    if (status != CXAI_OK)
        return status;
    for (int64_t e = 0; e < g->count; e++)
        g->order[e] = (cxai_real)fabs((double)g->gradient[e]);
    walk(g, distance * (1 - a), fmax(a - g->leeway, 0), fmin(a + g->leeway, 1));
    return CXAI_OK;
}

static cxai_status explain(cx_pass *pass, guide *g, int target,
                           double baseline_score, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t total = (int64_t)g->steps * call->target_count;
    int64_t done = (int64_t)g->steps * target;
    cxai_status status = CXAI_OK;

    memset(g->sums, 0, (size_t)g->count * sizeof *g->sums);
    for (int64_t e = 0; e < g->count; e++)
        g->x[e] = (double)g->from[e];
    double distance = distance_left(g);
    for (int step = 0; status == CXAI_OK && step < g->steps; step++) {
        status = take_step(pass, g, target, step, distance, error);
        if (status == CXAI_OK)
            status = cxai_heatmap_progress(call, done + step + 1, total, error);
    }
    if (status != CXAI_OK)
        return status;
    for (int64_t e = 0; e < g->count; e++)
        g->point[e] = (cxai_real)g->sums[e];
    cx_note_delta(&call->results[target], g->sums, NULL, g->count,
                  baseline_score);
    return cxai_heatmap_set_attribution(call, target, g->point, error);
}

static cxai_status explain_all(const cxai_heatmap_call *call, guide *g,
                               double *scores, cxai_error *error)
{
    cx_pass pass;
    cxai_status status = cxai_heatmap_progress(
        call, 0, (int64_t)g->steps * call->target_count, error);

    if (status == CXAI_OK)
        status = cx_begin(call, g->from, scores, error);
    if (status == CXAI_OK)
        status = cx_pass_open(&pass, call, call->input_value, 1, error);
    if (status != CXAI_OK)
        return status;
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = explain(&pass, g, i, scores[i], error);
    cx_pass_close(&pass);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    const cxai_heatmap_options *options = call->options;
    size_t count = (size_t)cxai_shape_count(&call->input_shape);
    guide g = { .count = (int64_t)count,
                .steps = options->steps ? options->steps : default_steps,
                .fraction = cxai_heatmap_setting(call, "fraction"),
                .leeway = cxai_heatmap_setting(call, "leeway"),
                .to = call->input };

    if (g.steps < 1 || g.steps > most_steps)
        return cxai_fail(error, CXAI_INVALID, "steps must be 1 to %d, not %d",
                         most_steps, g.steps);
    double *doubles = calloc(count, 3 * sizeof *doubles);
    cxai_real *reals = calloc(count, 5 * sizeof *reals);
    double *scores = calloc((size_t)call->target_count, sizeof *scores);
    cxai_status status = CXAI_OK;
    if (doubles && reals && scores) {
        g.x = doubles;
        g.before = doubles + count;
        g.sums = doubles + 2 * count;
        g.point = reals;
        g.gradient = reals + count;
        g.order = reals + 2 * count;
        g.sorted = reals + 3 * count;
        g.from = options->baseline ? options->baseline : reals + 4 * count;
        status = explain_all(call, &g, scores, error);
    } else {
        status = cxai_fail(error, CXAI_NO_MEMORY,
                           "no memory for guided integrated gradients");
    }
    free(doubles);
    free(reals);
    free(scores);
    return status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "fraction", 0.25, 0, 1, NULL, "share of the numbers changed at a time" },
    { "leeway", 0.02, 0, 1, NULL,
      "how far a number may be from the straight path; 1: no bound" },
    { 0 }
};

const cxai_heatmap_method cxai_method_guided_ig = {
    .name = "guided_ig",
    .title = "Guided integrated gradients",
    .family = "path",
    .paper = "Kapishnikov et al., 2021, CVPR",
    .summary = "integrated gradients on a way that first changes what matters "
               "least",
    .cost = "2 + steps x targets forward, steps backward a target",
    .needs = CXAI_NEEDS_GRADIENT | CXAI_NEEDS_STEPS | CXAI_NEEDS_BASELINE,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_ATTRIBUTION,
    .compute = compute,
};
