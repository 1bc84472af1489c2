/*
 * Few rows: bound by reading b once, so b is read as it lies, either by dot
 * products along its columns or as a sum of its rows. Many rows: b is packed
 * panel by panel and the product kernel does the work.
 */
#include "kernels/multiply.h"

#include <math.h>

#include "base/size.h"
#include "kernels/panels.h"
#include "kernels/work.h"

enum {
    FEW_ROWS = 6,          /* of a sum of rows */
    FEW_DOT_ROWS = 16,     /* of dot products: the columns stay in the
                              second-level cache meanwhile */
    PACKED_ROWS = 32,      /* from here on b is worth a packed copy */
    BLOCK_DEPTH = 1024,    /* of a panel: it stays in the second-level cache */
    BLOCK_COLUMNS = 16384, /* of a sum of rows: it stays there, too; runs
                              shorter than this are fetched more slowly */
    STREAMS = 8,           /* rows read at once */
};

static int is_small(const cx_multiply *m)
{
    return m->rows * m->columns <= CX_SMALL_WORK / (m->depth + 1);
}

/* Few enough to read b as it lies. */
static int has_few_rows(const cx_multiply *m)
{
    if (m->b_row == 1)
        return m->rows <= FEW_DOT_ROWS;
    return m->b_column == 1 && m->rows <= FEW_ROWS;
}

/* a is transposed first when its rows are not contiguous. */
static int transposes(const cx_multiply *m)
{
    return m->a_column != 1 && m->depth > 1;
}

static size_t panel_bytes(const cx_kernels *kernels, const cx_multiply *m)
{
    return cx_size_line(
        sizeof(cxai_real) *
        (size_t)cx_panel_stride(kernels, 1, cx_minimum(m->depth, BLOCK_DEPTH)));
}

static size_t transposed_bytes(const cx_multiply *m)
{
    if (!transposes(m))
        return 0;
    return cx_size_line(cx_size_times(
        cx_size_times((size_t)m->rows, (size_t)m->depth), sizeof(cxai_real)));
}

size_t cx_multiply_workspace(const cx_kernels *kernels, const cx_multiply *m,
                             int threads)
{
    size_t panels = cx_size_times((size_t)threads, panel_bytes(kernels, m));
    return cx_size_plus(transposed_bytes(m), panels);
}

/* ---- cutting ------------------------------------------------------------- */

/* A product in numbered pieces. A thread has room of its own. */
typedef struct pieces {
    const cx_kernels *kernels;
    const cx_multiply *m;
    void (*run)(const struct pieces *all, int64_t number, char *room);
    int64_t size; /* of a piece, as run understands it */
    char *workspace;
    size_t room_bytes;
} pieces;

static void run_pieces(const pieces *all, int64_t count, int threads)
{
    if (threads == 1 || is_small(all->m)) {
        for (int64_t i = 0; i < count; i++)
            all->run(all, i, all->workspace);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < count; i++)
        all->run(all, i,
                 all->workspace + (size_t)cx_thread_number() * all->room_bytes);
}

/* Rows of a; the depth is cut so that what is written stays in the first-level
   cache. */
static void transpose_rows(const pieces *all, int64_t number, char *room)
{
    enum { DEPTH = 128 };
    const cx_multiply *m = all->m;
    cxai_real *to = (cxai_real *)(void *)all->workspace;
    int64_t from = number * all->size;
    (void)room;
    cx_turn turn = {
        .x_row = m->a_column,
        .columns = (int)cx_minimum(all->size, m->rows - from),
        .scale = 1,
        .y_row = m->depth,
    };
    for (int64_t d = 0; d < m->depth; d += DEPTH) {
        turn.x = m->a + from * m->a_row + d * m->a_column;
        turn.y = to + from * m->depth + d;
        turn.rows = (int)cx_minimum(DEPTH, m->depth - d);
        all->kernels->turn(&turn);
    }
}

/* Rows of a that are not contiguous, nor its columns. */
static void copy_rows(const pieces *all, int64_t number, char *room)
{
    const cx_multiply *m = all->m;
    cxai_real *to = (cxai_real *)(void *)all->workspace;
    int64_t from = number * all->size;
    (void)room;
    for (int64_t i = from; i < cx_minimum(from + all->size, m->rows); i++)
        for (int64_t d = 0; d < m->depth; d++)
            to[i * m->depth + d] = m->a[i * m->a_row + d * m->a_column];
}

static void transpose(const cx_kernels *kernels, cx_multiply *m, cxai_real *to,
                      int threads)
{
    enum { ROWS = 16 };
    const pieces all = {
        .kernels = kernels,
        .m = m,
        .run = m->a_row == 1 ? transpose_rows : copy_rows,
        .size = ROWS,
        .workspace = (char *)to,
    };
    run_pieces(&all, cx_ceiling(m->rows, ROWS), threads);
    m->a = to;
    m->a_row = m->depth;
    m->a_column = 1;
}

/* ---- few rows ------------------------------------------------------------ */

/* Columns [from, to), at most CX_DOT_ROWS, whose depth is contiguous. */
static void dot_columns(const cx_kernels *kernels, const cx_multiply *m,
                        int64_t from, int64_t to)
{
    for (int64_t i = 0; i < m->rows; i++) {
        cxai_real sum[CX_DOT_ROWS];
        cxai_real *c = m->c + i * m->c_row;
        kernels->dot(sum, m->a + i * m->a_row, m->b + from * m->b_column,
                     m->b_column, (int)(to - from), m->depth);
        for (int64_t n = from; n < to; n++)
            c[n] = m->accumulate ? c[n] + sum[n - from] : sum[n - from];
    }
}

/* Up to STREAMS terms of a sum of rows of b. */
typedef struct terms {
    int64_t count;
    const cxai_real *row[STREAMS];
    cxai_real weight[STREAMS];
} terms;

/* The next terms of row i from depth d on, before end; returns where they
   stop. */
static int64_t take_terms(const cx_multiply *m, int64_t i, int64_t d,
                          int64_t end, int64_t from, terms *t)
{
    t->count = 0;
    for (; d < end && t->count < STREAMS; d++) {
        cxai_real weight = m->a[i * m->a_row + d];
        if (m->skips_zeros && weight == 0)
            continue;
        t->row[t->count] = m->b + d * m->b_row + from;
        t->weight[t->count++] = weight;
    }
    return d;
}

/* Columns [from, to) as a sum of rows of b. Several rows of a take their terms
   from the same few rows of b. */
static void combine_rows(const cx_kernels *kernels, const cx_multiply *m,
                         int64_t from, int64_t to)
{
    terms t;
    for (int64_t d = 0, next = 0; d < m->depth || d == 0; d = next) {
        int64_t end =
            m->rows == 1 ? m->depth : cx_minimum(d + STREAMS, m->depth);
        next = end;
        for (int64_t i = 0; i < m->rows; i++) {
            next = take_terms(m, i, d, end, from, &t);
            kernels->combine(m->c + i * m->c_row + from, t.row, t.weight,
                             t.count, to - from, m->accumulate || d > 0);
        }
        if (next == d)
            break;
    }
}

/* Columns [from, to), as the kernel for tiles would do it. */
static void finish_columns(const cx_multiply *m, int64_t from, int64_t to)
{
    const cx_multiply_finish *finish = m->finish;
    for (int64_t i = 0; finish != NULL && i < m->rows; i++)
        for (int64_t n = from; n < to; n++) {
            cxai_real *c = m->c + i * m->c_row + n, v = *c;
            if (finish->bias != NULL)
                v += finish->bias[n];
            if (finish->residual != NULL)
                v += finish->residual[i * m->c_row + n];
            v = v < finish->low ? finish->low : v;
            *c = v > finish->high ? finish->high : v;
        }
}

/* Columns of a product of few rows. */
static void few_rows_piece(const pieces *all, int64_t number, char *room)
{
    const cx_multiply *m = all->m;
    int64_t from = number * all->size;
    int64_t to = cx_minimum(from + all->size, m->columns);
    (void)room;
    if (m->b_row == 1)
        dot_columns(all->kernels, m, from, to);
    else
        combine_rows(all->kernels, m, from, to);
    finish_columns(m, from, to);
}

static void few_rows(const cx_kernels *kernels, const cx_multiply *m,
                     int threads)
{
    pieces all = {
        .kernels = kernels, .m = m, .run = few_rows_piece, .size = CX_DOT_ROWS
    };
    if (m->b_row != 1) {
        int64_t blocks = cx_ceiling(m->columns, BLOCK_COLUMNS);
        blocks = cx_ceiling(blocks, threads) * threads;
        all.size = cx_ceiling(cx_ceiling(m->columns, blocks), 64) * 64;
    }
    run_pieces(&all, cx_ceiling(m->columns, all.size), threads);
}

/* ---- many rows ----------------------------------------------------------- */

/* Tiles [from, to) of the rows against one panel, a block of depth. */
static void multiply_block(const cx_kernels *kernels, const cx_multiply *m,
                           const cx_tile *block, int64_t depth, int64_t from,
                           int64_t to)
{
    const cxai_real *row[CX_MAX_TILE_ROWS];
    int64_t y_offset[CX_MAX_TILE_ROWS];
    cx_tile tile = *block;
    tile.x = row;
    tile.y_offset = y_offset;
    int64_t tiles = cx_ceiling(m->rows, kernels->tile_rows);
    for (int64_t t = from; t < to; t++) {
        int64_t first = m->rows * t / tiles;
        tile.rows = (int)(m->rows * (t + 1) / tiles - first);
        for (int i = 0; i < tile.rows; i++) {
            row[i] = m->a + (first + i) * m->a_row + depth;
            y_offset[i] = (first + i) * m->c_row;
        }
        kernels->product(&tile);
    }
}

static cx_weights weights_of(const cx_multiply *m)
{
    return (cx_weights){
        .data = m->b,
        .depth_stride = m->b_row,
        .column_stride = m->b_column,
        .taps = 1,
        .depth = m->depth,
        .columns = m->columns,
    };
}

/* Panel p and tiles [from, to), all of the depth; it is packed into `room`
   unless all panels are there. */
static void multiply_item(const cx_kernels *kernels, const cx_multiply *m,
                          cxai_real *room, int64_t p, int64_t from, int64_t to)
{
    static const cx_multiply_finish plain = { NULL, NULL, -INFINITY, INFINITY };
    const cx_multiply_finish *finish = m->finish != NULL ? m->finish : &plain;
    cx_weights weights = weights_of(m);
    cx_tile tile = {
        .columns = cx_panel_columns(kernels, m->columns, p),
        .taps = 1,
        .panel = room,
        .y = m->c + p * 2 * kernels->lanes,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    };
    int64_t step = BLOCK_DEPTH;
    if (m->panels != NULL) {
        tile.panel = m->panels + p * cx_panel_stride(kernels, 1, m->depth);
        step = m->depth;
    }
    for (int64_t d = 0; d < m->depth || d == 0; d += step) {
        int64_t end = cx_minimum(d + step, m->depth);
        weights.bias = d == 0 ? finish->bias : NULL;
        if (m->panels == NULL)
            cx_pack_panel(kernels, &weights, p, d, end, room);
        tile.depth = end - d;
        tile.residual = m->accumulate || d > 0 ? tile.y : NULL;
        if (d == 0 && finish->residual != NULL)
            tile.residual = finish->residual + p * 2 * kernels->lanes;
        if (end == m->depth) {
            tile.low = finish->low;
            tile.high = finish->high;
        }
        multiply_block(kernels, m, &tile, d, from, to);
    }
}

/* A panel and a run of tiles; size: runs of a panel. */
static void many_rows_piece(const pieces *all, int64_t number, char *room)
{
    int64_t tiles = cx_ceiling(all->m->rows, all->kernels->tile_rows);
    int64_t run = number % all->size;
    multiply_item(all->kernels, all->m, (cxai_real *)(void *)room,
                  number / all->size, tiles * run / all->size,
                  tiles * (run + 1) / all->size);
}

static void many_rows(const cx_kernels *kernels, const cx_multiply *m,
                      int threads, char *workspace)
{
    int64_t panels = cx_panel_count(kernels, m->columns);
    int64_t tiles = cx_ceiling(m->rows, kernels->tile_rows);
    const pieces all = {
        .kernels = kernels,
        .m = m,
        .run = many_rows_piece,
        .size = threads > 1 && panels < 2 * threads
                    ? cx_minimum(cx_ceiling(2 * threads, panels), tiles)
                    : 1,
        .workspace = workspace,
        .room_bytes = panel_bytes(kernels, m),
    };
    run_pieces(&all, panels * all.size, threads);
}

void cx_multiply_run(const cx_kernels *kernels, const cx_multiply *m,
                     int threads, void *workspace)
{
    cx_multiply plain = *m;
    char *panels = (char *)workspace + transposed_bytes(m);
    if (m->rows == 0 || m->columns == 0)
        return;
    if (transposes(m))
        transpose(kernels, &plain, workspace, threads);
    if (has_few_rows(m))
        few_rows(kernels, &plain, threads);
    else
        many_rows(kernels, &plain, threads, panels);
}

size_t cx_multiply_packed_bytes(const cx_kernels *kernels, const cx_multiply *m)
{
    if (m->rows < PACKED_ROWS || m->depth == 0 || m->columns == 0)
        return 0;
    return cx_panels_bytes(kernels, 1, m->depth, m->columns);
}

void cx_multiply_pack(const cx_kernels *kernels, const cx_multiply *m,
                      const cxai_real *bias, void *packed)
{
    cx_weights weights = weights_of(m);
    weights.bias = bias;
    cx_pack_panels(kernels, &weights, 1, packed);
}
