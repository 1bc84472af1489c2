/*
 * Situations that people meet (tests/data/cases): every check of
 * expected.json that a program can run, one test a case; and in words below,
 * what the "behave" records say of models.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cases.h"
#include "support/check.h"

/* Checks that do not hold yet, "ID number" or all of "ID", and why. */
static const char *const owed[][2] = {
    { "O31 0", "layers with channels last" },
    { "O31 1", "layers with channels last" },
};

static int is_owed(const char *id, int index)
{
    char key[64];
    snprintf(key, sizeof key, "%s %d", id, index);
    for (size_t i = 0; i < sizeof owed / sizeof *owed; i++)
        if (strcmp(owed[i][0], key) == 0 || strcmp(owed[i][0], id) == 0) {
            print_message("owed: %s: %s\n", key, owed[i][1]);
            return 1;
        }
    return 0;
}

static void as_recorded(void **state)
{
    const cJSON *record = *state;
    const cJSON *checks = cJSON_GetObjectItem(record, "checks");
    const char *id = cJSON_GetObjectItem(record, "id")->valuestring;
    for (int i = 0; i < cJSON_GetArraySize(checks); i++) {
        const cJSON *kind =
            cJSON_GetObjectItem(cJSON_GetArrayItem(checks, i), "do");
        if (strcmp(kind->valuestring, "behave") != 0 && !is_owed(id, i))
            cases_check(record, i);
    }
}

enum { CASES = 46 };

int main(void)
{
    struct CMUnitTest tests[CASES];
    cJSON *json = cases_read();
    const cJSON *list = cJSON_GetObjectItem(json, "cases");
    if (cJSON_GetArraySize(list) != CASES) {
        fprintf(stderr, "expected.json does not hold %d cases\n", CASES);
        return 1;
    }
    for (int i = 0; i < CASES; i++) {
        cJSON *record = cJSON_GetArrayItem(list, i);
        const char *id = cJSON_GetObjectItem(record, "id")->valuestring;
        tests[i] = (struct CMUnitTest){ .name = id,
                                        .test_func = as_recorded,
                                        .initial_state = record };
    }
    int failed = cmocka_run_group_tests_name("cases", tests, NULL, NULL);
    cJSON_Delete(json);
    return failed;
}
