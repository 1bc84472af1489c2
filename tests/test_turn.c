/*
 * Weights of a gradient that are turned from those packed for the convolution
 * against the same weights packed for the gradient.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cxai/random.h"
#include "cxai/session.h"
#include "kernels/turn.h"
#include "kernels/winograd.h"
#include "support/check.h"
#include "support/kernel.h"
#include "support/model_file.h"

enum { CELLS = 9, MOST = 70 };

/* Weights (columns, depth, cells) of a 3x3 convolution, both ways. */
typedef struct both {
    cxai_real *data;
    cx_tap forward_tap[CELLS], tap[CELLS];
    cx_weights forward, backward;
} both;

/* The gradient's taps are `taps` of the cells, the last ones first, mirrored as
   those of a convolution of step 1. */
static void set_up(both *b, int64_t depth, int64_t columns, int64_t taps)
{
    int64_t count = columns * depth * CELLS;
    *b = (both){ .data = malloc((size_t)count * sizeof *b->data) };
    assert_non_null(b->data);
    for (int64_t i = 0; i < count; i++)
        b->data[i] = (cxai_real)cxai_random_normal(7, 0, (uint64_t)i);
    for (int64_t t = 0; t < CELLS; t++) {
        b->forward_tap[t] = (cx_tap){ { 0, t / 3 - 1, t % 3 - 1 }, t };
        int64_t cell = CELLS - 1 - t;
        b->tap[t] = (cx_tap){ { 0, 1 - cell / 3, 1 - cell % 3 }, cell };
    }
    b->forward =
        (cx_weights){ b->data, 1,       CELLS,          depth * CELLS, CELLS,
                      depth,   columns, b->forward_tap, NULL };
    b->backward = (cx_weights){ b->data, 1,     depth * CELLS, CELLS, taps,
                                columns, depth, b->tap,        NULL };
}

static cx_convolution describe(const both *b, const cxai_real *packed)
{
    return (cx_convolution){
        .taps = b->backward.taps,
        .tap = b->tap,
        .groups = 1,
        .depth = b->backward.depth,
        .columns = b->backward.columns,
        .weights = packed,
        .turned = CELLS,
    };
}

static const int64_t sizes[] = { 1, 5, 8, 16, 17, 31, 32, 48, MOST };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void check_panels(const cx_kernels *kernels, int64_t depth,
                         int64_t columns, int64_t taps)
{
    both b;
    set_up(&b, depth, columns, taps);
    cxai_real *packed =
        cx_alloc_aligned(cx_panels_bytes(kernels, CELLS, depth, columns));
    size_t bytes = cx_panels_bytes(kernels, taps, columns, depth);
    cxai_real *want = cx_alloc_aligned(bytes), *got = cx_alloc_aligned(bytes);
    assert_true(packed != NULL && want != NULL && got != NULL);
    cx_pack_panels(kernels, &b.forward, 1, packed);
    cx_pack_panels(kernels, &b.backward, 1, want);
    const cx_convolution c = describe(&b, packed);
    int64_t panels = cx_panel_count(kernels, depth), end;
    for (int64_t p = 0; p < panels; p = end) { /* 1, 2, 3.. of them at once */
        end = 2 * p + 1 < panels ? 2 * p + 1 : panels;
        cx_turn_panels(kernels, &c, 0, p, end,
                       got + p * cx_panel_stride(kernels, taps, columns));
    }
    assert_memory_equal(got, want, bytes);
    cx_free_aligned(packed);
    cx_free_aligned(want);
    cx_free_aligned(got);
    free(b.data);
}

static void test_panels(void **state)
{
    (void)state;
    for (int level = 0; cx_kernels_level(level) != NULL; level++)
        for (int i = 0; i < SIZES; i++)
            for (int k = 0; k < SIZES; k++) {
                check_panels(cx_kernels_level(level), sizes[i], sizes[k],
                             CELLS);
                check_panels(cx_kernels_level(level), sizes[i], sizes[k], 2);
            }
}

/* Products of the points are powers of two, so that only the order of the sums
   in the transform differs: one rounding to a real, in rare cases another. */
static void check_winograd(const cx_kernels *kernels, int tile, int64_t depth,
                           int64_t columns)
{
    both b;
    int points = cx_winograd_points(tile);
    set_up(&b, depth, columns, CELLS);
    const cx_convolution forward = { .depth = depth,
                                     .columns = columns,
                                     .tile = tile };
    const cx_convolution backward = { .depth = columns,
                                      .columns = depth,
                                      .tile = tile };
    cxai_real *packed =
        cx_alloc_aligned(cx_winograd_packed_bytes(kernels, &forward));
    cxai_real *want =
        cx_alloc_aligned(cx_winograd_packed_bytes(kernels, &backward));
    int64_t reals = cx_panel_stride(kernels, 1, columns);
    cxai_real *got = cx_alloc_aligned((size_t)reals * sizeof *got);
    assert_true(packed != NULL && want != NULL && got != NULL);
    cx_winograd_pack(kernels, tile, &b.forward, 1, packed);
    cx_winograd_pack(kernels, tile, &b.backward, 1, want);
    cx_convolution c = describe(&b, packed);
    c.tile = tile;
    for (int64_t p = 0; p < cx_panel_count(kernels, depth); p++)
        for (int k = 0; k < points; k++) {
            const cxai_real *point = want + (p * points + k) * reals;
            cx_turn_point(kernels, &c, p, k, got);
            int64_t width = cx_panel_columns(kernels, depth, p) > kernels->lanes
                                ? 2 * kernels->lanes
                                : kernels->lanes;
            for (int64_t i = 0; i < (1 + columns) * width; i++)
                assert_true(fabs((double)(got[i] - point[i])) <=
                            1.2e-7 * (1 + fabs((double)point[i])));
        }
    cx_free_aligned(packed);
    cx_free_aligned(want);
    cx_free_aligned(got);
    free(b.data);
}

static void test_winograd(void **state)
{
    (void)state;
    for (int level = 0; cx_kernels_level(level) != NULL; level++)
        for (int i = 2; i < SIZES; i++)
            for (int k = 2; k < SIZES; k++)
                for (int tile = 2; tile <= 4; tile += 2)
                    check_winograd(cx_kernels_level(level), tile, sizes[i],
                                   sizes[k]);
}

/* ---- products with what is not turned -------------------------------------
 */

/* Columns from `from` on; the panels have 3 more behind them. */
static void check_turned(const cx_kernels *k, int rows, int columns, int panels)
{
    enum {
        ROWS = 20,
        FROM = 2,
        BEHIND = 3,
        GAP = 3,
        COLUMNS = 2 * CX_MAX_LANES
    };
    int width = 2 * k->lanes, depth = panels * width;
    int64_t stride = (FROM + columns + BEHIND) * width, y_offset[ROWS];
    cxai_real *row[ROWS], scale = -0.5f;
    void *block[ROWS], *panels_block;
    cxai_real *panel = kernel_numbers(panels * stride, 3000, &panels_block);
    guarded y = guarded_create(ROWS * (COLUMNS + GAP));
    for (int i = 0; i < rows; i++) {
        row[i] = kernel_numbers(depth + 1, 70 * i, &block[i]);
        y_offset[i] = (ROWS - 1 - i) * (COLUMNS + GAP);
    }
    k->product_turned(&(cx_turned_tile){
        .rows = rows,
        .columns = columns,
        .depth = depth,
        .stride = stride,
        .x = (const cxai_real *const *)row,
        .x_offset = 1,
        .panel = panel + FROM * width,
        .next = rows % 2 ? panel + FROM * width : NULL,
        .scale = scale,
        .y = y.data,
        .y_offset = y_offset,
    });
    for (int at = 0; at < ROWS * (COLUMNS + GAP); at++) {
        int i = ROWS - 1 - at / (COLUMNS + GAP), n = at % (COLUMNS + GAP);
        if (i >= rows || n >= columns) {
            assert_true(guarded_is_untouched(&y, at));
            continue;
        }
        exact e = { 0 };
        for (int d = 0; d < depth; d++)
            exact_add(
                &e, (double)(scale * row[i][1 + d]),
                (double)
                    panel[d / width * stride + (FROM + n) * width + d % width]);
        exact_check(&e, -(double)INFINITY, (double)INFINITY, y.data[at],
                    k->level, "turned");
    }
    guarded_end(&y);
    free(panels_block);
    for (int i = 0; i < rows; i++)
        free(block[i]);
}

static void test_products(void **state)
{
    (void)state;
    const cx_kernels *k;
    for (int level = 0; (k = cx_kernels_level(level)) != NULL; level++)
        for (int rows = 1; rows <= 20; rows++)
            for (int columns = CX_TURNED_COLUMNS; columns <= 2 * k->lanes;
                 columns += CX_TURNED_COLUMNS)
                for (int panels = 1; panels <= 3; panels++)
                    check_turned(k, rows, columns, panels);
}

/* ---- whole gradients ----------------------------------------------------- */

/* A convolution whose weights are large enough to be turned. */
typedef struct layer {
    int size, inputs, outputs, kernel, stride, pad, groups;
} layer;

static cxai_model *make_model(const layer *l, const float *w, size_t count)
{
    char text[64], four[16];
    model_file file;
    model_file_start(&file, 17);
    snprintf(text, sizeof text, "1,%d,%d,%d", l->inputs, l->size, l->size);
    model_file_input(&file, "x", text);
    snprintf(text, sizeof text, "%d,%d,%d,%d", l->outputs,
             l->inputs / l->groups, l->kernel, l->kernel);
    model_file_raw(&file,
                   model_file_weight(&file, "w", TENSOR_TYPE(FLOAT), text), w,
                   count * sizeof *w);
    Onnx__NodeProto *node = model_file_node(&file, "Conv", "conv", "x,w", "y");
    snprintf(four, sizeof four, "%d,%d", l->stride, l->stride);
    model_file_ints(&file, node, "strides", four);
    snprintf(four, sizeof four, "%d,%d,%d,%d", l->pad, l->pad, l->pad, l->pad);
    model_file_ints(&file, node, "pads", four);
    Onnx__AttributeProto *group =
        model_file_attribute(&file, node, "group", ATTRIBUTE_TYPE(INT));
    group->has_i = 1;
    group->i = l->groups;
    model_file_output(&file, "y");
    return model_file_load(&file);
}

/* dx[c, y*stride - pad + i, ...] += w[m,c,i,j] * dy[m, y, x] */
static void scatter(const layer *l, const float *w, const cxai_real *dy,
                    double *dx)
{
    int out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    int inputs = l->inputs / l->groups, outputs = l->outputs / l->groups;
    for (int m = 0; m < l->outputs; m++)
        for (int y = 0; y < out * out; y++)
            for (int k = 0; k < inputs * l->kernel * l->kernel; k++) {
                int c = k / l->kernel / l->kernel + m / outputs * inputs;
                int row =
                    y / out * l->stride - l->pad + k / l->kernel % l->kernel;
                int column = y % out * l->stride - l->pad + k % l->kernel;
                if (row < 0 || column < 0 || row >= l->size ||
                    column >= l->size)
                    continue;
                dx[(c * l->size + row) * l->size + column] +=
                    (double)w[m * inputs * l->kernel * l->kernel + k] *
                    (double)dy[m * out * out + y];
            }
}

static void check_gradient(const layer *l)
{
    cxai_error error;
    cxai_session *session;
    cxai_tensor view;
    int x, y, out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    size_t count =
        (size_t)(l->outputs * (l->inputs / l->groups) * l->kernel * l->kernel);
    size_t pixels = (size_t)(l->inputs * l->size * l->size);
    float *w = calloc(count, sizeof *w);
    double *want = calloc(pixels, sizeof *want);
    cxai_real *dy = calloc((size_t)(l->outputs * out * out), sizeof *dy);
    cxai_real *first = calloc(pixels, sizeof *first);
    cxai_real *got = calloc(pixels, sizeof *got);
    assert_true(w != NULL && want != NULL && dy != NULL && first != NULL &&
                got != NULL);
    for (size_t i = 0; i < count; i++)
        w[i] = (float)(cxai_random_normal(1, 0, i) / 40);
    for (int i = 0; i < l->outputs * out * out; i++)
        dy[i] = (cxai_real)cxai_random_normal(2, 0, (uint64_t)i);
    cxai_model *model = make_model(l, w, count);
    check_ok(cxai_model_find(model, "x", &x, &error), &error);
    check_ok(cxai_model_find(model, "y", &y, &error), &error);
    scatter(l, w, dy, want);
    for (int threads = 1; threads <= 3; threads++) {
        const cxai_request request = {
            .target = y, .wrt = &x, .wrt_count = 1, .threads = threads
        };
        check_ok(cxai_session_create(&session, model, &request, &error),
                 &error);
        check_ok(cxai_session_forward(session, &error), &error);
        check_ok(cxai_session_backward(session, dy, &error), &error);
        check_ok(cxai_session_gradient(session, x, &view, &error), &error);
        /* sums of up to 1200 products of about 1/40 with rounded weights */
        check_view(&view, want, (int64_t)pixels, 2e-5);
        cxai_tensor_read(&view, threads == 1 ? first : got);
        if (threads > 1) /* the same bits */
            assert_memory_equal(got, first, pixels * sizeof *got);
        cxai_session_free(&session);
    }
    cxai_model_free(&model);
    free(w);
    free(want);
    free(dy);
    free(first);
    free(got);
}

static void test_gradients(void **state)
{
    (void)state;
    static const layer layers[] = {
        { 12, 64, 64, 3, 1, 1, 1 },  /* Winograd, weights as they lie, */
        { 20, 64, 64, 3, 1, 1, 1 },  /* turned by those who need them, */
        { 40, 64, 64, 3, 1, 1, 1 },  /* turned for all blocks */
        { 7, 80, 80, 3, 1, 1, 1 },   /* smaller tiles, as they lie, */
        { 10, 80, 80, 3, 1, 1, 1 },  /* turned, */
        { 7, 80, 82, 3, 1, 0, 1 },   /* and in one direction alone */
        { 13, 100, 90, 3, 2, 1, 1 }, /* phases */
        { 21, 3, 32, 7, 2, 3, 1 },   /* a picture: line by line, not turned */
        { 7, 256, 280, 1, 1, 0, 1 }, /* one tap */
        { 7, 260, 290, 1, 2, 0, 1 }, /* pixels without a tap */
        { 6, 136, 130, 3, 1, 1, 2 }, /* groups */
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        check_gradient(&layers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_winograd),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
