/* MaxPool, AveragePool and their global forms (ops/common/pool_pass.h). */
#include "base/size.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/epilogue.h"
#include "ops/common/pool_whole.h"

typedef struct params {
    cx_pool pool;
    int column_major; /* order of indices */
} params;

/* ---- shapes -------------------------------------------------------------- */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status finish_infer(const cx_case *c, cxai_status status)
{
    params *p = c->params;
    int is_carried = p->pool.maximum && c->x_literal[0] == NULL;
    if (status == CXAI_OK && !is_carried)
        status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    p->pool.channels = c->x_shape[0].dim[1];
    const cxai_shape y = cx_window_output(&p->pool.window, p->pool.channels);
    status = cx_set_shape(c, 0, &y);
    return status == CXAI_OK ? cx_check_demand(c, demand, 1) : status;
}

static cxai_status infer_windows(const cx_case *c)
{
    params *p = c->params;
    const cx_window_options options = {
        .ceil_mode = cx_attribute_int(c->attributes, "ceil_mode", 0) != 0,
    };
    return finish_infer(c, cx_window_read(c, &options, &p->pool.window));
}

static cxai_status infer_maximum(const cx_case *c)
{
    params *p = c->params;
    p->pool.maximum = 1;
    p->column_major = cx_attribute_int(c->attributes, "storage_order", 0) != 0;
    cxai_status status = infer_windows(c);
    if (status == CXAI_OK && c->output_count > 1) {
        c->y_type[1] = CX_INT64;
        status = cx_set_shape(c, 1, &c->y_shape[0]);
    }
    return status;
}

static cxai_status infer_average(const cx_case *c)
{
    params *p = c->params;
    p->pool.count_padding =
        cx_attribute_int(c->attributes, "count_include_pad", 0) != 0;
    return infer_windows(c);
}

static cxai_status infer_global_maximum(const cx_case *c)
{
    params *p = c->params;
    p->pool.maximum = 1;
    return finish_infer(c, cx_window_whole(c, &p->pool.window));
}

static cxai_status infer_global_average(const cx_case *c)
{
    params *p = c->params;
    return finish_infer(c, cx_window_whole(c, &p->pool.window));
}

/* ---- passes -------------------------------------------------------------- */

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_pool_pass pass = {
        .pool = &p->pool,
        .from = &call->x[0],
        .to = &call->y[0],
        .winner = call->saved,
    };
    if (cx_pool_is_whole(&p->pool))
        cx_pool_whole_run(call->c, &pass, call->workspace);
    else
        cx_pool_run(call->c, &pass, call->workspace);
    if (call->c->output_count > 1 && call->y[1].data != NULL)
        cx_pool_indices(&p->pool.window, p->pool.channels, call->saved,
                        cx_pool_winner_bytes(&p->pool), p->column_major,
                        call->y[1].data);
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_pool_pass pass = {
        .pool = &p->pool,
        .backward = 1,
        .from = &call->dy[0],
        .to = &call->dx[0],
        .winner = call->saved,
        .delivery = cx_call_delivery(call, 0),
    };
    if (call->dy[0].data != NULL) {
        cx_pool_run(call->c, &pass, call->workspace);
    } else if (!pass.delivery.adds) { /* only indices lead to the target */
        cx_view dx = cx_view_of(&call->dx[0]);
        cx_view_fill(&dx, 0);
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    demand->forward_workspace =
        cx_pool_is_whole(&p->pool) ? cx_pool_whole_workspace(&p->pool)
                                   : cx_pool_workspace(&p->pool, 0, c->threads);
    if (wanted != 0)
        demand->backward_workspace = cx_pool_workspace(&p->pool, 1, c->threads);
    if (p->pool.maximum && (wanted != 0 || c->output_count > 1))
        demand->saved_bytes =
            cx_size_times((size_t)cxai_shape_count(&c->y_shape[0]),
                          (size_t)cx_pool_winner_bytes(&p->pool));
}

static const cx_sample window_samples[] = {
    { .inputs = "2,3,6,7", .attributes = "kernel_shape=2,2 strides=2,2" },
    { .inputs = "1,9,7,7",
      .attributes = "kernel_shape=3,3 strides=2,2 pads=1,1,1,1" },
    { .inputs = "1,2,6,8",
      .attributes = "kernel_shape=3,3 strides=2,2 ceil_mode=1" },
    { .inputs = "1,2,5,6",
      .attributes = "kernel_shape=2,2 strides=3,3 pads=1,1,1,1 ceil_mode=1" },
    { .inputs = "1,2,7,6",
      .attributes = "kernel_shape=2,3 dilations=2,2 pads=0,1,1,2" },
    { .inputs = "1,2,6,7",
      .attributes = "kernel_shape=3,2 strides=2,2 auto_pad=SAME_UPPER" },
    { .inputs = "1,2,6,7",
      .attributes = "kernel_shape=3,2 strides=2,2 auto_pad=SAME_LOWER" },
    { .inputs = "1,2,6,7",
      .attributes = "kernel_shape=3,2 strides=2,2 auto_pad=VALID" },
    { .inputs = "2,3,9", .attributes = "kernel_shape=3, strides=2, pads=1,1" },
    { .inputs = "1,2,4,5,6",
      .attributes = "kernel_shape=2,3,2 strides=1,2,2 pads=1,1,0,0,1,1" },
    { .inputs = "1,2,4,3,5",
      .attributes = "kernel_shape=2,2,2 strides=2,1,2",
      .outputs = 2 },
    { .inputs = "1,2,20,18",
      .attributes = "kernel_shape=17,17 strides=2,1 pads=3,0,0,2" },
};

static const cx_sample average_samples[] = {
    { .inputs = "2,3,6,7", .attributes = "kernel_shape=2,2 strides=2,2" },
    { .inputs = "1,9,7,7",
      .attributes = "kernel_shape=3,3 strides=2,2 pads=1,1,1,1" },
    { .inputs = "1,9,7,7",
      .attributes = "kernel_shape=3,3 strides=2,2 pads=1,1,1,1 "
                    "count_include_pad=1" },
    { .inputs = "1,2,6,8",
      .attributes = "kernel_shape=3,3 strides=2,2 ceil_mode=1" },
    { .inputs = "1,2,6,8",
      .attributes = "kernel_shape=3,3 strides=2,2 pads=1,0,0,1 ceil_mode=1 "
                    "count_include_pad=1" },
    { .inputs = "1,2,7,6",
      .attributes = "kernel_shape=2,3 dilations=2,2 pads=0,1,1,2" },
    { .inputs = "1,2,6,7",
      .attributes = "kernel_shape=3,2 strides=2,2 auto_pad=SAME_LOWER" },
    { .inputs = "2,3,9", .attributes = "kernel_shape=3, strides=2, pads=1,1" },
    { .inputs = "1,2,4,5,6",
      .attributes = "kernel_shape=2,3,2 strides=1,2,2 pads=1,1,0,0,1,1" },
};

static const cx_sample global_samples[] = {
    { .inputs = "2,9,4,5" },
    { .inputs = "1,3,7" },
    { .inputs = "1,3,2,3,4" },
    { .inputs = "1,2,17,16" },
};

#define POOL(type, reads, cases)                                               \
    {                                                                          \
        .name = type, .min_inputs = 1, .max_inputs = 1, .max_outputs = 2,      \
        .layout = CX_CHANNELS_LAST, .params_size = sizeof(params),             \
        .takes_gaps = 1, .delivers = 1, .drops_unread = 1,                     \
        .carries_integers = 1, .infer = reads, .demand = demand,               \
        .forward = forward, .backward = backward, CX_SAMPLES(cases),           \
    }

static const cx_operator operators[] = {
    POOL("MaxPool", infer_maximum, window_samples),
    POOL("AveragePool", infer_average, average_samples),
    POOL("GlobalMaxPool", infer_global_maximum, global_samples),
    POOL("GlobalAveragePool", infer_global_average, global_samples),
};

const cx_operator_family cx_operators_pool = CX_FAMILY(operators);
