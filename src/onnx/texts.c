/*
 * Texts in a graph: exporters of classifiers (Core ML, scikit-learn,
 * TensorFlow) let the graph look up the name of the most likely class. That
 * says nothing new, so that these outputs and all that leads to them alone are
 * left out.
 */
#include <string.h>

#include "onnx/reader.h"

/* Passes over the nodes; files that are sorted need one. */
enum { PASSES = 16 };

int cx_onnx_is_text(const cx_reader *reader, const char *name)
{
    return reader->texts.count > 0 && *name != '\0' &&
           cx_names_find(&reader->texts, name) >= 0;
}

static cxai_status add_text(cx_reader *reader, const char *name, int *added)
{
    if (*name == '\0' || cx_names_find(&reader->texts, name) >= 0)
        return CXAI_OK;
    *added = 1;
    if (cx_names_add(&reader->texts, name, 0) != 0)
        return cxai_fail(reader->error, CXAI_NO_MEMORY, "out of memory");
    return CXAI_OK;
}

/* A Constant of texts, or a look-up among names. */
static int makes_text(const Onnx__NodeProto *node)
{
    const char *type = cx_onnx_text(node->op_type);
    if (strcmp(cx_onnx_text(node->domain), "ai.onnx.ml") == 0)
        return strcmp(type, "ArrayFeatureExtractor") == 0 ||
               strcmp(type, "LabelEncoder") == 0;
    if (strcmp(type, "Constant") != 0 || node->n_attribute != 1)
        return 0;
    const Onnx__AttributeProto *value = node->attribute[0];
    return value->n_strings > 0 ||
           value->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING ||
           (value->t != NULL &&
            value->t->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__STRING);
}

int cx_onnx_handles_text(const cx_reader *reader, const Onnx__NodeProto *node)
{
    int texts = 0;
    for (size_t i = 0; i < node->n_input; i++)
        texts |= cx_onnx_is_text(reader, node->input[i]);
    for (size_t i = 0; i < node->n_output; i++)
        texts |= cx_onnx_is_text(reader, node->output[i]);
    return texts;
}

cxai_status cx_onnx_find_texts(cx_reader *reader, const Onnx__GraphProto *graph)
{
    cxai_status status = CXAI_OK;
    int added = 0;
    for (size_t i = 0; status == CXAI_OK && i < graph->n_initializer; i++)
        if (graph->initializer[i]->data_type ==
            ONNX__TENSOR_PROTO__DATA_TYPE__STRING)
            status = add_text(reader, cx_onnx_text(graph->initializer[i]->name),
                              &added);
    for (int pass = 0; pass < PASSES && (pass == 0 || added); pass++) {
        added = 0;
        for (size_t n = 0; status == CXAI_OK && n < graph->n_node; n++) {
            const Onnx__NodeProto *node = graph->node[n];
            if (!makes_text(node) && !cx_onnx_handles_text(reader, node))
                continue;
            for (size_t i = 0; status == CXAI_OK && i < node->n_output; i++)
                status = add_text(reader, node->output[i], &added);
        }
    }
    return status;
}
