#include "support/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

/* seconds by the clock: of a program that hangs; under valgrind or sanitizers
   a hundred times as slow */
enum { MOST_ARGUMENTS = 64, MOST_SECONDS = 60, MOST_SECONDS_SLOWED = 600 };

int program_is_measurable(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;
#else
    const char *runner = getenv("RUNNER");
    return runner == NULL || *runner == '\0';
#endif
}

/* All that a file holds, from its beginning, with a final 0. */
static char *read_whole(FILE *file)
{
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    text[size] = '\0';
    fclose(file);
    return text;
}

/* The words of $RUNNER, $CXAI and the arguments; runner receives a copy of the
   former, which the words point into. */
static void join_words(char *words[MOST_ARGUMENTS], char *runner, size_t size,
                       const char *const *arguments)
{
    const char *given = getenv("RUNNER"), *program = getenv("CXAI");
    int count = 0;
    assert_non_null(program);
    snprintf(runner, size, "%s", given != NULL ? given : "");
    for (char *word = strtok(runner, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    words[count++] = (char *)(uintptr_t)program;
    for (int i = 0; arguments[i] != NULL; i++) {
        assert_true(count < MOST_ARGUMENTS - 1);
        words[count++] = (char *)(uintptr_t)arguments[i];
    }
    words[count] = NULL;
}

/* In the child: becomes the program. */
static void become(const char *folder, char **words, int out, int error)
{
    int in = open("/dev/null", O_RDONLY);
    const struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(program_is_measurable() ? MOST_SECONDS : MOST_SECONDS_SLOWED);
    if (in >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 &&
        dup2(error, 2) == 2 && (folder == NULL || chdir(folder) == 0))
        execvp(words[0], words);
    _exit(127);
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

void program_run(program_answer *answer, const char *folder,
                 const char *const *arguments)
{
    char *words[MOST_ARGUMENTS], runner[512];
    FILE *out = tmpfile(), *error = tmpfile();
    struct rusage usage;
    int status;
    assert_true(out != NULL && error != NULL);
    join_words(words, runner, sizeof runner, arguments);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        become(folder, words, fileno(out), fileno(error));
    assert_int_equal(wait4(child, &status, 0, &usage), child);
    *answer = (program_answer){
        .code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
        .out = read_whole(out),
        .error = read_whole(error),
        .seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
        .peak_mb = usage.ru_maxrss / 1024,
    };
}

void program_clear(program_answer *answer)
{
    free(answer->out);
    free(answer->error);
    *answer = (program_answer){ 0 };
}
