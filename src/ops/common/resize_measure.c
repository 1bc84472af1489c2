#include "ops/common/resize_measure.h"

#include <math.h>

#include "ops/common/check.h"
#include "ops/common/constant.h"

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
static cxai_status keep_aspect(const cx_case *c, const numbers *n,
                               cx_resample_axis *axis)
{
    static const char *const policies[] = { "stretch", "not_larger",
                                            "not_smaller" };
    int policy;
    cxai_status status =
        cx_read_choice(c, "keep_aspect_ratio_policy", "stretch", policies,
                       CX_COUNT(policies), &policy);
    if (status != CXAI_OK || policy == 0 || n->sizes.values == NULL)
        return status;
    double chosen = 0;
    for (int i = 0, first = 1; i < c->x_shape[0].rank; i++) {
        double scale = axis[i].length / (double)axis[i].in;
        if (n->place[i] < 0)
            continue;
        if (first || (policy == 1 ? scale < chosen : scale > chosen))
            chosen = scale;
        first = 0;
    }
    for (int i = 0; i < c->x_shape[0].rank; i++)
        if (n->place[i] >= 0)
            axis[i].length = (double)axis[i].in * chosen;
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
static cxai_status check_axis(const cx_case *c, int axis,
                              const cx_resample_axis *a)
{
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

cxai_status cx_resize_measure(const cx_case *c, int crops,
                              cx_resample_axis *axis)
{
    numbers numbers_of = { .roi = NULL };
    const numbers *n = &numbers_of;
    cxai_status status = read_numbers(c, &numbers_of);
    if (status != CXAI_OK)
        return status;
    const cxai_shape *x = &c->x_shape[0];
    for (int i = 0; i < x->rank; i++) {
        cx_resample_axis *a = &axis[i];
        *a = (cx_resample_axis){ .in = x->dim[i], .start = 0, .end = 1 };
        if (crops && n->roi != NULL && n->place[i] >= 0) {
            a->start = cx_literal_number(n->roi, n->place[i]);
            a->end = cx_literal_number(n->roi, n->place[i] + n->count);
        }
        a->length = wanted_length(c, n, i, a);
    }
    status = keep_aspect(c, n, axis);
    for (int i = 0; status == CXAI_OK && i < x->rank; i++) {
        status = check_axis(c, i, &axis[i]);
        if (status == CXAI_OK)
            axis[i].out = round_length(n, axis[i].length);
        if (status == CXAI_OK && i >= 2 && axis[i].out < 1)
            return cx_refuse(c, CXAI_INVALID,
                             "axis %d of %lld pixels shrinks to nothing", i,
                             (long long)axis[i].in);
    }
    return status;
}
