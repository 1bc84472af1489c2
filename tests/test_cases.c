/*
 * Situations that people meet (tests/data/cases): every check of
 * expected.json that a program can run, one test a case. What "behave" records
 * say in words is held by tests of their own, test_cases_*.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cases.h"
#include "support/check.h"

static void as_recorded(void **state)
{
    const cJSON *record = *state;
    const cJSON *checks = cJSON_GetObjectItem(record, "checks");
    for (int i = 0; i < cJSON_GetArraySize(checks); i++) {
        const cJSON *kind =
            cJSON_GetObjectItem(cJSON_GetArrayItem(checks, i), "do");
        if (strcmp(kind->valuestring, "behave") != 0)
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
