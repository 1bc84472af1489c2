/*
 * GridSample: y at an output pixel is x interpolated at the place that the grid
 * names there, along two or three axes (spatial transformer networks,
 * arXiv:1506.02025). x and y are channels-last, so that a sample is a weighted
 * sum of rows of channels.
 *
 * A place outside is brought inside as padding_mode says, and so is every pixel
 * that the interpolation reads. The gradient of a clamped coordinate is 0.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/work.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/window.h"

enum { X, GRID };                   /* inputs */
enum { TAPS = 4, BOX = 4 * 4 * 4 }; /* most pixels along an axis, in all */

typedef enum mode { NEAREST, LINEAR, CUBIC } mode;
typedef enum padding { ZEROS, BORDER, REFLECTION } padding;

typedef struct params {
    mode mode;
    padding padding;
    int align_corners;
    int rank;                        /* spatial axes */
    int64_t batch, channels, pixels; /* output pixels of a picture */
    int64_t size[3]; /* of x; absent axes come first and are 1 */
} params;

/* ---- shapes -------------------------------------------------------------- */

static cxai_status read_modes(const cx_case *c, params *p)
{
    /* as opset 20 names them, then as opset 16 does */
    static const char *const modes[] = { "nearest", "linear",   "cubic",
                                         "nearest", "bilinear", "bicubic" };
    static const char *const paddings[] = { "zeros", "border", "reflection" };
    int m, q;
    cxai_status status =
        cx_read_choice(c, "mode", "linear", modes, CX_COUNT(modes), &m);
    if (status == CXAI_OK)
        status = cx_read_choice(c, "padding_mode", "zeros", paddings,
                                CX_COUNT(paddings), &q);
    if (status != CXAI_OK)
        return status;
    p->mode = (mode)(m % 3);
    p->padding = (padding)q;
    p->align_corners = cx_attribute_int(c->attributes, "align_corners", 0) != 0;
    return CXAI_OK;
}

static cxai_status infer(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[X], *grid = &c->x_shape[GRID];
    char a[128], b[128];
    cxai_status status = cx_check_reals(c);
    if (status == CXAI_OK)
        status = read_modes(c, p);
    if (status != CXAI_OK)
        return status;
    p->rank = x->rank - 2;
    int fits = (p->rank == 2 || p->rank == 3) && grid->rank == x->rank &&
               grid->dim[0] == x->dim[0] &&
               grid->dim[grid->rank - 1] == p->rank;
    for (int i = 2; fits && i < x->rank; i++)
        fits = x->dim[i] >= 1 && x->dim[i] <= INT32_MAX / 4;
    if (!fits)
        return cx_refuse(c, CXAI_MALFORMED,
                         "a grid of %s does not fit to an input of %s",
                         cxai_shape_text(grid, a, sizeof a),
                         cxai_shape_text(x, b, sizeof b));
    cxai_shape y = { .rank = x->rank, .dim = { x->dim[0], x->dim[1] } };
    p->batch = x->dim[0];
    p->channels = x->dim[1];
    p->pixels = 1;
    for (int i = 0; i < 3; i++)
        p->size[i] = 1;
    for (int i = 0; i < p->rank; i++) {
        p->size[3 - p->rank + i] = x->dim[2 + i];
        y.dim[2 + i] = grid->dim[1 + i];
        p->pixels *= grid->dim[1 + i];
    }
    return cx_set_shape(c, 0, &y);
}

/* ---- one axis ------------------------------------------------------------ */

/* The pixels that a place reads along an axis; slope is the derivative of the
   weight by the grid's number. */
typedef struct axis_taps {
    int count;
    int64_t at[TAPS];
    double weight[TAPS], slope[TAPS];
} axis_taps;

/* A coordinate and its derivative by the grid's number. */
typedef struct place {
    double x, slope;
} place;

/* Mirrored at low and high until it lies between them. */
static place reflect(place p, double low, double high)
{
    double span = high - low, distance = p.x < low ? low - p.x : p.x - high;
    if (p.x >= low && p.x <= high)
        return p;
    if (span <= 0)
        return (place){ low, 0 };
    double times = floor(distance / span), rest = distance - times * span;
    int from_low = (p.x < low) == (fmod(times, 2) == 0);
    /* each mirror turns the direction; one mirror was passed at least */
    double sign = fmod(times, 2) == 0 ? -1 : 1;
    return (place){ from_low ? low + rest : high - rest, sign * p.slope };
}

static place bring_inside(const params *p, int axis, place at)
{
    double size = (double)p->size[axis];
    double low = p->align_corners ? 0 : -0.5;
    double high = p->align_corners ? size - 1 : size - 0.5;
    if (p->padding == REFLECTION)
        return reflect(at, low, high);
    if (p->padding == BORDER && (at.x < low || at.x > high))
        return (place){ at.x < low ? 0 : size - 1, 0 };
    return at;
}

/* From -1 .. 1 to pixels. What is far away, or no number, is put just far
   enough. */
static place denormalise(const params *p, int axis, double number)
{
    const double far = INT32_MAX / 2;
    double size = (double)p->size[axis];
    double slope = (p->align_corners ? size - 1 : size) / 2;
    double x = (number + 1) * slope - (p->align_corners ? 0 : 0.5);
    if (!(x > -far && x < far))
        return (place){ x > 0 ? far : -far, 0 };
    return (place){ x, slope };
}

/* R. Keys' kernel with a = -3/4, and its derivative, by the distance. */
static double cubic(double x)
{
    const double a = -0.75;
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

static double cubic_slope(double x)
{
    const double a = -0.75;
    if (x <= 1)
        return (3 * (a + 2) * x - 2 * (a + 3)) * x;
    return (3 * a * x - 10 * a) * x + 8 * a;
}

static void add_tap(const params *p, int axis, axis_taps *t, double pixel,
                    double weight, double slope)
{
    double last = (double)(p->size[axis] - 1);
    if (p->padding == ZEROS && (pixel < 0 || pixel > last))
        return;
    double x = trunc(bring_inside(p, axis, (place){ pixel, 0 }).x);
    x = x < 0 ? 0 : x > last ? last : x;
    t->at[t->count] = (int64_t)x;
    t->weight[t->count] = weight;
    t->slope[t->count++] = slope;
}

static void find_taps(const params *p, int axis, double number, axis_taps *t)
{
    place at = denormalise(p, axis, number);
    t->count = 0;
    if (p->mode == NEAREST)
        at = (place){ rint(at.x), 0 };
    at = bring_inside(p, axis, at);
    double low = floor(at.x), part = at.x - low;
    if (p->mode == NEAREST) {
        add_tap(p, axis, t, at.x, 1, 0);
    } else if (p->mode == LINEAR) {
        add_tap(p, axis, t, low, 1 - part, -at.slope);
        add_tap(p, axis, t, low + 1, part, at.slope);
    } else {
        for (int i = -1; i <= 2; i++) {
            double distance = part - i;
            double slope = cubic_slope(fabs(distance)) * at.slope;
            add_tap(p, axis, t, low + i, cubic(fabs(distance)),
                    distance < 0 ? -slope : slope);
        }
    }
}

/* ---- one output pixel ---------------------------------------------------- */

typedef struct box {
    int count;
    int64_t pixel[BOX]; /* of a picture */
    cxai_real weight[BOX];
    cxai_real slope[BOX][3]; /* by depth, height, width */
} box;

/* Output pixel number `pixel` of all pictures. The grid names the last axis
   first. */
static void fill_box(const params *p, const cxai_real *grid, int64_t pixel,
                     box *b)
{
    axis_taps t[3] = { { 1, { 0 }, { 1 }, { 0 } } };
    t[1] = t[0];
    for (int axis = 3 - p->rank; axis < 3; axis++)
        find_taps(p, axis, (double)grid[pixel * p->rank + 2 - axis], &t[axis]);
    b->count = 0;
    for (int i = 0; i < t[0].count; i++)
        for (int j = 0; j < t[1].count; j++)
            for (int k = 0; k < t[2].count; k++) {
                double z = t[0].weight[i], y = t[1].weight[j],
                       x = t[2].weight[k];
                int n = b->count++;
                b->pixel[n] =
                    (t[0].at[i] * p->size[1] + t[1].at[j]) * p->size[2] +
                    t[2].at[k];
                b->weight[n] = (cxai_real)(z * y * x);
                b->slope[n][0] = (cxai_real)(t[0].slope[i] * y * x);
                b->slope[n][1] = (cxai_real)(z * t[1].slope[j] * x);
                b->slope[n][2] = (cxai_real)(z * y * t[2].slope[k]);
            }
}

static int64_t pixels_of(const params *p)
{
    return p->size[0] * p->size[1] * p->size[2];
}

static int threads_for(const cx_call *call)
{
    const params *p = call->c->params;
    int64_t work = p->batch * p->pixels * p->channels;
    return work > CX_SMALL_WORK ? call->c->threads : 1;
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_kernels *kernels = call->c->kernels;
    const cxai_real *x = call->x[X].data, *grid = call->x[GRID].data;
    int64_t x_pixel = cx_pixel_stride(&call->x[X]);
    int64_t y_pixel = cx_pixel_stride(&call->y[0]);
    int threads = threads_for(call);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < p->batch * p->pixels; i++) {
        box b;
        const cxai_real *row[BOX];
        const cxai_real *picture = x + i / p->pixels * pixels_of(p) * x_pixel;
        fill_box(p, grid, i, &b);
        for (int k = 0; k < b.count; k++)
            row[k] = picture + b.pixel[k] * x_pixel;
        kernels->combine(call->y[0].data + i * y_pixel, row, b.weight, b.count,
                         p->channels, 0);
    }
}

/* ---- backward ------------------------------------------------------------ */

/* Output pixels meet at input pixels: a thread takes a picture and some of the
   channels. */
static void gradient_of_x(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_real *grid = call->x[GRID].data, *dy = call->dy[0].data;
    int64_t x_pixel = cx_pixel_stride(&call->dx[X]);
    int64_t y_pixel = cx_pixel_stride(&call->dy[0]);
    int threads = threads_for(call);
    int64_t run = cx_ceiling(p->channels, threads), parts = threads;
    cx_view view = cx_view_of(&call->dx[X]);
    cx_view_fill(&view, 0);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t part = 0; part < p->batch * parts; part++) {
        int64_t item = part / parts, from = part % parts * run;
        int64_t to = cx_minimum(from + run, p->channels);
        cxai_real *dx = call->dx[X].data + item * pixels_of(p) * x_pixel;
        for (int64_t i = item * p->pixels; i < (item + 1) * p->pixels; i++) {
            box b;
            fill_box(p, grid, i, &b);
            for (int k = 0; k < b.count; k++)
                for (int64_t c = from; c < to; c++)
                    dx[b.pixel[k] * x_pixel + c] +=
                        b.weight[k] * dy[i * y_pixel + c];
        }
    }
}

static void gradient_of_grid(const cx_call *call)
{
    const params *p = call->c->params;
    const cx_kernels *kernels = call->c->kernels;
    const cxai_real *grid = call->x[GRID].data;
    int64_t x_pixel = cx_pixel_stride(&call->x[X]);
    int64_t y_pixel = cx_pixel_stride(&call->dy[0]);
    int threads = threads_for(call);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < p->batch * p->pixels; i++) {
        box b;
        const cxai_real *picture =
            call->x[X].data + i / p->pixels * pixels_of(p) * x_pixel;
        cxai_real *dgrid = call->dx[GRID].data + i * p->rank, along;
        fill_box(p, grid, i, &b);
        for (int axis = 0; axis < p->rank; axis++)
            dgrid[axis] = 0;
        for (int k = 0; k < b.count; k++) {
            kernels->dot(&along, call->dy[0].data + i * y_pixel,
                         picture + b.pixel[k] * x_pixel, x_pixel, 1,
                         p->channels);
            for (int axis = 0; axis < p->rank; axis++)
                dgrid[axis] += along * b.slope[k][2 - axis];
        }
    }
}

static void backward(const cx_call *call)
{
    if (call->dx[X].data != NULL)
        gradient_of_x(call);
    if (call->dx[GRID].data != NULL)
        gradient_of_grid(call);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    (void)c;
    if (wanted != 0)
        demand->keep_inputs |= 1u << GRID;
    if (wanted & 1u << GRID)
        demand->keep_inputs |= 1u << X;
}

static const cx_sample samples[] = {
    { .inputs = "2,3,4,5;2,2,3,2" },
    { .inputs = "1,9,4,5;1,3,3,2", .attributes = "align_corners=1" },
    { .inputs = "1,2,4,3;1,4,3,2",
      .attributes = "padding_mode=border",
      .low = -2,
      .high = 2 },
    { .inputs = "1,2,4,3;1,4,4,2",
      .attributes = "padding_mode=reflection",
      .low = -3,
      .high = 3 },
    { .inputs = "1,2,4,3;1,4,4,2",
      .attributes = "padding_mode=reflection align_corners=1",
      .low = -3,
      .high = 3 },
    { .inputs = "1,2,5,6;1,3,4,2", .attributes = "mode=cubic" },
    { .inputs = "1,2,5,6;1,3,4,2",
      .attributes = "mode=cubic padding_mode=reflection",
      .low = -2,
      .high = 2 },
    { .inputs = "1,2,5,6;1,3,4,2", .attributes = "mode=nearest" },
    { .inputs = "1,2,3,4,3;1,2,2,3,3" },
    { .inputs = "1,2,3,4;1,3,3,2", .attributes = "mode=bilinear", .opset = 16 },
};

static const cx_operator operators[] = {
    { .name = "GridSample",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_CHANNELS_LAST,
      .params_size = sizeof(params),
      .infer = infer,
      .demand = demand,
      .forward = forward,
      .backward = backward,
      CX_SAMPLES(samples) },
};

const cx_operator_family cx_operators_grid_sample = CX_FAMILY(operators);
