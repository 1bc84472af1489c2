/*
 * Gradients at pictures, line by line, against sums in double
 * (support/kernel.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/spread.h"
#include "support/check.h"
#include "support/kernel.h"

enum { BATCH = 2 };

typedef struct spread_case {
    int in[2], kernel[2], stride[2], before[2], after[2];
    int depth, channels, gap; /* reals between pixels of y */
} spread_case;

static cx_spread describe(const spread_case *p)
{
    cx_spread s = {
        .batch = BATCH,
        .depth = p->depth,
        .channels = p->channels,
        .x_pixel = p->depth + 1,
        .y_pixel = p->channels + p->gap,
    };
    for (int a = 0; a < 2; a++) {
        int padded = p->in[a] + p->before[a] + p->after[a];
        s.in[a] = p->in[a];
        s.out[a] = (padded - p->kernel[a]) / p->stride[a] + 1;
        s.kernel[a] = p->kernel[a];
        s.stride[a] = p->stride[a];
        s.before[a] = p->before[a];
    }
    return s;
}

/* Channel c of pixel (n, r, q), exactly. */
static exact element(const cx_spread *s, const cxai_real *x, const cxai_real *w,
                     int64_t n, int64_t r, int64_t q, int64_t c)
{
    exact e = { 0 };
    for (int64_t i = 0; i < s->kernel[0]; i++)
        for (int64_t k = 0; k < s->kernel[1]; k++) {
            int64_t row = r + s->before[0] - i, column = q + s->before[1] - k;
            int64_t y = row / s->stride[0], z = column / s->stride[1];
            if (row < 0 || row % s->stride[0] != 0 || y >= s->out[0] ||
                column < 0 || column % s->stride[1] != 0 || z >= s->out[1])
                continue;
            const cxai_real *pixel =
                x + ((n * s->out[0] + y) * s->out[1] + z) * s->x_pixel;
            for (int64_t d = 0; d < s->depth; d++)
                exact_add(&e, (double)pixel[d],
                          (double)w[((d * s->channels + c) * s->kernel[0] + i) *
                                        s->kernel[1] +
                                    k]);
        }
    return e;
}

static void compare(const cx_kernels *kernels, const cx_spread *s,
                    const cxai_real *w, const cxai_real *bias, const guarded *y,
                    const cxai_real *old)
{
    for (int64_t at = 0; at < y->count; at++) {
        int64_t pixel = at / s->y_pixel, c = at % s->y_pixel;
        int64_t line = pixel / s->in[1];
        if (c >= s->channels) {
            assert_true(guarded_is_untouched(y, at));
            continue;
        }
        exact e = element(s, s->x, w, line / s->in[0], line % s->in[0],
                          pixel % s->in[1], c);
        if (s->biased)
            exact_add(&e, (double)bias[c], 1);
        if (s->adds)
            exact_add(&e, (double)old[at], 1);
        exact_check(&e, -(double)INFINITY, (double)INFINITY, y->data[at],
                    kernels->level, "spread");
    }
}

/* Runs on some threads, into y that holds what is in old. */
static void run(const cx_kernels *kernels, const cx_spread *s, int threads,
                const cxai_real *old, guarded *y)
{
    *y = guarded_create(s->batch * s->in[0] * s->in[1] * s->y_pixel);
    for (int64_t at = 0; s->adds && at < y->count; at++)
        if (at % s->y_pixel < s->channels)
            y->data[at] = old[at];
    cx_spread job = *s;
    job.y = y->data;
    void *room = cx_alloc_aligned(cx_spread_workspace(kernels, &job, threads));
    assert_non_null(room);
    cx_spread_run(kernels, &job, threads, room);
    cx_free_aligned(room);
}

static void check(const cx_kernels *kernels, const spread_case *p, int adds)
{
    cx_spread s = describe(p);
    void *x_block, *w_block, *old_block;
    cxai_real bias[] = { 0.5f, -0.25f, 2, 1 };
    int64_t cells = s.kernel[0] * s.kernel[1];
    int64_t count = s.batch * s.in[0] * s.in[1] * s.y_pixel;
    s.x =
        kernel_numbers(s.batch * s.out[0] * s.out[1] * s.x_pixel, 11, &x_block);
    cxai_real *w = kernel_numbers(s.depth * s.channels * cells, 900, &w_block);
    cxai_real *old = kernel_numbers(count, 5000, &old_block);
    cxai_real *packed = cx_alloc_aligned(cx_spread_packed_bytes(kernels, &s));
    assert_non_null(packed);
    s.adds = adds;
    s.biased = p->gap % 2;
    cx_spread_pack(kernels, &s, w, s.biased ? bias : NULL, packed);
    s.weights = packed;
    guarded first, more;
    run(kernels, &s, 1, old, &first);
    compare(kernels, &s, w, bias, &first, old);
    for (int threads = 2; threads <= 3; threads++) {
        run(kernels, &s, threads, old, &more);
        assert_memory_equal(more.data, first.data,
                            (size_t)count * sizeof *first.data);
        guarded_end(&more);
    }
    guarded_end(&first);
    cx_free_aligned(packed);
    free(x_block);
    free(w_block);
    free(old_block);
}

static void test_spread(void **state)
{
    (void)state;
    static const spread_case cases[] = {
        { { 14, 17 }, { 7, 7 }, { 2, 2 }, { 3, 3 }, { 3, 3 }, 64, 3, 0 },
        { { 15, 16 }, { 3, 3 }, { 2, 2 }, { 0, 1 }, { 0, 1 }, 32, 3, 0 },
        { { 23, 31 }, { 11, 11 }, { 4, 4 }, { 2, 2 }, { 2, 2 }, 16, 3, 1 },
        { { 9, 12 }, { 4, 4 }, { 4, 4 }, { 0, 0 }, { 0, 0 }, 17, 1, 2 },
        { { 8, 13 }, { 3, 3 }, { 3, 2 }, { 0, 2 }, { 1, 0 }, 20, 4, 0 },
        { { 5, 64 }, { 1, 5 }, { 1, 3 }, { 0, 4 }, { 0, 3 }, 16, 2, 3 },
    };
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            for (int adds = 0; adds < 2; adds++)
                check(k, &cases[i], adds);
}

/* Stems of the usual networks do; steps of 1 or past the kernel, many channels,
   few numbers to add up do not. */
static void test_what_fits(void **state)
{
    (void)state;
    const cx_kernels *k = cx_kernels_level(0);
    cx_spread s = {
        .kernel = { 7, 7 }, .stride = { 2, 2 }, .depth = 64, .channels = 3
    };
    assert_true(cx_spread_fits(k, &s));
    s.stride[1] = 1;
    assert_false(cx_spread_fits(k, &s));
    s.stride[1] = 8;
    assert_false(cx_spread_fits(k, &s));
    s.stride[1] = 2;
    s.channels = 5;
    assert_false(cx_spread_fits(k, &s));
    s.channels = 3;
    s.depth = 8;
    assert_false(cx_spread_fits(k, &s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
