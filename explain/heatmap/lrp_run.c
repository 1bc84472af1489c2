#include "lrp_run.h"

#include "rows.h"

cx_lrp_part cx_lrp_part_of_weight(cx_lrp_weight weight, double gamma)
{
    cxai_real more = (cxai_real)(1 + gamma);

    switch (weight) {
    case CX_SAME: break;
    case CX_ABOVE: return (cx_lrp_part){ .above = 1 };
    case CX_BELOW: return (cx_lrp_part){ .below = 1 };
    case CX_MORE_ABOVE: return (cx_lrp_part){ .above = more, .below = 1 };
    case CX_MORE_BELOW: return (cx_lrp_part){ .above = 1, .below = more };
    case CX_SQUARE: return (cx_lrp_part){ .above = 1, .below = 1, .square = 1 };
    case CX_UNIT: return (cx_lrp_part){ .constant = 1 };
    }
    return (cx_lrp_part){ .above = 1, .below = 1 };
}

cx_lrp_part cx_lrp_part_of_input(cx_lrp_input input)
{
    switch (input) {
    case CX_POSITIVE: return (cx_lrp_part){ .above = 1 };
    case CX_NEGATIVE: return (cx_lrp_part){ .below = 1 };
    case CX_ONE: return (cx_lrp_part){ .constant = 1 };
    case CX_ALL:
    case CX_LOW:
    case CX_HIGH: break;
    }
    return (cx_lrp_part){ .above = 1, .below = 1 };
}

cxai_tensor cx_lrp_spread(cxai_real *by_channel, const cxai_shape *shape,
                          int axis)
{
    cxai_tensor view = { .data = by_channel, .shape = *shape };

    view.stride[axis] = 1;
    return view;
}

const cxai_tensor *cx_lrp_source(const cx_lrp_case *c, const cx_lrp_term *term)
{
    return term->x == CX_LOW    ? &c->numbers.low
           : term->x == CX_HIGH ? &c->numbers.high
                                : c->x;
}

/* at: what is fed, W, scale */
static void write_weights(cxai_real *const *at, const int64_t *step,
                          int64_t count, void *payload)
{
    const cx_lrp_part part = *(const cx_lrp_part *)payload;
    cxai_real *to = at[0];
    const cxai_real *w = at[1], *scale = at[2];
    int64_t a = step[0], b = step[1], c = step[2];

    for (int64_t i = 0; i < count; i++)
        to[i * a] = cx_lrp_take(&part, w[i * b] * scale[i * c]);
}

/* at: what is fed, the source */
static void write_input(cxai_real *const *at, const int64_t *step,
                        int64_t count, void *payload)
{
    const cx_lrp_part part = *(const cx_lrp_part *)payload;
    cxai_real *to = at[0];
    const cxai_real *from = at[1];
    int64_t a = step[0], b = step[1];

    for (int64_t i = 0; i < count; i++)
        to[i * a] = cx_lrp_take(&part, from[i * b]);
}

static cxai_status open_session(cx_lrp_run *run, const cx_lrp_case *c,
                                cxai_error *error)
{
    const cx_lrp_layer *layer = c->layer;
    const cxai_heatmap_call *call = c->call;
    int feed[3] = { layer->x, layer->w, layer->b };
    cxai_shape shape[3] = { c->x->shape, call->shapes[layer->w],
                            layer->b >= 0 ? call->shapes[layer->b]
                                          : c->x->shape };
    cxai_request request = {
        .input_shape = call->input_shape,
        .feed = feed,
        .feed_count = layer->b >= 0 ? 3 : 2,
        .feed_shape = shape,
        .target = cxai_model_node(call->model, layer->head).outputs[0],
        .wrt = &layer->x,
        .wrt_count = 1,
        .direct = (call->method->needs & CXAI_NEEDS_DIRECT) != 0,
        .threads = call->options->threads,
        .max_bytes = call->options->max_bytes,
    };

    return cxai_session_create(&run->session, call->model, &request, error);
}

static cxai_status feed_weights(cx_lrp_run *run, const cx_lrp_case *c,
                                cx_lrp_weight weight, cxai_error *error)
{
    const cx_lrp_layer *layer = c->layer;
    cx_lrp_part part = cx_lrp_part_of_weight(weight, c->numbers.gamma);
    cxai_tensor w[3];

    if (run->weighted && run->weight == weight)
        return CXAI_OK;
    cxai_status status = cxai_session_fed(run->session, layer->w, &w[0], error);
    if (status != CXAI_OK)
        return status;
    w[1] = cxai_model_constant(c->call->model, layer->w);
    w[2] = cx_lrp_spread(layer->scale, &w[1].shape, layer->weight_axis);
    cx_each_row_on(c->call->options->threads, w, 3, write_weights, &part);
    run->weighted = 1;
    run->weight = weight;
    return CXAI_OK;
}

cxai_status cx_lrp_run_forward(cx_lrp_run *run, const cx_lrp_case *c,
                               const cx_lrp_term *term, cxai_tensor *sum,
                               cxai_error *error)
{
    cx_lrp_part part = cx_lrp_part_of_input(term->x);
    cxai_tensor x[2];
    cxai_status status = CXAI_OK;

    if (!run->session)
        status = open_session(run, c, error);
    if (status == CXAI_OK)
        status = feed_weights(run, c, term->w, error);
    if (status == CXAI_OK)
        status = cxai_session_fed(run->session, c->layer->x, &x[0], error);
    if (status != CXAI_OK)
        return status;
    x[1] = *cx_lrp_source(c, term);
    cx_each_row_on(c->call->options->threads, x, 2, write_input, &part);
    status = cxai_session_forward(run->session, error);
    if (status != CXAI_OK)
        return status;
    cxai_node head = cxai_model_node(c->call->model, c->layer->head);
    return cxai_session_value(run->session, head.outputs[0], sum, error);
}

static void copy_row(cxai_real *const *at, const int64_t *step, int64_t count,
                     void *payload)
{
    (void)payload;
    for (int64_t i = 0; i < count; i++)
        at[0][i * step[0]] = at[1][i * step[1]];
}

cxai_status cx_lrp_run_backward(cx_lrp_run *run, const cx_lrp_case *c,
                                const cxai_tensor *ratio, cxai_tensor *back,
                                cxai_error *error)
{
    cxai_tensor seed[2] = { { .data = NULL }, *ratio };
    cxai_status status = cxai_session_seed(run->session, &seed[0], error);

    if (status != CXAI_OK)
        return status;
    cx_each_row_on(c->call->options->threads, seed, 2, copy_row, NULL);
    status = cxai_session_backward(run->session, NULL, error);
    if (status == CXAI_OK)
        status = cxai_session_gradient(run->session, c->layer->x, back, error);
    return status;
}

void cx_lrp_run_end(cx_lrp_run *run)
{
    cxai_session_free(&run->session);
    *run = (cx_lrp_run){ 0 };
}
