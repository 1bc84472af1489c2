/* The kernels that standardize rows and that take their softmax, of every level
   that this processor has, against plain loops in double. */
#include <math.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/kernel.h"

/* Rounding: terms of size 1 or so, of which sums of up to 100 are taken, and
   exp, which is good to an ulp. */
static const double tolerance = 3e-6;

enum { MOST = 100 };

static void check_near(double got, double expected, const char *level)
{
    if (!(fabs(got - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%s: %.9g, expected %.9g", level, got, expected);
}

/* The parts of a row that may be left out, and what is asked of it. */
enum { SCALE = 1, SHIFT = 2, CENTERED = 4, OPTIONS = 8 };

typedef struct statistics {
    double mean, inverse;
} statistics;

static const double epsilon = 0.01, outside = 0.125;

static statistics measure(const cxai_real *x, int64_t count, int options)
{
    statistics s = { 0, 0 };
    double squares = 0;
    for (int64_t i = 0; options & CENTERED && i < count; i++)
        s.mean += (double)x[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += ((double)x[i] - s.mean) * ((double)x[i] - s.mean);
    s.inverse = 1 / (sqrt(squares / (double)count + epsilon) + outside);
    return s;
}

static void check_row(const cx_kernels *k, int64_t count, int options)
{
    void *block[3];
    cxai_real *x = kernel_numbers(count, 3, &block[0]), mean, inverse;
    cxai_real *scale = kernel_numbers(count, 200, &block[1]);
    cxai_real *shift = kernel_numbers(count, 400, &block[2]);
    guarded y = guarded_create(count);
    const cx_standard_row row = {
        .count = count,
        .x = x,
        .scale = options & SCALE ? scale : NULL,
        .shift = options & SHIFT ? shift : NULL,
        .centered = (options & CENTERED) != 0,
        .epsilon = epsilon,
        .outside = outside,
        .y = y.data,
        .mean = &mean,
        .inverse = &inverse,
    };
    k->standardize(&row);
    const statistics s = measure(x, count, options);
    check_near((double)mean, s.mean, k->level);
    check_near((double)inverse, s.inverse, k->level);
    for (int64_t i = 0; i < count; i++) {
        double v = ((double)x[i] - s.mean) * s.inverse;
        v *= options & SCALE ? (double)scale[i] : 1;
        v += options & SHIFT ? (double)shift[i] : 0;
        check_near((double)y.data[i], v, k->level);
    }
    guarded_end(&y);
    for (int i = 0; i < 3; i++)
        free(block[i]);
}

static void test_standardize(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t count = 1; count <= MOST; count++)
            for (int options = 0; options < OPTIONS; options++)
                check_row(k, count, options);
}

/* dx by the formula of kernels.h, term by term. */
static double input_slope(const cx_standard_slope *r, int64_t i)
{
    double sum = 0, moment = 0, v = (double)r->inverse, n = (double)r->count;
    for (int64_t j = 0; j < r->count; j++) {
        double g = (double)r->dy[j];
        g *= r->scale != NULL ? (double)r->scale[j] : 1;
        sum += r->centered ? g : 0;
        moment += g * ((double)r->x[j] - (double)r->mean);
    }
    double g = (double)r->dy[i];
    g *= r->scale != NULL ? (double)r->scale[i] : 1;
    return g * v -
           ((double)r->x[i] - (double)r->mean) * v * v * v *
               ((double)r->dinverse + moment) / n +
           ((double)r->dmean - v * sum) / n;
}

static void check_slope(const cx_kernels *k, int64_t count, int options)
{
    void *block[3];
    cxai_real *x = kernel_numbers(count, 7, &block[0]);
    cxai_real *dy = kernel_numbers(count, 300, &block[1]);
    cxai_real *scale = kernel_numbers(count, 500, &block[2]);
    guarded dx = guarded_create(count);
    const statistics s = measure(x, count, options);
    const cx_standard_slope slope = {
        .count = count,
        .x = x,
        .dy = dy,
        .scale = options & SCALE ? scale : NULL,
        .centered = (options & CENTERED) != 0,
        .mean = (cxai_real)s.mean,
        .inverse = (cxai_real)s.inverse,
        .dmean = (cxai_real)0.5,
        .dinverse = (cxai_real)-0.25,
        .dx = dx.data,
    };
    k->standardize_gradient(&slope);
    for (int64_t i = 0; i < count; i++)
        check_near((double)dx.data[i], input_slope(&slope, i), k->level);
    guarded_end(&dx);
    for (int i = 0; i < 3; i++)
        free(block[i]);
}

static void test_standardize_gradient(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t count = 1; count <= MOST; count++)
            for (int options = 0; options < OPTIONS; options++)
                check_slope(k, count, options);
}

/* ---- softmax ------------------------------------------------------------- */

static void check_softmax(const cx_kernels *k, int64_t count)
{
    void *block[2];
    cxai_real *x = kernel_numbers(count, 11, &block[0]);
    cxai_real *dy = kernel_numbers(count, 700, &block[1]);
    guarded y = guarded_create(count), dx = guarded_create(count);
    double sum = 0, mean = 0;
    for (int64_t i = 0; i < count; i++) {
        x[i] = x[i] * 9 - 200; /* below every exponential but their largest's */
        sum += exp((double)x[i] + 200);
    }
    k->softmax(y.data, x, count);
    k->softmax_gradient(dx.data, y.data, dy, count);
    for (int64_t i = 0; i < count; i++)
        mean += exp((double)x[i] + 200) / sum * (double)dy[i];
    for (int64_t i = 0; i < count; i++) {
        double share = exp((double)x[i] + 200) / sum;
        check_near((double)y.data[i], share, k->level);
        check_near((double)dx.data[i], share * ((double)dy[i] - mean),
                   k->level);
    }
    k->softmax(x, x, count);
    for (int64_t i = 0; i < count; i++)
        assert_true(x[i] == y.data[i]);
    guarded_end(&y);
    guarded_end(&dx);
    free(block[0]);
    free(block[1]);
}

/* A masked element has no share; a NaN spoils its row. */
static void check_extremes(const cx_kernels *k)
{
    enum { COUNT = 37 };
    for (int at = 0; at < COUNT; at++) {
        cxai_real x[COUNT] = { 0 }, y[COUNT];
        x[at] = -(cxai_real)INFINITY;
        k->softmax(y, x, COUNT);
        for (int i = 0; i < COUNT; i++)
            check_near((double)y[i], i == at ? 0 : 1.0 / (COUNT - 1), k->level);
        x[at] = (cxai_real)NAN;
        k->softmax(y, x, COUNT);
        for (int i = 0; i < COUNT; i++)
            assert_true(isnan(y[i]));
    }
}

static void test_softmax(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++) {
        for (int64_t count = 1; count <= MOST; count++)
            check_softmax(k, count);
        check_extremes(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standardize),
        cmocka_unit_test(test_standardize_gradient),
        cmocka_unit_test(test_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
