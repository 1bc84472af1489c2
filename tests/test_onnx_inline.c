/*
 * Functions of a model and If with a known condition: their nodes stand in the
 * place of the node that calls them. What cannot be put there, or would never
 * end, is refused.
 */
#include <stdio.h>
#include <string.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/model_file.h"
#include "support/net.h"

enum { OPSET = 18 };

static const double exact = 0;

static void refuse(model_file *file, cxai_status wanted, const char *cause)
{
    cxai_model *model;
    cxai_error error;
    check_error(model_file_try(file, &model, &error), &error, wanted, cause);
}

/* Runs a model of one input and one output of two numbers each. */
static void check_answer(cxai_model *model, const cxai_real *x,
                         const double *want)
{
    cxai_session *session;
    cxai_error error;
    cxai_tensor view;
    int input = cxai_model_input(model, 0),
        output = cxai_model_output(model, 0);
    const cxai_request request = { .feed = &input,
                                   .feed_count = 1,
                                   .watch = &output,
                                   .watch_count = 1,
                                   .target = -1,
                                   .threads = 1 };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    check_ok(cxai_session_set(session, input, x, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, output, &view, &error), &error);
    check_view(&view, want, 2, exact);
    cxai_session_free(&session);
    cxai_model_free(&model);
}

static const cxai_real x[2] = { 4, -8 };

static void start(model_file *file)
{
    model_file_start(file, OPSET);
    model_file_input(file, "x", "2");
    model_file_output(file, "y");
}

static Onnx__NodeProto *call(model_file *file, const char *function,
                             const char *name, const char *inputs,
                             const char *outputs)
{
    Onnx__NodeProto *node =
        model_file_node(file, function, name, inputs, outputs);
    node->domain = model_file_text(file, "local");
    return node;
}

static void set_float(model_file *file, Onnx__NodeProto *node, const char *name,
                      float value)
{
    Onnx__AttributeProto *attribute =
        model_file_attribute(file, node, name, ATTRIBUTE_TYPE(FLOAT));
    attribute->has_f = 1;
    attribute->f = value;
}

static void refer(model_file *file, Onnx__NodeProto *node, const char *name,
                  const char *outer)
{
    Onnx__AttributeProto *attribute =
        model_file_attribute(file, node, name, ATTRIBUTE_TYPE(FLOAT));
    attribute->ref_attr_name = model_file_text(file, outer);
}

/* ---- functions ---- */

/* leak(a; slope) = LeakyRelu(Neg a) is called with 1/2 and, in a function that
   passes its own attribute on, with 1/4: x = 4, -8 -> -2, 8 -> 2, -2. */
static void attributes_are_handed_on(void **state)
{
    (void)state;
    model_file file, leak, outer;
    start(&file);
    model_file_start(&leak, OPSET);
    model_file_node(&leak, "Neg", "", "a", "t");
    refer(&leak, model_file_node(&leak, "LeakyRelu", "act", "t", "o"), "alpha",
          "slope");
    model_file_start(&outer, OPSET);
    refer(&outer, call(&outer, "leak", "", "t", "o"), "slope", "steepness");
    model_file_function(&file, "local", "leak", "a", "o", &leak);
    model_file_function(&file, "local", "wrapped", "t", "o", &outer);
    set_float(&file, call(&file, "leak", "first", "x", "h"), "slope", 0.5F);
    set_float(&file, call(&file, "wrapped", "second", "h", "y"), "steepness",
              0.25F);
    cxai_model *model = model_file_load(&file);
    model_file_end(&leak);
    model_file_end(&outer);
    assert_int_equal(cxai_model_node_count(model), 4);
    assert_string_equal(cxai_model_node(model, 1).name, "first/act");
    check_answer(model, x, (double[]){ 2, -2 });
}

/* Without an attribute of the caller the function's own counts, then the
   operator's: LeakyRelu's 0.01 is no exact number, so 1/2 is the default. */
static void attributes_have_defaults(void **state)
{
    (void)state;
    model_file file, leak;
    start(&file);
    model_file_start(&leak, OPSET);
    Onnx__NodeProto *node = model_file_node(&leak, "LeakyRelu", "", "a", "o");
    refer(&leak, node, "alpha", "slope");
    Onnx__FunctionProto *function =
        model_file_function(&file, "local", "leak", "a", "o", &leak);
    Onnx__NodeProto holder;
    onnx__node_proto__init(&holder);
    set_float(&file, &holder, "slope", 0.5F);
    function->attribute_proto = holder.attribute;
    function->n_attribute_proto = 1;
    call(&file, "leak", "", "x", "h");
    call(&file, "leak", "", "h", "y");
    cxai_model *model = model_file_load(&file);
    model_file_end(&leak);
    check_answer(model, x, (double[]){ 4, -2 });
}

/* Values inside two calls do not meet; an input that is left out stays out, an
   input that is an output as well is copied, an output may be ignored. */
static void values_inside_are_its_own(void **state)
{
    (void)state;
    model_file file, body;
    start(&file);
    model_file_start(&body, OPSET);
    model_file_node(&body, "Clip", "", "a,low", "t");
    model_file_node(&body, "Add", "", "t,a", "o");
    model_file_function(&file, "local", "f", "a,low", "o,a,t", &body);
    model_file_raw(&file,
                   model_file_weight(&file, "zero", TENSOR_TYPE(FLOAT), ""),
                   (float[]){ 0 }, 4);
    call(&file, "f", "one", "x,zero", "h,same");
    call(&file, "f", "two", "same,", "t,,g");
    model_file_node(&file, "Add", "", "h,t", "i");
    model_file_node(&file, "Sub", "", "i,g", "y");
    cxai_model *model = model_file_load(&file);
    model_file_end(&body);
    /* h = 8,-8; t = 8,-16; g = 4,-8 */
    check_answer(model, x, (double[]){ 12, -16 });
}

static void functions_that_never_end(void **state)
{
    (void)state;
    model_file file, body, other;
    start(&file);
    model_file_start(&body, OPSET);
    call(&body, "f", "", "a", "o");
    model_file_function(&file, "local", "f", "a", "o", &body);
    call(&file, "f", "", "x", "y");
    refuse(&file, CXAI_MALFORMED, "calls itself");
    model_file_end(&body);

    start(&file);
    model_file_start(&body, OPSET);
    model_file_start(&other, OPSET);
    call(&body, "g", "", "a", "o");
    call(&other, "f", "", "a", "o");
    model_file_function(&file, "local", "f", "a", "o", &body);
    model_file_function(&file, "local", "g", "a", "o", &other);
    call(&file, "f", "", "x", "y");
    refuse(&file, CXAI_MALFORMED, "calls itself");
    model_file_end(&body);
    model_file_end(&other);
}

/* Each function calls the next one twice: 2^40 calls of nothing. */
static void functions_that_double(void **state)
{
    (void)state;
    enum { LEVELS = 40 };
    model_file file, body[LEVELS];
    char name[16], next[16];
    start(&file);
    for (int i = 0; i < LEVELS; i++) {
        snprintf(name, sizeof name, "f%d", i);
        snprintf(next, sizeof next, "f%d", i + 1);
        model_file_start(&body[i], OPSET);
        if (i + 1 < LEVELS) {
            call(&body[i], next, "", "a", "");
            call(&body[i], next, "", "a", "");
        }
        model_file_function(&file, "local", name, "a", "o", &body[i]);
    }
    call(&file, "f0", "", "x", "");
    refuse(&file, CXAI_LIMIT, "nodes");
    for (int i = 0; i < LEVELS; i++)
        model_file_end(&body[i]);
}

static void functions_that_do_not_fit(void **state)
{
    (void)state;
    model_file file, body;
    start(&file);
    model_file_start(&body, OPSET);
    model_file_node(&body, "Relu", "", "a", "o");
    model_file_function(&file, "local", "f", "a", "o", &body);
    call(&file, "f", "caller", "x,x", "y");
    refuse(&file, CXAI_MALFORMED, "f node \"caller\" does not fit");

    start(&file);
    Onnx__FunctionProto *function =
        model_file_function(&file, "local", "f", "a", "o", &body);
    Onnx__OperatorSetIdProto opset;
    Onnx__OperatorSetIdProto *opsets[] = { &opset };
    onnx__operator_set_id_proto__init(&opset);
    opset.has_version = 1;
    opset.version = 11;
    function->opset_import = opsets;
    function->n_opset_import = 1;
    call(&file, "f", "caller", "x", "y");
    refuse(&file, CXAI_UNSUPPORTED, "is written in opset 11, the model in 18");
    model_file_end(&body);

    start(&file);
    call(&file, "unknown", "caller", "x", "y");
    refuse(&file, CXAI_UNSUPPORTED, "local.unknown");
}

/* ---- If ---- */

static void truth(model_file *file, const char *name, uint8_t value)
{
    model_file_raw(file, model_file_weight(file, name, TENSOR_TYPE(BOOL), ""),
                   &value, 1);
}

/* The condition is computed: not (1 < 2) or 1 == 1. then: -x, else: x * 3. */
static void add_if(model_file *file, const char *condition, const char *output,
                   const char *name)
{
    model_file then, other;
    Onnx__NodeProto *node =
        model_file_node(file, "If", name, condition, output);
    model_file_start(&then, OPSET);
    model_file_node(&then, "Neg", "n", "x", "t");
    model_file_output(&then, "t");
    model_file_start(&other, OPSET);
    model_file_raw(&other,
                   model_file_weight(&other, "w", TENSOR_TYPE(FLOAT), ""),
                   (float[]){ 3 }, 4);
    model_file_node(&other, "Mul", "m", "x,w", "t");
    model_file_output(&other, "t");
    model_file_branch(file, node, "then_branch", &then);
    model_file_branch(file, node, "else_branch", &other);
    model_file_end(&then);
    model_file_end(&other);
}

static void branches_are_taken(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    add_if(&file, "yes", "a", "first");
    add_if(&file, "no", "b", "second");
    model_file_node(&file, "Not", "", "yes", "no"); /* below its reader */
    truth(&file, "yes", 1);
    model_file_node(&file, "Add", "", "a,b", "y");
    cxai_model *model = model_file_load(&file);
    assert_int_equal(cxai_model_node_count(model), 3);
    check_answer(model, x, (double[]){ 8, -16 });
}

/* A branch that only gives out what is there already. */
static void branches_may_be_empty(void **state)
{
    (void)state;
    model_file file, branch;
    start(&file);
    truth(&file, "yes", 1);
    Onnx__NodeProto *node = model_file_node(&file, "If", "if", "yes", "y");
    model_file_start(&branch, OPSET);
    model_file_output(&branch, "x");
    model_file_branch(&file, node, "then_branch", &branch);
    model_file_end(&branch);
    check_answer(model_file_load(&file), x, (double[]){ 4, -8 });
}

/* then: If(then: ..., innermost: Neg) `levels` deep. */
static void nest(model_file *file, int levels)
{
    model_file inner, outer;
    model_file_start(&inner, OPSET);
    model_file_node(&inner, "Neg", "", "x", "t");
    model_file_output(&inner, "t");
    for (int i = 1; i < levels; i++) {
        model_file_start(&outer, OPSET);
        Onnx__NodeProto *node = model_file_node(&outer, "If", "", "yes", "t");
        model_file_output(&outer, "t");
        model_file_branch(&outer, node, "then_branch", &inner);
        model_file_end(&inner);
        inner = outer;
    }
    truth(file, "yes", 1);
    model_file_branch(file, model_file_node(file, "If", "top", "yes", "y"),
                      "then_branch", &inner);
    model_file_end(&inner);
}

static void branches_in_branches(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    nest(&file, 20);
    check_answer(model_file_load(&file), x, (double[]){ -4, 8 });
    start(&file);
    nest(&file, 100);
    refuse(&file, CXAI_LIMIT, "nested more than 64 deep");
}

static void nesting_can_be_limited(void **state)
{
    (void)state;
    static const struct {
        int levels;
        uint64_t limit;
        cxai_status status;
    } tries[] = { { 90, 90, CXAI_OK },
                  { 91, 90, CXAI_LIMIT },
                  { 2, 1, CXAI_LIMIT },
                  { 1001, UINT64_MAX, CXAI_LIMIT } };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        const cxai_limits limits = { .nesting = tries[i].limit };
        model_file file;
        cxai_model *model;
        cxai_error error;
        size_t size;
        start(&file);
        nest(&file, tries[i].levels);
        const void *bytes = model_file_pack(&file, &size);
        cxai_status status =
            cxai_model_load_memory(&model, bytes, size, NULL, &limits, &error);
        assert_int_equal(status, tries[i].status);
        cxai_model_free(&model);
        model_file_end(&file);
    }
}

static void branches_that_are_refused(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    model_file_node(&file, "If", "if", "x", "y"); /* depends on the input */
    refuse(&file, CXAI_UNSUPPORTED, "If with a computed condition");

    start(&file);
    truth(&file, "yes", 1);
    model_file_node(&file, "If", "if", "yes", "y");
    refuse(&file, CXAI_MALFORMED, "If node \"if\" lacks a branch");

    start(&file);
    truth(&file, "yes", 1);
    Onnx__NodeProto *node = model_file_node(&file, "If", "if", "yes", "y");
    Onnx__AttributeProto *attribute =
        model_file_attribute(&file, node, "then_branch", ATTRIBUTE_TYPE(GRAPH));
    attribute->has_g = 1;
    attribute->g.data = model_file_alloc(&file, 2);
    attribute->g.len = 2;
    memcpy(attribute->g.data, "\xff\xff", 2);
    refuse(&file, CXAI_MALFORMED, "protobuf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_are_handed_on),
        cmocka_unit_test(attributes_have_defaults),
        cmocka_unit_test(values_inside_are_its_own),
        cmocka_unit_test(functions_that_never_end),
        cmocka_unit_test(functions_that_double),
        cmocka_unit_test(functions_that_do_not_fit),
        cmocka_unit_test(branches_are_taken),
        cmocka_unit_test(branches_may_be_empty),
        cmocka_unit_test(branches_in_branches),
        cmocka_unit_test(nesting_can_be_limited),
        cmocka_unit_test(branches_that_are_refused),
    };
    return cmocka_run_group_tests_name("onnx_inline", tests, NULL, NULL);
}
