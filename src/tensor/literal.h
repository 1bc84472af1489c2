/*
 * Literals: typed constants. Types other than reals exist only here, while a
 * model is loaded and a session is compiled: integers for shape arithmetic,
 * 8-bit weights until they are dequantised.
 */
#ifndef CX_TENSOR_LITERAL_H
#define CX_TENSOR_LITERAL_H

#include "base/alloc.h"
#include "tensor/view.h"

typedef enum cx_type {
    CX_REAL,  /* cxai_real; all floating point in the file */
    CX_INT64, /* all other integers and bool in the file */
    CX_INT8,  /* int4 and int2 in the file, too */
    CX_UINT8, /* the same */
    CX_INT16,
    CX_UINT16,
} cx_type;

/* Dense, row-major. */
typedef struct cx_literal {
    cx_type type;
    cxai_shape shape;
    void *data;        /* NULL: lent only while weights are packed, */
    const void *place; /* from here, where they lie in a mapped file, of any
                          alignment (see graph/place.h); or NULL */
    int code;          /* TensorProto.DataType of a file's; 0: computed */
} cx_literal;

size_t cx_type_size(cx_type type);

/* A zeroed literal in an arena, or NULL (no memory, or the shape's size
   overflows). */
cx_literal *cx_literal_create(cx_arena *arena, cx_type type,
                              const cxai_shape *shape);

int64_t cx_literal_count(const cx_literal *literal);

/* Element i as a number of either kind, whatever the type; reals are
   truncated and saturated to int64. */
int64_t cx_literal_int(const cx_literal *literal, int64_t i);
double cx_literal_number(const cx_literal *literal, int64_t i);

/* Element i of a literal of integers = value, wrapped to its type. */
void cx_literal_set_int(const cx_literal *literal, int64_t i, int64_t value);

/* All elements as reals. */
void cx_literal_reals(const cx_literal *literal, cxai_real *reals);

/* A row-major view of a CX_REAL literal. */
cxai_tensor cx_literal_tensor(const cx_literal *literal);
cx_view cx_literal_view(const cx_literal *literal);

#endif
