/*
 * Linear maps of pictures that work on each spatial axis by itself: y = (D x H
 * x W) x, where D, H and W are sparse matrices from the pixels of x along one
 * axis to those of y. The gradient is the same with all three transposed.
 */
#ifndef CX_OPS_COMMON_AXIS_MAP_H
#define CX_OPS_COMMON_AXIS_MAP_H

#include "ops/operator.h"

typedef struct cx_axis_entry {
    int32_t from; /* pixel that is read */
    cxai_real weight;
} cx_axis_entry;

/* Output pixel o is the sum of the entries start[o] .. start[o + 1] - 1. */
typedef struct cx_axis_map {
    int64_t in, out;
    int64_t *start; /* out + 1 */
    cx_axis_entry *entry;
    int64_t most; /* entries of the longest sum */
} cx_axis_map;

/* Longest axis that a map is made for. */
enum { CX_AXIS_LIMIT = 1 << 20 };

/* Room for capacity entries, in c->arena. */
cxai_status cx_axis_map_create(const cx_case *c, int64_t in, int64_t out,
                               int64_t capacity, cx_axis_map *map);
/* One pixel that stays one pixel: an axis that a picture does not have. */
cxai_status cx_axis_map_none(const cx_case *c, cx_axis_map *map);

/* To be called when all entries are there; fills most. */
void cx_axis_map_measure(cx_axis_map *map);

cxai_status cx_axis_map_transpose(const cx_case *c, const cx_axis_map *map,
                                  cx_axis_map *out);

/* A picture in channels-last memory; its pixels lie in order. */
typedef struct cx_axis_pass {
    const cx_axis_map *map; /* of depth, height and width */
    int64_t batch, channels;
    const cxai_real *from;
    int64_t from_pixel; /* reals from a pixel to the next */
    cxai_real *to;
    int64_t to_pixel;
    cxai_real outside; /* value of a pixel that is a sum of nothing */
} cx_axis_pass;

size_t cx_axis_workspace(const cx_axis_map map[3], int threads);
void cx_axis_run(const struct cx_kernels *kernels, const cx_axis_pass *pass,
                 int threads, void *workspace);

#endif
