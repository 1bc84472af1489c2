#include "onnx/wire.h"

/* Reads a base-128 number at *at; 0, or -1 when it does not end in time. */
static int read_varint(const uint8_t *bytes, size_t size, size_t *at,
                       uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < size; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return 0;
    }
    return -1;
}

/* Bytes of a field's content that follow *at, which moves behind a length;
   -1 when this is no protobuf field. */
static int content_size(const uint8_t *bytes, size_t size, unsigned wire_type,
                        size_t *at, uint64_t *length)
{
    size_t end = *at;
    switch (wire_type) {
    case 0:
        if (read_varint(bytes, size, &end, length) != 0)
            return -1;
        *length = end - *at;
        return 0;
    case 1: *length = 8; return 0;
    case 2: return read_varint(bytes, size, at, length);
    case 5: *length = 4; return 0;
    default: return -1;
    }
}

int cx_wire_field(const uint8_t *bytes, size_t size, size_t *at,
                  cx_field *field)
{
    uint64_t tag;
    field->start = *at;
    if (read_varint(bytes, size, at, &tag) != 0 || tag >> 3 == 0 ||
        tag >> 3 > 536870911)
        return -1;
    field->number = tag >> 3;
    field->wire_type = tag & 7;
    if (content_size(bytes, size, field->wire_type, at, &field->length) != 0)
        return -1;
    field->content = *at;
    return 0;
}
