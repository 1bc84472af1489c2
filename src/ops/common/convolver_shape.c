#include "ops/common/convolver_shape.h"

#include "ops/common/check.h"
#include "ops/common/constant.h"

enum { X, W, B }; /* inputs */

static cxai_status check_ranks(const cx_case *c)
{
    const cxai_shape *x = &c->x_shape[X], *w = &c->x_shape[W];
    if (x->rank != w->rank || x->rank < 3)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its input has %d dimensions, its weights %d; both "
                         "need the same 3 or more",
                         x->rank, w->rank);
    return cx_check_reals(c);
}

static cxai_status check_bias(const cx_case *c, int64_t channels)
{
    const cxai_shape *b = &c->x_shape[B];
    char text[128];
    if (!cx_has_input(c, B) || (b->rank == 1 && b->dim[0] == channels))
        return CXAI_OK;
    return cx_refuse(
        c, CXAI_MALFORMED, "its bias has the shape %s; %lld numbers are needed",
        cxai_shape_text(b, text, sizeof text), (long long)channels);
}

/* Channels of x and, of Conv, of y come in groups. */
static cxai_status check_groups(const cx_case *c, const char *side,
                                int64_t channels, int64_t groups)
{
    if (groups >= 1 && channels >= 1 && channels % groups == 0)
        return CXAI_OK;
    return cx_refuse(c, CXAI_MALFORMED,
                     "%lld %s channels cannot be divided into %lld groups",
                     (long long)channels, side, (long long)groups);
}

static cxai_status check_weights(const cx_case *c, int64_t made, int64_t has,
                                 const char *what)
{
    if (made == has)
        return CXAI_OK;
    return cx_refuse(c, CXAI_INVALID,
                     "its weights are made for %lld channels%s, its input has "
                     "%lld",
                     (long long)made, what, (long long)has);
}

cxai_status cx_convolver_read(const cx_case *c, cx_convolver *v, cxai_shape *y)
{
    const cxai_shape *x = &c->x_shape[X], *w = &c->x_shape[W];
    int64_t groups = cx_attribute_int(c->attributes, "group", 1);
    cxai_status status = check_ranks(c);
    if (status == CXAI_OK)
        status = check_groups(c, "input", x->dim[1], groups);
    if (status == CXAI_OK)
        status = check_weights(c, w->dim[1], x->dim[1] / groups, " a group");
    if (status == CXAI_OK)
        status = check_groups(c, "output", w->dim[0], groups);
    if (status != CXAI_OK)
        return status;
    v->groups = groups;
    v->inputs = w->dim[1];
    v->outputs = w->dim[0] / groups;
    const cx_window_options options = { .kernel = w->dim + 2 };
    status = cx_window_read(c, &options, &v->window);
    if (status != CXAI_OK)
        return status;
    *y = cx_window_output(&v->window, w->dim[0]);
    return check_bias(c, y->dim[1]);
}

cxai_status cx_convolver_read_transposed(const cx_case *c, cx_convolver *v,
                                         cxai_shape *y)
{
    const cxai_shape *x = &c->x_shape[X], *w = &c->x_shape[W];
    int64_t groups = cx_attribute_int(c->attributes, "group", 1);
    cxai_status status = check_ranks(c);
    if (status == CXAI_OK)
        status = check_groups(c, "input", x->dim[1], groups);
    if (status == CXAI_OK)
        status = check_weights(c, w->dim[0], x->dim[1], "");
    if (status == CXAI_OK && (w->dim[1] < 1 || w->dim[1] > INT64_MAX / groups))
        status = cx_refuse(c, CXAI_MALFORMED,
                           "its weights have %lld output channels a group",
                           (long long)w->dim[1]);
    if (status != CXAI_OK)
        return status;
    v->groups = groups;
    v->inputs = w->dim[1];
    v->outputs = w->dim[0] / groups;
    status = cx_window_read_transposed(c, w->dim + 2, &v->window);
    if (status != CXAI_OK)
        return status;
    *y = cx_window_input(&v->window, w->dim[1] * groups);
    return check_bias(c, y->dim[1]);
}
