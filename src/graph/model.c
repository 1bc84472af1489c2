/* What a model tells of itself; the functions are documented in
   cxai/model.h. */
#include "cxai/model.h"

#include <stdlib.h>
#include <string.h>

#include "graph/place.h"

void cxai_model_free(cxai_model **model)
{
    if (*model == NULL)
        return;
    cx_arena arena = (*model)->arena;
    cx_origin_free((*model)->origin);
    cx_packed_free((*model)->packed);
    free(*model);
    cx_arena_free(&arena);
    *model = NULL;
}

cxai_operator cxai_operator_info(int index)
{
    for (int f = 0; cx_operator_families[f] != NULL && index >= 0; f++) {
        const cx_operator_family *family = cx_operator_families[f];
        if (index < family->count)
            return (cxai_operator){
                family->operators[index].name,
                family->operators[index].not_differentiable,
            };
        index -= family->count;
    }
    return (cxai_operator){ NULL, NULL };
}

int cxai_model_node_count(const cxai_model *model)
{
    return model->node_count;
}

int cxai_model_value_count(const cxai_model *model)
{
    return model->value_count;
}

cxai_node cxai_model_node(const cxai_model *model, int node)
{
    const cx_node *n = &model->nodes[node];
    return (cxai_node){
        .name = n->name,
        .module = n->module,
        .operator_type = n->type,
        .domain = n->domain,
        .input_count = n->input_count,
        .inputs = n->inputs,
        .output_count = n->output_count,
        .outputs = n->outputs,
    };
}

double cxai_model_attribute(const cxai_model *model, int node, const char *name,
                            double otherwise)
{
    const cx_attributes *attributes = &model->nodes[node].attributes;
    if (cx_attribute_find(attributes, name, CX_ATTRIBUTE_INT) != NULL)
        return (double)cx_attribute_int(attributes, name, 0);
    return cx_attribute_float(attributes, name, otherwise);
}

const char *cxai_model_value_name(const cxai_model *model, int value)
{
    return model->values[value].name;
}

int cxai_model_producer(const cxai_model *model, int value)
{
    return model->values[value].producer;
}

cxai_tensor cxai_model_constant(const cxai_model *model, int value)
{
    const cx_literal *literal = model->values[value].literal;
    if (literal == NULL || literal->type != CX_REAL)
        return (cxai_tensor){ .data = NULL };
    cxai_tensor tensor = cx_literal_tensor(literal);
    tensor.data = cx_literal_data(model, literal);
    return tensor;
}

int cxai_model_input_count(const cxai_model *model)
{
    return model->input_count;
}

int cxai_model_input(const cxai_model *model, int index)
{
    return model->inputs[index];
}

int cxai_model_output_count(const cxai_model *model)
{
    return model->output_count;
}

int cxai_model_output(const cxai_model *model, int index)
{
    return model->outputs[index];
}

cxai_shape cxai_model_input_shape(const cxai_model *model, int index)
{
    return model->values[model->inputs[index]].declared;
}

int cxai_model_input_is_integer(const cxai_model *model, int index)
{
    return model->values[model->inputs[index]].type != CX_REAL;
}

const char *cxai_model_metadata(const cxai_model *model, const char *key)
{
    for (int i = 0; i < model->property_count; i++)
        if (strcmp(model->properties[i].key, key) == 0)
            return model->properties[i].value;
    return NULL;
}

int cxai_model_opset(const cxai_model *model)
{
    return model->opset;
}

const char *cxai_model_producer_name(const cxai_model *model)
{
    return model->producer_name;
}

const char *cxai_model_sha256(const cxai_model *model)
{
    return model->origin != NULL ? cx_origin_sha256(model->origin) : "";
}
