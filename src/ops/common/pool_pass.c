#include "ops/common/pool_pass.h"

#include <math.h>

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"

int cx_pool_winner_bytes(const cx_pool *pool)
{
    return cx_window_cells(&pool->window) <= 256 ? 1 : 4;
}

/* ---- lists --------------------------------------------------------------- */

/* What one thread works with: the places of a line's windows along the outer
   axes, and the rows of a pixel. */
typedef struct lists {
    cx_pool_place *outer[2];
    int64_t length[2];
    const cxai_real **row;
    const void **winner;
    int32_t *number;
    cxai_real *weight;
} lists;

/* Most entries of a list along an axis: what a window sees, or how many windows
   see a pixel. A pool over a whole photo has one window: none of its lists may
   be as long as the photo backward, once a thread. */
static size_t axis_length(const cx_pool *p, int axis, int backward)
{
    const cx_window_axis *a = &p->window.axis[axis];
    return (size_t)cx_minimum(a->kernel, backward ? a->out : a->in);
}

static size_t outer_bytes(const cx_pool *p, int axis, int backward)
{
    return cx_size_line(
        cx_size_times(axis_length(p, axis, backward), sizeof(cx_pool_place)));
}

static size_t lists_bytes(const cx_pool *p, int backward)
{
    size_t rows = 1,
           row = 2 * sizeof(void *) + sizeof(int32_t) + sizeof(cxai_real);
    for (int i = 0; i < 3; i++)
        rows = cx_size_times(rows, axis_length(p, i, backward));
    size_t bytes = cx_size_plus(4 * 64, cx_size_times(rows, row));
    for (int i = 0; i < 2; i++)
        bytes = cx_size_plus(bytes, outer_bytes(p, i, backward));
    return cx_size_line(bytes);
}

/* Carves the lists out of memory. */
static lists arrange(const cx_pool *p, int backward, char *memory)
{
    lists l;
    size_t rows = 1;
    for (int i = 0; i < 3; i++)
        rows *= axis_length(p, i, backward);
    for (int i = 0; i < 2; i++) {
        l.outer[i] = (cx_pool_place *)(void *)memory;
        memory += outer_bytes(p, i, backward);
    }
    l.row = (void *)memory;
    memory += cx_size_line(rows * sizeof *l.row);
    l.winner = (void *)memory;
    memory += cx_size_line(rows * sizeof *l.winner);
    l.number = (void *)memory;
    memory += cx_size_line(rows * sizeof *l.number);
    l.weight = (void *)memory;
    return l;
}

/* ---- a pass -------------------------------------------------------------- */

/* Along the last axis all lists are made once: those of pixel x begin at
   x * most. */
typedef struct work {
    const cx_pool_pass *pass;
    const cx_pool *pool;
    const cx_kernels *kernels;
    int64_t from_size[3], to_size[3];
    int64_t from_pixel, to_pixel;
    int64_t winner_row; /* bytes of an output pixel's winners */
    int winner_bytes;
    cx_pool_place *across;
    int64_t *count; /* of the places of a pixel */
    int64_t most;
    int64_t run; /* channels of an item of work */
} work;

static size_t places_bytes(const cx_pool *p, int backward, int64_t pixels)
{
    size_t places = cx_size_times((size_t)pixels, axis_length(p, 2, backward));
    return cx_size_line(cx_size_times(places, sizeof(cx_pool_place)));
}

static size_t counts_bytes(int64_t pixels)
{
    return cx_size_line(cx_size_times((size_t)pixels, sizeof(int64_t)));
}

size_t cx_pool_workspace(const cx_pool *p, int backward, int threads)
{
    const cx_window_axis *last = &p->window.axis[2];
    int64_t pixels = backward ? last->in : last->out;
    size_t own = cx_size_times(lists_bytes(p, backward), (size_t)threads);
    return cx_size_plus(own, cx_size_plus(places_bytes(p, backward, pixels),
                                          counts_bytes(pixels)));
}

static int64_t list_axis(const work *w, int axis, int64_t pixel,
                         cx_pool_place *list)
{
    const cx_window_axis *a = &w->pool->window.axis[axis];
    int padding = w->pool->count_padding;
    return w->pass->backward ? cx_pool_outputs(a, padding, pixel, list)
                             : cx_pool_inputs(a, padding, pixel, list);
}

/* Rows from channel c on of all pixels in the box of the lists; batch is that
   of pixel x. */
static int64_t list_rows(const work *w, const lists *l, int64_t batch,
                         int64_t x, int64_t c)
{
    int64_t count = 0;
    const cx_window_axis *axis = w->pool->window.axis;
    const cx_pool_place *across = w->across + x * w->most;
    for (int64_t i = 0; i < l->length[0]; i++)
        for (int64_t j = 0; j < l->length[1]; j++) {
            const cx_pool_place *z = &l->outer[0][i], *y = &l->outer[1][j];
            int64_t plane = batch * w->from_size[0] + z->pixel;
            int64_t line =
                (plane * w->from_size[1] + y->pixel) * w->from_size[2];
            int64_t cell =
                (z->cell * axis[1].kernel + y->cell) * axis[2].kernel;
            cxai_real weight = z->weight * y->weight;
            for (int64_t k = 0; k < w->count[x]; k++, count++) {
                int64_t pixel = line + across[k].pixel;
                l->row[count] = w->pass->from->data + pixel * w->from_pixel + c;
                l->number[count] = (int32_t)(cell + across[k].cell);
                l->weight[count] = weight * across[k].weight;
                if (w->winner_row > 0)
                    l->winner[count] = (const char *)w->pass->winner +
                                       pixel * w->winner_row +
                                       c * w->winner_bytes;
            }
        }
    return count;
}

static void write_maximum(const work *w, const cx_cells *cells, cxai_real *to,
                          int64_t pixel, int64_t c)
{
    if (cells->count == 0) { /* a window of padding alone */
        for (int64_t i = 0; i < cells->channels; i++)
            to[i] = -(cxai_real)INFINITY;
        return;
    }
    char *winner = w->pass->winner;
    if (winner != NULL)
        winner += (pixel * w->pool->channels + c) * w->winner_bytes;
    w->kernels->maximum(to, winner, w->winner_bytes, cells);
}

static void write_pixel(const work *w, const lists *l, int64_t count,
                        int64_t pixel, int64_t c, int64_t channels)
{
    static const int64_t here[1] = { 0 };
    const cx_delivery *delivery = &w->pass->delivery;
    const cx_cells cells = { count, l->row, l->number, channels };
    int64_t at = pixel * w->to_pixel + c;
    cxai_real *to = w->pass->to->data + at;
    if (!w->pool->maximum)
        w->kernels->combine(to, l->row, l->weight, count, channels,
                            delivery->adds);
    else if (w->pass->backward)
        w->kernels->unmaximum(to, l->winner, w->winner_bytes, &cells,
                              delivery->adds);
    else
        write_maximum(w, &cells, to, pixel, c);
    if (delivery->mask != NULL)
        w->kernels->keep_rows(to, here, 1, channels, delivery->mask, at);
}

/* A run of channels of one line of pixels. */
static void write_line(const work *w, lists *l, int64_t line, int64_t c)
{
    int64_t channels = cx_minimum(w->run, w->pool->channels - c);
    int64_t plane = line / w->to_size[1];
    l->length[0] = list_axis(w, 0, plane % w->to_size[0], l->outer[0]);
    l->length[1] = list_axis(w, 1, line % w->to_size[1], l->outer[1]);
    for (int64_t x = 0; x < w->to_size[2]; x++) {
        int64_t count = list_rows(w, l, plane / w->to_size[0], x, c);
        write_pixel(w, l, count, line * w->to_size[2] + x, c, channels);
    }
}

/* Fills all but run; returns the memory that is left. */
static char *begin(work *w, const cx_case *c, const cx_pool_pass *pass,
                   char *memory)
{
    const cx_pool *p = pass->pool;
    *w = (work){
        .pass = pass,
        .pool = p,
        .kernels = c->kernels,
        .from_pixel = cx_pixel_stride(pass->from),
        .to_pixel = cx_pixel_stride(pass->to),
        .winner_bytes = cx_pool_winner_bytes(p),
        .most = (int64_t)axis_length(p, 2, pass->backward),
    };
    if (p->maximum && pass->backward)
        w->winner_row = p->channels * w->winner_bytes;
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &p->window.axis[i];
        w->from_size[i] = pass->backward ? axis->out : axis->in;
        w->to_size[i] = pass->backward ? axis->in : axis->out;
    }
    w->across = (cx_pool_place *)(void *)memory;
    memory += places_bytes(p, pass->backward, w->to_size[2]);
    w->count = (int64_t *)(void *)memory;
    for (int64_t x = 0; x < w->to_size[2]; x++)
        w->count[x] = list_axis(w, 2, x, w->across + x * w->most);
    return memory + counts_bytes(w->to_size[2]);
}

void cx_pool_run(const cx_case *c, const cx_pool_pass *pass, void *workspace)
{
    enum { CHANNEL_RUN = 64 };
    work w;
    char *own = begin(&w, c, pass, workspace);
    int threads = c->threads;
    int64_t channels = w.pool->channels, runs = 1;
    int64_t lines = w.pool->window.batch * w.to_size[0] * w.to_size[1];
    w.run = channels;
    if (lines < 4 * threads && lines > 0) {
        int64_t wanted = cx_ceiling(4 * threads, lines);
        w.run = cx_ceiling(cx_ceiling(channels, wanted), CHANNEL_RUN);
        w.run *= CHANNEL_RUN;
        runs = cx_ceiling(channels, w.run);
    }
    size_t bytes = lists_bytes(w.pool, pass->backward);
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (lines * w.to_size[2] * channels > CX_SMALL_WORK)
    for (int64_t i = 0; i < lines * runs; i++) {
        lists l = arrange(w.pool, pass->backward,
                          own + (size_t)cx_thread_number() * bytes);
        write_line(&w, &l, i / runs, i % runs * w.run);
    }
}
