#include "ops/common/epilogue.h"

#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/common/window.h"

cx_epilogue cx_no_epilogue(void)
{
    return (cx_epilogue){
        .activation = CX_NO_ACTIVATION,
        .low = -(cxai_real)INFINITY,
        .high = (cxai_real)INFINITY,
    };
}

cx_epilogue cx_call_epilogue(const cx_call *call)
{
    if (call->epilogue == NULL)
        return cx_no_epilogue();
    cx_epilogue epilogue = *call->epilogue;
    if (epilogue.activation != CX_CLIP) {
        epilogue.low = cx_no_epilogue().low;
        epilogue.high = cx_no_epilogue().high;
    }
    return epilogue;
}

const cxai_real *cx_epilogue_residual(const cx_epilogue *epilogue)
{
    return epilogue->residual != NULL ? epilogue->residual->data : NULL;
}

/* Rows of whole bytes of bits. */
static void save_rows(const cx_call *call, int64_t rows, int64_t channels)
{
    enum { SMALL = 16384 };
    const cx_epilogue *epilogue = call->epilogue;
    const cxai_tensor *y = &call->y[0];
    int64_t pixel = cx_pixel_stride(y);
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (rows * channels > SMALL)
    for (int64_t i = 0; i < rows; i++)
        call->c->kernels->passed(epilogue->mask + i * channels / 8,
                                 y->data + i * pixel, channels, epilogue->low,
                                 epilogue->high);
}

/* Rows of channels with gaps between them. */
static void save_row_bits(const cx_call *call)
{
    const cx_epilogue *epilogue = call->epilogue;
    const cxai_tensor *y = &call->y[0];
    int64_t channels = y->shape.dim[1], count = cxai_shape_count(&y->shape);
    int64_t pixel = cx_pixel_stride(y);
    if (channels > 0 && channels % 8 == 0) {
        save_rows(call, count / channels, channels);
        return;
    }
    memset(epilogue->mask, 0, (size_t)(count + 7) / 8);
    for (int64_t i = 0; i < count; i++) {
        cxai_real v = y->data[i / channels * pixel + i % channels];
        epilogue->mask[i / 8] |=
            (uint8_t)((v > epilogue->low && v < epilogue->high) << i % 8);
    }
}

void cx_save_mask(const cx_call *call)
{
    enum { BLOCK = 16384 };
    const cx_epilogue *epilogue = call->epilogue;
    const cxai_tensor *y = &call->y[0];
    if (epilogue == NULL || epilogue->mask == NULL)
        return;
    const cx_view view = cx_view_of(y);
    if (y->shape.rank > 2 && cx_pixel_stride(y) != y->shape.dim[1] &&
        !cx_view_is_dense(&view)) {
        save_row_bits(call);
        return;
    }
    int64_t count = cxai_shape_count(&y->shape);
    int threads = call->c->threads;
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (count > 2 * BLOCK)
    for (int64_t i = 0; i < count; i += BLOCK)
        call->c->kernels->passed(epilogue->mask + i / 8, y->data + i,
                                 count - i < BLOCK ? count - i : BLOCK,
                                 epilogue->low, epilogue->high);
}

cx_delivery cx_call_delivery(const cx_call *call, int i)
{
    return call->delivery != NULL ? call->delivery[i]
                                  : (cx_delivery){ .mask = NULL };
}

void cx_mask_gradient(const cx_case *c, const uint8_t *mask,
                      const cxai_tensor *from, const cxai_tensor *to)
{
    enum { BLOCK = 16384 };
    int64_t count = cxai_shape_count(&from->shape);
#pragma omp parallel for num_threads(c->threads)                               \
    schedule(static) if (count > 2 * BLOCK)
    for (int64_t i = 0; i < count; i += BLOCK)
        c->kernels->keep(to->data + i, from->data + i, mask + i / 8,
                         count - i < BLOCK ? count - i : BLOCK);
}
