/*
 * The rows that a gather convolution reads: for every output pixel of a tile
 * and every tap a pointer to the input pixel's channels, or to zeros where the
 * tap lies in the padding.
 *
 * Where pixels have few channels, as pictures do, the taps of a kernel row are
 * merged into one: neighbouring pixels lie behind each other, so that one
 * longer row holds them all. Rows that reach into the padding are copied, and
 * so are rows that are multiplied by a factor.
 */
#ifndef CX_KERNELS_GATHER_H
#define CX_KERNELS_GATHER_H

#include "kernels/convolve.h"

/* Tiles that share one pass over the panels. */
enum { CX_CHUNK_TILES = 8 };

typedef struct cx_gather {
    const cx_kernels *kernels;
    const cx_convolution *c;
    int64_t merged;      /* taps that are read as one, 1: none */
    int64_t taps, depth; /* rows of a pixel and reals of a row, merged */
    cxai_real *zeros;
    int64_t *offset;     /* of each tap's pixel from that of a tap at 0 */
    int64_t reach[3][2]; /* smallest and largest tap.at of each axis */
    char *tables;        /* one for each thread */
    size_t table_bytes;
    size_t copies; /* where copied rows begin in a table, */
    size_t panels; /* and turned panels */
} cx_gather;

/* A walk over output pixels: batch, depth, height, width. */
typedef struct cx_cursor {
    int64_t at[4];
} cx_cursor;

/* Bytes that cx_gather_begin takes, or SIZE_MAX. */
size_t cx_gather_bytes(const cx_kernels *kernels, const cx_convolution *c,
                       int threads);
cx_gather cx_gather_begin(const cx_kernels *kernels, const cx_convolution *c,
                          void *memory);

cx_cursor cx_cursor_at(const cx_convolution *c, int64_t pixel);

/* How many taps follow each other along the width, in every run of them. */
int64_t cx_tap_run(const cx_convolution *c);

/* The calling thread's room for cx_turned_panels. */
cxai_real *cx_gather_panels(const cx_gather *g);

/* The calling thread's table: CX_CHUNK_TILES tiles of taps,width pointers. */
const cxai_real **cx_gather_table(const cx_gather *g);

/* Rows of tile number `tile` of the calling thread, taps,width pointers, for
   count <= width pixels from the cursor on, which moves behind them; their
   offsets from y. */
const cxai_real **cx_gather_rows(const cx_gather *g, int tile,
                                 cx_cursor *cursor, int count, int width,
                                 int64_t *y_offset);

/* All of the gather's convolution on the calling thread. */
void cx_convolve_alone(const cx_kernels *kernels, const cx_gather *g);

#endif
