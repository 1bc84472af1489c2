/*
 * What onnxruntime's optimiser makes of several nodes (domain com.microsoft,
 * and two of the default one): a product with its bias, residual and
 * activation, a sum with its normalisation, forms of Gelu. And SwiGLU of
 * opset 28.
 */
#include <string.h>

#include "graph/expansion.h"

static cx_attribute real_attribute(const char *name, double value)
{
    return (
        cx_attribute){ .name = name, .kind = CX_ATTRIBUTE_FLOAT, .f = value };
}

static void refuse(cx_expansion *e, const char *what, const char *value)
{
    if (e->status == CXAI_OK)
        e->status = cxai_fail(e->error, CXAI_UNSUPPORTED,
                              "%s node \"%s\": %s \"%s\" is not supported",
                              e->spec->type, e->spec->name, what, value);
}

/* a + b, a itself where b is left out. */
static const char *sum(cx_expansion *e, const char *a, const char *b,
                       const char *what)
{
    const char *const inputs[] = { a, b };
    return *b == '\0' ? a
                      : cx_expansion_helper(e, "Add", what, inputs, 2, NULL);
}

/* ---- products with activations ------------------------------------------- */

/* Number i of an activation's parameters. */
static double parameter(const cx_expansion *e, int i, double otherwise)
{
    static const char *const names[] = { "activation_alpha",
                                         "activation_beta" };
    const cx_attribute *list = cx_attribute_find(
        &e->spec->attributes, "activation_params", CX_ATTRIBUTE_FLOATS);
    if (list != NULL)
        return i < list->count ? list->floats[i] : otherwise;
    return cx_attribute_float(&e->spec->attributes, names[i], otherwise);
}

/* The node's output = the attribute `activation` of a value. */
static void activate(cx_expansion *e, const char *value)
{
    const char *type =
        cx_attribute_string(&e->spec->attributes, "activation", "");
    const char *inputs[] = { value, CX_ABSENT, CX_ABSENT };
    cx_attribute list[] = { real_attribute("alpha", parameter(e, 0, 0.01)),
                            real_attribute("beta", parameter(e, 1, 0.5)) };
    cx_attributes attributes = { 0, list };
    int count = 1;
    if (strcmp(type, "LeakyRelu") == 0) {
        attributes.count = 1;
    } else if (strcmp(type, "HardSigmoid") == 0) {
        list[0].f = parameter(e, 0, 0.2);
        attributes.count = 2;
    } else if (strcmp(type, "Clip") == 0) {
        inputs[1] = cx_expansion_constant(e, "low", parameter(e, 0, -3.4e38));
        inputs[2] = cx_expansion_constant(e, "high", parameter(e, 1, 3.4e38));
        count = 3;
    } else if (*type == '\0') {
        type = "Identity";
    } else if (strcmp(type, "Relu") != 0 && strcmp(type, "Tanh") != 0 &&
               strcmp(type, "Sigmoid") != 0) {
        refuse(e, "the activation", type);
        return;
    }
    cx_expansion_node(e, type, e->spec->outputs[0], inputs, count, attributes);
}

/* X, W, B and what is added. */
static void expand_conv(cx_expansion *e, const char *type)
{
    const char *const inputs[] = { cx_expansion_input(e, 0),
                                   cx_expansion_input(e, 1),
                                   cx_expansion_input(e, 2) };
    const char *y = cx_expansion_real(e, type, inputs, 3);
    activate(e, sum(e, y, cx_expansion_input(e, 3), "sum"));
}

static void expand_gemm(cx_expansion *e, const char *type)
{
    activate(e,
             cx_expansion_real(e, type, e->spec->inputs, e->spec->input_count));
}

/* alpha a' b', where a' and b' may be transposed: an Einsum says it for any
   number of dimensions. */
static void expand_matmul(cx_expansion *e, const char *type)
{
    static const char *const equations[] = { "...ij,...jk->...ik",
                                             "...ji,...jk->...ik",
                                             "...ij,...kj->...ik",
                                             "...ji,...kj->...ik" };
    const cx_attributes *own = &e->spec->attributes;
    if (cx_attribute_int(own, "transBatchA", 0) != 0 ||
        cx_attribute_int(own, "transBatchB", 0) != 0) {
        refuse(e, "an attribute", "transBatch");
        return;
    }
    int which = (cx_attribute_int(own, "transA", 0) != 0) +
                2 * (cx_attribute_int(own, "transB", 0) != 0);
    const cx_attribute equation = { .name = "equation",
                                    .kind = CX_ATTRIBUTE_STRING,
                                    .s = equations[which] };
    cx_expansion inner = *e;
    cx_node_spec spec = *e->spec;
    spec.attributes = (cx_attributes){ 1, &equation };
    inner.spec = &spec;
    const char *inputs[] = {
        cx_expansion_real(&inner, type, spec.inputs, spec.input_count),
        cx_expansion_constant(&inner, "alpha",
                              cx_attribute_float(own, "alpha", 1)),
    };
    e->status = inner.status;
    cx_expansion_node(e, "Mul", e->spec->outputs[0], inputs, 2,
                      (cx_attributes){ 0, NULL });
}

/* ---- forms of Gelu ------------------------------------------------------- */

/* f(x + bias); the approximation of FastGelu is the one by tanh. */
static void expand_gelu(cx_expansion *e, const char *type)
{
    const cx_attribute tanh_form = { .name = "approximate",
                                     .kind = CX_ATTRIBUTE_STRING,
                                     .s = "tanh" };
    int is_fast = strcmp(e->spec->type, "FastGelu") == 0;
    const char *const x =
        sum(e, cx_expansion_input(e, 0), cx_expansion_input(e, 1), "biased");
    cx_expansion_as(e, type, &x, 1, (cx_attributes){ is_fast, &tanh_form });
}

static void expand_quick_gelu(cx_expansion *e, const char *type)
{
    const cx_attribute alpha = real_attribute(
        "alpha", cx_attribute_float(&e->spec->attributes, "alpha", 1.702));
    cx_expansion_as(e, type, e->spec->inputs, e->spec->input_count,
                    (cx_attributes){ 1, &alpha });
}

static void expand_gated(cx_expansion *e, const char *type)
{
    const char *const gate = cx_expansion_input(e, 0);
    const char *const inputs[] = { cx_expansion_real(e, type, &gate, 1),
                                   cx_expansion_input(e, 1) };
    cx_expansion_node(e, "Mul", e->spec->outputs[0], inputs, 2,
                      (cx_attributes){ 0, NULL });
}

/* ---- normalisations ------------------------------------------------------ */

enum { SUM_OUTPUT = 3 };

/* The normalisation of the last axis: its attribute, and the node's name. */
static void normalize(cx_expansion *e, const char *type,
                      const char *const *inputs, int input_count)
{
    cx_attribute list[] = {
        { .name = "axis", .kind = CX_ATTRIBUTE_INT, .i = -1 },
        real_attribute("epsilon", cx_attribute_float(&e->spec->attributes,
                                                     "epsilon", 1e-12)),
    };
    cx_expansion_as(e, type, inputs, input_count,
                    (cx_attributes){ CX_COUNT(list), list });
}

/* input, skip, gamma, then beta and bias, or of the simplified form bias. The
   outputs mean and deviation are for training; the fourth is the sum. */
static void expand_skip(cx_expansion *e, const char *type)
{
    const cx_node_spec *own = e->spec;
    int is_simplified = strcmp(type, "RMSNormalization") == 0;
    const char *const terms[] = { cx_expansion_input(e, 0),
                                  cx_expansion_input(e, 1) };
    const char *bias = cx_expansion_input(e, is_simplified ? 3 : 4);
    int shows =
        own->output_count > SUM_OUTPUT && *own->outputs[SUM_OUTPUT] != '\0';
    const char *x =
        shows ? own->outputs[SUM_OUTPUT] : cx_expansion_name(e, "sum");
    const char *first = x;
    for (int i = 1; i < own->output_count && i < SUM_OUTPUT; i++)
        if (*own->outputs[i] != '\0')
            refuse(e, "the output", own->outputs[i]);
    if (*bias != '\0')
        first = cx_expansion_name(e, "skipped");
    cx_expansion_node(e, "Add", first, terms, 2, (cx_attributes){ 0, NULL });
    const char *const biased[] = { first, bias };
    if (*bias != '\0')
        cx_expansion_node(e, "Add", x, biased, 2, (cx_attributes){ 0, NULL });
    const char *const inputs[] = { x, cx_expansion_input(e, 2),
                                   cx_expansion_input(e, 3) };
    normalize(e, type, inputs, is_simplified ? 2 : 3);
}

/* ---- table --------------------------------------------------------------- */

const cx_compound cx_fused_compounds[] = {
    { "", "SwiGLU", expand_gated, "Swish", 0 },
    { "", "SimplifiedLayerNormalization", cx_expansion_rename,
      "RMSNormalization", 0 },
    { CX_MICROSOFT, "FusedConv", expand_conv, "Conv", 0 },
    { CX_MICROSOFT, "FusedGemm", expand_gemm, "Gemm", 0 },
    { CX_MICROSOFT, "FusedMatMul", expand_matmul, "Einsum", 0 },
    { CX_MICROSOFT, "Gelu", expand_gelu, "Gelu", 0 },
    { CX_MICROSOFT, "BiasGelu", expand_gelu, "Gelu", 0 },
    { CX_MICROSOFT, "FastGelu", expand_gelu, "Gelu", 0 },
    { CX_MICROSOFT, "QuickGelu", expand_quick_gelu, "Swish", 0 },
    { CX_MICROSOFT, "SkipLayerNormalization", expand_skip, "LayerNormalization",
      4 },
    { CX_MICROSOFT, "SkipSimplifiedLayerNormalization", expand_skip,
      "RMSNormalization", 4 },
};

const int cx_fused_compound_count = CX_COUNT(cx_fused_compounds);
