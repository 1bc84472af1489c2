/*
 * The command line in tests. The program is $CXAI, run by $RUNNER where that is
 * set (valgrind, say); commands run in a folder of their own that has links to
 * data/, and to nets/, cases/ and pictures/ of tests/data.
 *
 *     cmocka_unit_test_setup_teardown(test, cli_set_up, cli_tear_down)
 *
 * gives the test a fixture as *state.
 */
#ifndef TEST_SUPPORT_CLI_H
#define TEST_SUPPORT_CLI_H

#include <cjson/cJSON.h>

enum { CLI_TEXT = 1 << 20 };

typedef struct fixture {
    char folder[64];
    char top[4096];
    char out[CLI_TEXT]; /* standard output of the last command */
    char error[4096];   /* and its standard error */
} fixture;

int cli_set_up(void **state);
int cli_tear_down(void **state);

/* Runs a shell command in which "cxai" is the program; its exit code. */
int sh(fixture *f, const char *command);

/* The command ends with 0. */
void succeed(fixture *f, const char *command);

/* The command ends with a code, and one line that holds the text. */
void refuse(fixture *f, const char *command, int code, const char *text);

/* Whether a file of the folder exists. */
int exists(const fixture *f, const char *name);

/* The JSON that the last command printed, or that a file of the folder holds;
   to be ended with cJSON_Delete. */
cJSON *parsed(const fixture *f);
cJSON *parsed_file(const fixture *f, const char *name);

/* A member of an object, which must be there. */
const cJSON *get(const cJSON *json, const char *name);

/* The shape of an array that a command wrote. */
void check_array(const fixture *f, const char *name, const char *shape);

#endif
