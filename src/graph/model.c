/* What a model tells of itself; the functions are documented in
   cxai/model.h. */
#include "cxai/model.h"

#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"

void cxai_model_free(cxai_model **model)
{
    if (*model == NULL)
        return;
    cx_arena arena = (*model)->arena;
    free(*model);
    cx_arena_free(&arena);
    *model = NULL;
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
    return cx_literal_tensor(literal);
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
    return model->sha256;
}
