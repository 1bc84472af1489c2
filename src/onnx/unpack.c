/*
 * Bytes to messages, with protobuf-c.
 *
 * protobuf-c allocates what a file declares. Its memory comes from the
 * model's arena, so that large weights are not copied again, and is counted:
 * no honest file unpacks to more than EXPANSION times its size. Nothing is
 * given back before the end, so the count bounds the work as well.
 */
#include "onnx/strip.h"
#include "onnx/wire.h"

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

/* Walks the outermost fields, to say what is wrong and where; protobuf-c only
   says that something is. */
static cxai_status check_outermost(const uint8_t *bytes, size_t size,
                                   cxai_error *error)
{
    size_t at = 0;
    while (at < size) {
        cx_field field;
        if (cx_wire_field(bytes, size, &at, &field) != 0)
            return cxai_fail(error, CXAI_MALFORMED,
                             "not an ONNX model, or a damaged one: byte %zu "
                             "begins no field of a protobuf file",
                             field.start);
        if (field.length > size - at)
            return cxai_fail(error, CXAI_MALFORMED,
                             "not an ONNX model, or a truncated one: "
                             "byte %zu begins a field of %llu bytes, but only "
                             "%zu follow",
                             field.start, (unsigned long long)field.length,
                             size - at);
        at += (size_t)field.length;
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

/* Finds the weights that are only packed, and gives the large ones back. */
static cxai_status restore(cx_reader *reader, cx_origin *origin,
                           const cx_stripped *stripped,
                           const Onnx__GraphProto *graph)
{
    if (graph == NULL)
        return CXAI_OK;
    unsigned char *only =
        cx_arena_alloc(reader->arena, graph->n_initializer, 1);
    if (only == NULL || cx_onnx_packed_only(graph, only) != 0)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    reader->packed_only = only;
    return cx_strip_restore(origin, stripped, graph, only, reader->error);
}

cxai_status cx_onnx_unpack(cx_reader *reader, cx_origin *origin,
                           const Onnx__ModelProto **model)
{
    ProtobufCMessage *message = NULL;
    cx_stripped stripped;
    cxai_status status =
        check_outermost(origin->file.bytes, origin->file.size, reader->error);
    if (status != CXAI_OK)
        return status;
    if (cx_strip(origin, &stripped) != 0)
        status = cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    if (status == CXAI_OK)
        status = cx_reader_count(reader, stripped.taken);
    if (status == CXAI_OK)
        status = unpack(reader, &onnx__model_proto__descriptor, stripped.bytes,
                        stripped.size, &message);
    *model = (const Onnx__ModelProto *)message;
    if (status == CXAI_OK)
        status = restore(reader, origin, &stripped, (*model)->graph);
    cx_stripped_free(&stripped);
    return status;
}
