#include "command.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage_error(const command *c, const char *what, const char *which)
{
    fprintf(stderr, "cxai %s: %s %s; see cxai help %s\n", c->name, what, which,
            c->name);
    return EXIT_USAGE;
}

/* *offset is where the settings keep it. */
static const option_spec *find_option(const command *c, const char *name,
                                      size_t length, char letter,
                                      size_t *offset)
{
    for (int l = 0; l < MOST_OPTION_LISTS && c->options[l] != NULL; l++)
        for (int i = 0; i < c->options[l]->count; i++) {
            const option_spec *spec = &c->options[l]->specs[i];
            *offset = c->options[l]->offset + spec->offset;
            if (name != NULL ? strlen(spec->name) == length &&
                                   strncmp(spec->name, name, length) == 0
                             : letter != 0 && spec->letter == letter)
                return spec;
        }
    return NULL;
}

static int store_integer(const option_spec *spec, const char *text, void *place)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 ||
        (double)value < spec->minimum || (double)value > spec->maximum)
        return -1;
    *(long long *)place = value;
    return 0;
}

static int store_number(const option_spec *spec, const char *text, void *place)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) ||
        value < spec->minimum || value > spec->maximum)
        return -1;
    *(double *)place = value;
    return 0;
}

static int store(const command *c, const option_spec *spec, const char *text,
                 void *place)
{
    int failed = 0;
    switch (spec->kind) {
    case OPTION_FLAG: *(int *)place = 1; break;
    case OPTION_TEXT: *(const char **)place = text; break;
    case OPTION_TEXTS:
        if (((text_list *)place)->count == MOST_TEXTS)
            return usage_error(c, "too many times:", spec->name);
        ((text_list *)place)->text[((text_list *)place)->count++] = text;
        break;
    case OPTION_INTEGER: failed = store_integer(spec, text, place); break;
    case OPTION_NUMBER: failed = store_number(spec, text, place); break;
    }
    if (!failed)
        return 0;
    fprintf(stderr,
            "cxai %s: --%s takes %s from %g to %g, not \"%s\"; "
            "see cxai help %s\n",
            c->name, spec->name,
            spec->kind == OPTION_INTEGER ? "a whole number" : "a number",
            spec->minimum, spec->maximum, text, c->name);
    return EXIT_USAGE;
}

/* Reads the option at arguments[*at] with its argument, moving *at. */
static int read_option(const command *c, int count, char **arguments, int *at,
                       void *settings)
{
    const char *word = arguments[*at];
    const char *text = NULL;
    const option_spec *spec;
    size_t offset;
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        size_t length =
            equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
        spec = find_option(c, word + 2, length, 0, &offset);
        text = equals != NULL ? equals + 1 : NULL;
    } else {
        spec = find_option(c, NULL, 0, word[1], &offset);
        text = word[2] != '\0' ? word + 2 : NULL;
    }
    if (spec == NULL)
        return usage_error(c, "there is no option", word);
    if (spec->kind == OPTION_FLAG && text != NULL)
        return usage_error(c, "no argument belongs to", word);
    if (spec->kind != OPTION_FLAG && text == NULL) {
        if (*at + 1 >= count)
            return usage_error(c, "an argument is missing behind", word);
        text = arguments[++*at];
    }
    return store(c, spec, text, (char *)settings + offset);
}

static int is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int parse_options(const command *c, int count, char **arguments, void *settings,
                  const char **operands, int *operand_count)
{
    int only_operands = 0;
    *operand_count = 0;
    if (c->defaults != NULL)
        c->defaults(settings);
    for (int i = 0; i < count; i++) {
        const char *word = arguments[i];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            operands[(*operand_count)++] = word;
        } else if (strcmp(word, "--") == 0) {
            only_operands = 1;
        } else if (is_help(word)) {
            return -1;
        } else {
            int status = read_option(c, count, arguments, &i, settings);
            if (status != 0)
                return status;
        }
    }
    if (*operand_count < c->least_operands)
        return usage_error(c, "it needs", c->operands);
    if (c->most_operands >= 0 && *operand_count > c->most_operands)
        return usage_error(c, "there are too many operands, from",
                           operands[c->most_operands]);
    return 0;
}

static void print_option(const option_spec *spec)
{
    char left[80];
    snprintf(left, sizeof left, "%c%c%c --%s%s%s", spec->letter ? '-' : ' ',
             spec->letter ? spec->letter : ' ', spec->letter ? ',' : ' ',
             spec->name, spec->argument != NULL ? " " : "",
             spec->argument != NULL ? spec->argument : "");
    printf("  %-26s", left);
    if (strlen(left) > 25)
        printf("\n  %-26s", "");
    for (const char *line = spec->help; line != NULL;) {
        const char *end = strchr(line, '\n');
        int length = end != NULL ? (int)(end - line) : (int)strlen(line);
        printf("%.*s\n", length, line);
        line = end != NULL ? end + 1 : NULL;
        if (line != NULL)
            printf("  %-26s", "");
    }
}

void print_command_help(const command *c)
{
    printf("cxai %s: %s\n\nUsage: cxai %s [OPTION]... %s\n\n%s\n", c->name,
           c->summary, c->name, c->operands, c->description);
    printf("\nOptions:\n");
    for (int l = 0; l < MOST_OPTION_LISTS && c->options[l] != NULL; l++)
        for (int i = 0; i < c->options[l]->count; i++)
            print_option(&c->options[l]->specs[i]);
    printf("  -h, --help                this text\n");
    printf("\nExamples:\n%s", c->examples);
    printf("\nExit codes: 0 done, 1 it failed, 2 the command line is wrong\n");
}

void print_overview(void)
{
    printf("cxai %s: ask a neural network why\n\n"
           "Usage: cxai COMMAND [OPTION]... [OPERAND]...\n\nCommands:\n",
           CXAI_VERSION);
    for (int i = 0; commands[i] != NULL; i++)
        printf("  %-12s %s\n", commands[i]->name, commands[i]->summary);
    printf("  %-12s explain a command, with examples\n", "help");
    printf("\nWithout -m MODEL the built-in ImageNet classifier is used. Try:"
           "\n\n"
           "  cxai classify photo.jpg\n"
           "  cxai heatmap photo.jpg -o heatmap.png\n"
           "  cxai help heatmap\n"
           "\nExit codes: 0 done, 1 it failed, 2 the command line is wrong\n");
}
