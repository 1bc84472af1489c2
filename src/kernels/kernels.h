/*
 * Kernels: the inner loops, compiled once for each instruction set and picked
 * at run time. Everything here works on channels-last memory: a row is the run
 * of a pixel's channels, and rows are given by pointers, so that one product
 * serves convolutions of any stride, dilation and padding, their gradients and
 * plain matrices.
 *
 * All kernels run on the calling thread and write nothing but their outputs.
 * Rows need no alignment.
 */
#ifndef CX_KERNELS_KERNELS_H
#define CX_KERNELS_KERNELS_H

#include "cxai/tensor.h"

/* Largest tile_rows and lanes of all levels, for arrays of fixed size. */
enum { CX_MAX_TILE_ROWS = 14, CX_MAX_LANES = 16 };

/* Output pixels that a narrow tile computes at once, and most of its columns.
 */
enum { CX_NARROW_PIXELS = 4, CX_NARROW_COLUMNS = 4 };

/* Columns that a turned tile computes at once. */
enum { CX_TURNED_COLUMNS = 4 };

/* Output pixels that a depthwise tile computes at once, and rows that a dot
   call reads at once. */
enum { CX_DEPTHWISE_PIXELS = 8, CX_DOT_ROWS = 8 };

/*
 * One tile of a matrix product in which the rows of A are gathered:
 *
 *   y[i][n] = clip(panel[0][n] + residual[i][n]
 *                  + sum over t, d of x[t][i][d] * panel[1 + t*depth + d][n])
 *
 * A panel holds 2*lanes columns of B, or lanes when columns <= lanes: first a
 * row of biases, then a row for each tap and depth. Its missing columns are
 * zero and are not stored.
 */
typedef struct cx_tile {
    int rows;    /* 1..tile_rows */
    int columns; /* 1..2*lanes */
    int64_t taps, depth;
    const cxai_real *const *x; /* taps,tile_rows pointers to rows of depth */
    int64_t x_offset;          /* added to each of them */
    const cxai_real *panel;
    cxai_real *y;
    const int64_t *y_offset;   /* of each row, from y and from residual */
    const cxai_real *residual; /* NULL: none; may be y */
    cxai_real low, high;       /* -infinity, infinity: no clipping */
} cx_tile;

/*
 * Neighbouring pixels of a depthwise convolution whose taps come in lines of
 * `width`, each reading one input column behind the other:
 *
 *   y[i][c] = f(weights[0][c] + residual[i][c]
 *               + sum over l, t of x[l][i*step + t][c]
 *                                  * weights[1 + l*width + t][c])
 *
 * in the order of l, t; f clips, then, when swish is set, v * sigmoid(v). Lines
 * of one tap read a column of their own for each pixel: step is 1.
 */
typedef struct cx_depthwise_tile {
    int pixels;      /* 1..CX_DEPTHWISE_PIXELS */
    int width, step; /* that cx_depthwise_fits */
    int64_t lines, channels;
    const cxai_real *const *x; /* lines,cx_depthwise_columns pointers, all
                                  valid */
    int64_t offset;            /* first channel: added to x, weights, y */
    const cxai_real *weights;
    int64_t weights_row; /* reals from a tap to the next */
    cxai_real *y;
    const int64_t *y_offset;
    const cxai_real *residual; /* NULL: none; may be y */
    cxai_real low, high;
    int swish;
} cx_depthwise_tile;

/* Lines that the depthwise kernel takes: a tap, or 3, 5 or 7. */
static inline int cx_depthwise_fits(int64_t width, int64_t step)
{
    if (step == 2)
        return width == 3 || width == 5;
    return step == 1 && (width == 1 || width == 3 || width == 5 || width == 7);
}

/* Input columns of a full tile. */
static inline int cx_depthwise_columns(int width, int step)
{
    return (CX_DEPTHWISE_PIXELS - 1) * step + width;
}

/* Winograd's convolution computes tiles of 4x4 or 2x2 outputs of a 3x3 kernel,
   each from a square of points that is two longer. Here are the larger ones. */
enum {
    CX_WINOGRAD_TILE = 4,
    CX_WINOGRAD_SIDE = CX_WINOGRAD_TILE + 2,
    CX_WINOGRAD_POINTS = CX_WINOGRAD_SIDE * CX_WINOGRAD_SIDE
};

static inline int cx_winograd_side(int tile)
{
    return tile + 2;
}

static inline int cx_winograd_points(int tile)
{
    return cx_winograd_side(tile) * cx_winograd_side(tile);
}

/* The outputs of one tile: y = clip(A^T m A + bias + residual). */
typedef struct cx_winograd_tile {
    int size;           /* 4 or 2 outputs along an axis */
    const cxai_real *m; /* its points: rows of 2*lanes columns */
    int64_t m_point;    /* reals from a point to the next */
    int columns;        /* 1..2*lanes */
    int rows, width;    /* pixels that exist: 1..size */
    const cxai_real *bias;
    cxai_real *y;
    int64_t y_row, y_pixel;    /* reals from a row or pixel to the next */
    const cxai_real *residual; /* NULL: none; as y */
    cxai_real low, high;
} cx_winograd_tile;

/* A turned matrix: y[j][i] = scale * x[i][j]; no overlap. */
typedef struct cx_turn {
    const cxai_real *x;
    int64_t x_row; /* reals from a row to the next */
    int rows, columns;
    cxai_real scale;
    cxai_real *y;
    int64_t y_row;
} cx_turn;

/*
 * A product with panels that are packed for the other direction (turn.h): what
 * are their columns is the depth here, and their rows are the columns,
 *
 *   y[i][n] = scale * sum over d of x[i][d] * p[d / w * stride + n * w + d % w]
 *
 * with the panel p and w = 2 * lanes.
 */
typedef struct cx_turned_tile {
    int rows;
    int columns;    /* a multiple of CX_TURNED_COLUMNS */
    int64_t depth;  /* a multiple of 2*lanes */
    int64_t stride; /* reals from a panel to the next */
    const cxai_real *const *x;
    int64_t x_offset;              /* added to each of them */
    const cxai_real *panel, *next; /* next: what will be asked for then, to be
                                      fetched from memory meanwhile; or NULL */
    cxai_real scale;
    cxai_real *y;
    const int64_t *y_offset; /* of each row */
} cx_turned_tile;

/* Rows of pixels: y[p][c] = clip(x[p][c] * scale[c] + shift[c]
   + residual[p][c]); scale and shift may be NULL (1 and 0). */
typedef struct cx_affine {
    int64_t pixels, channels;
    const cxai_real *x;
    int64_t x_pixel; /* reals from a pixel to the next */
    const cxai_real *scale, *shift;
    const cxai_real *residual; /* NULL: none; as y */
    cxai_real *y;
    int64_t y_pixel;
    cxai_real low, high;
} cx_affine;

/* A row brought to mean 0 and variance 1, then scaled and shifted:
   y = (x - mean) * inverse * scale + shift,
   inverse = 1 / (sqrt(mean of (x - mean)^2 + epsilon) + outside). */
typedef struct cx_standard_row {
    int64_t count;
    const cxai_real *x;
    const cxai_real *scale, *shift; /* NULL: 1 and 0 */
    int centered;                   /* 0: mean is taken to be 0 */
    double epsilon, outside;
    cxai_real *y;
    cxai_real *mean, *inverse; /* results */
} cx_standard_row;

/* Its gradient. With g = dy * scale, and dmean and dinverse arriving from
   elsewhere:
   dx = g * inverse
        - (x - mean) * inverse^3 * (dinverse + sum of g * (x - mean)) / count
        + (dmean - inverse * sum of g) / count,
   the sum of g being left out where the mean is not subtracted. */
typedef struct cx_standard_slope {
    int64_t count;
    const cxai_real *x, *dy;
    const cxai_real *scale; /* NULL: 1 */
    int centered;
    cxai_real mean, inverse, dmean, dinverse;
    cxai_real *dx;
} cx_standard_slope;

/* The cells of a pooling window that lie inside the picture. */
typedef struct cx_cells {
    int64_t count;
    const cxai_real *const *row; /* a row of channels for each cell */
    const int32_t *number;       /* of the cell in the window */
    int64_t channels;
} cx_cells;

typedef struct cx_kernels {
    const char *level;
    int lanes;     /* reals in a vector */
    int tile_rows; /* rows of a full tile */

    void (*product)(const cx_tile *tile);
    /* The same sums for rows <= CX_NARROW_PIXELS, columns <= CX_NARROW_COLUMNS:
       x has NARROW_PIXELS pointers a tap, all valid; the panel is a row of
       biases, then for each tap and column a row of depth */
    void (*narrow)(const cx_tile *tile);
    void (*depthwise)(const cx_depthwise_tile *tile);
    void (*affine)(const cx_affine *affine);
    void (*turn)(const cx_turn *turn);
    void (*product_turned)(const cx_turned_tile *tile);

    /* v[p * v_point + c] = point p of B^T x B; x: a row for each point of a
       tile of 4x4 or 2x2 outputs, of channels, which are at least lanes */
    void (*winograd_input)(int tile, const cxai_real *const *x,
                           int64_t channels, cxai_real *v, int64_t v_point);
    void (*winograd_output)(const cx_winograd_tile *tile);

    /* y[i] = sum over d of x[d] * b[i*b_row + d], i < count <= CX_DOT_ROWS */
    void (*dot)(cxai_real *y, const cxai_real *x, const cxai_real *b,
                int64_t b_row, int count, int64_t depth);

    /* y[c] (accumulate: +)= sum over i of weight[i] * row[i][c], in the order
       of i */
    void (*combine)(cxai_real *y, const cxai_real *const *row,
                    const cxai_real *weight, int64_t count, int64_t channels,
                    int accumulate);

    /* y[c] = the largest row[i][c], a NaN if there is one. winner, unless
       NULL, gets the number of the first cell that has it: uint8_t each when
       winner_bytes is 1, int32_t when it is 4. count >= 1. */
    void (*maximum)(cxai_real *y, void *winner, int winner_bytes,
                    const cx_cells *cells);

    /* y[c] (accumulate: +)= sum of row[i][c] over the cells whose winner[i][c]
       is number[i] */
    void (*unmaximum)(cxai_real *y, const void *const *winner, int winner_bytes,
                      const cx_cells *cells, int accumulate);

    void (*standardize)(const cx_standard_row *row);
    void (*standardize_gradient)(const cx_standard_slope *slope);

    /* y[i] = exp(x[i] - m) / sum over j of exp(x[j] - m), m the largest x; y
       may be x. */
    void (*softmax)(cxai_real *y, const cxai_real *x, int64_t count);
    /* dx[i] = y[i] * (dy[i] - sum over j of y[j] * dy[j]); dx may be dy. */
    void (*softmax_gradient)(cxai_real *dx, const cxai_real *y,
                             const cxai_real *dy, int64_t count);

    /* Bit i of bits = low < y[i] < high; what the last byte has over is 0. */
    void (*passed)(uint8_t *bits, const cxai_real *y, int64_t count,
                   cxai_real low, cxai_real high);
    /* y[i] = bit i of bits ? x[i] : 0; y may be x. */
    void (*keep)(cxai_real *y, const cxai_real *x, const uint8_t *bits,
                 int64_t count);

    /* Rows of columns at y + y_offset[i]: keeps y[y_offset[i] + n] where bit
       first + y_offset[i] + n of bits is set, else it becomes 0. */
    void (*keep_rows)(cxai_real *y, const int64_t *y_offset, int rows,
                      int64_t columns, const uint8_t *bits, int64_t first);

    /* y[i] = f(x[i]), as exact as exponential.h says; y may be x. */
    void (*exponential)(cxai_real *y, const cxai_real *x, int64_t count);
    void (*hyperbolic_tangent)(cxai_real *y, const cxai_real *x, int64_t count);
    void (*error_function)(cxai_real *y, const cxai_real *x, int64_t count);
    void (*gelu)(cxai_real *y, const cxai_real *x, int64_t count);
    void (*sigmoid)(cxai_real *y, const cxai_real *x, int64_t count);
    void (*swish)(cxai_real *y, const cxai_real *x, int64_t count);
    /* the same in place, for rows of columns at y + y_offset[i] */
    void (*swish_rows)(cxai_real *y, const int64_t *y_offset, int rows,
                       int64_t columns);
    /* dx[i] = dy[i] * f'(x[i]) */
    void (*gelu_gradient)(cxai_real *dx, const cxai_real *x,
                          const cxai_real *dy, int64_t count);
    void (*swish_gradient)(cxai_real *dx, const cxai_real *x,
                           const cxai_real *dy, int64_t count);
} cx_kernels;

/*
 * The fastest level that this processor runs. The environment variable
 * CXAI_CPU (portable, avx2, avx512, neon) asks for another; a level that is
 * unknown here or that the processor lacks is ignored.
 */
const cx_kernels *cx_kernels_select(void);

/* Level number i of those this processor runs, slowest first, or NULL. */
const cx_kernels *cx_kernels_level(int i);

#endif
