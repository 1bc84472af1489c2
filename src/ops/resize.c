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
#include "ops/common/resize_measure.h"
#include "ops/common/window.h"

typedef struct params {
    cx_resampling how;
    cxai_real outside;
    cx_resample_axis axis[CXAI_MAX_RANK];
    cx_axis_map forward[3], backward[3]; /* depth, height, width */
} params;

/* ---- attributes ---------------------------------------------------------- */

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
        cx_read_choice(c, "mode", "nearest", modes, CX_COUNT(modes), &mode);
    if (status == CXAI_OK)
        status = cx_read_choice(c, "coordinate_transformation_mode",
                                is_old ? "asymmetric" : "half_pixel",
                                transformations, CX_COUNT(transformations),
                                &transformation);
    if (status == CXAI_OK)
        status = cx_read_choice(c, "nearest_mode",
                                is_old ? "floor" : "round_prefer_floor",
                                roundings, CX_COUNT(roundings), &rounding);
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
    cxai_shape y = c->x_shape[0];
    if (cx_input_type(c, 0) != CX_REAL)
        return cx_refuse(c, CXAI_UNSUPPORTED, "its input holds integers");
    p->outside =
        (cxai_real)cx_attribute_float(c->attributes, "extrapolation_value", 0);
    cxai_status status = check_rank(c);
    if (status == CXAI_OK)
        status = read_how(c, &p->how);
    if (status == CXAI_OK)
        status = cx_resize_measure(
            c, p->how.transformation == CX_TF_CROP_AND_RESIZE, p->axis);
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
