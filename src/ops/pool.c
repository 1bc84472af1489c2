/*
 * MaxPool, AveragePool and their global forms.
 *
 * Forward each output pixel gathers the input pixels of its window; backward
 * each input pixel gathers the output pixels whose windows it lies in. So both
 * directions write every pixel once, in any order. Both walk the same lists,
 * which are made axis by axis: a window is a box.
 */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/pool_axis.h"
#include "ops/common/window.h"

typedef struct params {
    cx_window window;
    int64_t channels;
    int maximum, column_major; /* column_major: order of indices */
    int count_padding; /* an average's divisor counts cells in the padding */
} params;

/* ---- shapes -------------------------------------------------------------- */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status finish_infer(const cx_case *c, cxai_status status)
{
    params *p = c->params;
    int is_carried = p->maximum && c->x_literal[0] == NULL;
    if (status == CXAI_OK && !is_carried)
        status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    p->channels = c->x_shape[0].dim[1];
    const cxai_shape y = cx_window_output(&p->window, p->channels);
    status = cx_set_shape(c, 0, &y);
    return status == CXAI_OK ? cx_check_demand(c, demand, 1) : status;
}

static cxai_status infer_windows(const cx_case *c)
{
    params *p = c->params;
    const cx_window_options options = {
        .ceil_mode = cx_attribute_int(c->attributes, "ceil_mode", 0) != 0,
    };
    return finish_infer(c, cx_window_read(c, &options, &p->window));
}

static cxai_status infer_maximum(const cx_case *c)
{
    params *p = c->params;
    p->maximum = 1;
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
    p->count_padding =
        cx_attribute_int(c->attributes, "count_include_pad", 0) != 0;
    return infer_windows(c);
}

static cxai_status infer_global_maximum(const cx_case *c)
{
    params *p = c->params;
    p->maximum = 1;
    return finish_infer(c, cx_window_whole(c, &p->window));
}

static cxai_status infer_global_average(const cx_case *c)
{
    params *p = c->params;
    return finish_infer(c, cx_window_whole(c, &p->window));
}

/* ---- a pass over all pixels ---------------------------------------------- */

/* One direction: `to` is written, of `from` rows are read. */
typedef struct pass {
    const params *p;
    const cx_kernels *kernels;
    int backward, winner_bytes;
    const cxai_real *from;
    cxai_real *to;
    int64_t from_pixel, to_pixel;
    int64_t from_size[3], to_size[3];
    void *winner; /* output pixels,channels; NULL: not wanted */
    int64_t run;  /* channels of an item of work */
} pass;

/* What one thread works with. */
typedef struct lists {
    cx_pool_place *axis[3];
    int64_t length[3];
    const cxai_real **row;
    const void **winner;
    int32_t *number;
    cxai_real *weight;
} lists;

/* Most entries of a list along an axis, in either direction. */
static int64_t axis_length(const cx_window_axis *axis)
{
    return cx_minimum(axis->kernel, cx_maximum(axis->in, axis->out));
}

static size_t lists_bytes(const params *p)
{
    size_t rows = 1, bytes = 0;
    for (int i = 0; i < 3; i++) {
        size_t length = (size_t)axis_length(&p->window.axis[i]);
        rows = cx_size_times(rows, length);
        bytes = cx_size_plus(
            bytes, cx_size_line(cx_size_times(length, sizeof(cx_pool_place))));
    }
    size_t row = 2 * sizeof(void *) + sizeof(int32_t) + sizeof(cxai_real);
    return cx_size_plus(bytes, cx_size_plus(4 * 64, cx_size_times(rows, row)));
}

/* Carves the lists out of memory. */
static lists arrange(const params *p, char *memory)
{
    lists l;
    size_t rows = 1;
    for (int i = 0; i < 3; i++) {
        size_t length = (size_t)axis_length(&p->window.axis[i]);
        l.axis[i] = (cx_pool_place *)(void *)memory;
        memory += cx_size_line(length * sizeof(cx_pool_place));
        rows *= length;
    }
    l.row = (void *)memory;
    memory += cx_size_line(rows * sizeof *l.row);
    l.winner = (void *)memory;
    memory += cx_size_line(rows * sizeof *l.winner);
    l.number = (void *)memory;
    memory += cx_size_line(rows * sizeof *l.number);
    l.weight = (void *)memory;
    return l;
}

static void list_axis(const pass *s, lists *l, int axis, int64_t pixel)
{
    const cx_window_axis *a = &s->p->window.axis[axis];
    int padding = s->p->count_padding;
    l->length[axis] = s->backward
                          ? cx_pool_outputs(a, padding, pixel, l->axis[axis])
                          : cx_pool_inputs(a, padding, pixel, l->axis[axis]);
}

/* Rows from channel c on of all pixels in the box of the lists. */
static int64_t list_rows(const pass *s, lists *l, int64_t batch, int64_t c)
{
    int64_t count = 0;
    const cx_window_axis *axis = s->p->window.axis;
    int64_t winner_row = s->p->channels * s->winner_bytes;
    for (int64_t i = 0; i < l->length[0]; i++)
        for (int64_t j = 0; j < l->length[1]; j++)
            for (int64_t k = 0; k < l->length[2]; k++) {
                const cx_pool_place *z = &l->axis[0][i], *y = &l->axis[1][j],
                                    *x = &l->axis[2][k];
                int64_t pixel =
                    ((batch * s->from_size[0] + z->pixel) * s->from_size[1] +
                     y->pixel) *
                        s->from_size[2] +
                    x->pixel;
                l->row[count] = s->from + pixel * s->from_pixel + c;
                l->number[count] =
                    (int32_t)((z->cell * axis[1].kernel + y->cell) *
                                  axis[2].kernel +
                              x->cell);
                l->weight[count] = z->weight * y->weight * x->weight;
                if (s->backward && s->p->maximum)
                    l->winner[count] = (const char *)s->winner +
                                       pixel * winner_row + c * s->winner_bytes;
                count++;
            }
    return count;
}

static void write_pixel(const pass *s, const lists *l, int64_t count,
                        int64_t pixel, int64_t c, int64_t channels)
{
    const cx_cells cells = { count, l->row, l->number, channels };
    cxai_real *to = s->to + pixel * s->to_pixel + c;
    if (!s->p->maximum) {
        s->kernels->combine(to, l->row, l->weight, count, channels, 0);
    } else if (s->backward) {
        s->kernels->unmaximum(to, l->winner, s->winner_bytes, &cells);
    } else if (count == 0) { /* a window of padding alone */
        for (int64_t i = 0; i < channels; i++)
            to[i] = -(cxai_real)INFINITY;
    } else {
        void *winner = s->winner;
        if (winner != NULL)
            winner =
                (char *)winner + (pixel * s->p->channels + c) * s->winner_bytes;
        s->kernels->maximum(to, winner, s->winner_bytes, &cells);
    }
}

/* A run of channels of one line of pixels. */
static void write_line(const pass *s, lists *l, int64_t line, int64_t c)
{
    int64_t channels = cx_minimum(s->run, s->p->channels - c);
    int64_t y = line % s->to_size[1], rest = line / s->to_size[1];
    list_axis(s, l, 0, rest % s->to_size[0]);
    list_axis(s, l, 1, y);
    for (int64_t x = 0; x < s->to_size[2]; x++) {
        list_axis(s, l, 2, x);
        int64_t count = list_rows(s, l, rest / s->to_size[0], c);
        write_pixel(s, l, count, line * s->to_size[2] + x, c, channels);
    }
}

static void run(pass *s, int threads, char *workspace)
{
    enum { CHANNEL_RUN = 64 };
    const params *p = s->p;
    int64_t lines = p->window.batch * s->to_size[0] * s->to_size[1], runs = 1;
    s->run = p->channels;
    if (lines < 4 * threads && lines > 0) {
        int64_t wanted = cx_ceiling(4 * threads, lines);
        s->run = cx_ceiling(cx_ceiling(p->channels, wanted), CHANNEL_RUN) *
                 CHANNEL_RUN;
        runs = cx_ceiling(p->channels, s->run);
    }
    int64_t work = lines * s->to_size[2] * p->channels;
    size_t bytes = cx_size_line(lists_bytes(p));
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t i = 0; i < lines * runs; i++) {
        lists l = arrange(p, workspace + (size_t)cx_thread_number() * bytes);
        write_line(s, &l, i / runs, i % runs * s->run);
    }
}

/* ---- operators ----------------------------------------------------------- */

static int winner_bytes(const params *p)
{
    return cx_window_cells(&p->window) <= 256 ? 1 : 4;
}

static pass begin(const cx_call *call, int backward)
{
    const params *p = call->c->params;
    const cxai_tensor *from = backward ? &call->dy[0] : &call->x[0];
    const cxai_tensor *to = backward ? &call->dx[0] : &call->y[0];
    pass s = {
        .p = p,
        .kernels = call->c->kernels,
        .backward = backward,
        .winner_bytes = winner_bytes(p),
        .from = from->data,
        .to = to->data,
        .from_pixel = cx_pixel_stride(from),
        .to_pixel = cx_pixel_stride(to),
        .winner = call->saved,
    };
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &p->window.axis[i];
        s.from_size[i] = backward ? axis->out : axis->in;
        s.to_size[i] = backward ? axis->in : axis->out;
    }
    return s;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    pass s = begin(call, 0);
    run(&s, call->c->threads, call->workspace);
    if (call->c->output_count > 1 && call->y[1].data != NULL)
        cx_pool_indices(&p->window, p->channels, call->saved, winner_bytes(p),
                        p->column_major, call->y[1].data);
}

static void backward(const cx_call *call)
{
    pass s = begin(call, 1);
    if (call->dy[0].data == NULL) { /* only indices lead to the target */
        cx_view dx = cx_view_of(&call->dx[0]);
        cx_view_fill(&dx, 0);
        return;
    }
    run(&s, call->c->threads, call->workspace);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    demand->forward_workspace =
        cx_size_times(cx_size_line(lists_bytes(p)), (size_t)c->threads);
    if (wanted != 0)
        demand->backward_workspace = demand->forward_workspace;
    if (p->maximum && (wanted != 0 || c->output_count > 1))
        demand->saved_bytes = cx_size_times(
            (size_t)cxai_shape_count(&c->y_shape[0]), (size_t)winner_bytes(p));
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
        .drops_unread = 1, .carries_integers = 1, .infer = reads,              \
        .demand = demand, .forward = forward, .backward = backward,            \
        CX_SAMPLES(cases),                                                     \
    }

static const cx_operator operators[] = {
    POOL("MaxPool", infer_maximum, window_samples),
    POOL("AveragePool", infer_average, average_samples),
    POOL("GlobalMaxPool", infer_global_maximum, global_samples),
    POOL("GlobalAveragePool", infer_global_average, global_samples),
};

const cx_operator_family cx_operators_pool = CX_FAMILY(operators);
