/*
 * How far long sums are from double precision, on average, at every level.
 *
 * Rounding to 24 bits errs by 2.4e-8 of a number, root mean square over an
 * octave (2^-23 / sqrt(24)). A sum of n products of random signs that are added
 * one by one errs by that times sqrt(n / 2) of what such sums come to, as the
 * sum on the way has grown to half the terms on average: 5e-7 for 768. Blocks
 * of b products keep it near sqrt(b / 2 + n / (2 b)) times that, whatever n is;
 * bounds here are a quarter more than this.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/multiply.h"
#include "ops/common/rows.h"
#include "support/check.h"
#include "support/kernel.h"

static const double rounding = 2.4e-8, margin = 1.25;

/* Sums of squares of errors and of what is right. */
typedef struct distance {
    double error, size;
} distance;

static void distance_add(distance *d, cxai_real got, double want)
{
    d->error += ((double)got - want) * ((double)got - want);
    d->size += want * want;
}

/* Fails the test unless the sums are as exact as those of so many terms. */
static void distance_check(const distance *d, double terms, const char *level,
                           const char *what)
{
    double got = sqrt(d->error / d->size);
    double most = margin * rounding * sqrt(terms / 2);
    if (!(got <= most))
        fail_msg("%s, %s: %.2g instead of %.2g", level, what, got, most);
}

/* A product whose way through multiply.c its rows and b's order choose. */
typedef struct product_case {
    const char *what;
    int64_t rows, depth;
    int transposed; /* b, column by column */
    int packed;     /* b, with a bias as large as the products */
    double terms;   /* b + depth / b with the blocks b of that way */
} product_case;

enum { COLUMNS = 48 };

static distance multiply(const cx_kernels *k, const product_case *p)
{
    void *block[4];
    cxai_real *a = kernel_numbers(p->rows * p->depth, 1, &block[0]);
    cxai_real *b = kernel_numbers(COLUMNS * p->depth, 1 << 20, &block[1]);
    cxai_real *c = kernel_numbers(p->rows * COLUMNS, 0, &block[2]);
    cxai_real *bias = kernel_numbers(COLUMNS, 77, &block[3]);
    cx_multiply m = {
        .rows = p->rows,
        .columns = COLUMNS,
        .depth = p->depth,
        .a = a,
        .a_row = p->depth,
        .a_column = 1,
        .b = b,
        .b_row = p->transposed ? 1 : COLUMNS,
        .b_column = p->transposed ? p->depth : 1,
        .c = c,
        .c_row = COLUMNS,
    };
    size_t bytes = cx_multiply_packed_bytes(k, &m);
    void *packed = aligned_alloc(64, (bytes + 64) / 64 * 64);
    size_t room = cx_multiply_workspace(k, &m, 1);
    void *workspace = aligned_alloc(64, (room + 64) / 64 * 64);
    assert_non_null(packed);
    assert_non_null(workspace);
    for (int n = 0; n < COLUMNS; n++)
        bias[n] *= p->packed ? (cxai_real)sqrt((double)p->depth / 3) : 0;
    if (p->packed) {
        cx_multiply_pack(k, &m, bias, packed);
        m.panels = packed;
    }
    cx_multiply_run(k, &m, 1, workspace);
    distance d = { 0 };
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t n = 0; n < COLUMNS; n++) {
            double want = (double)bias[n];
            for (int64_t t = 0; t < p->depth; t++)
                want += (double)a[i * p->depth + t] *
                        (double)b[t * m.b_row + n * m.b_column];
            distance_add(&d, c[i * COLUMNS + n], want);
        }
    for (int i = 0; i < 4; i++)
        free(block[i]);
    free(packed);
    free(workspace);
    return d;
}

static void test_products(void **state)
{
    (void)state;
    static const product_case cases[] = {
        { "tiles", 40, 256, 0, 0, 128 + 256 / 128 },
        { "tiles", 40, 768, 0, 0, 128 + 768 / 128 },
        { "tiles", 40, 9216, 1, 0, 128 + 9216 / 128 },
        { "packed", 40, 768, 0, 1, 128 + 768 / 128 },
        { "packed", 40, 4608, 0, 1, 128 + 4608 / 128 },
        { "dots", 8, 9216, 1, 0, 128 + 9216 / 128 },
    };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            distance d = multiply(k, &cases[i]);
            distance_check(&d, cases[i].terms, k->level, cases[i].what);
        }
}

/* Sums of squares, as a variance takes them: terms of one sign, whose sum has
   grown to two thirds on average, so that n terms count as 2 n / 3. 16 lanes of
   16, which weigh a 16th each, then 4 pairs, are one of six blocks. */
static void test_sums(void **state)
{
    (void)state;
    enum { ROWS = 256, LENGTH = 1536 };
    void *block[2];
    cxai_real *x = kernel_numbers(ROWS * LENGTH, 5, &block[0]);
    cxai_real *y = kernel_numbers(ROWS, 0, &block[1]);
    cx_rows rows = { .count = 1, .threads = 1 };
    cxai_shape in = { 2, { ROWS, LENGTH } }, out = { 2, { ROWS, 1 } };
    for (int i = 0; i < ROWS * LENGTH; i++)
        x[i] *= x[i];
    rows.in[0] = cxai_tensor_dense(x, &in);
    cxai_tensor to = cxai_tensor_dense(y, &out);
    cx_rows_reduce(&rows, CX_SUM, &to);
    distance d = { 0 };
    for (int i = 0; i < ROWS; i++) {
        double want = 0;
        for (int j = 0; j < LENGTH; j++)
            want += (double)x[i * LENGTH + j];
        distance_add(&d, y[i], want);
    }
    distance_check(&d, (2.0 * 6 + 4) * 2 / 3, "rows", "sums");
    free(block[0]);
    free(block[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
