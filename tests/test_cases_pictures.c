/*
 * What tests/data/cases says in words of pictures and of their preparation,
 * from the command line: O17 to O26, O36, O45 and their like.
 */
#include "support/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/image.h"
#include "support/cases.h"
#include "support/cli.h"
#include "support/model_file.h"
#include "support/program.h"

/* Values that say how pixels become numbers, so that nothing is guessed. */
#define UNIT " --recipe unit "

/* Member `name` of the first result's object. */
static const cJSON *of_result(const cJSON *report, const char *object,
                              const char *name)
{
    const cJSON *result = cJSON_GetArrayItem(get(report, "results"), 0);
    assert_non_null(result);
    return get(object != NULL ? get(result, object) : result, name);
}

static int number_of(const cJSON *report, const char *object, const char *name)
{
    return of_result(report, object, name)->valueint;
}

/* Runs a command that reports; to be ended with cJSON_Delete. */
static cJSON *reported(fixture *f, const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "%s --json", command);
    succeed(f, line);
    return parsed(f);
}

static int warns(const cJSON *report, const char *text)
{
    const cJSON *warning;
    cJSON_ArrayForEach(warning, get(report, "warnings"))
    {
        if (strstr(warning->valuestring, text) != NULL)
            return 1;
    }
    return 0;
}

static void check_numbers(const fixture *f, const char *name,
                          const double *want, int64_t count, double tolerance)
{
    char path[256];
    cxai_error error;
    cxai_real *numbers;
    cxai_shape shape;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    check_ok(cxai_npy_load(path, 0, &numbers, &shape, &error), &error);
    assert_int_equal(cxai_shape_count(&shape), count);
    check_close(numbers, want, count, tolerance);
    free(numbers);
}

/* ---- 2: pictures --------------------------------------------------------- */

/* O17: applied and reported; a switch keeps the stored order. */
static void test_orientation(void **state)
{
    fixture *f = *state;
    cJSON *json = reported(f, "cxai classify cases/O17/o6.jpg");
    assert_int_equal(number_of(json, "picture", "width"), 16);
    assert_int_equal(number_of(json, "picture", "height"), 32);
    assert_int_equal(number_of(json, "picture", "orientation"), 6);
    assert_true(
        cJSON_IsTrue(of_result(json, "picture", "orientation_applied")));
    cJSON_Delete(json);
    json = reported(f, "cxai classify cases/O17/o6.jpg --keep-orientation");
    assert_int_equal(number_of(json, "picture", "width"), 32);
    assert_int_equal(number_of(json, "picture", "orientation"), 6);
    assert_false(
        cJSON_IsTrue(of_result(json, "picture", "orientation_applied")));
    cJSON_Delete(json);
    succeed(f, "cxai classify cases/O17/o6.jpg");
    assert_non_null(strstr(f->out, "turned: EXIF orientation 6"));
    /* the heatmap has the photo's size as people see it */
    succeed(f, "cxai heatmap cases/O17/o6.jpg -o turned.png");
    char path[256];
    cxai_image map;
    cxai_error error;
    snprintf(path, sizeof path, "%s/turned.png", f->folder);
    check_ok(cxai_image_load(&map, path, NULL, NULL, &error), &error);
    assert_int_equal(map.width, 16);
    assert_int_equal(map.height, 32);
    cxai_image_free(&map);
}

/* O18, O20, O21: what was stored is reported. */
static void test_kinds_are_reported(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *file, *format, *colour;
        int bits;
    } kinds[] = {
        { "cases/O18/cmyk.jpg", "JPEG", "CMYK", 8 },
        { "cases/O20/g16.png", "PNG", "grey", 16 },
        { "cases/O21/adam7_1x1.png", "PNG", "RGB", 8 },
        { "cases/O22/really_jpeg.png", "JPEG", "YCbCr", 8 },
        { "cases/O22/really_png.jpg", "PNG", "RGB", 8 },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char command[128];
        snprintf(command, sizeof command, "cxai classify %s", kinds[i].file);
        cJSON *json = reported(f, command);
        assert_string_equal(of_result(json, "picture", "format")->valuestring,
                            kinds[i].format);
        assert_string_equal(of_result(json, "picture", "colour")->valuestring,
                            kinds[i].colour);
        assert_int_equal(number_of(json, "picture", "bits"), kinds[i].bits);
        cJSON_Delete(json);
    }
}

/* O19: a warning on standard error, unless quiet, and in the report. */
static void test_alpha_warns(void **state)
{
    fixture *f = *state;
    static const char text[] = "rgba.png: transparent pixels";
    for (int quiet = 0; quiet < 2; quiet++) {
        cJSON *json = reported(f, quiet ? "cxai classify cases/O19/rgba.png -q"
                                        : "cxai classify cases/O19/rgba.png");
        assert_int_equal(strstr(f->error, text) != NULL, !quiet);
        assert_true(warns(json, text));
        assert_true(
            cJSON_IsTrue(of_result(json, "picture", "alpha_composited")));
        cJSON_Delete(json);
    }
    cJSON *json = reported(f, "cxai classify data/dog.jpg");
    assert_int_equal(cJSON_GetArraySize(get(json, "warnings")), 0);
    assert_string_equal(f->error, "");
    cJSON_Delete(json);
}

/* ---- 3: preprocessing ---------------------------------------------------- */

static int first_class(const cJSON *json)
{
    const cJSON *best = cJSON_GetArrayItem(of_result(json, NULL, "classes"), 0);
    return get(best, "class")->valueint;
}

/* O24: flat (255, 128, 0) and a network that returns the channels' means. */
static void test_order_and_range(void **state)
{
    fixture *f = *state;
    static const char classify[] =
        "cxai classify -m cases/O24/model.onnx cases/O24/flat.png";
    char command[512];
    snprintf(command, sizeof command, "%s" UNIT, classify);
    cJSON *json = reported(f, command);
    assert_int_equal(first_class(json), 0);
    assert_true(of_result(json, "input", "minimum")->valuedouble == 0);
    assert_true(of_result(json, "input", "maximum")->valuedouble == 1);
    assert_non_null(
        strstr(get(json, "preprocessing")->valuestring, "RGB, short side"));
    assert_string_equal(get(json, "preprocessing_source")->valuestring,
                        "defaults, recipe unit");
    assert_int_equal(cJSON_GetArraySize(get(json, "warnings")), 0);
    cJSON_Delete(json);

    snprintf(command, sizeof command, "%s" UNIT "--channel-order BGR",
             classify);
    json = reported(f, command);
    assert_int_equal(first_class(json), 2);
    assert_non_null(strstr(get(json, "preprocessing")->valuestring, "BGR"));
    cJSON_Delete(json);

    snprintf(command, sizeof command, "%s --recipe keras-caffe", classify);
    json = reported(f, command);
    double minimum = of_result(json, "input", "minimum")->valuedouble;
    double maximum = of_result(json, "input", "maximum")->valuedouble;
    assert_true(fabs(minimum + 103.939) < 1e-4);
    assert_true(fabs(maximum - (255 - 123.68)) < 1e-4);
    cJSON_Delete(json);
}

/* Nothing says how the network wants its pictures: that is told. */
static void test_guesses_warn(void **state)
{
    fixture *f = *state;
    static const char *const commands[] = {
        "cxai classify -m cases/O25/model.onnx cases/O25/block.png",
        "cxai heatmap -m cases/O25/model.onnx cases/O25/block.png -o h.png",
        "cxai activations -m cases/O25/model.onnx cases/O25/block.png -o a.png",
        "cxai summary -m cases/O25/model.onnx",
    };
    static const char text[] = "nothing says how cases/O25/model.onnx wants";
    char command[256];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        cJSON *json = reported(f, commands[i]);
        assert_non_null(strstr(f->error, text));
        assert_true(warns(json, text));
        cJSON_Delete(json);
        snprintf(command, sizeof command, "%s -q", commands[i]);
        succeed(f, command);
        assert_string_equal(f->error, "");
        snprintf(command, sizeof command, "%s --mean 0", commands[i]);
        succeed(f, command);
        assert_string_equal(f->error, "");
    }
    /* a file beside the model says it, by the name of a recipe */
    succeed(f, "cp cases/O25/model.onnx m.onnx && echo '{\"recipe\": \"tf\"}' "
               "> m.json && cxai summary -m m.onnx");
    assert_string_equal(f->error, "");
    assert_non_null(strstr(f->out, "(p/127.5 - 1) / 1"));
    refuse(f,
           "echo '{\"recipe\": \"tensorflow\"}' > m.json && cxai summary "
           "-m m.onnx",
           1, "m.json: \"recipe\" must be one of torchvision");
    refuse(f, "cxai summary --recipe x", 1, "keras-tf");
    succeed(f, "cxai summary --recipes");
    assert_non_null(strstr(f->out, "timm-inception"));
}

/* O25: what the network did not see is veiled, the rest is where it was. */
static void test_unseen_is_marked(void **state)
{
    fixture *f = *state;
    char path[256];
    cxai_image map;
    cxai_error error;
    cJSON *json = reported(f, "cxai heatmap -m cases/O25/model.onnx "
                              "cases/O25/block.png -l r -t 0 --size 32 "
                              "--length 32 --alpha 1 --colormap grey -o "
                              "c.png" UNIT);
    const cJSON *seen = of_result(json, "picture", "seen");
    assert_int_equal(get(seen, "left")->valueint, 24);
    assert_int_equal(get(seen, "right")->valueint, 72);
    assert_int_equal(get(seen, "bottom")->valueint, 48);
    cJSON_Delete(json);
    snprintf(path, sizeof path, "%s/c.png", f->folder);
    check_ok(cxai_image_load(&map, path, NULL, NULL, &error), &error);
    double mass = 0, across = 0, down = 0;
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 96; x++) {
            int value = map.pixels[(y * 96 + x) * 3];
            if (x < 24 || x >= 72) {
                assert_int_equal(value, 128);
                continue;
            }
            mass += value;
            across += value * (x + 0.5);
            down += value * (y + 0.5);
        }
    assert_true(fabs(across / mass - 60) < 1);
    assert_true(fabs(down / mass - 20) < 1);
    cxai_image_free(&map);
}

/* O26: sums a channel of a linear network (1, -2, 3) at (51, 102, 204) / 127.5
   - 1, that is (-.6, -.2, .6), from each baseline. */
static void test_baselines(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *name;
        double want[3];
    } cases[] = {
        { "black", { .4, -1.6, 4.8 } }, /* from -1 */
        { "zero", { -.6, .4, 1.8 } },
        { "white", { -1.6, 2.4, -1.2 } }, /* from 1 */
        { "grey", { -.6, .4, 1.8 } },     /* 127.5 is 0 here */
        { "blurred", { 0, 0, 0 } },       /* a flat picture stays flat */
        { "cases/O26/flat.png", { 0, 0, 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char command[512];
        double want[48];
        snprintf(command, sizeof command,
                 "cxai heatmap -m cases/O26/model.onnx cases/O26/flat.png "
                 "--scale 1/127.5 --mean 1 --std 1 -t 0 --method "
                 "integrated_gradients --baseline %s --npy a.npy -o i.png",
                 cases[i].name);
        cJSON *json = reported(f, command);
        const cJSON *parameters = of_result(json, NULL, "parameters");
        const cJSON *named = cJSON_GetObjectItem(parameters, "baseline");
        assert_non_null(named);
        assert_string_equal(named->valuestring, cases[i].name);
        const cJSON *error = of_result(json, NULL, "completeness_error");
        assert_true(fabs(error->valuedouble) < 1e-4);
        cJSON_Delete(json);
        for (int e = 0; e < 48; e++) /* a channel has 16 equal pixels */
            want[e] = cases[i].want[e / 16] / 16;
        check_numbers(f, "a.npy", want, 48, 1e-5);
    }
    refuse(f, "cxai heatmap data/dog.jpg --baseline black", 1, "compare");
    refuse(f,
           "cxai heatmap data/dog.jpg --method integrated_gradients "
           "--baseline mauve -o i.png",
           1, "zero, black, grey, white, blurred");
}

/* The luma of (255, 128, 0) is 151 (BT.601: .299, .587, .114); a grey photo
   gives all three channels the same. */
static void test_grey_and_colour(void **state)
{
    fixture *f = *state;
    double want[48];
    for (int i = 0; i < 4; i++)
        want[i] = 151 / 255.;
    succeed(f, "cxai activations -m cases/O27/model.onnx cases/O24/flat.png -l "
               "x --npy x.npy -o x.png" UNIT);
    check_numbers(f, "x.npy", want, 4, 1e-6);
    /* 2x2 of the six columns of O20's 16-bit grey: 384 and 32896 of 65535 */
    succeed(f, "cxai activations -m cases/O24/model.onnx cases/O20/g16.png -l "
               "x --size 6x1 --resize stretch --npy x.npy -o x.png" UNIT);
    static const double grey[] = { 0, 1, 1, 128, 254, 255 };
    for (int i = 0; i < 18; i++)
        want[i] = grey[i % 6] / 255;
    check_numbers(f, "x.npy", want, 18, 1e-6);
    /* two channels are no colours; the list of layers is there all the same */
    refuse(f, "cxai classify -m cases/O12/model.onnx cases/O24/flat.png", 1,
           "is not a picture of 1 or 3 channels");
    succeed(f, "cxai summary -m cases/O12/model.onnx");
    assert_non_null(strstr(f->out, "Squeeze"));
    assert_non_null(strstr(f->out, "none: the network takes .npy arrays"));
}

/* ---- sizes --------------------------------------------------------------- */

/* A network whose input is halved and brought to its size again, and added:
   sides must be even. */
static void write_halving_network(const fixture *f)
{
    char path[256];
    model_file file;
    size_t size;
    cxai_error error;
    static const float scales[] = { 1, 1, 2, 2 };
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1,1,H,W");
    model_file_output(&file, "y");
    Onnx__TensorProto *tensor =
        model_file_weight(&file, "scales", TENSOR_TYPE(FLOAT), "4");
    model_file_raw(&file, tensor, scales, sizeof scales);
    Onnx__NodeProto *pool = model_file_node(&file, "MaxPool", "pool", "x", "p");
    model_file_ints(&file, pool, "kernel_shape", "2,2");
    model_file_ints(&file, pool, "strides", "2,2");
    model_file_node(&file, "Resize", "up", "p,,scales", "u");
    model_file_node(&file, "Add", "add", "x,u", "s");
    model_file_node(&file, "GlobalAveragePool", "gap", "s", "g");
    model_file_node(&file, "Flatten", "flat", "g", "y");
    const void *bytes = model_file_pack(&file, &size);
    snprintf(path, sizeof path, "%s/halving.onnx", f->folder);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    model_file_end(&file);
}

static void check_input(fixture *f, const char *command, int height, int width)
{
    cJSON *json = reported(f, command);
    const cJSON *shape = of_result(json, "input", "shape");
    assert_int_equal(cJSON_GetArrayItem(shape, 2)->valueint, height);
    assert_int_equal(cJSON_GetArrayItem(shape, 3)->valueint, width);
    cJSON_Delete(json);
}

static void test_other_sizes(void **state)
{
    fixture *f = *state;
    /* fixed at 8x8, but of convolutions and pooling alone */
    check_input(f,
                "cxai classify -m cases/O24/model.onnx cases/O24/flat.png "
                "--size 12x5" UNIT,
                5, 12);
    assert_non_null(strstr(f->error, "is made for pictures of 8x8"));
    /* flattened into a matrix product: no other size */
    refuse(f,
           "cxai classify -m cases/O10/model.onnx cases/O24/flat.png --size "
           "5x4" UNIT,
           1,
           "cannot be run at 5x4, only at 4x4: MatMul node "
           "\"model/dense/MatMul\"");
    refuse(f, "cxai summary --size 0x4", 1, "\"size\" must be");
    /* the photo's own: 2x1, and 5x3 */
    check_input(f,
                "cxai classify -m cases/O24/model.onnx "
                "cases/O22/really_png.jpg --size photo" UNIT,
                1, 2);
    check_input(f,
                "cxai classify -m cases/O24/model.onnx cases/O21/adam7.png "
                "--resize none" UNIT,
                3, 5);
    /* rounded to what the network needs: 5x3 to 6x4 */
    write_halving_network(f);
    check_input(f,
                "cxai classify -m halving.onnx cases/O21/adam7.png --size "
                "photo" UNIT,
                4, 6);
    refuse(f,
           "cxai classify -m halving.onnx cases/O21/adam7.png --size 5x3" UNIT,
           1, "cannot be run at 5x3: Add node \"add\"");
    /* a small picture between large ones gets its own size back */
    succeed(f, "cxai heatmap -m halving.onnx cases/O21/adam7.png data/cat.jpg "
               "cases/O17/o6.jpg -l s --size photo -o sizes/" UNIT);
}

/* O36: 3000x2000 through a 7x7 convolution at its own size. */
static void test_big_photo(void **state)
{
    const fixture *f = *state;
    char model[4096], photo[4096];
    program_answer answer;
    cases_path(model, "O36/model.onnx");
    cases_path(photo, "O36/big.png");
    const char *const limited[] = { "heatmap", "-m",      model,
                                    photo,     "-l",      "r",
                                    "--size",  "photo",   "--recipe",
                                    "unit",    "--limit", "memory=300M",
                                    "-o",      "b.png",   NULL };
    program_run(&answer, f->folder, limited);
    assert_int_equal(answer.code, 1);
    assert_non_null(strstr(answer.error, "MB of memory; the limit is"));
    program_clear(&answer);
    if (!program_is_measurable())
        return;
    /* so many threads as a large machine has: none may cost a photo's memory */
    const char *const allowed[] = { "heatmap",   "-m",   model,    photo,
                                    "-l",        "r",    "--size", "photo",
                                    "--recipe",  "unit", "--npy",  "big.npy",
                                    "--threads", "32",   "-o",     "b.png",
                                    NULL };
    program_run(&answer, f->folder, allowed);
    if (answer.code != 0)
        fail_msg("%s", answer.error);
    assert_in_range(answer.peak_mb, 1, 1500);
    program_clear(&answer);
}

/* O45: the limit is adjustable, down here. */
static void test_picture_limits(void **state)
{
    fixture *f = *state;
    refuse(f, "cxai classify data/dog.jpg --limit pixels=1000", 1, "limit");
    refuse(f,
           "cxai classify data/dog.jpg --limit file=1000 -m "
           "cases/O24/model.onnx",
           1, "1000");
    refuse(f, "cxai classify cases/O45/bomb.png", 1, "60000");
    refuse(f, "cxai classify cases/O45/zero_width.png", 1, "width");
    succeed(f, "cxai classify cases/O21/adam7.png --limit pixels=15");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cli_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_orientation),    TEST(test_kinds_are_reported),
        TEST(test_alpha_warns),    TEST(test_order_and_range),
        TEST(test_guesses_warn),   TEST(test_unseen_is_marked),
        TEST(test_baselines),      TEST(test_grey_and_colour),
        TEST(test_other_sizes),    TEST(test_big_photo),
        TEST(test_picture_limits),
    };
    return cmocka_run_group_tests_name("cases_pictures", tests, NULL, NULL);
}
