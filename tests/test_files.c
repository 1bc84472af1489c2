/* Files: whole ones in and out, and .npy arrays against bytes that numpy
   wrote (tests/reference/npy.py says which numbers they hold). */
#include "support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cxai/file.h"

#define NPY "tests/data/npy/"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cxai-test-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

/* Calls visit (may be NULL) for every file; returns how many there are. */
static int each_file(int (*visit)(const char *))
{
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count++;
        if (visit != NULL)
            assert_int_equal(visit(path), 0);
    }
    closedir(dir);
    return count;
}

static int drop_folder(void **state)
{
    (void)state;
    each_file(unlink);
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    cxai_error error;
    check_ok(cxai_file_write(path, text, strlen(text), &error), &error);
}

static void check_content(const char *path, const char *want)
{
    void *bytes;
    size_t size;
    cxai_error error;
    check_ok(cxai_file_read(path, 0, &bytes, &size, &error), &error);
    assert_int_equal(size, strlen(want));
    assert_string_equal(bytes, want); /* the 0 behind its end is there */
    free(bytes);
}

/* ---- whole files ---- */

static void files_come_back_as_written(void **state)
{
    (void)state;
    const char *path = path_of("text");
    write_file(path, "first");
    check_content(path, "first");
    write_file(path, "the second, longer");
    check_content(path, "the second, longer");
    write_file(path, "");
    check_content(path, "");
    assert_int_equal(each_file(NULL), 1);
}

static void large_files_and_pipes_are_read_whole(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    text[SIZE] = '\0';
    write_file(path_of("large"), text);
    check_content(path_of("large"), text);

    char command[200];
    snprintf(command, sizeof command, "cat %s", path_of("large"));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    snprintf(command, sizeof command, "/dev/fd/%d", fileno(pipe));
    check_content(command, text);
    assert_int_equal(pclose(pipe), 0);
    free(text);
}

static void dash_is_standard_input(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    write_file(path_of("input"), "from stdin");
    int file = open(path_of("input"), O_RDONLY);
    assert_true(saved >= 0 && file >= 0);
    dup2(file, STDIN_FILENO);
    check_content("-", "from stdin");
    dup2(saved, STDIN_FILENO);
    close(file);
    close(saved);
}

static void check_unreadable(const char *path, uint64_t max_bytes,
                             cxai_status wanted, const char *text)
{
    void *bytes = folder;
    size_t size = 1;
    cxai_error error;
    check_error(cxai_file_read(path, max_bytes, &bytes, &size, &error), &error,
                wanted, text);
    assert_non_null(strstr(error.message, path));
    assert_null(bytes);
    assert_int_equal(size, 0);
}

static void unreadable_files_are_named(void **state)
{
    (void)state;
    write_file(path_of("eleven"), "eleven byte");
    check_content(path_of("eleven"), "eleven byte");
    check_unreadable(path_of("none"), 0, CXAI_NOT_FOUND, "No such file");
    check_unreadable(folder, 0, CXAI_IO, "is a folder");
    check_unreadable("/dev/zero", 0, CXAI_IO, "is a device");
    check_unreadable(path_of("eleven"), 10, CXAI_LIMIT, "limit of 10 bytes");
    FILE *pipe = popen("yes", "r"); /* a pipe without an end */
    assert_non_null(pipe);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(pipe));
    check_unreadable(path, 100000, CXAI_LIMIT, "limit of 100000 bytes");
    pclose(pipe);
}

static void check_unwritable(const char *path, const char *text)
{
    cxai_error error;
    check_error(cxai_file_write(path, "0123456789", 10, &error), &error,
                CXAI_IO, text);
    assert_non_null(strstr(error.message, path));
}

static void unwritable_places_are_named(void **state)
{
    (void)state;
    write_file(path_of("file"), "a file");
    check_unwritable(path_of("none/x"), "No such file");
    check_unwritable(path_of("file/x"), "Not a directory");
    check_unwritable(folder, "is a folder");
    check_unwritable("/dev/full", "No space left");
    struct stat info;
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode)); /* it was not replaced */
}

/* A limit on the size of files fails a write half-way, like a full disk. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    enum { SIZE = 10000 };
    static const char zeros[SIZE];
    cxai_error error;
    write_file(path_of("kept"), "old content");
    struct rlimit before, tight = { .rlim_cur = 4096 };
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    cxai_status old = cxai_file_write(path_of("kept"), zeros, SIZE, &error);
    cxai_status new = cxai_file_write(path_of("new"), zeros, SIZE, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    check_error(old, &error, CXAI_IO, "File too large");
    assert_int_equal(new, CXAI_IO);
    check_content(path_of("kept"), "old content");
    assert_int_equal(each_file(NULL), 1); /* nothing half-written is left */
}

static void links_and_permissions_stay(void **state)
{
    (void)state;
    struct stat info;
    char target[128];
    strcpy(target, path_of("target"));
    write_file(target, "old");
    assert_int_equal(chmod(target, 0640), 0);
    assert_int_equal(symlink(target, path_of("link")), 0);
    write_file(path_of("link"), "new");
    check_content(target, "new");
    assert_int_equal(lstat(path_of("link"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
}

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
    for (int i = 0; i < 4; i++) {
        char path[64];
        cxai_real *data;
        cxai_shape shape;
        cxai_error error;
        void *want, *got;
        size_t want_size, got_size;
        snprintf(path, sizeof path, NPY "%s.npy", names[i]);
        check_ok(cxai_npy_load(path, 0, &data, &shape, &error), &error);
        check_ok(cxai_npy_save(path_of("out.npy"), data, &shape, &error),
                 &error);
        check_ok(cxai_file_read(path, 0, &want, &want_size, &error), &error);
        check_ok(cxai_file_read(path_of("out.npy"), 0, &got, &got_size, &error),
                 &error);
        assert_int_equal(got_size, want_size);
        assert_memory_equal(got, want, want_size);
        free(data);
        free(want);
        free(got);
    }
}

/* ---- hostile .npy ---- */

/* A version 1 file: the header's text, then payload zeros. */
static cxai_status parse(const char *text, size_t payload, cxai_error *error)
{
    size_t length = strlen(text), size = 10 + length + payload;
    char *bytes = calloc(size, 1); /* of this size: a check for overruns */
    cxai_real *data = (cxai_real *)(void *)folder;
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
    check_error(cxai_npy_load(path_of("no.npy"), 0, &data, &shape, &error),
                &error, CXAI_NOT_FOUND, "no.npy");
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

#define IN_FOLDER(test)                                                        \
    cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_come_back_as_written),
        IN_FOLDER(large_files_and_pipes_are_read_whole),
        IN_FOLDER(dash_is_standard_input),
        IN_FOLDER(unreadable_files_are_named),
        IN_FOLDER(unwritable_places_are_named),
        IN_FOLDER(a_full_disk_leaves_the_old_file),
        IN_FOLDER(links_and_permissions_stay),
        cmocka_unit_test(every_type_and_byte_order_is_read),
        cmocka_unit_test(fortran_order_and_newer_versions_are_read),
        cmocka_unit_test(scalars_and_odd_shapes_are_read),
        cmocka_unit_test(halves_are_widened_exactly),
        IN_FOLDER(saved_files_are_numpys_byte_for_byte),
        cmocka_unit_test(hostile_headers_are_refused),
        IN_FOLDER(records_and_complex_numbers_are_refused),
        cmocka_unit_test(truncated_files_are_refused),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
