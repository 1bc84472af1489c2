/* The pictures of a batch with the parameters that they are made of. */
#ifndef CX_SYNTHESIS_CANVAS_H
#define CX_SYNTHESIS_CANVAS_H

#include "adam.h"
#include "cxai/synthesis.h"
#include "scene.h"
#include "spectrum.h"

typedef struct cx_canvas {
    int count, channels, height, width, threads;
    int plain_pixels, decorrelate;
    cx_spectrum spectrum;             /* of one channel, unless plain_pixels */
    size_t plane_parameters;          /* of one channel */
    cxai_real *parameters, *gradient; /* count x channels x plane_parameters */
    cx_adam adam;
    cxai_real *pictures, *dpictures; /* count,channels,height,width */
    cxai_real *workspace;            /* one part a thread */
} cx_canvas;

cxai_status cx_canvas_init(cx_canvas *canvas, const cx_scene *scene, int count,
                           const cxai_synthesis_options *options,
                           cxai_error *error);
void cx_canvas_free(cx_canvas *canvas);

/* Draws the start, the same for every picture, and forgets all steps. */
void cx_canvas_start(cx_canvas *canvas, const cxai_synthesis_options *options);

/* parameters -> pictures. */
void cx_canvas_paint(cx_canvas *canvas);

/* dpictures (which is overwritten) -> gradient, and a step of Adam for the
   pictures that are not frozen. */
void cx_canvas_climb(cx_canvas *canvas, int step, double rate,
                     const unsigned char *frozen);

#endif
