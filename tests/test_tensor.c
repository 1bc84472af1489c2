/*
 * Shapes, views and literals. Wanted values are worked out by hand or by
 * numpy's rules on arange, where element (i, j, ...) is its row-major number;
 * copying is compared with one loop over all indices.
 */
#include "support/check.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"
#include "tensor/attribute.h"
#include "tensor/literal.h"
#include "tensor/view.h"

#define SHAPE(...)                                                             \
    ((cxai_shape){                                                             \
        .rank = (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)),   \
        .dim = { __VA_ARGS__ } })

static const cxai_shape scalar = { .rank = 0 };

/* ---- shapes ---- */

static void counts_are_checked(void **state)
{
    (void)state;
    const int64_t half = INT64_C(1) << 31;
    assert_int_equal(cxai_shape_count(&scalar), 1);
    assert_int_equal(cxai_shape_count(&SHAPE(2, 3, 4)), 24);
    assert_int_equal(cxai_shape_count(&SHAPE(2, 0, 4)), 0);
    assert_int_equal(cxai_shape_count(&SHAPE(2, -1)), -1);
    assert_int_equal(cxai_shape_count(&SHAPE(0, -1)), -1);
    assert_int_equal(cxai_shape_count(&SHAPE(half, half)), -1);
    assert_int_equal(cxai_shape_count(&SHAPE(half, half - 1)),
                     half * (half - 1));
    assert_int_equal(cxai_shape_count(&SHAPE(INT64_MAX, INT64_MAX)), -1);
    /* strides of an empty tensor must not overflow either */
    assert_int_equal(cxai_shape_count(&SHAPE(0, half, half)), -1);
}

static void shapes_are_written_out(void **state)
{
    (void)state;
    char text[32], tight[4];
    assert_string_equal(cxai_shape_text(&SHAPE(1, 3, 224, 7), text, 32),
                        "1x3x224x7");
    assert_string_equal(cxai_shape_text(&scalar, text, 32), "scalar");
    assert_string_equal(cxai_shape_text(&SHAPE(10, 20), tight, 4), "10x");
    assert_string_equal(cxai_shape_text(&scalar, tight, 4), "sca");
}

static void shapes_are_compared(void **state)
{
    (void)state;
    assert_true(cxai_shape_equal(&SHAPE(2, 3), &SHAPE(2, 3)));
    assert_false(cxai_shape_equal(&SHAPE(2, 3), &SHAPE(3, 2)));
    assert_false(cxai_shape_equal(&SHAPE(2, 1), &SHAPE(2)));
    assert_true(cxai_shape_equal(&scalar, &scalar));
}

static void strides_follow_the_layout(void **state)
{
    (void)state;
    int64_t stride[CXAI_MAX_RANK];
    cx_shape_strides(&SHAPE(2, 3, 4, 5), stride);
    assert_memory_equal(stride, ((int64_t[]){ 60, 20, 5, 1 }), 32);
    cx_shape_strides_channels_last(&SHAPE(2, 3, 4, 5), stride);
    assert_memory_equal(stride, ((int64_t[]){ 60, 1, 15, 3 }), 32);
    cx_shape_strides_channels_last(&SHAPE(2, 3, 4), stride);
    assert_memory_equal(stride, ((int64_t[]){ 12, 1, 3 }), 24);
    cx_shape_strides_channels_last(&SHAPE(2, 3), stride);
    assert_memory_equal(stride, ((int64_t[]){ 3, 1 }), 16);
    assert_int_equal(cx_shape_product(&SHAPE(2, 3, 4, 5), 1, 3), 12);
    assert_int_equal(cx_shape_product(&SHAPE(2, 3), 2, 2), 1);
}

static void check_broadcast(cxai_shape a, cxai_shape b, const char *want)
{
    cxai_shape out;
    char text[64];
    assert_int_equal(cx_shape_broadcast(&a, &b, &out), 0);
    assert_string_equal(cxai_shape_text(&out, text, sizeof text), want);
}

static void broadcasting_follows_numpy(void **state)
{
    (void)state;
    cxai_shape out;
    check_broadcast(SHAPE(2, 1, 4), SHAPE(3, 1), "2x3x4");
    check_broadcast(SHAPE(5), SHAPE(1, 1), "1x5");
    check_broadcast(SHAPE(5), scalar, "5");
    check_broadcast(SHAPE(1, 3), SHAPE(0, 1), "0x3");
    assert_int_equal(cx_shape_broadcast(&SHAPE(2), &SHAPE(3), &out), -1);
    assert_int_equal(cx_shape_broadcast(&SHAPE(2), &SHAPE(0), &out), -1);
}

/* ---- views of arange(2 * 3 * 4) ---- */

static cxai_real numbers[24];

static cx_view arange(void)
{
    for (int i = 0; i < 24; i++)
        numbers[i] = (cxai_real)i;
    return cx_view_dense(numbers, sizeof(cxai_real), &SHAPE(2, 3, 4));
}

#define CHECK_VIEW(view, ...)                                                  \
    do {                                                                       \
        cx_view checked = (view);                                              \
        const double want[] = { __VA_ARGS__ };                                 \
        cxai_tensor tensor = cx_view_tensor(&checked);                         \
        check_view(&tensor, want, (int64_t)(sizeof want / sizeof want[0]), 0); \
    } while (0)

static void views_are_numpys(void **state)
{
    (void)state;
    cx_view x = arange();
    CHECK_VIEW(cx_view_slice(cx_view_select(x, 0, 1), 1, 1, 2, 2), 13, 15, 17,
               19, 21, 23);
    CHECK_VIEW(cx_view_select(cx_view_slice(x, 2, 3, -1, 4), 1, 0), 3, 2, 1, 0,
               15, 14, 13, 12);
    CHECK_VIEW(cx_view_permute(cx_view_select(x, 2, 0), (int[]){ 1, 0 }), 0, 12,
               4, 16, 8, 20);
    cx_view row = cx_view_select(cx_view_select(x, 0, 0), 0, 2);
    CHECK_VIEW(row, 8, 9, 10, 11);
    CHECK_VIEW(cx_view_broadcast(row, &SHAPE(2, 4)), 8, 9, 10, 11, 8, 9, 10,
               11);
    cx_view column = cx_view_insert(row, 1);
    assert_true(cxai_shape_equal(&column.shape, &SHAPE(4, 1)));
    CHECK_VIEW(cx_view_broadcast(column, &SHAPE(4, 2)), 8, 8, 9, 9, 10, 10, 11,
               11);
    cx_view halves = cx_view_split(row, 0, 2);
    assert_true(cxai_shape_equal(&halves.shape, &SHAPE(2, 2)));
    CHECK_VIEW(cx_view_permute(halves, (int[]){ 1, 0 }), 8, 10, 9, 11);
    CHECK_VIEW(cx_view_slice(row, 0, 2, 0, 3), 10, 10, 10);
}

static void views_of_nothing_have_shapes(void **state)
{
    (void)state;
    cx_view view = cx_view_dense(NULL, sizeof(cxai_real), &SHAPE(2, 3));
    view = cx_view_select(cx_view_slice(view, 1, 1, 1, 2), 0, 1);
    assert_null(view.data);
    assert_true(cxai_shape_equal(&view.shape, &SHAPE(2)));
}

static void density_is_recognised(void **state)
{
    (void)state;
    cx_view x = arange();
    cx_view turned = cx_view_permute(x, (int[]){ 0, 2, 1 });
    cx_view part = cx_view_slice(x, 2, 0, 1, 3);
    cx_view first = cx_view_slice(x, 0, 0, 1, 1);
    assert_true(cx_view_is_dense(&x));
    assert_true(cx_view_is_dense(&first));
    assert_false(cx_view_is_dense(&turned));
    assert_false(cx_view_is_dense(&part));
    assert_true(cx_view_same_strides(&x, &part));
    assert_false(cx_view_same_strides(&x, &turned));
    /* an axis of one element does not count */
    cx_view other = first;
    other.stride[0] = 99;
    assert_true(cx_view_same_strides(&first, &other));
    assert_true(cx_view_is_dense(&other));
}

static void channels_last_memory_reads_as_nchw(void **state)
{
    (void)state;
    /* memory order h, w, c of a 1x2x2x3 picture: pixel * 10 + channel */
    cxai_real memory[12] = { 0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51 };
    cxai_tensor view = { .data = memory, .shape = SHAPE(1, 2, 2, 3) };
    cx_shape_strides_channels_last(&view.shape, view.stride);
    check_view(&view,
               (double[]){ 0, 10, 20, 30, 40, 50, 1, 11, 21, 31, 41, 51 }, 12,
               0);
    assert_true(*cxai_tensor_at(&view, (int64_t[]){ 0, 1, 1, 2 }) == 51);

    cxai_real dense[12], back[12] = { 0 };
    cxai_tensor_read(&view, dense);
    view.data = back;
    cxai_tensor_write(&view, dense);
    assert_memory_equal(back, memory, sizeof memory);
}

/* ---- copying, against one loop over all indices ---- */

enum { MEMORY = 1 << 16 };

static uint64_t draws;

static int64_t draw(int64_t low, int64_t high)
{
    double u = cxai_random_uniform(42, 0, draws++);
    return low + (int64_t)(u * (double)(high - low + 1));
}

/* A view of shape in a block of MEMORY items: axes lie in memory in any
   order, with gaps and turned round where asked for; never overlapping. */
static cx_view scatter(void *memory, size_t item, const cxai_shape *shape)
{
    cx_view view = cx_view_dense(memory, item, shape);
    int order[CXAI_MAX_RANK];
    for (int i = 0; i < shape->rank; i++)
        order[i] = i;
    for (int i = shape->rank - 1; i > 0; i--) {
        int64_t other = draw(0, i);
        int swap = order[i];
        order[i] = order[other];
        order[other] = swap;
    }
    int64_t stride = draw(0, 2) == 0 ? 2 : 1, start = 0;
    for (int i = 0; i < shape->rank; i++) {
        int axis = order[i];
        int turned = draw(0, 3) == 0;
        view.stride[axis] = turned ? -stride : stride;
        start += turned ? stride * (shape->dim[axis] - 1) : 0;
        stride *= shape->dim[axis] + (draw(0, 2) == 0);
    }
    assert_true(stride < MEMORY);
    view.data = (char *)memory + (size_t)start * item;
    return view;
}

static char *element(const cx_view *view, int64_t number)
{
    int64_t offset = 0;
    for (int i = view->shape.rank - 1; i >= 0; i--) {
        offset += number % view->shape.dim[i] * view->stride[i];
        number /= view->shape.dim[i];
    }
    return (char *)view->data + offset * (int64_t)view->item;
}

static cxai_shape draw_shape(void)
{
    cxai_shape shape = { .rank = (int)draw(0, 5) };
    int64_t room = 4000;
    for (int i = 0; i < shape.rank; i++) {
        int64_t most = draw(0, 3) == 0 ? 40 : 5;
        shape.dim[i] = draw(1, most < room ? most : room);
        room /= shape.dim[i];
    }
    return shape;
}

/* What is to be copied is copied, everything else is left alone. */
static void check_copy(size_t item)
{
    unsigned char *from_memory = calloc(MEMORY, item);
    unsigned char *to_memory = calloc(MEMORY, item);
    unsigned char *want = calloc(MEMORY, item);
    cxai_shape shape = draw_shape();
    for (size_t i = 0; i < MEMORY * item; i++) {
        from_memory[i] = (unsigned char)(i * 7 + i / 251);
        to_memory[i] = want[i] = (unsigned char)(i * 3 + 1);
    }
    cx_view from = scatter(from_memory, item, &shape);
    cx_view to = scatter(to_memory, item, &shape);
    if (shape.rank > 0 && draw(0, 3) == 0)
        from.stride[draw(0, shape.rank - 1)] = 0;
    for (int64_t i = 0; i < cxai_shape_count(&shape); i++)
        memcpy(want + (element(&to, i) - (char *)to_memory), element(&from, i),
               item);
    cx_view_copy(&to, &from);
    assert_memory_equal(to_memory, want, MEMORY * item);
    free(from_memory);
    free(to_memory);
    free(want);
}

static void copies_are_those_of_a_plain_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        check_copy(1);
        check_copy(3);
        check_copy(4);
        check_copy(8);
    }
}

/* Integers, so that sums are exact in any order. */
static void sums_are_those_of_a_plain_loop(void **state)
{
    (void)state;
    cxai_real *from_memory = calloc(MEMORY, sizeof *from_memory);
    cxai_real *to_memory = calloc(MEMORY, sizeof *to_memory);
    cxai_real *want = calloc(MEMORY, sizeof *want);
    for (int round = 0; round < 200; round++) {
        cxai_shape shape = draw_shape(), kept = shape;
        for (int i = 0; i < MEMORY; i++) {
            from_memory[i] = (cxai_real)(i % 97);
            to_memory[i] = want[i] = (cxai_real)(i % 31);
        }
        for (int i = 0; i < shape.rank; i++)
            kept.dim[i] = draw(0, 2) == 0 ? 1 : shape.dim[i];
        cx_view from = scatter(from_memory, sizeof *from_memory, &shape);
        cx_view to = cx_view_broadcast(
            scatter(to_memory, sizeof *to_memory, &kept), &shape);
        for (int64_t i = 0; i < cxai_shape_count(&shape); i++)
            want[(cxai_real *)(void *)element(&to, i) - to_memory] +=
                *(cxai_real *)(void *)element(&from, i);
        cx_view_add(&to, &from);
        assert_memory_equal(to_memory, want, MEMORY * sizeof *want);
    }
    free(from_memory);
    free(to_memory);
    free(want);
}

static void empty_views_are_left_alone(void **state)
{
    (void)state;
    cx_view x = arange();
    cx_view none = cx_view_slice(x, 1, 0, 1, 0);
    cx_view_copy(&none, &none);
    cx_view_add(&none, &none);
    cx_view_fill(&none, 7);
    CHECK_VIEW(cx_view_select(cx_view_select(x, 0, 0), 0, 0), 0, 1, 2, 3);
}

static void filling_stays_inside(void **state)
{
    (void)state;
    cx_view part = cx_view_slice(arange(), 2, 1, 2, 2);
    part = cx_view_slice(part, 0, 1, 1, 1);
    cx_view_fill(&part, -1);
    for (int i = 0; i < 24; i++)
        assert_true((int)numbers[i] == (i >= 12 && i % 2 == 1 ? -1 : i));
}

/* The gradient of broadcasting a 3-vector over two axes. */
static void adding_to_a_broadcast_sums(void **state)
{
    (void)state;
    cx_view x = arange();
    cxai_real sums[3] = { 100, 200, 300 };
    cx_view to = cx_view_dense(sums, sizeof(cxai_real), &SHAPE(3, 1));
    to = cx_view_broadcast(to, &x.shape);
    cx_view_add(&to, &x);
    /* rows 0..3 and 12..15: 6 + 54, and 32 more for each next row */
    check_close(sums, (double[]){ 160, 292, 424 }, 3, 0);
}

/* ---- literals and attributes ---- */

static void literals_convert_and_saturate(void **state)
{
    (void)state;
    cx_arena arena = { NULL };
    cx_literal *reals = cx_literal_create(&arena, CX_REAL, &SHAPE(5));
    cx_literal *bytes = cx_literal_create(&arena, CX_INT8, &SHAPE(1));
    cx_literal *words = cx_literal_create(&arena, CX_INT64, &SHAPE(2, 1));
    assert_non_null(reals);
    assert_non_null(bytes);
    assert_non_null(words);
    const cxai_real values[] = { (cxai_real)-2.75, (cxai_real)1e30,
                                 (cxai_real)-1e30, (cxai_real)NAN, 0 };
    const int64_t want[] = { -2, INT64_MAX, INT64_MIN, 0, 0 };
    memcpy(reals->data, values, sizeof values);
    for (int i = 0; i < 5; i++)
        assert_int_equal(cx_literal_int(reals, i), want[i]);
    assert_true(cx_literal_number(reals, 0) == -2.75);
    *(int8_t *)bytes->data = -128;
    assert_int_equal(cx_literal_int(bytes, 0), -128);
    bytes->type = CX_UINT8;
    assert_true(cx_literal_number(bytes, 0) == 128);
    ((int64_t *)words->data)[1] = INT64_MIN;
    assert_int_equal(cx_literal_int(words, 1), INT64_MIN);
    assert_int_equal(cx_literal_int(words, 0), 0);
    assert_int_equal(cx_literal_count(words), 2);
    assert_int_equal(cx_literal_view(words).item, 8);
    assert_int_equal(cx_literal_tensor(reals).shape.dim[0], 5);
    cx_arena_free(&arena);
}

static void impossible_literals_are_refused(void **state)
{
    (void)state;
    cx_arena arena = { NULL };
    assert_null(cx_literal_create(&arena, CX_REAL, &SHAPE(-1)));
    assert_null(cx_literal_create(&arena, CX_REAL, &SHAPE(INT64_MAX, 2)));
    assert_null(cx_literal_create(&arena, CX_INT64, &SHAPE(INT64_C(1) << 61)));
    assert_non_null(cx_literal_create(&arena, CX_REAL, &SHAPE(0)));
    cx_arena_free(&arena);
}

static void attributes_are_found_by_name_and_kind(void **state)
{
    (void)state;
    const cx_attribute list[] = {
        { .name = "axis", .kind = CX_ATTRIBUTE_INT, .i = -1 },
        { .name = "alpha", .kind = CX_ATTRIBUTE_FLOAT, .f = 0.5 },
        { .name = "mode", .kind = CX_ATTRIBUTE_STRING, .s = "edge" },
    };
    const cx_attributes attributes = { 3, list };
    assert_int_equal(cx_attribute_int(&attributes, "axis", 1), -1);
    assert_int_equal(cx_attribute_int(&attributes, "axes", 1), 1);
    assert_true(cx_attribute_float(&attributes, "alpha", 1) == 0.5);
    assert_true(cx_attribute_float(&attributes, "axis", 2) == 2);
    assert_string_equal(cx_attribute_string(&attributes, "mode", ""), "edge");
    assert_string_equal(cx_attribute_string(&attributes, "kind", "x"), "x");
    assert_null(cx_attribute_find(&attributes, "axis", CX_ATTRIBUTE_INTS));
}

/* What numpy's reshape can do without a copy, and what it cannot. */
static void views_are_reshaped_without_moving(void **state)
{
    (void)state;
    cxai_real data[24];
    const cx_view x = cx_view_dense(data, sizeof *data, &SHAPE(2, 3, 4));
    const cx_view turned = cx_view_permute(x, (int[]){ 2, 0, 1 }); /* 4,2,3 */
    const cx_view part = cx_view_slice(x, 2, 1, 2, 2);             /* 2,3,2 */
    cx_view y;
    assert_int_equal(cx_view_reshape(&x, &SHAPE(6, 1, 2, 2), &y), 0);
    assert_true(y.data == data && cx_view_is_dense(&y));
    assert_int_equal(cx_view_reshape(&turned, &SHAPE(2, 2, 1, 6), &y), 0);
    assert_int_equal(y.stride[0], 2);
    assert_int_equal(y.stride[1], 1);
    assert_int_equal(y.stride[3], 4);
    assert_int_equal(cx_view_reshape(&turned, &SHAPE(8, 3), &y), -1);
    assert_int_equal(cx_view_reshape(&turned, &SHAPE(24), &y), -1);
    assert_int_equal(cx_view_reshape(&part, &SHAPE(12), &y), 0);
    assert_int_equal(y.stride[0], 2);
    assert_int_equal(cx_view_reshape(&part, &SHAPE(6, 1, 2), &y), 0);
    assert_int_equal(y.stride[0], 4);
    assert_int_equal(y.stride[2], 2);
    const cx_view one = cx_view_dense(data, sizeof *data, &SHAPE(1, 1));
    assert_int_equal(cx_view_reshape(&one, &scalar, &y), 0);
    const cx_view none = cx_view_dense(data, sizeof *data, &SHAPE(0, 4));
    assert_int_equal(cx_view_reshape(&none, &SHAPE(4, 0), &y), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_checked),
        cmocka_unit_test(shapes_are_written_out),
        cmocka_unit_test(shapes_are_compared),
        cmocka_unit_test(strides_follow_the_layout),
        cmocka_unit_test(broadcasting_follows_numpy),
        cmocka_unit_test(views_are_numpys),
        cmocka_unit_test(views_of_nothing_have_shapes),
        cmocka_unit_test(density_is_recognised),
        cmocka_unit_test(channels_last_memory_reads_as_nchw),
        cmocka_unit_test(copies_are_those_of_a_plain_loop),
        cmocka_unit_test(sums_are_those_of_a_plain_loop),
        cmocka_unit_test(empty_views_are_left_alone),
        cmocka_unit_test(filling_stays_inside),
        cmocka_unit_test(adding_to_a_broadcast_sums),
        cmocka_unit_test(views_are_reshaped_without_moving),
        cmocka_unit_test(literals_convert_and_saturate),
        cmocka_unit_test(impossible_literals_are_refused),
        cmocka_unit_test(attributes_are_found_by_name_and_kind),
    };
    return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
