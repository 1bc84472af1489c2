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
    cx_frame frame;
} cx_scene;

/* Checks sizes against the model's first input. */
cxai_status cx_scene_init(cx_scene *scene, const cxai_model *model,
                          const cxai_preprocess *preprocess,
                          const cxai_synthesis_options *options,
                          cxai_error *error);

/* Of the network's input for a batch. */
cxai_shape cx_scene_input_shape(const cx_scene *scene, int batch);

/* Numbers of one picture, and of one batch item of the input. */
size_t cx_scene_picture_size(const cx_scene *scene);
size_t cx_scene_input_size(const cx_scene *scene);

/* A part of one channel of one picture to the network's input, dense; and the
   adjoint, where channels are those of the network. Parts are rows: number
   `part` of so many. */
void cx_scene_show(const cx_scene *scene, const cx_transform *transform,
                   int channel, int part, int parts, const cxai_real *picture,
                   cxai_real *input);
void cx_scene_show_adjoint(const cx_scene *scene, const cx_transform *transform,
                           int channel, int part, int parts,
                           const cxai_real *dinput, cxai_real *dpicture);

#endif
