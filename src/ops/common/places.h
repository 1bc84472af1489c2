/*
 * Operators that read or write runs of elements at places which constant
 * indices name: a place for each run of a dense row-major tensor, the list, in
 * another one, the whole.
 */
#ifndef CX_OPS_COMMON_PLACES_H
#define CX_OPS_COMMON_PLACES_H

#include "ops/operator.h"

typedef struct cx_places {
    int64_t count, run; /* places, elements at each of them */
    int64_t *at;        /* number of its first element in the whole */
} cx_places;

/* count places in c->arena. */
cxai_status cx_places_create(const cx_case *c, int64_t count, int64_t run,
                             cx_places *places);

/* The constant integers of an input, or a refusal. */
cxai_status cx_read_indices(const cx_case *c, int input,
                            const cx_literal **indices);

/* Turns an index of -size .. size-1 into 0 .. size-1. */
cxai_status cx_read_index(const cx_case *c, int64_t index, int64_t size,
                          int64_t *out);

/* GatherElements and ScatterElements: indices name the coordinate along axis,
   their own place gives the others. */
cxai_status cx_places_along(const cx_case *c, const cxai_shape *whole, int axis,
                            const cx_literal *indices, cx_places *places);

/* GatherND and ScatterND: the last axis of indices holds coordinates of the
   axes of whole from batch on; all earlier axes are the same in both. */
cxai_status cx_places_of_points(const cx_case *c, const cxai_shape *whole,
                                int batch, const cx_literal *indices,
                                cx_places *places);

/* list = whole at the places; item is the size of an element. */
void cx_places_read(const cx_places *places, void *list, const void *whole,
                    size_t item, int threads);
/* whole at the places = list, in order. */
void cx_places_write(const cx_places *places, void *whole, const void *list,
                     size_t item);
/* whole at the places += list, in order. */
void cx_places_add(const cx_places *places, cxai_real *whole,
                   const cxai_real *list);

#endif
