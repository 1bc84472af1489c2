#include "graph/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/builder.h"
#include "graph/expand.h"

/* Inlining calls itself once a level. */
enum { MOST_NESTED = 1000 };

static uint64_t or_default(uint64_t limit, uint64_t otherwise)
{
    return limit != 0 ? limit : otherwise;
}

static void fill_limits(cxai_limits *limits)
{
    limits->file_bytes = or_default(limits->file_bytes, (uint64_t)4 << 30);
    limits->tensor_bytes = or_default(limits->tensor_bytes, (uint64_t)4 << 30);
    limits->memory_bytes = or_default(limits->memory_bytes, (uint64_t)16 << 30);
    limits->nodes = or_default(limits->nodes, 1000000);
    limits->nesting = or_default(limits->nesting, 64);
    if (limits->nesting > MOST_NESTED)
        limits->nesting = MOST_NESTED;
}

cxai_status cx_builder_no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY, "out of memory building a model");
}

cxai_status cx_builder_create(cx_builder **out, const cxai_limits *limits,
                              cxai_error *error)
{
    *out = NULL;
    cx_builder *builder = cx_alloc(1, sizeof *builder);
    if (builder == NULL)
        return cx_builder_no_memory(error);
    builder->model = cx_alloc(1, sizeof *builder->model);
    if (builder->model != NULL)
        builder->model->packed = cx_packed_create();
    if (builder->model == NULL || builder->model->packed == NULL) {
        free(builder->model);
        free(builder);
        return cx_builder_no_memory(error);
    }
    if (limits != NULL)
        builder->model->limits = *limits;
    fill_limits(&builder->model->limits);
    builder->model->producer_name = "";
    *out = builder;
    return CXAI_OK;
}

void cx_builder_free(cx_builder **builder)
{
    if (*builder == NULL)
        return;
    cx_builder *b = *builder;
    cx_names_free(&b->names);
    free(b->values);
    free(b->nodes);
    free(b->inputs);
    free(b->outputs);
    free(b->properties);
    cxai_model_free(&b->model);
    free(b);
    *builder = NULL;
}

cx_arena *cx_builder_arena(cx_builder *builder)
{
    return &builder->model->arena;
}

const cxai_limits *cx_builder_limits(const cx_builder *builder)
{
    return &builder->model->limits;
}

uint64_t *cx_builder_memory(cx_builder *builder)
{
    return &builder->model->memory;
}

void cx_builder_set_opset(cx_builder *builder, int opset)
{
    builder->model->opset = opset;
}

static const char *copy_text(cx_builder *builder, const char *text)
{
    if (text == NULL || *text == '\0')
        return "";
    return cx_arena_text(&builder->model->arena, text, strlen(text));
}

int cx_builder_value(cx_builder *builder, const char *name)
{
    int number = cx_names_find(&builder->names, name);
    if (number >= 0)
        return number;
    cxai_model *model = builder->model;
    if (cx_grow((void **)&builder->values, &builder->value_capacity,
                (size_t)model->value_count + 1, sizeof(cx_value)) != 0)
        return -1;
    cx_value *value = &builder->values[model->value_count];
    value->name = copy_text(builder, name);
    value->producer = -1;
    value->literal = NULL;
    value->declared.rank = -1;
    value->type = CX_REAL;
    if (value->name == NULL ||
        cx_names_add(&builder->names, value->name, model->value_count) != 0)
        return -1;
    return model->value_count++;
}

/* Appends a number to one of the builder's lists. */
static int append(int **list, size_t *capacity, int *count, int number)
{
    if (cx_grow((void **)list, capacity, (size_t)*count + 1, sizeof **list))
        return -1;
    (*list)[(*count)++] = number;
    return 0;
}

/* Finds a value that nothing has made yet. */
static cxai_status unmade_value(cx_builder *builder, const char *name,
                                int *number, cxai_error *error)
{
    *number = cx_builder_value(builder, name);
    if (*number < 0)
        return cx_builder_no_memory(error);
    const cx_value *value = &builder->values[*number];
    if (value->producer >= 0 || value->literal != NULL ||
        value->declared.rank >= 0)
        return cxai_fail(error, CXAI_MALFORMED,
                         "the value \"%s\" is made twice in the graph", name);
    return CXAI_OK;
}

cxai_status cx_builder_input(cx_builder *builder, const char *name,
                             cx_type type, const cxai_shape *declared,
                             cxai_error *error)
{
    int number;
    cxai_status status = unmade_value(builder, name, &number, error);
    if (status != CXAI_OK)
        return status;
    builder->values[number].declared = *declared;
    builder->values[number].type = type;
    if (append(&builder->inputs, &builder->input_capacity,
               &builder->model->input_count, number) != 0)
        return cx_builder_no_memory(error);
    return CXAI_OK;
}

/* Copies a literal into the model's arena. */
static const cx_literal *copy_literal(cx_builder *builder,
                                      const cx_literal *literal)
{
    cx_literal *copy = cx_literal_create(&builder->model->arena, literal->type,
                                         &literal->shape);
    if (copy != NULL)
        memcpy(copy->data, literal->data,
               (size_t)cx_literal_count(literal) * cx_type_size(literal->type));
    return copy;
}

static const cx_literal *keep_literal(cx_builder *builder,
                                      const cx_literal *literal)
{
    if (cx_arena_holds(&builder->model->arena, literal))
        return literal;
    return copy_literal(builder, literal);
}

cxai_status cx_builder_literal(cx_builder *builder, const char *name,
                               const cx_literal *literal, cxai_error *error)
{
    int number;
    cxai_status status = unmade_value(builder, name, &number, error);
    if (status != CXAI_OK)
        return status;
    const cx_literal *kept = keep_literal(builder, literal);
    if (kept == NULL)
        return cx_builder_no_memory(error);
    builder->values[number].literal = kept;
    return CXAI_OK;
}

/* Copies attributes with all they point to. */
static int copy_attributes(cx_builder *builder, const cx_attributes *from,
                           cx_attributes *to)
{
    cx_arena *arena = &builder->model->arena;
    cx_attribute *list =
        cx_arena_alloc(arena, (size_t)from->count, sizeof *list);
    if (list == NULL)
        return -1;
    for (int i = 0; i < from->count; i++) {
        list[i] = from->list[i];
        size_t count = (size_t)list[i].count;
        if ((list[i].name = copy_text(builder, list[i].name)) == NULL)
            return -1;
        if (list[i].s != NULL &&
            (list[i].s = copy_text(builder, list[i].s)) == NULL)
            return -1;
        if (list[i].ints != NULL) {
            int64_t *ints = cx_arena_alloc(arena, count, sizeof *ints);
            if (ints == NULL)
                return -1;
            memcpy(ints, list[i].ints, count * sizeof *ints);
            list[i].ints = ints;
        }
        if (list[i].floats != NULL) {
            double *floats = cx_arena_alloc(arena, count, sizeof *floats);
            if (floats == NULL)
                return -1;
            memcpy(floats, list[i].floats, count * sizeof *floats);
            list[i].floats = floats;
        }
        if (list[i].tensor != NULL &&
            (list[i].tensor = keep_literal(builder, list[i].tensor)) == NULL)
            return -1;
    }
    *to = (cx_attributes){ from->count, list };
    return 0;
}

/* Value numbers of names; an empty name is -1. NULL without memory. */
static int *value_numbers(cx_builder *builder, const char *const *names,
                          int count)
{
    int *numbers =
        cx_arena_alloc(&builder->model->arena, (size_t)count, sizeof *numbers);
    for (int i = 0; numbers != NULL && i < count; i++) {
        numbers[i] = -1;
        if (names[i][0] == '\0')
            continue;
        numbers[i] = cx_builder_value(builder, names[i]);
        if (numbers[i] < 0)
            return NULL;
    }
    return numbers;
}

/* What messages call a node: its own name, else its first output's. */
static const char *node_label(cx_builder *builder, const cx_node *node)
{
    const char *name = node->name;
    if (*name == '\0' && node->output_count > 0 && node->outputs[0] >= 0)
        name = builder->values[node->outputs[0]].name;
    char text[600];
    snprintf(text, sizeof text, "%.100s node \"%.400s\"", node->type, name);
    return copy_text(builder, text);
}

cxai_status cx_builder_node(cx_builder *builder, const cx_node_spec *spec,
                            cxai_error *error)
{
    cxai_model *model = builder->model;
    if (cx_is_compound(spec->domain != NULL ? spec->domain : "", spec->type))
        return cx_expand(builder, spec, error);
    if ((uint64_t)model->node_count >= model->limits.nodes)
        return cxai_fail(error, CXAI_LIMIT,
                         "the graph has more than %llu nodes",
                         (unsigned long long)model->limits.nodes);
    if (cx_grow((void **)&builder->nodes, &builder->node_capacity,
                (size_t)model->node_count + 1, sizeof(cx_node)) != 0)
        return cx_builder_no_memory(error);
    cx_node node = {
        .name = copy_text(builder, spec->name),
        .module = copy_text(builder, spec->module),
        .type = copy_text(builder, spec->type),
        .domain = copy_text(builder, spec->domain),
        .input_count = spec->input_count,
        .output_count = spec->output_count,
        .inputs = value_numbers(builder, spec->inputs, spec->input_count),
        .outputs = value_numbers(builder, spec->outputs, spec->output_count),
    };
    if (node.name == NULL || node.module == NULL || node.type == NULL ||
        node.domain == NULL || node.inputs == NULL || node.outputs == NULL ||
        copy_attributes(builder, &spec->attributes, &node.attributes) != 0)
        return cx_builder_no_memory(error);
    node.label = node_label(builder, &node);
    if (node.label == NULL)
        return cx_builder_no_memory(error);
    for (int i = 0; i < node.output_count; i++) {
        if (node.outputs[i] < 0)
            continue;
        int number;
        cxai_status status =
            unmade_value(builder, spec->outputs[i], &number, error);
        if (status != CXAI_OK)
            return status;
        builder->values[number].producer = model->node_count;
    }
    builder->nodes[model->node_count++] = node;
    return CXAI_OK;
}

cxai_status cx_builder_output(cx_builder *builder, const char *name,
                              cxai_error *error)
{
    int number = cx_builder_value(builder, name);
    if (number < 0 || append(&builder->outputs, &builder->output_capacity,
                             &builder->model->output_count, number) != 0)
        return cx_builder_no_memory(error);
    return CXAI_OK;
}

cxai_status cx_builder_property(cx_builder *builder, const char *key,
                                const char *value, cxai_error *error)
{
    cxai_model *model = builder->model;
    if (cx_grow((void **)&builder->properties, &builder->property_capacity,
                (size_t)model->property_count + 1, sizeof(cx_property)) != 0)
        return cx_builder_no_memory(error);
    cx_property property = { copy_text(builder, key),
                             copy_text(builder, value) };
    if (property.key == NULL || property.value == NULL)
        return cx_builder_no_memory(error);
    builder->properties[model->property_count++] = property;
    return CXAI_OK;
}

cxai_status cx_builder_producer_name(cx_builder *builder, const char *name,
                                     cxai_error *error)
{
    builder->model->producer_name = copy_text(builder, name);
    if (builder->model->producer_name == NULL)
        return cx_builder_no_memory(error);
    return CXAI_OK;
}
