/* A node's attributes, read once from the file. */
#ifndef CX_TENSOR_ATTRIBUTE_H
#define CX_TENSOR_ATTRIBUTE_H

#include "tensor/literal.h"

typedef enum cx_attribute_kind {
    CX_ATTRIBUTE_INT,
    CX_ATTRIBUTE_FLOAT,
    CX_ATTRIBUTE_STRING,
    CX_ATTRIBUTE_INTS,
    CX_ATTRIBUTE_FLOATS,
    CX_ATTRIBUTE_TENSOR,
} cx_attribute_kind;

typedef struct cx_attribute {
    const char *name;
    cx_attribute_kind kind;
    int64_t i;
    double f;
    const char *s;
    int64_t count; /* of ints or floats */
    const int64_t *ints;
    const double *floats;
    const cx_literal *tensor;
} cx_attribute;

typedef struct cx_attributes {
    int count;
    const cx_attribute *list;
} cx_attributes;

/* NULL when there is none of that name, or it is of another kind. */
const cx_attribute *cx_attribute_find(const cx_attributes *attributes,
                                      const char *name, cx_attribute_kind kind);

/* The value, or otherwise when there is none. */
int64_t cx_attribute_int(const cx_attributes *attributes, const char *name,
                         int64_t otherwise);
double cx_attribute_float(const cx_attributes *attributes, const char *name,
                          double otherwise);
const char *cx_attribute_string(const cx_attributes *attributes,
                                const char *name, const char *otherwise);

#endif
