#include "onnx/strip.h"

#include <stdlib.h>
#include <string.h>

#include "onnx/wire.h"

enum {
    LARGE = 4096,    /* bytes: below, a copy costs less than care */
    GRAPH = 7,       /* fields of ModelProto, */
    INITIALIZER = 5, /* GraphProto */
    RAW_DATA = 9,    /* and TensorProto */
    LENGTH_SIZE = 5, /* bytes of the lengths that are written */
};

typedef struct stripper {
    const uint8_t *bytes;
    cx_origin *origin;
    cx_stripped *out;
    int tensor;      /* initializers so far */
    size_t free_end; /* of the last run: what follows may be overwritten */
} stripper;

static int write_bytes(cx_stripped *out, const void *bytes, size_t size)
{
    if (cx_grow((void **)&out->bytes, &out->capacity, out->size + size, 1) != 0)
        return -1;
    if (size > 0)
        memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
    return 0;
}

/* Begins a message; its length follows in close_message. */
static int open_message(cx_stripped *out, int field, size_t *length_at)
{
    uint8_t head[1 + LENGTH_SIZE] = { (uint8_t)(field << 3 | 2) };
    int status = write_bytes(out, head, sizeof head);
    *length_at = out->size - LENGTH_SIZE;
    return status;
}

static void close_message(cx_stripped *out, size_t length_at)
{
    uint64_t length = out->size - length_at - LENGTH_SIZE;
    for (int i = 0; i < LENGTH_SIZE; i++)
        out->bytes[length_at + (size_t)i] =
            (uint8_t)((length >> 7 * i & 127) |
                      (i < LENGTH_SIZE - 1 ? 128 : 0));
}

/* 1 when a tensor holds one raw_data, and that is large. */
static int find_raw(const uint8_t *bytes, size_t at, size_t end, cx_field *raw)
{
    int count = 0;
    while (at < end) {
        cx_field field;
        if (cx_wire_field(bytes, end, &at, &field) != 0 ||
            field.length > end - at)
            return 0;
        if (field.number == RAW_DATA) {
            *raw = field;
            count++;
        }
        at += (size_t)field.length;
    }
    return count == 1 && raw->wire_type == 2 && raw->length >= LARGE;
}

/* Notes a run, aligned, in memory of our own, as well as the bytes before it
   allow; 0 when they do not allow to align it to a number, -1 without memory.
 */
static int note_run(stripper *s, const cx_field *raw)
{
    cx_origin *origin = s->origin;
    uintptr_t address = (uintptr_t)(s->bytes + raw->content);
    cx_moved run = { .from = raw->content, .size = (size_t)raw->length };
    size_t alignment = 64;
    while (alignment > 8 && address % alignment > raw->content - s->free_end)
        alignment /= 2;
    run.shift = address % alignment;
    if (run.shift > raw->content - s->free_end)
        return 0;
    memcpy(run.before, s->bytes + run.from - run.shift, run.shift);
    size_t count = origin->moved_count + 1;
    if (cx_grow((void **)&origin->moved, &origin->moved_capacity, count,
                sizeof run) != 0 ||
        cx_grow((void **)&s->out->tensors, &s->out->tensor_capacity, count,
                sizeof *s->out->tensors) != 0)
        return -1;
    origin->moved[count - 1] = run;
    s->out->tensors[count - 1] = s->tensor;
    origin->moved_count = count;
    s->out->taken += run.size;
    s->free_end = run.from + run.size;
    return 1;
}

static int strip_tensor(stripper *s, const cx_field *field)
{
    size_t end = field->content + (size_t)field->length, length_at;
    cx_field raw = { 0 };
    int noted =
        find_raw(s->bytes, field->content, end, &raw) ? note_run(s, &raw) : 0;
    s->tensor++;
    if (noted < 0)
        return -1;
    if (noted == 0)
        return write_bytes(s->out, s->bytes + field->start, end - field->start);
    static const uint8_t nothing[2] = { RAW_DATA << 3 | 2, 0 };
    size_t rest = raw.content + (size_t)raw.length;
    if (open_message(s->out, INITIALIZER, &length_at) != 0 ||
        write_bytes(s->out, s->bytes + field->content,
                    raw.start - field->content) != 0 ||
        write_bytes(s->out, nothing, sizeof nothing) != 0 ||
        write_bytes(s->out, s->bytes + rest, end - rest) != 0)
        return -1;
    close_message(s->out, length_at);
    return 0;
}

/* Copies a graph without large weights. */
static int strip_graph(stripper *s, size_t at, size_t end)
{
    while (at < end) {
        size_t start = at;
        cx_field field;
        if (cx_wire_field(s->bytes, end, &at, &field) != 0 ||
            field.length > end - at)
            return write_bytes(s->out, s->bytes + start, end - start);
        at += (size_t)field.length;
        int is_tensor = field.number == INITIALIZER && field.wire_type == 2;
        if (is_tensor ? strip_tensor(s, &field) != 0
                      : write_bytes(s->out, s->bytes + start, at - start) != 0)
            return -1;
    }
    return 0;
}

int cx_strip(cx_origin *origin, cx_stripped *out)
{
    stripper s = { .bytes = origin->file.bytes, .origin = origin, .out = out };
    size_t at = 0, length_at;
    *out = (cx_stripped){ 0 };
    while (at < origin->file.size) {
        size_t start = at;
        cx_field field;
        if (cx_wire_field(s.bytes, origin->file.size, &at, &field) != 0 ||
            field.length > origin->file.size - at)
            return write_bytes(out, s.bytes + start, origin->file.size - start);
        at += (size_t)field.length;
        if (field.number != GRAPH || field.wire_type != 2) {
            if (write_bytes(out, s.bytes + start, at - start) != 0)
                return -1;
            continue;
        }
        if (open_message(out, GRAPH, &length_at) != 0 ||
            strip_graph(&s, field.content, at) != 0)
            return -1;
        close_message(out, length_at);
    }
    return 0;
}

void cx_stripped_free(cx_stripped *stripped)
{
    free(stripped->bytes);
    free(stripped->tensors);
    *stripped = (cx_stripped){ 0 };
}

/* Decides where a run of a mapped file is read; 0, or -1 without memory. */
static int settle(const cx_origin *origin, cx_moved *run,
                  const Onnx__TensorProto *tensor, int packed_only)
{
    int is_float = tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    size_t alignment = is_float ? sizeof(float) : sizeof(int64_t);
    run->shift = 0;
    if ((packed_only && is_float) || run->from % alignment == 0)
        return 0;
    return cx_origin_copy(origin, run);
}

cxai_status cx_strip_restore(cx_origin *origin, const cx_stripped *stripped,
                             const Onnx__GraphProto *graph,
                             const unsigned char *packed_only,
                             cxai_error *error)
{
    for (size_t i = 0; i < origin->moved_count; i++) {
        cx_moved *run = &origin->moved[i];
        size_t tensor = (size_t)stripped->tensors[i];
        if (tensor >= graph->n_initializer)
            return cxai_fail(error, CXAI_MALFORMED,
                             "its weights break the protobuf format");
        if (!origin->file.mapped)
            cx_origin_move(origin, run);
        else if (settle(origin, run, graph->initializer[tensor],
                        packed_only[tensor]) != 0)
            return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
        graph->initializer[tensor]->raw_data = (ProtobufCBinaryData){
            .len = run->size,
            .data = run->copy != NULL
                        ? run->copy
                        : origin->file.bytes + run->from - run->shift,
        };
    }
    return CXAI_OK;
}
