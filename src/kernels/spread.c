#include "kernels/spread.h"

#include <math.h>
#include <string.h>

#include "base/size.h"
#include "kernels/narrow.h"
#include "kernels/work.h"

/* ---- columns ------------------------------------------------------------- */

/* Kernel columns and channels of a row of the kernel, filled up to vectors:
   what is filled up has weights of 0. */
static int64_t row_width(const cx_kernels *kernels, const cx_spread *s)
{
    int64_t lanes = kernels->lanes;
    return cx_ceiling(s->kernel[1] * s->channels, lanes) * lanes;
}

/* Most lines of x that reach a line of y. */
static int64_t most_taps(const cx_spread *s)
{
    return cx_ceiling(s->kernel[0], s->stride[0]);
}

/* Phases of an axis have few taps each, which costs more than vectors that are
   half empty. */
int cx_spread_fits(const cx_kernels *kernels, const cx_spread *s)
{
    enum { LEAST_DEPTH = 16 };
    return s->channels <= CX_NARROW_COLUMNS && s->depth >= LEAST_DEPTH &&
           s->stride[0] <= s->kernel[0] && s->stride[1] <= s->kernel[1] &&
           s->stride[1] > 1 &&
           row_width(kernels, s) <= 2 * s->kernel[1] * s->channels;
}

/* ---- weights ------------------------------------------------------------- */

/* A row of biases, filled up; then for each phase of lines, those with the same
   distance from a multiple of the stride, its panels. */
enum { BIAS_REALS = 16 };

static int64_t phase_taps(const cx_spread *s, int64_t phase)
{
    return phase < s->kernel[0] ? cx_ceiling(s->kernel[0] - phase, s->stride[0])
                                : 0;
}

/* Reals from a phase's panels to the next's. */
static int64_t phase_reals(const cx_kernels *kernels, const cx_spread *s)
{
    return cx_panel_count(kernels, row_width(kernels, s)) *
           cx_panel_stride(kernels, most_taps(s), s->depth);
}

size_t cx_spread_packed_bytes(const cx_kernels *kernels, const cx_spread *s)
{
    size_t panels =
        cx_panels_bytes(kernels, most_taps(s), s->depth, row_width(kernels, s));
    return cx_size_plus(cx_size_times(panels, (size_t)s->stride[0]),
                        BIAS_REALS * sizeof(cxai_real));
}

/* Column n of the panels, which is a kernel column and a channel, at a line of
   the kernel and a depth. */
static cxai_real weight_at(const cx_spread *s, const cxai_real *w, int64_t line,
                           int64_t d, int64_t n)
{
    int64_t k = n / s->channels, c = n % s->channels;
    if (k >= s->kernel[1])
        return 0;
    return w[((d * s->channels + c) * s->kernel[0] + line) * s->kernel[1] + k];
}

static void pack_panel(const cx_kernels *kernels, const cx_spread *s,
                       int64_t phase, int64_t p, const cxai_real *w,
                       cxai_real *panel)
{
    int full = 2 * kernels->lanes;
    int width = cx_panel_columns(kernels, row_width(kernels, s), p);
    memset(panel, 0, (size_t)width * sizeof *panel);
    panel += width;
    for (int64_t t = 0; t < phase_taps(s, phase); t++)
        for (int64_t d = 0; d < s->depth; d++, panel += width)
            for (int n = 0; n < width; n++)
                panel[n] =
                    weight_at(s, w, phase + t * s->stride[0], d, p * full + n);
}

void cx_spread_pack(const cx_kernels *kernels, const cx_spread *s,
                    const cxai_real *w, const cxai_real *bias,
                    cxai_real *packed)
{
    int64_t panels = cx_panel_count(kernels, row_width(kernels, s));
    int64_t stride = cx_panel_stride(kernels, most_taps(s), s->depth);
    for (int64_t c = 0; c < BIAS_REALS; c++)
        packed[c] = bias != NULL && c < s->channels ? bias[c] : 0;
    packed += BIAS_REALS;
    for (int64_t i = 0; i < s->stride[0] * panels; i++)
        pack_panel(kernels, s, i / panels, i % panels, w, packed + i * stride);
}

/* ---- a line -------------------------------------------------------------- */

/* What a thread works with. */
typedef struct room {
    const cxai_real **row; /* taps,tile_rows */
    cxai_real *product;    /* pixels of x,row_width */
    cxai_real *line;       /* of y, with what reaches over its ends */
    cxai_real *zeros;      /* depth */
} room;

static size_t line_reals(const cx_kernels *kernels, const cx_spread *s)
{
    return (size_t)((s->out[1] * s->stride[1] + s->kernel[1]) * s->channels +
                    row_width(kernels, s));
}

static size_t rows_bytes(const cx_kernels *kernels, const cx_spread *s)
{
    return cx_size_line((size_t)(most_taps(s) * kernels->tile_rows) *
                        sizeof(cxai_real *));
}

static size_t product_bytes(const cx_kernels *kernels, const cx_spread *s)
{
    size_t reals =
        cx_size_times((size_t)s->out[1], (size_t)row_width(kernels, s));
    return cx_size_line(cx_size_times(reals, sizeof(cxai_real)));
}

static size_t line_bytes(const cx_kernels *kernels, const cx_spread *s)
{
    return cx_size_line(line_reals(kernels, s) * sizeof(cxai_real));
}

static size_t zeros_bytes(const cx_spread *s)
{
    return cx_size_line((size_t)s->depth * sizeof(cxai_real));
}

static size_t room_bytes(const cx_kernels *kernels, const cx_spread *s)
{
    size_t lines =
        cx_size_plus(product_bytes(kernels, s), line_bytes(kernels, s));
    return cx_size_plus(cx_size_plus(rows_bytes(kernels, s), zeros_bytes(s)),
                        lines);
}

/* The calling thread's room. */
static room room_of(const cx_kernels *kernels, const cx_spread *s,
                    char *workspace)
{
    room m;
    workspace += (size_t)cx_thread_number() * room_bytes(kernels, s);
    m.row = (const cxai_real **)(void *)workspace;
    workspace += rows_bytes(kernels, s);
    m.product = (cxai_real *)(void *)workspace;
    workspace += product_bytes(kernels, s);
    m.line = (cxai_real *)(void *)workspace;
    m.zeros = (cxai_real *)(void *)(workspace + line_bytes(kernels, s));
    memset(m.zeros, 0, zeros_bytes(s));
    return m;
}

size_t cx_spread_workspace(const cx_kernels *kernels, const cx_spread *s,
                           int threads)
{
    return cx_size_times(room_bytes(kernels, s), (size_t)threads);
}

/* Rows of `count` pixels of x from `first` on, in the lines that reach line r
   of y, the nearest first. */
static void list_rows(const cx_kernels *kernels, const cx_spread *s,
                      const room *m, int64_t n, int64_t r, int64_t first,
                      int count)
{
    int64_t reach = r + s->before[0];
    int64_t taps = phase_taps(s, reach % s->stride[0]);
    for (int64_t t = 0; t < taps; t++) {
        int64_t o = reach / s->stride[0] - t;
        const cxai_real **row = m->row + t * kernels->tile_rows;
        for (int i = 0; i < count; i++)
            row[i] =
                o >= 0 && o < s->out[0]
                    ? s->x + ((n * s->out[0] + o) * s->out[1] + first + i) *
                                 s->x_pixel
                    : m->zeros;
    }
}

/* All pixels of x times the rows of the kernel that reach line r of y. */
static void multiply_line(const cx_kernels *kernels, const cx_spread *s,
                          const room *m, int64_t n, int64_t r)
{
    int64_t width = row_width(kernels, s), y_offset[CX_MAX_TILE_ROWS];
    int64_t phase = (r + s->before[0]) % s->stride[0];
    int64_t tiles = cx_ceiling(s->out[1], kernels->tile_rows);
    const cxai_real *panels =
        s->weights + BIAS_REALS + phase * phase_reals(kernels, s);
    cx_tile tile = {
        .taps = phase_taps(s, phase),
        .depth = s->depth,
        .x = m->row,
        .y_offset = y_offset,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    };
    for (int64_t i = 0; i < tiles; i++) {
        int64_t first = s->out[1] * i / tiles;
        tile.rows = (int)(s->out[1] * (i + 1) / tiles - first);
        list_rows(kernels, s, m, n, r, first, tile.rows);
        for (int j = 0; j < tile.rows; j++)
            y_offset[j] = (first + j) * width;
        for (int64_t p = 0; p * 2 * kernels->lanes < width; p++) {
            tile.columns = cx_panel_columns(kernels, width, p);
            tile.panel =
                panels + p * cx_panel_stride(kernels, most_taps(s), s->depth);
            tile.y = m->product + p * 2 * kernels->lanes;
            kernels->product(&tile);
        }
    }
}

/* Adds up the products where they belong. Pixels that do not overlap follow
   each other, so that none waits for the one before. */
static void add_products(const cx_kernels *kernels, const cx_spread *s,
                         const room *m)
{
    static const cxai_real one[1] = { 1 };
    int64_t width = row_width(kernels, s);
    int64_t pixel = s->stride[1] * s->channels;
    int64_t apart = cx_ceiling(width, pixel);
    memset(m->line, 0, line_reals(kernels, s) * sizeof *m->line);
    for (int64_t first = 0; first < apart; first++)
        for (int64_t i = first; i < s->out[1]; i += apart) {
            const cxai_real *row = m->product + i * width;
            kernels->combine(m->line + i * pixel, &row, one, 1, width, 1);
        }
}

/* Dense lines without biases are one long row. */
static void write_line(const cx_kernels *kernels, const cx_spread *s,
                       const cxai_real *line, cxai_real *y)
{
    int dense = s->y_pixel == s->channels && !s->biased;
    kernels->affine(&(cx_affine){
        .pixels = dense ? 1 : s->in[1],
        .channels = dense ? s->in[1] * s->channels : s->channels,
        .x = line + s->before[1] * s->channels,
        .x_pixel = s->channels,
        .shift = s->biased ? s->weights : NULL,
        .residual = s->adds ? y : NULL,
        .y = y,
        .y_pixel = s->y_pixel,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    });
}

void cx_spread_run(const cx_kernels *kernels, const cx_spread *s, int threads,
                   void *workspace)
{
    int64_t lines = s->batch * s->in[0];
#pragma omp parallel num_threads(threads)
    {
        const room m = room_of(kernels, s, workspace);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < lines; i++) {
            multiply_line(kernels, s, &m, i / s->in[0], i % s->in[0]);
            add_products(kernels, s, &m);
            write_line(kernels, s, m.line, s->y + i * s->in[1] * s->y_pixel);
        }
    }
}
