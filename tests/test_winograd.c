/*
 * Winograd's convolution of every level that this processor has, against the
 * definition in double: sizes, tails, padding, epilogues, gaps in the output,
 * both ways of cutting the work, taps in either order, both sizes of tiles.
 *
 * The bound: the largest errors over these shapes are 2e-6 to 1e-5 of the root
 * mean square of the outputs, growing with the depth; twice that is
 * allowed. What counts is 1e-4 of the largest logit.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/winograd.h"
#include "support/check.h"
#include "support/kernel.h"

enum { TAPS = 9, X_GAP = 3, Y_GAP = 5 };

static const double bound = sizeof(cxai_real) == 4 ? 2e-5 : 1e-13;

typedef struct shape {
    int batch, depth, columns, height, width; /* height, width: outputs */
    int before[2], after[2];
    int flipped, epilogue;
    int tile;
} shape;

typedef struct buffers {
    void *block[4];
    cxai_real *x, *w, *bias, *residual;
    cx_tap tap[TAPS];
    cx_convolution c;
} buffers;

static int64_t y_count(const shape *s)
{
    return (int64_t)s->batch * s->height * s->width * (s->columns + Y_GAP);
}

static buffers make(const shape *s)
{
    buffers b;
    int in[2] = { s->height + 2 - s->before[0] - s->after[0],
                  s->width + 2 - s->before[1] - s->after[1] };
    int64_t x_pixel = s->depth + X_GAP, y_pixel = s->columns + Y_GAP;
    b.x = kernel_numbers(s->batch * in[0] * in[1] * x_pixel - X_GAP, 1,
                         &b.block[0]);
    b.w = kernel_numbers((int64_t)TAPS * s->depth * s->columns, 7000,
                         &b.block[1]);
    b.bias = kernel_numbers(s->columns, 900, &b.block[2]);
    b.residual = kernel_numbers(y_count(s) - Y_GAP, 33, &b.block[3]);
    for (int t = 0; t < TAPS; t++) {
        int k = s->flipped ? TAPS - 1 - t : t;
        b.tap[t] =
            (cx_tap){ .at = { 0, k / 3 - s->before[0], k % 3 - s->before[1] },
                      .weight = t };
    }
    b.c = (cx_convolution){
        .batch = s->batch,
        .in = { 1, in[0], in[1] },
        .out = { 1, s->height, s->width },
        .step = { 1, 1, 1 },
        .taps = TAPS,
        .groups = 1,
        .depth = s->depth,
        .columns = s->columns,
        .x = b.x,
        .x_pixel = x_pixel,
        .y_stride = { s->height * s->width * y_pixel, 0, s->width * y_pixel,
                      y_pixel },
        .residual = s->epilogue ? b.residual : NULL,
        .low = s->epilogue ? -1 : -(cxai_real)INFINITY,
        .high = s->epilogue ? 2 : (cxai_real)INFINITY,
    };
    return b;
}

static void free_buffers(buffers *b)
{
    for (int i = 0; i < 4; i++)
        free(b->block[i]);
}

/* ---- the definition ------------------------------------------------------ */

/* Weights lie as taps, depth, columns. */
static double define(const shape *s, const buffers *b, int64_t n, int64_t y,
                     int64_t x, int64_t column)
{
    const cx_convolution *c = &b->c;
    double sum = (double)b->bias[column];
    for (int t = 0; t < TAPS; t++) {
        int64_t row = y + b->tap[t].at[1], at = x + b->tap[t].at[2];
        if (row < 0 || row >= c->in[1] || at < 0 || at >= c->in[2])
            continue;
        const cxai_real *from =
            b->x + ((n * c->in[1] + row) * c->in[2] + at) * c->x_pixel;
        const cxai_real *w = b->w + b->tap[t].weight * s->depth * s->columns;
        for (int64_t d = 0; d < s->depth; d++)
            sum += (double)from[d] * (double)w[d * s->columns + column];
    }
    return sum;
}

/* *size gets the root mean square of the outputs before the epilogue. */
static double *define_all(const shape *s, const buffers *b, double *size)
{
    double squares = 0;
    double *y = calloc((size_t)y_count(s), sizeof *y);
    assert_non_null(y);
    for (int64_t i = 0; i < (int64_t)s->batch * s->height * s->width; i++)
        for (int64_t m = 0; m < s->columns; m++) {
            int64_t at = i * (s->columns + Y_GAP) + m;
            double v = define(s, b, i / s->width / s->height,
                              i / s->width % s->height, i % s->width, m);
            squares += v * v;
            if (s->epilogue)
                v = fmin(fmax(v + (double)b->residual[at], -1), 2);
            y[at] = v;
        }
    *size =
        sqrt(squares / ((double)s->batch * s->height * s->width * s->columns));
    return y;
}

/* ---- the kernel ---------------------------------------------------------- */

static guarded run(const cx_kernels *k, const shape *s, buffers *b, int threads)
{
    const cx_weights weights = {
        .data = b->w,
        .tap_stride = (int64_t)s->depth * s->columns,
        .depth_stride = s->columns,
        .column_stride = 1,
        .taps = TAPS,
        .depth = s->depth,
        .columns = s->columns,
        .tap = b->tap,
        .bias = b->bias,
    };
    guarded y = guarded_create(y_count(s));
    b->c.tap = b->tap;
    b->c.y = y.data;
    b->c.tile = s->tile;
    cxai_real *packed = cx_alloc_aligned(cx_winograd_packed_bytes(k, &b->c));
    void *workspace =
        cx_alloc_aligned(cx_winograd_workspace(k, &b->c, threads));
    assert_non_null(packed);
    assert_non_null(workspace);
    cx_winograd_pack(k, s->tile, &weights, threads, packed);
    b->c.weights = packed;
    cx_winograd_convolve(k, &b->c, threads, workspace);
    cx_free_aligned(packed);
    cx_free_aligned(workspace);
    return y;
}

static void compare(const shape *s, const guarded *y, const double *want,
                    double size, const char *level)
{
    double worst = 0;
    int64_t pixel = s->columns + Y_GAP;
    for (int64_t i = 0; i < y_count(s); i++) {
        if (i % pixel >= s->columns) {
            assert_true(guarded_is_untouched(y, i));
            continue;
        }
        worst = fmax(worst, fabs((double)y->data[i] - want[i]));
    }
    if (!(worst <= bound * size))
        fail_msg("%s: %dx%dx%dx%d to %d: error %g", level, s->batch, s->depth,
                 s->height, s->width, s->columns, worst / size);
}

static void check_shape(const shape *s)
{
    const cx_kernels *k;
    buffers b = make(s);
    double size, *want = define_all(s, &b, &size);
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++) {
        guarded one = run(k, s, &b, 1), three = run(k, s, &b, 3);
        compare(s, &one, want, size, k->level);
        assert_memory_equal(one.data, three.data,
                            (size_t)y_count(s) * sizeof *one.data);
        guarded_end(&one);
        guarded_end(&three);
    }
    free(want);
    free_buffers(&b);
}

/* ---- tests --------------------------------------------------------------- */

static void test_shapes(void **state)
{
    (void)state;
    static const shape shapes[] = {
        { 1, 16, 16, 9, 9, { 1, 1 }, { 1, 1 }, 0, 0, 0 },
        { 1, 17, 33, 10, 11, { 1, 1 }, { 1, 1 }, 0, 1, 0 },
        { 2, 31, 21, 12, 9, { 0, 0 }, { 0, 0 }, 1, 0, 0 },
        { 1, 40, 47, 13, 14, { 2, 0 }, { 0, 2 }, 0, 1, 0 },
        { 1, 64, 40, 9, 17, { 0, 2 }, { 2, 1 }, 1, 1, 0 },
        { 3, 16, 16, 11, 10, { 1, 0 }, { 0, 1 }, 0, 0, 0 },
        { 5, 24, 35, 7, 6, { 1, 1 }, { 1, 1 }, 0, 1, 0 },
        { 1, 48, 50, 7, 1, { 1, 1 }, { 1, 1 }, 0, 1, 0 },
        { 1, 16, 24, 75, 81, { 1, 1 }, { 1, 1 }, 1, 1, 0 }, /* own blocks */
        { 1, 270, 17, 33, 34, { 1, 1 }, { 1, 1 }, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int tile = 2; tile <= 4; tile += 2) {
            shape s = shapes[i];
            s.tile = tile;
            check_shape(&s);
        }
}

/* A picture's numbers do not depend on those beside it. */
static void test_company(void **state)
{
    (void)state;
    const shape three = { 3, 20, 18, 21, 22, { 1, 1 }, { 1, 1 }, 0, 0, 4 };
    shape one = three;
    one.batch = 1;
    const cx_kernels *k = cx_kernels_select();
    buffers b = make(&three), alone = make(&one);
    guarded all = run(k, &three, &b, 2);
    int64_t count = y_count(&one);
    for (int n = 0; n < three.batch; n++) {
        alone.c.x = b.x + n * b.c.in[1] * b.c.in[2] * b.c.x_pixel;
        guarded y = run(k, &one, &alone, 2);
        for (int64_t i = 0; i < count; i++)
            if (i % (one.columns + Y_GAP) < one.columns)
                assert_memory_equal(&y.data[i], &all.data[n * count + i],
                                    sizeof *y.data);
        guarded_end(&y);
    }
    guarded_end(&all);
    free_buffers(&b);
    free_buffers(&alone);
}

static void test_what_fits(void **state)
{
    (void)state;
    const shape s = { 1, 16, 16, 9, 9, { 1, 1 }, { 1, 1 }, 0, 0, 0 };
    buffers b = make(&s);
    b.c.tap = b.tap;
    b.c.out[1] = b.c.out[2] = 11;
    assert_int_equal(cx_winograd_choose(&b.c, 0), 4);
    cx_convolution c = b.c;
    c.step[2] = 2;
    assert_int_equal(cx_winograd_choose(&c, 0), 0);
    c = b.c;
    c.groups = 2;
    assert_int_equal(cx_winograd_choose(&c, 0), 0);
    c = b.c;
    c.out[1] = 7;
    assert_int_equal(cx_winograd_choose(&c, 0), 0);
    assert_int_equal(cx_winograd_choose(&c, 1), 4);
    c.depth = 48;
    c.columns = 128;
    assert_int_equal(cx_winograd_choose(&c, 0), 2);
    c.columns = 127;
    assert_int_equal(cx_winograd_choose(&c, 0), 0);
    c.columns = 128;
    c.out[1] = 5;
    assert_int_equal(cx_winograd_choose(&c, 0), 0);
    assert_int_equal(cx_winograd_choose(&c, 1), 0);
    c = b.c;
    c.taps = 6;
    assert_int_equal(cx_winograd_choose(&c, 0), 0);
    b.tap[8].at[2]++; /* dilated */
    assert_int_equal(cx_winograd_choose(&b.c, 0), 0);
    free_buffers(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_company),
        cmocka_unit_test(test_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
