/* The mathematics of synthesis, part by part: tests/reference/synthesis.py says
   where the golden values are from. */
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../explain/synthesis/adam.h"
#include "../explain/synthesis/colour.h"
#include "../explain/synthesis/penalty.h"
#include "../explain/synthesis/spectrum.h"
#include "../explain/synthesis/transform.h"
#include "cxai/file.h"
#include "cxai/random.h"

#define PI 3.14159265358979323846

static cxai_real *random_reals(size_t count, uint32_t stream)
{
    cxai_real *numbers = calloc(count, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (cxai_real)(2 * cxai_random_uniform(7, stream, i) - 1);
    return numbers;
}

static cxai_real *load(const char *name, int64_t count)
{
    char path[256];
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;

    snprintf(path, sizeof path, "tests/data/synthesis/%s.npy", name);
    check_ok(cxai_npy_load(path, 0, &data, &shape, &error), &error);
    assert_int_equal(cxai_shape_count(&shape), count);
    return data;
}

static double dot(const cxai_real *a, const cxai_real *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* <A x, y> and <x, A' y> differ by rounding alone: 1e-5 of |A x| |y|. */
static void check_adjoint(const cxai_real *ax, const cxai_real *y, size_t m,
                          const cxai_real *x, const cxai_real *aty, size_t n)
{
    double size = sqrt(dot(ax, ax, m) * dot(y, y, m));
    assert_true(size > 0);
    assert_true(fabs(dot(ax, y, m) - dot(x, aty, n)) <= 1e-5 * size);
}

/* ---- transforms ---------------------------------------------------------- */

static void check_fft(int length, int columns, int sign)
{
    size_t count = (size_t)length * (size_t)columns;
    cxai_real *re = random_reals(count, 1), *im = random_reals(count, 2);
    cxai_real *out_re = random_reals(count, 3),
              *out_im = random_reals(count, 4);
    double *want_re = calloc(count, sizeof *want_re);
    double *want_im = calloc(count, sizeof *want_im);
    cx_complex data = { re, im }, scratch = { out_re, out_im };
    cx_fft fft;

    assert_int_equal(cx_fft_init(&fft, length), 0);
    for (int k = 0; k < length; k++)
        for (int j = 0; j < length; j++) {
            double angle = sign * 2 * PI * ((double)j * k) / length;
            for (int c = 0; c < columns; c++) {
                double a = (double)re[j * columns + c];
                double b = (double)im[j * columns + c];
                want_re[k * columns + c] += a * cos(angle) - b * sin(angle);
                want_im[k * columns + c] += a * sin(angle) + b * cos(angle);
            }
        }
    cx_fft_columns(&fft, sign, columns, &data, &scratch);
    /* float: an error of 1e-7 a stage on sums of size sqrt(length) */
    check_close(data.re, want_re, (int64_t)count, 1e-5 * sqrt(length));
    check_close(data.im, want_im, (int64_t)count, 1e-5 * sqrt(length));
    cx_fft_free(&fft);
    free(re);
    free(im);
    free(out_re);
    free(out_im);
    free(want_re);
    free(want_im);
}

static void fft_equals_its_definition(void **state)
{
    static const int lengths[] = { 1,  2,  3,  4,  5,  6,   7,   8,  12,
                                   16, 21, 25, 49, 70, 105, 224, 240 };
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_fft(lengths[i], 1, 1);
        check_fft(lengths[i], 3, -1);
        check_fft(lengths[i], 67, 1);
    }
}

static void fft_lengths_have_small_factors(void **state)
{
    (void)state;
    assert_int_equal(cx_fft_length(1), 1);
    assert_int_equal(cx_fft_length(11), 12);
    assert_int_equal(cx_fft_length(224), 224);
    assert_int_equal(cx_fft_length(227), 240);
    assert_int_equal(cx_fft_length(299), 300);
}

static void spectrum_equals_numpy(void **state)
{
    cxai_real *p = load("spectrum", 48), *want = load("plane", 42);
    cx_spectrum s;
    double wanted[42];
    cxai_real plane[42];

    (void)state;
    assert_int_equal(cx_spectrum_init(&s, 6, 7, 1), 0);
    assert_int_equal(cx_spectrum_parameters(&s), 48);
    cxai_real *workspace = random_reals(cx_spectrum_workspace(&s), 1);
    cx_spectrum_forward(&s, p, plane, workspace);
    for (int i = 0; i < 42; i++)
        wanted[i] = (double)want[i];
    check_close(plane, wanted, 42, 1e-5); /* rounding of numbers up to 4 */
    cx_spectrum_free(&s);
    free(workspace);
    free(p);
    free(want);
}

static void spectrum_has_its_adjoint(void **state)
{
    static const int sizes[][2] = { { 1, 1 },   { 2, 3 },   { 6, 6 },
                                    { 11, 13 }, { 32, 17 }, { 48, 227 } };
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int h = sizes[i][0], w = sizes[i][1];
        size_t n = (size_t)h * (size_t)w;
        cx_spectrum s;
        assert_int_equal(cx_spectrum_init(&s, h, w, 1), 0);
        size_t m = cx_spectrum_parameters(&s);
        cxai_real *p = random_reals(m, 1), *dp = random_reals(m, 2);
        cxai_real *x = random_reals(n, 3), *dx = random_reals(n, 4);
        cxai_real *workspace = random_reals(cx_spectrum_workspace(&s), 5);
        cx_spectrum_forward(&s, p, x, workspace);
        cx_spectrum_backward(&s, dx, dp, workspace);
        check_adjoint(x, dx, n, p, dp, m);
        cx_spectrum_free(&s);
        free(p);
        free(dp);
        free(x);
        free(dx);
        free(workspace);
    }
}

/* ---- colour -------------------------------------------------------------- */

/* sigmoid of lucid's matrix times .4619524, one column each. */
static void colours_are_lucids(void **state)
{
    cx_colour colour = { .channels = 3, .decorrelate = 1, .size = 3 };
    cxai_real x[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 }, picture[9];
    static const double column[3][3] = { { .26, .27, .27 },
                                         { .09, 0, -.09 },
                                         { .02, -.05, .03 } };
    double want[9];

    (void)state;
    for (int k = 0; k < 3; k++)
        for (int c = 0; c < 3; c++)
            want[3 * k + c] = 1 / (1 + exp(-column[c][k] / sqrt(.2134)));
    cx_colour_forward(&colour, x, picture);
    check_close(picture, want, 9, 1e-6);
    /* by hand: .26 / .461952 = .562828, 1 / (1 + e^-.562828) = .637107 */
    assert_true(fabs((double)picture[0] - .637107) < 1e-6);

    cx_colour plain = { .channels = 2, .size = 1 };
    cx_colour_forward(&plain, (cxai_real[]){ 0, 2 }, picture);
    check_close(picture, (double[]){ .5, .880797 }, 2, 1e-6);
}

static void colours_have_their_gradient(void **state)
{
    (void)state;
    for (int decorrelate = 0; decorrelate < 2; decorrelate++) {
        cx_colour colour = { .channels = 3,
                             .decorrelate = decorrelate,
                             .size = 4 };
        cxai_real *x = random_reals(12, 1), *dy = random_reals(12, 2);
        cxai_real y[12], dx[12], step = (cxai_real)1e-2;
        cx_colour_forward(&colour, x, y);
        cx_colour_backward(&colour, y, dy, dx);
        for (int i = 0; i < 12; i++) {
            cxai_real was = x[i], up[12], down[12];
            x[i] = was + step;
            cx_colour_forward(&colour, x, up);
            x[i] = was - step;
            cx_colour_forward(&colour, x, down);
            x[i] = was;
            double slope = (dot(up, dy, 12) - dot(down, dy, 12)) / 2e-2;
            /* central differences in float: 1e-7 / 1e-2, and step squared */
            assert_true(fabs(slope - (double)dx[i]) < 5e-5);
        }
        free(x);
        free(dy);
    }
}

/* ---- views --------------------------------------------------------------- */

static void view_equals_torch(void **state)
{
    cxai_real *picture = load("picture", 35), *want = load("view", 24);
    cx_frame frame = { 5, 7, 4, 6, 6, 1 };
    cx_change change = { 1.5, -.5, .3, 20 };
    cx_transform t = cx_transform_of(&frame, &change);
    cxai_real view[24];
    double wanted[24];

    (void)state;
    cx_transform_forward(&t, &frame, (cx_rows){ 0, 4 },
                         &(cx_channel){ picture, view, 2, -1 }, 1);
    for (int i = 0; i < 24; i++)
        wanted[i] = 2 * (double)want[i] - 1;
    check_close(view, wanted, 24, 1e-6);
    free(picture);
    free(want);
}

static void views_by_hand(void **state)
{
    cx_frame frame = { 2, 2, 2, 2, 2, 1 };
    const cx_rows both = { 0, 2 };
    cxai_real picture[4] = { 1, 2, 3, 4 }, view[4];
    const cx_channel channel = { picture, view, 1, 0 };
    cx_change none = { 0 }, right = { .shift_x = 1 }, turn = { .rotation = 90 };
    cx_transform t = cx_transform_of(&frame, &none);

    (void)state;
    cx_transform_forward(&t, &frame, both, &channel, 1);
    assert_memory_equal(view, picture, sizeof view);
    t = cx_transform_of(&frame, &right);
    cx_transform_forward(&t, &frame, both, &channel, 1);
    check_close(view, (double[]){ .5, 1, .5, 3 }, 4, 0);
    t = cx_transform_of(&frame, &turn); /* what is seen turns to the left */
    cx_transform_forward(&t, &frame, both, &channel, 1);
    check_close(view, (double[]){ 2, 4, 1, 3 }, 4, 1e-6);
}

static void views_have_their_adjoint(void **state)
{
    static const cx_change changes[] = {
        { 0, 0, 0, 0 }, { 3, -2, 0, 0 },    { 0, 0, -.1, 0 },
        { 0, 0, 0, 7 }, { -1, 4, .1, -10 }, { 400, 0, 0, 0 },
    };
    cx_frame frame = { 9, 8, 12, 16, 3 * 16, 3 };
    const cx_rows picture = { 0, 9 }, view = { 0, 12 };
    cxai_real part[72];

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        cx_transform t = cx_transform_of(&frame, &changes[i]);
        cxai_real *x = random_reals(72, 1), *dx = random_reals(72, 2);
        cxai_real *y = random_reals(3 * 192, 3), *dy = random_reals(3 * 192, 4);
        cxai_real *zero = calloc(72, sizeof *zero), *outside;
        assert_non_null(zero);
        outside = random_reals(3 * 192, 3);
        cx_transform_forward(&t, &frame, view, &(cx_channel){ x, y, 1.5, .25 },
                             1);
        cx_transform_forward(&t, &frame, view,
                             &(cx_channel){ zero, outside, 1.5, .25 }, 1);
        for (int k = 0; k < 3 * 192; k++) /* the linear part, its own pixels */
            y[k] = k % 3 ? 0 : y[k] - outside[k];
        cx_transform_backward(&t, &frame, picture,
                              &(cx_channel){ dx, dy, 1.5, .25 }, 1);
        for (int row = 0; row < 9; row++) { /* the same bits, part by part */
            const cx_rows rows = { row, row + 1 };
            cx_transform_backward(&t, &frame, rows,
                                  &(cx_channel){ part, dy, 1.5, 0 }, 1);
            assert_memory_equal(part + row * 8, dx + row * 8, 8 * sizeof *dx);
        }
        if (i < 5)
            check_adjoint(y, dy, 3 * 192, x, dx, 72);
        else /* out of sight */
            assert_memory_equal(dx, zero, 72 * sizeof *zero);
        free(x);
        free(dx);
        free(y);
        free(dy);
        free(zero);
        free(outside);
    }
}

/* ---- penalties and Adam -------------------------------------------------- */

/* tf.image.total_variation of this picture is 10. */
static void penalties_by_hand(void **state)
{
    cxai_real picture[9] = { 0, 0, 0, 0, 2, 0, 0, 0, 1 };
    cx_penalty variation = { 1, 3, 3, .total_variation = 9 };
    cx_penalty square = { 1, 3, 3, .l2 = 9 };

    (void)state;
    assert_true(fabs(cx_penalty_value(&variation, picture) - 10) < 1e-12);
    /* seven of 1/4, 9/4, 1/4 */
    assert_true(fabs(cx_penalty_value(&square, picture) - 4.25) < 1e-12);
}

static void penalties_have_their_gradient(void **state)
{
    cx_penalty penalty = { 2, 3, 4, .total_variation = .7, .l2 = 1.3 };
    cxai_real *picture = random_reals(24, 1), gradient[24] = { 0 };
    double want[24];

    (void)state;
    cx_penalty_subtract(&penalty, picture, gradient);
    for (int i = 0; i < 24; i++) {
        cxai_real was = picture[i];
        picture[i] = was + (cxai_real)1e-3;
        double up = cx_penalty_value(&penalty, picture);
        double above = (double)picture[i];
        picture[i] = was - (cxai_real)1e-3;
        double down = cx_penalty_value(&penalty, picture);
        want[i] = -(up - down) / (above - (double)picture[i]);
        picture[i] = was;
    }
    check_close(gradient, want, 24, 1e-6);
    free(picture);
}

static void adam_equals_torch(void **state)
{
    cxai_real *golden = load("adam", 30);
    cxai_real mean[3] = { 0 }, square[3] = { 0 }, p[3] = { 1, -2, 0 };
    cx_adam adam = { mean, square };

    (void)state;
    for (int step = 1; step <= 5; step++) {
        const cxai_real *g = golden + 6 * (step - 1);
        double want[3];
        cx_adam_step(&adam, step, .05, 3, g, p);
        for (int i = 0; i < 3; i++)
            want[i] = (double)g[3 + i];
        check_close(p, want, 3, 1e-6); /* float, numbers up to 2 */
    }
    free(golden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fft_equals_its_definition),
        cmocka_unit_test(fft_lengths_have_small_factors),
        cmocka_unit_test(spectrum_equals_numpy),
        cmocka_unit_test(spectrum_has_its_adjoint),
        cmocka_unit_test(colours_are_lucids),
        cmocka_unit_test(colours_have_their_gradient),
        cmocka_unit_test(view_equals_torch),
        cmocka_unit_test(views_by_hand),
        cmocka_unit_test(views_have_their_adjoint),
        cmocka_unit_test(penalties_by_hand),
        cmocka_unit_test(penalties_have_their_gradient),
        cmocka_unit_test(adam_equals_torch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
