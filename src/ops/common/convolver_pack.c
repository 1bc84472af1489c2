/* Weights in the order in which the ways of a convolver read them. */
#include "base/numbers.h"
#include "base/size.h"
#include "kernels/narrow.h"
#include "kernels/winograd.h"
#include "kernels/work.h"
#include "ops/common/convolver_way.h"

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
        .depth = cx_convolver_depth(v, direction),
        .columns = cx_convolver_columns(v, direction),
        .tap = phase->tap,
    };
}

/* Bytes that a phase's packed weights take. */
size_t cx_convolver_phase_bytes(const cx_case *c, const cx_convolver *v,
                                const cx_phase *phase, cx_direction direction)
{
    const cx_convolution k = cx_convolver_describe(v, phase, direction);
    const cx_weights weights = describe_weights(v, phase, direction);
    size_t bytes = 0;
    switch (cx_convolver_way_of(v, &k)) {
    case CX_DEPTHWISE_WAY:
        bytes = cx_size_times(
            cx_size_times((size_t)phase->taps + 1, (size_t)v->groups),
            sizeof(cxai_real));
        break;
    case CX_WINOGRAD_WAY:
        bytes = cx_winograd_packed_bytes(c->kernels, &k);
        break;
    case CX_NARROW_WAY: bytes = cx_narrow_packed_bytes(&weights); break;
    case CX_PANELS_WAY:
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
    cx_spread spread;
    if (cx_convolver_spreads(c, v, direction, &spread))
        return cx_size_line(cx_spread_packed_bytes(c->kernels, &spread));
    for (int64_t i = 0; i < cx_convolver_phase_count(v, direction); i++)
        bytes = cx_size_plus(
            bytes, cx_convolver_phase_bytes(
                       c, v, cx_convolver_phase(v, direction, i), direction));
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
    const cx_convolution k = cx_convolver_describe(v, phase, direction);
    cx_weights weights = describe_weights(v, phase, direction);
    weights.data = w;
    weights.bias = bias;
    switch (cx_convolver_way_of(v, &k)) {
    case CX_DEPTHWISE_WAY: pack_depthwise(v, phase, w, bias, packed); break;
    case CX_WINOGRAD_WAY:
        cx_winograd_pack(c->kernels, k.tile, &weights, c->threads, packed);
        break;
    case CX_NARROW_WAY: cx_narrow_pack(&weights, packed); break;
    case CX_PANELS_WAY: pack_groups(c, v, weights, packed);
    }
}

void cx_convolver_pack(const cx_case *c, const cx_convolver *v,
                       cx_direction direction, const cxai_real *w,
                       const cxai_real *bias, void *packed)
{
    char *to = packed;
    cx_spread spread;
    if (cx_convolver_spreads(c, v, direction, &spread)) {
        cx_spread_pack(c->kernels, &spread, w, bias, packed);
        return;
    }
    for (int64_t i = 0; i < cx_convolver_phase_count(v, direction); i++) {
        const cx_phase *phase = cx_convolver_phase(v, direction, i);
        pack_phase(c, v, phase, direction, w, bias, to);
        to += cx_convolver_phase_bytes(c, v, phase, direction);
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
    const cx_convolution gather =
        cx_convolver_describe(v, &v->gather, CX_GATHER);
    cx_convolver_way how = cx_convolver_way_of(v, &gather);
    if (v->many || (how != CX_WINOGRAD_WAY && how != CX_PANELS_WAY) ||
        !has_all_cells(v) ||
        cx_convolver_packed_bytes(c, v, CX_SCATTER) < LARGE)
        return 0;
    for (int64_t i = 0; i < v->scatter.count; i++) {
        const cx_convolution k =
            cx_convolver_describe(v, &v->scatter.phase[i], CX_SCATTER);
        if (cx_convolver_way_of(v, &k) != how || k.tile != gather.tile)
            return 0;
    }
    return 1;
}

/* ---- what decides -------------------------------------------------------- */

/* Padding that depends on the size of the picture moves the taps, and with
   them the phases; a size decides whether Winograd's way is taken, and with
   which tiles. */
size_t cx_convolver_packing(const cx_convolver *v, cx_direction direction,
                            int64_t *numbers)
{
    cx_numbers l = { .at = numbers };
    for (int64_t i = 0; i < cx_convolver_phase_count(v, direction); i++) {
        const cx_phase *phase = cx_convolver_phase(v, direction, i);
        const cx_convolution k = cx_convolver_describe(v, phase, direction);
        cx_note(&l, cx_convolver_way_of(v, &k));
        cx_note(&l, k.tile);
        cx_note(&l, phase->taps);
        for (int64_t t = 0; t < phase->taps; t++) {
            for (int a = 0; a < 3; a++)
                cx_note(&l, phase->tap[t].at[a]);
            cx_note(&l, phase->tap[t].weight);
        }
    }
    return l.count;
}
