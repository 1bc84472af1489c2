/*
 * RotaryEmbedding: pairs of a head's numbers are turned by an angle of their
 * position (Su et al., "RoFormer", arXiv:2104.09864, section 3.2),
 *
 *   y1 = x1 cos - x2 sin,  y2 = x1 sin + x2 cos,
 *
 * where 1 and 2 are the halves of what is turned or, interleaved, its even and
 * odd elements; what is left of the head stays as it is. x is seen as (batch,
 * sequence, head, element), angles as (batch, sequence, 1, pair).
 */
#include "base/size.h"
#include "ops/common/check.h"
#include "ops/common/constant.h"
#include "ops/common/rows.h"

enum { X, COS, SIN, POSITION }; /* inputs */
enum { ANGLES = 3 };            /* tensors of the workspace */

typedef struct params {
    int64_t batch, sequence, heads, size; /* size of a head */
    int64_t pairs;
    int interleaved;
    const int64_t *position; /* batch,sequence: rows of the caches, or NULL:
                                the caches are batch,sequence,pairs */
} params;

/* ---- shapes -------------------------------------------------------------- */

static cxai_status read_heads(const cx_case *c)
{
    params *p = c->params;
    const cxai_shape *x = &c->x_shape[X];
    if (x->rank != 3 && x->rank != 4)
        return cx_refuse(c, CXAI_MALFORMED,
                         "its input has %d dimensions; 3 or 4 are possible",
                         x->rank);
    p->batch = x->dim[0];
    p->heads = x->rank == 4 ? x->dim[1]
                            : cx_attribute_int(c->attributes, "num_heads", 0);
    p->sequence = x->dim[x->rank - 2];
    p->size = x->dim[x->rank - 1];
    if (x->rank == 4)
        return CXAI_OK;
    p->sequence = x->dim[1];
    if (p->heads < 1 || p->size % p->heads != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld numbers cannot be divided into %lld heads",
                         (long long)p->size, (long long)p->heads);
    p->size /= p->heads;
    return CXAI_OK;
}

static cxai_status read_pairs(const cx_case *c)
{
    params *p = c->params;
    int64_t turned = cx_attribute_int(c->attributes, "rotary_embedding_dim", 0);
    if (turned == 0)
        turned = p->size;
    if (turned < 0 || turned > p->size || turned % 2 != 0)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld numbers of heads of %lld cannot be turned in "
                         "pairs",
                         (long long)turned, (long long)p->size);
    p->pairs = turned / 2;
    p->interleaved = cx_attribute_int(c->attributes, "interleaved", 0) != 0;
    return CXAI_OK;
}

static cxai_status read_positions(const cx_case *c)
{
    params *p = c->params;
    if (!cx_has_input(c, POSITION))
        return CXAI_OK;
    const cx_literal *literal = c->x_literal[POSITION];
    const cxai_shape expected = { 2, { p->batch, p->sequence } };
    if (literal == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its positions are computed from the data; only "
                         "constants are supported there");
    if (literal->type != CX_INT64 ||
        !cxai_shape_equal(&literal->shape, &expected))
        return cx_refuse(c, CXAI_MALFORMED,
                         "its positions are not integers of shape %lldx%lld",
                         (long long)p->batch, (long long)p->sequence);
    p->position = literal->data;
    const cxai_shape *cache = &c->x_shape[COS];
    int64_t rows = cache->rank > 0 ? cache->dim[0] : 0;
    for (int64_t i = 0; i < cx_literal_count(literal); i++)
        if (p->position[i] < 0 || p->position[i] >= rows)
            return cx_refuse(c, CXAI_MALFORMED,
                             "position %lld lies outside of its caches",
                             (long long)p->position[i]);
    return CXAI_OK;
}

static cxai_status check_caches(const cx_case *c)
{
    const params *p = c->params;
    for (int i = COS; i <= SIN; i++) {
        const cxai_shape *cache = &c->x_shape[i];
        cxai_shape expected = { 3, { p->batch, p->sequence, p->pairs } };
        if (p->position != NULL)
            expected = (cxai_shape){ 2, { c->x_shape[COS].dim[0], p->pairs } };
        char text[128], other[128];
        if (!cxai_shape_equal(cache, &expected))
            return cx_refuse(c, CXAI_INVALID,
                             "input %d has the shape %s instead of %s", i,
                             cxai_shape_text(cache, text, sizeof text),
                             cxai_shape_text(&expected, other, sizeof other));
    }
    return CXAI_OK;
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand);

static cxai_status infer(const cx_case *c)
{
    cxai_status status = cx_check_some_reals(c, X, SIN);
    if (status == CXAI_OK)
        status = read_heads(c);
    if (status == CXAI_OK)
        status = read_pairs(c);
    if (status == CXAI_OK)
        status = read_positions(c);
    if (status == CXAI_OK)
        status = check_caches(c);
    if (status == CXAI_OK)
        status = cx_set_shape(c, 0, &c->x_shape[X]);
    return status == CXAI_OK ? cx_check_demand(c, demand, 7) : status;
}

/* ---- views --------------------------------------------------------------- */

/* x or y as (batch, sequence, head, element). */
static cx_view heads_of(const params *p, const cxai_tensor *t)
{
    static const int order[] = { 0, 2, 1, 3 };
    cx_view view = cx_view_of(t);
    return t->shape.rank == 4 ? cx_view_permute(view, order)
                              : cx_view_split(view, 2, p->size);
}

/* Element 1 (part 0) or 2 (part 1) of each pair. */
static cxai_tensor pairs_of(const params *p, const cxai_tensor *t, int part)
{
    cx_view view = heads_of(p, t);
    view = p->interleaved
               ? cx_view_slice(view, 3, part, 2, p->pairs)
               : cx_view_slice(view, 3, part * p->pairs, 1, p->pairs);
    return cx_view_tensor(&view);
}

static void copy_rest(const params *p, const cxai_tensor *to,
                      const cxai_tensor *from)
{
    int64_t start = 2 * p->pairs, count = p->size - start;
    cx_view to_rest = cx_view_slice(heads_of(p, to), 3, start, 1, count);
    cx_view from_rest = cx_view_slice(heads_of(p, from), 3, start, 1, count);
    cx_view_copy(&to_rest, &from_rest);
}

/* A dense tensor of angles in the workspace. */
static cxai_tensor scratch(const cx_call *call, int number)
{
    const params *p = call->c->params;
    cxai_tensor t = { .shape = { 4, { p->batch, p->sequence, 1, p->pairs } } };
    cx_shape_strides(&t.shape, t.stride);
    t.data = (cxai_real *)call->workspace + number * cxai_shape_count(&t.shape);
    return t;
}

/* The row of a cache that stands at a position of the sequence. */
static cx_view cache_row(const params *p, const cxai_tensor *cache, int64_t i)
{
    return cx_view_select(cx_view_of(cache), 0, p->position[i]);
}

/* Row i of a dense tensor of angles. */
static cx_view angle_row(const params *p, const cxai_tensor *angles, int64_t i)
{
    const cxai_shape shape = { 1, { p->pairs } };
    return cx_view_dense(angles->data + i * p->pairs, sizeof(cxai_real),
                         &shape);
}

/* Cosines or sines, looked up where there are positions. */
static cxai_tensor angles_of(const cx_call *call, int input)
{
    const params *p = call->c->params;
    const cxai_tensor *cache = &call->x[input];
    if (p->position == NULL) {
        cx_view view = cx_view_insert(cx_view_of(cache), 2);
        return cx_view_tensor(&view);
    }
    cxai_tensor t = scratch(call, input - COS);
    for (int64_t i = 0; i < p->batch * p->sequence; i++) {
        cx_view to = angle_row(p, &t, i), from = cache_row(p, cache, i);
        cx_view_copy(&to, &from);
    }
    return t;
}

/* ---- passes -------------------------------------------------------------- */

static void dot(cxai_real *out, const cxai_real *const *in, int64_t n,
                cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[0][i] * in[2][i] + in[1][i] * in[3][i];
}

static void cross(cxai_real *out, const cxai_real *const *in, int64_t n,
                  cxai_real unused)
{
    (void)unused;
    for (int64_t i = 0; i < n; i++)
        out[i] = in[0][i] * in[3][i] - in[1][i] * in[2][i];
}

static void forward(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_tensor *x = &call->x[X], *y = &call->y[0];
    cx_rows rows = { .function = cross,
                     .in = { pairs_of(p, x, 0), pairs_of(p, x, 1),
                             angles_of(call, SIN), angles_of(call, COS) },
                     .count = 4,
                     .threads = call->c->threads };
    cxai_tensor y1 = pairs_of(p, y, 0), y2 = pairs_of(p, y, 1);
    cx_rows_map(&rows, &y1);
    rows.function = dot;
    cx_rows_map(&rows, &y2);
    copy_rest(p, y, x);
}

/* dx1 = dy1 cos + dy2 sin, dx2 = dy2 cos - dy1 sin: turned back. */
static void input_gradient(const cx_call *call)
{
    const params *p = call->c->params;
    const cxai_tensor *dy = &call->dy[0], *dx = &call->dx[X];
    cxai_tensor dy1 = pairs_of(p, dy, 0), dy2 = pairs_of(p, dy, 1);
    cxai_tensor dx1 = pairs_of(p, dx, 0), dx2 = pairs_of(p, dx, 1);
    cxai_tensor cosine = angles_of(call, COS), sine = angles_of(call, SIN);
    const cx_rows first = { .function = dot,
                            .in = { dy1, dy2, cosine, sine },
                            .count = 4,
                            .threads = call->c->threads };
    const cx_rows second = { .function = cross,
                             .in = { dy2, dy1, sine, cosine },
                             .count = 4,
                             .threads = call->c->threads };
    cx_rows_map(&first, &dx1);
    cx_rows_map(&second, &dx2);
    copy_rest(p, dx, dy);
}

/* dcos = x1 dy1 + x2 dy2, dsin = x1 dy2 - x2 dy1, summed over the heads and,
   with positions, over all that stand at one. */
static void cache_gradient(const cx_call *call, int input)
{
    const params *p = call->c->params;
    const cxai_tensor *x = &call->x[X], *dy = &call->dy[0];
    const cx_rows rows = { .function = input == COS ? dot : cross,
                           .in = { pairs_of(p, x, 0), pairs_of(p, x, 1),
                                   pairs_of(p, dy, 0), pairs_of(p, dy, 1) },
                           .count = 4,
                           .threads = call->c->threads };
    cx_view cache = cx_view_of(&call->dx[input]);
    if (p->position == NULL) {
        cache = cx_view_insert(cache, 2);
        cxai_tensor out = cx_view_tensor(&cache);
        cx_rows_reduce(&rows, CX_SUM, &out);
        return;
    }
    cxai_tensor sums = scratch(call, ANGLES - 1);
    cx_rows_reduce(&rows, CX_SUM, &sums);
    cx_view_fill(&cache, 0);
    for (int64_t i = 0; i < p->batch * p->sequence; i++) {
        cx_view to = cache_row(p, &call->dx[input], i);
        cx_view from = angle_row(p, &sums, i);
        cx_view_add(&to, &from);
    }
}

static void backward(const cx_call *call)
{
    if (call->dx[X].data != NULL)
        input_gradient(call);
    for (int i = COS; i <= SIN; i++)
        if (call->dx[i].data != NULL)
            cache_gradient(call, i);
}

static void demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    const params *p = c->params;
    const cxai_shape angles = { 3, { p->batch, p->sequence, p->pairs } };
    if (p->position != NULL)
        demand->forward_workspace = cx_size_times(
            ANGLES * sizeof(cxai_real), (size_t)cxai_shape_count(&angles));
    if (wanted & 1u << X)
        demand->keep_inputs |= 1u << COS | 1u << SIN;
    if (wanted & (1u << COS | 1u << SIN))
        demand->keep_inputs |= 1u << X;
    if (wanted != 0)
        demand->backward_workspace = demand->forward_workspace;
}

static const cx_sample samples[] = {
    { .inputs = "2,3,2,6;2,2,3;2,2,3" },
    { .inputs = "2,2,12;2,2,2;2,2,2",
      .attributes = "num_heads=3 interleaved=1" },
    { .inputs = "2,3,2,6;5,2;5,2;2,2=4,1,1,3",
      .attributes = "rotary_embedding_dim=4" },
};

static const cx_operator operators[] = {
    {
        .name = "RotaryEmbedding",
        .min_inputs = 3,
        .max_inputs = 4,
        .layout = CX_STRIDED,
        .params_size = sizeof(params),
        .infer = infer,
        .demand = demand,
        .forward = forward,
        .backward = backward,
        CX_SAMPLES(samples),
    },
};

const cx_operator_family cx_operators_rotary_embedding = CX_FAMILY(operators);
