/*
 * Stockham's self-sorting transform, decimation in frequency, with mixed radix
 * (Van Loan, "Computational frameworks for the fast Fourier transform", 1992,
 * section 1.7). A stage of radix p reads p rows that lie m = n/p blocks apart
 * and writes p rows next to each other:
 *
 *     y[j][t] = w^(jt) sum_r x[j + m r] exp(sign 2 pi i r t / p)
 *
 * Every x and y here is a run of consecutive numbers (columns times the
 * product of the radices done), so that the innermost loops are long and
 * vectorise.
 */
#include "fft.h"

#include <math.h>
#include <stdlib.h>

#define MAX_RADIX 7
#define BLOCK 64 /* elements that a butterfly works on in local memory */

int cx_fft_length(int at_least)
{
    for (int n = at_least < 1 ? 1 : at_least;; n++) {
        int rest = n;
        for (int p = 2; p <= MAX_RADIX; p++)
            while (rest % p == 0)
                rest /= p;
        if (rest == 1)
            return n;
    }
}

int cx_fft_init(cx_fft *fft, int length)
{
    static const int radices[] = { 4, 2, 3, 5, 7 };
    int rest = length;

    *fft = (cx_fft){ .length = length };
    for (int i = 0; i < 5; i++)
        for (; rest % radices[i] == 0; rest /= radices[i])
            fft->radix[fft->stages++] = radices[i];
    fft->cosine = calloc((size_t)length, sizeof(cxai_real));
    fft->sine = calloc((size_t)length, sizeof(cxai_real));
    if (!fft->cosine || !fft->sine) {
        cx_fft_free(fft);
        return -1;
    }
    for (int k = 0; k < length; k++) {
        double angle = 2 * 3.14159265358979323846 * k / length;
        fft->cosine[k] = (cxai_real)cos(angle);
        fft->sine[k] = (cxai_real)sin(angle);
    }
    return 0;
}

void cx_fft_free(cx_fft *fft)
{
    free(fft->cosine);
    free(fft->sine);
    *fft = (cx_fft){ 0 };
}

/* One butterfly: p inputs of `run` numbers, `apart` from each other, to p
   outputs of run numbers in a row. */
typedef struct butterfly {
    int radix, sign;
    size_t run, apart;
    cxai_real root_re[MAX_RADIX], root_im[MAX_RADIX]; /* exp(s 2 pi i k/p) */
    cxai_real w_re[MAX_RADIX], w_im[MAX_RADIX];       /* w^(jt) */
} butterfly;

static void radix_2(const butterfly *b, cx_complex x, cx_complex y)
{
    const cxai_real *restrict re0 = x.re, *restrict re1 = x.re + b->apart;
    const cxai_real *restrict im0 = x.im, *restrict im1 = x.im + b->apart;
    cxai_real *restrict re = y.re, *restrict im = y.im;
    cxai_real wr = b->w_re[1], wi = b->w_im[1];
    size_t n = b->run;

    for (size_t i = 0; i < n; i++) {
        cxai_real dr = re0[i] - re1[i], di = im0[i] - im1[i];
        re[i] = re0[i] + re1[i];
        im[i] = im0[i] + im1[i];
        re[n + i] = wr * dr - wi * di;
        im[n + i] = wr * di + wi * dr;
    }
}

static void radix_4(const butterfly *b, cx_complex x, cx_complex y)
{
    const cxai_real *restrict xr = x.re, *restrict xi = x.im;
    cxai_real *restrict re = y.re, *restrict im = y.im;
    const cxai_real *wr = b->w_re, *wi = b->w_im;
    cxai_real sign = (cxai_real)b->sign;
    size_t n = b->run, m = b->apart;

    for (size_t i = 0; i < n; i++) {
        cxai_real sr = xr[i] + xr[2 * m + i], si = xi[i] + xi[2 * m + i];
        cxai_real dr = xr[i] - xr[2 * m + i], di = xi[i] - xi[2 * m + i];
        cxai_real tr = xr[m + i] + xr[3 * m + i],
                  ti = xi[m + i] + xi[3 * m + i];
        cxai_real ur = sign * (xi[3 * m + i] - xi[m + i]);
        cxai_real ui = sign * (xr[m + i] - xr[3 * m + i]);
        re[i] = sr + tr;
        im[i] = si + ti;
        re[n + i] = wr[1] * (dr + ur) - wi[1] * (di + ui);
        im[n + i] = wr[1] * (di + ui) + wi[1] * (dr + ur);
        re[2 * n + i] = wr[2] * (sr - tr) - wi[2] * (si - ti);
        im[2 * n + i] = wr[2] * (si - ti) + wi[2] * (sr - tr);
        re[3 * n + i] = wr[3] * (dr - ur) - wi[3] * (di - ui);
        im[3 * n + i] = wr[3] * (di - ui) + wi[3] * (dr - ur);
    }
}

/* The outputs t and p-t of an odd radix: a +- i b with a the cosine sum of the
   x[r] + x[p-r] and b the sine sum of the x[r] - x[p-r]. */
static void odd_pair(const butterfly *b, int t, size_t count, cx_complex first,
                     cxai_real (*sum)[2][BLOCK], cxai_real (*dif)[2][BLOCK],
                     cx_complex y)
{
    int p = b->radix;
    cxai_real ar[BLOCK], ai[BLOCK], br[BLOCK] = { 0 }, bi[BLOCK] = { 0 };

    for (size_t i = 0; i < count; i++) {
        ar[i] = first.re[i];
        ai[i] = first.im[i];
    }
    for (int r = 1; r <= p / 2; r++) {
        cxai_real c = b->root_re[r * t % p], s = b->root_im[r * t % p];
        for (size_t i = 0; i < count; i++) {
            ar[i] += c * sum[r][0][i];
            ai[i] += c * sum[r][1][i];
            br[i] += s * dif[r][0][i];
            bi[i] += s * dif[r][1][i];
        }
    }
    cxai_real wr = b->w_re[t], wi = b->w_im[t];
    cxai_real vr = b->w_re[p - t], vi = b->w_im[p - t];
    size_t to = (size_t)t * b->run, mirror = (size_t)(p - t) * b->run;
    for (size_t i = 0; i < count; i++) {
        cxai_real re = ar[i] - bi[i], im = ai[i] + br[i];
        y.re[to + i] = wr * re - wi * im;
        y.im[to + i] = wr * im + wi * re;
        re = ar[i] + bi[i], im = ai[i] - br[i];
        y.re[mirror + i] = vr * re - vi * im;
        y.im[mirror + i] = vr * im + vi * re;
    }
}

static void radix_odd(const butterfly *b, cx_complex x, cx_complex y)
{
    cxai_real sum[MAX_RADIX / 2 + 1][2][BLOCK];
    cxai_real dif[MAX_RADIX / 2 + 1][2][BLOCK];
    int half = b->radix / 2;

    for (size_t i0 = 0; i0 < b->run; i0 += BLOCK) {
        size_t count = b->run - i0 < BLOCK ? b->run - i0 : BLOCK;
        cx_complex first = { x.re + i0, x.im + i0 };
        cx_complex out = { y.re + i0, y.im + i0 };

        for (int r = 1; r <= half; r++) {
            size_t at = (size_t)r * b->apart;
            size_t mirror = (size_t)(b->radix - r) * b->apart;
            for (size_t i = 0; i < count; i++) {
                sum[r][0][i] = first.re[at + i] + first.re[mirror + i];
                sum[r][1][i] = first.im[at + i] + first.im[mirror + i];
                dif[r][0][i] = first.re[at + i] - first.re[mirror + i];
                dif[r][1][i] = first.im[at + i] - first.im[mirror + i];
            }
        }
        for (size_t i = 0; i < count; i++) {
            out.re[i] = first.re[i];
            out.im[i] = first.im[i];
            for (int r = 1; r <= half; r++) {
                out.re[i] += sum[r][0][i];
                out.im[i] += sum[r][1][i];
            }
        }
        for (int t = 1; t <= half; t++)
            odd_pair(b, t, count, first, sum, dif, out);
    }
}

void cx_fft_columns(const cx_fft *fft, int sign, int columns, cx_complex *data,
                    cx_complex *scratch)
{
    int n = fft->length, done = 1;
    cxai_real s = (cxai_real)sign;

    for (int stage = 0; stage < fft->stages; stage++) {
        int p = fft->radix[stage], m = n / done / p;
        butterfly b = { .radix = p, .sign = sign };
        b.run = (size_t)done * (size_t)columns;
        b.apart = (size_t)m * b.run;
        for (int k = 0; k < p; k++) {
            b.root_re[k] = fft->cosine[n / p * k];
            b.root_im[k] = s * fft->sine[n / p * k];
        }
        for (int j = 0; j < m; j++) {
            size_t from = (size_t)j * b.run, to = (size_t)(p * j) * b.run;
            cx_complex x = { data->re + from, data->im + from };
            cx_complex y = { scratch->re + to, scratch->im + to };
            for (int t = 0; t < p; t++) {
                b.w_re[t] = fft->cosine[j * t * done % n];
                b.w_im[t] = s * fft->sine[j * t * done % n];
            }
            if (p == 4)
                radix_4(&b, x, y);
            else if (p == 2)
                radix_2(&b, x, y);
            else
                radix_odd(&b, x, y);
        }
        cx_complex result = *scratch;
        *scratch = *data;
        *data = result;
        done *= p;
    }
}
