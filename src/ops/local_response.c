/*
 * LRN, local response normalisation (Krizhevsky et al., 2012, section 3.3):
 *
 *   y[c] = x[c] * s[c]^-beta,  s[c] = bias + alpha / size * sum of x[j]^2
 *
 * over the channels j of the same pixel from c - (size - 1) / 2 rounded down to
 * c + (size - 1) / 2 rounded up.
 */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/window.h"

typedef struct params {
    double bias, beta;
    double weight;         /* alpha / size */
    int64_t before, after; /* channels of a window on each side of its own */
    int64_t channels, pixels;
} params;

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[0];
    int64_t size = cx_attribute_int(c->attributes, "size", 0);
    cxai_status status = cx_check_reals(c);
    if (status != CXAI_OK)
        return status;
    if (x->rank < 2)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its input has %d dimensions; batch and channels are "
                         "needed",
                         x->rank);
    if (size < 1)
        return cx_refuse(c, CXAI_MALFORMED,
                         "attribute size is %lld; it must be 1 or more",
                         (long long)size);
    status = cx_set_shape(c, 0, x);
    if (status != CXAI_OK)
        return status;
    p->weight = cx_attribute_float(c->attributes, "alpha", 1e-4) / (double)size;
    p->bias = cx_attribute_float(c->attributes, "bias", 1);
    p->beta = cx_attribute_float(c->attributes, "beta", 0.75);
    p->channels = x->dim[1];
    p->pixels = p->channels > 0 ? cxai_shape_count(x) / p->channels : 0;
    p->before = cx_minimum((size - 1) / 2, p->channels);
    p->after = cx_minimum(size / 2, p->channels);
    return cx_check_demand(c, demand, 1);
}

/* sum[c] += weight * v[j] over j from c - before to c + after. */
static void add_window(cxai_real *sum, const cxai_real *v, cxai_real weight,
                       int64_t before, int64_t after, int64_t channels)
{
    for (int64_t d = -before; d <= after; d++) {
        int64_t from = cx_maximum(0, -d),
                to = cx_minimum(channels, channels - d);
        for (int64_t c = from; c < to; c++)
            sum[c] += weight * v[c + d];
    }
}

static void fill(cxai_real *row, int64_t count, cxai_real value)
{
    for (int64_t c = 0; c < count; c++)
        row[c] = value;
}

/* s of one pixel; square is room for a row. */
static void measure(const params *p, const cxai_real *x, cxai_real *square,
                    cxai_real *s)
{
    for (int64_t c = 0; c < p->channels; c++)
        square[c] = x[c] * x[c];
    fill(s, p->channels, (cxai_real)p->bias);
    add_window(s, square, (cxai_real)p->weight, p->before, p->after,
               p->channels);
}

/* A thread's rows of channels. */
enum { ROWS = 3 };

static size_t rows_bytes(const params *p)
{
    return cx_size_line(cx_size_times(cx_size_times(ROWS, (size_t)p->channels),
                                      sizeof(cxai_real)));
}

static cxai_real *thread_rows(const cx_call *call)
{
    size_t bytes = rows_bytes(call->c->params);
    char *rows = (char *)call->workspace + (size_t)cx_thread_number() * bytes;
    return (cxai_real *)(void *)rows;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    int64_t x_pixel = cx_pixel_stride(&call->x[0]);
    int64_t y_pixel = cx_pixel_stride(&call->y[0]);
    cxai_real exponent = (cxai_real)-p->beta;
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (p->pixels * p->channels > CX_SMALL_WORK)
    for (int64_t i = 0; i < p->pixels; i++) {
        const cxai_real *x = call->x[0].data + i * x_pixel;
        cxai_real *y = call->y[0].data + i * y_pixel;
        cxai_real *square = thread_rows(call), *s = square + p->channels;
        measure(p, x, square, s);
        for (int64_t c = 0; c < p->channels; c++)
            y[c] = x[c] * pow(s[c], exponent);
    }
}

/* dx[j] = dy[j] s[j]^-beta - 2 beta weight x[j] * sum of dy[c] x[c]
   s[c]^(-beta - 1) over the channels c whose windows j lies in. */
static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    int64_t x_pixel = cx_pixel_stride(&call->x[0]);
    int64_t dy_pixel = cx_pixel_stride(&call->dy[0]);
    int64_t dx_pixel = cx_pixel_stride(&call->dx[0]);
    cxai_real exponent = (cxai_real)-p->beta;
    cxai_real factor = (cxai_real)(-2 * p->beta * p->weight);
#pragma omp parallel for num_threads(call->c->threads)                         \
    schedule(static) if (p->pixels * p->channels > CX_SMALL_WORK)
    for (int64_t i = 0; i < p->pixels; i++) {
        const cxai_real *x = call->x[0].data + i * x_pixel;
        const cxai_real *dy = call->dy[0].data + i * dy_pixel;
        cxai_real *dx = call->dx[0].data + i * dx_pixel;
        cxai_real *term = thread_rows(call), *s = term + p->channels;
        cxai_real *sum = s + p->channels;
        measure(p, x, term, s);
        for (int64_t c = 0; c < p->channels; c++) {
            dx[c] = dy[c] * pow(s[c], exponent);
            term[c] = dx[c] * x[c] / s[c];
        }
        fill(sum, p->channels, 0);
        add_window(sum, term, factor, p->after, p->before, p->channels);
        for (int64_t c = 0; c < p->channels; c++)
            dx[c] += x[c] * sum[c];
    }
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    demand->forward_workspace =
        cx_size_times(rows_bytes(c->params), (size_t)c->threads);
    if (wanted == 0)
        return;
    demand->keep_inputs = 1;
    demand->backward_workspace = demand->forward_workspace;
}

static const cx_sample samples[] = {
    { .inputs = "2,7,3,4", .attributes = "size=3 alpha=0.9f" },
    { .inputs = "1,9,2,3",
      .attributes = "size=4 alpha=2.0f beta=0.5f bias=2.0f" },
    { .inputs = "2,3,5", .attributes = "size=9 alpha=3.0f" },
    { .inputs = "3,6", .attributes = "size=2 alpha=1.0f beta=1.5f" },
};

static const cx_operator operators[] = {
    {
        .name = "LRN",
        .min_inputs = 1,
        .max_inputs = 1,
        .layout = CX_CHANNELS_LAST,
        .params_size = sizeof(params),
        .infer = infer,
        .demand = demand,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_local_response = CX_FAMILY(operators);
