/*
 * Synthesis: pictures that a part of a network answers to most strongly.
 *
 * Gradient ascent on the picture, as Olah, Mordvintsev and Schubert, "Feature
 * visualization" (Distill 2017), describe it and as their library lucid does
 * it: the picture is the inverse Fourier transform of the parameters, scaled
 * by one over the frequency, through a decorrelating colour matrix and a
 * sigmoid, so that it lies in 0..1; each step shows the network a jittered,
 * scaled and rotated view of it; Adam climbs.
 *
 * The network is run up to the layer and no further. Everything here is
 * reproducible: the same seed gives the same bits for any number of threads.
 */
#ifndef CXAI_SYNTHESIS_H
#define CXAI_SYNTHESIS_H

#include "cxai/preprocess.h"
#include "cxai/session.h"
#include "cxai/target.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What to maximise: a sum of targets, all of one layer (target.h). One
 * channel: cxai_target_channel. A neuron: the spans of its row and column set
 * as well, the centre being size / 2. A class: what cxai_target_parse makes of
 * it. A direction: a target for each channel, with its weight. No target may
 * be open (topK, wins). The array is borrowed for the call.
 */
typedef struct cxai_objective {
    const cxai_target *targets;
    int target_count;
} cxai_objective;

/* Called after every step, on the thread that called, with the steps done of
   all batches together and the mean objective of the pictures in work.
   Returning other than 0 stops: cxai_synthesize ends with CXAI_STOPPED. */
typedef int cxai_synthesis_progress(int64_t done, int64_t total,
                                    double objective, void *payload);

/* Start from cxai_synthesis_defaults(); a 0 means 0 unless said otherwise. */
typedef struct cxai_synthesis_options {
    int height, width; /* of the picture, 1..2048; 0, 0: the network's input,
                          where that is free the preprocessing's, or 224 */
    int steps;
    double learning_rate; /* of Adam, betas .9 and .999, epsilon 1e-8 */
    uint64_t seed;
    double deviation;   /* standard deviation of the starting parameters */
    double decay_power; /* parameters are scaled by 1 / frequency^power */
    int plain_pixels;   /* not 0: the parameters are pixels, no Fourier */
    int plain_colour;   /* not 0: no colour decorrelation (it is used for
                           pictures of 3 channels only) */

    /* The view that each step shows, drawn anew each step and the same for all
       pictures of a call: turned and scaled about its centre, then shifted;
       outside the picture is mid-grey. All 0: the picture itself. */
    int jitter;      /* pixels, each axis: shifted by -jitter/2 .. jitter/2 */
    double scale;    /* scaled by 1 - scale .. 1 + scale */
    double rotation; /* turned by -rotation .. rotation degrees */

    /* Subtracted from the objective, so that they do not depend on the size:
       weight * sum(|dx| + |dy|) / elements, weight * sum((p - 1/2)^2) /
       elements. */
    double total_variation;
    double l2;

    int threads;        /* 0: cxai_processors() */
    int batch;          /* pictures worked on at once; 0: 2, or as many as the
                           memory allows or the network is made for */
    uint64_t max_bytes; /* memory for sessions; 0: 2 GiB */
    cxai_synthesis_progress *progress; /* may be NULL */
    void *payload;
} cxai_synthesis_options;

/* 256 steps of Adam at .03 on a decorrelated Fourier picture whose parameters
   fall with frequency^1.1, jitter 16, scale .15, rotation 12 degrees, no
   penalties, seed 0. */
CXAI_API cxai_synthesis_options cxai_synthesis_defaults(void);

typedef enum cxai_synthesis_status {
    CXAI_SYNTHESIS_OK = 0,
    CXAI_SYNTHESIS_STUCK, /* the objective never moved: the channel does not
                             fire, the picture means nothing */
    CXAI_SYNTHESIS_NOT_FINITE, /* the objective became infinite or NaN */
} cxai_synthesis_status;

/* What became of one objective. Activations are the objective without
   penalties, on the picture itself (no jitter, scale, rotation). */
typedef struct cxai_synthesis_outcome {
    cxai_synthesis_status status;
    double activation_before; /* of the random start */
    double activation_after;
    double objective;     /* activation_after less the penalties */
    int redirected_steps; /* steps in which gradients were passed through
                             inactive ReLUs to get it to fire at all */
} cxai_synthesis_outcome;

typedef struct cxai_synthesis {
    cxai_shape shape;    /* N,C,H,W, N being the number of objectives */
    cxai_real *pictures; /* dense, 0..1; three channels are R, G, B */
    cxai_synthesis_outcome *outcomes; /* N */
    double seconds;
} cxai_synthesis;

/*
 * Makes count pictures, one for each objective; all are of one layer, the
 * value of their targets. preprocess says how a picture in 0..1 becomes the
 * network's tensor; NULL: the tensor is the picture.
 *
 * A network of fixed input size takes pictures up to that size; smaller ones
 * are enlarged for it. A picture does not depend on the other objectives of
 * the call.
 *
 * Where the whole gradient of a picture is 0 during the first 16 steps, it is
 * passed through inactive Relu and Clip nodes (lucid's redirected ReLU). At a
 * layer that is made by a Clip, it is passed on beyond the upper bound.
 *
 * On success *out is owned by the caller, who ends it with
 * cxai_synthesis_free. Errors: CXAI_INVALID for a channel that the layer does
 * not have (its range is named), a layer that does not depend on the input or
 * has no channels, a size or option out of range; CXAI_STOPPED; those of
 * cxai_session_create.
 */
CXAI_API cxai_status cxai_synthesize(
    cxai_synthesis *out, const cxai_model *model,
    const cxai_preprocess *preprocess, const cxai_objective *objectives,
    int count, const cxai_synthesis_options *options, cxai_error *error);

/* Frees what *out holds and zeroes it. */
CXAI_API void cxai_synthesis_free(cxai_synthesis *out);

/* The shape that a layer has for these options, one picture at a time: its
   channels are dim[1], the centre neuron is at dim[2] / 2, dim[3] / 2. Errors
   as cxai_synthesize. */
CXAI_API cxai_status cxai_synthesis_shape(cxai_shape *shape,
                                          const cxai_model *model,
                                          const cxai_preprocess *preprocess,
                                          int layer,
                                          const cxai_synthesis_options *options,
                                          cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
