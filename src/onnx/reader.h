/* What the files of this folder share while one ONNX file is read. */
#ifndef CX_ONNX_READER_H
#define CX_ONNX_READER_H

#include "base/hash.h"
#include "graph/build.h"
#include "graph/origin.h"
#include "onnx.pb-c.h"

enum {
    CX_OLDEST_OPSET = 6,
    CX_NEWEST_OPSET = 28, /* of the default domain, as onnx 1.23 writes */
    CX_NEWEST_IR = 14,    /* the same */
    CX_MOST_FOLDERS = 8,  /* of a model given as a link to a link to ... */
};

/* Where the data of tensors may lie that a file keeps outside of itself. */
typedef struct cx_external {
    int count; /* of folders; 0: external data is refused */
    const char
        *folders[CX_MOST_FOLDERS];      /* where names are looked up, in turn */
    const char *roots[CX_MOST_FOLDERS]; /* the same, resolved: a name must lead
                                           into one of them; "": none */
    cx_names mapped;      /* name -> number among the origin's external files */
    const char *name;     /* the file that was found last, NULL: none */
    uint64_t size;        /* of it */
    unsigned char *bytes; /* NULL where it is not mapped but open: */
    int file;
} cx_external;

typedef struct cx_scope cx_scope; /* scope.h */

/* An If whose condition is looked at when all other nodes are there. */
typedef struct cx_pending {
    const Onnx__NodeProto *node;
    const cx_scope *scope;
    struct cx_pending *next;
} cx_pending;

typedef struct cx_reader {
    cx_builder *builder;
    cx_arena *arena; /* of the model to be; the unpacked file lies there too */
    const cxai_limits *limits;
    uint64_t *memory; /* bytes that were taken from the arena */
    cx_external external;
    const Onnx__ModelProto *model;
    cx_origin *origin;
    const unsigned char *packed_only; /* by initializer of the model's graph:
                                         it is only read to be packed */
    cx_names functions;               /* "domain:name:overload" -> number */
    cx_names texts; /* values that are texts, or made of them */
    cx_scope *scopes;
    cx_pending *pending, *last_pending;
    uint64_t inlined; /* nodes of functions and branches so far */
    cxai_error *error;
} cx_reader;

/* Bytes that limits->memory_bytes leaves. */
uint64_t cx_reader_memory_left(const cx_reader *reader);
/* Counts bytes within it, which are used where they lie in a file. */
cxai_status cx_reader_count(cx_reader *reader, uint64_t bytes);
/* Memory of the arena within limits->memory_bytes. */
cxai_status cx_reader_alloc(cx_reader *reader, size_t count, size_t size,
                            void **block);

/* What bytes that are no ONNX model seem to be ("a PNG image"), or NULL. */
const char *cx_foreign_format(const void *bytes, size_t size);
/* 1 when bytes begin a Git LFS pointer. */
int cx_is_lfs_pointer(const void *bytes, size_t size);

/* Unpacks the bytes of a file into the arena, but for large weights, which stay
   where they are. The origin takes note of these, also when it fails. */
cxai_status cx_onnx_unpack(cx_reader *reader, cx_origin *origin,
                           const Onnx__ModelProto **model);

/* Gives the unpacked file to the builder. */
cxai_status cx_onnx_convert(cx_reader *reader, const Onnx__ModelProto *model);

/* Unpacks a graph that was kept closed as bytes. */
cxai_status cx_onnx_unpack_graph(cx_reader *reader,
                                 const ProtobufCBinaryData *bytes,
                                 const Onnx__GraphProto **graph);

/* Fills in the number of channels of an input, and its rank where shape->rank
   is -1, as the convolution knows them that reads it. 0, or -1: none does. */
int cx_onnx_complete_shape(const Onnx__GraphProto *graph, const char *name,
                           cxai_shape *shape);

/* Finds the values of the graph that are texts (names of classes), and those
   that are made of them. They are left out. */
cxai_status cx_onnx_find_texts(cx_reader *reader,
                               const Onnx__GraphProto *graph);
int cx_onnx_is_text(const cx_reader *reader, const char *name);
/* 1 when a node reads or makes texts. */
int cx_onnx_handles_text(const cx_reader *reader, const Onnx__NodeProto *node);

/* Gives weights and nodes to the builder; scope NULL: of the graph itself. */
cxai_status cx_onnx_weights(cx_reader *reader, const cx_scope *scope,
                            const Onnx__GraphProto *graph);
cxai_status cx_onnx_node(cx_reader *reader, const cx_scope *scope,
                         const Onnx__NodeProto *node);

/* Lists the model's functions. */
cxai_status cx_onnx_find_functions(cx_reader *reader);
/* The function that a node calls; *function NULL: none. */
cxai_status cx_onnx_function(cx_reader *reader, const Onnx__NodeProto *node,
                             const Onnx__FunctionProto **function);
/* Puts the nodes of a function in the place of the node that calls it. */
cxai_status cx_onnx_inline_function(cx_reader *reader, const cx_scope *scope,
                                    const Onnx__NodeProto *node,
                                    const Onnx__FunctionProto *function,
                                    const char *label);
/* Keeps an If for later; inlines the branches of those that are kept and whose
   condition is a constant. The others become nodes. */
cxai_status cx_onnx_keep_if(cx_reader *reader, const cx_scope *scope,
                            const Onnx__NodeProto *node);
cxai_status cx_onnx_inline_ifs(cx_reader *reader);
void cx_onnx_inline_free(cx_reader *reader);

/* A node's attributes; label names the node in messages. */
cxai_status cx_onnx_attributes(cx_reader *reader, const cx_scope *scope,
                               const char *label, const Onnx__NodeProto *node,
                               cx_attributes *attributes);

/* packed_only[i] = 1 for initializers, of which there are n_initializer, that
   nothing reads but convolutions, as their weights; the others are left at 0.
   0, or -1 without memory. */
int cx_onnx_packed_only(const Onnx__GraphProto *graph,
                        unsigned char *packed_only);

/* A tensor, widened, in the arena or where it lies in a mapped file; label
   names it in messages. One that is only packed may have a place there and no
   data. */
cxai_status cx_onnx_literal(cx_reader *reader, const char *label,
                            const Onnx__TensorProto *tensor, int packed_only,
                            const cx_literal **literal);

/* What elements of an ONNX data type become; -1 for one that is not
   supported. */
int cx_onnx_type(int32_t data_type, cx_type *type);
/* "float16"; for an unknown type its number. */
const char *cx_onnx_type_name(int32_t data_type, char text[24]);

/* The PyTorch module path of a node ("layer4.1.conv2"), "" when the exporter
   left none; NULL without memory. */
const char *cx_onnx_module(cx_arena *arena, const Onnx__NodeProto *node);

/* Sets where external data may lie: beside model_path, or, when that is NULL,
   in folder (NULL: nowhere). */
cxai_status cx_external_open(cx_reader *reader, const char *model_path,
                             const char *folder);
/* Finds the file that holds a tensor's size bytes and says where they are. It
   is mapped, for as long as the model lives, or open. */
cxai_status cx_external_find(cx_reader *reader, const char *label,
                             const Onnx__TensorProto *tensor, size_t size,
                             uint64_t *offset);
/* Copies from the file that was found last. */
cxai_status cx_external_read(const cx_reader *reader, uint64_t offset,
                             void *bytes, size_t size);
void cx_external_close(cx_external *external);

/* An optional text of the file; never NULL. */
static inline const char *cx_onnx_text(const char *text)
{
    return text != NULL ? text : "";
}

#endif
