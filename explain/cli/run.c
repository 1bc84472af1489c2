/* Runs a command line: finds the command, reads its options, runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const command *find_command(const char *name)
{
    for (int i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "cxai: there is no command \"%s\"; there are", name);
    for (int i = 0; commands[i] != NULL; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : "", commands[i]->name);
    fprintf(stderr, "\n");
    return EXIT_USAGE;
}

static int help(int count, char **arguments)
{
    if (count == 0) {
        print_overview();
        return EXIT_DONE;
    }
    const command *c = find_command(arguments[0]);
    if (c == NULL)
        return unknown_command(arguments[0]);
    if (count > 1 && c->help != NULL)
        return c->help(arguments[1]);
    print_command_help(c);
    return EXIT_DONE;
}

static int run_command(const command *c, int count, char **arguments)
{
    void *settings = calloc(1, c->settings_size);
    const char **operands = calloc((size_t)count + 1, sizeof *operands);
    int status = EXIT_FAILED, operand_count;
    if (settings == NULL || operands == NULL) {
        fprintf(stderr, "cxai %s: out of memory\n", c->name);
    } else {
        status = parse_options(c, count, arguments, settings, operands,
                               &operand_count);
        if (status == 0) {
            status = c->run(settings, operands, operand_count);
        } else if (status < 0) {
            print_command_help(c);
            status = EXIT_DONE;
        }
    }
    free(settings);
    free(operands);
    return status;
}

/* What was printed must have arrived: a full disk is a failure. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "cxai: cannot write to standard output\n");
        return status == EXIT_DONE ? EXIT_FAILED : status;
    }
    return status;
}

int run_command_line(int count, char **arguments)
{
    if (count < 2) {
        print_overview();
        return finish(EXIT_DONE);
    }
    const char *name = arguments[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
        strcmp(name, "-h") == 0)
        return finish(help(count - 2, arguments + 2));
    if (strcmp(name, "--version") == 0) {
        printf("cxai %s\n", CXAI_VERSION);
        return finish(EXIT_DONE);
    }
    const command *c = find_command(name);
    if (c == NULL)
        return unknown_command(name);
    return finish(run_command(c, count - 2, arguments + 2));
}
