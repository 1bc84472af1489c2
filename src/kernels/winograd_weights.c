#include "kernels/winograd_weights.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/work.h"

enum {
    KERNEL = CX_SQUARE_SIDE,
    SIDE = CX_WINOGRAD_SIDE,
    LEAST_CHANNELS = 16,
    /* Outputs along each axis. Fewer than these and the weights of a tile of
       4x4, four times those of the kernel, are read for too few: */
    LEAST_OF_LARGE = 11,
    LEAST_OF_MANY = 6,  /* the same where there are many pictures */
    LEAST_OF_SMALL = 6, /* of tiles of 2x2; below, direct sums are faster, */
    LEAST_SMALL_CHANNELS = 48,     /* as they are for fewer channels, */
    LEAST_SMALL_MATRIX = 48 * 128, /* and depth times columns */
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

int cx_winograd_choose(const cx_convolution *c, int many)
{
    cx_square s;
    int64_t channels = cx_minimum(c->depth, c->columns);
    int64_t outputs = cx_minimum(c->out[1], c->out[2]);
    if (c->groups != 1 || channels < LEAST_CHANNELS || c->in[0] != 1 ||
        c->out[0] != 1 || c->step[1] != 1 || c->step[2] != 1 ||
        !cx_find_square(c->tap, c->taps, &s))
        return 0;
    if (outputs >= (many ? LEAST_OF_MANY : LEAST_OF_LARGE))
        return 4;
    int pays = outputs >= LEAST_OF_SMALL && channels >= LEAST_SMALL_CHANNELS &&
               c->depth * c->columns >= LEAST_SMALL_MATRIX;
    return pays ? 2 : 0;
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
    return cx_size_plus(
        cx_size_times(panels, (size_t)cx_winograd_points(c->tile)),
        bias_reals(kernels, c->columns) * sizeof(cxai_real));
}

/* u = G g along one axis of a kernel; the matrix is that of the points 0, 1,
   -1, infinity for tiles of 2x2, */
static void transform_small(double g0, double g1, double g2, double u[SIDE])
{
    u[0] = g0;
    u[1] = (g0 + g1 + g2) / 2;
    u[2] = (g0 - g1 + g2) / 2;
    u[3] = g2;
}

/* and of 0, 1/sqrt(2), -1/sqrt(2), sqrt(2), -sqrt(2), infinity for 4x4. */
static void transform_large(double g0, double g1, double g2, double u[SIDE])
{
    double r = sqrt(0.5);
    u[0] = g0;
    u[1] = (g0 + r * g1 + g2 / 2) / -1.5;
    u[2] = (g0 - r * g1 + g2 / 2) / -1.5;
    u[3] = (g0 + 2 * r * g1 + 2 * g2) / 6;
    u[4] = (g0 - 2 * r * g1 + 2 * g2) / 6;
    u[5] = g2;
}

/* u = G g G^T, point by point; g has the 3x3 weights by place. */
static void transform_weights(int tile, const double g[KERNEL * KERNEL],
                              double u[CX_WINOGRAD_POINTS])
{
    void (*transform)(double, double, double, double *) =
        tile == 2 ? transform_small : transform_large;
    double half[KERNEL][SIDE];
    int side = cx_winograd_side(tile);
    for (int j = 0; j < KERNEL; j++)
        transform(g[j], g[KERNEL + j], g[2 * KERNEL + j], half[j]);
    for (int i = 0; i < side; i++)
        transform(half[0][i], half[1][i], half[2][i], u + i * side);
}

/* Row d of all points of panel p. */
static void pack_row(int tile, const cx_weights *w, const cx_square *s,
                     int64_t d, int64_t first, int count, int width,
                     int64_t matrix, cxai_real *row)
{
    for (int n = 0; n < width; n++) {
        double g[KERNEL * KERNEL] = { 0 }, u[CX_WINOGRAD_POINTS] = { 0 };
        const cxai_real *from =
            w->data + d * w->depth_stride + (first + n) * w->column_stride;
        for (int k = 0; k < KERNEL * KERNEL && n < count; k++)
            g[k] = (double)from[w->tap[s->number[k]].weight * w->tap_stride];
        transform_weights(tile, g, u);
        for (int i = 0; i < cx_winograd_points(tile); i++)
            row[i * matrix + n] = (cxai_real)u[i];
    }
}

void cx_winograd_pack(const cx_kernels *kernels, int tile, const cx_weights *w,
                      int threads, cxai_real *packed)
{
    int points = cx_winograd_points(tile);
    cx_square s = { .number = { 0 } };
    int64_t panels = cx_panel_count(kernels, w->columns);
    int64_t matrix = cx_winograd_matrix(kernels, w->depth);
    cxai_real *bias = packed + panels * points * matrix;
    int full = 2 * kernels->lanes;
    cx_find_square(w->tap, w->taps, &s);
    memset(bias, 0, bias_reals(kernels, w->columns) * sizeof *bias);
    if (w->bias != NULL)
        memcpy(bias, w->bias, (size_t)w->columns * sizeof *bias);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < panels; p++) {
        int count = cx_panel_columns(kernels, w->columns, p);
        int width = count > kernels->lanes ? full : kernels->lanes;
        cxai_real *panel = packed + p * points * matrix;
        for (int i = 0; i < points; i++)
            memset(panel + i * matrix, 0, (size_t)width * sizeof *panel);
        for (int64_t d = 0; d < w->depth; d++)
            pack_row(tile, w, &s, d, p * full, count, width, matrix,
                     panel + (1 + d) * width);
    }
}
