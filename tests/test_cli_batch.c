/*
 * Many pictures at once: folders, lists and arrays of them; names of output
 * files, their index; what happens when some cannot be read or nothing can be
 * written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"
#include "support/check.h"
#include "support/cli.h"

#define SMALL " -m nets/mobile2.legacy.onnx --recipe torchvision "

/* Files in folders, of which four are pictures that can be read. */
static void make_folders(fixture *f)
{
    succeed(f, "mkdir -p in/b/c in/.hidden && cp pictures/rgb8.png in/b/x.png "
               "&& cp pictures/rgb8.png in/b/c/deep.PNG && "
               "cp pictures/420.jpg in/x.jpg && cp pictures/rgb8.png in/X.png "
               "&& cp pictures/rgb8.png in/.hidden/no.png && "
               "cp pictures/rgb8.png in/.no.png && "
               "touch in/notes.txt && ln -s .. in/b/loop");
}

/* The "image" or "file" members of an array, joined by spaces. */
static const char *joined(const cJSON *object, const char *array,
                          const char *member, char *text, size_t size)
{
    const cJSON *entry;
    size_t length = 0;
    *text = '\0';
    cJSON_ArrayForEach(entry, get(object, array))
    {
        const char *one = cJSON_GetStringValue(get(entry, member));
        assert_non_null(one);
        length += (size_t)snprintf(text + length, size - length, "%s%s",
                                   length > 0 ? " " : "", one);
        assert_true(length < size);
    }
    return text;
}

/* The images that a command's report has results, or failures, of. */
static void check_images(fixture *f, const char *command, int code,
                         const char *array, const char *want)
{
    char text[4096];
    int got = sh(f, command);
    if (got != code)
        fail_msg("\"%s\" ended with %d: %s", command, got, f->error);
    cJSON *report = parsed(f);
    assert_string_equal(joined(report, array, "image", text, sizeof text),
                        want);
    cJSON_Delete(report);
}

static void test_folders(void **state)
{
    fixture *f = *state;
    make_folders(f);
    check_images(f, "cxai classify in --json" SMALL, 0, "results",
                 "in/X.png in/x.jpg");
    assert_non_null(strstr(f->error, "1 file of the folders left out"));
    assert_non_null(strstr(f->error, "1 folder inside left out"));
    check_images(f, "cxai classify in --json --quiet" SMALL, 0, "results",
                 "in/X.png in/x.jpg");
    assert_string_equal(f->error, "");
    check_images(f, "cxai classify -r in/ --json" SMALL, 0, "results",
                 "in/X.png in/b/c/deep.PNG in/b/x.png in/x.jpg");
    check_images(f, "cxai classify in/b in/x.jpg --json" SMALL, 0, "results",
                 "in/b/x.png in/x.jpg");
    succeed(f, "mkdir -p empty full/er && cp in/X.png full/er");
    check_images(f, "cxai classify empty full in/b gone.png --json" SMALL, 1,
                 "failures", "empty full gone.png");
    refuse(f, "cxai classify empty" SMALL, 1, "no pictures in this folder");
    refuse(f, "cxai classify full -q" SMALL, 1, "--recursive");
}

static void test_lists_of_paths(void **state)
{
    fixture *f = *state;
    make_folders(f);
    succeed(f, "printf '\\357\\273\\277in/x.jpg\\r\\n\\r\\nin/b\\r\\n"
               "pictures/rgb8.png' > list");
    check_images(f, "cxai classify --files-from list -q --json" SMALL, 0,
                 "results", "in/x.jpg in/b/x.png pictures/rgb8.png");
    check_images(
        f, "cxai classify in/X.png --files-from - -q --json" SMALL "< list", 0,
        "results", "in/X.png in/x.jpg in/b/x.png pictures/rgb8.png");
    check_images(f,
                 "printf 'in/x.jpg\\0in/X.png\\0' | "
                 "cxai classify --files-from - --json" SMALL,
                 0, "results", "in/x.jpg in/X.png");
    refuse(f, "cxai classify --files-from gone" SMALL, 1, "gone");
    refuse(f, "printf '\\n\\n' | cxai classify --files-from -" SMALL, 1,
           "no path");
    refuse(f, "cxai classify - - " SMALL, 2, "read once");
    refuse(f, "cxai classify - --files-from -" SMALL, 2, "read once");
    refuse(f, "cxai classify --labels - -" SMALL, 2, "read once");
}

/* On a terminal a line tells how far the work is; into a file none goes. */
static void test_progress_of_a_batch(void **state)
{
    fixture *f = *state;
    succeed(f,
            "command -v script >/dev/null || exit 0; script -qec "
            "\"$RUNNER $CXAI classify pictures/rgb8.png pictures/420.jpg" SMALL
            "\" /dev/null > tty && grep -q 'picture 2 of 2' tty");
    succeed(f, "cxai classify pictures/rgb8.png pictures/420.jpg" SMALL);
    assert_string_equal(f->error, "");
}

/* Same names in different folders, with other endings, other case, or for two
   classes: no file is written twice, and the index tells which is which. */
static void test_names_do_not_clash(void **state)
{
    fixture *f = *state;
    char text[4096];
    make_folders(f);
    succeed(f, "yes crane | head -10 > labels && cxai heatmap -r in -q "
               "-t 0,1 --labels labels -o out/" SMALL);
    succeed(f, "ls out | wc -l");
    assert_int_equal(atoi(f->out), 9);
    cJSON *index = parsed_file(f, "out/index.json");
    assert_string_equal(
        joined(index, "files", "file", text, sizeof text),
        "X.gradcam.crane.png X.gradcam.crane-2.png deep.gradcam.crane.png "
        "deep.gradcam.crane-2.png x-2.gradcam.crane.png "
        "x-2.gradcam.crane-2.png x-3.gradcam.crane.png "
        "x-3.gradcam.crane-2.png");
    assert_string_equal(
        joined(index, "files", "image", text, sizeof text),
        "in/X.png in/X.png in/b/c/deep.PNG in/b/c/deep.PNG in/b/x.png "
        "in/b/x.png in/x.jpg in/x.jpg");
    cJSON_Delete(index);
}

/* Names of 255 bytes, the most that there is, and names that are no UTF-8. */
static void test_long_and_foreign_names(void **state)
{
    fixture *f = *state;
    static char text[1 << 17];
    succeed(f, "mkdir in && n=$(printf '%0249d' 0) && "
               "cp pictures/rgb8.png in/1$n.jpeg && "
               "cp pictures/rgb8.png in/1${n}2.png && "
               "cp pictures/rgb8.png \"in/$(printf '2\\377').png\" && "
               "cxai activations in -l 0.0,output --json -o out/ "
               "--npy out/" SMALL);
    cJSON *report = parsed(f);
    joined(report, "results", "image", text, sizeof text);
    assert_non_null(strstr(text, "in/2\xef\xbf\xbd.png"));
    cJSON_Delete(report);
    succeed(f, "ls out/2_.activations.output.png ");
    cJSON *index = parsed_file(f, "out/index.json");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, get(index, "files"))
    {
        snprintf(text, sizeof text, "out/%s",
                 cJSON_GetStringValue(get(entry, "file")));
        assert_true(exists(f, text));
    }
    cJSON_Delete(index);
}

/* The index keeps what is still true of runs before. */
static void test_index_of_several_runs(void **state)
{
    fixture *f = *state;
    char text[4096];
    succeed(f, "cxai heatmap pictures/rgb8.png -t 0 -o out/" SMALL
               "&& cxai heatmap pictures/rgb8.png -t 1 -o out/" SMALL
               "&& rm out/rgb8.gradcam.0.png "
               "&& cxai heatmap pictures/rgb8.png -t 1,2 -o out/" SMALL
               "&& cxai kernels -l 1.conv.0.0 -o out/" SMALL);
    cJSON *index = parsed_file(f, "out/index.json");
    assert_string_equal(joined(index, "files", "file", text, sizeof text),
                        "_1_conv_conv.0_conv.0.0_Conv_output_0.kernels.png "
                        "rgb8.gradcam.1.png rgb8.gradcam.2.png");
    cJSON_Delete(index);
}

/* An index.json of somebody else is not overwritten. */
static void test_foreign_index(void **state)
{
    fixture *f = *state;
    succeed(f, "mkdir out && echo '{\"mine\": 1}' > out/index.json");
    refuse(f, "cxai heatmap pictures/rgb8.png -o out" SMALL, 1,
           "is not an index that cxai wrote");
    succeed(f, "cat out/index.json && ls out");
    assert_string_equal(f->out, "{\"mine\": 1}\nindex.json\n");
}

/* What is wrong for every picture is said once. */
static void test_mistakes_are_told_once(void **state)
{
    fixture *f = *state;
    refuse(f, "cxai heatmap pictures/rgb8.png pictures/420.jpg -t lion" SMALL,
           1, "lion");
    refuse(f, "cxai heatmap pictures/rgb8.png pictures/420.jpg -l no" SMALL, 1,
           "\"no\"");
    refuse(f,
           "cxai heatmap cases/O38/pics cases/O46 -q -m cases/O39/model.onnx",
           1, "name one with -l");
}

/* A batch may be computed in another order than one picture. */
static void check_same_numbers(const fixture *f, const char *a, const char *b)
{
    const char *const names[] = { a, b };
    cxai_real *numbers[2];
    cxai_shape shapes[2];
    for (int i = 0; i < 2; i++) {
        char path[128];
        cxai_error error;
        snprintf(path, sizeof path, "%s/%s", f->folder, names[i]);
        check_ok(cxai_npy_load(path, 0, &numbers[i], &shapes[i], &error),
                 &error);
    }
    assert_true(cxai_shape_equal(&shapes[0], &shapes[1]));
    assert_true(relative_error(numbers[0], numbers[1],
                               cxai_shape_count(&shapes[0])) < 1e-6);
    free(numbers[0]);
    free(numbers[1]);
}

/* An array of several pictures: each is one, and they need a folder. */
static void test_arrays_of_several_pictures(void **state)
{
    fixture *f = *state;
    succeed(f, "cxai activations pictures/rgb8.png pictures/420.jpg -l 0 "
               "--npy a.npy -o out/" SMALL
               "&& cxai activations pictures/rgb8.png pictures/420.jpg "
               "-l input --npy x.npy -o out/" SMALL);
    check_array(f, "a.npy", "2x8x12x10");
    succeed(f, "cxai activations x.npy -l 0 --npy b.npy -o rows/" SMALL
               "&& ls rows/x.1.activations.*");
    check_same_numbers(f, "a.npy", "b.npy");
    refuse(f, "cxai heatmap x.npy -o one.png" SMALL, 1, "2 pictures");
    refuse(f, "cxai activations x.npy -l 0 -o one.png" SMALL, 1, "2 pictures");
    assert_false(exists(f, "one.png"));
    succeed(f, "cxai heatmap x.npy -t 0 -o rows/ --npy rows/" SMALL);
    assert_true(exists(f, "rows/x.0.gradcam.0.png"));
    check_array(f, "rows/x.1.gradcam.0.npy", "1x24x20");
}

static void test_layers_need_a_folder(void **state)
{
    fixture *f = *state;
    refuse(f, "cxai activations pictures/rgb8.png --all -o a.png" SMALL, 2,
           "a.png/");
    refuse(f, "cxai activations pictures/rgb8.png -l 0,3 --npy a.npy" SMALL, 2,
           "a.npy/");
    refuse(f, "cxai activations pictures/rgb8.png -l 0,nope" SMALL, 1, "nope");
    succeed(f, "cxai kernels -l 0.0 -o all/ --npy all/" SMALL
               "&& cxai synthesize -l 3 -c 1 --steps 1 -o all/ --npy all/" SMALL
               "&& ls all");
    check_array(f, "all/_0_0.0_Conv_output_0.kernels.npy", "8x3x3x3");
    succeed(f, "ls all | wc -l");
    assert_int_equal(atoi(f->out), 5);
    succeed(f, "cxai activations pictures/rgb8.png -l 0,3,0 -o out/" SMALL);
    succeed(f, "ls out | wc -l");
    assert_int_equal(atoi(f->out), 3);
}

/* Where nothing can be written there is one line, and nothing is left. */
static void test_places_that_take_nothing(void **state)
{
    fixture *f = *state;
    succeed(f, "touch file");
    refuse(f, "cxai heatmap pictures/rgb8.png -o file/" SMALL, 1, "file/");
    refuse(f, "cxai heatmap pictures/rgb8.png -o file/x.png" SMALL, 1,
           "file/x.png");
    refuse(f, "cxai heatmap pictures/rgb8.png pictures/420.jpg -o file" SMALL,
           2, "folder");
    refuse(f, "cxai heatmap pictures/rgb8.png -o /proc/none/" SMALL, 1,
           "/proc/none/");
    refuse(f, "cxai heatmap pictures/rgb8.png -o /dev/full" SMALL, 1,
           "No space");
    refuse(f, "cxai heatmap pictures/rgb8.png -o a.png --npy /dev/full" SMALL,
           1, "No space");
    refuse(f, "cxai classify pictures/rgb8.png > /dev/full" SMALL, 1,
           "standard output");
    refuse(f, "cxai kernels -l 1.conv.0.0 -o file/" SMALL, 1, "file/");
    refuse(f, "cxai synthesize -t 0 --steps 1 -o file/" SMALL, 1, "file/");
}

/* A disk that is full ends the run: the other pictures would fail as well. */
static void test_full_disk_ends_the_run(void **state)
{
    fixture *f = *state;
    succeed(f,
            "mkdir in && for i in 1 2 3; do cp data/dog.jpg in/$i.jpg; done");
    refuse(f,
           "trap '' XFSZ; ulimit -f 8; "
           "cxai heatmap in -o out/ -t 0" SMALL,
           1, "out/1.gradcam");
    succeed(f, "ls out");
    assert_string_equal(f->out, "");
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, cli_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_folders),
        TEST(test_lists_of_paths),
        TEST(test_progress_of_a_batch),
        TEST(test_names_do_not_clash),
        TEST(test_long_and_foreign_names),
        TEST(test_index_of_several_runs),
        TEST(test_foreign_index),
        TEST(test_mistakes_are_told_once),
        TEST(test_arrays_of_several_pictures),
        TEST(test_layers_need_a_folder),
        TEST(test_places_that_take_nothing),
        TEST(test_full_disk_ends_the_run),
    };
    return cmocka_run_group_tests_name("cli_batch", tests, NULL, NULL);
}
