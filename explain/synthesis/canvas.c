#include "canvas.h"

#include "colour.h"

#include <stdlib.h>

#include "cxai/random.h"

#define START_STREAM 1

static cxai_real *reals(size_t count)
{
    return calloc(count, sizeof(cxai_real));
}

static size_t plane_size(const cx_canvas *c)
{
    return (size_t)c->height * (size_t)c->width;
}

static size_t workspace_size(const cx_canvas *c)
{
    return c->plain_pixels ? 0 : cx_spectrum_workspace(&c->spectrum);
}

cxai_status cx_canvas_init(cx_canvas *c, const cx_scene *scene, int count,
                           const cxai_synthesis_options *options,
                           cxai_error *error)
{
    *c = (cx_canvas){ .count = count,
                      .channels = scene->channels,
                      .height = scene->frame.height,
                      .width = scene->frame.width,
                      .threads = options->threads,
                      .plain_pixels = options->plain_pixels };
    c->decorrelate = c->channels == 3 && !options->plain_colour;
    c->plane_parameters = plane_size(c);
    if (!c->plain_pixels) {
        if (cx_spectrum_init(&c->spectrum, c->height, c->width,
                             options->decay_power))
            goto no_memory;
        c->plane_parameters = cx_spectrum_parameters(&c->spectrum);
    }

    size_t planes = (size_t)count * (size_t)c->channels;
    c->parameters = reals(planes * c->plane_parameters);
    c->gradient = reals(planes * c->plane_parameters);
    c->adam.mean = reals(planes * c->plane_parameters);
    c->adam.square = reals(planes * c->plane_parameters);
    c->pictures = reals(planes * plane_size(c));
    c->dpictures = reals(planes * plane_size(c));
    c->workspace = reals((size_t)c->threads * workspace_size(c) + 1);
    if (c->parameters && c->gradient && c->adam.mean && c->adam.square &&
        c->pictures && c->dpictures && c->workspace)
        return CXAI_OK;
no_memory:
    cx_canvas_free(c);
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "synthesis: no memory for %d pictures of %dx%d", count,
                     scene->frame.width, scene->frame.height);
}

void cx_canvas_free(cx_canvas *c)
{
    cx_spectrum_free(&c->spectrum);
    free(c->parameters);
    free(c->gradient);
    free(c->adam.mean);
    free(c->adam.square);
    free(c->pictures);
    free(c->dpictures);
    free(c->workspace);
    *c = (cx_canvas){ 0 };
}

void cx_canvas_start(cx_canvas *c, const cxai_synthesis_options *options)
{
    size_t size = (size_t)c->channels * c->plane_parameters;

#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (size_t i = 0; i < size; i++) {
        double z = cxai_random_normal(options->seed, START_STREAM, i);
        for (size_t n = 0; n < (size_t)c->count; n++) {
            c->parameters[n * size + i] = (cxai_real)(options->deviation * z);
            c->adam.mean[n * size + i] = 0;
            c->adam.square[n * size + i] = 0;
        }
    }
}

/* The pixels before colour, of one plane of all: a part of `pictures`. */
static void paint_plane(cx_canvas *c, int plane, cxai_real *workspace)
{
    const cxai_real *from = c->parameters + (size_t)plane * c->plane_parameters;
    cxai_real *to = c->pictures + (size_t)plane * plane_size(c);

    if (!c->plain_pixels)
        cx_spectrum_forward(&c->spectrum, from, to, workspace);
    for (size_t i = 0; c->plain_pixels && i < plane_size(c); i++)
        to[i] = from[i];
}

static void paint_plane_adjoint(cx_canvas *c, int plane, cxai_real *workspace)
{
    const cxai_real *from = c->dpictures + (size_t)plane * plane_size(c);
    cxai_real *to = c->gradient + (size_t)plane * c->plane_parameters;

    if (!c->plain_pixels)
        cx_spectrum_backward(&c->spectrum, from, to, workspace);
    for (size_t i = 0; c->plain_pixels && i < plane_size(c); i++)
        to[i] = from[i];
}

/* Calls a function for every plane, each thread with its own workspace. */
static void for_planes(cx_canvas *c,
                       void (*function)(cx_canvas *, int, cxai_real *))
{
    int planes = c->count * c->channels;
    int parts = c->threads < planes ? c->threads : planes;

#pragma omp parallel for num_threads(parts) schedule(static)
    for (int part = 0; part < parts; part++)
        for (int plane = part; plane < planes; plane += parts)
            function(c, plane, c->workspace + (size_t)part * workspace_size(c));
}

static cx_colour colour_of(const cx_canvas *c)
{
    return (cx_colour){ .channels = c->channels,
                        .decorrelate = c->decorrelate,
                        .size = plane_size(c),
                        .threads = c->threads };
}

void cx_canvas_paint(cx_canvas *c)
{
    cx_colour colour = colour_of(c);
    size_t size = (size_t)c->channels * plane_size(c);

    for_planes(c, paint_plane);
    for (int n = 0; n < c->count; n++) {
        cxai_real *picture = c->pictures + (size_t)n * size;
        cx_colour_forward(&colour, picture, picture);
    }
}

/* Adam for a part of a plane, number i of all; each has one part a thread. */
static void climb_part(cx_canvas *c, int step, double rate,
                       const unsigned char *frozen, int i)
{
    size_t parts = (size_t)c->threads, part = (size_t)i % parts;
    size_t plane = (size_t)i / parts, count = c->plane_parameters;
    size_t first = count * part / parts, end = count * (part + 1) / parts;
    size_t from = plane * count + first;
    cx_adam adam = { c->adam.mean + from, c->adam.square + from };

    if (!frozen[plane / (size_t)c->channels])
        cx_adam_step(&adam, step, rate, end - first, c->gradient + from,
                     c->parameters + from);
}

void cx_canvas_climb(cx_canvas *c, int step, double rate,
                     const unsigned char *frozen)
{
    cx_colour colour = colour_of(c);
    size_t size = (size_t)c->channels * plane_size(c);

    for (int n = 0; n < c->count; n++) {
        cxai_real *dpicture = c->dpictures + (size_t)n * size;
        cx_colour_backward(&colour, c->pictures + (size_t)n * size, dpicture,
                           dpicture);
    }
    for_planes(c, paint_plane_adjoint);
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int i = 0; i < c->count * c->channels * c->threads; i++)
        climb_part(c, step, rate, frozen, i);
}
