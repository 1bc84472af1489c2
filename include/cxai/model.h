/*
 * Models: an immutable graph read from an ONNX file.
 *
 * A model is nodes (operators) joined by values (tensors that are made once).
 * Nodes and values are known by number: nodes 0 .. node_count-1 in an order
 * in which every node comes after those it depends on, values 0 ..
 * value_count-1. A loaded model never changes: any number of threads may read
 * it and run sessions on it at once.
 */
#ifndef CXAI_MODEL_H
#define CXAI_MODEL_H

#include "cxai/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cxai_model cxai_model;

/* An operator of ONNX's own domain that this version runs. */
typedef struct cxai_operator {
    const char *name;               /* "Conv" */
    const char *not_differentiable; /* why it has no gradient; NULL: it has */
} cxai_operator;

/* Operator number index, from 0; beyond the last one the name is NULL. */
CXAI_API cxai_operator cxai_operator_info(int index);

/* What a loader accepts, checked before memory is taken for it; 0 anywhere
   means the default given here. */
typedef struct cxai_limits {
    uint64_t file_bytes;   /* a model file or an external data file: 4 GiB */
    uint64_t tensor_bytes; /* one tensor, widened: 4 GiB */
    uint64_t memory_bytes; /* all weights, or one session: 16 GiB */
    uint64_t nodes;        /* 1 000 000 */
    uint64_t nesting;      /* functions and branches inside each other: 64;
                              never more than 1000 */
} cxai_limits;

/*
 * Loads an ONNX file (opset 6 to 28, IR version up to 14: what onnx 1.23
 * writes); "-" is standard input. External weights are read from the model's
 * own folder, or, where path is a symbolic link, from the folders that it leads
 * to; no file outside of these is opened. fp16, bf16, fp64 and quantised
 * constants are widened to cxai_real, constants are folded. limits may be NULL.
 * Regular files are mapped, those of external weights as well: until the model
 * is freed they may be replaced, by rename as cxai_file_write does, or deleted,
 * but not be changed or cut off.
 *
 * On success *out is owned by the caller, who ends it with cxai_model_free.
 * On failure *out is NULL and the error names the file and, where there is
 * one, the node.
 */
CXAI_API cxai_status cxai_model_load(cxai_model **out, const char *path,
                                     const cxai_limits *limits,
                                     cxai_error *error);

/* The same from memory; folder is where external data may lie, or NULL to
   refuse external data, whose files are mapped as above. bytes is not needed
   after the call. */
CXAI_API cxai_status cxai_model_load_memory(cxai_model **out, const void *bytes,
                                            size_t size, const char *folder,
                                            const cxai_limits *limits,
                                            cxai_error *error);

/* Frees *model, with what its sessions packed and shared, and sets it to NULL;
 *model may be NULL. All its sessions must have been freed before. */
CXAI_API void cxai_model_free(cxai_model **model);

/* One node. Pointers live as long as the model. */
typedef struct cxai_node {
    const char *name;          /* ONNX node name, "" when it has none */
    const char *module;        /* PyTorch module path ("layer4.1.conv2"), "" */
    const char *operator_type; /* "Conv" */
    const char *domain;        /* "" for ONNX's own operators */
    int input_count;
    const int *inputs; /* value numbers; -1: optional input left out */
    int output_count;
    const int *outputs; /* value numbers; -1: optional output left out */
} cxai_node;

CXAI_API int cxai_model_node_count(const cxai_model *model);
CXAI_API int cxai_model_value_count(const cxai_model *model);

/* node must be in range. */
CXAI_API cxai_node cxai_model_node(const cxai_model *model, int node);

/* A number among a node's attributes, an integer or a float: "group" of a Conv,
   "min" of a Clip before opset 11. Otherwise when there is none. */
CXAI_API double cxai_model_attribute(const cxai_model *model, int node,
                                     const char *name, double otherwise);

/* The value's ONNX name; never NULL. */
CXAI_API const char *cxai_model_value_name(const cxai_model *model, int value);

/* The node that makes a value, or -1 for inputs and weights. */
CXAI_API int cxai_model_producer(const cxai_model *model, int value);

/* A weight's numbers as a dense row-major view that must not be written, or
   a view with data == NULL when the value is no constant of real numbers.
   Weights that are only packed otherwise are copied from the file the first
   time; without memory for that, data is NULL as well. */
CXAI_API cxai_tensor cxai_model_constant(const cxai_model *model, int value);

/* The graph's inputs that are not weights, and its outputs. */
CXAI_API int cxai_model_input_count(const cxai_model *model);
CXAI_API int cxai_model_input(const cxai_model *model, int index);
CXAI_API int cxai_model_output_count(const cxai_model *model);
CXAI_API int cxai_model_output(const cxai_model *model, int index);

/* The declared shape of an input; a dimension without a fixed number is 0.
   Where the file leaves the channels free, or declares no shape at all, the
   convolution that reads the input says how many there are. */
CXAI_API cxai_shape cxai_model_input_shape(const cxai_model *model, int index);

/* 1 when an input is declared to hold integers (pictures of bytes); it is fed
   as reals all the same. */
CXAI_API int cxai_model_input_is_integer(const cxai_model *model, int index);

/* A metadata property of the file, or NULL. */
CXAI_API const char *cxai_model_metadata(const cxai_model *model,
                                         const char *key);

/* What the file says of itself: default-domain opset and producer ("" when
   it does not say). */
CXAI_API int cxai_model_opset(const cxai_model *model);
CXAI_API const char *cxai_model_producer_name(const cxai_model *model);

/* SHA-256 of the model file's bytes, 64 hexadecimal digits. The first call
   takes it, a tenth of a second for 100 MB. */
CXAI_API const char *cxai_model_sha256(const cxai_model *model);

/*
 * Finds what a user calls a layer: a value name, a node name, a PyTorch module
 * path, a unique suffix of one of these that begins after '.' or '/', or
 * "#index", the number of a node. A node stands for its first output, a module
 * for the last value made inside it. An exact name wins over a suffix; a value
 * name over a node name over a module path. A module that the exporter merged
 * into the next one and did not record, as PyTorch's newer exporter does with
 * a convolution before a batch norm, is found by the names of its parameters.
 *
 * CXAI_NOT_FOUND lists the nearest names, CXAI_INVALID the candidates of an
 * ambiguous one.
 */
CXAI_API cxai_status cxai_model_find(const cxai_model *model, const char *name,
                                     int *value, cxai_error *error);

/* The module that a value really is the output of, when `name` found it by the
   parameters of another one that was merged into this one (the batch norm of
   a convolution); else NULL. */
CXAI_API const char *cxai_model_merged_module(const cxai_model *model,
                                              const char *name, int value);

/* The value that a class score should be read from: the graph's first output,
   or the value before a final softmax, log-softmax, sigmoid, ArgMax or TopK
   (also through reshapes, transpositions and quantisation). */
CXAI_API int cxai_model_logits(const cxai_model *model);

/* How the logits are to be read. */
typedef enum cxai_reading {
    CXAI_READ_NUMBERS, /* as they are, no probabilities: a regression */
    CXAI_READ_SOFTMAX, /* one class of several */
    CXAI_READ_SIGMOID, /* each class by itself; a single one: yes or no */
} cxai_reading;

/*
 * The classes that a network tells apart. The dimension that counts them is the
 * only one behind the batch that is not 1; of a map the axis of the final
 * softmax or ArgMax, else its channels. A value of rank 1, (N), is a single
 * number a picture. A network without a final softmax or sigmoid is read by
 * softmax when it gives several numbers, files with bare logits being common,
 * unless an activation like Tanh makes them, as in a regression.
 */
typedef struct cxai_classes {
    int value;     /* cxai_model_logits */
    int axis;      /* dimension that counts classes; 0: there is none */
    int64_t count; /* of classes; 0: none (boxes of a detector, features) */
    cxai_reading reading;
    const char *scored_by; /* operator between logits and output: "Softmax",
                              "Sigmoid", "ArgMax", ...; "" for none */
} cxai_classes;

/* shapes are those of cxai_model_shapes. */
CXAI_API cxai_classes cxai_model_classes(const cxai_model *model,
                                         const cxai_shape *shapes);

/*
 * The default layer of the CAM methods: the last value with more than one
 * position (see grid.h) that cxai_model_logits depends on (of a network that
 * ends in a map, the last convolution's input) and that some layer made, not a
 * pooling or a rearrangement of one. Where that is a row of tokens
 * of which some stand for no patch, the classifier reads a class token, and the
 * layer is the normalised input of the last block's attention (torchvision's
 * encoder.layers[-1].ln_1, timm's blocks[-1].norm1), as pytorch-grad-cam
 * advises: behind it no gradient reaches the patches. Of a transformer that
 * averages its patches, as Swin, the layer is the last norm of all, where
 * Grad-CAM is each place's exact share of the score; what reads the last
 * block's norm1, which is advised for Swin too, is that block's attention alone
 * and not what it adds to. shapes are those of cxai_model_shapes.
 * CXAI_NOT_FOUND when there is none.
 */
CXAI_API cxai_status cxai_model_cam_layer(const cxai_model *model,
                                          const cxai_shape *shapes, int *layer,
                                          cxai_error *error);

/*
 * Infers the shapes of all values for one shape of the first input. Free
 * dimensions of the model take the given numbers. So does the batch, even
 * where the file fixes it: shapes in the graph that were written down for one
 * batch (of Reshape, Expand, Resize) follow; and so do the height and width of
 * a picture. Other inputs take their own declared shape. CXAI_INVALID where the
 * graph does not allow the shape: the error names the node. shapes holds
 * cxai_model_value_count entries; a value whose shape is not needed or not
 * known gets rank -1.
 */
CXAI_API cxai_status cxai_model_shapes(const cxai_model *model,
                                       const cxai_shape *input_shape,
                                       cxai_shape *shapes, cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
