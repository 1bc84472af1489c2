#include "layers.h"

#include <stdlib.h>
#include <string.h>

static cxai_status make_room(layer_list *list, const workbench *bench,
                             cxai_error *error)
{
    size_t values = (size_t)cxai_model_value_count(bench->model);
    *list = (layer_list){ malloc((values + 1) * sizeof *list->values), 0 };
    if (list->values == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for the layers");
    return CXAI_OK;
}

static void add(layer_list *list, int value)
{
    for (int i = 0; i < list->count; i++)
        if (list->values[i] == value)
            return;
    list->values[list->count++] = value;
}

/* Finds the layers of a list; names is overwritten. */
static cxai_status find_each(layer_list *list, workbench *bench, char *names,
                             cxai_error *error)
{
    char *rest = NULL;
    cxai_status status = CXAI_OK;
    for (char *name = strtok_r(names, ",", &rest);
         status == CXAI_OK && name != NULL; name = strtok_r(NULL, ",", &rest)) {
        int value;
        status = find_layer(bench, name, &value, error);
        if (status == CXAI_OK)
            add(list, value);
    }
    return status;
}

cxai_status layers_find(layer_list *list, workbench *bench, const char *text,
                        cxai_error *error)
{
    int value;
    cxai_status status = make_room(list, bench, error);
    if (status != CXAI_OK)
        return status;
    /* a name may have commas of its own */
    status = find_layer(bench, text, &value, error);
    if (status == CXAI_OK)
        add(list, value);
    if (status == CXAI_OK || text == NULL || strchr(text, ',') == NULL)
        return status;
    char *names = strdup(text);
    if (names == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for the layers");
    status = find_each(list, bench, names, error);
    free(names);
    if (status == CXAI_OK && list->count == 0)
        status =
            cxai_fail(error, CXAI_NOT_FOUND, "\"%s\" names no layer", text);
    return status;
}

/* Whether a node computes something of the numbers of the values that are
   marked, and not of their shapes alone. */
static int depends(const cxai_node *node, const unsigned char *marks)
{
    if (strcmp(node->operator_type, "Shape") == 0 ||
        strcmp(node->operator_type, "Size") == 0)
        return 0;
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && marks[node->inputs[i]])
            return 1;
    return 0;
}

/* Nodes come after those that they depend on. */
static void add_all(layer_list *list, const workbench *bench,
                    unsigned char *marks)
{
    marks[cxai_model_input(bench->model, 0)] = 1;
    for (int n = 0; n < cxai_model_node_count(bench->model); n++) {
        cxai_node node = cxai_model_node(bench->model, n);
        for (int i = 0; depends(&node, marks) && i < node.output_count; i++) {
            int value = node.outputs[i];
            if (value < 0)
                continue;
            marks[value] = 1;
            if (bench->shapes[value].rank >= 2 &&
                cxai_shape_count(&bench->shapes[value]) > 0)
                list->values[list->count++] = value;
        }
    }
}

cxai_status layers_all(layer_list *list, const workbench *bench,
                       cxai_error *error)
{
    cxai_status status = make_room(list, bench, error);
    if (status != CXAI_OK)
        return status;
    unsigned char *marks =
        calloc((size_t)cxai_model_value_count(bench->model) + 1, 1);
    if (marks == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for the layers");
    add_all(list, bench, marks);
    free(marks);
    return list->count > 0
               ? CXAI_OK
               : cxai_fail(error, CXAI_NOT_FOUND, "no layer has channels");
}

void layers_free(layer_list *list)
{
    free(list->values);
    *list = (layer_list){ 0 };
}
