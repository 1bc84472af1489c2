#include "kernels/stream.h"

#include "base/size.h"
#include "kernels/depthwise.h"
#include "kernels/narrow.h"
#include "kernels/work.h"

enum {
    RING_BYTES = 192 << 10, /* of a thread, with more than one output line */
    RING_SPACING = 256 << 10,
    LEAST_BYTES = 1 << 20, /* between the two; less stays in the cache */
    LEAST_LINES = 28,      /* of a picture: the first of each thread's lines
                              are computed twice */
};

/* ---- what fits ----------------------------------------------------------- */

static int is_pointwise(const cx_convolution *c)
{
    const int64_t *at = c->tap[0].at;
    int fits = c->groups == 1 && c->taps == 1 && c->in[0] == 1;
    for (int i = 0; i < 3; i++)
        fits = fits && at[i] == 0 && c->step[i] == 1 && c->out[i] == c->in[i];
    return fits;
}

static size_t line_reals(const cx_convolution *second)
{
    return cx_size_times((size_t)second->in[2], (size_t)second->groups);
}

int cx_stream_fits(const cx_convolution *first, const cx_convolution *second)
{
    if (!is_pointwise(first) || cx_narrow_fits(first) || second->depth != 1 ||
        second->columns != 1 || second->out[0] != 1 ||
        second->batch * second->out[1] < LEAST_LINES)
        return 0;
    size_t between = cx_size_times(line_reals(second), (size_t)second->in[1]);
    between = cx_size_times(between, (size_t)second->batch * sizeof(cxai_real));
    return between >= LEAST_BYTES;
}

/* ---- the ring ------------------------------------------------------------ */

/* Lines of the picture that an output line reads: [first, end). */
typedef struct reach {
    int64_t first, end;
} reach;

static reach reach_of(const cx_convolution *c, int64_t line)
{
    reach r = { INT64_MAX, INT64_MIN };
    for (int64_t t = 0; t < c->taps; t++) {
        int64_t at = line * c->step[1] + c->tap[t].at[1];
        r.first = cx_minimum(r.first, at);
        r.end = cx_maximum(r.end, at + 1);
    }
    r.first = cx_maximum(r.first, 0);
    r.end = cx_minimum(r.end, c->in[1]);
    return r;
}

/* Output lines that are computed together. */
static int64_t lines_together(const cx_convolution *second)
{
    int64_t reals = cx_maximum(1, (int64_t)line_reals(second));
    int64_t bytes = reals * (int64_t)sizeof(cxai_real);
    reach r = reach_of(second, 0);
    return cx_maximum(1, (RING_BYTES / bytes - r.end) / second->step[1]);
}

static int64_t ring_lines(const cx_convolution *second)
{
    int64_t least = 0, most = 0;
    for (int64_t t = 0; t < second->taps; t++) {
        least = cx_minimum(least, second->tap[t].at[1]);
        most = cx_maximum(most, second->tap[t].at[1]);
    }
    int64_t lines = (lines_together(second) - 1) * second->step[1];
    return cx_minimum(second->in[1], lines + most - least + 1);
}

/* Bytes from a thread's ring to the next: the same wherever they suffice, so
   that a core does not write what another has in its cache. */
static size_t ring_bytes(const cx_convolution *second)
{
    size_t bytes = cx_size_times((size_t)ring_lines(second),
                                 line_reals(second) * sizeof(cxai_real));
    return bytes > RING_SPACING ? cx_size_line(bytes) : RING_SPACING;
}

size_t cx_stream_workspace(const cx_kernels *kernels,
                           const cx_convolution *first,
                           const cx_convolution *second, int threads)
{
    size_t rings = cx_size_times(ring_bytes(second), (size_t)threads);
    size_t gathers = cx_size_plus(cx_gather_bytes(kernels, first, threads),
                                  cx_gather_bytes(kernels, second, threads));
    return cx_size_plus(rings, gathers);
}

/* ---- the walk ------------------------------------------------------------ */

/* What one thread works with: both convolutions on a ring of its own. */
typedef struct stream {
    const cx_convolution *whole; /* the first of all pictures */
    cx_convolution first, second;
    cx_gather first_gather, second_gather;
    cxai_real *ring;
} stream;

static void begin_thread(stream *s, const stream *shared, cxai_real *ring)
{
    *s = *shared;
    s->first_gather.c = &s->first;
    s->second_gather.c = &s->second;
    s->ring = ring;
    s->second.x = ring;
}

/* Lines [from, to) between the two, of a picture; they do not pass the end of
   the ring. */
static void make_run(const cx_kernels *kernels, stream *s, int64_t picture,
                     int64_t from, int64_t to)
{
    const cx_convolution *whole = s->whole;
    cx_convolution *c = &s->first;
    int64_t line = picture * whole->in[1] + from;
    c->batch = 1;
    c->in[1] = c->out[1] = to - from;
    c->x = whole->x + line * whole->in[2] * whole->x_pixel;
    c->y = s->ring + from % s->second.ring * c->y_stride[2];
    cx_convolve_alone(kernels, &s->first_gather);
}

static void make_lines(const cx_kernels *kernels, stream *s, int64_t picture,
                       int64_t from, int64_t to)
{
    int64_t lines = s->second.ring;
    while (from < to) {
        int64_t end = cx_minimum(to, from - from % lines + lines);
        make_run(kernels, s, picture, from, end);
        from = end;
    }
}

/* Output lines [from, to), counted over all pictures. */
static void make_outputs(const cx_kernels *kernels, stream *s, int64_t from,
                         int64_t to)
{
    const cx_convolution *c = &s->second;
    int64_t together = lines_together(c), made = 0;
    for (int64_t i = from, end; i < to; i = end) {
        int64_t picture = i / c->out[1], first = i % c->out[1];
        end =
            cx_minimum(cx_minimum(i + together, to), (picture + 1) * c->out[1]);
        int64_t last = first + (end - i) - 1;
        if (i == from || first == 0)
            made = reach_of(c, first).first;
        int64_t needed = reach_of(c, last).end;
        make_lines(kernels, s, picture, made, needed);
        made = cx_maximum(made, needed);
        for (int64_t line = i; line < end; line++)
            cx_depthwise_line(kernels, &s->second_gather, line, 0, c->groups);
    }
}

void cx_stream(const cx_kernels *kernels, const cx_convolution *first,
               const cx_convolution *second, int threads, void *workspace)
{
    int64_t lines = second->batch * second->out[1];
    size_t bytes = ring_bytes(second);
    char *first_memory = workspace;
    char *second_memory =
        first_memory + cx_gather_bytes(kernels, first, threads);
    char *rings = second_memory + cx_gather_bytes(kernels, second, threads);
    stream shared = {
        .whole = first,
        .first = *first,
        .second = *second,
        .first_gather = cx_gather_begin(kernels, first, first_memory),
        .second_gather = cx_gather_begin(kernels, second, second_memory),
    };
    shared.second.ring = ring_lines(second);
    shared.second.x_pixel = second->groups;
    shared.first.y_stride[2] = second->in[2] * second->groups;
    shared.first.y_stride[3] = second->groups;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        stream s;
        begin_thread(
            &s, &shared,
            (cxai_real *)(void *)(rings + bytes * (size_t)cx_thread_number()));
        make_outputs(kernels, &s, lines * part / threads,
                     lines * (part + 1) / threads);
    }
}
