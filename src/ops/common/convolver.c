#include "ops/common/convolver.h"

#include "base/size.h"
#include "kernels/narrow.h"
#include "kernels/sparse.h"
#include "kernels/winograd.h"
#include "kernels/work.h"
#include "ops/common/epilogue.h"

cxai_status cx_convolver_infer(const cx_case *c, cx_convolver *v)
{
    cxai_status status = cx_forward_taps(c, &v->window, &v->gather);
    if (status == CXAI_OK)
        status = cx_backward_phases(c, &v->window, &v->scatter);
    return status;
}

static int is_depthwise(const cx_convolver *v)
{
    return v->inputs == 1 && v->outputs == 1;
}

/* Phases of a direction: gathering is one. */
static int64_t phase_count(const cx_convolver *v, cx_direction direction)
{
    return direction == CX_GATHER ? 1 : v->scatter.count;
}

static const cx_phase *phase_number(const cx_convolver *v,
                                    cx_direction direction, int64_t i)
{
    return direction == CX_GATHER ? &v->gather : &v->scatter.phase[i];
}

/* Channels of a group that are read and written. */
static int64_t depth_of(const cx_convolver *v, cx_direction direction)
{
    return direction == CX_GATHER ? v->inputs : v->outputs;
}

static int64_t columns_of(const cx_convolver *v, cx_direction direction)
{
    return direction == CX_GATHER ? v->outputs : v->inputs;
}

/* A phase without its memory. */
static cx_convolution describe(const cx_convolver *v, const cx_phase *phase,
                               cx_direction direction)
{
    int gathers = direction == CX_GATHER;
    const cx_epilogue none = cx_no_epilogue();
    cx_convolution k = {
        .batch = v->window.batch,
        .taps = phase->taps,
        .tap = phase->tap,
        .groups = v->groups,
        .depth = depth_of(v, direction),
        .columns = columns_of(v, direction),
        .low = none.low,
        .high = none.high,
    };
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &v->window.axis[i];
        k.in[i] = gathers ? axis->in : axis->out;
        k.out[i] = phase->out[i];
        k.step[i] = gathers ? axis->stride : 1;
    }
    k.scales = gathers && v->scales;
    return k;
}

/* How a phase is computed. */
typedef enum way { DEPTHWISE, WINOGRAD, NARROW, PANELS } way;

static way way_of(const cx_convolver *v, const cx_convolution *k)
{
    if (is_depthwise(v))
        return DEPTHWISE;
    if (cx_winograd_fits(k))
        return WINOGRAD;
    return cx_narrow_fits(k) ? NARROW : PANELS;
}

/* ---- weights ------------------------------------------------------------- */

/* Those of all groups but for their data. */
static cx_weights describe_weights(const cx_convolver *v, const cx_phase *phase,
                                   cx_direction direction)
{
    int64_t cells = v->gather.taps, row = v->inputs * cells;
    int gathers = direction == CX_GATHER;
    return (cx_weights){
        .tap_stride = 1,
        .depth_stride = gathers ? cells : row,
        .column_stride = gathers ? row : cells,
        .taps = phase->taps,
        .depth = depth_of(v, direction),
        .columns = columns_of(v, direction),
        .tap = phase->tap,
    };
}

/* Bytes that a phase's packed weights take. */
static size_t phase_bytes(const cx_case *c, const cx_convolver *v,
                          const cx_phase *phase, cx_direction direction)
{
    const cx_convolution k = describe(v, phase, direction);
    const cx_weights weights = describe_weights(v, phase, direction);
    size_t bytes = 0;
    switch (way_of(v, &k)) {
    case DEPTHWISE:
        bytes = cx_size_times(
            cx_size_times((size_t)phase->taps + 1, (size_t)v->groups),
            sizeof(cxai_real));
        break;
    case WINOGRAD: bytes = cx_winograd_packed_bytes(c->kernels, &k); break;
    case NARROW: bytes = cx_narrow_packed_bytes(&weights); break;
    case PANELS:
        bytes = cx_size_times(
            cx_panels_bytes(c->kernels, k.taps, k.depth, k.columns),
            (size_t)v->groups);
    }
    return cx_size_line(bytes);
}

size_t cx_convolver_packed_bytes(const cx_case *c, const cx_convolver *v,
                                 cx_direction direction)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < phase_count(v, direction); i++)
        bytes = cx_size_plus(
            bytes, phase_bytes(c, v, phase_number(v, direction, i), direction));
    return bytes;
}

/* A row of biases, then a row of all channels for each tap. */
static void pack_depthwise(const cx_convolver *v, const cx_phase *phase,
                           const cxai_real *w, const cxai_real *bias,
                           cxai_real *packed)
{
    int64_t cells = v->gather.taps;
    for (int64_t g = 0; g < v->groups; g++)
        packed[g] = bias == NULL ? 0 : bias[g];
    for (int64_t t = 0; t < phase->taps; t++)
        for (int64_t g = 0; g < v->groups; g++)
            packed[(t + 1) * v->groups + g] =
                w[g * cells + phase->tap[t].weight];
}

static void pack_groups(const cx_case *c, const cx_convolver *v,
                        cx_weights weights, cxai_real *packed)
{
    size_t bytes = cx_panels_bytes(c->kernels, weights.taps, weights.depth,
                                   weights.columns);
    for (int64_t g = 0; g < v->groups; g++) {
        cx_pack_panels(c->kernels, &weights, c->threads, packed);
        packed += bytes / sizeof *packed;
        weights.data += v->outputs * v->inputs * v->gather.taps;
        if (weights.bias != NULL)
            weights.bias += weights.columns;
    }
}

static void pack_phase(const cx_case *c, const cx_convolver *v,
                       const cx_phase *phase, cx_direction direction,
                       const cxai_real *w, const cxai_real *bias, void *packed)
{
    const cx_convolution k = describe(v, phase, direction);
    cx_weights weights = describe_weights(v, phase, direction);
    weights.data = w;
    weights.bias = bias;
    switch (way_of(v, &k)) {
    case DEPTHWISE: pack_depthwise(v, phase, w, bias, packed); break;
    case WINOGRAD:
        cx_winograd_pack(c->kernels, &weights, c->threads, packed);
        break;
    case NARROW: cx_narrow_pack(&weights, packed); break;
    case PANELS: pack_groups(c, v, weights, packed);
    }
}

void cx_convolver_pack(const cx_case *c, const cx_convolver *v,
                       cx_direction direction, const cxai_real *w,
                       const cxai_real *bias, void *packed)
{
    char *to = packed;
    for (int64_t i = 0; i < phase_count(v, direction); i++) {
        const cx_phase *phase = phase_number(v, direction, i);
        pack_phase(c, v, phase, direction, w, bias, to);
        to += phase_bytes(c, v, phase, direction);
    }
}

/* ---- turning ------------------------------------------------------------- */

/* Weights that are smaller are kept packed for both directions. */
static const size_t LARGE = 256 << 10;

/* Whether gathering has all cells, in their order. */
static int has_all_cells(const cx_convolver *v)
{
    for (int64_t t = 0; t < v->gather.taps; t++)
        if (v->gather.tap[t].weight != t)
            return 0;
    return v->gather.taps == cx_window_cells(&v->window);
}

int cx_convolver_turns(const cx_case *c, const cx_convolver *v)
{
    const cx_convolution gather = describe(v, &v->gather, CX_GATHER);
    way how = way_of(v, &gather);
    if ((how != WINOGRAD && how != PANELS) || !has_all_cells(v) ||
        cx_convolver_packed_bytes(c, v, CX_SCATTER) < LARGE)
        return 0;
    for (int64_t i = 0; i < v->scatter.count; i++) {
        const cx_convolution k = describe(v, &v->scatter.phase[i], CX_SCATTER);
        if (way_of(v, &k) != how)
            return 0;
    }
    return 1;
}

/* ---- what decides -------------------------------------------------------- */

/* A list of numbers that grows; numbers NULL: they are only counted. */
typedef struct list {
    int64_t *numbers;
    size_t count;
} list;

static void note(list *l, int64_t number)
{
    if (l->numbers != NULL)
        l->numbers[l->count] = number;
    l->count++;
}

/* Padding that depends on the size of the picture moves the taps, and with
   them the phases; a size decides whether Winograd's way is taken. */
size_t cx_convolver_packing(const cx_convolver *v, cx_direction direction,
                            int64_t *numbers)
{
    list l = { .numbers = numbers };
    for (int64_t i = 0; i < phase_count(v, direction); i++) {
        const cx_phase *phase = phase_number(v, direction, i);
        const cx_convolution k = describe(v, phase, direction);
        note(&l, way_of(v, &k));
        note(&l, phase->taps);
        for (int64_t t = 0; t < phase->taps; t++) {
            for (int a = 0; a < 3; a++)
                note(&l, phase->tap[t].at[a]);
            note(&l, phase->tap[t].weight);
        }
    }
    return l.count;
}

/* ---- convolutions -------------------------------------------------------- */

/* Where a phase writes: all pixels, or every stride-th from its start on. */
static void aim(cx_convolution *k, const cx_convolver *v, const cx_phase *phase,
                const cx_convolver_pass *pass)
{
    int gathers = pass->direction == CX_GATHER;
    k->y = pass->to->data;
    int64_t stride = cx_pixel_stride(pass->to);
    for (int a = 2; a >= 0; a--) {
        const cx_window_axis *axis = &v->window.axis[a];
        k->y_stride[1 + a] = gathers ? stride : stride * axis->stride;
        k->y += gathers ? 0 : phase->start[a] * stride;
        stride *= gathers ? axis->out : axis->in;
    }
    k->y_stride[0] = stride;
}

/* Zeros, the lines of the first spatial axis cut among the threads. */
static void clear(const cx_case *c, const cx_view *all)
{
    int64_t lines = all->shape.dim[2];
    int threads = c->threads;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (cxai_shape_count(&all->shape) > CX_SMALL_WORK)
    for (int t = 0; t < threads; t++) {
        int64_t from = lines * t / threads;
        const cx_view part =
            cx_view_slice(*all, 2, from, 1, lines * (t + 1) / threads - from);
        cx_view_fill(&part, 0);
    }
}

/* Pixels of no phase receive the bias alone. */
static void fill(const cx_case *c, const cxai_tensor *to, const cxai_real *bias)
{
    cx_view all = cx_view_of(to);
    if (bias == NULL) {
        clear(c, &all);
        return;
    }
    for (int64_t i = 0; i < to->shape.dim[1]; i++) {
        cx_view channel = cx_view_select(all, 1, i);
        cx_view_fill(&channel, bias[i]);
    }
}

/* A phase with what it reads and writes. */
static cx_convolution connect(const cx_convolver *v, const cx_phase *phase,
                              const cx_convolver_pass *pass)
{
    cx_convolution k = describe(v, phase, pass->direction);
    k.turned = pass->turned ? v->gather.taps : 0;
    if (pass->from != NULL) {
        k.x = pass->from->data;
        k.x_pixel = cx_pixel_stride(pass->from);
        k.factor = pass->factor;
    }
    if (pass->to != NULL)
        aim(&k, v, phase, pass);
    return k;
}

size_t cx_convolver_workspace(const cx_case *c, const cx_convolver *v,
                              cx_direction direction, int turned)
{
    size_t most = 0;
    for (int64_t i = 0; i < phase_count(v, direction); i++) {
        cx_convolution k =
            describe(v, phase_number(v, direction, i), direction);
        size_t bytes = 0;
        k.turned = turned ? v->gather.taps : 0;
        switch (way_of(v, &k)) {
        case WINOGRAD:
            bytes = cx_winograd_workspace(c->kernels, &k, c->threads);
            break;
        case NARROW:
            bytes = cx_narrow_workspace(c->kernels, &k, c->threads);
            break;
        case DEPTHWISE:
        case PANELS: bytes = cx_convolve_workspace(c->kernels, &k, c->threads);
        }
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* What is done to the results of a phase. */
static void set_ends(cx_convolution *k, const cx_convolver_pass *pass,
                     const uint8_t *mask)
{
    if (pass->epilogue != NULL) {
        k->residual = cx_epilogue_residual(pass->epilogue);
        k->low = pass->epilogue->low;
        k->high = pass->epilogue->high;
        k->swish = pass->epilogue->activation == CX_SWISH;
    }
    if (pass->delivery.adds)
        k->residual = k->y;
    k->mask = mask;
    k->mask_start = pass->to != NULL ? pass->to->data : NULL;
}

int cx_convolver_can_scale(const cx_convolver *v)
{
    const cx_convolution k = describe(v, &v->gather, CX_GATHER);
    return way_of(v, &k) == PANELS && k.taps == 1;
}

cx_convolution cx_convolver_gathering(const cx_convolver *v,
                                      const cx_convolver_pass *pass)
{
    cx_convolution k = connect(v, &v->gather, pass);
    set_ends(&k, pass, NULL);
    k.weights = pass->packed;
    return k;
}

static void run_phases(const cx_case *c, const cx_convolver *v,
                       const cx_convolver_pass *pass, const uint8_t *mask,
                       void *workspace)
{
    const char *packed = pass->packed;
    for (int64_t i = 0; i < phase_count(v, pass->direction); i++) {
        const cx_phase *phase = phase_number(v, pass->direction, i);
        cx_convolution k = connect(v, phase, pass);
        set_ends(&k, pass, mask);
        k.weights = (const cxai_real *)(const void *)packed;
        switch (way_of(v, &k)) {
        case DEPTHWISE:
            cx_convolve_depthwise(c->kernels, &k, c->threads, workspace);
            break;
        case WINOGRAD:
            cx_winograd_convolve(c->kernels, &k, c->threads, workspace);
            break;
        case NARROW:
            cx_narrow_convolve(c->kernels, &k, c->threads, workspace);
            break;
        case PANELS:
            if (pass->epilogue != NULL || k.turned > 0 ||
                !cx_convolve_sparse(c->kernels, &k, c->threads))
                cx_convolve(c->kernels, &k, c->threads, workspace);
        }
        if (!pass->turned)
            packed += phase_bytes(c, v, phase, pass->direction);
    }
}

/* Pixels of no phase are filled, or keep what is added to; a mask meets them
   afterwards. */
void cx_convolver_run(const cx_case *c, const cx_convolver *v,
                      const cx_convolver_pass *pass, void *workspace)
{
    int complete = pass->direction == CX_GATHER || v->scatter.complete;
    const cx_delivery *delivery = &pass->delivery;
    if (!complete && !delivery->adds)
        fill(c, pass->to, pass->bias);
    run_phases(c, v, pass, complete ? delivery->mask : NULL, workspace);
    if (delivery->mask != NULL && !complete)
        cx_mask_gradient(c, delivery->mask, pass->to, pass->to);
}
