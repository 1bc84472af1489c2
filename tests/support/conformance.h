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

/* Reads model.onnx. Returns NULL, or why this test cannot be run here: an
   opset, operator or type that is not supported. What is not as the suite
   promises ends the test through cmocka. conformance_free ends it either
   way. */
const char *conformance_open(conformance *t, const char *folder);

/* Reads data set number set; 0 when there is none, *problem as above. */
int conformance_read(conformance *t, const char *folder, int set,
                     const char **problem);

/* 1 when input i is fed. Integers and empty tensors never are. */
int conformance_feeds(const conformance *t, conformance_inputs kind, int i);

/* Loads the model with the inputs that are not fed turned into weights. */
cxai_status conformance_load(const conformance *t, conformance_inputs kind,
                             cxai_model **out, cxai_error *error);

void conformance_free(conformance *t);

#endif
