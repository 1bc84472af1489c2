/*
 * The colours of natural photos are correlated: bright red goes with bright
 * blue. The matrix is the square root of their covariance over ImageNet, as
 * lucid has it (optvis/param/color.py), divided by its largest column norm, so
 * that one step changes brightness more than hue.
 */
#include "colour.h"

#include <math.h>

/* The square root of .26^2 + .27^2 + .27^2, the norm of the first column. */
#define NORM 0.4619523784980439

static const cxai_real mix[3][3] = {
    { (cxai_real)(.26 / NORM), (cxai_real)(.09 / NORM),
      (cxai_real)(.02 / NORM) },
    { (cxai_real)(.27 / NORM), 0, (cxai_real)(-.05 / NORM) },
    { (cxai_real)(.27 / NORM), (cxai_real)(-.09 / NORM),
      (cxai_real)(.03 / NORM) },
};

static cxai_real sigmoid(cxai_real x)
{
#ifdef CXAI_DOUBLE
    return 1 / (1 + exp(-x));
#else
    return 1 / (1 + expf(-x));
#endif
}

static int threads_of(const cx_colour *colour)
{
    return colour->threads > 1 ? colour->threads : 1;
}

void cx_colour_forward(const cx_colour *colour, const cxai_real *x,
                       cxai_real *picture)
{
    size_t n = colour->size;
    size_t mixed = colour->decorrelate ? n : 0;
    size_t plain = colour->decorrelate ? 0 : n * (size_t)colour->channels;
    int threads = threads_of(colour);

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < mixed; i++) {
        cxai_real a = x[i], b = x[n + i], c = x[2 * n + i];
        for (size_t k = 0; k < 3; k++)
            picture[k * n + i] =
                sigmoid(mix[k][0] * a + mix[k][1] * b + mix[k][2] * c);
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < plain; i++)
        picture[i] = sigmoid(x[i]);
}

/* The gradient before the sigmoid. */
static cxai_real slope(const cxai_real *picture, const cxai_real *dpicture,
                       size_t i)
{
    return dpicture[i] * picture[i] * (1 - picture[i]);
}

void cx_colour_backward(const cx_colour *colour, const cxai_real *picture,
                        const cxai_real *dpicture, cxai_real *dx)
{
    size_t n = colour->size;
    size_t mixed = colour->decorrelate ? n : 0;
    size_t plain = colour->decorrelate ? 0 : n * (size_t)colour->channels;
    int threads = threads_of(colour);

#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < mixed; i++) {
        cxai_real r = slope(picture, dpicture, i);
        cxai_real g = slope(picture, dpicture, n + i);
        cxai_real b = slope(picture, dpicture, 2 * n + i);
        for (size_t k = 0; k < 3; k++)
            dx[k * n + i] = mix[0][k] * r + mix[1][k] * g + mix[2][k] * b;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < plain; i++)
        dx[i] = slope(picture, dpicture, i);
}
