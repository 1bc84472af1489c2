/* The kernels of the level that is being compiled, which table.c collects. */
#ifndef CX_KERNELS_SIMD_LEVEL_H
#define CX_KERNELS_SIMD_LEVEL_H

#include "kernels/simd/vector.h"

void LEVEL(cx_product)(const cx_tile *tile);
void LEVEL(cx_narrow)(const cx_tile *tile);
void LEVEL(cx_depthwise)(const cx_depthwise_tile *tile);
void LEVEL(cx_winograd_input)(int tile, const cxai_real *const *x,
                              int64_t channels, cxai_real *v, int64_t v_point);
void LEVEL(cx_winograd_output)(const cx_winograd_tile *tile);
void LEVEL(cx_turn_rows)(const cx_turn *turn);
void LEVEL(cx_product_turned)(const cx_turned_tile *tile);
void LEVEL(cx_affine)(const cx_affine *affine);
void LEVEL(cx_standardize_row)(const cx_standard_row *row);
void LEVEL(cx_standardize_slope)(const cx_standard_slope *slope);
void LEVEL(cx_softmax)(cxai_real *y, const cxai_real *x, int64_t count);
void LEVEL(cx_softmax_gradient)(cxai_real *dx, const cxai_real *y,
                                const cxai_real *dy, int64_t count);
void LEVEL(cx_dot)(cxai_real *y, const cxai_real *x, const cxai_real *b,
                   int64_t b_row, int count, int64_t depth);
void LEVEL(cx_combine)(cxai_real *y, const cxai_real *const *row,
                       const cxai_real *weight, int64_t count, int64_t channels,
                       int accumulate);
void LEVEL(cx_maximum)(cxai_real *y, void *winner, int winner_bytes,
                       const cx_cells *cells);
void LEVEL(cx_unmaximum)(cxai_real *y, const void *const *winner,
                         int winner_bytes, const cx_cells *cells,
                         int accumulate);
void LEVEL(cx_passed)(uint8_t *bits, const cxai_real *y, int64_t count,
                      cxai_real low, cxai_real high);
void LEVEL(cx_keep)(cxai_real *y, const cxai_real *x, const uint8_t *bits,
                    int64_t count);
void LEVEL(cx_keep_rows)(cxai_real *y, const int64_t *y_offset, int rows,
                         int64_t columns, const uint8_t *bits, int64_t first);
void LEVEL(cx_exponential)(cxai_real *y, const cxai_real *x, int64_t count);
void LEVEL(cx_hyperbolic_tangent)(cxai_real *y, const cxai_real *x,
                                  int64_t count);
void LEVEL(cx_error_function)(cxai_real *y, const cxai_real *x, int64_t count);
void LEVEL(cx_gelu_row)(cxai_real *y, const cxai_real *x, int64_t count);
void LEVEL(cx_gelu_gradient)(cxai_real *dx, const cxai_real *x,
                             const cxai_real *dy, int64_t count);
void LEVEL(cx_sigmoid_row)(cxai_real *y, const cxai_real *x, int64_t count);
void LEVEL(cx_swish_row)(cxai_real *y, const cxai_real *x, int64_t count);
void LEVEL(cx_swish_rows)(cxai_real *y, const int64_t *y_offset, int rows,
                          int64_t columns);
void LEVEL(cx_swish_gradient)(cxai_real *dx, const cxai_real *x,
                              const cxai_real *dy, int64_t count);

extern const cx_kernels LEVEL(cx_kernels);

#endif
