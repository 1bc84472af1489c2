/*
 * The Fourier parameterisation: one plane of a picture as a spectrum.
 *
 * The plane is cut from a canvas of at least its size whose sides the fast
 * transform can take. Parameters are the canvas' half spectrum, rows x half
 * real parts, then as many imaginary parts, with the scaling taken out.
 */
#ifndef CX_SYNTHESIS_SPECTRUM_H
#define CX_SYNTHESIS_SPECTRUM_H

#include "fft.h"

typedef struct cx_spectrum {
    int height, width;       /* of the plane */
    int rows, columns, half; /* of the canvas; half = columns / 2 + 1 */
    cx_fft down, across;
    cxai_real *scale; /* rows x half */
} cx_spectrum;

/* Returns 0, or -1 when there is no memory; sizes must be positive. */
int cx_spectrum_init(cx_spectrum *spectrum, int height, int width,
                     double decay_power);
void cx_spectrum_free(cx_spectrum *spectrum);

/* Numbers in the parameters of a plane, and in the workspace of a call. */
size_t cx_spectrum_parameters(const cx_spectrum *spectrum);
size_t cx_spectrum_workspace(const cx_spectrum *spectrum);

/* parameters -> plane (height x width). */
void cx_spectrum_forward(const cx_spectrum *spectrum,
                         const cxai_real *parameters, cxai_real *plane,
                         cxai_real *workspace);

/* The adjoint: d plane -> d parameters. */
void cx_spectrum_backward(const cx_spectrum *spectrum, const cxai_real *dplane,
                          cxai_real *dparameters, cxai_real *workspace);

#endif
