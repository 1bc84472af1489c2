/* Arrays of .npy files against bytes that numpy wrote (tests/reference/npy.py
   says which numbers they hold), and hostile ones. */
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxai/file.h"

#define NPY "tests/data/npy/"

/* ---- .npy from numpy ---- */

static double real_of(int n)
{
    return n / 4.0 - 2;
}

static double signed_of(int n)
{
    return n - 5;
}

static double unsigned_of(int n)
{
    return n;
}

static double third_of(int n)
{
    return n % 3 == 0;
}

/* A 2 x 3 x 4 array whose element number n is value(n), exactly. */
static void check_array(const char *name, double (*value)(int))
{
    char path[64];
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    double want[24];
    for (int n = 0; n < 24; n++)
        want[n] = value(n);
    snprintf(path, sizeof path, NPY "%s.npy", name);
    check_ok(cxai_npy_load(path, 0, &data, &shape, &error), &error);
    assert_int_equal(shape.rank, 3);
    assert_memory_equal(shape.dim, ((int64_t[]){ 2, 3, 4 }), 24);
    check_close(data, want, 24, 0);
    free(data);
}

static void every_type_and_byte_order_is_read(void **state)
{
    (void)state;
    static const char *const sizes[] = { "1_byte",   "2_little", "2_big",
                                         "4_little", "4_big",    "8_little",
                                         "8_big" };
    char name[16];
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "f%s", sizes[i]);
        if (i > 0)
            check_array(name, real_of);
        name[0] = 'i';
        check_array(name, signed_of);
        name[0] = 'u';
        check_array(name, unsigned_of);
    }
    check_array("b1", third_of);
}

static void fortran_order_and_newer_versions_are_read(void **state)
{
    (void)state;
    check_array("fortran", real_of);
    check_array("version2", real_of);
    check_array("version3", real_of);
}

static void load_small(const char *path, const char *want_shape,
                       const double *want, int count)
{
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    char text[64];
    check_ok(cxai_npy_load(path, 0, &data, &shape, &error), &error);
    assert_string_equal(cxai_shape_text(&shape, text, sizeof text), want_shape);
    assert_non_null(data);
    check_close(data, want, count, 0);
    free(data);
}

static void scalars_and_odd_shapes_are_read(void **state)
{
    (void)state;
    load_small(NPY "scalar.npy", "scalar", (double[]){ 1.5 }, 1);
    load_small(NPY "vector.npy", "2", (double[]){ 1.5, -2 }, 2);
    load_small(NPY "empty.npy", "0x3", NULL, 0);
    load_small(NPY "edges.npy", "2", (double[]){ 127, -128 }, 2);
}

/* IEEE 754: the smallest and the largest subnormal, the largest number. */
static void halves_are_widened_exactly(void **state)
{
    (void)state;
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    check_ok(cxai_npy_load(NPY "halves.npy", 0, &data, &shape, &error), &error);
    assert_int_equal(shape.dim[0], 6);
    assert_true(data[0] == (cxai_real)5.9604644775390625e-8);
    assert_true(data[1] == (cxai_real)(1023 * 5.9604644775390625e-8));
    assert_true(data[2] == 65504);
    assert_true(isinf(data[3]) && data[3] < 0);
    assert_true(data[4] == 0 && signbit(data[4]));
    assert_true(isnan(data[5]));
    free(data);
}

static void saved_files_are_numpys_byte_for_byte(void **state)
{
    (void)state;
    static const char *const names[] = { "f4_little", "scalar", "vector",
                                         "empty" };
    char saved[] = "/tmp/cxai-test-XXXXXX";
    int file = mkstemp(saved);
    assert_true(file >= 0);
    close(file);
    for (int i = 0; i < 4; i++) {
        char path[64];
        cxai_real *data;
        cxai_shape shape;
        cxai_error error;
        void *want, *got;
        size_t want_size, got_size;
        snprintf(path, sizeof path, NPY "%s.npy", names[i]);
        check_ok(cxai_npy_load(path, 0, &data, &shape, &error), &error);
        check_ok(cxai_npy_save(saved, data, &shape, &error), &error);
        check_ok(cxai_file_read(path, 0, &want, &want_size, &error), &error);
        check_ok(cxai_file_read(saved, 0, &got, &got_size, &error), &error);
        assert_int_equal(got_size, want_size);
        assert_memory_equal(got, want, want_size);
        free(data);
        free(want);
        free(got);
    }
    assert_int_equal(unlink(saved), 0);
}

/* ---- hostile .npy ---- */

/* A version 1 file: the header's text, then payload zeros. */
static cxai_status parse(const char *text, size_t payload, cxai_error *error)
{
    size_t length = strlen(text), size = 10 + length + payload;
    char *bytes = calloc(size, 1); /* of this size: a check for overruns */
    cxai_real *data = (cxai_real[1]){ 0 };
    cxai_shape shape;
    assert_non_null(bytes);
    memcpy(bytes, "\x93NUMPY\x01", 7);
    bytes[8] = (char)length;
    bytes[9] = (char)(length >> 8);
    memcpy(bytes + 10, text, length);
    cxai_status status =
        cxai_npy_parse(bytes, size, "t.npy", &data, &shape, error);
    free(bytes);
    if (status == CXAI_OK)
        free(data);
    else
        assert_null(data);
    return status;
}

static const struct hostile {
    const char *text;
    size_t payload;
    cxai_status status; /* CXAI_OK: accepted */
    const char *message;
} hostile[] = {
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 8, CXAI_OK,
      "" },
    { " { \"shape\":(2L , 1L) , 'fortran_order':True,'descr':'<f4' } ", 8,
      CXAI_OK, "" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7,
      CXAI_MALFORMED, "truncated" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9,
      CXAI_MALFORMED, "1 bytes too many" },
    { "", 0, CXAI_MALFORMED, "no dictionary" },
    { "{", 0, CXAI_MALFORMED, "no dictionary" },
    { "{}", 0, CXAI_MALFORMED, "lacks" },
    { "{'descr': '<f4', 'shape': (2,), }", 8, CXAI_MALFORMED, "lacks" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)", 8,
      CXAI_MALFORMED, "does not end" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (2", 8, CXAI_MALFORMED,
      "does not end" },
    { "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 8, CXAI_MALFORMED,
      "neither True nor False" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': 2}", 8, CXAI_MALFORMED,
      "no tuple" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 8,
      CXAI_MALFORMED, "no number" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}",
      4, CXAI_UNSUPPORTED, "more than 8 dimensions" },
    { "{'descr': '<f4', 'fortran_order': False, "
      "'shape': (99999999999999999999,)}",
      8, CXAI_MALFORMED, "no number" },
    { "{'descr': '<f4', 'fortran_order': False, "
      "'shape': (4294967296, 4294967296)}",
      8, CXAI_MALFORMED, "overflows" },
    { "{'descr': '<f8', 'fortran_order': False, "
      "'shape': (2305843009213693952,)}",
      8, CXAI_MALFORMED, "no number" },
    { "{'descr': '<f8', 'fortran_order': False, "
      "'shape': (288230376151711744, 8)}",
      8, CXAI_MALFORMED, "truncated" },
    { "{'descr': '|f4', 'fortran_order': False, 'shape': (2,)}", 8,
      CXAI_MALFORMED, "no byte order" },
    { "{'descr': '', 'fortran_order': False, 'shape': (2,)}", 8, CXAI_MALFORMED,
      "no type" },
    { "{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", 8,
      CXAI_UNSUPPORTED, "|O" },
    { "{'descr': '<f16', 'fortran_order': False, 'shape': (2,)}", 32,
      CXAI_UNSUPPORTED, "<f16" },
    { "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}", 8,
      CXAI_UNSUPPORTED, "<f4, " },
    { "{'descr': '<f4', 'colour': False, 'shape': (2,)}", 8, CXAI_MALFORMED,
      "unknown key" },
};

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        const struct hostile *h = &hostile[i];
        cxai_error error;
        cxai_status status = parse(h->text, h->payload, &error);
        if (h->status == CXAI_OK) {
            check_ok(status, &error);
            continue;
        }
        check_error(status, &error, h->status, h->message);
        assert_non_null(strstr(error.message, "t.npy"));
    }
}

static void records_and_complex_numbers_are_refused(void **state)
{
    (void)state;
    cxai_real *data;
    cxai_shape shape;
    cxai_error error;
    check_error(cxai_npy_load(NPY "records.npy", 0, &data, &shape, &error),
                &error, CXAI_UNSUPPORTED, "records");
    check_error(cxai_npy_load(NPY "complex.npy", 0, &data, &shape, &error),
                &error, CXAI_UNSUPPORTED, "<c8");
    check_error(cxai_npy_load(NPY "vector.npy", 100, &data, &shape, &error),
                &error, CXAI_LIMIT, "limit of 100 bytes");
    check_error(cxai_npy_load(NPY "no.npy", 0, &data, &shape, &error), &error,
                CXAI_NOT_FOUND, "no.npy");
    assert_null(data);
}

/* Every beginning of a good file is refused. */
static void truncated_files_are_refused(void **state)
{
    (void)state;
    void *whole;
    size_t size;
    cxai_error error;
    check_ok(cxai_file_read(NPY "version2.npy", 0, &whole, &size, &error),
             &error);
    for (size_t length = 0; length < size; length++) {
        char *part = malloc(length > 0 ? length : 1);
        cxai_real *data;
        cxai_shape shape;
        assert_non_null(part);
        memcpy(part, whole, length);
        check_error(cxai_npy_parse(part, length, "cut", &data, &shape, &error),
                    &error, CXAI_MALFORMED, "cut");
        assert_null(data);
        free(part);
    }
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_byte_order_is_read),
        cmocka_unit_test(fortran_order_and_newer_versions_are_read),
        cmocka_unit_test(scalars_and_odd_shapes_are_read),
        cmocka_unit_test(halves_are_widened_exactly),
        cmocka_unit_test(saved_files_are_numpys_byte_for_byte),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(records_and_complex_numbers_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
    };
    return cmocka_run_group_tests_name("npy", tests, NULL, NULL);
}
