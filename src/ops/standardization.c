/*
 * LayerNormalization, RMSNormalization, GroupNormalization,
 * InstanceNormalization and MeanVarianceNormalization: the numbers of a set of
 * axes are brought to mean 0 and variance 1, then scaled and shifted
 * (ops/common/standardize.h).
 *
 * They differ in the axes (Ba et al., arXiv:1607.06450; Ulyanov et al.,
 * arXiv:1607.08022; Wu and He, arXiv:1803.08494) and in whether the mean is
 * subtracted (not in RMSNormalization; Zhang and Sennrich, arXiv:1910.07467).
 * An instance is a group of one channel.
 */
#include "ops/common/constant.h"
#include "ops/common/standardize.h"

enum {
    X = CX_STANDARDIZE_X,
    SCALE = CX_STANDARDIZE_SCALE,
    BIAS = CX_STANDARDIZE_BIAS,
    MEAN = CX_STANDARDIZE_MEAN,
};

/* ---- shapes -------------------------------------------------------------- */

static void set_axes_from(cx_standardize *p, int first, int rank)
{
    for (int a = first; a < rank; a++)
        p->axes |= (uint32_t)1 << a;
}

/* Scale and bias broadcast to x, and only in one direction. */
static cxai_status check_trailing(const cx_case *c)
{
    for (int i = SCALE; i < c->input_count; i++) {
        cxai_shape both;
        char text[128], x_text[128];
        if (cx_has_input(c, i) &&
            (cx_shape_broadcast(&c->x_shape[X], &c->x_shape[i], &both) != 0 ||
             !cxai_shape_equal(&both, &c->x_shape[X])))
            return cx_refuse(
                c, CXAI_INVALID, "input %d of shape %s does not fit to %s", i,
                cxai_shape_text(&c->x_shape[i], text, sizeof text),
                cxai_shape_text(&c->x_shape[X], x_text, sizeof x_text));
    }
    return CXAI_OK;
}

/* Over the axes from attribute `axis` on. */
static cxai_status infer_trailing(const cx_case *c, int centered)
{
    cx_standardize *p = c->params;
    int axis, rank = c->x_shape[X].rank;
    cxai_status status = cx_read_axis(
        c, cx_attribute_int(c->attributes, "axis", -1), rank, &axis);
    if (status == CXAI_OK)
        status = check_trailing(c);
    if (status != CXAI_OK)
        return status;
    set_axes_from(p, axis, rank);
    p->centered = centered;
    p->epsilon = cx_attribute_float(c->attributes, "epsilon", 1e-5);
    status = cx_standardize_infer(c);
    for (int k = MEAN; status == CXAI_OK && k < c->output_count; k++) {
        cxai_shape shape = c->x_shape[X];
        for (int a = axis; a < rank; a++)
            shape.dim[a] = 1;
        status = cx_set_shape(c, k, &shape);
    }
    return status;
}

static cxai_status infer_layer(const cx_case *c)
{
    return infer_trailing(c, 1);
}

static cxai_status infer_root_mean_square(const cx_case *c)
{
    return infer_trailing(c, 0);
}

/* Over each group of channels and all pixels; scale and bias have one of the
   two lengths. */
static cxai_status infer_grouped(const cx_case *c, int64_t groups,
                                 int64_t length)
{
    cx_standardize *p = c->params;
    const cxai_shape *x = &c->x_shape[X];
    if (x->rank < 2 || x->rank >= CXAI_MAX_RANK)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its input has %d dimensions; 2 to %d are supported",
                         x->rank, CXAI_MAX_RANK - 1);
    if (groups < 1 || x->dim[1] < 1 || x->dim[1] % groups != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld channels cannot be divided into %lld groups",
                         (long long)x->dim[1], (long long)groups);
    for (int i = SCALE; i <= BIAS; i++) {
        const cxai_shape *shape = &c->x_shape[i];
        char text[128];
        if (shape->rank != 1 || shape->dim[0] != length)
            return cx_refuse(c, CXAI_INVALID,
                             "input %d has the shape %s; %lld numbers are "
                             "needed",
                             i, cxai_shape_text(shape, text, sizeof text),
                             (long long)length);
    }
    p->groups = groups;
    set_axes_from(p, 2, x->rank + 1);
    p->centered = 1;
    p->epsilon = cx_attribute_float(c->attributes, "epsilon", 1e-5);
    return cx_standardize_infer(c);
}

static int64_t channels(const cx_case *c)
{
    return c->x_shape[X].rank < 2 ? 0 : c->x_shape[X].dim[1];
}

static cxai_status infer_group(const cx_case *c)
{
    int64_t groups = cx_attribute_int(c->attributes, "num_groups", 0);
    return infer_grouped(c, groups, c->opset < 21 ? groups : channels(c));
}

static cxai_status infer_instance(const cx_case *c)
{
    return infer_grouped(c, channels(c), channels(c));
}

static cxai_status infer_mean_variance(const cx_case *c)
{
    static const int64_t usual[] = { 0, 2, 3 };
    cx_standardize *p = c->params;
    cx_list axes;
    int chosen[CXAI_MAX_RANK];
    cxai_status status = cx_read_list(c, -1, "axes", &axes);
    if (status == CXAI_OK && axes.values == NULL)
        axes = (cx_list){ CX_COUNT(usual), usual };
    if (status == CXAI_OK)
        status = cx_read_axes(c, &axes, c->x_shape[X].rank, chosen);
    if (status != CXAI_OK)
        return status;
    for (int a = 0; a < c->x_shape[X].rank; a++)
        if (chosen[a] >= 0)
            p->axes |= (uint32_t)1 << a;
    p->centered = 1;
    p->epsilon_outside = 1e-9; /* as in the definition by ONNX */
    return cx_standardize_infer(c);
}

/* ---- operators ----------------------------------------------------------- */

static const cx_sample layer_samples[] = {
    { .inputs = "3,7;7;7" },
    { .inputs = "2,3,4,5;5;5", .attributes = "epsilon=0.1f" },
    { .inputs = "2,3,4,5;3,4,5;-", .attributes = "axis=1" },
    { .inputs = "2,3,4;4;3,4", .attributes = "axis=-2", .outputs = 3 },
};

static const cx_sample root_mean_square_samples[] = {
    { .inputs = "3,7;7" },
    { .inputs = "2,3,4,5;4,5", .attributes = "axis=2 epsilon=0.1f" },
    { .inputs = "2,3,4;1", .attributes = "axis=0" },
};

static const cx_sample group_samples[] = {
    { .inputs = "2,6,3,4;6;6", .attributes = "num_groups=2" },
    { .inputs = "2,6,3,4;3;3", .attributes = "num_groups=3", .opset = 18 },
    { .inputs = "2,4,5;4;4", .attributes = "num_groups=1 epsilon=0.1f" },
};

static const cx_sample instance_samples[] = {
    { .inputs = "2,3,4,5;3;3" },
    { .inputs = "1,17,3,3;17;17", .attributes = "epsilon=0.1f" },
    { .inputs = "2,3,7;3;3", .opset = 6 },
    { .inputs = "1,2,2,3,4;2;2" },
};

static const cx_sample mean_variance_samples[] = {
    { .inputs = "2,3,4,5" },
    { .inputs = "2,3,4,5", .attributes = "axes=1,-1" },
    { .inputs = "3,6", .attributes = "axes=1", .opset = 9 },
};

#define ENTRY(type, infer_function, least, most, outputs, cases)               \
    {                                                                          \
        .name = type, .min_inputs = least, .max_inputs = most,                 \
        .max_outputs = outputs, .layout = CX_STRIDED,                          \
        .params_size = sizeof(cx_standardize), .infer = infer_function,        \
        .demand = cx_standardize_demand, .forward = cx_standardize_forward,    \
        .backward = cx_standardize_backward, CX_SAMPLES(cases)                 \
    }

static const cx_operator operators[] = {
    ENTRY("LayerNormalization", infer_layer, 2, 3, 3, layer_samples),
    ENTRY("RMSNormalization", infer_root_mean_square, 2, 2, 1,
          root_mean_square_samples),
    ENTRY("GroupNormalization", infer_group, 3, 3, 1, group_samples),
    ENTRY("InstanceNormalization", infer_instance, 3, 3, 1, instance_samples),
    ENTRY("MeanVarianceNormalization", infer_mean_variance, 1, 1, 1,
          mean_variance_samples),
};

const cx_operator_family cx_operators_standardization = CX_FAMILY(operators);
