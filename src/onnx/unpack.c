/*
 * Bytes to messages, with protobuf-c.
 *
 * protobuf-c allocates what a file declares. Its memory comes from the
 * model's arena, so that large weights are not copied again, and is counted:
 * no honest file unpacks to more than EXPANSION times its size. Nothing is
 * given back before the end, so the count bounds the work as well.
 */
#include "onnx/reader.h"

/* The densest honest content are nodes without names and numbers of one byte,
   which need about 30 times their size; each message costs up to 200. */
enum { EXPANSION = 64, ALLOWANCE = 1 << 20 };

typedef struct budget {
    cx_arena *arena;
    uint64_t used, limit;
    cxai_status refused; /* why take gave nothing */
} budget;

static void *take(void *data, size_t size)
{
    budget *b = data;
    if (size > b->limit - b->used) {
        b->refused = CXAI_LIMIT;
        return NULL;
    }
    void *block = cx_arena_alloc(b->arena, 1, size);
    if (block == NULL)
        b->refused = CXAI_NO_MEMORY;
    b->used += size;
    return block;
}

static void leave(void *data, void *block)
{
    (void)data;
    (void)block;
}

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

/* Walks the outermost fields, to say what is wrong and where; protobuf-c only
   says that something is. */
static cxai_status check_outermost(const uint8_t *bytes, size_t size,
                                   cxai_error *error)
{
    size_t at = 0;
    while (at < size) {
        size_t start = at;
        uint64_t tag, length;
        if (read_varint(bytes, size, &at, &tag) != 0 || tag >> 3 == 0 ||
            tag >> 3 > 536870911 ||
            content_size(bytes, size, tag & 7, &at, &length) != 0)
            return cxai_fail(error, CXAI_MALFORMED,
                             "not an ONNX model, or a damaged one: byte %zu "
                             "begins no field of a protobuf file",
                             start);
        if (length > size - at)
            return cxai_fail(error, CXAI_MALFORMED,
                             "not an ONNX model, or a truncated one: "
                             "byte %zu begins a field of %llu bytes, but only "
                             "%zu follow",
                             start, (unsigned long long)length, size - at);
        at += (size_t)length;
    }
    return CXAI_OK;
}

/* Unpacks one message into the arena. */
static cxai_status unpack(cx_reader *reader,
                          const ProtobufCMessageDescriptor *type,
                          const void *bytes, size_t size,
                          ProtobufCMessage **message)
{
    uint64_t limit = (uint64_t)size * EXPANSION + ALLOWANCE;
    uint64_t left = cx_reader_memory_left(reader);
    if (limit > left)
        limit = left;
    budget b = { .arena = reader->arena, .limit = limit };
    ProtobufCAllocator allocator = { take, leave, &b };
    *message = protobuf_c_message_unpack(type, &allocator, size, bytes);
    *reader->memory += b.used;
    if (*message != NULL)
        return CXAI_OK;
    if (b.refused == CXAI_NO_MEMORY)
        return cxai_fail(reader->error, CXAI_NO_MEMORY,
                         "out of memory unpacking the file");
    if (b.refused == CXAI_LIMIT)
        return cxai_fail(
            reader->error, CXAI_LIMIT,
            "its %zu bytes unpack to more than %llu bytes of memory", size,
            (unsigned long long)limit);
    return cxai_fail(reader->error, CXAI_MALFORMED,
                     "not an ONNX model, or a damaged one: its content breaks "
                     "the protobuf format");
}

cxai_status cx_onnx_unpack_graph(cx_reader *reader,
                                 const ProtobufCBinaryData *bytes,
                                 const Onnx__GraphProto **graph)
{
    ProtobufCMessage *message;
    cxai_status status = unpack(reader, &onnx__graph_proto__descriptor,
                                bytes->data, bytes->len, &message);
    *graph = (const Onnx__GraphProto *)message;
    return status;
}

cxai_status cx_onnx_unpack(cx_reader *reader, const void *bytes, size_t size,
                           const Onnx__ModelProto **model)
{
    cxai_status status = check_outermost(bytes, size, reader->error);
    if (status != CXAI_OK)
        return status;
    ProtobufCMessage *message;
    status =
        unpack(reader, &onnx__model_proto__descriptor, bytes, size, &message);
    *model = (const Onnx__ModelProto *)message;
    return status;
}
