#include "ops/common/blocks.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/work.h"

/* Channels up to which a phase alone would waste most of a vector. */
enum { FEW_CHANNELS = 4 };

static int same_place(const cx_tap *a, const cx_tap *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* The number of a tap among those of all phases; taps: there is none. */
static int64_t find_tap(const cx_tap *all, int64_t taps, const cx_tap *tap)
{
    int64_t i = 0;
    while (i < taps && !same_place(&all[i], tap))
        i++;
    return i;
}

cxai_status cx_blocks_infer(const cx_case *c, const cx_window *window,
                            const cx_phases *phases, int64_t groups,
                            int64_t inputs, cx_blocks *blocks)
{
    *blocks = (cx_blocks){ .taps = 0 };
    if (groups != 1 || inputs > FEW_CHANNELS || phases->count < 2)
        return CXAI_OK;
    cx_tap *all =
        cx_arena_alloc(c->arena, (size_t)cx_window_cells(window), sizeof *all);
    if (all == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
    for (int64_t f = 0; f < phases->count; f++) {
        const cx_phase *phase = &phases->phase[f];
        for (int i = 0; i < 3; i++)
            blocks->count[i] = cx_maximum(blocks->count[i], phase->out[i]);
        for (int64_t t = 0; t < phase->taps; t++)
            if (find_tap(all, blocks->taps, &phase->tap[t]) == blocks->taps)
                all[blocks->taps++] = phase->tap[t];
    }
    blocks->tap = all;
    return CXAI_OK;
}

static cx_convolution describe(const cx_scatter *s)
{
    cx_convolution k = {
        .batch = s->window->batch,
        .step = { 1, 1, 1 },
        .taps = s->blocks->taps,
        .tap = s->blocks->tap,
        .groups = 1,
        .depth = s->outputs,
        .columns = s->phases->count * s->inputs,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    };
    int64_t stride = k.columns;
    for (int i = 2; i >= 0; i--) {
        k.in[i] = s->window->axis[i].out;
        k.out[i] = s->blocks->count[i];
        k.y_stride[1 + i] = stride;
        stride *= k.out[i];
    }
    k.y_stride[0] = stride;
    return k;
}

/* ---- weights ------------------------------------------------------------- */

size_t cx_blocks_packed_bytes(const cx_case *c, const cx_scatter *s)
{
    const cx_convolution k = describe(s);
    return cx_size_line(
        cx_panels_bytes(c->kernels, k.taps, k.depth, k.columns));
}

/* Column n of all panels: where its biases and weights begin, and from one
   depth to the next. */
static cxai_real *find_column(const cx_case *c, const cx_convolution *k,
                              cxai_real *panels, int64_t n, int64_t *row)
{
    int64_t wide = 2 * c->kernels->lanes, p = n / wide;
    *row = cx_panel_columns(c->kernels, k->columns, p) > c->kernels->lanes
               ? wide
               : c->kernels->lanes;
    return panels + p * cx_panel_stride(c->kernels, k->taps, k->depth) +
           n % wide;
}

void cx_blocks_pack(const cx_case *c, const cx_scatter *s, const cxai_real *w,
                    const cxai_real *bias, cxai_real *packed)
{
    const cx_convolution k = describe(s);
    int64_t cells = cx_window_cells(s->window);
    memset(packed, 0, cx_blocks_packed_bytes(c, s));
    for (int64_t n = 0; n < k.columns; n++) {
        int64_t row, channel = n % s->inputs;
        const cx_phase *phase = &s->phases->phase[n / s->inputs];
        cxai_real *column = find_column(c, &k, packed, n, &row);
        if (bias != NULL)
            *column = bias[channel];
        for (int64_t t = 0; t < phase->taps; t++) {
            int64_t u = find_tap(k.tap, k.taps, &phase->tap[t]);
            const cxai_real *from = w + channel * cells + phase->tap[t].weight;
            for (int64_t d = 0; d < k.depth; d++)
                column[(1 + u * k.depth + d) * row] =
                    from[d * s->inputs * cells];
        }
    }
}

/* ---- passes -------------------------------------------------------------- */

static size_t rows_bytes(const cx_convolution *k)
{
    return cx_size_line(
        cx_size_times((size_t)(k->batch * k->y_stride[0]), sizeof(cxai_real)));
}

size_t cx_blocks_workspace(const cx_case *c, const cx_scatter *s)
{
    const cx_convolution k = describe(s);
    return cx_size_plus(rows_bytes(&k),
                        cx_convolve_workspace(c->kernels, &k, c->threads));
}

/* Moves a line of blocks, number z, y of picture n, to its pixels. */
static void move_line(const cx_scatter *s, const cx_convolution *k,
                      const cxai_tensor *to, int adds, int64_t line)
{
    const cx_window_axis *axis = s->window->axis;
    int64_t y = line % k->out[1], z = line / k->out[1] % k->out[0];
    int64_t n = line / k->out[1] / k->out[0], pixel = cx_pixel_stride(to);
    const cxai_real *rows = k->y + line * k->y_stride[2];
    for (int64_t f = 0; f < s->phases->count; f++) {
        const cx_phase *phase = &s->phases->phase[f];
        if (z >= phase->out[0] || y >= phase->out[1])
            continue;
        int64_t at = (n * axis[0].in + phase->start[0] + z * axis[0].stride);
        at = at * axis[1].in + phase->start[1] + y * axis[1].stride;
        at = at * axis[2].in + phase->start[2];
        for (int64_t x = 0; x < phase->out[2]; x++) {
            const cxai_real *row = rows + x * k->columns + f * s->inputs;
            cxai_real *dx = to->data + (at + x * axis[2].stride) * pixel;
            for (int64_t i = 0; i < s->inputs; i++)
                dx[i] = adds ? dx[i] + row[i] : row[i];
        }
    }
}

void cx_blocks_run(const cx_case *c, const cx_scatter *s,
                   const cxai_tensor *from, const cxai_tensor *to,
                   const cxai_real *packed, int adds, void *workspace)
{
    cx_convolution k = describe(s);
    k.x = from->data;
    k.x_pixel = cx_pixel_stride(from);
    k.y = workspace;
    k.weights = packed;
    cx_convolve(c->kernels, &k, c->threads, (char *)workspace + rows_bytes(&k));
    int64_t lines = k.batch * k.out[0] * k.out[1];
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int64_t line = 0; line < lines; line++)
        move_line(s, &k, to, adds, line);
}
