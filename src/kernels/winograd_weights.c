#include "kernels/winograd_weights.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/work.h"

enum {
    KERNEL = CX_SQUARE_SIDE,
    SIDE = CX_WINOGRAD_SIDE,
    POINTS = CX_WINOGRAD_POINTS,
    LEAST_CHANNELS = 16,
    LEAST_OUTPUTS = 9, /* along each axis: else weights are read for too few */
    LEAST_OF_MANY = 6, /* the same where there are many pictures: else too much
                          of a tile is left over */
};

/* ---- what fits ----------------------------------------------------------- */

int cx_find_square(const cx_tap *tap, int64_t taps, cx_square *s)
{
    int seen = 0;
    if (taps != KERNEL * KERNEL)
        return 0;
    for (int a = 0; a < 2; a++) {
        s->first[a] = tap[0].at[1 + a];
        for (int64_t t = 1; t < taps; t++)
            s->first[a] = cx_minimum(s->first[a], tap[t].at[1 + a]);
    }
    for (int64_t t = 0; t < taps; t++) {
        int64_t i = tap[t].at[1] - s->first[0], j = tap[t].at[2] - s->first[1];
        if (tap[t].at[0] != 0 || i >= KERNEL || j >= KERNEL)
            return 0;
        s->number[i * KERNEL + j] = t;
        seen |= 1 << (i * KERNEL + j);
    }
    return seen == (1 << KERNEL * KERNEL) - 1;
}

int cx_winograd_fits(const cx_convolution *c, int many)
{
    cx_square s;
    int least = many ? LEAST_OF_MANY : LEAST_OUTPUTS;
    return c->groups == 1 && c->depth >= LEAST_CHANNELS &&
           c->columns >= LEAST_CHANNELS && c->in[0] == 1 && c->out[0] == 1 &&
           c->step[1] == 1 && c->step[2] == 1 && c->out[1] >= least &&
           c->out[2] >= least && cx_find_square(c->tap, c->taps, &s);
}

/* ---- weights ------------------------------------------------------------- */

int64_t cx_winograd_matrix(const cx_kernels *kernels, int64_t depth)
{
    return cx_panel_stride(kernels, 1, depth);
}

static size_t bias_reals(const cx_kernels *kernels, int64_t columns)
{
    return (size_t)cx_panel_count(kernels, columns) * 2 *
           (size_t)kernels->lanes;
}

size_t cx_winograd_packed_bytes(const cx_kernels *kernels,
                                const cx_convolution *c)
{
    size_t panels = cx_panels_bytes(kernels, 1, c->depth, c->columns);
    return cx_size_plus(cx_size_times(panels, POINTS),
                        bias_reals(kernels, c->columns) * sizeof(cxai_real));
}

/* u = G g along one axis of a kernel; the matrix is that of the points 0,
   1/sqrt(2), -1/sqrt(2), sqrt(2), -sqrt(2), infinity. */
static void transform_kernel(double g0, double g1, double g2, double u[SIDE])
{
    double r = sqrt(0.5);
    u[0] = g0;
    u[1] = (g0 + r * g1 + g2 / 2) / -1.5;
    u[2] = (g0 - r * g1 + g2 / 2) / -1.5;
    u[3] = (g0 + 2 * r * g1 + 2 * g2) / 6;
    u[4] = (g0 - 2 * r * g1 + 2 * g2) / 6;
    u[5] = g2;
}

/* u = G g G^T; g has the 3x3 weights by place. */
static void transform_weights(const double g[KERNEL * KERNEL],
                              double u[SIDE][SIDE])
{
    double half[KERNEL][SIDE], column[SIDE];
    for (int j = 0; j < KERNEL; j++)
        transform_kernel(g[j], g[KERNEL + j], g[2 * KERNEL + j], half[j]);
    for (int i = 0; i < SIDE; i++) {
        transform_kernel(half[0][i], half[1][i], half[2][i], column);
        memcpy(u[i], column, sizeof column);
    }
}

/* Row d of all points of panel p. */
static void pack_row(const cx_weights *w, const cx_square *s, int64_t d,
                     int64_t first, int count, int width, int64_t matrix,
                     cxai_real *row)
{
    for (int n = 0; n < width; n++) {
        double g[KERNEL * KERNEL] = { 0 }, u[SIDE][SIDE];
        const cxai_real *from =
            w->data + d * w->depth_stride + (first + n) * w->column_stride;
        for (int k = 0; k < KERNEL * KERNEL && n < count; k++)
            g[k] = (double)from[w->tap[s->number[k]].weight * w->tap_stride];
        transform_weights(g, u);
        for (int i = 0; i < POINTS; i++)
            row[i * matrix + n] = (cxai_real)u[i / SIDE][i % SIDE];
    }
}

void cx_winograd_pack(const cx_kernels *kernels, const cx_weights *w,
                      int threads, cxai_real *packed)
{
    cx_square s;
    int64_t panels = cx_panel_count(kernels, w->columns);
    int64_t matrix = cx_winograd_matrix(kernels, w->depth);
    cxai_real *bias = packed + panels * POINTS * matrix;
    int full = 2 * kernels->lanes;
    cx_find_square(w->tap, w->taps, &s);
    memset(bias, 0, bias_reals(kernels, w->columns) * sizeof *bias);
    if (w->bias != NULL)
        memcpy(bias, w->bias, (size_t)w->columns * sizeof *bias);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < panels; p++) {
        int count = cx_panel_columns(kernels, w->columns, p);
        int width = count > kernels->lanes ? full : kernels->lanes;
        cxai_real *panel = packed + p * POINTS * matrix;
        for (int i = 0; i < POINTS; i++)
            memset(panel + i * matrix, 0, (size_t)width * sizeof *panel);
        for (int64_t d = 0; d < w->depth; d++)
            pack_row(w, &s, d, p * full, count, width, matrix,
                     panel + (1 + d) * width);
    }
}
