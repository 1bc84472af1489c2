/*
 * Small networks for tests, built in a few lines through graph/build.h:
 *
 *     net n = net_begin(13);
 *     net_input(&n, "x", "1,2,4,4");
 *     net_reals(&n, "w", "2,2,1,1", (double[]){ 1, -1, 2, 0 });
 *     net_node(&n, "Conv", "x w", "c1", "strides=2,2");
 *     net_output(&n, "c1");
 *     cxai_model *model = net_end(&n);
 *
 * Anything that fails ends the test through cmocka.
 */
#ifndef TEST_SUPPORT_NET_H
#define TEST_SUPPORT_NET_H

#include "graph/build.h"

typedef struct net {
    cx_builder *builder;
} net;

net net_begin(int opset);

/* Shapes are texts: "1,3,8,8"; "" is a scalar; a dimension 0 is free. */
cxai_shape net_shape(const char *text);

void net_input(net *n, const char *name, const char *shape);
void net_reals(net *n, const char *name, const char *shape,
               const double *values);
void net_integers(net *n, const char *name, const char *shape,
                  const int64_t *values);

/* inputs and outputs are names separated by spaces; "-" is one left out. The
   node is called after its first output. Attributes: "pads=1,1,1,1 axes=2,
   alpha=0.5 mode=linear": a comma makes a list (also a last one), a point or
   an f behind a number a float, a letter a string. A single integer is given
   both as a number and as a list of one. */
void net_node(net *n, const char *type, const char *inputs, const char *outputs,
              const char *attributes);
/* The same with a node name and a module path. */
void net_named_node(net *n, const char *name, const char *module,
                    const char *type, const char *inputs, const char *outputs,
                    const char *attributes);
void net_output(net *n, const char *name);
cxai_model *net_end(net *n);
/* The same where it may fail: NULL, with the error filled in. */
cxai_model *net_try_end(net *n, cxai_error *error);

/* The number of a value by its exact name; it must exist. */
int net_value(const cxai_model *model, const char *name);

#endif
