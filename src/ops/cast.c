/*
 * Changes of type. All real types of 16 bits and more are one here, so that
 * casts among them do nothing. A cast to floating point of eight bits or fewer
 * rounds; its gradient is the straight-through one: that of the identity, and 0
 * for what is out of the type's range. Computed integers are carried as reals:
 * a cast to integers rounds towards 0, and has no gradient but 0.
 */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "base/narrow.h"
#include "ops/common/constant.h"
#include "ops/common/move.h"
#include "ops/common/rows.h"

#include <inttypes.h>

/* ---- what ONNX calls types (TensorProto.DataType) ---- */

typedef struct target {
    int code; /* of TensorProto.DataType */
    cx_type type;
    int bits; /* of an integer; 1: bool */
    int is_signed;
} target;

static const target targets[] = {
    { 1, CX_REAL, 0, 0 },    { 10, CX_REAL, 0, 0 },   { 11, CX_REAL, 0, 0 },
    { 16, CX_REAL, 0, 0 },   { 9, CX_INT64, 1, 0 },   { 2, CX_UINT8, 8, 0 },
    { 3, CX_INT8, 8, 1 },    { 4, CX_UINT16, 16, 0 }, { 5, CX_INT16, 16, 1 },
    { 6, CX_INT64, 32, 1 },  { 7, CX_INT64, 64, 1 },  { 12, CX_INT64, 32, 0 },
    { 13, CX_INT64, 64, 0 }, { 21, CX_UINT8, 4, 0 },  { 22, CX_INT8, 4, 1 },
    { 25, CX_UINT8, 2, 0 },  { 26, CX_INT8, 2, 1 },   { 17, CX_REAL, 0, 0 },
    { 18, CX_REAL, 0, 0 },   { 19, CX_REAL, 0, 0 },   { 20, CX_REAL, 0, 0 },
    { 23, CX_REAL, 0, 0 },   { 24, CX_REAL, 0, 0 },
};

/* The value as numpy casts it: bool is 0 or 1, other integers keep their low
   bits. */
static int64_t wrap(int64_t value, int bits, int is_signed)
{
    if (bits == 1)
        return value != 0;
    if (bits == 64)
        return value;
    int64_t range = INT64_C(1) << bits;
    int64_t low = value & (range - 1);
    return is_signed && low >= range / 2 ? low - range : low;
}

/* ---- Cast and CastLike ---- */

typedef struct cast_params {
    const target *to;
    const cx_narrow *narrow; /* to fewer bits; NULL: no rounding of reals */
    int saturate;
    cx_narrow_mode mode;
} cast_params;

static cxai_status cast_to(const cx_case *c, const target *to)
{
    cast_params *params = c->params;
    const char *mode = cx_attribute_string(c->attributes, "round_mode", "up");
    params->to = to;
    params->narrow = cx_narrow_find(to->code);
    params->saturate = cx_attribute_int(c->attributes, "saturate", 1) != 0;
    if (params->narrow != NULL && params->narrow->fraction == 0)
        params->mode = strcmp(mode, "up") == 0     ? CX_NARROW_UP
                       : strcmp(mode, "down") == 0 ? CX_NARROW_DOWN
                                                   : CX_NARROW_NEAREST;
    c->y_type[0] = to->type;
    return cx_set_shape(c, 0, &c->x_shape[0]);
}

static const target *find_target(int64_t code)
{
    for (int i = 0; i < CX_COUNT(targets); i++)
        if (targets[i].code == code)
            return &targets[i];
    return NULL;
}

static cxai_status cast_infer(const cx_case *c)
{
    int64_t code = cx_attribute_int(c->attributes, "to", 0);
    const target *to = find_target(code);
    if (to != NULL)
        return cast_to(c, to);
    return cx_refuse(c, CXAI_UNSUPPORTED,
                     "cannot cast to ONNX's data type %" PRId64, code);
}

/* The type of a constant of the file is known; else what was a narrow integer
   or bool in the file is 64 bits wide here. */
static cxai_status cast_like_infer(const cx_case *c)
{
    cx_type type = cx_input_type(c, 1);
    const cx_literal *like = c->x_literal[1];
    const target *to = like != NULL ? find_target(like->code) : NULL;
    if (to != NULL)
        return cast_to(c, to);
    to = targets;
    while (to->type != type || (type == CX_INT64 && to->bits != 64))
        to++;
    return cast_to(c, to);
}

static void describe(const cx_mover *m)
{
    cx_view x = cx_mover_x(m, 0), y = cx_mover_y(m, 0);
    cx_move(m, &x, &y);
}

/* A real that is not 0 is true, even where it truncates to 0. */
static int64_t cast_element(const cx_literal *x, int64_t i, const target *to)
{
    if (to->bits == 1)
        return cx_literal_number(x, i) != 0;
    return wrap(cx_literal_int(x, i), to->bits, to->is_signed);
}

/* target_number: of targets. */
static void to_integers(cxai_real *out, const cxai_real *const *in, int64_t n,
                        cxai_real target_number)
{
    cx_literal x = { .type = CX_REAL,
                     .shape = { 1, { n } },
                     .data = (void *)(uintptr_t)in[0] };
    for (int64_t i = 0; i < n; i++)
        out[i] = (cxai_real)cast_element(&x, i, &targets[(int)target_number]);
}

static void narrow(cxai_real *out, const cxai_real *const *in, int64_t n,
                   cxai_real target_number)
{
    int code = (int)target_number / 8, flags = (int)target_number % 8;
    const cx_narrow *format = cx_narrow_find(code);
    for (int64_t i = 0; i < n; i++)
        out[i] = (cxai_real)cx_narrow_round(format, (double)in[0][i], flags & 1,
                                            (cx_narrow_mode)(flags / 2));
}

static void narrow_reals(const cx_call *call, cxai_tensor from)
{
    const cast_params *p = call->c->params;
    cx_rows rows = { .function = narrow,
                     .parameter = (cxai_real)(8 * p->narrow->code +
                                              2 * (int)p->mode + p->saturate),
                     .in = { from },
                     .count = 1,
                     .threads = call->c->threads };
    cx_rows_map(&rows, &call->y[0]);
}

/* Constants of integers are folded at load, into a dense literal. */
static void cast_forward(const cx_call *call)
{
    const cast_params *p = call->c->params;
    const target *to = p->to;
    const cx_literal *x = call->c->x_literal[0];
    int is_integer = x != NULL && x->type != CX_REAL;
    if (is_integer)
        cx_literal_reals(x, call->y[0].data);
    if (p->narrow != NULL) {
        narrow_reals(call, is_integer ? call->y[0] : call->x[0]);
    } else if (is_integer) {
        return;
    } else if (to->type == CX_REAL) {
        cx_move_forward(call, describe);
    } else {
        cx_rows rows = { .function = to_integers,
                         .parameter = (cxai_real)(to - targets),
                         .in = { call->x[0] },
                         .count = 1,
                         .threads = call->c->threads };
        cx_rows_map(&rows, &call->y[0]);
    }
}

/* of dy, x */
static void pass_in_range(cxai_real *out, const cxai_real *const *in, int64_t n,
                          cxai_real greatest)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = fabs(in[1][i]) <= greatest ? in[0][i] : 0;
}

static void narrow_backward(const cx_call *call)
{
    const cast_params *p = call->c->params;
    cx_rows rows = { .function = pass_in_range,
                     .parameter = (cxai_real)p->narrow->greatest,
                     .in = { call->dy[0], call->x[0] },
                     .count = 2,
                     .threads = call->c->threads };
    if (call->dx[0].data != NULL)
        cx_rows_map(&rows, &call->dx[0]);
}

static void cast_demand(const cx_case *c, uint64_t wanted, cx_demand *demand)
{
    if (wanted & 1 && ((const cast_params *)c->params)->narrow != NULL)
        demand->keep_inputs = 1;
}

/* Nothing depends on the elements of CastLike's second input, and nothing on
   any where the result is an integer. */
static void cast_backward(const cx_call *call)
{
    const target *to = ((const cast_params *)call->c->params)->to;
    if (to->type == CX_REAL && call->c->input_count == 1 &&
        ((const cast_params *)call->c->params)->narrow == NULL) {
        cx_move_backward(call, describe, CX_EXACTLY_ONCE);
        return;
    }
    for (int i = 0; i < call->c->input_count; i++)
        if (call->dx[i].data != NULL) {
            cx_view dx = cx_view_of(&call->dx[i]);
            cx_view_fill(&dx, 0);
        }
    if (((const cast_params *)call->c->params)->narrow != NULL)
        narrow_backward(call);
    else if (to->type == CX_REAL)
        cx_move_backward(call, describe, CX_AT_MOST_ONCE);
}

/* To integers. */
static cxai_status cast_fold(const cx_case *c, cx_literal *const *y)
{
    const target *to = ((const cast_params *)c->params)->to;
    const cx_literal *x = c->x_literal[0];
    int64_t count = cx_literal_count(x);
    for (int64_t i = 0; i < count; i++)
        cx_literal_set_int(y[0], i, cast_element(x, i, to));
    return CXAI_OK;
}

static const cx_sample cast_samples[] = {
    { .inputs = "2,3,2", .attributes = "to=1" },
    { .inputs = "2,3,2", .attributes = "to=10" },
    { .inputs = "2,3", .attributes = "to=7" },
    { .inputs = "3=-2,0,300", .attributes = "to=3" },
    { .inputs = "3=-2,0,300", .attributes = "to=9" },
    { .inputs = "3=-2,0,300", .attributes = "to=1" },
    { .inputs = "3=-2,0,300", .attributes = "to=22" },
    { .inputs = "3=-2,0,300", .attributes = "to=17" },
    { .inputs = "4~-2.3,0,1e9,0.01", .attributes = "to=19 saturate=0" },
};

static const cx_sample cast_like_samples[] = {
    { .inputs = "2,3,2;1" },
    { .inputs = "3=-2,0,300;1=1" },
    { .inputs = "3=-2,0,300;1" },
};

static const cx_operator operators[] = {
    { .name = "Cast",
      .min_inputs = 1,
      .max_inputs = 1,
      .layout = CX_STRIDED,
      .params_size = sizeof(cast_params),
      .carries_integers = 1,
      .infer = cast_infer,
      .demand = cast_demand,
      .forward = cast_forward,
      .backward = cast_backward,
      .fold = cast_fold,
      CX_SAMPLES(cast_samples) },
    { .name = "CastLike",
      .min_inputs = 2,
      .max_inputs = 2,
      .layout = CX_STRIDED,
      .params_size = sizeof(cast_params),
      .carries_integers = 1,
      .infer = cast_like_infer,
      .demand = cast_demand,
      .forward = cast_forward,
      .backward = cast_backward,
      .fold = cast_fold,
      CX_SAMPLES(cast_like_samples) },
};

const cx_operator_family cx_operators_cast = CX_FAMILY(operators);
