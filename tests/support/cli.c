#include "support/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cxai/file.h"
#include "support/check.h"

static void read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(text, 1, size - 1, file);
    text[length] = '\0';
    fclose(file);
}

int sh(fixture *f, const char *command)
{
    char line[8192], path[128];
    snprintf(line, sizeof line,
             "cxai() { $RUNNER \"$CXAI\" \"$@\"; }; cd %s && { %s ; } >out.txt "
             "2>error.txt",
             f->folder, command);
    int status = system(line);
    snprintf(path, sizeof path, "%s/out.txt", f->folder);
    read_text(path, f->out, sizeof f->out);
    snprintf(path, sizeof path, "%s/error.txt", f->folder);
    read_text(path, f->error, sizeof f->error);
    assert_true(WIFEXITED(status)); /* never a signal */
    return WEXITSTATUS(status);
}

void succeed(fixture *f, const char *command)
{
    int code = sh(f, command);
    if (code != 0)
        fail_msg("\"%s\" ended with %d: %s", command, code, f->error);
}

void refuse(fixture *f, const char *command, int code, const char *text)
{
    int got = sh(f, command);
    const char *end = strchr(f->error, '\n');
    if (got != code || strstr(f->error, text) == NULL)
        fail_msg("\"%s\" ended with %d, not %d: %s", command, got, code,
                 f->error);
    if (end == NULL || end[1] != '\0')
        fail_msg("\"%s\" did not say one line: %s", command, f->error);
}

int exists(const fixture *f, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    return access(path, F_OK) == 0;
}

int cli_set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    char command[20000];
    if (f == NULL || getenv("CXAI") == NULL ||
        getcwd(f->top, sizeof f->top) == NULL)
        return -1;
    strcpy(f->folder, "/tmp/cxai-test-XXXXXX");
    if (mkdtemp(f->folder) == NULL)
        return -1;
    *state = f;
    snprintf(command, sizeof command,
             "cd %s && ln -s %s/data data && ln -s %s/tests/data/nets nets && "
             "ln -s %s/tests/data/cases cases && "
             "ln -s %s/tests/data/pictures pictures",
             f->folder, f->top, f->top, f->top, f->top);
    return system(command);
}

int cli_tear_down(void **state)
{
    fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    int status = system(command);
    free(f);
    return status;
}

/* Nothing may stand behind it. */
static cJSON *parse(const char *text)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
    if (json == NULL)
        fail_msg("no JSON: %.200s", text);
    return json;
}

cJSON *parsed(const fixture *f)
{
    return parse(f->out);
}

cJSON *parsed_file(const fixture *f, const char *name)
{
    char path[256];
    char *text = malloc(CLI_TEXT);
    assert_non_null(text);
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    read_text(path, text, CLI_TEXT);
    cJSON *json = parse(text);
    free(text);
    return json;
}

const cJSON *get(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (item == NULL)
        fail_msg("the report lacks \"%s\"", name);
    return item;
}

void check_array(const fixture *f, const char *name, const char *shape)
{
    char path[256], text[128];
    cxai_error error;
    cxai_real *data;
    cxai_shape s;
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    check_ok(cxai_npy_load(path, 0, &data, &s, &error), &error);
    assert_string_equal(cxai_shape_text(&s, text, sizeof text), shape);
    free(data);
}
