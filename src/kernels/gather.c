#include "kernels/gather.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/turn.h"
#include "kernels/work.h"

/* Channels up to which merging pays, and taps up to which rows are copied. */
enum { FEW_CHANNELS = 8, MOST_TAPS = 1024 };

/* ---- memory -------------------------------------------------------------- */

/* Most rows that a tile has. */
static size_t tile_width(const cx_kernels *kernels)
{
    return kernels->tile_rows > CX_DEPTHWISE_PIXELS
               ? (size_t)kernels->tile_rows
               : (size_t)CX_DEPTHWISE_PIXELS;
}

int64_t cx_tap_run(const cx_convolution *c)
{
    int64_t run = 1;
    for (int64_t t = 1; t < c->taps; t++) {
        const int64_t *at = c->tap[t].at, *last = c->tap[t - 1].at;
        int follows =
            at[0] == last[0] && at[1] == last[1] && at[2] == last[2] + 1;
        if (run == t && follows)
            run++;
        else if (follows != (t % run != 0))
            return 1;
    }
    return run;
}

/* How many taps are read as one; 1 when that does not pay, and for a depthwise
   convolution. */
static int64_t merged_taps(const cx_convolution *c)
{
    if (c->groups != 1 || c->depth * c->columns == 1 ||
        c->depth > FEW_CHANNELS || c->taps > MOST_TAPS)
        return 1;
    return cx_tap_run(c);
}

/* Bytes of a thread's pointers. */
static size_t pointer_bytes(const cx_kernels *kernels, const cx_convolution *c)
{
    size_t rows = cx_size_times(tile_width(kernels), (size_t)c->taps);
    return cx_size_line(
        cx_size_times(rows, CX_CHUNK_TILES * sizeof(cxai_real *)));
}

/* Pointers and copied rows. At least so many bytes that tables of all
   convolutions of a network lie apart by thread: to write what another core has
   in its cache is slow. */
static size_t rows_bytes(const cx_kernels *kernels, const cx_convolution *c)
{
    enum { LEAST = 16 << 10 };
    size_t bytes = pointer_bytes(kernels, c);
    if (merged_taps(c) != 1 || c->scales) {
        size_t reals =
            tile_width(kernels) * (size_t)(c->taps * c->depth * c->groups);
        bytes = cx_size_plus(
            bytes, cx_size_line(reals * CX_CHUNK_TILES * sizeof(cxai_real)));
    }
    return bytes > LEAST ? bytes : LEAST;
}

/* Bytes from a thread's table to the next: the rows, and turned panels. */
static size_t table_bytes(const cx_kernels *kernels, const cx_convolution *c)
{
    size_t rows = rows_bytes(kernels, c);
    if (c->turned == 0)
        return rows;
    size_t reals =
        cx_size_times((size_t)cx_turned_panels(kernels, c),
                      (size_t)cx_panel_stride(kernels, c->taps, c->depth));
    return cx_size_plus(rows,
                        cx_size_line(cx_size_times(reals, sizeof(cxai_real))));
}

static size_t zeros_bytes(const cx_convolution *c)
{
    size_t channels = cx_size_times((size_t)c->groups, (size_t)c->depth);
    return cx_size_line(cx_size_times(channels, sizeof(cxai_real)));
}

static size_t offsets_bytes(const cx_convolution *c)
{
    return cx_size_line(cx_size_times((size_t)c->taps, sizeof(int64_t)));
}

size_t cx_gather_bytes(const cx_kernels *kernels, const cx_convolution *c,
                       int threads)
{
    size_t tables = cx_size_times(table_bytes(kernels, c), (size_t)threads);
    return cx_size_plus(cx_size_plus(zeros_bytes(c), offsets_bytes(c)), tables);
}

/* Whether some tap lies outside for some output pixel, or columns are read for
   pixels that there are not, as depthwise tiles do. */
static int needs_zeros(const cx_gather *g)
{
    const cx_convolution *c = g->c;
    int needs = c->depth == 1;
    for (int i = 0; i < 3; i++)
        needs |= g->reach[i][0] < 0 ||
                 (c->out[i] - 1) * c->step[i] + g->reach[i][1] >= c->in[i];
    return needs;
}

cx_gather cx_gather_begin(const cx_kernels *kernels, const cx_convolution *c,
                          void *memory)
{
    cx_gather g = {
        .kernels = kernels,
        .c = c,
        .merged = c->x_pixel == c->depth ? merged_taps(c) : 1,
        .zeros = memory,
        .table_bytes = table_bytes(kernels, c),
        .copies = pointer_bytes(kernels, c),
        .panels = rows_bytes(kernels, c),
    };
    g.taps = c->taps / g.merged;
    g.depth = c->depth * g.merged;
    g.offset = (int64_t *)(void *)((char *)memory + zeros_bytes(c));
    g.tables = (char *)g.offset + offsets_bytes(c);
    for (int64_t t = 0; t < c->taps; t++) {
        const int64_t *at = c->tap[t].at;
        g.offset[t] =
            ((at[0] * c->in[1] + at[1]) * c->in[2] + at[2]) * c->x_pixel;
        for (int i = 0; i < 3; i++) {
            if (t == 0 || at[i] < g.reach[i][0])
                g.reach[i][0] = at[i];
            if (t == 0 || at[i] > g.reach[i][1])
                g.reach[i][1] = at[i];
        }
    }
    if (needs_zeros(&g))
        memset(g.zeros, 0, zeros_bytes(c));
    return g;
}

/* ---- rows ---------------------------------------------------------------- */

cx_cursor cx_cursor_at(const cx_convolution *c, int64_t pixel)
{
    cx_cursor p;
    for (int i = 3; i > 0; i--) {
        p.at[i] = pixel % c->out[i - 1];
        pixel /= c->out[i - 1];
    }
    p.at[0] = pixel;
    return p;
}

static void step(const cx_convolution *c, cx_cursor *p)
{
    for (int i = 3; i > 0; i--) {
        if (++p->at[i] < c->out[i - 1])
            return;
        p->at[i] = 0;
    }
    p->at[0]++;
}

/* The input pixel that a tap at 0 reads. */
typedef struct position {
    int64_t at[3];
    int64_t offset; /* of its row from x; the pixel may lie outside */
} position;

static position position_of(const cx_convolution *c, const cx_cursor *p)
{
    position q = { .offset = p->at[0] };
    for (int i = 0; i < 3; i++) {
        q.at[i] = p->at[1 + i] * c->step[i];
        q.offset = q.offset * c->in[i] + q.at[i];
    }
    q.offset *= c->x_pixel;
    return q;
}

/* 1 when no tap leaves the input along axes [from, to). */
static int is_inside(const cx_gather *g, const position *q, int from, int to)
{
    int inside = 1;
    for (int i = from; i < to; i++)
        inside &= q->at[i] + g->reach[i][0] >= 0 &&
                  q->at[i] + g->reach[i][1] < g->c->in[i];
    return inside;
}

/* The row of tap t alone. */
static const cxai_real *tap_row(const cx_gather *g, const position *q,
                                int64_t t)
{
    const int64_t *at = g->c->tap[t].at;
    for (int i = 0; i < 3; i++)
        if (q->at[i] + at[i] < 0 || q->at[i] + at[i] >= g->c->in[i])
            return g->zeros;
    return g->c->x + (q->offset + g->offset[t]);
}

/* A copy of the rows of the merged taps from t on. */
static void copy_row(const cx_gather *g, const position *q, int64_t t,
                     cxai_real *copy)
{
    int64_t depth = g->c->depth;
    for (int64_t i = 0; i < g->merged; i++) {
        const cxai_real *row = tap_row(g, q, t + i);
        for (int64_t d = 0; d < depth; d++)
            copy[i * depth + d] = row[d];
    }
}

/* The rows of an output pixel none of whose taps lies in the padding, width
   pointers apart. */
static void inside_rows(const cx_gather *g, const position *q, int width,
                        const cxai_real **row)
{
    const cxai_real *x = g->c->x;
    const int64_t *offset = g->offset;
    for (int64_t t = 0; t < g->taps; t++, offset += g->merged)
        row[t * width] = x + (q->offset + *offset);
}

/* The rows of any output pixel; merged ones are copied. */
static void border_rows(const cx_gather *g, const position *q, int width,
                        const cxai_real **row, cxai_real *copies)
{
    for (int64_t t = 0; t < g->taps; t++) {
        if (g->merged == 1) {
            row[t * width] = tap_row(g, q, t);
            continue;
        }
        copy_row(g, q, t * g->merged, copies);
        row[t * width] = copies;
        copies += g->depth;
    }
}

/* A copy of a row times the factor of its picture. */
static void scale_row(const cx_gather *g, int64_t picture,
                      const cxai_real **row, cxai_real *copy)
{
    int64_t channels = g->c->depth * g->c->groups;
    g->kernels->affine(&(cx_affine){
        .pixels = 1,
        .channels = channels,
        .x = *row,
        .scale = g->c->factor + picture * channels,
        .y = copy,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    });
    *row = copy;
}

static char *thread_table(const cx_gather *g)
{
    return g->tables + (size_t)cx_thread_number() * g->table_bytes;
}

cxai_real *cx_gather_panels(const cx_gather *g)
{
    return (cxai_real *)(void *)(thread_table(g) + g->panels);
}

const cxai_real **cx_gather_table(const cx_gather *g)
{
    return (const cxai_real **)(void *)thread_table(g);
}

const cxai_real **cx_gather_rows(const cx_gather *g, int tile,
                                 cx_cursor *cursor, int count, int width,
                                 int64_t *y_offset)
{
    const cx_convolution *c = g->c;
    const cxai_real **row = cx_gather_table(g);
    cxai_real *copies = (cxai_real *)(void *)(thread_table(g) + g->copies);
    row += tile * g->taps * width;
    position q;
    int line_inside = 0;
    for (int i = 0; i < count; i++) {
        if (i == 0 || cursor->at[3] == 0) { /* a new line */
            q = position_of(c, cursor);
            line_inside = is_inside(g, &q, 0, 2);
            y_offset[i] = 0;
            for (int axis = 0; axis < 4; axis++)
                y_offset[i] += cursor->at[axis] * c->y_stride[axis];
        } else {
            q.at[2] += c->step[2];
            q.offset += c->step[2] * c->x_pixel;
            y_offset[i] = y_offset[i - 1] + c->y_stride[3];
        }
        if (line_inside && is_inside(g, &q, 2, 3))
            inside_rows(g, &q, width, row + i);
        else
            border_rows(g, &q, width, row + i,
                        copies + (tile * width + i) * g->taps * g->depth);
        if (c->scales)
            scale_row(g, cursor->at[0], &row[i],
                      copies + (tile * width + i) * c->depth * c->groups);
        step(c, cursor);
    }
    return row;
}
