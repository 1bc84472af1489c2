/* The weights of resizing along one axis, as the ONNX operator Resize defines
   them (coordinate transformations, kernels, borders). */
#ifndef CX_OPS_COMMON_RESAMPLE_H
#define CX_OPS_COMMON_RESAMPLE_H

#include "ops/common/axis_map.h"

typedef enum cx_interpolation {
    CX_NEAREST,
    CX_LINEAR,
    CX_CUBIC
} cx_interpolation;

/* From a pixel of the output to a place in the input. */
typedef enum cx_transformation {
    CX_HALF_PIXEL,
    CX_HALF_PIXEL_SYMMETRIC,
    CX_PYTORCH_HALF_PIXEL,
    CX_ALIGN_CORNERS,
    CX_ASYMMETRIC,
    CX_TF_CROP_AND_RESIZE,
    CX_TF_HALF_PIXEL_FOR_NN,
} cx_transformation;

typedef enum cx_rounding {
    CX_ROUND_PREFER_FLOOR,
    CX_ROUND_PREFER_CEIL,
    CX_FLOOR,
    CX_CEIL
} cx_rounding;

typedef struct cx_resampling {
    cx_interpolation interpolation;
    cx_transformation transformation;
    cx_rounding rounding; /* CX_NEAREST alone */
    double cubic_a;
    int exclude_outside; /* weights beyond the border count as 0, others are
                            scaled; otherwise the border is repeated */
    int antialias;       /* when shrinking, the kernel is stretched */
} cx_resampling;

typedef struct cx_resample_axis {
    int64_t in, out;
    double length;     /* of the output before rounding: in * scale */
    double start, end; /* region of interest; 0 and 1: all */
} cx_resample_axis;

/* in and out are 1 .. CX_AXIS_LIMIT, length is positive. */
cxai_status cx_resample_map(const cx_case *c, const cx_resampling *how,
                            const cx_resample_axis *axis, cx_axis_map *map);

#endif
