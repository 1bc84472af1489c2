/* How pictures and the network's input are laid out, and how one becomes the
   other. */
#ifndef CX_SYNTHESIS_SCENE_H
#define CX_SYNTHESIS_SCENE_H

#include "cxai/synthesis.h"
#include "transform.h"

typedef struct cx_scene {
    const cxai_preprocess *preprocess; /* NULL: the tensor is the picture */
    int input;                         /* value number */
    int fixed_batch;                   /* 0: any */
    int channels;
    int interleaved; /* the input is N,H,W,C */
    cx_frame frame;  /* but for where the view lies, which is the session's */
} cx_scene;

/* Checks sizes against the model's first input. */
cxai_status cx_scene_init(cx_scene *scene, const cxai_model *model,
                          const cxai_preprocess *preprocess,
                          const cxai_synthesis_options *options,
                          cxai_error *error);

/* Of the network's input for a batch. */
cxai_shape cx_scene_input_shape(const cx_scene *scene, int batch);

/* Numbers of one picture. */
size_t cx_scene_picture_size(const cx_scene *scene);

/* A part of one picture to item n of the network's input; and the adjoint, from
   the gradient there. Parts are rows: number `part` of so many. */
void cx_scene_show(const cx_scene *scene, const cx_transform *transform,
                   int part, int parts, cxai_real *picture,
                   const cxai_tensor *input, int n);
void cx_scene_show_adjoint(const cx_scene *scene, const cx_transform *transform,
                           int part, int parts, const cxai_tensor *dinput,
                           int n, cxai_real *dpicture);

#endif
