/*
 * AffineGrid: the grid that samples a picture through an affine map,
 * grid[n,pixel,i] = sum over j of theta[n,i,j] * p[j], where p are the pixel's
 * coordinates in -1 .. 1, x first, and a 1.
 */
#include "ops/common/check.h"
#include "ops/common/constant.h"

typedef struct params {
    int rank; /* spatial axes */
    int align_corners;
    int64_t batch, pixels;
    int64_t size[3]; /* depth (2-D: none), height, width, as the output's */
} params;

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *theta = &c->x_shape[0];
    cx_list size;
    cxai_status status = cx_read_list(c, 1, "size", &size);
    if (status == CXAI_OK && cx_input_type(c, 0) != CX_REAL)
        return cx_refuse(c, CXAI_MALFORMED, "its theta holds integers");
    if (status != CXAI_OK)
        return status;
    p->rank = (int)(size.count == 4 || size.count == 5 ? size.count - 2 : 0);
    if (p->rank == 0 || theta->rank != 3 || theta->dim[0] != size.values[0] ||
        theta->dim[1] != p->rank || theta->dim[2] != p->rank + 1)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its theta and its size of %lld numbers do not fit",
                         (long long)size.count);
    cxai_shape y = { .rank = p->rank + 2, .dim = { theta->dim[0] } };
    for (int i = 0; i < p->rank; i++)
        y.dim[1 + i] = p->size[i] = size.values[2 + i];
    y.dim[1 + p->rank] = p->rank;
    status = cx_set_shape(c, 0, &y);
    p->align_corners = cx_attribute_int(c->attributes, "align_corners", 0) != 0;
    p->batch = theta->dim[0];
    p->pixels = cx_shape_product(&y, 1, 1 + p->rank);
    return status;
}

/* Coordinates of a pixel, x first, and a 1. */
static void locate(const params *p, int64_t pixel, double at[4])
{
    for (int i = 0; i < p->rank; i++) {
        int64_t size = p->size[p->rank - 1 - i], index = pixel % size;
        pixel /= size;
        if (!p->align_corners)
            at[i] = (2 * (double)index + 1) / (double)size - 1;
        else
            at[i] = size > 1 ? 2 * (double)index / (double)(size - 1) - 1 : 0;
    }
    at[p->rank] = 1;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *theta = call->x[0].data;
    cxai_real *y = call->y[0].data;
    for (int64_t k = 0; k < p->batch * p->pixels; k++) {
        const cxai_real *row = theta + k / p->pixels * p->rank * (p->rank + 1);
        double at[4];
        locate(p, k % p->pixels, at);
        for (int i = 0; i < p->rank; i++, y++) {
            double sum = 0;
            for (int j = 0; j <= p->rank; j++)
                sum += (double)*row++ * at[j];
            *y = (cxai_real)sum;
        }
    }
}

static void backward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *dy = call->dy[0].data;
    for (int64_t n = 0; n < p->batch; n++) {
        double sum[3][4] = { { 0 } }, at[4];
        for (int64_t k = 0; k < p->pixels; k++, dy += p->rank) {
            locate(p, k, at);
            for (int i = 0; i < p->rank; i++)
                for (int j = 0; j <= p->rank; j++)
                    sum[i][j] += (double)dy[i] * at[j];
        }
        for (int i = 0; i < p->rank; i++)
            for (int j = 0; j <= p->rank; j++)
                call->dx[0].data[(n * p->rank + i) * (p->rank + 1) + j] =
                    (cxai_real)sum[i][j];
    }
}

static const cx_sample samples[] = {
    { .inputs = "2,2,3;4=2,3,4,5" },
    { .inputs = "1,2,3;4=1,1,3,2", .attributes = "align_corners=1" },
    { .inputs = "1,3,4;5=1,1,2,3,2" },
};

static const cx_operator operators[] = {
    { .name = "AffineGrid",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_ROW_MAJOR,
      .params_size = sizeof(params),
      .infer = infer,
      .forward = forward,
      .backward = backward,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_affine_grid = CX_FAMILY(operators);
