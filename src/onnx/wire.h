/* The fields of a protobuf message, as bytes. */
#ifndef CX_ONNX_WIRE_H
#define CX_ONNX_WIRE_H

#include <stddef.h>
#include <stdint.h>

typedef struct cx_field {
    uint64_t number;
    unsigned wire_type; /* 2: bytes, texts and messages */
    size_t start;       /* of the tag */
    size_t content;     /* of what follows the tag and the length */
    uint64_t length;    /* of the content; may exceed the message */
} cx_field;

/* Reads the field at *at, which moves to its content; -1 when this is none. */
int cx_wire_field(const uint8_t *bytes, size_t size, size_t *at,
                  cx_field *field);

#endif
