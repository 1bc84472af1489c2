#include "graph/expand.h"

#include <stdio.h>
#include <string.h>

/* The nodes of one compound node while they are added. Values are names; after
   a failure everything else does nothing. */
typedef struct expansion {
    cx_builder *builder;
    const cx_node_spec *spec;
    cxai_error *error;
    cxai_status status;
} expansion;

enum { MOST_INPUTS = 64 };

static const char *const absent = "";

/* Input i of the compound node, "" when it is left out. */
static const char *input(const expansion *e, int i)
{
    return i < e->spec->input_count ? e->spec->inputs[i] : absent;
}

/* A new value's name: the node's first output with something behind it. */
static const char *name_value(expansion *e, const char *what)
{
    char text[600];
    int length =
        snprintf(text, sizeof text, "%.500s/%s", e->spec->outputs[0], what);
    const char *name =
        cx_arena_text(cx_builder_arena(e->builder), text, (size_t)length);
    if (name == NULL && e->status == CXAI_OK)
        e->status = cxai_fail(e->error, CXAI_NO_MEMORY, "out of memory");
    return name != NULL ? name : absent;
}

static void add_node(expansion *e, const cx_node_spec *spec)
{
    if (e->status == CXAI_OK)
        e->status = cx_builder_node(e->builder, spec, e->error);
}

/* A helper node without a name of its own; returns its output. */
static const char *helper(expansion *e, const char *type, const char *what,
                          const char *const *inputs, int input_count,
                          const cx_attribute *attribute)
{
    const char *output = name_value(e, what);
    const cx_node_spec spec = {
        .type = type,
        .module = e->spec->module,
        .inputs = inputs,
        .input_count = input_count,
        .outputs = &output,
        .output_count = 1,
        .attributes = { attribute != NULL, attribute },
    };
    add_node(e, &spec);
    return output;
}

static cx_attribute axis_attribute(int64_t axis)
{
    return (
        cx_attribute){ .name = "axis", .kind = CX_ATTRIBUTE_INT, .i = axis };
}

/* A real constant of one element. */
static const char *constant(expansion *e, const char *what, double value)
{
    const cxai_shape scalar = { .rank = 0 };
    cxai_real number = (cxai_real)value;
    const cx_literal literal = { .type = CX_REAL,
                                 .shape = scalar,
                                 .data = &number };
    const char *name = name_value(e, what);
    if (e->status == CXAI_OK)
        e->status = cx_builder_literal(e->builder, name, &literal, e->error);
    return name;
}

/* Inputs first, first + 1, first + 2: numbers, scale and zero point. */
static const char *dequantize(expansion *e, int first, const char *what,
                              int64_t axis)
{
    const cx_attribute attribute = axis_attribute(axis);
    const char *const inputs[] = { input(e, first), input(e, first + 1),
                                   input(e, first + 2) };
    return helper(e, "DequantizeLinear", what, inputs, 3, &attribute);
}

/* A bias, whose scale is the product of those of inputs a and b. */
static const char *dequantize_bias(expansion *e, const char *bias, int a, int b,
                                   double factor)
{
    const cx_attribute attribute = axis_attribute(0);
    const char *scales[] = { input(e, a), input(e, b) };
    if (*bias == '\0')
        return absent;
    const char *product = helper(e, "Mul", "bias_scale", scales, 2, NULL);
    if (factor != 1) {
        const char *both[] = { product, constant(e, "bias_factor", factor) };
        product = helper(e, "Mul", "bias_factors", both, 2, NULL);
    }
    const char *const inputs[] = { bias, product };
    return helper(e, "DequantizeLinear", "bias", inputs, 2, &attribute);
}

/* The operator on real numbers: keeps name and attributes. */
static const char *real(expansion *e, const char *type,
                        const char *const *inputs, int input_count)
{
    const char *output = name_value(e, "real");
    cx_node_spec spec = *e->spec;
    spec.type = type;
    spec.domain = absent;
    spec.inputs = inputs;
    spec.input_count = input_count;
    spec.outputs = &output;
    spec.output_count = 1;
    add_node(e, &spec);
    return output;
}

/* The node's output, with the scale and zero point of inputs first and
   first + 1. */
static void quantize(expansion *e, const char *value, int first)
{
    const char *const inputs[] = { value, input(e, first),
                                   input(e, first + 1) };
    const cx_node_spec spec = {
        .type = "QuantizeLinear",
        .module = e->spec->module,
        .inputs = inputs,
        .input_count = 3,
        .outputs = e->spec->outputs,
        .output_count = 1,
    };
    add_node(e, &spec);
}

/* ---- operators of the default domain ------------------------------------- */

static void expand_conv(expansion *e, const char *type)
{
    const char *const inputs[] = {
        dequantize(e, 0, "input", 1),
        dequantize(e, 3, "weights", 0),
        dequantize_bias(e, input(e, 8), 1, 4, 1),
    };
    quantize(e, real(e, type, inputs, 3), 6);
}

static void expand_matmul(expansion *e, const char *type)
{
    const char *const inputs[] = { dequantize(e, 0, "a", -2),
                                   dequantize(e, 3, "b", -1) };
    quantize(e, real(e, type, inputs, 2), 6);
}

/* Numbers less their zero point: dequantised with scales of 1. */
static const char *subtract_zero(expansion *e, int numbers, int zero,
                                 const char *what, int64_t axis)
{
    const cx_attribute attribute = axis_attribute(axis);
    const char *inputs[] = { input(e, numbers), absent, input(e, zero) };
    char shape[32], scale[32];
    snprintf(shape, sizeof shape, "%s_shape", what);
    snprintf(scale, sizeof scale, "%s_scale", what);
    if (*inputs[2] == '\0') {
        inputs[1] = constant(e, scale, 1);
    } else {
        cxai_real one = 1;
        const cx_literal literal = { .type = CX_REAL, .data = &one };
        const cx_attribute value = { .name = "value",
                                     .kind = CX_ATTRIBUTE_TENSOR,
                                     .tensor = &literal };
        const char *size = helper(e, "Shape", shape, &inputs[2], 1, NULL);
        inputs[1] = helper(e, "ConstantOfShape", scale, &size, 1, &value);
    }
    return helper(e, "DequantizeLinear", what, inputs, 3, &attribute);
}

/* The result is a 32-bit integer. */
static void integer_result(expansion *e, const char *value)
{
    const cx_attribute type = { .name = "output_dtype",
                                .kind = CX_ATTRIBUTE_INT,
                                .i = 6 };
    const char *const inputs[] = { value, constant(e, "unit", 1) };
    const cx_node_spec spec = {
        .type = "QuantizeLinear",
        .module = e->spec->module,
        .inputs = inputs,
        .input_count = 2,
        .outputs = e->spec->outputs,
        .output_count = 1,
        .attributes = { 1, &type },
    };
    add_node(e, &spec);
}

static void expand_conv_integer(expansion *e, const char *type)
{
    const char *const inputs[] = { subtract_zero(e, 0, 2, "input", 1),
                                   subtract_zero(e, 1, 3, "weights", 0) };
    integer_result(e, real(e, type, inputs, 2));
}

static void expand_matmul_integer(expansion *e, const char *type)
{
    const char *const inputs[] = { subtract_zero(e, 0, 2, "a", -2),
                                   subtract_zero(e, 1, 3, "b", -1) };
    integer_result(e, real(e, type, inputs, 2));
}

/* ---- operators of com.microsoft ------------------------------------------ */

/* x, its scale and zero point; scale and zero point of y. */
static void expand_unary(expansion *e, const char *type)
{
    const char *x = dequantize(e, 0, "input", 1);
    quantize(e, real(e, type, &x, 1), 3);
}

static void expand_binary(expansion *e, const char *type)
{
    const char *const inputs[] = { dequantize(e, 0, "a", 1),
                                   dequantize(e, 3, "b", 1) };
    quantize(e, real(e, type, inputs, 2), 6);
}

/* Scale and zero point of y, then those of each input behind it. */
static void expand_concat(expansion *e, const char *type)
{
    const char *inputs[MOST_INPUTS];
    int count = (e->spec->input_count - 2) / 3;
    if (count < 1 || count > MOST_INPUTS) {
        e->status =
            cxai_fail(e->error, CXAI_MALFORMED, "%s node \"%s\" has %d inputs",
                      e->spec->type, e->spec->name, e->spec->input_count);
        return;
    }
    for (int i = 0; i < count; i++) {
        char what[32];
        snprintf(what, sizeof what, "input%d", i);
        inputs[i] = dequantize(e, 2 + 3 * i, what, 1);
    }
    quantize(e, real(e, type, inputs, count), 0);
}

/* Without a scale of y the result stays real. */
static void expand_gemm(expansion *e, const char *type)
{
    const cx_attributes *attributes = &e->spec->attributes;
    int transposed = cx_attribute_int(attributes, "transB", 0) != 0;
    double alpha = cx_attribute_float(attributes, "alpha", 1);
    const char *const inputs[] = {
        dequantize(e, 0, "a", 1),
        dequantize(e, 3, "b", transposed ? 0 : 1),
        dequantize_bias(e, input(e, 6), 1, 4, alpha),
    };
    if (*input(e, 7) != '\0') {
        quantize(e, real(e, type, inputs, 3), 7);
        return;
    }
    cx_node_spec spec = *e->spec;
    spec.type = type;
    spec.domain = absent;
    spec.inputs = inputs;
    spec.input_count = 3;
    add_node(e, &spec);
}

static void expand_same(expansion *e, const char *type)
{
    cx_node_spec spec = *e->spec;
    spec.type = type;
    spec.domain = absent;
    add_node(e, &spec);
}

/* ---- table --------------------------------------------------------------- */

#define MICROSOFT "com.microsoft"

static const struct compound {
    const char *domain, *type;
    void (*expand)(expansion *e, const char *real_type);
    const char *real_type;
} compounds[] = {
    { "", "QLinearConv", expand_conv, "Conv" },
    { "", "QLinearMatMul", expand_matmul, "MatMul" },
    { "", "ConvInteger", expand_conv_integer, "Conv" },
    { "", "MatMulInteger", expand_matmul_integer, "MatMul" },
    { MICROSOFT, "QLinearAdd", expand_binary, "Add" },
    { MICROSOFT, "QLinearMul", expand_binary, "Mul" },
    { MICROSOFT, "QLinearAveragePool", expand_unary, "AveragePool" },
    { MICROSOFT, "QLinearGlobalAveragePool", expand_unary,
      "GlobalAveragePool" },
    { MICROSOFT, "QLinearReduceMean", expand_unary, "ReduceMean" },
    { MICROSOFT, "QLinearLeakyRelu", expand_unary, "LeakyRelu" },
    { MICROSOFT, "QLinearSigmoid", expand_unary, "Sigmoid" },
    { MICROSOFT, "QLinearSoftmax", expand_unary, "Softmax" },
    { MICROSOFT, "QLinearConcat", expand_concat, "Concat" },
    { MICROSOFT, "QGemm", expand_gemm, "Gemm" },
    { MICROSOFT, "QuantizeLinear", expand_same, "QuantizeLinear" },
    { MICROSOFT, "DequantizeLinear", expand_same, "DequantizeLinear" },
};

static const struct compound *find(const char *domain, const char *type)
{
    if (strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (size_t i = 0; i < sizeof compounds / sizeof compounds[0]; i++)
        if (strcmp(compounds[i].domain, domain) == 0 &&
            strcmp(compounds[i].type, type) == 0)
            return &compounds[i];
    return NULL;
}

int cx_is_compound(const char *domain, const char *type)
{
    return find(domain, type) != NULL;
}

cxai_status cx_expand(cx_builder *builder, const cx_node_spec *spec,
                      cxai_error *error)
{
    const struct compound *compound =
        find(spec->domain != NULL ? spec->domain : "", spec->type);
    expansion e = { builder, spec, error, CXAI_OK };
    if (cx_attribute_int(&spec->attributes, "channels_last", 0) != 0)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s node \"%s\": channels_last is not supported",
                         spec->type, spec->name);
    if (spec->output_count != 1 || *spec->outputs[0] == '\0')
        return cxai_fail(error, CXAI_MALFORMED, "%s node \"%s\" has %d outputs",
                         spec->type, spec->name, spec->output_count);
    compound->expand(&e, compound->real_type);
    return e.status;
}
