/* Which weights are read only to be packed. */
#include "onnx/reader.h"

#include <limits.h>
#include <string.h>

static int is_conv(const Onnx__NodeProto *node)
{
    return strcmp(cx_onnx_text(node->op_type), "Conv") == 0 &&
           cx_is_default_domain(cx_onnx_text(node->domain));
}

/* Graphs inside of nodes read weights by name as well. */
static int has_graphs(const Onnx__NodeProto *node)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->has_g || node->attribute[i]->n_graphs > 0)
            return 1;
    return 0;
}

/* Notes who reads the initializers whose numbers names knows. */
static void note_readers(const Onnx__GraphProto *graph, const cx_names *names,
                         unsigned char *only)
{
    enum { WEIGHTS = 1 };
    for (size_t n = 0; n < graph->n_node; n++) {
        const Onnx__NodeProto *node = graph->node[n];
        for (size_t k = 0; k < node->n_input; k++) {
            int i = cx_names_find(names, node->input[k]);
            if (i >= 0 && !(k == WEIGHTS && is_conv(node)))
                only[i] = 0;
        }
    }
    for (size_t k = 0; k < graph->n_output; k++) {
        int i = cx_names_find(names, cx_onnx_text(graph->output[k]->name));
        if (i >= 0)
            only[i] = 0;
    }
}

int cx_onnx_packed_only(const Onnx__GraphProto *graph,
                        unsigned char *packed_only)
{
    cx_names names = { 0 };
    int status = 0;
    for (size_t n = 0; n < graph->n_node; n++)
        if (has_graphs(graph->node[n]))
            return 0;
    for (size_t i = 0; status == 0 && i < graph->n_initializer; i++) {
        const char *name = cx_onnx_text(graph->initializer[i]->name);
        packed_only[i] = i < INT_MAX && cx_names_find(&names, name) < 0;
        if (packed_only[i])
            status = cx_names_add(&names, name, (int)i);
    }
    if (status == 0)
        note_readers(graph, &names, packed_only);
    cx_names_free(&names);
    return status;
}
