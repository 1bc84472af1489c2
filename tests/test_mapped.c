/*
 * A model file is mapped, as are the files of external weights, and weights
 * that only convolutions read are left there until they are packed, wherever
 * they lie. The same file given as bytes is copied first, and what cannot be
 * mapped is read: all must give the same numbers to everybody who looks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cxai/file.h"
#include "cxai/random.h"
#include "cxai/session.h"
#include "support/check.h"
#include "support/model_file.h"

enum { CHANNELS = 20, SIZE = 12, CELLS = 9 };

enum { FILES = 2 };

static char folder[] = "/tmp/cxai-mapped-XXXXXX", path[64];
static char data_path[FILES][64];

/* The linker lets these stand for mmap: it may be made to fail, and the
   mappings of files are counted. */
static int mmap_fails, files_mapped;

void *__real_mmap(void *at, size_t size, int access, int flags, int file,
                  off_t offset);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file,
                  off_t offset);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file,
                  off_t offset)
{
    if (mmap_fails)
        return MAP_FAILED;
    files_mapped += file >= 0;
    return __real_mmap(at, size, access, flags, file, offset);
}

static void add_weight(model_file *file, const char *name, const char *dims,
                       int64_t count)
{
    float *numbers = malloc((size_t)count * sizeof *numbers);
    assert_non_null(numbers);
    for (int64_t i = 0; i < count; i++)
        numbers[i] = (float)(cxai_random_normal(3, 0, (uint64_t)i) / CHANNELS);
    Onnx__TensorProto *tensor =
        model_file_weight(file, name, TENSOR_TYPE(FLOAT), dims);
    model_file_raw(file, tensor, numbers, (size_t)count * sizeof *numbers);
    free(numbers);
}

static void add_conv(model_file *file, const char *name, const char *inputs,
                     const char *output)
{
    Onnx__NodeProto *node = model_file_node(file, "Conv", name, inputs, output);
    model_file_ints(file, node, "pads", "1,1,1,1");
}

/* Two convolutions with one weight; one with a batch norm behind it; one whose
   weight is also an output's summand, and one whose input is a constant, which
   is folded. `shift` letters move all that follows in the file. */
static void make_graph(model_file *file, int shift)
{
    static const char letters[] = "aaaaaaaa";
    model_file_start(file, 17);
    file->graph->name = model_file_text(file, letters + 8 - shift);
    model_file_input(file, "x", "1,20,12,12");
    add_weight(file, "shared", "20,20,3,3", CHANNELS * CHANNELS * CELLS);
    add_weight(file, "normed", "20,20,3,3", CHANNELS * CHANNELS * CELLS);
    add_weight(file, "seen", "20,20,3,3", CHANNELS * CHANNELS * CELLS);
    add_weight(file, "folded", "20,20,3,3", CHANNELS * CHANNELS * CELLS);
    add_weight(file, "picture", "1,20,12,12", CHANNELS * SIZE * SIZE);
    add_weight(file, "scale", "20", CHANNELS);
    add_weight(file, "mean", "20", CHANNELS);
    float ones[CHANNELS];
    for (int i = 0; i < CHANNELS; i++)
        ones[i] = 1;
    model_file_raw(
        file, model_file_weight(file, "variance", TENSOR_TYPE(FLOAT), "20"),
        ones, sizeof ones);
    add_conv(file, "first", "x,shared", "a");
    add_conv(file, "second", "a,shared", "b");
    add_conv(file, "third", "b,normed", "c");
    model_file_node(file, "BatchNormalization", "norm",
                    "c,scale,mean,mean,variance", "d");
    add_conv(file, "fourth", "d,seen", "e");
    add_conv(file, "fifth", "picture,folded", "f");
    model_file_node(file, "ReduceSum", "sum", "seen", "s");
    model_file_node(file, "Add", "add", "e,f", "g");
    model_file_node(file, "Add", "last", "g,s", "y");
    model_file_output(file, "y");
}

static const void *make_file(model_file *file, int shift, size_t *size)
{
    make_graph(file, shift);
    return model_file_pack(file, size);
}

/* Moves the weights out of the file, into two files by turns, each `shift`
   bytes behind the one before it. */
static void move_out(model_file *file, size_t shift)
{
    static const char *const names[FILES] = { "a.data", "b.data" };
    unsigned char *bytes[FILES];
    size_t used[FILES] = { 0 };
    for (size_t k = 0; k < FILES; k++)
        bytes[k] = model_file_alloc(file, 1 << 20);
    for (size_t i = 0; i < file->graph->n_initializer; i++) {
        Onnx__TensorProto *tensor = file->graph->initializer[i];
        size_t k = i % FILES, at = used[k] + shift, length;
        char offset[24], size[24];
        length = tensor->raw_data.len;
        used[k] = at + length;
        assert_true(used[k] <= 1 << 20);
        memcpy(bytes[k] + at, tensor->raw_data.data, length);
        snprintf(offset, sizeof offset, "%zu", at);
        snprintf(size, sizeof size, "%zu", length);
        tensor->has_raw_data = 0;
        model_file_external(file, tensor, names[k], offset, size);
    }
    for (size_t k = 0; k < FILES; k++) {
        cxai_error error;
        check_ok(cxai_file_write(data_path[k], bytes[k], used[k], &error),
                 &error);
    }
}

/* What a session answers: the output, and gradients at the input and at the
   weight that both first convolutions share. */
typedef struct answer {
    cxai_real *numbers;
    int64_t count;
    int seen_weights; /* that a hook on convolutions was shown */
} answer;

static int see(const cxai_hook_call *call, void *payload)
{
    answer *a = payload;
    const cxai_tensor *w = &call->inputs[1];
    const cxai_node node =
        cxai_model_node(cxai_session_model(call->session), call->node);
    const cxai_tensor constant =
        cxai_model_constant(cxai_session_model(call->session), node.inputs[1]);
    a->seen_weights += w->data != NULL && memcmp(w->data, constant.data,
                                                 CHANNELS * CHANNELS * CELLS *
                                                     sizeof *w->data) == 0;
    return 0;
}

static void keep(answer *a, const cxai_tensor *view)
{
    int64_t count = cxai_shape_count(&view->shape);
    a->numbers = realloc(a->numbers,
                         (size_t)(a->count + count + 1) * sizeof *a->numbers);
    assert_non_null(a->numbers);
    cxai_tensor_read(view, a->numbers + a->count);
    a->count += count;
}

static void run(answer *a, const cxai_model *model, int with_hook)
{
    cxai_error error;
    cxai_session *session;
    cxai_tensor view;
    int wrt[2], y;
    cxai_real x[CHANNELS * SIZE * SIZE];
    for (uint64_t i = 0; i < CHANNELS * SIZE * SIZE; i++)
        x[i] = (cxai_real)cxai_random_normal(5, 0, i);
    check_ok(cxai_model_find(model, "x", &wrt[0], &error), &error);
    check_ok(cxai_model_find(model, "shared", &wrt[1], &error), &error);
    check_ok(cxai_model_find(model, "y", &y, &error), &error);
    const cxai_request request = {
        .watch = &y,
        .watch_count = 1,
        .target = y,
        .wrt = wrt,
        .wrt_count = 2,
        .threads = 2,
    };
    cxai_hook hook = { CXAI_AFTER_FORWARD, -1, "Conv", see, a };
    check_ok(cxai_session_create(&session, model, &request, &error), &error);
    if (with_hook)
        check_ok(cxai_session_add_hook(session, &hook, NULL, &error), &error);
    check_ok(cxai_session_set(session, wrt[0], x, &error), &error);
    check_ok(cxai_session_forward(session, &error), &error);
    check_ok(cxai_session_backward(session, x, &error), &error);
    check_ok(cxai_session_value(session, y, &view, &error), &error);
    keep(a, &view);
    for (int i = 0; i < 2; i++) {
        check_ok(cxai_session_gradient(session, wrt[i], &view, &error), &error);
        keep(a, &view);
    }
    cxai_session_free(&session);
}

static void check_same(const cxai_model *mapped, const cxai_model *copied,
                       int with_hook)
{
    answer a = { 0 }, b = { 0 };
    run(&a, mapped, with_hook);
    run(&b, copied, with_hook);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.numbers, b.numbers,
                        (size_t)a.count * sizeof *a.numbers);
    assert_int_equal(a.seen_weights, with_hook ? 4 : 0);
    assert_int_equal(b.seen_weights, a.seen_weights);
    free(a.numbers);
    free(b.numbers);
}

static void test_mapped_files_are_as_copied_ones(void **state)
{
    (void)state;
    for (int shift = 0; shift < 8; shift++) {
        cxai_error error;
        cxai_model *mapped, *copied;
        model_file file;
        size_t size;
        const void *bytes = make_file(&file, shift, &size);
        check_ok(cxai_file_write(path, bytes, size, &error), &error);
        check_ok(cxai_model_load(&mapped, path, NULL, &error), &error);
        check_ok(
            cxai_model_load_memory(&copied, bytes, size, NULL, NULL, &error),
            &error);
        model_file_end(&file);
        check_same(mapped, copied, 0);
        check_same(mapped, copied, 1);
        check_same(mapped, copied, 0);
        assert_string_equal(cxai_model_sha256(mapped),
                            cxai_model_sha256(copied));
        cxai_model_free(&mapped);
        cxai_model_free(&copied);
    }
}

static cxai_model *load_packed(model_file *file)
{
    cxai_error error;
    cxai_model *model;
    size_t size;
    const void *bytes = model_file_pack(file, &size);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    check_ok(cxai_model_load(&model, path, NULL, &error), &error);
    model_file_end(file);
    return model;
}

static void test_external_weights_are_as_the_files_own(void **state)
{
    (void)state;
    for (int shift = 0; shift < 8; shift++) {
        model_file file;
        make_graph(&file, 0);
        cxai_model *inside = load_packed(&file);
        make_graph(&file, 0);
        move_out(&file, (size_t)shift);
        files_mapped = 0;
        cxai_model *mapped = load_packed(&file);
        assert_int_equal(files_mapped, 1 + FILES);
        make_graph(&file, 0);
        move_out(&file, (size_t)shift);
        mmap_fails = 1;
        cxai_model *read = load_packed(&file);
        mmap_fails = 0;
        for (int k = 0; k < FILES; k++) /* they may go now */
            assert_int_equal(unlink(data_path[k]), 0);
        check_same(mapped, inside, 0);
        check_same(mapped, inside, 1);
        check_same(read, inside, 0);
        check_same(read, inside, 1);
        cxai_model_free(&inside);
        cxai_model_free(&mapped);
        cxai_model_free(&read);
    }
}

/* Weights of different sizes at one place, odd as it is, seen the smaller one
   first; one that is kept in half of the bytes; one without elements. */
static void test_external_weights_may_overlap(void **state)
{
    (void)state;
    static const float numbers[] = { 1, -2.5F, 3, 4 };
    static const cxai_real whole[] = { 1, -2.5, 3, 4 };
    unsigned char bytes[sizeof numbers + 3] = { 9, 9, 9 };
    cxai_error error;
    model_file file;
    memcpy(bytes + 3, numbers, sizeof numbers);
    check_ok(cxai_file_write(data_path[0], bytes, sizeof bytes, &error),
             &error);
    model_file_start(&file, 17);
    model_file_input(&file, "x", "1,1,2,2");
    static const struct {
        const char *name, *dims, *offset, *length;
        int32_t type;
    } weights[] = {
        { "small", "1,1,1,1", "3", "4", TENSOR_TYPE(FLOAT) },
        { "large", "4,1,1,1", "3", "16", TENSOR_TYPE(FLOAT) },
        { "later", "2,4,1,1", "3", "16", TENSOR_TYPE(BFLOAT16) },
        { "none", "0", "19", "0", TENSOR_TYPE(FLOAT) },
    };
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++)
        model_file_external(&file,
                            model_file_weight(&file, weights[i].name,
                                              weights[i].type, weights[i].dims),
                            "a.data", weights[i].offset, weights[i].length);
    model_file_node(&file, "Conv", "first", "x,small", "a");
    model_file_node(&file, "Conv", "second", "a,large", "b");
    model_file_node(&file, "Conv", "third", "b,later", "y");
    model_file_output(&file, "y");
    model_file_output(&file, "none");
    cxai_model *model = load_packed(&file);
    static const char *const names[] = { "small", "large", "later" };
    /* halves of 1, -2.5, 3, 4 as bfloat16: the lower ones are 0 */
    static const cxai_real halves[] = { 0, 1, 0, -2.5, 0, 3, 0, 4 };
    for (int i = 0; i < 3; i++) {
        int value;
        check_ok(cxai_model_find(model, names[i], &value, &error), &error);
        cxai_tensor seen = cxai_model_constant(model, value);
        size_t count = (size_t)cxai_shape_count(&seen.shape);
        assert_memory_equal(seen.data, i < 2 ? whole : halves,
                            count * sizeof *seen.data);
    }
    cxai_model_free(&model);
}

/* The file may go while the model is there. */
static void test_a_file_may_be_replaced(void **state)
{
    (void)state;
    cxai_error error;
    cxai_model *first, *second;
    model_file file;
    size_t size;
    const void *bytes = make_file(&file, 1, &size);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    check_ok(cxai_model_load(&first, path, NULL, &error), &error);
    check_ok(cxai_model_load(&second, path, NULL, &error), &error);
    check_ok(cxai_file_write(path, "another", 7, &error), &error);
    check_same(first, second, 0);
    cxai_model_free(&first);
    cxai_model_free(&second);
    model_file_end(&file);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    for (int k = 0; k < FILES; k++)
        snprintf(data_path[k], sizeof data_path[k], "%s/%c.data", folder,
                 'a' + k);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(data_path[0]);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapped_files_are_as_copied_ones),
        cmocka_unit_test(test_external_weights_are_as_the_files_own),
        cmocka_unit_test(test_external_weights_may_overlap),
        cmocka_unit_test(test_a_file_may_be_replaced),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
