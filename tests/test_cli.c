/*
 * The command line as people use and misuse it: exit codes, one clear line for
 * every mistake, examples that work as typed, JSON and arrays that say what
 * was done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "cxai/heatmap.h"
#include "cxai/image.h"
#include "support/check.h"
#include "support/cli.h"

/* ---- help ---------------------------------------------------------------- */

static const char *const names[] = { "activations", "classify", "heatmap",
                                     "kernels",     "summary",  "synthesize" };
enum { COMMANDS = sizeof names / sizeof *names };

static void test_help(void **state)
{
    fixture *f = *state;
    succeed(f, "cxai");
    for (int i = 0; i < COMMANDS; i++)
        assert_non_null(strstr(f->out, names[i]));
    succeed(f, "cxai --version");
    for (int i = 0; i < COMMANDS; i++) {
        char command[64];
        snprintf(command, sizeof command, "cxai help %s", names[i]);
        succeed(f, command);
        assert_non_null(strstr(f->out, "Examples:"));
        snprintf(command, sizeof command, "cxai %s --help", names[i]);
        succeed(f, command);
        assert_non_null(strstr(f->out, "Exit codes:"));
    }
}

/* Examples are for people's machines: under a runner that is a hundred times
   slower they would take an hour. There the small networks stand in, below. */
static void succeed_as_typed(fixture *f, const char *line)
{
    char command[1024];
    snprintf(command, sizeof command, "RUNNER=; %s", line);
    succeed(f, command);
}

/* Runs the lines behind "Examples:" that need no file of the user's own;
   returns how many. */
static int run_examples(fixture *f, const char *name)
{
    char command[64], text[16384];
    int count = 0;
    snprintf(command, sizeof command, "cxai help %s", name);
    succeed(f, command);
    snprintf(text, sizeof text, "%s", strstr(f->out, "Examples:"));
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "  ", 2) != 0 || !strstr(line, "cxai ") ||
            strstr(line, "model.onnx"))
            continue;
        succeed_as_typed(f, line);
        count++;
    }
    return count;
}

static void test_examples_work_as_typed(void **state)
{
    fixture *f = *state;
    int count = 0;
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(names[i], "synthesize") != 0)
            count += run_examples(f, names[i]);
    assert_in_range(count, 9, 100);
    /* synthesis takes a while: its examples with fewer steps */
    succeed_as_typed(
        f, "cxai synthesize -l b07.expand -c 3 --steps 2 -o filter.png");
    succeed_as_typed(
        f, "cxai synthesize -l b04.add -c 0..8 --steps 2 -o grid.png");
    succeed_as_typed(f, "cxai synthesize -t macaw --steps 2 -o macaw.png");
    assert_true(exists(f, "filter.png") && exists(f, "grid.png"));
}

#define SMALL "nets/mobile2.legacy.onnx"

/* A small network that a method is for. */
static const char *network_for(const char *name)
{
    const cxai_heatmap_method *method;
    cxai_error error;
    check_ok(cxai_heatmap_find(&method, name, &error), &error);
    return method->needs & CXAI_NEEDS_ATTENTION ? "nets/tokens.legacy.onnx"
                                                : SMALL;
}

/* Each method that the program lists, with two targets, into an array. */
static void test_every_method(void **state)
{
    fixture *f = *state;
    char command[512], name[64], file[80];
    int count = 0;
    succeed(f, "cxai heatmap --list");
    char *list = strdup(f->out);
    assert_non_null(list);
    for (const char *line = list; line != NULL && *line != '\0';) {
        if (*line != ' ' && sscanf(line, "%63s", name) == 1) {
            snprintf(command, sizeof command,
                     "cxai heatmap data/cat.jpg -m %s --method %s "
                     "-t top1..top2 --steps 5 --samples 3 --colorbar "
                     "--side-by-side -o %s.png --npy %s.npy",
                     network_for(name), name, name, name);
            succeed(f, command);
            snprintf(file, sizeof file, "%s.png", name);
            assert_true(exists(f, file));
            snprintf(file, sizeof file, "%s.npy", name);
            assert_true(exists(f, file));
            count++;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    free(list);
    assert_in_range(count, 9, 100);
}

/* The other commands with what they can do, on the same small network. */
static void test_every_command(void **state)
{
    fixture *f = *state;
    static const char *const commands[] = {
        "cxai summary -m " SMALL,
        "cxai summary -m " SMALL " --json",
        "cxai classify data/cat.jpg data/dog.jpg -m " SMALL " --json",
        "cxai heatmap data/cat.jpg -m " SMALL " -l \"#7,#24\" --fuse max "
        "--aug-smooth --eigen-smooth --json -o h.png",
        "cxai classify data/cat.jpg -m " SMALL " -k 3 --npy c.npy",
        "cxai activations data/cat.jpg -m " SMALL " -l 3 -o a.png --json",
        "cxai activations data/cat.jpg -m " SMALL " -l 6 -o a.png",
        "cxai kernels -m " SMALL " -l 1.conv.0.0 -o k.png --npy k.npy",
        "cxai synthesize -m " SMALL " -l 3 --all --steps 3 -o s.png --json",
        "cxai synthesize -m " SMALL " -l 3 -c 1 --neuron --steps 3 -o s.png",
        "cxai synthesize -m " SMALL " -t 2 --steps 3 --npy s.npy -o s.png",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        succeed(f, commands[i]);
    assert_true(exists(f, "a.png") && exists(f, "k.png") && exists(f, "s.png"));
}

/* ---- mistakes ------------------------------------------------------------ */

static void test_wrong_command_lines(void **state)
{
    fixture *f = *state;
    refuse(f, "cxai explode", 2, "classify");
    refuse(f, "cxai classify", 2, "IMAGE");
    refuse(f, "cxai classify --frobnicate x.jpg", 2, "--frobnicate");
    refuse(f, "cxai classify data/dog.jpg -k", 2, "-k");
    refuse(f, "cxai classify data/dog.jpg -k many", 2, "--top");
    refuse(f, "cxai heatmap data/dog.jpg --alpha 2", 2, "0 to 1");
    refuse(f, "cxai heatmap data/dog.jpg data/cat.jpg -o one.png", 2, "folder");
    refuse(f, "cxai heatmap data/dog.jpg --raw", 2, "--npy");
    refuse(f, "cxai synthesize -l head", 2, "-c");
    refuse(f, "cxai summary data/dog.jpg", 2, "operands");
    refuse(f, "cxai help explode", 2, "explode");
}

static void test_unknown_names_get_the_nearest(void **state)
{
    fixture *f = *state;
    refuse(f, "cxai heatmap data/dog.jpg -t tabby_cat", 1, "tabby cat");
    refuse(f, "cxai heatmap data/dog.jpg -t 1000", 1, "999");
    refuse(f, "cxai heatmap data/dog.jpg -l hed", 1, "head");
    refuse(f, "cxai activations data/dog.jpg -l b01.expnd", 1, "b01.expand");
    refuse(f, "cxai heatmap data/dog.jpg --method gradcm", 1, "gradcam");
    refuse(f, "cxai heatmap data/dog.jpg --colormap virids", 1, "viridis");
    refuse(f, "cxai synthesize -l stem -c 40", 1, "0 to 31");
    refuse(f, "cxai heatmap data/dog.jpg -l pool", 1, "before the pooling");
    refuse(f, "cxai heatmap data/dog.jpg -l head,pool", 1,
           "before the pooling");
    refuse(f, "cxai heatmap data/dog.jpg -l head,stem --fuse sum", 2,
           "mean or max");
    refuse(f, "cxai kernels -l logits", 1, "no convolution makes");
}

static void test_bad_files(void **state)
{
    fixture *f = *state;
    succeed(f, "printf '' > empty; head -c 3000 data/dog.jpg > cut.jpg; "
               "head -c 60000 data/squeezenet-1.1.int8.onnx > cut.onnx; "
               "seq 1 20000 > text; mkdir folder");
    static const char *const images[] = { "missing.jpg", "empty", "cut.jpg",
                                          "text", "folder" };
    static const char *const models[] = { "missing.onnx", "empty",
                                          "cut.onnx",     "text",
                                          "folder",       "data/dog.jpg" };
    char command[256];
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        snprintf(command, sizeof command,
                 "cxai heatmap %s -m " SMALL " -o h.png", images[i]);
        refuse(f, command, 1, images[i]);
        assert_false(exists(f, "h.png"));
    }
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        snprintf(command, sizeof command,
                 "cxai heatmap data/dog.jpg -m %s -o h.png", models[i]);
        refuse(f, command, 1, models[i]);
        assert_false(exists(f, "h.png"));
    }
}

/* Copies a file with its end cut off, or with one bit turned over. */
static void damage(const fixture *f, const char *from, const char *to,
                   int variant)
{
    char path[256];
    void *bytes;
    size_t size;
    cxai_error error;
    check_ok(cxai_file_read(from, 0, &bytes, &size, &error), &error);
    size_t at = size * (size_t)(2 * variant + 1) / 24;
    if (variant % 2 == 0)
        size = at;
    else
        ((uint8_t *)bytes)[at] ^= (uint8_t)(1 << variant / 2 % 8);
    snprintf(path, sizeof path, "%s/%s", f->folder, to);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    free(bytes);
}

/* The program does it, or says in one line why not. */
static void do_or_refuse(fixture *f, const char *command)
{
    int code = sh(f, command);
    const char *end = strchr(f->error, '\n');
    if (code != 0 && (code != 1 || end == NULL || end[1] != '\0'))
        fail_msg("\"%s\" ended with %d: %s", command, code, f->error);
}

static void test_damaged_files(void **state)
{
    fixture *f = *state;
    for (int variant = 0; variant < 12; variant++) {
        damage(f, "tests/data/nets/mobile2.dynamo.onnx", "hurt.onnx", variant);
        damage(f, "tests/data/pictures/rgb8.png", "hurt.png", variant);
        damage(f, "tests/data/pictures/420.jpg", "hurt.jpg", variant);
        do_or_refuse(f, "cxai classify -m hurt.onnx data/cat.jpg");
        do_or_refuse(f, "cxai heatmap hurt.png -m " SMALL " -o h.png");
        do_or_refuse(f, "cxai heatmap hurt.jpg -m " SMALL " -o h.png");
    }
}

/* Arrays of no picture, of other sizes and ranks. */
static void test_arrays_that_do_not_fit(void **state)
{
    fixture *f = *state;
    static const struct {
        cxai_shape shape;
        const char *text;
    } cases[] = {
        { { 4, { 0, 3, 224, 224 } },
          "0x3x224x224, but the network takes 1x3x24x20" },
        { { 3, { 3, 1, 1 } }, "1x3x1x1, but the network takes 1x3x24x20" },
        { { 0, { 0 } }, "scalar, but the network takes 1x3x24x20" },
        { { 5, { 1, 1, 3, 1, 1 } }, "1x1x3x1x1, but" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cxai_real numbers[3] = { 0 };
        char path[256];
        cxai_error error;
        snprintf(path, sizeof path, "%s/a.npy", f->folder);
        check_ok(cxai_npy_save(path, numbers, &cases[i].shape, &error), &error);
        refuse(f, "cxai classify a.npy -m " SMALL, 1, cases[i].text);
        refuse(f, "cxai heatmap a.npy -m " SMALL " -o h.png", 1, cases[i].text);
    }
}

/* One bad file among good ones: the others are done, the end is a failure. */
static void test_one_bad_file_of_many(void **state)
{
    fixture *f = *state;
    refuse(f, "cxai heatmap data/dog.jpg missing.jpg data/cat.jpg -o maps/", 1,
           "missing.jpg");
    assert_true(exists(f, "maps/dog.gradcam.German_Shepherd_Dog.png"));
    assert_true(exists(f, "maps/cat.gradcam.tiger_cat.png"));
}

/* A file size limit stands for a full disk: writing fails midway. */
static void test_full_disk(void **state)
{
    fixture *f = *state;
    static const char limited[] = "trap '' XFSZ; ulimit -f 8; ";
    static const char *const commands[] = {
        "cxai heatmap data/dog.jpg -m " SMALL " -o full.png",
        "cxai heatmap data/dog.jpg -m " SMALL " -o /tmp/cxai-none/full.png",
        "cxai activations data/dog.jpg -l stem -o full.png",
        "cxai kernels -l stem --npy full.npy -o full.png",
        "cxai activations data/dog.jpg -l stem --npy full.npy -o full.png",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char command[512];
        snprintf(command, sizeof command, "%s%s", limited, commands[i]);
        assert_int_equal(sh(f, command), 1);
        assert_int_not_equal(f->error[0], '\0');
    }
    assert_false(exists(f, "full.png") || exists(f, "full.npy"));
    succeed(f, "ls -A | grep -v -e txt$ -e data -e nets -e cases "
               "-e pictures || true");
    assert_string_equal(f->out, ""); /* nothing half-written lies about */
    assert_int_equal(
        sh(f, "cxai classify data/dog.jpg -m " SMALL " > /dev/full"), 1);
    assert_int_equal(sh(f, "cxai summary -m " SMALL " --json > /dev/full"), 1);
}

/* ---- results ------------------------------------------------------------- */

static void test_classify_report(void **state)
{
    fixture *f = *state;
    succeed(f, "cxai classify data/dog.jpg --json --npy logits.npy");
    cJSON *json = parsed(f);
    const cJSON *first = cJSON_GetArrayItem(
        get(cJSON_GetArrayItem(get(json, "results"), 0), "classes"), 0);
    assert_string_equal(get(first, "label")->valuestring,
                        "German Shepherd Dog");
    /* data/README facts: .97, two digits given */
    assert_true(get(first, "probability")->valuedouble > 0.965 &&
                get(first, "probability")->valuedouble < 0.975);
    assert_string_equal(
        get(get(json, "model"), "sha256")->valuestring,
        "d52830e5837d538768dca3664745045f79f91e65420f57b02371e670dc7f9567");
    cJSON_Delete(json);
}

static void test_arrays_have_the_promised_shapes(void **state)
{
    fixture *f = *state;
    succeed(f,
            "cxai classify data/dog.jpg data/cat.jpg -m " SMALL " --npy c.npy");
    check_array(f, "c.npy", "2x10");
    succeed(f, "cxai activations data/dog.jpg -m " SMALL
               " -l 3 --npy a.npy -o a.png");
    check_array(f, "a.npy", "1x8x6x5");
    succeed(f, "cxai heatmap data/band.jpg -m " SMALL
               " -t 1,2 --npy h.npy -o h.png");
    check_array(f, "h.npy", "2x24x20");
    succeed(f,
            "cxai heatmap data/band.jpg -m " SMALL " -t 1 --raw --npy r.npy");
    check_array(f, "r.npy", "1x6x5");
    succeed(f, "cxai heatmap data/band.jpg -m " SMALL
               " -t top1..top2 --method saliency --npy s.npy -o s.png");
    check_array(f, "s.npy", "2x3x24x20");
    succeed(f, "cxai kernels -m " SMALL " -l 0.0 --npy k.npy -o k.png");
    check_array(f, "k.npy", "8x3x3x3");
    succeed(f, "cxai synthesize -l stem -c 1,2 --side 64 --steps 1 --npy "
               "y.npy -o y.png");
    check_array(f, "y.npy", "2x3x64x64");
}

/* An array is fed as it is: the prepared tensor gives the photo's logits. */
static void test_arrays_are_fed_as_they_are(void **state)
{
    fixture *f = *state;
    succeed(f,
            "cxai classify data/dog.jpg -m " SMALL " | tail -n +2 > photo.txt");
    succeed(f,
            "cxai activations data/dog.jpg -m " SMALL
            " -l input --npy x.npy -o i.png && "
            "cxai classify x.npy -m " SMALL " | tail -n +2 | diff - photo.txt");
}

static void test_overlay_has_the_photo_s_size(void **state)
{
    fixture *f = *state;
    cxai_error error;
    cxai_image photo, overlay, plain;
    char path[256];
    succeed(f, "cxai heatmap data/band.jpg -m " SMALL " -o o.png && "
               "cxai heatmap data/band.jpg -m " SMALL " --alpha 0 -o p.png");
    check_ok(cxai_image_load(&photo, "data/band.jpg", NULL, NULL, &error),
             &error);
    snprintf(path, sizeof path, "%s/o.png", f->folder);
    check_ok(cxai_image_load(&overlay, path, NULL, NULL, &error), &error);
    snprintf(path, sizeof path, "%s/p.png", f->folder);
    check_ok(cxai_image_load(&plain, path, NULL, NULL, &error), &error);
    assert_int_equal(overlay.width, photo.width);
    assert_int_equal(overlay.height, photo.height);
    size_t bytes = (size_t)photo.width * (size_t)photo.height * 3;
    assert_memory_equal(plain.pixels, photo.pixels, bytes);
    assert_memory_not_equal(overlay.pixels, photo.pixels, bytes);
    cxai_image_free(&photo);
    cxai_image_free(&overlay);
    cxai_image_free(&plain);
}

static void test_same_seed_same_bytes(void **state)
{
    fixture *f = *state;
#define SYNTHESIZE "cxai synthesize -m " SMALL " -l 3 -c 1 --steps 3 "
#define SMOOTHGRAD                                                             \
    "cxai heatmap data/dog.jpg -m " SMALL " --method smoothgrad --seed 3 "
    succeed(f, SYNTHESIZE "--threads 1 -o a.png && " SYNTHESIZE
                          "--threads 2 -o b.png && cmp a.png b.png");
    succeed(f, SMOOTHGRAD "--threads 1 -o a.png && " SMOOTHGRAD
                          "--threads 2 -o b.png && cmp a.png b.png");
    succeed(f,
            SYNTHESIZE "--seed 1 -o a.png && " SYNTHESIZE "--seed 2 -o b.png");
    assert_int_equal(sh(f, "cmp a.png b.png"), 1);
}

static void test_standard_input(void **state)
{
    fixture *f = *state;
    succeed(f, "cxai classify - < data/macaw.jpg");
    assert_non_null(strstr(f->out, "macaw"));
    succeed(f, "cat data/macaw.jpg | cxai heatmap -");
    assert_true(exists(f, "stdin.gradcam.macaw.png"));
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cli_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_help),
        TEST(test_examples_work_as_typed),
        TEST(test_every_method),
        TEST(test_every_command),
        TEST(test_wrong_command_lines),
        TEST(test_unknown_names_get_the_nearest),
        TEST(test_bad_files),
        TEST(test_damaged_files),
        TEST(test_arrays_that_do_not_fit),
        TEST(test_one_bad_file_of_many),
        TEST(test_full_disk),
        TEST(test_classify_report),
        TEST(test_arrays_have_the_promised_shapes),
        TEST(test_arrays_are_fed_as_they_are),
        TEST(test_overlay_has_the_photo_s_size),
        TEST(test_same_seed_same_bytes),
        TEST(test_standard_input),
    };
    return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
