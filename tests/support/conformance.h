/*
 * One test of ONNX's conformance suite: a folder with model.onnx and
 * test_data_set_*, which hold the inputs and the expected outputs as
 * TensorProto messages.
 */
#ifndef TEST_SUPPORT_CONFORMANCE_H
#define TEST_SUPPORT_CONFORMANCE_H

#include "onnx/reader.h"

enum { CONFORMANCE_VALUES = 32 };

typedef struct conformance_value {
    const char *name;
    Onnx__TensorProto *tensor; /* as it is in the file */
    const cx_literal *literal; /* the same, converted by the reader */
} conformance_value;

typedef struct conformance {
    Onnx__ModelProto *model;
    int input_count, output_count;
    conformance_value inputs[CONFORMANCE_VALUES];
    conformance_value outputs[CONFORMANCE_VALUES];
    cx_arena arena; /* holds all of it */
} conformance;

typedef enum conformance_inputs {
    CONFORMANCE_REALS_FED, /* all inputs of real numbers are fed */
    CONFORMANCE_FIRST_FED, /* only the first of them; others are constants */
    CONFORMANCE_NONE_FED,  /* all are constants */
} conformance_inputs;

/* Why a test is not run: "KIND: what", and whether this project means to do
   without it; NULL: it is run. */
typedef struct conformance_skip {
    const char *reason;
    int is_out_of_scope;
} conformance_skip;

/* Reads model.onnx, without which this test cannot be run: an opset, operator
   or type that is not supported gives a reason. What is not as the suite
   promises ends the test through cmocka. conformance_free ends it either
   way. */
conformance_skip conformance_open(conformance *t, const char *folder);

/* What is known of a test by its name alone, and of a model's operators: what
   is out of scope, and why (conformance_scope.c). */
conformance_skip conformance_known(const char *name);
conformance_skip conformance_scope(const Onnx__ModelProto *model);

/* Reads data set number set; 0 when there is none, *skip as above. */
int conformance_read(conformance *t, const char *folder, int set,
                     conformance_skip *skip);

/* 1 when input i is fed. Integers, floating point of eight bits or fewer and
   empty tensors never are. */
int conformance_feeds(const conformance *t, conformance_inputs kind, int i);

/* Loads the model with the inputs that are not fed turned into weights. */
cxai_status conformance_load(const conformance *t, conformance_inputs kind,
                             cxai_model **out, cxai_error *error);

void conformance_free(conformance *t);

#endif
