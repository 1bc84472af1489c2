#include "kernels/panels.h"

#include "base/size.h"

int64_t cx_panel_count(const cx_kernels *kernels, int64_t columns)
{
    int64_t width = 2 * kernels->lanes;
    return columns / width + (columns % width != 0);
}

int cx_panel_columns(const cx_kernels *kernels, int64_t columns, int64_t p)
{
    int width = 2 * kernels->lanes;
    int64_t left = columns - p * width;
    return left < width ? (int)left : width;
}

int64_t cx_panel_stride(const cx_kernels *kernels, int64_t taps, int64_t depth)
{
    return (1 + taps * depth) * 2 * kernels->lanes;
}

size_t cx_panels_bytes(const cx_kernels *kernels, int64_t taps, int64_t depth,
                       int64_t columns)
{
    size_t rows = cx_size_plus(1, cx_size_times((size_t)taps, (size_t)depth));
    size_t wide = cx_size_times((size_t)cx_panel_count(kernels, columns),
                                2 * (size_t)kernels->lanes);
    return cx_size_times(cx_size_times(rows, wide), sizeof(cxai_real));
}

/* One row of a panel: columns [0, count) from `from`, zeros up to width. */
static void pack_row(cxai_real *row, const cxai_real *from, int64_t stride,
                     int count, int width)
{
    for (int n = 0; n < count; n++)
        row[n] = from[n * stride];
    for (int n = count; n < width; n++)
        row[n] = 0;
}

/* A tap of a full panel where columns lie as rows of depth. */
static void pack_turned(const cx_kernels *kernels, const cx_weights *weights,
                        const cxai_real *column, int64_t depth, int width,
                        cxai_real *panel)
{
    enum { DEPTH = 1024 };
    for (int64_t d = 0; d < depth; d += DEPTH) {
        const cx_turn turn = {
            .x = column + d,
            .x_row = weights->column_stride,
            .rows = width,
            .columns = (int)(depth - d < DEPTH ? depth - d : DEPTH),
            .scale = 1,
            .y = panel + d * width,
            .y_row = width,
        };
        kernels->turn(&turn);
    }
}

void cx_pack_panel(const cx_kernels *kernels, const cx_weights *weights,
                   int64_t p, int64_t from, int64_t to, cxai_real *panel)
{
    int count = cx_panel_columns(kernels, weights->columns, p);
    int width = count > kernels->lanes ? 2 * kernels->lanes : kernels->lanes;
    int64_t first = p * 2 * kernels->lanes;
    static const cxai_real zero;
    pack_row(panel, weights->bias == NULL ? &zero : weights->bias + first,
             weights->bias != NULL, count, width);
    panel += width;
    for (int64_t t = 0; t < weights->taps; t++) {
        int64_t tap = weights->tap == NULL ? 0 : weights->tap[t].weight;
        const cxai_real *row = weights->data + tap * weights->tap_stride +
                               from * weights->depth_stride +
                               first * weights->column_stride;
        if (weights->depth_stride == 1 && count == width) {
            pack_turned(kernels, weights, row, to - from, width, panel);
            panel += (to - from) * width;
            continue;
        }
        for (int64_t d = from; d < to; d++, panel += width) {
            pack_row(panel, row, weights->column_stride, count, width);
            row += weights->depth_stride;
        }
    }
}

void cx_pack_panels(const cx_kernels *kernels, const cx_weights *weights,
                    int threads, cxai_real *panels)
{
    int64_t count = cx_panel_count(kernels, weights->columns);
    int64_t stride = cx_panel_stride(kernels, weights->taps, weights->depth);
#pragma omp parallel for num_threads(threads) schedule(static) if (count > 1)
    for (int64_t p = 0; p < count; p++)
        cx_pack_panel(kernels, weights, p, 0, weights->depth,
                      panels + p * stride);
}
