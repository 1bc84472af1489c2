/*
 * TensorProto -> literal.
 *
 * An element comes as little-endian bytes of its own width (raw_data, external
 * data) or in one of the typed fields, which hold it as a wider number. Both
 * are read as 64 bits, of which the lower ones are the element's.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/narrow.h"
#include "onnx/reader.h"

#define TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name

/* Where the numbers of a tensor are. */
typedef enum field {
    NO_FIELD, /* an unsupported type */
    RAW,
    FLOATS,
    DOUBLES,
    INT32S,
    INT64S,
    UINT64S,
} field;

typedef struct element {
    int32_t data_type;
    const char *name;
    size_t bits;  /* of an element in raw data */
    cx_type type; /* what it becomes */
    field typed;  /* the typed field that may hold it */
} element;

static const element elements[] = {
    { TYPE(FLOAT), "float", 32, CX_REAL, FLOATS },
    { TYPE(DOUBLE), "double", 64, CX_REAL, DOUBLES },
    { TYPE(FLOAT16), "float16", 16, CX_REAL, INT32S },
    { TYPE(BFLOAT16), "bfloat16", 16, CX_REAL, INT32S },
    { TYPE(INT8), "int8", 8, CX_INT8, INT32S },
    { TYPE(UINT8), "uint8", 8, CX_UINT8, INT32S },
    { TYPE(BOOL), "bool", 8, CX_INT64, INT32S },
    { TYPE(INT16), "int16", 16, CX_INT16, INT32S },
    { TYPE(UINT16), "uint16", 16, CX_UINT16, INT32S },
    { TYPE(INT32), "int32", 32, CX_INT64, INT32S },
    { TYPE(UINT32), "uint32", 32, CX_INT64, UINT64S },
    { TYPE(INT64), "int64", 64, CX_INT64, INT64S },
    { TYPE(UINT64), "uint64", 64, CX_INT64, UINT64S },
    { TYPE(UNDEFINED), "undefined", 0, CX_REAL, NO_FIELD },
    { TYPE(STRING), "string", 0, CX_REAL, NO_FIELD },
    { TYPE(COMPLEX64), "complex64", 0, CX_REAL, NO_FIELD },
    { TYPE(COMPLEX128), "complex128", 0, CX_REAL, NO_FIELD },
    { TYPE(FLOAT8E4M3FN), "float8e4m3fn", 8, CX_REAL, INT32S },
    { TYPE(FLOAT8E4M3FNUZ), "float8e4m3fnuz", 8, CX_REAL, INT32S },
    { TYPE(FLOAT8E5M2), "float8e5m2", 8, CX_REAL, INT32S },
    { TYPE(FLOAT8E5M2FNUZ), "float8e5m2fnuz", 8, CX_REAL, INT32S },
    { TYPE(FLOAT8E8M0), "float8e8m0", 8, CX_REAL, INT32S },
    { TYPE(FLOAT6E2M3), "float6e2m3", 0, CX_REAL, NO_FIELD },
    { TYPE(FLOAT6E3M2), "float6e3m2", 0, CX_REAL, NO_FIELD },
    { TYPE(FLOAT4E2M1), "float4e2m1", 4, CX_REAL, INT32S },
    { TYPE(UINT4), "uint4", 4, CX_UINT8, INT32S },
    { TYPE(INT4), "int4", 4, CX_INT8, INT32S },
    { TYPE(UINT2), "uint2", 2, CX_UINT8, INT32S },
    { TYPE(INT2), "int2", 2, CX_INT8, INT32S },
};

static const element *find_element(int32_t data_type)
{
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].data_type == data_type)
            return &elements[i];
    return NULL;
}

int cx_onnx_type(int32_t data_type, cx_type *type)
{
    const element *e = find_element(data_type);
    if (e == NULL || e->typed == NO_FIELD)
        return -1;
    *type = e->type;
    return 0;
}

const char *cx_onnx_type_name(int32_t data_type, char text[24])
{
    const element *e = find_element(data_type);
    if (e != NULL)
        return e->name;
    snprintf(text, 24, "number %d", (int)data_type);
    return text;
}

/* One of the places: count bytes of raw data, or count numbers. */
typedef struct source {
    field field;
    void *data;
    size_t count;
    int mapped; /* raw data that lie in a mapped file */
} source;

/* Elements of less than a byte lie in a byte from its lowest bits on. */
static int is_packed(const element *e)
{
    return e->bits < 8;
}

static uint64_t packed_bits(const element *e, uint64_t byte, size_t i)
{
    size_t shift = i * e->bits % 8;
    return byte >> shift & ((UINT64_C(1) << e->bits) - 1);
}

static uint64_t raw_bits(const element *e, const uint8_t *bytes, size_t i)
{
    uint64_t bits = 0;
    if (is_packed(e))
        return packed_bits(e, bytes[i * e->bits / 8], i);
    size_t width = e->bits / 8;
    for (size_t k = 0; k < width; k++)
        bits |= (uint64_t)bytes[i * width + k] << 8 * k;
    return bits;
}

static uint64_t element_bits(const element *e, const source *s, size_t i)
{
    uint32_t narrow;
    uint64_t wide;
    switch (s->field) {
    case RAW: return raw_bits(e, s->data, i);
    case FLOATS:
    case INT32S:
        if (is_packed(e)) {
            size_t byte = i * e->bits / 8;
            memcpy(&narrow, (const char *)s->data + byte * 4, 4);
            return packed_bits(e, narrow, i);
        }
        memcpy(&narrow, (const char *)s->data + i * 4, 4);
        return narrow;
    default: memcpy(&wide, (const char *)s->data + i * 8, 8); return wide;
    }
}

static cxai_real real_of_bits(int32_t data_type, uint64_t bits)
{
    const cx_narrow *format = cx_narrow_find(data_type);
    uint32_t narrow = (uint32_t)bits;
    float single;
    double twice;
    if (format != NULL)
        return (cxai_real)cx_narrow_value(format, narrow & 255);
    switch (data_type) {
    case TYPE(FLOAT16): return (cxai_real)cx_half_to_float((uint16_t)bits);
    case TYPE(BFLOAT16): return (cxai_real)cx_bfloat_to_float((uint16_t)bits);
    case TYPE(DOUBLE): memcpy(&twice, &bits, 8); return (cxai_real)twice;
    default: memcpy(&single, &narrow, 4); return (cxai_real)single;
    }
}

/* uint64 above the greatest int64, which only means "to the end", becomes the
   greatest int64. */
static int64_t integer_of_bits(int32_t data_type, uint64_t bits)
{
    switch (data_type) {
    case TYPE(BOOL): return (bits & 255) != 0;
    case TYPE(INT32): return (int32_t)bits;
    case TYPE(UINT32): return (uint32_t)bits;
    case TYPE(INT4): return (int64_t)(bits ^ 8) - 8;
    case TYPE(INT2): return (int64_t)(bits ^ 2) - 2;
    case TYPE(UINT64): return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    default: return (int64_t)bits;
    }
}

static void widen(const element *e, const source *s, const cx_literal *literal)
{
    cxai_real *reals = literal->data;
    size_t count = (size_t)cx_literal_count(literal);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = element_bits(e, s, i);
        if (e->type == CX_REAL)
            reals[i] = real_of_bits(e->data_type, bits);
        else
            cx_literal_set_int(literal, (int64_t)i,
                               integer_of_bits(e->data_type, bits));
    }
}

/* 1 when the source's memory is what the literal's would be. */
static int is_literal_memory(const element *e, field place)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (place == RAW && e->bits != 8 * cx_type_size(e->type))
        return 0;
#else
    if (place == RAW && e->bits > 8)
        return 0;
#endif
    switch (e->data_type) {
    case TYPE(FLOAT): return sizeof(cxai_real) == sizeof(float);
    case TYPE(DOUBLE): return sizeof(cxai_real) == sizeof(double);
    case TYPE(INT8):
    case TYPE(UINT8): return place == RAW;
    default: return e->data_type == TYPE(INT64);
    }
}

/* What a source of count elements counts. */
static size_t source_size(const element *e, field place, size_t count)
{
    if (is_packed(e))
        return (count * e->bits + 7) / 8;
    return place == RAW ? count * (e->bits / 8) : count;
}

/* The place in the message that holds the tensor's numbers. */
static source find_source(const cx_reader *reader, const element *e,
                          const Onnx__TensorProto *tensor)
{
    const ProtobufCBinaryData *raw = &tensor->raw_data;
    if (tensor->has_raw_data)
        return (source){ RAW, raw->data, raw->len,
                         cx_bytes_hold(&reader->origin->file, raw->data) };
    switch (e->typed) {
    case FLOATS:
        return (source){ FLOATS, tensor->float_data, tensor->n_float_data, 0 };
    case DOUBLES:
        return (source){ DOUBLES, tensor->double_data, tensor->n_double_data,
                         0 };
    case INT32S:
        return (source){ INT32S, tensor->int32_data, tensor->n_int32_data, 0 };
    case INT64S:
        return (source){ INT64S, tensor->int64_data, tensor->n_int64_data, 0 };
    default:
        return (source){ UINT64S, tensor->uint64_data, tensor->n_uint64_data,
                         0 };
    }
}

/* Checks the declared shape and its size before anything is allocated. */
static cxai_status read_shape(const cx_reader *reader, const char *label,
                              const element *e, const Onnx__TensorProto *tensor,
                              cxai_shape *shape)
{
    if (tensor->n_dims > CXAI_MAX_RANK)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "%s has %zu dimensions; at most %d are supported",
                         label, tensor->n_dims, CXAI_MAX_RANK);
    shape->rank = (int)tensor->n_dims;
    for (int i = 0; i < shape->rank; i++) {
        shape->dim[i] = tensor->dims[i];
        if (shape->dim[i] < 0)
            return cxai_fail(reader->error, CXAI_MALFORMED,
                             "%s has a dimension of %lld", label,
                             (long long)shape->dim[i]);
    }
    int64_t count = cxai_shape_count(shape);
    uint64_t limit = reader->limits->tensor_bytes / cx_type_size(e->type);
    if (count < 0 || (uint64_t)count > limit)
        return cxai_fail(reader->error, CXAI_LIMIT,
                         "%s is declared with more than %llu elements", label,
                         (unsigned long long)limit);
    return CXAI_OK;
}

/* External data as if it were raw data: where it lies in the mapped file, or
   copied, into the arena when it can stay there as the literal's memory, else
   into scratch. Numbers that are used as they lie must be aligned. */
static cxai_status read_external(cx_reader *reader, const char *label,
                                 const element *e,
                                 const Onnx__TensorProto *tensor,
                                 int packed_only, size_t count,
                                 cx_arena *scratch, source *s)
{
    size_t size = source_size(e, RAW, count);
    int used = is_literal_memory(e, RAW);
    uint64_t offset;
    void *bytes;
    cxai_status status = cx_external_find(reader, label, tensor, size, &offset);
    if (status != CXAI_OK)
        return status;
    unsigned char *mapped = reader->external.bytes;
    if (mapped != NULL &&
        (!used || packed_only || offset % cx_type_size(e->type) == 0)) {
        *s = (source){ RAW, mapped + offset, size, 1 };
        return used ? cx_reader_count(reader, size) : CXAI_OK;
    }
    if (used) {
        status = cx_reader_alloc(reader, 1, size, &bytes);
        if (status != CXAI_OK)
            return status;
    } else {
        bytes = cx_arena_alloc(scratch, 1, size);
        if (bytes == NULL)
            return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    }
    *s = (source){ RAW, bytes, size, 0 };
    return cx_external_read(reader, offset, bytes, size);
}

static cxai_status check_count(const cx_reader *reader, const char *label,
                               const element *e, const cxai_shape *shape,
                               const source *s)
{
    size_t count = (size_t)cxai_shape_count(shape);
    if (s->count == source_size(e, s->field, count))
        return CXAI_OK;
    int in_bits = s->field == RAW || is_packed(e);
    size_t held = in_bits ? s->count * 8 / e->bits : s->count;
    size_t rest = s->field == RAW ? s->count - source_size(e, RAW, held) : 0;
    char text[128];
    return cxai_fail(reader->error, CXAI_MALFORMED,
                     "%s is declared as %s %s, but the file holds %zu elements "
                     "and %zu bytes of it",
                     label, e->name, cxai_shape_text(shape, text, sizeof text),
                     held, rest);
}

/* Finds the numbers and makes the literal of them. */
static cxai_status make_literal(cx_reader *reader, const char *label,
                                const element *e,
                                const Onnx__TensorProto *tensor,
                                int packed_only, cx_literal *literal,
                                cx_arena *scratch)
{
    size_t count = (size_t)cx_literal_count(literal);
    source s;
    cxai_status status;
    if (tensor->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        status = read_external(reader, label, e, tensor, packed_only, count,
                               scratch, &s);
    } else {
        s = find_source(reader, e, tensor);
        status = check_count(reader, label, e, &literal->shape, &s);
    }
    if (status != CXAI_OK)
        return status;
    if (is_literal_memory(e, s.field) && count > 0) {
        if (packed_only && s.mapped)
            literal->place = s.data;
        else
            literal->data = s.data;
        return CXAI_OK;
    }
    status =
        cx_reader_alloc(reader, count, cx_type_size(e->type), &literal->data);
    if (status == CXAI_OK)
        widen(e, &s, literal);
    if (s.mapped)
        cx_bytes_drop(s.data, s.count);
    return status;
}

cxai_status cx_onnx_literal(cx_reader *reader, const char *label,
                            const Onnx__TensorProto *tensor, int packed_only,
                            const cx_literal **literal)
{
    const element *e = find_element(tensor->data_type);
    char text[24];
    if (e == NULL || e->typed == NO_FIELD)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "%s holds elements of type %s, which is not supported",
                         label, cx_onnx_type_name(tensor->data_type, text));
    if (tensor->segment != NULL)
        return cxai_fail(reader->error, CXAI_UNSUPPORTED,
                         "%s is stored in segments, which is not supported",
                         label);
    cxai_shape shape;
    cxai_status status = read_shape(reader, label, e, tensor, &shape);
    if (status != CXAI_OK)
        return status;
    void *block;
    status = cx_reader_alloc(reader, 1, sizeof(cx_literal), &block);
    if (status != CXAI_OK)
        return status;
    cx_literal *made = block;
    *made = (cx_literal){ .type = e->type,
                          .shape = shape,
                          .code = tensor->data_type };
    cx_arena scratch = { 0 };
    packed_only = packed_only && e->type == CX_REAL;
    status =
        make_literal(reader, label, e, tensor, packed_only, made, &scratch);
    cx_arena_free(&scratch);
    *literal = made;
    return status;
}
