/*
 * Convolutions of many shapes inside a session, with a residual and a ReLU
 * fused behind them, forwards and backwards to every input, at every level of
 * the kernels, against the definition in plain loops (support/kernel.h has the
 * bound); the same bits for any number of threads.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/session.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/net.h"

/* Axes: depth, height, width; a case of lower rank has 1 in front. */
typedef struct shape {
    int batch, inputs, outputs, group, rank;
    int in[3], out[3], kernel[3], stride[3], dilation[3], before[3], after[3];
    int residual, constant;
} shape;

enum { X, W, B, R, TENSORS };

static const char *const names[TENSORS] = { "x", "w", "b", "r" };

static int64_t volume(const int *size)
{
    return (int64_t)size[0] * size[1] * size[2];
}

static int64_t count_of(const shape *s, int tensor)
{
    switch (tensor) {
    case X: return s->batch * s->inputs * volume(s->in);
    case W: return s->outputs * (s->inputs / s->group) * volume(s->kernel);
    case B: return s->outputs;
    default: return s->batch * s->outputs * volume(s->out);
    }
}

/* ---- the definition ------------------------------------------------------ */

/* A term of the convolution: y[y] += x[x] * w[w]; all row-major. */
typedef void term_function(int64_t y, int64_t x, int64_t w, void *payload);

static void spatial_terms(const shape *s, int64_t y0, int64_t x0, int64_t w0,
                          term_function *term, void *payload)
{
    for (int64_t o = 0; o < volume(s->out); o++)
        for (int64_t k = 0; k < volume(s->kernel); k++) {
            int64_t rest_o = o, rest_k = k, x = 0, scale = 1;
            int inside = 1;
            for (int a = 2; a >= 0; a--) {
                int64_t at = rest_o % s->out[a] * s->stride[a] +
                             rest_k % s->kernel[a] * s->dilation[a] -
                             s->before[a];
                rest_o /= s->out[a];
                rest_k /= s->kernel[a];
                inside &= at >= 0 && at < s->in[a];
                x += at * scale;
                scale *= s->in[a];
            }
            if (inside)
                term(y0 + o, x0 + x, w0 + k, payload);
        }
}

static void all_terms(const shape *s, term_function *term, void *payload)
{
    int in = s->inputs / s->group, out = s->outputs / s->group;
    for (int64_t n = 0; n < s->batch; n++)
        for (int64_t m = 0; m < s->outputs; m++)
            for (int64_t c = 0; c < in; c++) {
                int64_t channel = n * s->inputs + m / out * in + c;
                spatial_terms(s, (n * s->outputs + m) * volume(s->out),
                              channel * volume(s->in),
                              (m * in + c) * volume(s->kernel), term, payload);
            }
}

typedef struct reference {
    const shape *s;
    cxai_real *value[TENSORS];
    exact *y, *gradient[TENSORS]; /* of R: none */
    cxai_real *dy;                /* seed where the ReLU let it through */
} reference;

static void forward_term(int64_t y, int64_t x, int64_t w, void *payload)
{
    reference *r = payload;
    exact_add(&r->y[y], (double)r->value[X][x], (double)r->value[W][w]);
}

static void backward_term(int64_t y, int64_t x, int64_t w, void *payload)
{
    reference *r = payload;
    exact_add(&r->gradient[X][x], (double)r->dy[y], (double)r->value[W][w]);
    exact_add(&r->gradient[W][w], (double)r->dy[y], (double)r->value[X][x]);
}

static void *zeroed(int64_t count, size_t size)
{
    void *block = calloc((size_t)count + 1, size);
    assert_non_null(block);
    return block;
}

/* y; its ReLU is the caller's. */
static reference compute_forward(const shape *s)
{
    reference r = { .s = s, .y = zeroed(count_of(s, R), sizeof(exact)) };
    for (int t = 0; t < TENSORS; t++) {
        r.value[t] = zeroed(count_of(s, t), sizeof(cxai_real));
        r.gradient[t] = zeroed(count_of(s, t), sizeof(exact));
        for (int64_t i = 0; i < count_of(s, t); i++)
            r.value[t][i] = kernel_number(t * 100000 + i);
    }
    int64_t plane = volume(s->out);
    for (int64_t i = 0; i < count_of(s, R); i++) {
        exact_add(&r.y[i], (double)r.value[B][i / plane % s->outputs], 1);
        if (s->residual)
            exact_add(&r.y[i], (double)r.value[R][i], 1);
    }
    all_terms(s, forward_term, &r);
    return r;
}

/* Gradients of sum(seed * ReLU(y)), the ReLU being open where got says. */
static void compute_backward(reference *r, const cxai_real *got,
                             const cxai_real *seed)
{
    int64_t count = count_of(r->s, R), plane = volume(r->s->out);
    r->dy = zeroed(count, sizeof *r->dy);
    for (int64_t i = 0; i < count; i++) {
        r->dy[i] = got[i] > 0 ? seed[i] : 0;
        exact_add(&r->gradient[B][i / plane % r->s->outputs], (double)r->dy[i],
                  1);
        exact_add(&r->gradient[R][i], (double)r->dy[i], 1);
    }
    all_terms(r->s, backward_term, r);
}

static void free_reference(reference *r)
{
    for (int t = 0; t < TENSORS; t++) {
        free(r->value[t]);
        free(r->gradient[t]);
    }
    free(r->y);
    free(r->dy);
}

/* ---- the session --------------------------------------------------------- */

/* "1,2,3": the last rank of the three sizes behind what is there. */
static void append(char *text, const int *size, int rank)
{
    for (int i = 3 - rank; i < 3; i++)
        sprintf(text + strlen(text), "%s%d", text[0] != '\0' ? "," : "",
                size[i]);
}

static void describe(const shape *s, char *attributes)
{
    char text[4][64] = { "" };
    append(text[0], s->stride, s->rank);
    append(text[1], s->dilation, s->rank);
    append(text[2], s->before, s->rank);
    append(text[2], s->after, s->rank);
    sprintf(attributes, "group=%d strides=%s, dilations=%s, pads=%s", s->group,
            text[0], text[1], text[2]);
}

static void tensor_shape(const shape *s, int tensor, char *text)
{
    if (tensor == X)
        sprintf(text, "%d,%d", s->batch, s->inputs);
    else if (tensor == W)
        sprintf(text, "%d,%d", s->outputs, s->inputs / s->group);
    else if (tensor == B)
        sprintf(text, "%d", s->outputs);
    else
        sprintf(text, "%d,%d", s->batch, s->outputs);
    if (tensor != B)
        append(text,
               tensor == X   ? s->in
               : tensor == W ? s->kernel
                             : s->out,
               s->rank);
}

static int is_constant(const shape *s, int tensor)
{
    return s->constant && (tensor == W || tensor == B);
}

static cxai_model *build(const shape *s, const reference *r)
{
    net n = net_begin(13);
    char text[512];
    for (int t = 0; t < TENSORS; t++) {
        tensor_shape(s, t, text);
        double *wide = zeroed(count_of(s, t), sizeof *wide);
        for (int64_t i = 0; i < count_of(s, t); i++)
            wide[i] = (double)r->value[t][i];
        if (is_constant(s, t))
            net_reals(&n, names[t], text, wide);
        else
            net_input(&n, names[t], text);
        free(wide);
    }
    describe(s, text);
    net_node(&n, "Conv", "x w b", "c", text);
    net_node(&n, "Add", "c r", "a", "");
    net_node(&n, "Relu", s->residual ? "a" : "c", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

/* What a session answers. */
typedef struct answer {
    cxai_real *y, *gradient[TENSORS];
} answer;

static cxai_real *read_view(const cxai_tensor *view)
{
    cxai_real *dense = zeroed(cxai_shape_count(&view->shape), sizeof *dense);
    cxai_tensor_read(view, dense);
    return dense;
}

static answer ask(const cxai_model *model, const shape *s, const reference *r,
                  const cxai_real *seed, int threads)
{
    cxai_error error;
    cxai_session *session;
    cxai_tensor view;
    answer a = { 0 };
    int feed[TENSORS], feeds = 0, wrt[TENSORS], count = s->residual ? 4 : 3;
    for (int t = 0; t < count; t++) {
        wrt[t] = net_value(model, names[t]);
        if (!is_constant(s, t))
            feed[feeds++] = wrt[t];
    }
    cxai_request request = { .feed = feed,
                             .feed_count = feeds,
                             .target = net_value(model, "y"),
                             .wrt = wrt,
                             .wrt_count = count,
                             .threads = threads };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    for (int t = 0; t < count; t++)
        if (!is_constant(s, t))
            check_ok(cxai_session_set(session, wrt[t], r->value[t], &error),
                     &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_value(session, request.target, &view, &error),
             &error);
    a.y = read_view(&view);
    check_ok(cxai_session_backward(session, seed, &error), &error);
    for (int t = 0; t < count; t++) {
        check_ok(cxai_session_gradient(session, wrt[t], &view, &error), &error);
        a.gradient[t] = read_view(&view);
    }
    cxai_session_free(&session);
    return a;
}

static void free_answer(answer *a)
{
    free(a->y);
    for (int t = 0; t < TENSORS; t++)
        free(a->gradient[t]);
}

/* ---- comparing ----------------------------------------------------------- */

static void check_level(const cxai_model *model, reference *r,
                        const char *level)
{
    const shape *s = r->s;
    char what[600];
    describe(s, what);
    sprintf(what + strlen(what), " %d %dx%dx%dx%d to %d by %dx%dx%d", s->batch,
            s->inputs, s->in[0], s->in[1], s->in[2], s->outputs, s->kernel[0],
            s->kernel[1], s->kernel[2]);
    setenv("CXAI_CPU", level, 1);
    void *seed_block;
    cxai_real *seed = kernel_numbers(count_of(s, R), 555, &seed_block);
    answer one = ask(model, s, r, seed, 1), three = ask(model, s, r, seed, 3);
    for (int64_t i = 0; i < count_of(s, R); i++)
        exact_check(&r->y[i], 0, HUGE_VAL, one.y[i], level, what);
    assert_memory_equal(one.y, three.y, (size_t)count_of(s, R) * sizeof *one.y);
    if (r->dy == NULL)
        compute_backward(r, one.y, seed);
    for (int t = 0; t < (s->residual ? 4 : 3); t++) {
        for (int64_t i = 0; i < count_of(s, t); i++)
            exact_check(&r->gradient[t][i], -HUGE_VAL, HUGE_VAL,
                        one.gradient[t][i], level, what);
        assert_memory_equal(one.gradient[t], three.gradient[t],
                            (size_t)count_of(s, t) * sizeof *one.y);
    }
    free_answer(&one);
    free_answer(&three);
    free(seed_block);
    unsetenv("CXAI_CPU");
}

static void check_shape(const shape *s)
{
    reference r = compute_forward(s);
    cxai_model *model = build(s, &r);
    const cx_kernels *k;
    for (int i = 0; (k = cx_kernels_level(i)) != NULL; i++)
        check_level(model, &r, k->level);
    cxai_model_free(&model);
    free_reference(&r);
}

/* ---- shapes -------------------------------------------------------------- */

static int draw(uint64_t *state, int from, int to)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return from + (int)((*state >> 33) % (uint64_t)(to - from + 1));
}

static shape draw_shape(uint64_t *state, int depthwise)
{
    shape s = { .batch = draw(state, 1, 2), .rank = draw(state, 1, 3) };
    s.group = depthwise ? draw(state, 1, 40) : draw(state, 1, 3);
    s.inputs = s.group * (depthwise ? 1 : draw(state, 1, 9));
    s.outputs = s.group * (depthwise ? 1 : draw(state, 1, 21));
    s.residual = draw(state, 0, 1);
    s.constant = draw(state, 0, 1);
    for (int i = 0; i < 3; i++) {
        int there = i >= 3 - s.rank;
        s.kernel[i] = there ? draw(state, 1, 3) : 1;
        s.stride[i] = there ? draw(state, 1, 3) : 1;
        s.dilation[i] = there ? draw(state, 1, 2) : 1;
        s.before[i] = there ? draw(state, 0, 2) : 0;
        s.after[i] = there ? draw(state, 0, 2) : 0;
        int extent = s.dilation[i] * (s.kernel[i] - 1) + 1;
        int least = extent - s.before[i] - s.after[i];
        s.in[i] = there ? draw(state, least < 1 ? 1 : least, 9) : 1;
        s.out[i] =
            (s.in[i] + s.before[i] + s.after[i] - extent) / s.stride[i] + 1;
    }
    return s;
}

static void test_many_shapes(void **unused)
{
    (void)unused;
    uint64_t state = 3;
    for (int i = 0; i < 120; i++) {
        shape s = draw_shape(&state, i % 3 == 0);
        check_shape(&s);
    }
}

/* Square pictures of one size, without a residual. */
static shape square(int inputs, int outputs, int group, int size, int kernel,
                    int stride)
{
    int pad = kernel / 2, out = (size + 2 * pad - kernel) / stride + 1;
    return (shape){
        .batch = 1,
        .inputs = inputs,
        .outputs = outputs,
        .group = group,
        .rank = 2,
        .in = { 1, size, size },
        .out = { 1, out, out },
        .kernel = { 1, kernel, kernel },
        .stride = { 1, stride, stride },
        .dilation = { 1, 1, 1 },
        .before = { 0, pad, pad },
        .after = { 0, pad, pad },
        .constant = 1,
    };
}

/* Shapes of layers as networks have them: several chunks of tiles, several
   panels, few pixels and many channels. */
static void test_layers(void **unused)
{
    (void)unused;
    const shape layers[] = {
        square(3, 24, 1, 41, 7, 2),   square(24, 40, 1, 23, 1, 1),
        square(64, 72, 1, 15, 3, 1),  square(16, 33, 1, 31, 1, 2),
        square(96, 96, 96, 29, 3, 1), square(168, 168, 168, 14, 5, 2),
        square(24, 24, 3, 20, 3, 2),  square(200, 130, 1, 5, 1, 1),
        square(1, 1, 1, 9, 3, 1),     square(1, 20, 1, 13, 5, 1),
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        check_shape(&layers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_shapes),
        cmocka_unit_test(test_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
