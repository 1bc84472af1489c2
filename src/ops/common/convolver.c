#include "ops/common/convolver.h"

#include "base/size.h"
#include "kernels/narrow.h"
#include "kernels/sparse.h"
#include "kernels/winograd.h"
#include "ops/common/convolver_way.h"
#include "ops/common/epilogue.h"
#include "ops/common/move.h"

cxai_status cx_convolver_infer(const cx_case *c, cx_convolver *v)
{
    v->direct = c->direct;
    v->many = c->many;
    cxai_status status = cx_forward_taps(c, &v->window, &v->gather);
    if (status == CXAI_OK)
        status = cx_backward_phases(c, &v->window, &v->scatter);
    return status;
}

/* Where a phase writes: all pixels, or every stride-th from its start on. */
static void aim(cx_convolution *k, const cx_convolver *v, const cx_phase *phase,
                const cx_convolver_pass *pass)
{
    int gathers = pass->direction == CX_GATHER;
    k->y = pass->to->data;
    int64_t stride = cx_pixel_stride(pass->to);
    for (int a = 2; a >= 0; a--) {
        const cx_window_axis *axis = &v->window.axis[a];
        k->y_stride[1 + a] = gathers ? stride : stride * axis->stride;
        k->y += gathers ? 0 : phase->start[a] * stride;
        stride *= gathers ? axis->out : axis->in;
    }
    k->y_stride[0] = stride;
}

/* Pixels of no phase receive the bias alone. */
static void fill(const cx_case *c, const cxai_tensor *to, const cxai_real *bias)
{
    cx_view all = cx_view_of(to);
    if (bias == NULL) {
        cx_clear_parallel(&all, c->threads);
        return;
    }
    for (int64_t i = 0; i < to->shape.dim[1]; i++) {
        cx_view channel = cx_view_select(all, 1, i);
        cx_view_fill(&channel, bias[i]);
    }
}

/* A phase with what it reads and writes. */
static cx_convolution connect(const cx_convolver *v, const cx_phase *phase,
                              const cx_convolver_pass *pass)
{
    cx_convolution k = cx_convolver_describe(v, phase, pass->direction);
    k.turned = pass->turned ? v->gather.taps : 0;
    if (pass->from != NULL) {
        k.x = pass->from->data;
        k.x_pixel = cx_pixel_stride(pass->from);
        k.factor = pass->factor;
    }
    if (pass->to != NULL)
        aim(&k, v, phase, pass);
    return k;
}

size_t cx_convolver_workspace(const cx_case *c, const cx_convolver *v,
                              cx_direction direction, int turned)
{
    size_t most = 0;
    cx_spread spread;
    if (cx_convolver_spreads(c, v, direction, &spread))
        return cx_spread_workspace(c->kernels, &spread, c->threads);
    for (int64_t i = 0; i < cx_convolver_phase_count(v, direction); i++) {
        cx_convolution k = cx_convolver_describe(
            v, cx_convolver_phase(v, direction, i), direction);
        size_t bytes = 0;
        k.turned = turned ? v->gather.taps : 0;
        switch (cx_convolver_way_of(v, &k)) {
        case CX_WINOGRAD_WAY:
            bytes = cx_winograd_workspace(c->kernels, &k, c->threads);
            break;
        case CX_NARROW_WAY:
            bytes = cx_narrow_workspace(c->kernels, &k, c->threads);
            break;
        case CX_DEPTHWISE_WAY:
        case CX_PANELS_WAY:
            bytes = cx_convolve_workspace(c->kernels, &k, c->threads);
        }
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* What is done to the results of a phase. */
static void set_ends(cx_convolution *k, const cx_convolver_pass *pass,
                     const uint8_t *mask)
{
    if (pass->epilogue != NULL) {
        k->residual = cx_epilogue_residual(pass->epilogue);
        k->low = pass->epilogue->low;
        k->high = pass->epilogue->high;
        k->swish = pass->epilogue->activation == CX_SWISH;
    }
    if (pass->delivery.adds)
        k->residual = k->y;
    k->mask = mask;
    k->mask_start = pass->to != NULL ? pass->to->data : NULL;
}

int cx_convolver_can_scale(const cx_convolver *v)
{
    const cx_convolution k = cx_convolver_describe(v, &v->gather, CX_GATHER);
    return cx_convolver_way_of(v, &k) == CX_PANELS_WAY && k.taps == 1;
}

cx_convolution cx_convolver_gathering(const cx_convolver *v,
                                      const cx_convolver_pass *pass)
{
    cx_convolution k = connect(v, &v->gather, pass);
    set_ends(&k, pass, NULL);
    k.weights = pass->packed;
    return k;
}

static void run_phases(const cx_case *c, const cx_convolver *v,
                       const cx_convolver_pass *pass, const uint8_t *mask,
                       void *workspace)
{
    const char *packed = pass->packed;
    for (int64_t i = 0; i < cx_convolver_phase_count(v, pass->direction); i++) {
        const cx_phase *phase = cx_convolver_phase(v, pass->direction, i);
        cx_convolution k = connect(v, phase, pass);
        set_ends(&k, pass, mask);
        k.weights = (const cxai_real *)(const void *)packed;
        switch (cx_convolver_way_of(v, &k)) {
        case CX_DEPTHWISE_WAY:
            cx_convolve_depthwise(c->kernels, &k, c->threads, workspace);
            break;
        case CX_WINOGRAD_WAY:
            cx_winograd_convolve(c->kernels, &k, c->threads, workspace);
            break;
        case CX_NARROW_WAY:
            cx_narrow_convolve(c->kernels, &k, c->threads, workspace);
            break;
        case CX_PANELS_WAY:
            if (pass->epilogue != NULL || k.turned > 0 ||
                !cx_convolve_sparse(c->kernels, &k, c->threads))
                cx_convolve(c->kernels, &k, c->threads, workspace);
        }
        if (!pass->turned)
            packed += cx_convolver_phase_bytes(c, v, phase, pass->direction);
    }
}

/* A mask meets the results afterwards: pictures have none. */
static void run_spread(const cx_case *c, cx_spread *s,
                       const cx_convolver_pass *pass, void *workspace)
{
    s->x = pass->from->data;
    s->x_pixel = cx_pixel_stride(pass->from);
    s->y = pass->to->data;
    s->y_pixel = cx_pixel_stride(pass->to);
    s->adds = pass->delivery.adds;
    s->biased = pass->bias != NULL;
    s->weights = pass->packed;
    cx_spread_run(c->kernels, s, c->threads, workspace);
    if (pass->delivery.mask != NULL)
        cx_mask_gradient(c, pass->delivery.mask, pass->to, pass->to);
}

/* Pixels of no phase are filled, or keep what is added to; a mask meets them
   afterwards. */
void cx_convolver_run(const cx_case *c, const cx_convolver *v,
                      const cx_convolver_pass *pass, void *workspace)
{
    int complete = pass->direction == CX_GATHER || v->scatter.complete;
    const cx_delivery *delivery = &pass->delivery;
    cx_spread spread;
    if (cx_convolver_spreads(c, v, pass->direction, &spread)) {
        run_spread(c, &spread, pass, workspace);
        return;
    }
    if (!complete && !delivery->adds)
        fill(c, pass->to, pass->bias);
    run_phases(c, v, pass, complete ? delivery->mask : NULL, workspace);
    if (delivery->mask != NULL && !complete)
        cx_mask_gradient(c, delivery->mask, pass->to, pass->to);
}
