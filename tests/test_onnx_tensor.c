/* Every data type and form in which an ONNX file holds numbers. Expected
   numbers are written by hand from the definitions of the formats: IEEE 754
   for floats, two's complement for integers. */
#include <string.h>

#include "cxai/model.h"
#include "graph/graph.h"
#include "support/check.h"
#include "support/model_file.h"

/* Numbers are sums of a few powers of two: equal, not near. */
static void assert_numbers(const cx_literal *literal, cx_type type,
                           const double *expected, int count)
{
    assert_non_null(literal);
    assert_int_equal(literal->type, type);
    assert_int_equal(cx_literal_count(literal), count);
    for (int i = 0; i < count; i++)
        assert_true(cx_literal_number(literal, i) == expected[i]);
}

static const cx_literal *literal_named(const cxai_model *model,
                                       const char *name)
{
    for (int v = 0; v < cxai_model_value_count(model); v++)
        if (strcmp(cxai_model_value_name(model, v), name) == 0)
            return model->values[v].literal;
    return NULL;
}

/* A model that only passes its input on, beside the tensors of a test, which
   are outputs so that nothing drops them. */
static void start(model_file *file)
{
    model_file_start(file, 13);
    model_file_input(file, "x", "1,3");
    model_file_node(file, "Relu", "relu", "x", "y");
    model_file_output(file, "y");
}

static cxai_model *load(model_file *file)
{
    size_t size;
    const void *bytes = model_file_pack(file, &size);
    cxai_model *model;
    cxai_error error = { .message = "" };
    check_ok(cxai_model_load_memory(&model, bytes, size, NULL, NULL, &error),
             &error);
    return model;
}

/* Three elements: little-endian bytes, and what they mean. */
typedef struct sample {
    int32_t data_type;
    cx_type type;
    size_t width;
    uint8_t bytes[24];
    double expected[3];
} sample;

static const sample samples[] = {
    { TENSOR_TYPE(FLOAT),
      CX_REAL,
      4,
      { 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0, 0, 0, 0, 0x3e },
      { 1, -2.5, 0.125 } },
    { TENSOR_TYPE(DOUBLE),
      CX_REAL,
      8,
      { 0, 0, 0,    0,    0, 0, 0xf0, 0x3f, 0, 0, 0,    0,
        0, 0, 0x04, 0xc0, 0, 0, 0,    0,    0, 0, 0xc0, 0x3f },
      { 1, -2.5, 0.125 } },
    { TENSOR_TYPE(FLOAT16),
      CX_REAL,
      2,
      { 0x00, 0x3c, 0xff, 0xfb, 0x01, 0x00 },
      { 1, -65504, 0x1p-24 } },
    { TENSOR_TYPE(BFLOAT16),
      CX_REAL,
      2,
      { 0x80, 0x3f, 0x20, 0xc0, 0x49, 0x40 },
      { 1, -2.5, 3.140625 } },
    { TENSOR_TYPE(INT8), CX_INT8, 1, { 1, 0x80, 0x7f }, { 1, -128, 127 } },
    { TENSOR_TYPE(UINT8), CX_UINT8, 1, { 1, 0x80, 0xff }, { 1, 128, 255 } },
    { TENSOR_TYPE(BOOL), CX_INT64, 1, { 1, 0, 2 }, { 1, 0, 1 } },
    { TENSOR_TYPE(INT16),
      CX_INT16,
      2,
      { 1, 0, 0xfe, 0xff, 0, 0x80 },
      { 1, -2, -32768 } },
    { TENSOR_TYPE(UINT16),
      CX_UINT16,
      2,
      { 1, 0, 0xfe, 0xff, 0, 0x80 },
      { 1, 65534, 32768 } },
    { TENSOR_TYPE(INT32),
      CX_INT64,
      4,
      { 1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0x80 },
      { 1, -2, -2147483648.0 } },
    { TENSOR_TYPE(UINT32),
      CX_INT64,
      4,
      { 1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0x80 },
      { 1, 4294967294.0, 2147483648.0 } },
    { TENSOR_TYPE(INT64),
      CX_INT64,
      8,
      { 1,    0,    0,    0,    0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1,    0,    0,    0 },
      { 1, -2, 4294967296.0 } },
    /* above the greatest int64 there is only the greatest int64 */
    { TENSOR_TYPE(UINT64),
      CX_INT64,
      8,
      { 1, 0, 0, 0, 0,    0,    0,    0,    0,    0,    0,    0,
        1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
      { 1, 4294967296.0, 9223372036854775807.0 } },
    /* 1, the greatest, and a small negative number of each format */
    { TENSOR_TYPE(FLOAT8E4M3FN),
      CX_REAL,
      1,
      { 0x38, 0x7e, 0x81 },
      { 1, 448, -0x1p-9 } },
    { TENSOR_TYPE(FLOAT8E4M3FNUZ),
      CX_REAL,
      1,
      { 0x40, 0x7f, 0x81 },
      { 1, 240, -0x1p-10 } },
    { TENSOR_TYPE(FLOAT8E5M2),
      CX_REAL,
      1,
      { 0x3c, 0x7b, 0x81 },
      { 1, 57344, -0x1p-16 } },
    { TENSOR_TYPE(FLOAT8E5M2FNUZ),
      CX_REAL,
      1,
      { 0x40, 0x7f, 0x81 },
      { 1, 57344, -0x1p-17 } },
    { TENSOR_TYPE(FLOAT8E8M0),
      CX_REAL,
      1,
      { 0x7f, 0x80, 0x7e },
      { 1, 2, 0.5 } },
};

enum { SAMPLES = sizeof samples / sizeof samples[0] };

static void raw_data(void **state)
{
    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        const sample *s = &samples[i];
        model_file file;
        start(&file);
        Onnx__TensorProto *w = model_file_weight(&file, "w", s->data_type, "3");
        model_file_raw(&file, w, s->bytes, 3 * s->width);
        model_file_output(&file, "w");
        cxai_model *model = load(&file);
        assert_numbers(literal_named(model, "w"), s->type, s->expected, 3);
        cxai_model_free(&model);
        model_file_end(&file);
    }
}

/* Puts a sample's elements into the typed field of its data type. */
static void set_typed(model_file *file, Onnx__TensorProto *w, const sample *s)
{
    int64_t *wide = model_file_alloc(file, 3 * sizeof *wide);
    int32_t *narrow = model_file_alloc(file, 3 * sizeof *narrow);
    for (int i = 0; i < 3; i++) {
        uint64_t bits = 0;
        for (size_t b = 0; b < s->width; b++)
            bits |= (uint64_t)s->bytes[(size_t)i * s->width + b] << 8 * b;
        wide[i] = (int64_t)bits;
        narrow[i] = (int32_t)bits;
        if (s->data_type == TENSOR_TYPE(INT8))
            narrow[i] = (int8_t)bits;
        if (s->data_type == TENSOR_TYPE(INT16))
            narrow[i] = (int16_t)bits;
    }
    switch (s->data_type) {
    case TENSOR_TYPE(FLOAT):
        w->n_float_data = 3;
        w->float_data = (float *)(void *)narrow;
        break;
    case TENSOR_TYPE(DOUBLE):
        w->n_double_data = 3;
        w->double_data = (double *)(void *)wide;
        break;
    case TENSOR_TYPE(INT64):
        w->n_int64_data = 3;
        w->int64_data = wide;
        break;
    case TENSOR_TYPE(UINT32):
    case TENSOR_TYPE(UINT64):
        w->n_uint64_data = 3;
        w->uint64_data = (uint64_t *)wide;
        break;
    default: w->n_int32_data = 3; w->int32_data = narrow;
    }
}

static void typed_data(void **state)
{
    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        model_file file;
        start(&file);
        set_typed(&file,
                  model_file_weight(&file, "w", samples[i].data_type, "3"),
                  &samples[i]);
        model_file_output(&file, "w");
        cxai_model *model = load(&file);
        assert_numbers(literal_named(model, "w"), samples[i].type,
                       samples[i].expected, 3);
        cxai_model_free(&model);
        model_file_end(&file);
    }
}

/* Several elements a byte, from the lowest bits on; the typed field holds such
   bytes. */
static void packed_data(void **state)
{
    (void)state;
    static const struct {
        int32_t data_type;
        cx_type type;
        size_t count; /* bytes */
        uint8_t bytes[2];
        double expected[3];
    } packed[] = {
        { TENSOR_TYPE(UINT4), CX_UINT8, 2, { 0xf1, 0x08 }, { 1, 15, 8 } },
        { TENSOR_TYPE(INT4), CX_INT8, 2, { 0xf1, 0x08 }, { 1, -1, -8 } },
        { TENSOR_TYPE(FLOAT4E2M1), CX_REAL, 2, { 0xf1, 0x02 }, { 0.5, -6, 1 } },
        { TENSOR_TYPE(UINT2), CX_UINT8, 1, { 0x39 }, { 1, 2, 3 } },
        { TENSOR_TYPE(INT2), CX_INT8, 1, { 0x39 }, { 1, -2, -1 } },
    };
    for (size_t i = 0; i < 2 * sizeof packed / sizeof packed[0]; i++) {
        size_t k = i / 2;
        model_file file;
        start(&file);
        Onnx__TensorProto *w =
            model_file_weight(&file, "w", packed[k].data_type, "3");
        if (i % 2 == 0) {
            model_file_raw(&file, w, packed[k].bytes, packed[k].count);
        } else {
            w->n_int32_data = packed[k].count;
            w->int32_data = model_file_alloc(&file, 2 * sizeof(int32_t));
            for (int b = 0; b < 2; b++)
                w->int32_data[b] = packed[k].bytes[b];
        }
        model_file_output(&file, "w");
        cxai_model *model = load(&file);
        assert_numbers(literal_named(model, "w"), packed[k].type,
                       packed[k].expected, 3);
        cxai_model_free(&model);
        model_file_end(&file);
    }
}

static void refused_types(void **state)
{
    (void)state;
    static const struct {
        int32_t data_type;
        const char *cause;
    } refused[] = {
        { TENSOR_TYPE(COMPLEX64),
          "the weight \"w\" holds elements of type complex64" },
        { TENSOR_TYPE(COMPLEX128), "type complex128" },
        { TENSOR_TYPE(FLOAT6E2M3), "type float6e2m3" },
        { TENSOR_TYPE(UNDEFINED), "type undefined" },
        { 99, "type number 99" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        model_file file;
        start(&file);
        Onnx__TensorProto *w =
            model_file_weight(&file, "w", refused[i].data_type, "2");
        model_file_raw(&file, w, "\0\0", 2);
        model_file_output(&file, "w");
        model_file_refused(&file, CXAI_UNSUPPORTED, refused[i].cause);
    }
}

static void scalars_and_empty_tensors(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    model_file_raw(&file, model_file_weight(&file, "s", TENSOR_TYPE(INT64), ""),
                   "\7\0\0\0\0\0\0\0", 8);
    model_file_weight(&file, "e", TENSOR_TYPE(FLOAT), "0");
    model_file_output(&file, "s");
    model_file_output(&file, "e");
    cxai_model *model = load(&file);
    assert_int_equal(literal_named(model, "s")->shape.rank, 0);
    assert_numbers(literal_named(model, "s"), CX_INT64, (double[]){ 7 }, 1);
    assert_numbers(literal_named(model, "e"), CX_REAL, NULL, 0);
    cxai_model_free(&model);
    model_file_end(&file);
}

/* Shapes that the bytes do not fill, or that no memory would. */
static void wrong_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *dims;
        size_t bytes;
        cxai_status status;
        const char *cause;
    } wrong[] = {
        { "3", 8, CXAI_MALFORMED,
          "the weight \"w\" is declared as float 3, but the file holds 2" },
        { "1", 8, CXAI_MALFORMED, "declared as float 1" },
        { "2", 7, CXAI_MALFORMED, "1 elements and 3 bytes" },
        { "2", 9, CXAI_MALFORMED, "2 elements and 1 bytes" },
        { "2,-1", 8, CXAI_MALFORMED, "a dimension of -1" },
        { "4611686018427387904,4", 8, CXAI_LIMIT, "more than" },
        { "3037000500,3037000500", 8, CXAI_LIMIT, "more than" },
        { "1073741825", 8, CXAI_LIMIT, "more than" },
        { "1,1,1,1,1,1,1,1,2", 8, CXAI_UNSUPPORTED, "9 dimensions" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        model_file file;
        start(&file);
        model_file_raw(
            &file,
            model_file_weight(&file, "w", TENSOR_TYPE(FLOAT), wrong[i].dims),
            (uint8_t[16]){ 0 }, wrong[i].bytes);
        model_file_output(&file, "w");
        model_file_refused(&file, wrong[i].status, wrong[i].cause);
    }
}

static void typed_data_of_another_type(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    Onnx__TensorProto *w =
        model_file_weight(&file, "w", TENSOR_TYPE(FLOAT), "3");
    set_typed(&file, w, &samples[11]); /* int64_data */
    model_file_output(&file, "w");
    model_file_refused(&file, CXAI_MALFORMED, "the file holds 0 elements");
}

static void segments(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    Onnx__TensorProto *w =
        model_file_weight(&file, "w", TENSOR_TYPE(FLOAT), "3");
    w->segment = model_file_alloc(&file, sizeof *w->segment);
    onnx__tensor_proto__segment__init(w->segment);
    model_file_output(&file, "w");
    model_file_refused(&file, CXAI_UNSUPPORTED, "stored in segments");
}

/* A Constant node and its only attribute, still without value. */
static Onnx__AttributeProto *constant(model_file *file, const char *attribute,
                                      Onnx__AttributeProto__AttributeType type)
{
    Onnx__NodeProto *node = model_file_node(file, "Constant", "", "", "c");
    model_file_output(file, "c");
    return model_file_attribute(file, node, attribute, type);
}

static void check_constant(model_file *file, cx_type type, int rank,
                           const double *expected, int count)
{
    cxai_model *model = load(file);
    const cx_literal *c = literal_named(model, "c");
    assert_numbers(c, type, expected, count);
    assert_int_equal(c->shape.rank, rank);
    cxai_model_free(&model);
    model_file_end(file);
}

static void constant_nodes(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    Onnx__AttributeProto *a =
        constant(&file, "value_float", ATTRIBUTE_TYPE(FLOAT));
    a->has_f = 1;
    a->f = -1.5F;
    check_constant(&file, CX_REAL, 0, (double[]){ -1.5 }, 1);

    start(&file);
    a = constant(&file, "value_int", ATTRIBUTE_TYPE(INT));
    a->has_i = 1;
    a->i = -7;
    check_constant(&file, CX_INT64, 0, (double[]){ -7 }, 1);

    start(&file);
    a = constant(&file, "value_floats", ATTRIBUTE_TYPE(FLOATS));
    a->n_floats = 2;
    a->floats = (float[]){ 0.5F, 3 };
    check_constant(&file, CX_REAL, 1, (double[]){ 0.5, 3 }, 2);

    start(&file);
    a = constant(&file, "value_ints", ATTRIBUTE_TYPE(INTS));
    a->n_ints = 3;
    a->ints = (int64_t[]){ 1, -1, 5000000000 };
    check_constant(&file, CX_INT64, 1, (double[]){ 1, -1, 5000000000.0 }, 3);

    start(&file);
    a = constant(&file, "value", ATTRIBUTE_TYPE(TENSOR));
    a->t = model_file_tensor(&file, "", TENSOR_TYPE(UINT8), "2,1");
    model_file_raw(&file, a->t, "\1\377", 2);
    check_constant(&file, CX_UINT8, 2, (double[]){ 1, 255 }, 2);
}

static void refused_constants(void **state)
{
    (void)state;
    model_file file;
    start(&file);
    constant(&file, "sparse_value", ATTRIBUTE_TYPE(SPARSE_TENSOR));
    model_file_refused(&file, CXAI_UNSUPPORTED, "Constant node \"c\"");

    start(&file);
    constant(&file, "value", ATTRIBUTE_TYPE(TENSOR));
    model_file_refused(
        &file, CXAI_MALFORMED,
        "Constant node \"c\": the attribute \"value\" has no tensor");
    model_file_end(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_data),
        cmocka_unit_test(typed_data),
        cmocka_unit_test(packed_data),
        cmocka_unit_test(refused_types),
        cmocka_unit_test(scalars_and_empty_tensors),
        cmocka_unit_test(wrong_sizes),
        cmocka_unit_test(typed_data_of_another_type),
        cmocka_unit_test(segments),
        cmocka_unit_test(constant_nodes),
        cmocka_unit_test(refused_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
