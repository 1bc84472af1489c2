/* Products of strided matrices at every level, against sums in double
   (support/kernel.h); the same bits for any number of threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/multiply.h"
#include "support/check.h"
#include "support/kernel.h"

enum { GAP = 3 };

/* a and b row-major or transposed, the rows longer than the matrix. */
static cx_multiply describe(int64_t rows, int64_t columns, int64_t depth,
                            int transposed_a, int transposed_b)
{
    return (cx_multiply){
        .rows = rows,
        .columns = columns,
        .depth = depth,
        .a_row = transposed_a ? 1 : depth + GAP,
        .a_column = transposed_a ? rows + GAP : 1,
        .b_row = transposed_b ? 1 : columns + GAP,
        .b_column = transposed_b ? depth + GAP : 1,
        .c_row = columns + GAP,
    };
}

/* bias: packed together with b, or NULL. */
static void check_elements(const cx_kernels *k, const cx_multiply *m,
                           const guarded *c, const cxai_real *start,
                           const cxai_real *bias)
{
    const cx_multiply_finish *finish = m->finish;
    const double low = finish != NULL ? (double)finish->low : -HUGE_VAL;
    const double high = finish != NULL ? (double)finish->high : HUGE_VAL;
    char what[80];
    sprintf(what, "%lldx%lldx%lld", (long long)m->rows, (long long)m->depth,
            (long long)m->columns);
    for (int64_t at = 0; at < m->rows * m->c_row; at++) {
        int64_t i = at / m->c_row, j = at % m->c_row;
        if (j >= m->columns) {
            assert_true(guarded_is_untouched(c, at));
            continue;
        }
        exact e = { 0 };
        if (m->accumulate)
            exact_add(&e, (double)start[at], 1);
        for (int64_t d = 0; d < m->depth; d++)
            exact_add(&e, (double)m->a[i * m->a_row + d * m->a_column],
                      (double)m->b[d * m->b_row + j * m->b_column]);
        if (bias != NULL)
            exact_add(&e, (double)bias[j], 1);
        if (finish != NULL)
            exact_add(&e, (double)finish->residual[at], 1);
        exact_check(&e, low, high, c->data[at], k->level, what);
    }
}

/* c by so many threads; start is what is added to. */
static guarded multiply(const cx_kernels *k, cx_multiply m, int threads,
                        const cxai_real *start)
{
    guarded c = guarded_create(m.rows * m.c_row);
    for (int64_t i = 0; m.accumulate && i < m.rows; i++)
        memcpy(c.data + i * m.c_row, start + i * m.c_row,
               (size_t)m.columns * sizeof *start);
    size_t bytes = cx_multiply_workspace(k, &m, threads);
    void *workspace = aligned_alloc(64, (bytes + 64) / 64 * 64);
    assert_non_null(workspace);
    m.c = c.data;
    cx_multiply_run(k, &m, threads, workspace);
    free(workspace);
    return c;
}

static void check_run(const cx_kernels *k, const cx_multiply *m,
                      const cxai_real *start, const cxai_real *bias)
{
    guarded one = multiply(k, *m, 1, start), three = multiply(k, *m, 3, start);
    check_elements(k, m, &one, start, bias);
    assert_memory_equal(one.data, three.data,
                        (size_t)(m->rows * m->c_row) * sizeof *one.data);
    guarded_end(&one);
    guarded_end(&three);
}

/* With what is done to the finished product; then the same packed, the bias in
   the panels. */
static void check_finished(const cx_kernels *k, cx_multiply m,
                           const cxai_real *start)
{
    void *block;
    cxai_real *bias = kernel_numbers(m.columns, 4, &block);
    cx_multiply_finish finish = { bias, start, -0.25f, 0.5f };
    size_t bytes = cx_multiply_packed_bytes(k, &m);
    assert_true((bytes > 0) == (m.rows > 32 && m.depth > 0));
    m.finish = &finish;
    check_run(k, &m, start, bias);
    if (bytes > 0) {
        cxai_real *packed = aligned_alloc(64, (bytes + 63) / 64 * 64);
        assert_non_null(packed);
        cx_multiply_pack(k, &m, bias, packed);
        m.panels = packed;
        finish.bias = NULL;
        check_run(k, &m, start, bias);
        m.finish = NULL;
        check_run(k, &m, start, bias);
        free(packed);
    }
    free(block);
}

/* zeros of three elements of a are 0. */
static void check_product(const cx_kernels *k, cx_multiply m, int zeros)
{
    void *block[3];
    cxai_real *a =
        kernel_numbers((m.rows + GAP) * (m.depth + GAP), 1, &block[0]);
    m.a = a;
    m.b = kernel_numbers((m.columns + GAP) * (m.depth + GAP), 2, &block[1]);
    cxai_real *start = kernel_numbers(m.rows * m.c_row, 3, &block[2]);
    m.skips_zeros = zeros > 0;
    for (int64_t i = 0; i < (m.rows + GAP) * (m.depth + GAP); i++)
        if (zeros > 0 && i % 3 < zeros)
            a[i] = 0;
    check_run(k, &m, start, NULL);
    if (!m.accumulate)
        check_finished(k, m, start);
    for (int i = 0; i < 3; i++)
        free(block[i]);
}

static void test_products(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {
        { 1, 1, 1 },   { 1, 1000, 70 }, { 2, 17, 1030 }, { 6, 40, 9 },
        { 7, 1, 33 },  { 13, 8, 0 },    { 40, 37, 21 },  { 90, 5, 2100 },
        { 5, 600, 3 }, { 33, 300, 16 }, { 3, 9, 0 },     { 1, 65, 2050 },
        { 8, 70, 90 }, { 16, 21, 37 },  { 17, 21, 37 },
    };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int how = 0; how < 8; how++) {
                cx_multiply m = describe(sizes[i][0], sizes[i][1], sizes[i][2],
                                         how & 1, how >> 1 & 1);
                m.accumulate = how >> 2;
                for (int zeros = 0; zeros <= 3; zeros++)
                    check_product(k, m, zeros);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_products) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
