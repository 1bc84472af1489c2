/* AttributeProto -> cx_attribute. */
#include <stdio.h>

#include "onnx/scope.h"

#define TYPE(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

/* The type, which very old files leave out. */
static Onnx__AttributeProto__AttributeType
type_of(const Onnx__AttributeProto *from)
{
    if (from->has_type && from->type != TYPE(UNDEFINED))
        return from->type;
    if (from->has_f)
        return TYPE(FLOAT);
    if (from->has_i)
        return TYPE(INT);
    if (from->has_s)
        return TYPE(STRING);
    if (from->t != NULL)
        return TYPE(TENSOR);
    if (from->n_floats > 0)
        return TYPE(FLOATS);
    if (from->n_ints > 0)
        return TYPE(INTS);
    return TYPE(UNDEFINED);
}

static cxai_status read_text(cx_reader *reader, const ProtobufCBinaryData *from,
                             cx_attribute *to)
{
    to->kind = CX_ATTRIBUTE_STRING;
    to->s = cx_arena_text(reader->arena, (const char *)from->data, from->len);
    if (to->s == NULL)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    return CXAI_OK;
}

static cxai_status read_floats(cx_reader *reader,
                               const Onnx__AttributeProto *from,
                               cx_attribute *to)
{
    void *block;
    cxai_status status =
        cx_reader_alloc(reader, from->n_floats, sizeof(double), &block);
    if (status != CXAI_OK)
        return status;
    double *floats = block;
    for (size_t i = 0; i < from->n_floats; i++)
        floats[i] = (double)from->floats[i];
    to->kind = CX_ATTRIBUTE_FLOATS;
    to->count = (int64_t)from->n_floats;
    to->floats = floats;
    return CXAI_OK;
}

static cxai_status read_tensor(cx_reader *reader, const char *label,
                               const Onnx__AttributeProto *from,
                               cx_attribute *to)
{
    if (from->t == NULL)
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s: the attribute \"%s\" has no tensor", label,
                         to->name);
    char text[900];
    snprintf(text, sizeof text, "%.600s: the tensor \"%.200s\"", label,
             to->name);
    to->kind = CX_ATTRIBUTE_TENSOR;
    return cx_onnx_literal(reader, text, from->t, 0, &to->tensor);
}

/* Sets *known to 0 for a type that no supported operator has. */
static cxai_status read_attribute(cx_reader *reader, const cx_scope *scope,
                                  const char *label,
                                  const Onnx__AttributeProto *from,
                                  cx_attribute *to, int *known)
{
    *to = (cx_attribute){ .name = cx_onnx_text(from->name) };
    from = cx_scope_attribute(scope, from, &scope);
    *known = from != NULL;
    if (from == NULL)
        return CXAI_OK;
    if (*cx_onnx_text(from->ref_attr_name) != '\0')
        return cxai_fail(reader->error, CXAI_MALFORMED,
                         "%s: the attribute \"%s\" refers to one of a "
                         "function, but the node is in none",
                         label, to->name);
    switch (type_of(from)) {
    case TYPE(FLOAT):
        to->kind = CX_ATTRIBUTE_FLOAT;
        to->f = (double)from->f;
        return CXAI_OK;
    case TYPE(INT):
        to->kind = CX_ATTRIBUTE_INT;
        to->i = from->i;
        return CXAI_OK;
    case TYPE(INTS):
        to->kind = CX_ATTRIBUTE_INTS;
        to->count = (int64_t)from->n_ints;
        to->ints = from->ints;
        return CXAI_OK;
    case TYPE(STRING): return read_text(reader, &from->s, to);
    case TYPE(FLOATS): return read_floats(reader, from, to);
    case TYPE(TENSOR): return read_tensor(reader, label, from, to);
    default: *known = 0; return CXAI_OK;
    }
}

cxai_status cx_onnx_attributes(cx_reader *reader, const cx_scope *scope,
                               const char *label, const Onnx__NodeProto *node,
                               cx_attributes *attributes)
{
    void *block;
    cxai_status status = cx_reader_alloc(reader, node->n_attribute,
                                         sizeof(cx_attribute), &block);
    cx_attribute *list = block;
    int count = 0;
    for (size_t i = 0; status == CXAI_OK && i < node->n_attribute; i++) {
        int known;
        status = read_attribute(reader, scope, label, node->attribute[i],
                                &list[count], &known);
        count += known;
    }
    *attributes = (cx_attributes){ count, list };
    return status;
}
