/*
 * Quantised operators (QLinearConv, MatMulInteger, and those of the domain
 * com.microsoft): their inputs are dequantised, the operator on real numbers
 * does its work, the result is quantised.
 */
#include <stdio.h>

#include "graph/expansion.h"

enum { MOST_INPUTS = 64 };

static cx_attribute axis_attribute(int64_t axis)
{
    return (
        cx_attribute){ .name = "axis", .kind = CX_ATTRIBUTE_INT, .i = axis };
}

/* Inputs first, first + 1, first + 2: numbers, scale and zero point. */
static const char *dequantize(cx_expansion *e, int first, const char *what,
                              int64_t axis)
{
    const cx_attribute attribute = axis_attribute(axis);
    const char *const inputs[] = { cx_expansion_input(e, first),
                                   cx_expansion_input(e, first + 1),
                                   cx_expansion_input(e, first + 2) };
    return cx_expansion_helper(e, "DequantizeLinear", what, inputs, 3,
                               &attribute);
}

/* A bias, whose scale is the product of those of inputs a and b. */
static const char *dequantize_bias(cx_expansion *e, const char *bias, int a,
                                   int b, double factor)
{
    const cx_attribute attribute = axis_attribute(0);
    const char *scales[] = { cx_expansion_input(e, a),
                             cx_expansion_input(e, b) };
    if (*bias == '\0')
        return CX_ABSENT;
    const char *product =
        cx_expansion_helper(e, "Mul", "bias_scale", scales, 2, NULL);
    if (factor != 1) {
        const char *both[] = { product, cx_expansion_constant(e, "bias_factor",
                                                              factor) };
        product = cx_expansion_helper(e, "Mul", "bias_factors", both, 2, NULL);
    }
    const char *const inputs[] = { bias, product };
    return cx_expansion_helper(e, "DequantizeLinear", "bias", inputs, 2,
                               &attribute);
}

/* The node's output, with the scale and zero point of inputs first and
   first + 1. */
static void quantize(cx_expansion *e, const char *value, int first)
{
    const char *const inputs[] = { value, cx_expansion_input(e, first),
                                   cx_expansion_input(e, first + 1) };
    const cx_node_spec spec = {
        .type = "QuantizeLinear",
        .module = e->spec->module,
        .inputs = inputs,
        .input_count = 3,
        .outputs = e->spec->outputs,
        .output_count = 1,
    };
    cx_expansion_add(e, &spec);
}

/* ---- operators of the default domain ------------------------------------- */

static void expand_conv(cx_expansion *e, const char *type)
{
    const char *const inputs[] = {
        dequantize(e, 0, "input", 1),
        dequantize(e, 3, "weights", 0),
        dequantize_bias(e, cx_expansion_input(e, 8), 1, 4, 1),
    };
    quantize(e, cx_expansion_real(e, type, inputs, 3), 6);
}

static void expand_matmul(cx_expansion *e, const char *type)
{
    const char *const inputs[] = { dequantize(e, 0, "a", -2),
                                   dequantize(e, 3, "b", -1) };
    quantize(e, cx_expansion_real(e, type, inputs, 2), 6);
}

/* Numbers less their zero point: dequantised with scales of 1. */
static const char *subtract_zero(cx_expansion *e, int numbers, int zero,
                                 const char *what, int64_t axis)
{
    const cx_attribute attribute = axis_attribute(axis);
    const char *inputs[] = { cx_expansion_input(e, numbers), CX_ABSENT,
                             cx_expansion_input(e, zero) };
    char shape[32], scale[32];
    snprintf(shape, sizeof shape, "%s_shape", what);
    snprintf(scale, sizeof scale, "%s_scale", what);
    if (*inputs[2] == '\0') {
        inputs[1] = cx_expansion_constant(e, scale, 1);
    } else {
        cxai_real one = 1;
        const cx_literal literal = { .type = CX_REAL, .data = &one };
        const cx_attribute value = { .name = "value",
                                     .kind = CX_ATTRIBUTE_TENSOR,
                                     .tensor = &literal };
        const char *size =
            cx_expansion_helper(e, "Shape", shape, &inputs[2], 1, NULL);
        inputs[1] =
            cx_expansion_helper(e, "ConstantOfShape", scale, &size, 1, &value);
    }
    return cx_expansion_helper(e, "DequantizeLinear", what, inputs, 3,
                               &attribute);
}

/* The result is a 32-bit integer. */
static void integer_result(cx_expansion *e, const char *value)
{
    const cx_attribute type = { .name = "output_dtype",
                                .kind = CX_ATTRIBUTE_INT,
                                .i = 6 };
    const char *const inputs[] = { value, cx_expansion_constant(e, "unit", 1) };
    const cx_node_spec spec = {
        .type = "QuantizeLinear",
        .module = e->spec->module,
        .inputs = inputs,
        .input_count = 2,
        .outputs = e->spec->outputs,
        .output_count = 1,
        .attributes = { 1, &type },
    };
    cx_expansion_add(e, &spec);
}

static void expand_conv_integer(cx_expansion *e, const char *type)
{
    const char *const inputs[] = { subtract_zero(e, 0, 2, "input", 1),
                                   subtract_zero(e, 1, 3, "weights", 0) };
    integer_result(e, cx_expansion_real(e, type, inputs, 2));
}

static void expand_matmul_integer(cx_expansion *e, const char *type)
{
    const char *const inputs[] = { subtract_zero(e, 0, 2, "a", -2),
                                   subtract_zero(e, 1, 3, "b", -1) };
    integer_result(e, cx_expansion_real(e, type, inputs, 2));
}

/* ---- operators of com.microsoft ------------------------------------------ */

/* x, its scale and zero point; scale and zero point of y. */
static void expand_unary(cx_expansion *e, const char *type)
{
    const char *x = dequantize(e, 0, "input", 1);
    quantize(e, cx_expansion_real(e, type, &x, 1), 3);
}

static void expand_binary(cx_expansion *e, const char *type)
{
    const char *const inputs[] = { dequantize(e, 0, "a", 1),
                                   dequantize(e, 3, "b", 1) };
    quantize(e, cx_expansion_real(e, type, inputs, 2), 6);
}

/* Scale and zero point of y, then those of each input behind it. */
static void expand_concat(cx_expansion *e, const char *type)
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
    quantize(e, cx_expansion_real(e, type, inputs, count), 0);
}

/* Without a scale of y the result stays real. */
static void expand_gemm(cx_expansion *e, const char *type)
{
    const cx_attributes *attributes = &e->spec->attributes;
    int transposed = cx_attribute_int(attributes, "transB", 0) != 0;
    double alpha = cx_attribute_float(attributes, "alpha", 1);
    const char *const inputs[] = {
        dequantize(e, 0, "a", 1),
        dequantize(e, 3, "b", transposed ? 0 : 1),
        dequantize_bias(e, cx_expansion_input(e, 6), 1, 4, alpha),
    };
    if (*cx_expansion_input(e, 7) != '\0') {
        quantize(e, cx_expansion_real(e, type, inputs, 3), 7);
        return;
    }
    cx_expansion_as(e, type, inputs, 3, *attributes);
}

/* ---- table --------------------------------------------------------------- */

const cx_compound cx_quantized_compounds[] = {
    { "", "QLinearConv", expand_conv, "Conv", 0 },
    { "", "QLinearMatMul", expand_matmul, "MatMul", 0 },
    { "", "ConvInteger", expand_conv_integer, "Conv", 0 },
    { "", "MatMulInteger", expand_matmul_integer, "MatMul", 0 },
    { CX_MICROSOFT, "QLinearAdd", expand_binary, "Add", 0 },
    { CX_MICROSOFT, "QLinearMul", expand_binary, "Mul", 0 },
    { CX_MICROSOFT, "QLinearAveragePool", expand_unary, "AveragePool", 0 },
    { CX_MICROSOFT, "QLinearGlobalAveragePool", expand_unary,
      "GlobalAveragePool", 0 },
    { CX_MICROSOFT, "QLinearReduceMean", expand_unary, "ReduceMean", 0 },
    { CX_MICROSOFT, "QLinearLeakyRelu", expand_unary, "LeakyRelu", 0 },
    { CX_MICROSOFT, "QLinearSigmoid", expand_unary, "Sigmoid", 0 },
    { CX_MICROSOFT, "QLinearSoftmax", expand_unary, "Softmax", 0 },
    { CX_MICROSOFT, "QLinearConcat", expand_concat, "Concat", 0 },
    { CX_MICROSOFT, "QGemm", expand_gemm, "Gemm", 0 },
    { CX_MICROSOFT, "QuantizeLinear", cx_expansion_rename, "QuantizeLinear",
      0 },
    { CX_MICROSOFT, "DequantizeLinear", cx_expansion_rename, "DequantizeLinear",
      0 },
};

const int cx_quantized_compound_count = CX_COUNT(cx_quantized_compounds);
