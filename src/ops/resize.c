/*
 * Resize and its forerunner Upsample, along one to three spatial axes.
 *
 * The weights do not depend on the data: they are made once for each axis
 * (common/resample.h), and the gradient is the transposed map.
 */
#include <math.h>
#include <string.h>

#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/resample.h"
#include "ops/common/window.h"

typedef struct params {
    cx_resampling how;
    cxai_real outside;
    cx_resample_axis axis[CXAI_MAX_RANK];
    cx_axis_map forward[3], backward[3]; /* depth, height, width */
} params;

/* ---- attributes ---------------------------------------------------------- */

/* The number of an attribute's value in a list of names. */
static cxai_status read_choice(const cx_case *c, const char *attribute,
                               const char *otherwise, const char *const *names,
                               int count, int *choice)
{
    const char *name = cx_attribute_string(c->attributes, attribute, otherwise);
    for (*choice = 0; *choice < count; ++*choice)
        if (strcmp(name, names[*choice]) == 0)
            return CXAI_OK;
    return cx_refuse(c, CXAI_UNSUPPORTED, "%s \"%s\" is not known", attribute,
                     name);
}

/* Before opset 11 there is one coordinate transformation, and nearest rounds
   down. */
static cxai_status read_how(const cx_case *c, cx_resampling *how)
{
    static const char *const modes[] = { "nearest", "linear", "cubic",
                                         "bilinear" };
    static const char *const transformations[] = {
        "half_pixel",          "half_pixel_symmetric", "pytorch_half_pixel",
        "align_corners",       "asymmetric",           "tf_crop_and_resize",
        "tf_half_pixel_for_nn"
    };
    static const char *const roundings[] = { "round_prefer_floor",
                                             "round_prefer_ceil", "floor",
                                             "ceil" };
    int is_old = c->opset < 11;
    int mode, transformation, rounding;
    cxai_status status =
        read_choice(c, "mode", "nearest", modes, CX_COUNT(modes), &mode);
    if (status == CXAI_OK)
        status =
            read_choice(c, "coordinate_transformation_mode",
                        is_old ? "asymmetric" : "half_pixel", transformations,
                        CX_COUNT(transformations), &transformation);
    if (status == CXAI_OK)
        status = read_choice(c, "nearest_mode",
                             is_old ? "floor" : "round_prefer_floor", roundings,
                             CX_COUNT(roundings), &rounding);
    if (status != CXAI_OK)
        return status;
    *how = (cx_resampling){
        .interpolation = mode == 3 ? CX_LINEAR : (cx_interpolation)mode,
        .transformation = (cx_transformation)transformation,
        .rounding = (cx_rounding)rounding,
        .cubic_a = cx_attribute_float(c->attributes, "cubic_coeff_a", -0.75),
        .exclude_outside =
            cx_attribute_int(c->attributes, "exclude_outside", 0) != 0,
        .antialias = cx_attribute_int(c->attributes, "antialias", 0) != 0,
    };
    if (!isfinite(how->cubic_a))
        return cx_refuse(c, CXAI_MALFORMED, "cubic_coeff_a is no number");
    return CXAI_OK;
}

/* ---- the output's size --------------------------------------------------- */

/* Which numbers of scales, sizes and roi belong to an axis. */
typedef struct numbers {
    const cx_literal *roi, *scales; /* NULL: not given */
    const double *scale_attribute;
    cx_list sizes;
    int64_t count;            /* axes that they are for */
    int place[CXAI_MAX_RANK]; /* by axis: which of them, or -1 */
} numbers;

/* An input of constant reals; NULL when it is left out or empty. */
static cxai_status read_reals(const cx_case *c, int input, const char *name,
                              const cx_literal **reals)
{
    *reals = NULL;
    if (input < 0 || !cx_has_input(c, input) ||
        cxai_shape_count(&c->x_shape[input]) == 0)
        return CXAI_OK;
    *reals = c->x_literal[input];
    if (*reals == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its %s are computed from the data; only constants "
                         "are supported",
                         name);
    if ((*reals)->type != CX_REAL || (*reals)->shape.rank != 1)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its %s are not a list of real numbers", name);
    return CXAI_OK;
}

static cxai_status read_axes(const cx_case *c, numbers *n)
{
    int rank = c->x_shape[0].rank;
    cx_list axes;
    cxai_status status = cx_read_list(c, -1, "axes", &axes);
    if (status == CXAI_OK)
        status = cx_read_axes(c, &axes, rank, n->place);
    n->count = axes.values != NULL ? axes.count : rank;
    for (int i = 0; axes.values == NULL && i < rank; i++)
        n->place[i] = i;
    return status;
}

/* Upsample's scales were an attribute before opset 9, and two before 7. */
static cxai_status old_scales(const cx_case *c, const double **scales,
                              int64_t *count)
{
    const cx_attribute *list =
        cx_attribute_find(c->attributes, "scales", CX_ATTRIBUTE_FLOATS);
    *scales = list != NULL ? list->floats : NULL;
    *count = list != NULL ? list->count : 0;
    if (list != NULL || c->opset >= 7)
        return CXAI_OK;
    double *four = cx_arena_alloc(c->arena, 4, sizeof *four);
    if (four == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its scales");
    four[0] = four[1] = 1;
    four[2] = cx_attribute_float(c->attributes, "height_scale", 1);
    four[3] = cx_attribute_float(c->attributes, "width_scale", 1);
    *scales = four;
    *count = 4;
    return CXAI_OK;
}

static cxai_status read_numbers(const cx_case *c, numbers *n)
{
    int is_old = c->opset < 11;
    int64_t old_count = 0;
    const double *old = NULL;
    cxai_status status = read_axes(c, n);
    if (status == CXAI_OK && is_old)
        status = old_scales(c, &old, &old_count);
    if (status == CXAI_OK)
        status = read_reals(c, is_old ? -1 : 1, "roi", &n->roi);
    if (status == CXAI_OK)
        status = read_reals(c, is_old ? 1 : 2, "scales", &n->scales);
    if (status == CXAI_OK && !is_old)
        status = cx_read_list(c, 3, "sizes", &n->sizes);
    if (status != CXAI_OK)
        return status;
    int64_t count = n->sizes.count;
    if (n->sizes.values == NULL && n->scales != NULL)
        count = cx_literal_count(n->scales);
    else if (n->sizes.values == NULL && old != NULL) {
        count = old_count;
        n->scale_attribute = old;
    }
    if (count != n->count)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld scales or sizes are given for %lld axes",
                         (long long)count, (long long)n->count);
    if (n->roi != NULL && cx_literal_count(n->roi) != 2 * n->count)
        return cx_refuse(
            c, CXAI_MALFORMED, "roi holds %lld numbers for %lld axes",
            (long long)cx_literal_count(n->roi), (long long)n->count);
    return CXAI_OK;
}

/* The exact output length: what sizes says, or in * scale. */
static double wanted_length(const cx_case *c, const numbers *n, int axis,
                            const cx_resample_axis *a)
{
    int i = n->place[axis];
    if (i < 0)
        return (double)a->in;
    if (n->sizes.values != NULL && axis == 0)
        return (double)cx_follow_batch(c, n->sizes.values[i]);
    if (n->sizes.values != NULL)
        return (double)n->sizes.values[i];
    double scale = n->scales != NULL ? cx_literal_number(n->scales, i)
                                     : n->scale_attribute[i];
    return (double)a->in * (a->end - a->start) * scale;
}

/* keep_aspect_ratio_policy: one scale for all axes, the smallest or the largest
   of them. */
static cxai_status keep_aspect(const cx_case *c, const numbers *n)
{
    static const char *const policies[] = { "stretch", "not_larger",
                                            "not_smaller" };
    params *p = c->params;
    int policy;
    cxai_status status = read_choice(c, "keep_aspect_ratio_policy", "stretch",
                                     policies, CX_COUNT(policies), &policy);
    if (status != CXAI_OK || policy == 0 || n->sizes.values == NULL)
        return status;
    double chosen = 0;
    for (int i = 0, first = 1; i < c->x_shape[0].rank; i++) {
        double scale = p->axis[i].length / (double)p->axis[i].in;
        if (n->place[i] < 0)
            continue;
        if (first || (policy == 1 ? scale < chosen : scale > chosen))
            chosen = scale;
        first = 0;
    }
    for (int i = 0; i < c->x_shape[0].rank; i++)
        if (n->place[i] >= 0)
            p->axis[i].length = (double)p->axis[i].in * chosen;
    return CXAI_OK;
}

/* Scales are 32-bit in the file: a product just below a whole number is that
   number. A kept aspect ratio rounds to the nearest. */
static int64_t round_length(const numbers *n, double length)
{
    if (n->sizes.values != NULL)
        return (int64_t)floor(length + 0.5);
    return (int64_t)floor((double)(float)length);
}

/* Batch and channels must stay as they are. */
static cxai_status check_axis(const cx_case *c, int axis)
{
    const params *p = c->params;
    const cx_resample_axis *a = &p->axis[axis];
    if (axis < 2 &&
        (a->length != (double)a->in || a->start != 0 || a->end != 1))
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "resizing the batch or the channels (axis %d) is not "
                         "supported",
                         axis);
    if (axis >= 2 && (a->in < 1 || a->in > CX_AXIS_LIMIT ||
                      !(a->length > 0 && a->length <= CX_AXIS_LIMIT) ||
                      !isfinite(a->start) || !isfinite(a->end)))
        return cx_refuse(c, CXAI_INVALID,
                         "axis %d of %lld pixels cannot be resized to %g; 1 to "
                         "%d are possible",
                         axis, (long long)a->in, a->length, CX_AXIS_LIMIT);
    return CXAI_OK;
}

static cxai_status measure(const cx_case *c, const numbers *n)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    for (int i = 0; i < x->rank; i++) {
        cx_resample_axis *a = &p->axis[i];
        *a = (cx_resample_axis){ .in = x->dim[i], .start = 0, .end = 1 };
        if (p->how.transformation == CX_TF_CROP_AND_RESIZE && n->roi != NULL &&
            n->place[i] >= 0) {
            a->start = cx_literal_number(n->roi, n->place[i]);
            a->end = cx_literal_number(n->roi, n->place[i] + n->count);
        }
        a->length = wanted_length(c, n, i, a);
    }
    cxai_status status = keep_aspect(c, n);
    for (int i = 0; status == CXAI_OK && i < x->rank; i++) {
        status = check_axis(c, i);
        if (status == CXAI_OK)
            p->axis[i].out = round_length(n, p->axis[i].length);
        if (status == CXAI_OK && i >= 2 && p->axis[i].out < 1)
            return cx_refuse(c, CXAI_INVALID,
                             "axis %d of %lld pixels shrinks to nothing", i,
                             (long long)p->axis[i].in);
    }
    return status;
}

/* ---- weights ------------------------------------------------------------- */

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    demand->forward_workspace = cx_axis_workspace(p->forward, c->threads);
    if (wanted & 1)
        demand->backward_workspace = cx_axis_workspace(p->backward, c->threads);
}

static cxai_status check_rank(const cx_case *c)
{
    int rank = c->x_shape[0].rank;
    if (rank < 3 || rank > 5)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its input has %d dimensions; batch, channels and 1 "
                         "to 3 spatial axes are supported",
                         rank);
    return CXAI_OK;
}

static cxai_status make_maps(const cx_case *c)
{
    params *p = c->params;
    int rank = c->x_shape[0].rank;
    cxai_status status = CXAI_OK;
    for (int i = 0; status == CXAI_OK && i < 3; i++) {
        int axis = rank - 3 + i;
        status = axis < 2 ? cx_axis_map_none(c, &p->forward[i])
                          : cx_resample_map(c, &p->how, &p->axis[axis],
                                            &p->forward[i]);
        if (status == CXAI_OK)
            status = cx_axis_map_transpose(c, &p->forward[i], &p->backward[i]);
    }
    return status;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    numbers n = { .roi = NULL };
    cxai_shape y = c->x_shape[0];
    if (cx_input_type(c, 0) != CX_REAL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its input holds integers");
    p->outside =
        (cxai_real)cx_attribute_float(c->attributes, "extrapolation_value", 0);
    cxai_status status = check_rank(c);
    if (status == CXAI_OK)
        status = read_how(c, &p->how);
    if (status == CXAI_OK)
        status = read_numbers(c, &n);
    if (status == CXAI_OK)
        status = measure(c, &n);
    for (int i = 0; i < y.rank; i++)
        y.dim[i] = p->axis[i].out;
    if (status == CXAI_OK)
        status = cx_set_shape(c, 0, &y);
    if (status == CXAI_OK)
        status = make_maps(c);
    return status == CXAI_OK ? cx_check_demand(c, demand, 1) : status;
}

/* ---- running ------------------------------------------------------------- */

static void run(const cx_call *call, const cx_axis_map *map,
                const cxai_tensor *from, const cxai_tensor *to,
                cxai_real outside)
{
    const cx_axis_pass pass = {
        .map = map,
        .batch = from->shape.dim[0],
        .channels = from->shape.dim[1],
        .from = from->data,
        .from_pixel = cx_pixel_stride(from),
        .to = to->data,
        .to_pixel = cx_pixel_stride(to),
        .outside = outside,
    };
    cx_axis_run(call->c->kernels, &pass, call->c->threads, call->workspace);
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    run(call, p->forward, &call->x[0], &call->y[0], p->outside);
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    run(call, p->backward, &call->dy[0], &call->dx[0], 0);
}

static const cx_sample resize_samples[] = {
    { .inputs = "1,2,4,5;-;-;4=1,2,8,10",
      .attributes = "mode=nearest coordinate_transformation_mode=asymmetric "
                    "nearest_mode=floor" },
    { .inputs = "2,3,5,4;-;-;4=2,3,3,7", .attributes = "mode=nearest" },
    { .inputs = "2,3,5,4;-;-;4=2,3,3,7",
      .attributes = "mode=nearest nearest_mode=ceil" },
    { .inputs = "1,2,4,5;-;-;4=1,2,8,11", .attributes = "mode=linear" },
    { .inputs = "1,9,7,6;-;-;2=3,13",
      .attributes = "mode=linear axes=2,3 "
                    "coordinate_transformation_mode=align_corners" },
    { .inputs = "1,3,5,4;0~;4~1,1,0.6,2.5", .attributes = "mode=linear" },
    { .inputs = "1,3,1,1;-;-;4=1,3,6,5", .attributes = "mode=linear" },
    { .inputs = "1,2,8,6;-;-;4=1,2,3,2",
      .attributes = "mode=linear antialias=1" },
    { .inputs = "1,2,5,5;-;-;4=1,2,9,3",
      .attributes = "mode=cubic coordinate_transformation_mode="
                    "half_pixel_symmetric" },
    { .inputs = "1,2,5,5;-;-;4=1,2,9,3",
      .attributes = "mode=cubic exclude_outside=1 cubic_coeff_a=-0.5f" },
    { .inputs = "1,2,9,7;-;-;4=1,2,4,3",
      .attributes = "mode=cubic antialias=1" },
    { .inputs = "1,2,5,5;8~0,0,0.2,-0.3,1,1,0.7,1.2;-;4=1,2,4,6",
      .attributes = "mode=linear extrapolation_value=2f "
                    "coordinate_transformation_mode=tf_crop_and_resize" },
    { .inputs = "1,2,6,4;-;-;2=7,8",
      .attributes =
          "mode=linear axes=2,3 keep_aspect_ratio_policy=not_larger" },
    { .inputs = "2,3,7;-;-;3=2,3,4", .attributes = "mode=cubic" },
    { .inputs = "1,2,3,4,2;-;-;5=1,2,5,3,4", .attributes = "mode=linear" },
    { .inputs = "1,2,3,4;4~1,1,2,2", .attributes = "mode=linear", .opset = 10 },
};

static const cx_sample upsample_samples[] = {
    { .inputs = "1,2,3,4;4~1,1,2,3", .attributes = "mode=nearest", .opset = 9 },
    { .inputs = "1,2,3,4",
      .attributes = "mode=linear scales=1f,1f,2f,2f",
      .opset = 7 },
    { .inputs = "1,2,3,4",
      .attributes = "mode=bilinear height_scale=2f width_scale=1.5f",
      .opset = 6 },
};

#define RESIZE(type, most, cases)                                              \
    {                                                                          \
        .name = type, .min_inputs = 1, .max_inputs = most,                     \
        .layout = CX_CHANNELS_LAST, .params_size = sizeof(params),             \
        .infer = infer, .demand = demand, .forward = forward,                  \
        .backward = backward, CX_SAMPLES(cases)                                \
    }

static const cx_operator operators[] = {
    RESIZE("Resize", 4, resize_samples),
    RESIZE("Upsample", 2, upsample_samples),
};

const cx_operator_family cx_operators_resize = CX_FAMILY(operators);
