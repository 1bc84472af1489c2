/* Large weights stay where they lie in the file's bytes. */
#ifndef CX_ONNX_STRIP_H
#define CX_ONNX_STRIP_H

#include "onnx/reader.h"

/* What is left of a file without its large weights, for protobuf-c, which
   would copy them. */
typedef struct cx_stripped {
    uint8_t *bytes;
    size_t size, capacity;
    int *tensors; /* by run of the origin: which initializer it belongs to */
    size_t tensor_capacity;
    uint64_t taken; /* bytes of all runs */
} cx_stripped;

/* Looks for large raw_data of the graph's initializers and notes them in the
   origin; 0, or -1 without memory. A part of the file that breaks protobuf's
   format is left in, for protobuf-c to refuse. */
int cx_strip(cx_origin *origin, cx_stripped *out);
void cx_stripped_free(cx_stripped *stripped);

/* Moves the noted weights and gives them to the unpacked initializers. Of a
   mapped file those that are only packed stay where they are: packed_only[i]
   of cx_onnx_packed_only says so. */
cxai_status cx_strip_restore(cx_origin *origin, const cx_stripped *stripped,
                             const Onnx__GraphProto *graph,
                             const unsigned char *packed_only,
                             cxai_error *error);

#endif
