#include "kernels/simd/level.h"

const cx_kernels LEVEL(cx_kernels) = {
    .level = TEXT(CX_SIMD_LEVEL),
    .lanes = LANES,
    .tile_rows = TILE_ROWS,
    .product = LEVEL(cx_product),
    .depthwise = LEVEL(cx_depthwise),
    .winograd_input = LEVEL(cx_winograd_input),
    .winograd_output = LEVEL(cx_winograd_output),
    .affine = LEVEL(cx_affine),
    .dot = LEVEL(cx_dot),
    .combine = LEVEL(cx_combine),
    .maximum = LEVEL(cx_maximum),
    .unmaximum = LEVEL(cx_unmaximum),
    .passed = LEVEL(cx_passed),
    .keep = LEVEL(cx_keep),
    .exponential = LEVEL(cx_exponential),
    .hyperbolic_tangent = LEVEL(cx_hyperbolic_tangent),
    .sigmoid = LEVEL(cx_sigmoid_row),
    .swish = LEVEL(cx_swish_row),
    .swish_rows = LEVEL(cx_swish_rows),
    .swish_gradient = LEVEL(cx_swish_gradient),
};
