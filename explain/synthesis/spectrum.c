/*
 * As in lucid's fft_image (optvis/param/spatial.py), with f the frequency of
 * row l and column k, H x W the canvas:
 *
 *     Z = parameters / max(f, 1/max(H,W))^power
 *     plane = irfft2(Z) sqrt(H W) / 4, cut to size
 *
 * where irfft2 divides by H W. The inverse of a real transform is the real
 * part of a complex one whose right half is zero and whose columns count twice,
 * except the first and, for even W, the last:
 *
 *     irfft2(Z)[y][x] = 1/(H W) Re sum_l sum_k weight_k Z[l][k]
 *                       exp(2 pi i (l y/H + k x/W))
 *
 * The adjoint runs the same sums with the other sign.
 */
#include "spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frequency of index i of n in cycles a pixel, as numpy.fft.fftfreq. */
static double frequency(int i, int n)
{
    return (double)(i <= (n - 1) / 2 ? i : i - n) / n;
}

static void fill_scale(cx_spectrum *s, double decay_power)
{
    int longer = s->rows > s->columns ? s->rows : s->columns;
    double norm = 4 * sqrt((double)s->rows * s->columns);

    for (int l = 0; l < s->rows; l++)
        for (int k = 0; k < s->half; k++) {
            double f = hypot(frequency(l, s->rows), (double)k / s->columns);
            double weight = k == 0 || 2 * k == s->columns ? 1 : 2;
            f = f > 1.0 / longer ? f : 1.0 / longer;
            s->scale[l * s->half + k] =
                (cxai_real)(weight / (norm * pow(f, decay_power)));
        }
}

int cx_spectrum_init(cx_spectrum *s, int height, int width, double decay_power)
{
    *s = (cx_spectrum){ .height = height, .width = width };
    s->rows = cx_fft_length(height);
    s->columns = cx_fft_length(width);
    s->half = s->columns / 2 + 1;
    s->scale = calloc((size_t)s->rows * (size_t)s->half, sizeof(cxai_real));
    if (!s->scale || cx_fft_init(&s->down, s->rows) ||
        cx_fft_init(&s->across, s->columns)) {
        cx_spectrum_free(s);
        return -1;
    }
    fill_scale(s, decay_power);
    return 0;
}

void cx_spectrum_free(cx_spectrum *s)
{
    cx_fft_free(&s->down);
    cx_fft_free(&s->across);
    free(s->scale);
    *s = (cx_spectrum){ 0 };
}

size_t cx_spectrum_parameters(const cx_spectrum *s)
{
    return 2 * (size_t)s->rows * (size_t)s->half;
}

/* A part is as large as the canvas, or its half spectrum if that is larger. */
static size_t part_size(const cx_spectrum *s)
{
    int wider = s->columns > s->half ? s->columns : s->half;
    return (size_t)s->rows * (size_t)wider;
}

size_t cx_spectrum_workspace(const cx_spectrum *s)
{
    return 4 * part_size(s);
}

static void split_workspace(const cx_spectrum *s, cxai_real *workspace,
                            cx_complex *a, cx_complex *b)
{
    size_t n = part_size(s);
    *a = (cx_complex){ workspace, workspace + n };
    *b = (cx_complex){ workspace + 2 * n, workspace + 3 * n };
}

/* to (columns x rows) = from (rows x columns), in squares that stay in the
   cache. */
static void transpose(const cxai_real *from, int rows, int columns,
                      cxai_real *to)
{
    const int side = 16;

    for (int y0 = 0; y0 < rows; y0 += side)
        for (int x0 = 0; x0 < columns; x0 += side)
            for (int x = x0; x < columns && x < x0 + side; x++)
                for (int y = y0; y < rows && y < y0 + side; y++)
                    to[(size_t)x * (size_t)rows + (size_t)y] =
                        from[(size_t)y * (size_t)columns + (size_t)x];
}

void cx_spectrum_forward(const cx_spectrum *s, const cxai_real *parameters,
                         cxai_real *plane, cxai_real *workspace)
{
    cx_complex a, b;
    size_t count = (size_t)s->rows * (size_t)s->half;
    size_t rest = (size_t)s->rows * (size_t)(s->columns - s->half);

    split_workspace(s, workspace, &a, &b);
    for (size_t i = 0; i < count; i++) {
        a.re[i] = s->scale[i] * parameters[i];
        a.im[i] = s->scale[i] * parameters[count + i];
    }
    cx_fft_columns(&s->down, 1, s->half, &a, &b);
    transpose(a.re, s->rows, s->half, b.re);
    transpose(a.im, s->rows, s->half, b.im);
    memset(b.re + count, 0, rest * sizeof(cxai_real));
    memset(b.im + count, 0, rest * sizeof(cxai_real));
    cx_fft_columns(&s->across, 1, s->rows, &b, &a);
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++)
            plane[(size_t)y * (size_t)s->width + (size_t)x] =
                b.re[(size_t)x * (size_t)s->rows + (size_t)y];
}

void cx_spectrum_backward(const cx_spectrum *s, const cxai_real *dplane,
                          cxai_real *dparameters, cxai_real *workspace)
{
    cx_complex a, b;
    size_t count = (size_t)s->rows * (size_t)s->half;
    size_t canvas = (size_t)s->rows * (size_t)s->columns;

    split_workspace(s, workspace, &a, &b);
    memset(b.re, 0, canvas * sizeof(cxai_real));
    memset(b.im, 0, canvas * sizeof(cxai_real));
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++)
            b.re[(size_t)x * (size_t)s->rows + (size_t)y] =
                dplane[(size_t)y * (size_t)s->width + (size_t)x];
    cx_fft_columns(&s->across, -1, s->rows, &b, &a);
    transpose(b.re, s->half, s->rows, a.re);
    transpose(b.im, s->half, s->rows, a.im);
    cx_fft_columns(&s->down, -1, s->half, &a, &b);
    for (size_t i = 0; i < count; i++) {
        dparameters[i] = s->scale[i] * a.re[i];
        dparameters[count + i] = s->scale[i] * a.im[i];
    }
}
