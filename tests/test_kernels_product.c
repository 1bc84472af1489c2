/* The product and depthwise kernels of every level that this processor has,
   against sums in double (support/kernel.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/narrow.h"
#include "support/check.h"
#include "support/kernel.h"

enum { GAP = 3, TAPS = 9 };

/* ---- product ------------------------------------------------------------- */

typedef struct product_case {
    int rows, columns, taps, depth;
    int residual; /* 0 none, 1 another tensor, 2 y itself */
    cxai_real low, high;
    int narrow; /* the kernel for few columns */
} product_case;

/* Matrices of taps,depth,columns, packed by cx_pack_panel, with a bias. */
typedef struct matrices {
    cxai_real *data, *bias, *panel;
    void *data_block, *bias_block;
} matrices;

static matrices create_matrices(const cx_kernels *k, const product_case *p)
{
    matrices m;
    cx_tap tap[TAPS];
    for (int t = 0; t < p->taps; t++)
        tap[t] = (cx_tap){ .weight = t };
    m.data = kernel_numbers((int64_t)p->taps * p->depth * p->columns, 7,
                            &m.data_block);
    m.bias = kernel_numbers(p->columns, 900, &m.bias_block);
    m.panel = malloc(cx_panels_bytes(k, p->taps, p->depth, p->columns));
    assert_non_null(m.panel);
    const cx_weights weights = {
        .data = m.data,
        .tap_stride = (int64_t)p->depth * p->columns,
        .depth_stride = p->columns,
        .column_stride = 1,
        .taps = p->taps,
        .depth = p->depth,
        .columns = p->columns,
        .tap = tap,
        .bias = m.bias,
    };
    if (p->narrow)
        cx_narrow_pack(&weights, m.panel);
    else
        cx_pack_panel(k, &weights, 0, 0, p->depth, m.panel);
    return m;
}

static void free_matrices(matrices *m)
{
    free(m->data_block);
    free(m->bias_block);
    free(m->panel);
}

/* Row i of the result, exactly. */
static exact product_element(const product_case *p, const matrices *m,
                             cxai_real *const *rows, int width, int i, int n)
{
    exact e = { 0 };
    exact_add(&e, (double)m->bias[n], 1);
    for (int t = 0; t < p->taps; t++)
        for (int d = 0; d < p->depth; d++)
            exact_add(&e, (double)rows[t * width + i][1 + d],
                      (double)m->data[(t * p->depth + d) * p->columns + n]);
    return e;
}

static void check_product(const cx_kernels *k, const product_case *p)
{
    int width = p->narrow ? CX_NARROW_PIXELS : k->tile_rows;
    cxai_real *row[TAPS * CX_MAX_TILE_ROWS];
    void *block[TAPS * CX_MAX_TILE_ROWS];
    for (int i = 0; i < p->taps * width; i++) /* rows of 1 + depth */
        row[i] = kernel_numbers(p->depth + 1, 50 * i, &block[i]);
    matrices m = create_matrices(k, p);
    int64_t stride = p->columns + GAP, y_offset[CX_MAX_TILE_ROWS];
    guarded y = guarded_create(p->rows * stride);
    void *residual_block;
    cxai_real *residual =
        kernel_numbers(p->rows * stride, 4000, &residual_block);
    for (int i = 0; i < p->rows; i++) { /* last row first */
        y_offset[i] = (p->rows - 1 - i) * stride;
        if (p->residual == 2)
            memcpy(y.data + y_offset[i], residual + y_offset[i],
                   (size_t)p->columns * sizeof *residual);
    }
    (p->narrow ? k->narrow : k->product)(&(cx_tile){
        .rows = p->rows,
        .columns = p->columns,
        .taps = p->taps,
        .depth = p->depth,
        .x = (const cxai_real *const *)row,
        .x_offset = 1,
        .panel = m.panel,
        .y = y.data,
        .y_offset = y_offset,
        .residual = p->residual == 0   ? NULL
                    : p->residual == 1 ? residual
                                       : y.data,
        .low = p->low,
        .high = p->high,
    });
    for (int i = 0; i < p->rows; i++)
        for (int n = 0; n < stride; n++) {
            int64_t at = y_offset[i] + n;
            if (n >= p->columns) {
                assert_true(guarded_is_untouched(&y, at));
                continue;
            }
            exact e = product_element(p, &m, row, width, i, n);
            if (p->residual)
                exact_add(&e, (double)residual[at], 1);
            exact_check(&e, (double)p->low, (double)p->high, y.data[at],
                        k->level, "product");
        }
    guarded_end(&y);
    free(residual_block);
    free_matrices(&m);
    for (int i = 0; i < p->taps * width; i++)
        free(block[i]);
}

static void test_product(void **state)
{
    (void)state;
    static const int sizes[][2] = { /* the last two are summed in blocks */
                                    { 1, 1 }, { 1, 3 }, { 2, 1 },  { 3, 17 },
                                    { 9, 5 }, { 1, 0 }, { 9, 37 }, { 2, 128 }
    };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int rows = 1; rows <= k->tile_rows; rows++)
            for (int columns = 1; columns <= 2 * k->lanes; columns++)
                for (int s = 0; s < 8; s++) {
                    int how = (rows + columns + s) % 3;
                    check_product(k, &(product_case){
                                         .rows = rows,
                                         .columns = columns,
                                         .taps = sizes[s][0],
                                         .depth = sizes[s][1],
                                         .residual = how,
                                         .low = how ? -INFINITY : 0,
                                         .high = how == 2 ? INFINITY : 0.5f,
                                     });
                }
}

static void test_narrow(void **state)
{
    (void)state;
    static const int sizes[][2] = { { 1, 1 }, { 2, 8 }, { 9, 16 }, { 3, 37 } };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int rows = 1; rows <= CX_NARROW_PIXELS; rows++)
            for (int columns = 1; columns <= CX_NARROW_COLUMNS; columns++)
                for (int i = 0; i < 12; i++)
                    check_product(k, &(product_case){
                                         .rows = rows,
                                         .columns = columns,
                                         .taps = sizes[i / 3][0],
                                         .depth = sizes[i / 3][1],
                                         .residual = i % 3,
                                         .low = -0.25f,
                                         .high = i % 2 ? INFINITY : 0.5f,
                                         .narrow = 1,
                                     });
}

/* Whatever the rows of a tile, a row of it has the same bits: results do not
   depend on how work is cut. */
static void test_product_rows_do_not_matter(void **state)
{
    (void)state;
    enum { DEPTH = 41 };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++) {
        void *block;
        cxai_real *x = kernel_numbers(DEPTH, 0, &block), *row[14];
        const product_case p = { .columns = 2 * k->lanes,
                                 .taps = 1,
                                 .depth = DEPTH };
        matrices m = create_matrices(k, &p);
        cxai_real first[2 * CX_MAX_LANES], y[14][2 * CX_MAX_LANES];
        int64_t y_offset[14];
        size_t bytes = (size_t)p.columns * sizeof *x;
        for (int i = 0; i < 14; i++) {
            row[i] = x;
            y_offset[i] = i * 2 * CX_MAX_LANES;
        }
        for (int rows = 1; rows <= k->tile_rows; rows++) {
            k->product(&(cx_tile){ .rows = rows,
                                   .columns = p.columns,
                                   .taps = 1,
                                   .depth = DEPTH,
                                   .x = (const cxai_real *const *)row,
                                   .panel = m.panel,
                                   .y = y[0],
                                   .y_offset = y_offset,
                                   .low = -INFINITY,
                                   .high = INFINITY });
            if (rows == 1)
                memcpy(first, y[0], bytes);
            for (int i = 0; i < rows; i++)
                assert_memory_equal(y[i], first, bytes);
        }
        free_matrices(&m);
        free(block);
    }
}

/* A NaN comes out of a clipped product, not the bound. */
static void test_product_keeps_nan(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int columns = 1; columns <= 2 * k->lanes; columns++) {
            cxai_real x = (cxai_real)NAN, y[2 * CX_MAX_LANES];
            const cxai_real *row = &x;
            cxai_real panel[4 * CX_MAX_LANES] = { 0 };
            const int64_t y_offset = 0;
            k->product(&(cx_tile){ .rows = 1,
                                   .columns = columns,
                                   .taps = 1,
                                   .depth = 1,
                                   .x = &row,
                                   .panel = panel,
                                   .y = y,
                                   .y_offset = &y_offset,
                                   .low = 0,
                                   .high = 6 });
            for (int n = 0; n < columns; n++)
                assert_true(isnan(y[n]));
        }
}

/* ---- depthwise ----------------------------------------------------------- */

typedef struct depthwise_case {
    int pixels, lines, width, step;
    int64_t channels, offset;
    int residual; /* 0 none, 1 another tensor, 2 y itself */
    int swish;
} depthwise_case;

/* Swish of the clipped sum: its slope lies below 1.1, and it is itself right to
   a few roundings (exponential.h). */
static void check_swish(const exact *e, double low, double high, cxai_real got,
                        const char *level)
{
    double roundoff = sizeof(cxai_real) == 4 ? 0x1p-24 : 0x1p-53;
    double v = fmin(fmax(e->sum, low), high), want = v / (1 + exp(-v));
    double bound = 1.1 * (double)(e->terms + 1) * e->magnitude + 8 * fabs(want);
    if (!(fabs((double)got - want) <= bound * roundoff))
        fail_msg("%s: depthwise with Swish: %.9g instead of %.9g", level,
                 (double)got, want);
}

static void check_depthwise_element(const cx_kernels *k,
                                    const depthwise_case *d, const exact *e,
                                    double low, double high, cxai_real got)
{
    if (d->swish)
        check_swish(e, low, high, got, k->level);
    else
        exact_check(e, low, high, got, k->level, "depthwise");
}

static void check_depthwise(const cx_kernels *k, const depthwise_case *d)
{
    enum { MOST = 9 * (2 * CX_DEPTHWISE_PIXELS + 7) };
    int columns = cx_depthwise_columns(d->width, d->step);
    cxai_real *row[MOST];
    void *block[MOST], *weights_block, *residual_block;
    int64_t all = d->offset + d->channels, stride = all + GAP;
    int64_t y_offset[CX_DEPTHWISE_PIXELS], taps = d->lines * d->width;
    for (int i = 0; i < d->lines * columns; i++)
        row[i] = kernel_numbers(all, 100 * i, &block[i]);
    cxai_real *weights = kernel_numbers((taps + 1) * all, 31, &weights_block);
    cxai_real *residual =
        kernel_numbers(d->pixels * stride, 77, &residual_block);
    guarded y = guarded_create(d->pixels * stride);
    for (int i = 0; i < d->pixels; i++)
        y_offset[i] = i * stride;
    cxai_real low = -0.5f, high = d->residual ? INFINITY : 0.5f;
    for (int i = 0; i < d->pixels && d->residual == 2; i++)
        memcpy(y.data + i * stride + d->offset,
               residual + i * stride + d->offset,
               (size_t)d->channels * sizeof *residual);
    k->depthwise(&(cx_depthwise_tile){
        .pixels = d->pixels,
        .width = d->width,
        .step = d->step,
        .lines = d->lines,
        .channels = d->channels,
        .x = (const cxai_real *const *)row,
        .offset = d->offset,
        .weights = weights,
        .weights_row = all,
        .y = y.data,
        .y_offset = y_offset,
        .residual = d->residual == 0   ? NULL
                    : d->residual == 1 ? residual
                                       : y.data,
        .low = low,
        .high = high,
        .swish = d->swish,
    });
    for (int64_t at = 0; at < d->pixels * stride; at++) {
        int64_t i = at / stride, c = at % stride;
        if (c < d->offset || c >= all) {
            assert_true(guarded_is_untouched(&y, at));
            continue;
        }
        exact e = { 0 };
        exact_add(&e, (double)weights[c], 1);
        for (int64_t t = 0; t < taps; t++)
            exact_add(
                &e,
                (double)
                    row[t / d->width * columns + i * d->step + t % d->width][c],
                (double)weights[(t + 1) * all + c]);
        if (d->residual)
            exact_add(&e, (double)residual[at], 1);
        check_depthwise_element(k, d, &e, (double)low, (double)high,
                                y.data[at]);
    }
    guarded_end(&y);
    free(weights_block);
    free(residual_block);
    for (int i = 0; i < d->lines * columns; i++)
        free(block[i]);
}

static void test_depthwise(void **state)
{
    (void)state;
    static const int sizes[][3] = { { 9, 1, 1 }, { 1, 1, 1 }, { 3, 3, 1 },
                                    { 3, 3, 2 }, { 5, 5, 1 }, { 2, 5, 2 },
                                    { 7, 7, 1 }, { 1, 3, 1 } };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t channels = 1; channels <= 3 * k->lanes + 1; channels++)
            for (int pixels = 1; pixels <= CX_DEPTHWISE_PIXELS; pixels++)
                for (int s = 0; s < 8; s++) {
                    int odd = (int)(channels + pixels + s) % 2;
                    check_depthwise(k, &(depthwise_case){
                                           .pixels = pixels,
                                           .lines = sizes[s][0],
                                           .width = sizes[s][1],
                                           .step = sizes[s][2],
                                           .channels = channels,
                                           .offset = odd ? 5 : 0,
                                           .residual = (int)(channels + s) % 3,
                                           .swish = (pixels + s) % 3 == 0,
                                       });
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_product),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_product_rows_do_not_matter),
        cmocka_unit_test(test_product_keeps_nan),
        cmocka_unit_test(test_depthwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
