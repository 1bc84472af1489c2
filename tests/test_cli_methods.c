/*
 * cxai heatmap with several methods: grids, names, settings, help; and methods
 * that are stopped.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/red_green.h"

/* ---- several methods ----------------------------------------------------- */

/* Two methods by two targets: tiles of 66 x 66, eleven for one of the photo's,
   with names above and beside. The green map is flat: its place is veiled. */
static void test_table(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-q --method gradcam,layercam -t red,green --colormap grey "
                    "--alpha 1 -o o.png --npy o.npy");
    check_array(f, "o.npy", "4x6x6");
    cxai_image image = picture(f, "o.png");
    assert_int_equal(image.width, 4 + 10 + 66 + 4 + 66 + 4);
    assert_int_equal(image.height, 4 + 10 + 66 + 4 + 66 + 4);
    for (int row = 0; row < 2; row++) {
        int top = 14 + 70 * row;
        check_pixel(&image, 14 + 11, top + 11, 255, 255, 255);
        check_pixel(&image, 14, top, 0, 0, 0);
        /* .2 * (0, 51, 0) + .8 * 128 */
        check_pixel(&image, 84, top, 102, 113, 102);
    }
    cxai_image_free(&image);
}

/* One target: the methods side by side with their names above. */
static void test_row_of_methods(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "--method gradcam,layercam -t red -o o.png");
    cxai_image image = picture(f, "o.png");
    assert_int_equal(image.width, 4 + 66 + 4 + 66 + 4);
    assert_int_equal(image.height, 4 + 10 + 66 + 4);
    cxai_image_free(&image);
}

static void test_folder_of_methods(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-q --method gradcam,layercam -t red,green -o out/ "
                    "--npy out/");
    succeed(f, "ls out");
    assert_string_equal(f->out, "a.gradcam.green.npy\na.gradcam.red.npy\n"
                                "a.gradcam.red.png\na.layercam.green.npy\n"
                                "a.layercam.red.npy\na.layercam.red.png\n"
                                "index.json\n");
}

/* Names as people write them, and mistakes. */
static void test_names_of_methods(void **state)
{
    fixture *f = *state;
    succeed(f, HEAT "-t red --method Grad-CAM,LAYER_CAM,ig,guided-backprop "
                    "--steps 2 -o out/");
    assert_true(exists(f, "out/a.gradcam.red.png") &&
                exists(f, "out/a.layercam.red.png") &&
                exists(f, "out/a.integrated_gradients.red.png") &&
                exists(f, "out/a.guided_backprop.red.png"));
    refuse(f, HEAT "--method gradcam,gradcm", 1, "'gradcm'");
    refuse(f, HEAT "--method gradcam,", 1, "''");
    refuse(f, HEAT "--method gradcam --set rule=left", 1, "rule");
    refuse(f, HEAT "--method gradcam,layercam --set rule=left", 1, "rule=left");
    refuse(f, HEAT "--method gradcam,layercam --baseline black", 1, "compare");
}

/* What is listed can be asked for, by each of its names. */
static void test_help_on_methods(void **state)
{
    fixture *f = *state;
    char name[64], command[128];
    int count = 0;
    succeed(f, "cxai heatmap --list");
    char *list = strdup(f->out);
    assert_non_null(list);
    for (const char *line = list; line != NULL && *line != '\0'; count++) {
        int called = sscanf(line, " also %63s", name) == 1 ||
                     (*line != ' ' && sscanf(line, "%63s", name) == 1);
        snprintf(command, sizeof command, "cxai help heatmap %s", name);
        if (called) {
            succeed(f, command);
            assert_non_null(strstr(f->out, "paper"));
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    free(list);
    assert_true(count > 20);
    succeed(f, "cxai heatmap --list IG && cxai help heatmap ig");
    assert_non_null(strstr(f->out, "--set rule="));
    refuse(f, "cxai help heatmap gradcm", 1, "gradcam");
}

/* The man page has all methods, and nothing that roff would stumble over. */
static void test_manual(void **state)
{
    fixture *f = *state;
    char command[4400], name[80];
    snprintf(command, sizeof command, "sh %s/explain/cli/manual.sh $CXAI 9.9",
             f->top);
    succeed(f, command);
    assert_non_null(strstr(f->out, "cxai 9.9"));
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++) {
        snprintf(name, sizeof name, "\n.B %s\n", cxai_heatmap_table[i]->name);
        if (strstr(f->out, name) == NULL)
            fail_msg("the man page lacks %s", cxai_heatmap_table[i]->name);
    }
    for (const char *c = f->out; *c != '\0'; c++)
        assert_true(*c == '\n' || (*c >= ' ' && *c <= '~'));
}

/* ---- Ctrl-C -------------------------------------------------------------- */

/* Processor time of a running program in hundredths of a second. */
static long time_of(pid_t program)
{
    char path[64];
    long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)program);
    FILE *file = fopen(path, "r");
    if (file != NULL &&
        fscanf(file,
               "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
               "%*u %ld %ld",
               &user, &system) != 2)
        user = system = 0;
    if (file != NULL)
        fclose(file);
    return (user + system) * 100 / sysconf(_SC_CLK_TCK);
}

/* Runs a method for much longer than anybody would wait, interrupts it when it
   is at work, and returns the exit code; told.txt has its report, said.txt what
   it said. */
static int interrupt(const fixture *f, const char *method)
{
    int status;
    pid_t program = fork();
    assert_true(program >= 0);
    if (program == 0) {
        if (chdir(f->folder) != 0 || freopen("told.txt", "w", stdout) == NULL ||
            freopen("said.txt", "w", stderr) == NULL)
            _exit(99);
        signal(SIGINT, SIG_DFL); /* a shell's background ignores it */
        execl(getenv("CXAI"), "cxai", "heatmap", "a.png", "-m", "net.onnx",
              "--method", method, "-t", "red", "--samples", "100000", "--json",
              "-o", "o.png", "--threads", "1", NULL);
        _exit(99);
    }
    while (time_of(program) < 20 && waitpid(program, &status, WNOHANG) == 0)
        usleep(10000);
    kill(program, SIGINT);
    assert_int_equal(waitpid(program, &status, 0), program);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A method that has no estimate before its end says how far it came. */
static void test_interrupt(void **state)
{
    fixture *f = *state;
    if (getenv("RUNNER") != NULL)
        skip(); /* it would be the runner that is interrupted */
    assert_int_equal(interrupt(f, "vargrad"), 1);
    succeed(f, "cat said.txt");
    assert_non_null(strstr(f->out, "VarGrad was stopped after "));
    assert_false(exists(f, "o.png"));
}

static void check_estimate(fixture *f)
{
    cJSON *json = parsed_file(f, "told.txt");
    const cJSON *result = cJSON_GetArrayItem(get(json, "results"), 0);
    double done = get(result, "passes_done")->valuedouble;
    assert_true(done > 0);
    assert_true(done < get(result, "passes_wanted")->valuedouble);
    cJSON_Delete(json);
    assert_true(exists(f, "o.png"));
    succeed(f, "cat said.txt");
    assert_non_null(strstr(f->out, "estimate so far"));
}

/* One that has gives it, marked. */
static void test_interrupted_estimate(void **state)
{
    fixture *f = *state;
    if (getenv("RUNNER") != NULL)
        skip();
    assert_int_equal(interrupt(f, "rise"), 1);
    check_estimate(f);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, red_green_set_up, cli_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table),
        TEST(test_row_of_methods),
        TEST(test_folder_of_methods),
        TEST(test_names_of_methods),
        TEST(test_help_on_methods),
        TEST(test_manual),
        TEST(test_interrupt),
        TEST(test_interrupted_estimate),
    };
    return cmocka_run_group_tests_name("cli methods", tests, NULL, NULL);
}
