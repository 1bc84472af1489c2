#include "graph/expansion.h"

#include <stdio.h>

const char *cx_expansion_input(const cx_expansion *e, int i)
{
    return i < e->spec->input_count ? e->spec->inputs[i] : CX_ABSENT;
}

const char *cx_expansion_name(cx_expansion *e, const char *what)
{
    char text[600];
    int length =
        snprintf(text, sizeof text, "%.500s/%s", e->spec->outputs[0], what);
    const char *name =
        cx_arena_text(cx_builder_arena(e->builder), text, (size_t)length);
    if (name == NULL && e->status == CXAI_OK)
        e->status = cxai_fail(e->error, CXAI_NO_MEMORY, "out of memory");
    return name != NULL ? name : CX_ABSENT;
}

void cx_expansion_add(cx_expansion *e, const cx_node_spec *spec)
{
    if (e->status == CXAI_OK)
        e->status = cx_builder_node(e->builder, spec, e->error);
}

void cx_expansion_node(cx_expansion *e, const char *type, const char *output,
                       const char *const *inputs, int input_count,
                       cx_attributes attributes)
{
    const cx_node_spec spec = {
        .type = type,
        .module = e->spec->module,
        .inputs = inputs,
        .input_count = input_count,
        .outputs = &output,
        .output_count = 1,
        .attributes = attributes,
    };
    cx_expansion_add(e, &spec);
}

const char *cx_expansion_helper(cx_expansion *e, const char *type,
                                const char *what, const char *const *inputs,
                                int input_count, const cx_attribute *attribute)
{
    const char *output = cx_expansion_name(e, what);
    cx_expansion_node(e, type, output, inputs, input_count,
                      (cx_attributes){ attribute != NULL, attribute });
    return output;
}

const char *cx_expansion_reals(cx_expansion *e, const char *what,
                               const cxai_shape *shape, const double *values)
{
    const char *name = cx_expansion_name(e, what);
    cx_literal *literal =
        cx_literal_create(cx_builder_arena(e->builder), CX_REAL, shape);
    if (literal == NULL && e->status == CXAI_OK)
        e->status = cxai_fail(e->error, CXAI_NO_MEMORY, "out of memory");
    if (e->status != CXAI_OK)
        return name;
    for (int64_t i = 0; i < cx_literal_count(literal); i++)
        ((cxai_real *)literal->data)[i] = (cxai_real)values[i];
    e->status = cx_builder_literal(e->builder, name, literal, e->error);
    return name;
}

const char *cx_expansion_constant(cx_expansion *e, const char *what,
                                  double value)
{
    return cx_expansion_reals(e, what, &(cxai_shape){ .rank = 0 }, &value);
}

void cx_expansion_as(cx_expansion *e, const char *type,
                     const char *const *inputs, int input_count,
                     cx_attributes attributes)
{
    cx_node_spec spec = *e->spec;
    spec.type = type;
    spec.domain = CX_ABSENT;
    spec.inputs = inputs;
    spec.input_count = input_count;
    spec.output_count = 1;
    spec.attributes = attributes;
    cx_expansion_add(e, &spec);
}

void cx_expansion_rename(cx_expansion *e, const char *type)
{
    cx_expansion_as(e, type, e->spec->inputs, e->spec->input_count,
                    e->spec->attributes);
}

const char *cx_expansion_real(cx_expansion *e, const char *type,
                              const char *const *inputs, int input_count)
{
    const char *output = cx_expansion_name(e, "real");
    cx_node_spec spec = *e->spec;
    spec.type = type;
    spec.domain = CX_ABSENT;
    spec.inputs = inputs;
    spec.input_count = input_count;
    spec.outputs = &output;
    spec.output_count = 1;
    cx_expansion_add(e, &spec);
    return output;
}
