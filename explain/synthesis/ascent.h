/* Gradient ascent for one batch of pictures on one session. */
#ifndef CX_SYNTHESIS_ASCENT_H
#define CX_SYNTHESIS_ASCENT_H

#include "canvas.h"
#include "redirect.h"

typedef struct cx_ascent {
    const cxai_synthesis_options *options; /* threads are resolved */
    cx_scene scene;
    int layer, batch;
    cxai_shape shape; /* of the layer */
    cxai_session *session;
    cx_canvas canvas;
    cx_redirect redirect;
    cxai_tensor dinput; /* the gradient at the input, the session's own */
    cxai_real *seed;    /* of the layer's shape */
    const cxai_objective **objectives; /* one a picture, of this round */
    cxai_synthesis_outcome *outcomes;  /* the same */
    double *lowest, *highest;          /* objective over all steps */
    unsigned char *frozen, *wanted;    /* not finite any more; redirected */
} cx_ascent;

/* Opens a session for up to *batch pictures. */
cxai_status cx_ascent_init(cx_ascent *ascent, const cxai_model *model,
                           const cx_scene *scene, int layer, int batch,
                           const cxai_synthesis_options *options,
                           cxai_error *error);
void cx_ascent_free(cx_ascent *ascent);

/* Makes the pictures of count (1 .. batch) objectives, in ascent->canvas, with
   ascent->outcomes. done steps of total are reported to have gone before. */
cxai_status cx_ascent_run(cx_ascent *ascent, const cxai_objective *objectives,
                          int count, int64_t done, int64_t total,
                          cxai_error *error);

#endif
