/*
 * What names mean inside a function or a branch that is being inlined.
 *
 * The values of a model have one space of names. A function's inputs and
 * outputs are the values of the node that calls it, its other values get names
 * of their own; a branch sees the names around it.
 */
#ifndef CX_ONNX_SCOPE_H
#define CX_ONNX_SCOPE_H

#include "base/hash.h"
#include "onnx/reader.h"

struct cx_scope {
    const cx_scope *outer; /* where the node stands; NULL: in the graph */
    const Onnx__FunctionProto *function; /* NULL: a branch */
    const Onnx__NodeProto *call;         /* the node that is inlined */
    const char *prefix;                  /* of names that begin here */
    const char *module;                  /* of nodes that name none */
    int depth;
    cx_names names; /* name here -> number of target */
    const char **target;
    size_t count, capacity;
    cx_scope *next; /* in reader->scopes */
};

/* Frees the maps of all scopes; the scopes themselves lie in the arena. */
void cx_scopes_free(cx_reader *reader);

/* A scope for a node of `outer`. Refuses a function inside itself and nesting
   without end. */
cxai_status cx_scope_open(cx_reader *reader, const cx_scope *outer,
                          const Onnx__NodeProto *call,
                          const Onnx__FunctionProto *function,
                          const char *label, cx_scope **out);

/* "prefix/name" in the arena; NULL without memory. */
const char *cx_scope_join(cx_reader *reader, const char *prefix,
                          const char *name);

/* Gives a name here a value of the model; a second time it does nothing. */
cxai_status cx_scope_bind(cx_reader *reader, cx_scope *scope, const char *name,
                          const char *target);
/* The same with a value of its own. */
cxai_status cx_scope_define(cx_reader *reader, cx_scope *scope,
                            const char *name);

/* The model's name of a value; scope NULL: the name itself. NULL without
   memory. */
const char *cx_scope_find(cx_reader *reader, const cx_scope *scope,
                          const char *name);

/* The attribute that one stands for which refers to the caller's; NULL when the
   caller leaves it out. *where is the scope that the result stands in. */
const Onnx__AttributeProto *
cx_scope_attribute(const cx_scope *scope, const Onnx__AttributeProto *attribute,
                   const cx_scope **where);

#endif
