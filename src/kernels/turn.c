#include "kernels/turn.h"

#include <string.h>

#include "kernels/work.h"

/* A matrix of panels: depth rows of columns. */
typedef struct matrix {
    int64_t depth, columns;
    int64_t panel; /* reals from a panel to the next, where it is read */
} matrix;

/* Columns that panel p has, and reals of its rows. */
static int panel_shape(const cx_kernels *kernels, const matrix *m, int64_t p,
                       int *width)
{
    int count = cx_panel_columns(kernels, m->columns, p);
    *width = count > kernels->lanes ? 2 * kernels->lanes : kernels->lanes;
    return count;
}

/* Blocks lie far from each other: the processor does not see which is next. */
static void fetch(const cxai_real *x, int count)
{
    enum { LINE = 64 / sizeof(cxai_real) };
    for (int i = 0; i < count; i += LINE)
        __builtin_prefetch(x + i);
}

/* Rows of panels [p, end) of `to`, which lie in panels, from number `row` on.
   Their columns are rows of all panels of `from`, those from `first` on. */
static void turn_rows(const cx_kernels *kernels, const matrix *from,
                      const matrix *to, int64_t p, int64_t end, int64_t first,
                      int64_t row, cxai_real scale, const cxai_real *packed,
                      cxai_real *panels)
{
    int full = 2 * kernels->lanes, width, from_width;
    for (int64_t q = 0; q * full < from->columns; q++) {
        int columns = panel_shape(kernels, from, q, &from_width);
        for (int64_t i = p; i < end; i++) {
            int count = panel_shape(kernels, to, i, &width);
            const cxai_real *x =
                packed + q * from->panel + (first + i * full) * from_width;
            cxai_real *y =
                panels + (i - p) * to->panel + (row + q * full) * width;
            if ((q + 2) * full < from->columns)
                fetch(x + 2 * from->panel, count * from_width);
            if (count < width)
                memset(y, 0, (size_t)(columns * width) * sizeof *y);
            kernels->turn(&(cx_turn){
                .x = x,
                .x_row = from_width,
                .rows = count,
                .columns = columns,
                .scale = scale,
                .y = y,
                .y_row = width,
            });
        }
    }
}

/* The row of biases of panels [p, end). */
static void clear_biases(const cx_kernels *kernels, const matrix *to, int64_t p,
                         int64_t end, cxai_real *panels)
{
    for (int64_t i = p; i < end; i++, panels += to->panel) {
        int width;
        panel_shape(kernels, to, i, &width);
        memset(panels, 0, (size_t)width * sizeof *panels);
    }
}

int64_t cx_turned_panels(const cx_kernels *kernels, const cx_convolution *c)
{
    enum { REALS = 48 << 10 }; /* part of the second-level cache */
    int64_t all = cx_panel_count(kernels, c->columns) * c->groups;
    int64_t fit = REALS / cx_panel_stride(kernels, c->taps, c->depth);
    return cx_maximum(1, cx_minimum(fit, all));
}

void cx_turn_panels(const cx_kernels *kernels, const cx_convolution *c,
                    int64_t group, int64_t p, int64_t end, cxai_real *panels)
{
    const matrix from = { c->columns, c->depth,
                          cx_panel_stride(kernels, c->turned, c->columns) };
    const matrix to = { c->depth, c->columns,
                        cx_panel_stride(kernels, c->taps, c->depth) };
    const cxai_real *packed =
        c->weights + group * from.panel * cx_panel_count(kernels, c->depth);
    clear_biases(kernels, &to, p, end, panels);
    for (int64_t t = 0; t < c->taps; t++)
        turn_rows(kernels, &from, &to, p, end,
                  1 + c->tap[t].weight * c->columns, 1 + t * c->depth, 1,
                  packed, panels);
}

/* ---- Winograd ------------------------------------------------------------ */

/* Where a coordinate of the mirrored kernel is found, and times what. */
typedef struct mirrored {
    int point;
    double factor;
} mirrored;

/* The points are 0, 1, -1, infinity. */
static const mirrored small[] = { { 3, 1 }, { 1, 1 }, { 2, 1 }, { 0, 1 } };

/* The points are 0, 1/sqrt(2), -1/sqrt(2), sqrt(2), -sqrt(2), infinity, and
   their rows of G (kernels/winograd_weights.c) begin with 1, -2/3, -2/3, 1/6,
   1/6, 0. */
static const mirrored large[CX_WINOGRAD_SIDE] = {
    { 5, 1 }, { 3, -2 }, { 4, -2 }, { 1, -0.5 }, { 2, -0.5 }, { 0, 1 },
};

/* Where a point of the mirrored kernel begins in the weights; *factor: times
   what. */
static const cxai_real *mirrored_point(const cx_kernels *kernels,
                                       const cx_convolution *c, int point,
                                       cxai_real *factor)
{
    const mirrored *all = c->tile == 2 ? small : large;
    int side = cx_winograd_side(c->tile);
    const mirrored *row = &all[point / side], *column = &all[point % side];
    *factor = (cxai_real)(row->factor * column->factor);
    return c->weights + (row->point * side + column->point) *
                            cx_panel_stride(kernels, 1, c->columns);
}

/* Reals from a panel of the weights to the next. */
static int64_t points_stride(const cx_kernels *kernels, const cx_convolution *c)
{
    return cx_winograd_points(c->tile) *
           cx_panel_stride(kernels, 1, c->columns);
}

void cx_turn_point(const cx_kernels *kernels, const cx_convolution *c,
                   int64_t p, int point, cxai_real *panel)
{
    const matrix from = { c->columns, c->depth, points_stride(kernels, c) };
    const matrix to = { c->depth, c->columns, 0 };
    cxai_real factor;
    const cxai_real *weights = mirrored_point(kernels, c, point, &factor);
    clear_biases(kernels, &to, p, p + 1, panel);
    turn_rows(kernels, &from, &to, p, p + 1, 1, 1, factor, weights, panel);
}

/* Adding up lanes costs about 24 cycles a row and panel, to turn a panel 6 for
   each of its depth. */
int cx_turn_point_fits(const cx_kernels *kernels, const cx_convolution *c,
                       int64_t rows)
{
    return c->depth % (2 * kernels->lanes) == 0 &&
           c->columns % CX_TURNED_COLUMNS == 0 && 4 * rows <= c->depth;
}

void cx_turn_point_tile(const cx_kernels *kernels, const cx_convolution *c,
                        int64_t p, int point, cx_turned_tile *tile)
{
    int full = 2 * kernels->lanes; /* no panel of the weights is narrower */
    tile->columns = cx_panel_columns(kernels, c->columns, p);
    tile->depth = c->depth;
    tile->stride = points_stride(kernels, c);
    tile->panel =
        mirrored_point(kernels, c, point, &tile->scale) + (1 + p * full) * full;
}
