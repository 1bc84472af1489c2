/* The kernels over rows, of every level that this processor has, against plain
   loops in double (support/kernel.h); and how a level is picked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/kernel.h"

/* ---- affine -------------------------------------------------------------- */

static void check_affine(const cx_kernels *k, int64_t channels, int parts)
{
    enum { PIXELS = 3, X_GAP = 2, Y_GAP = 5 };
    void *block[4];
    int64_t x_pixel = channels + X_GAP, y_pixel = channels + Y_GAP;
    cxai_real *x = kernel_numbers(PIXELS * x_pixel - X_GAP, 3, &block[0]);
    cxai_real *scale = kernel_numbers(channels, 200, &block[1]);
    cxai_real *shift = kernel_numbers(channels, 300, &block[2]);
    cxai_real *residual =
        kernel_numbers(PIXELS * y_pixel - Y_GAP, 400, &block[3]);
    guarded y = guarded_create(PIXELS * y_pixel);
    const cx_affine affine = {
        .pixels = PIXELS,
        .channels = channels,
        .x = x,
        .x_pixel = x_pixel,
        .scale = parts & 1 ? scale : NULL,
        .shift = parts & 2 ? shift : NULL,
        .residual = parts & 4 ? residual : NULL,
        .y = y.data,
        .y_pixel = y_pixel,
        .low = -0.25f,
        .high = 0.5f,
    };
    k->affine(&affine);
    for (int64_t at = 0; at < PIXELS * y_pixel; at++) {
        int64_t p = at / y_pixel, c = at % y_pixel;
        if (c >= channels) {
            assert_true(guarded_is_untouched(&y, at));
            continue;
        }
        exact e = { 0 };
        exact_add(&e, (double)x[p * x_pixel + c],
                  parts & 1 ? (double)scale[c] : 1);
        if (parts & 2)
            exact_add(&e, (double)shift[c], 1);
        if (parts & 4)
            exact_add(&e, (double)residual[at], 1);
        exact_check(&e, -0.25, 0.5, y.data[at], k->level, "affine");
    }
    guarded_end(&y);
    for (int i = 0; i < 4; i++)
        free(block[i]);
}

static void test_affine(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t channels = 1; channels <= 2 * k->lanes + 3; channels++)
            for (int parts = 0; parts < 8; parts++)
                check_affine(k, channels, parts);
}

/* ---- dot and combine ----------------------------------------------------- */

static void test_dot(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t depth = 0; depth <= 4 * k->lanes + 1; depth++)
            for (int count = 1; count <= CX_DOT_ROWS; count++) {
                void *x_block, *b_block;
                int64_t row = depth + 2;
                cxai_real *x = kernel_numbers(depth, 1, &x_block);
                cxai_real *b = kernel_numbers(count * row - 2, 99, &b_block);
                guarded y = guarded_create(count);
                k->dot(y.data, x, b, row, count, depth);
                for (int i = 0; i < count; i++) {
                    exact e = { 0 };
                    for (int64_t d = 0; d < depth; d++)
                        exact_add(&e, (double)x[d], (double)b[i * row + d]);
                    exact_check(&e, -HUGE_VAL, HUGE_VAL, y.data[i], k->level,
                                "dot");
                }
                guarded_end(&y);
                free(x_block);
                free(b_block);
            }
}

static void check_combine(const cx_kernels *k, int64_t channels, int count,
                          int accumulate)
{
    enum { MOST = 12 };
    cxai_real *row[MOST];
    void *block[MOST], *weight_block, *start_block;
    for (int i = 0; i < count; i++)
        row[i] = kernel_numbers(channels, 1000 * i, &block[i]);
    cxai_real *weight = kernel_numbers(count, 5, &weight_block);
    cxai_real *start = kernel_numbers(channels, 6, &start_block);
    guarded y = guarded_create(channels);
    if (accumulate)
        memcpy(y.data, start, (size_t)channels * sizeof *start);
    k->combine(y.data, (const cxai_real *const *)row, weight, count, channels,
               accumulate);
    for (int64_t c = 0; c < channels; c++) {
        exact e = { 0 };
        if (accumulate)
            exact_add(&e, (double)start[c], 1);
        for (int i = 0; i < count; i++)
            exact_add(&e, (double)row[i][c], (double)weight[i]);
        exact_check(&e, -HUGE_VAL, HUGE_VAL, y.data[c], k->level, "combine");
    }
    guarded_end(&y);
    for (int i = 0; i < count; i++)
        free(block[i]);
    free(weight_block);
    free(start_block);
}

static void test_combine(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t channels = 1; channels <= 4 * k->lanes + 1; channels++)
            for (int count = 0; count <= 11; count++) {
                check_combine(k, channels, count, 0);
                check_combine(k, channels, count, 1);
            }
}

/* ---- maximum ------------------------------------------------------------- */

/* Rows with ties, infinities and NaNs: few different values. */
static cxai_real coarse(int64_t index)
{
    static const cxai_real values[] = { -INFINITY, -1, 0, 1, 2, 2, 2, NAN };
    int pick = (int)((kernel_number(index) + 1) * 4);
    return values[pick < 8 ? pick : 7];
}

enum { CELLS = 6 };

typedef struct window {
    cxai_real *row[CELLS];
    int32_t number[CELLS];
    cx_cells cells;
} window;

static window create_window(int64_t channels, int count, int32_t first_number)
{
    window w;
    for (int i = 0; i < count; i++) {
        w.row[i] = malloc((size_t)channels * sizeof(cxai_real));
        assert_non_null(w.row[i]);
        for (int64_t c = 0; c < channels; c++)
            w.row[i][c] = coarse(37 * i + c);
        w.number[i] = first_number + 2 * i;
    }
    return w;
}

/* The first cell that is largest, or the first NaN. */
static int winner_of(const window *w, int count, int64_t c)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        if (!isnan(w->row[best][c]) &&
            (isnan(w->row[i][c]) || w->row[i][c] > w->row[best][c]))
            best = i;
    return best;
}

static void check_maximum(const cx_kernels *k, int64_t channels, int count,
                          int bytes)
{
    window w = create_window(channels, count, bytes == 1 ? 240 : 70000);
    const cx_cells cells = { count, (const cxai_real *const *)w.row, w.number,
                             channels };
    guarded y = guarded_create(channels), dx = guarded_create(channels);
    unsigned char *winner = malloc((size_t)(channels * bytes));
    assert_non_null(winner);
    k->maximum(y.data, winner, bytes, &cells);
    for (int64_t c = 0; c < channels; c++) {
        int best = winner_of(&w, count, c);
        int32_t got = winner[c];
        if (bytes == 4)
            memcpy(&got, winner + 4 * c, 4);
        assert_int_equal(got, w.number[best]);
        assert_memory_equal(&y.data[c], &w.row[best][c], sizeof *y.data);
    }
    /* the same numbers as gradients: rows of one output, seen by the winner */
    const void *winners[CELLS];
    cxai_real *gradient[CELLS];
    void *block[CELLS];
    for (int i = 0; i < count; i++) {
        winners[i] = winner;
        gradient[i] = kernel_numbers(channels, 60 * i, &block[i]);
    }
    const cx_cells back = { count, (const cxai_real *const *)gradient, w.number,
                            channels };
    k->unmaximum(dx.data, winners, bytes, &back, 0);
    for (int64_t c = 0; c < channels; c++)
        assert_true(dx.data[c] == gradient[winner_of(&w, count, c)][c]);
    k->unmaximum(dx.data, winners, bytes, &back, 1);
    for (int64_t c = 0; c < channels; c++)
        assert_true(dx.data[c] == 2 * gradient[winner_of(&w, count, c)][c]);
    k->maximum(y.data, NULL, bytes, &cells);
    guarded_end(&y);
    guarded_end(&dx);
    free(winner);
    for (int i = 0; i < count; i++) {
        free(w.row[i]);
        free(block[i]);
    }
}

static void test_maximum(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t channels = 1; channels <= 2 * k->lanes + 3; channels++)
            for (int count = 1; count <= CELLS; count++) {
                check_maximum(k, channels, count, 1);
                check_maximum(k, channels, count, 4);
            }
}

/* ---- bits ---------------------------------------------------------------- */

static void test_bits(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t count = 0; count <= 70; count++) {
            uint8_t bits[12];
            guarded y = guarded_create(count);
            cxai_real x[70];
            memset(bits, 0xa5, sizeof bits);
            for (int64_t i = 0; i < count; i++)
                x[i] = coarse(i + count);
            k->passed(bits, x, count, 0, 2);
            k->keep(y.data, x, bits, count);
            for (int64_t i = 0; i < (count + 7) / 8 * 8; i++) {
                int want = i < count && x[i] > 0 && x[i] < 2;
                assert_int_equal(bits[i / 8] >> i % 8 & 1, want);
                if (i < count)
                    assert_true(y.data[i] == (want ? x[i] : 0));
            }
            assert_int_equal(bits[(count + 7) / 8], 0xa5);
            guarded_end(&y);
        }
}

/* Two rows, the later one first, whose bits begin anywhere. */
static void check_keep_rows(const cx_kernels *k, int64_t columns, int64_t first)
{
    uint8_t bits[24];
    void *block;
    const int64_t offset[2] = { columns + 5, 0 };
    int64_t size = 2 * columns + 5;
    cxai_real *x = kernel_numbers(size, 40, &block);
    guarded y = guarded_create(size);
    for (int i = 0; i < (int)sizeof bits; i++)
        bits[i] = (uint8_t)(57 * i + 0x6d);
    for (int i = 0; i < 2; i++)
        memcpy(y.data + offset[i], x + offset[i], (size_t)columns * sizeof *x);
    k->keep_rows(y.data, offset, 2, columns, bits, first);
    for (int64_t i = 0; i < size; i++) {
        int64_t at = first + i;
        if (i >= columns && i < columns + 5)
            assert_true(guarded_is_untouched(&y, i));
        else
            assert_true(y.data[i] == (bits[at / 8] >> at % 8 & 1 ? x[i] : 0));
    }
    guarded_end(&y);
    free(block);
}

static void test_keep_rows(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t columns = 1; columns <= 2 * k->lanes + 3; columns++)
            for (int64_t first = 0; first < 17; first++)
                check_keep_rows(k, columns, first);
}

/* ---- smooth functions ---------------------------------------------------- */

static double logistic(double x)
{
    return 1 / (1 + exp(-x));
}

/* Differences of numbers near 1 are multiplied by x. */
static void check_smooth(const guarded *y, const cxai_real *x, int64_t from,
                         int64_t count, double (*function)(double),
                         const char *level)
{
    double roundoff = sizeof(cxai_real) == 4 ? 0x1p-24 : 0x1p-53;
    for (int64_t i = 0; i < count; i++) {
        double want = function((double)x[i]);
        double bound = 4 * roundoff * (1 + fabs((double)x[i]));
        if (!(fabs((double)y->data[from + i] - want) <= bound))
            fail_msg("%s: f(%g) is %.9g instead of %.9g", level, (double)x[i],
                     (double)y->data[from + i], want);
    }
}

static double swish(double x)
{
    return x * logistic(x);
}

static double swish_slope(double x)
{
    return logistic(x) * (1 + x * (1 - logistic(x)));
}

static double gelu(double x)
{
    return 0.5 * x * erfc(-x / sqrt(2));
}

static double gelu_slope(double x)
{
    return 0.5 * erfc(-x / sqrt(2)) + x * exp(-x * x / 2) / sqrt(2 * acos(-1));
}

static void check_rows(const cx_kernels *k, const cxai_real *x, int64_t count)
{
    const int64_t offset[2] = { count + 3, 0 };
    guarded y = guarded_create(2 * count + 3);
    for (int i = 0; i < 2; i++)
        memcpy(y.data + offset[i], x, (size_t)count * sizeof *x);
    k->swish_rows(y.data, offset, 2, count);
    for (int i = 0; i < 2; i++)
        check_smooth(&y, x, offset[i], count, swish, k->level);
    for (int64_t i = count; i < count + 3; i++)
        assert_true(guarded_is_untouched(&y, i));
    guarded_end(&y);
}

static void test_smooth(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int64_t count = 0; count <= 4 * k->lanes + 1; count++) {
            void *block[2];
            cxai_real *x = kernel_numbers(count, 3, &block[0]);
            cxai_real *ones = kernel_numbers(count, 3, &block[1]);
            guarded y = guarded_create(count);
            for (int64_t i = 0; i < count; i++) {
                x[i] *= 9;
                ones[i] = 1;
            }
            k->sigmoid(y.data, x, count);
            check_smooth(&y, x, 0, count, logistic, k->level);
            k->swish(y.data, x, count);
            check_smooth(&y, x, 0, count, swish, k->level);
            k->swish_gradient(y.data, x, ones, count);
            check_smooth(&y, x, 0, count, swish_slope, k->level);
            k->error_function(y.data, x, count);
            check_smooth(&y, x, 0, count, erf, k->level);
            k->gelu(y.data, x, count);
            check_smooth(&y, x, 0, count, gelu, k->level);
            k->gelu_gradient(y.data, x, ones, count);
            check_smooth(&y, x, 0, count, gelu_slope, k->level);
            check_rows(k, x, count);
            guarded_end(&y);
            free(block[0]);
            free(block[1]);
        }
}

/* ---- levels -------------------------------------------------------------- */

static void test_every_level_can_be_asked_for(void **state)
{
    (void)state;
    const cx_kernels *k, *best = NULL;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++) {
        setenv("CXAI_CPU", k->level, 1);
        assert_ptr_equal(cx_kernels_select(), k);
        assert_true(k->lanes <= CX_MAX_LANES);
        assert_true(k->tile_rows <= CX_MAX_TILE_ROWS);
        best = k;
    }
    assert_string_equal(cx_kernels_level(0)->level, "portable");
    setenv("CXAI_CPU", "abacus", 1);
    assert_ptr_equal(cx_kernels_select(), best);
    unsetenv("CXAI_CPU");
    assert_ptr_equal(cx_kernels_select(), best);
    assert_null(cx_kernels_level(-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_affine),
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_combine),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_keep_rows),
        cmocka_unit_test(test_smooth),
        cmocka_unit_test(test_every_level_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
