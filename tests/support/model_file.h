/* ONNX files made in memory: messages are put together, packed, and all end
   together. A failure to allocate ends the test. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include <stddef.h>

#include "cxai/model.h"
#include "onnx.pb-c.h"

#define TENSOR_TYPE(name) ONNX__TENSOR_PROTO__DATA_TYPE__##name
#define ATTRIBUTE_TYPE(name) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##name

typedef struct model_file {
    Onnx__ModelProto model;
    Onnx__GraphProto *graph;
    void **blocks;
    size_t block_count;
} model_file;

/* IR 8, one default-domain opset, an empty graph. */
void model_file_start(model_file *file, int64_t opset);
void model_file_end(model_file *file);
/* The same with y = relu(x) + w, x [N,3], w = 1 2 3. */
void model_file_sum(model_file *file, int64_t opset);

/* Zeroed memory, or a copy of text, that ends with the file. */
void *model_file_alloc(model_file *file, size_t size);
char *model_file_text(model_file *file, const char *text);

/* dims are numbers, or names of free dimensions: "N,3,224,224". */
Onnx__ValueInfoProto *model_file_input(model_file *file, const char *name,
                                       const char *dims);
void model_file_output(model_file *file, const char *name);

/* A tensor without data; dims as "2,3", "" for a scalar. */
Onnx__TensorProto *model_file_tensor(model_file *file, const char *name,
                                     int32_t data_type, const char *dims);
/* The same as a weight of the graph. */
Onnx__TensorProto *model_file_weight(model_file *file, const char *name,
                                     int32_t data_type, const char *dims);
void model_file_raw(model_file *file, Onnx__TensorProto *tensor,
                    const void *bytes, size_t size);
/* Adds external_data entries; NULL leaves one out. */
void model_file_external(model_file *file, Onnx__TensorProto *tensor,
                         const char *location, const char *offset,
                         const char *length);

/* Names are separated by commas: "x,w,b"; an empty one is left out. */
Onnx__NodeProto *model_file_node(model_file *file, const char *type,
                                 const char *name, const char *inputs,
                                 const char *outputs);
Onnx__AttributeProto *
model_file_attribute(model_file *file, Onnx__NodeProto *node, const char *name,
                     Onnx__AttributeProto__AttributeType type);
void model_file_ints(model_file *file, Onnx__NodeProto *node, const char *name,
                     const char *numbers);
void model_file_metadata(model_file *file, Onnx__NodeProto *node,
                         const char *key, const char *value);

/* A function of the model, with the nodes of another file's graph, which must
   live until the file is packed. */
Onnx__FunctionProto *model_file_function(model_file *file, const char *domain,
                                         const char *name, const char *inputs,
                                         const char *outputs, model_file *body);
/* Another file's graph as an attribute of a node. */
void model_file_branch(model_file *file, Onnx__NodeProto *node,
                       const char *name, model_file *branch);

/* The packed file; it ends with the file. */
const void *model_file_pack(model_file *file, size_t *size);

/* Loads the packed file, which ends. */
cxai_status model_file_try(model_file *file, cxai_model **model,
                           cxai_error *error);
/* The same; what cannot be loaded fails the test. */
cxai_model *model_file_load(model_file *file);
/* The same; it is refused with this status, and its message holds cause. */
void model_file_refused(model_file *file, cxai_status wanted,
                        const char *cause);

#endif
