/*
 * Every allocation of every command may fail (tests/memory/failing.h): the
 * command then says so in one line, ends with 1, leaves no half-written file
 * and nothing allocated. Or it was for a report that nobody asked for, and what
 * is printed is what is always printed. Commands run inside this program, on a
 * network of five nodes and pictures of a few pixels.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../explain/cli/command.h"
#include "cxai/cxai.h"
#include "cxai/file.h"
#include "memory/failing.h"
#include "support/check.h"
#include "support/model_file.h"

enum { MOST_WORDS = 48, TEXT = 4096 };

/* ---- a folder to work in ------------------------------------------------- */

static char folder[] = "/tmp/cxai-memory-XXXXXX";
static char top[TEXT];   /* the folder that tests start in */
static int printed = -1; /* files that take standard output */
static int said = -1;    /* and standard error */

static void write_text(const char *path, const char *text)
{
    cxai_error error;
    check_ok(cxai_file_write(path, text, strlen(text), &error), &error);
}

static void write_picture(const char *path, uint8_t first)
{
    cxai_error error;
    cxai_image image;
    check_ok(cxai_image_create(&image, 7, 6, 3, &error), &error);
    for (int i = 0; i < 7 * 6 * 3; i++)
        image.pixels[i] = (uint8_t)(first + 5 * i);
    check_ok(cxai_image_save(&image, path, &error), &error);
    cxai_image_free(&image);
}

static void add_weight(model_file *file, const char *name, const char *dims,
                       size_t count)
{
    float numbers[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)cxai_random_normal(3, 0, i);
    model_file_raw(file,
                   model_file_weight(file, name, TENSOR_TYPE(FLOAT), dims),
                   numbers, count * sizeof *numbers);
}

/* An array that fits the network. */
static void write_array(const char *path)
{
    cxai_error error;
    const cxai_shape shape = { 3, { 3, 6, 6 } };
    cxai_real numbers[3 * 6 * 6];
    for (int i = 0; i < 3 * 6 * 6; i++)
        numbers[i] = (cxai_real)cxai_random_normal(4, 0, (uint64_t)i);
    check_ok(cxai_npy_save(path, numbers, &shape, &error), &error);
}

/* Convolution, ReLU, mean, linear layer: what the CAM methods need. */
static void write_network(const char *path)
{
    cxai_error error;
    model_file file;
    size_t size;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1,3,6,6");
    add_weight(&file, "w", "2,3,3,3", 54);
    add_weight(&file, "m", "2,3", 6);
    model_file_node(&file, "Conv", "conv", "x,w", "c");
    model_file_node(&file, "Relu", "relu", "c", "r");
    model_file_node(&file, "GlobalAveragePool", "pool", "r", "p");
    model_file_node(&file, "Flatten", "flat", "p", "f");
    model_file_node(&file, "MatMul", "linear", "f,m", "y");
    model_file_output(&file, "y");
    const void *bytes = model_file_pack(&file, &size);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    model_file_end(&file);
}

static int set_up(void **state)
{
    (void)state;
    if (getcwd(top, sizeof top) == NULL || mkdtemp(folder) == NULL ||
        chdir(folder) != 0 || mkdir("in", 0777) != 0)
        return -1;
    write_network("n.onnx");
    write_text("n.json", "{\"size\": 6, \"mean\": [0.5], \"std\": 0.5, "
                         "\"labels\": \"labels.json\"}");
    write_text("labels.json", "[\"cat\", \"dog\", \"owl\"]");
    write_text("list.txt", "in/a.png\nin/b.png\n");
    write_array("x.npy");
    write_picture("in/a.png", 3);
    write_picture("in/b.png", 90);
    printed = open("printed.txt", O_RDWR | O_CREAT, 0666);
    said = open("said.txt", O_RDWR | O_CREAT, 0666);
    return printed < 0 || said < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    char line[64];
    (void)state;
    close(said);
    close(printed);
    snprintf(line, sizeof line, "rm -rf %s", folder);
    return chdir(top) != 0 || system(line) != 0;
}

/* ---- running ------------------------------------------------------------- */

/* What a run left: its exit code and what it wrote on its streams. */
typedef struct outcome {
    int code;
    char printed[TEXT], said[TEXT];
} outcome;

/* Leads a stream into an empty file; returns where it led. */
static int lead(FILE *stream, int to)
{
    fflush(stream);
    int before = dup(fileno(stream));
    assert_true(before >= 0 && ftruncate(to, 0) == 0 &&
                lseek(to, 0, SEEK_SET) == 0 && dup2(to, fileno(stream)) >= 0);
    return before;
}

/* And back; text is what has come. */
static void lead_back(FILE *stream, int before, int from, char text[TEXT])
{
    fflush(stream);
    assert_true(dup2(before, fileno(stream)) >= 0);
    close(before);
    ssize_t length = pread(from, text, TEXT - 1, 0);
    assert_true(length >= 0);
    text[length] = '\0';
}

/* Runs a command line while allocation n fails. */
static void run(outcome *o, const char *line, long n, int once)
{
    char copy[1024], *words[MOST_WORDS + 1], *rest = NULL;
    int count = 0;
    assert_true(strlen(line) < sizeof copy);
    strcpy(copy, line);
    for (char *w = strtok_r(copy, " ", &rest); w != NULL;
         w = strtok_r(NULL, " ", &rest)) {
        assert_true(count < MOST_WORDS);
        words[count++] = w;
    }
    words[count] = NULL;
    int out = lead(stdout, printed), err = lead(stderr, said);
    failing_start(n, once);
    o->code = run_command_line(count, words);
    failing_stop();
    lead_back(stdout, out, printed, o->printed);
    lead_back(stderr, err, said, o->said);
}

/* Exit code 1 and one line, besides warnings. */
static int is_refusal(const outcome *o)
{
    static const char warning[] = "cxai: warning: ";
    int lines = 0;
    for (const char *line = o->said, *end; *line != '\0'; line = end + 1) {
        end = strchr(line, '\n');
        if (end == NULL || strncmp(line, "cxai", 4) != 0)
            return 0;
        lines += strncmp(line, warning, sizeof warning - 1) != 0;
    }
    return o->code == EXIT_FAILED && lines == 1;
}

/* Fails every allocation of a command in turn, until it has none that fails.
   retries: as in test_memory.c, for JPEG pictures. */
static void exhaust_retrying(const char *line, int retries)
{
    outcome whole, o;
    int json = strstr(line, "--json") != NULL;
    run(&whole, line, 0, 0);
    if (whole.code != EXIT_DONE)
        fail_msg("\"%s\" ended with %d: %s", line, whole.code, whole.said);
    for (long n = 1;; n++) {
        run(&o, line, n, 1);
        if (!failing_has_failed()) {
            assert_int_equal(o.code, EXIT_DONE);
            assert_true(n > 3);
            return;
        }
        if (o.code == EXIT_DONE && !json &&
            strcmp(o.printed, whole.printed) == 0)
            continue;
        if (o.code == EXIT_DONE && retries)
            run(&o, line, n, 0);
        if (!is_refusal(&o))
            fail_msg("\"%s\": allocation %ld failed, it ended with %d and "
                     "said: %s",
                     line, n, o.code, o.said);
    }
}

static void exhaust(const char *line)
{
    exhaust_retrying(line, 0);
}

/* ---- tests --------------------------------------------------------------- */

#define COMMON " -m n.onnx --threads 1 "

static void test_summary(void **state)
{
    (void)state;
    exhaust("cxai summary" COMMON);
    exhaust("cxai summary --json" COMMON);
}

static void test_classify(void **state)
{
    (void)state;
    exhaust("cxai classify in/a.png" COMMON);
    exhaust("cxai classify in --json --npy c.npy" COMMON);
    exhaust("cxai classify --files-from list.txt --labels labels.json" COMMON);
}

static void test_classify_jpeg(void **state)
{
    char line[TEXT + 100];
    (void)state;
    snprintf(line, sizeof line,
             "cxai classify %s/tests/data/pictures/420.jpg%s", top, COMMON);
    exhaust_retrying(line, 1);
}

static void test_activations(void **state)
{
    (void)state;
    exhaust(
        "cxai activations in/a.png -l relu -c 0..1 -o a.png --npy a.npy --json"
        " --statistics" COMMON);
    exhaust("cxai activations in -r -o maps/ -k 1" COMMON);
}

static void test_kernels(void **state)
{
    (void)state;
    exhaust("cxai kernels -l conv -o k.png --npy k.npy --json" COMMON);
}

static void test_synthesize(void **state)
{
    (void)state;
    exhaust("cxai synthesize -l relu --all --steps 1 -o s.png --npy s.npy"
            " --json" COMMON);
    exhaust("cxai synthesize -t owl --steps 1 --batch 1 -o s.png" COMMON);
}

static void test_heatmap_methods(void **state)
{
    (void)state;
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++) {
        char line[512];
        if (cxai_heatmap_table[i]->needs & CXAI_NEEDS_ATTENTION)
            continue; /* not in this network; test_memory.c exhausts them */
        snprintf(line, sizeof line,
                 "cxai heatmap in/a.png --method %s -t top1..top2 --steps 2 "
                 "--samples 2 --batch 1 -o h.png --npy h.npy --json" COMMON,
                 cxai_heatmap_table[i]->name);
        exhaust(line);
    }
}

static void test_heatmap_outputs(void **state)
{
    (void)state;
    exhaust("cxai heatmap in -t dog,y[1] --colorbar --side-by-side -o heat/"
            " --batch 1" COMMON);
    exhaust("cxai heatmap in/a.png --method gradcam,saliency -t dog,owl --hot "
            "0.5 --contours 2 --batch 1 -o grid.png" COMMON);
    exhaust("cxai heatmap in/a.png --map-only --caption --batch 1 -o map.png "
            "--json" COMMON);
    exhaust("cxai heatmap in/b.png --raw --npy r.npy -l relu --batch 1" COMMON);
    exhaust("cxai heatmap x.npy --method saliency --batch 1 -o h.png" COMMON);
}

/* Nothing that was begun lies about. */
static void test_no_file_is_left(void **state)
{
    (void)state;
    assert_int_not_equal(system("find . -name '*.part' | grep ."), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_classify),
        cmocka_unit_test(test_classify_jpeg),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_synthesize),
        cmocka_unit_test(test_heatmap_methods),
        cmocka_unit_test(test_heatmap_outputs),
        cmocka_unit_test(test_no_file_is_left),
    };
    return cmocka_run_group_tests_name("commands without memory", tests, set_up,
                                       tear_down);
}
