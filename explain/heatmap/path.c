#include "path.h"

#include <stdlib.h>
#include <string.h>

#include "front.h"

enum { default_steps = 50, most_steps = 100000 };

static cxai_status count_steps(cx_path *path, const cxai_heatmap_call *call,
                               cx_rule rule, int more, cxai_error *error)
{
    int steps = call->options->steps ? call->options->steps : default_steps;

    path->count = steps + more;
    if (steps < 1 || steps > most_steps)
        return cxai_fail(error, CXAI_INVALID, "steps must be 1 to %d, not %d",
                         most_steps, steps);
    if (rule == CX_TRAPEZOID && path->count < 2)
        return cxai_fail(error, CXAI_INVALID,
                         "the trapezoid rule takes at least 2 steps");
    return CXAI_OK;
}

static cxai_status allocate(cx_path *path, const cxai_heatmap_call *call,
                            cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->shapes[path->value]);
    size_t steps = (size_t)path->count;

    path->from = calloc(count, sizeof *path->from);
    path->way = calloc(count, sizeof *path->way);
    path->nodes = calloc(steps, sizeof *path->nodes);
    path->weights = calloc(steps, sizeof *path->weights);
    path->baseline_scores =
        calloc((size_t)call->target_count, sizeof *path->baseline_scores);
    if (path->from && path->way && path->nodes && path->weights &&
        path->baseline_scores)
        return CXAI_OK;
    return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %s",
                     call->method->title);
}

/* What the network makes of a picture at the path's value. */
static cxai_status look(cx_pass *pass, const cx_path *path,
                        const cxai_real *picture, cxai_real *point,
                        cxai_error *error)
{
    cxai_tensor view;
    cxai_status status = cx_pass_forward(pass, picture, error);

    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, path->value, &view, error);
    if (status == CXAI_OK)
        cxai_tensor_read(&view, point);
    return status;
}

/* Both ends, and the scores there. */
static cxai_status find_ends(cx_path *path, cx_pass *pass,
                             const cxai_real *baseline, cxai_error *error)
{
    const cxai_heatmap_call *call = pass->call;
    int64_t count = cxai_shape_count(&call->shapes[path->value]);
    cxai_tensor value;
    cxai_status status = look(pass, path, call->input, path->way, error);

    if (status == CXAI_OK)
        status = cxai_heatmap_begin(call, pass->session, error);
    if (status == CXAI_OK)
        status = look(pass, path, baseline, path->from, error);
    if (status == CXAI_OK)
        status = cxai_session_value(pass->session, call->value, &value, error);
    if (status != CXAI_OK)
        return status;
    for (int i = 0; i < call->target_count; i++)
        path->baseline_scores[i] =
            cxai_target_score(&call->results[i].target, &value, 0);
    for (int64_t e = 0; e < count; e++)
        path->way[e] -= path->from[e];
    return CXAI_OK;
}

static cxai_status find_way(cx_path *path, const cxai_heatmap_call *call,
                            const cxai_real *baseline, cxai_error *error)
{
    cx_pass pass;
    cxai_real *zero = NULL;
    int layer = path->value == call->input_value ? -1 : path->value;

    if (!baseline) {
        zero =
            calloc((size_t)cxai_shape_count(&call->input_shape), sizeof *zero);
        if (!zero)
            return cxai_fail(error, CXAI_NO_MEMORY, "no memory for a baseline");
    }
    cxai_status status = cx_pass_open_forward(&pass, call, layer, error);
    if (status == CXAI_OK) {
        status = find_ends(path, &pass, baseline ? baseline : zero, error);
        cx_pass_close(&pass);
    }
    free(zero);
    return status;
}

cxai_status cx_path_open(cx_path *path, const cxai_heatmap_call *call,
                         int value, const cxai_real *baseline, int more,
                         cxai_error *error)
{
    cx_rule rule = (cx_rule)cxai_heatmap_setting(call, "rule");

    memset(path, 0, sizeof *path);
    path->value = value;
    cxai_status status = count_steps(path, call, rule, more, error);
    if (status == CXAI_OK)
        status = allocate(path, call, error);
    if (status == CXAI_OK) {
        cx_quadrature(rule, path->count, path->nodes, path->weights);
        status = find_way(path, call, baseline, error);
    }
    if (status != CXAI_OK)
        cx_path_close(path);
    return status;
}

void cx_path_close(cx_path *path)
{
    free(path->from);
    free(path->way);
    free(path->nodes);
    free(path->weights);
    free(path->baseline_scores);
    memset(path, 0, sizeof *path);
}

cx_points cx_path_points(const cx_path *path, int wrt)
{
    return (cx_points){ .feed = path->value,
                        .wrt = wrt,
                        .count = path->count,
                        .from = path->from,
                        .way = path->way,
                        .nodes = path->nodes,
                        .weights = path->weights };
}

cxai_status cx_path_integrate(const cx_path *path,
                              const cxai_heatmap_call *call, int wrt,
                              double *sums, cxai_error *error)
{
    cx_points points = cx_path_points(path, wrt);

    points.sums = sums;
    return cx_gradients(call, &points, error);
}

/* What the network's front makes of both ends are the ends of a straight way as
   well: its front is run for them alone, and once for the sum of gradients. */
static cxai_status integrate(const cx_path *path, const cxai_heatmap_call *call,
                             int part, int parts, double *inner,
                             double *integral, cxai_error *error)
{
    cx_points points = cx_path_points(path, path->value);

    points.sums = inner;
    points.part = part;
    points.parts = parts;
    cxai_status status =
        inner && integral ? cx_gradients(call, &points, error)
                          : cxai_fail(error, CXAI_NO_MEMORY, "no memory for %s",
                                      call->method->title);

    return status == CXAI_OK
               ? cx_front_pull(call, path->value, inner, integral, error)
               : status;
}

cxai_status cx_integrate(const cxai_heatmap_call *call,
                         const cxai_real *baseline, int part, int parts,
                         double *sums, double *baseline_scores,
                         cxai_error *error)
{
    cx_path path;
    int64_t count = cxai_shape_count(&call->input_shape);
    size_t targets = (size_t)call->target_count;
    cxai_status status =
        cx_path_open(&path, call, cx_front_value(call), baseline, 0, error);

    if (status != CXAI_OK)
        return status;
    double *inner =
        calloc(targets, (size_t)cxai_shape_count(&call->shapes[path.value]) *
                            sizeof *inner);
    double *integral = calloc(targets, (size_t)count * sizeof *integral);
    status = integrate(&path, call, part, parts, inner, integral, error);
    for (int t = 0; status == CXAI_OK && t < call->target_count; t++)
        for (int64_t e = 0; e < count; e++) {
            cxai_real way = call->input[e] - (baseline ? baseline[e] : 0);
            sums[t * count + e] +=
                (double)way * integral[t * count + e] / parts;
        }
    if (status == CXAI_OK && baseline_scores)
        memcpy(baseline_scores, path.baseline_scores,
               targets * sizeof *baseline_scores);
    free(inner);
    free(integral);
    cx_path_close(&path);
    return status;
}
