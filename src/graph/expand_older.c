/*
 * Operators that ONNX had on trial until opset 9, which the exporters of their
 * time (Caffe2, Core ML, CNTK) used:
 *
 *   Affine             y = alpha x + beta
 *   ImageScaler        y = scale x + bias[channel]
 *   ParametricSoftplus y = alpha softplus(beta x)
 *   ScaledTanh         y = alpha tanh(beta x)
 *   Scale              y = scale x
 *   Crop               without the border left, top, right, bottom, or height
 *                      and width of `scale` from left and top on
 */
#include <string.h>

#include "graph/expansion.h"

static double number(const cx_expansion *e, const char *name, double otherwise)
{
    return cx_attribute_float(&e->spec->attributes, name, otherwise);
}

/* value times a constant, value itself for 1. */
static const char *scaled(cx_expansion *e, const char *value, const char *what,
                          double factor)
{
    const char *inputs[] = { value, CX_ABSENT };
    char name[64] = "by_";
    if (factor == 1)
        return value;
    inputs[1] = cx_expansion_constant(e, what, factor);
    return cx_expansion_helper(e, "Mul", strncat(name, what, 32), inputs, 2,
                               NULL);
}

/* The node's output = value combined with a constant. */
static void finish(cx_expansion *e, const char *type, const char *value,
                   const char *constant)
{
    const char *const inputs[] = { value, constant };
    cx_expansion_as(e, type, inputs, 2, (cx_attributes){ 0, NULL });
}

static void expand_affine(cx_expansion *e, const char *type)
{
    const char *x =
        scaled(e, cx_expansion_input(e, 0), "alpha", number(e, "alpha", 1));
    finish(e, type, x, cx_expansion_constant(e, "beta", number(e, "beta", 0)));
}

static void expand_image_scaler(cx_expansion *e, const char *type)
{
    const cx_attribute *bias =
        cx_attribute_find(&e->spec->attributes, "bias", CX_ATTRIBUTE_FLOATS);
    const char *x =
        scaled(e, cx_expansion_input(e, 0), "scale", number(e, "scale", 1));
    const cxai_shape channels = { 3, { bias != NULL ? bias->count : 1, 1, 1 } };
    const double none = 0;
    finish(e, type, x,
           cx_expansion_reals(e, "bias", &channels,
                              bias != NULL ? bias->floats : &none));
}

/* alpha f(beta x) */
static void expand_scaled_function(cx_expansion *e, const char *type)
{
    const char *x =
        scaled(e, cx_expansion_input(e, 0), "beta", number(e, "beta", 1));
    const char *y = cx_expansion_helper(e, type, "function", &x, 1, NULL);
    finish(e, "Mul", y,
           cx_expansion_constant(e, "alpha", number(e, "alpha", 1)));
}

static void expand_scale(cx_expansion *e, const char *type)
{
    finish(e, type, cx_expansion_input(e, 0),
           cx_expansion_constant(e, "scale", number(e, "scale", 1)));
}

static void expand_crop(cx_expansion *e, const char *type)
{
    const cx_attributes *attributes = &e->spec->attributes;
    const cx_attribute *border =
        cx_attribute_find(attributes, "border", CX_ATTRIBUTE_INTS);
    const cx_attribute *scale =
        cx_attribute_find(attributes, "scale", CX_ATTRIBUTE_INTS);
    const char *const x = cx_expansion_input(e, 0);
    if (border == NULL || border->count != 4 ||
        (scale != NULL && scale->count != 2)) {
        e->status = cxai_fail(e->error, CXAI_MALFORMED,
                              "Crop node \"%s\" has no border of 4 numbers, or "
                              "not 2 of a size",
                              e->spec->name);
        return;
    }
    const int64_t *cut = border->ints; /* left, top, right, bottom */
    const int64_t starts[] = { cut[1], cut[0] }, axes[] = { 2, 3 };
    int64_t ends[] = { cut[3] > 0 ? -cut[3] : INT64_MAX,
                       cut[2] > 0 ? -cut[2] : INT64_MAX };
    for (int i = 0; scale != NULL && i < 2; i++)
        if (__builtin_add_overflow(starts[i], scale->ints[i], &ends[i]))
            ends[i] = INT64_MAX;
    const cx_attribute list[] = {
        { "starts", CX_ATTRIBUTE_INTS, .count = 2, .ints = starts },
        { "ends", CX_ATTRIBUTE_INTS, .count = 2, .ints = ends },
        { "axes", CX_ATTRIBUTE_INTS, .count = 2, .ints = axes },
    };
    cx_expansion_as(e, type, &x, 1, (cx_attributes){ CX_COUNT(list), list });
}

const cx_compound cx_older_compounds[] = {
    { "", "Affine", expand_affine, "Add", 0 },
    { "", "ImageScaler", expand_image_scaler, "Add", 0 },
    { "", "ParametricSoftplus", expand_scaled_function, "Softplus", 0 },
    { "", "ScaledTanh", expand_scaled_function, "Tanh", 0 },
    { "", "Scale", expand_scale, "Mul", 0 },
    { "", "Crop", expand_crop, "Slice", 0 },
};

const int cx_older_compound_count = CX_COUNT(cx_older_compounds);
