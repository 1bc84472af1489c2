/*
 * The situations of tests/data/cases that are about outputs and use (group 7),
 * which say in words what has to happen: the program is run as people ran
 * theirs, and its files and reports are read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/image.h"
#include "support/check.h"
#include "support/cli.h"
#include "support/model_file.h"

#define SMALL "nets/mobile2.legacy.onnx"

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(get(object, name));
    assert_non_null(text);
    return text;
}

static const cJSON *item(const cJSON *object, const char *array, int index)
{
    const cJSON *found = cJSON_GetArrayItem(get(object, array), index);
    assert_non_null(found);
    return found;
}

static int length_of(const cJSON *object, const char *array)
{
    return cJSON_GetArraySize(get(object, array));
}

/* An input as an array, which is fed as it is. */
static void write_array(const fixture *f, const char *name,
                        const cxai_real *numbers, const cxai_shape *shape)
{
    char path[128];
    cxai_error error;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    check_ok(cxai_npy_save(path, numbers, shape, &error), &error);
}

/* O37: one distinct file for each tensor, whatever it is called, all inside of
   the folder, and an index. */
static void test_hostile_layer_names(void **state)
{
    fixture *f = *state;
    const cxai_real x[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const cxai_shape shape = { 4, { 1, 2, 2, 2 } };
    static const char *const names[] = {
        "StatefulPartitionedCall/model/conv1/Relu:0",
        "a/b",
        "a_b",
        "../../escape",
        "/abs/olute",
        "name with space\tand tab",
    };
    write_array(f, "x.npy", x, &shape);
    succeed(f, "mkdir -p deep/er && cxai activations x.npy --all "
               "-m cases/O37/model.onnx -o deep/er/out/ --npy deep/er/out/");
    cJSON *index = parsed_file(f, "deep/er/out/index.json");
    assert_int_equal(length_of(index, "files"), 2 * 9); /* 9 nodes */
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        int found = 0;
        for (int i = 0; i < 18; i++) {
            const cJSON *entry = item(index, "files", i);
            char path[512];
            const char *file = text_of(entry, "file");
            assert_true(strlen(file) <= 255 && strchr(file, '/') == NULL);
            snprintf(path, sizeof path, "deep/er/out/%s", file);
            assert_true(exists(f, path));
            found += strcmp(text_of(entry, "layer"), names[n]) == 0;
            for (int k = 0; k < i; k++) /* no file twice */
                assert_string_not_equal(
                    text_of(item(index, "files", k), "file"), file);
        }
        assert_int_equal(found, 2);
    }
    cJSON_Delete(index);
    /* 18 files and the index; elsewhere the array and what the test keeps */
    succeed(f, "find deep -type f | wc -l");
    assert_int_equal(atoi(f->out), 19);
    succeed(f, "find . -type f ! -path './deep/er/out/*' | wc -l");
    assert_int_equal(atoi(f->out), 3);
    check_array(f, "deep/er/out/x.activations.a_b.npy", "1x2x2x2");
}

/* O38: the good ones of a folder are done, the bad one is named, the end is a
   failure. */
static void test_folder_with_a_bad_picture(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        sh(f, "cxai heatmap cases/O38/pics -m " SMALL " -o out/ --json"), 1);
    assert_non_null(strstr(f->error, "bad.png"));
    assert_non_null(strstr(f->error, "1 file of the folders left out"));
    cJSON *report = parsed(f);
    assert_int_equal(length_of(report, "results"), 3);
    assert_int_equal(length_of(report, "failures"), 1);
    const cJSON *bad = item(report, "failures", 0);
    assert_string_equal(text_of(bad, "image"), "cases/O38/pics/bad.png");
    assert_non_null(strstr(text_of(bad, "error"), "neither PNG nor JPEG"));
    cJSON_Delete(report);
    succeed(f, "ls out/good_1.* out/UPPER.* out/写真-üé.*");
    succeed(f, "ls out | wc -l");
    assert_int_equal(atoi(f->out), 4); /* and the index */
    refuse(f, "cxai classify no/such.png", 1, "no/such.png");
}

/* O39: scores 0, -infinity and NaN. */
static void test_scores_that_are_not_finite(void **state)
{
    fixture *f = *state;
    const cxai_real x[12] = { 1, 1, 1, 1, 0, 0, 0, 0, -1, -1, -1, -1 };
    const cxai_shape shape = { 4, { 1, 3, 2, 2 } };
    write_array(f, "x.npy", x, &shape);
    refuse(f, "cxai classify x.npy -m cases/O39/model.onnx --json", 1, "(Log)");
    cJSON *report = parsed(f); /* NaN and Infinity are no JSON */
    const cJSON *result = item(report, "results", 0);
    assert_string_equal(text_of(result, "state"), "not finite");
    assert_int_equal(get(item(result, "classes", 0), "class")->valueint, 0);
    assert_true(get(item(result, "classes", 0), "logit")->valuedouble == 0);
    assert_int_equal(get(item(result, "classes", 1), "class")->valueint, 1);
    assert_int_equal(get(item(result, "classes", 2), "class")->valueint, 2);
    assert_true(cJSON_IsNull(get(item(result, "classes", 1), "logit")));
    assert_true(cJSON_IsNull(get(item(result, "classes", 2), "logit")));
    assert_non_null(strstr(cJSON_GetStringValue(item(report, "warnings", 0)),
                           "\"y\" (Log)"));
    cJSON_Delete(report);
    refuse(f, "cxai activations x.npy -l y -m cases/O39/model.onnx -o y.png", 1,
           "(Log)");
}

/* The NaN comes first and must not win. */
static void test_nan_is_never_the_top_class(void **state)
{
    fixture *f = *state;
    const cxai_real x[12] = { -1, -1, -1, -1, 2, 2, 2, 2, 1, 1, 1, 1 };
    const cxai_shape shape = { 4, { 1, 3, 2, 2 } };
    write_array(f, "x.npy", x, &shape);
    sh(f, "cxai classify x.npy -m cases/O39/model.onnx --json");
    cJSON *report = parsed(f);
    const cJSON *result = item(report, "results", 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(get(item(result, "classes", i), "class")->valueint,
                         (i + 1) % 3);
    cJSON_Delete(report);
}

/* O40: labels of Windows, and of the wrong number. */
static void test_label_files(void **state)
{
    fixture *f = *state;
    static const char *const misfits[] = { "short", "background" };
    static const char *const clean[] = { "cat", "dog", "naïve fish" };
    succeed(f, "cxai classify pictures/rgb8.png -m cases/O24/model.onnx "
               "--recipe torchvision --json "
               "--labels cases/O40/bom_crlf.txt");
    cJSON *report = parsed(f);
    for (int i = 0; i < 3; i++) {
        const cJSON *class = item(item(report, "results", 0), "classes", i);
        assert_string_equal(text_of(class, "label"),
                            clean[get(class, "class")->valueint]);
    }
    assert_int_equal(length_of(report, "warnings"), 0);
    cJSON_Delete(report);
    for (int m = 0; m < 2; m++) {
        char command[256];
        snprintf(command, sizeof command,
                 "cxai classify pictures/rgb8.png -m cases/O24/model.onnx "
                 "--recipe torchvision "
                 "--json --labels cases/O40/%s.txt",
                 misfits[m]);
        refuse(f, command, 0, "but the model has 3 classes");
        report = parsed(f);
        const cJSON *class = item(item(report, "results", 0), "classes", 0);
        assert_null(cJSON_GetObjectItem(class, "label"));
        assert_non_null(strstr(
            cJSON_GetStringValue(item(report, "warnings", 0)), "labels"));
        cJSON_Delete(report);
    }
}

/* A network whose Grad-CAM map of class 0 is weight times the red of the
   picture, over 512 positions. */
static void write_red_model(const fixture *f, const char *name, float weight)
{
    const float weights[6] = { weight / 255, 0, 0, 0, 0, 0 };
    model_file file;
    size_t size;
    char path[128];
    cxai_error error;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1,3,2,256");
    Onnx__TensorProto *w =
        model_file_weight(&file, "w", TENSOR_TYPE(FLOAT), "2,3,1,1");
    model_file_raw(&file, w, weights, sizeof weights);
    model_file_node(&file, "Conv", "conv", "x,w", "red");
    model_file_node(&file, "GlobalAveragePool", "pool", "red", "pooled");
    model_file_node(&file, "Flatten", "flat", "pooled", "y");
    model_file_output(&file, "y");
    const void *bytes = model_file_pack(&file, &size);
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    model_file_end(&file);
}

static void draw_red(fixture *f, const char *model, const char *options)
{
    char command[512];
    snprintf(command, sizeof command,
             "cxai heatmap cases/O46/photo.png -m %s -l red -t 0 --json "
             "--size 256x2 --resize stretch --scale 1 --mean 0 --std 1 %s",
             model, options);
    succeed(f, command);
}

static void load(const fixture *f, const char *name, cxai_image *image)
{
    char path[4200];
    cxai_error error;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    check_ok(cxai_image_load(image, path, NULL, NULL, &error), &error);
    assert_int_equal(image->width, 256);
    assert_int_equal(image->height, 2);
}

static void check_colour(const cxai_image *image, int x, int red, int green,
                         int blue)
{
    const uint8_t *p = image->pixels + 3 * x;
    if (p[0] != red || p[1] != green || p[2] != blue)
        fail_msg("pixel %d is %d %d %d, not %d %d %d", x, p[0], p[1], p[2], red,
                 green, blue);
}

/* O46: the photo's red rises by one from pixel to pixel, so the map is i / 255
   and grey colours give i again. */
static void test_overlay_and_scale(void **state)
{
    fixture *f = *state;
    static const char *const models[] = { "one.onnx", "tiny.onnx" };
    cxai_image photo, drawn;
    write_red_model(f, models[0], 1);
    write_red_model(f, models[1], 1e-9f);
    load(f, "cases/O46/photo.png", &photo);
    for (int m = 0; m < 2; m++) {
        draw_red(f, models[m], "--alpha 0 -o photo.png");
        draw_red(f, models[m], "--alpha 1 --colormap grey -o grey.png");
        draw_red(f, models[m], "--alpha 1 --colormap viridis -o viridis.png");
        load(f, "photo.png", &drawn);
        assert_memory_equal(drawn.pixels, photo.pixels, 256 * 2 * 3);
        cxai_image_free(&drawn);
        load(f, "grey.png", &drawn);
        for (int i = 0; i < 256; i++)
            check_colour(&drawn, i, i, i, i);
        cxai_image_free(&drawn);
        load(f, "viridis.png", &drawn); /* its ends, as matplotlib has them */
        check_colour(&drawn, 0, 68, 1, 84);
        check_colour(&drawn, 255, 253, 231, 37);
        cxai_image_free(&drawn);
        cJSON *report = parsed(f);
        const cJSON *result = item(report, "results", 0);
        assert_true(get(result, "raw_minimum")->valuedouble == 0);
        /* the mean gradient is 1/512 and the brightest red is 1 */
        double want = (m == 0 ? 1 : 1e-9) / 512;
        double got = get(result, "raw_maximum")->valuedouble;
        assert_true(got > want * 0.99999 && got < want * 1.00001);
        assert_non_null(strstr(text_of(result, "normalisation"), "ReLU"));
        cJSON_Delete(report);
    }
    cxai_image_free(&photo);
    draw_red(f, "one.onnx", "--raw --npy raw.npy");
    check_array(f, "raw.npy", "1x2x256");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cli_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hostile_layer_names),
        TEST(test_folder_with_a_bad_picture),
        TEST(test_scores_that_are_not_finite),
        TEST(test_nan_is_never_the_top_class),
        TEST(test_label_files),
        TEST(test_overlay_and_scale),
    };
    return cmocka_run_group_tests_name("cases_output", tests, NULL, NULL);
}
