/*
 * Commands of the command line. Each file of commands/ holds one and defines
 *
 *     const command command_FILE = { ... };
 *
 * The build collects them into the table `commands`. Options are declared, not
 * parsed by hand: help texts and the parser read the same list.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stddef.h>

typedef enum option_kind {
    OPTION_FLAG,    /* int: 1 when given */
    OPTION_TEXT,    /* const char * */
    OPTION_TEXTS,   /* text_list: may be given several times */
    OPTION_INTEGER, /* long long, within minimum..maximum */
    OPTION_NUMBER,  /* double, within minimum..maximum */
} option_kind;

enum { MOST_TEXTS = 16 };

typedef struct text_list {
    int count;
    const char *text[MOST_TEXTS];
} text_list;

/* One option; offset is where its list's part of the settings keeps it. */
typedef struct option_spec {
    char letter;          /* 'm' for -m, or 0 */
    const char *name;     /* "model" for --model */
    const char *argument; /* "FILE"; NULL for a flag */
    option_kind kind;
    size_t offset;
    double minimum, maximum;
    const char *help;
} option_spec;

/* Several options, kept in a part of the settings that begins at offset. */
typedef struct option_list {
    const option_spec *specs;
    int count;
    size_t offset;
} option_list;

#define OPTION_LIST(array)                                                     \
    {                                                                          \
        array, (int)(sizeof(array) / sizeof((array)[0])), 0                    \
    }

enum { MOST_OPTION_LISTS = 6 };

/* The exit codes of every command. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct command {
    const char *name;
    const char *operands;              /* "IMAGE..."; "" for none */
    int least_operands, most_operands; /* most -1: any number */
    const char *summary;               /* one line */
    const char *description;           /* some lines */
    const char *examples;              /* lines that work as typed */
    const option_list *options[MOST_OPTION_LISTS]; /* NULL-filled */
    size_t settings_size;
    void (*defaults)(void *settings); /* settings are zeroed before; or NULL */
    int (*run)(const void *settings, const char *const *operands, int count);
    int (*help)(const char *topic); /* "cxai help COMMAND TOPIC"; or NULL */
} command;

extern const command *const commands[];

/* All that main does; arguments[0] is the program's name. Returns the exit
   code. */
int run_command_line(int count, char **arguments);

/* Reads the arguments behind the command's name. operands receives pointers
   into arguments. Returns 0, or EXIT_USAGE after telling why, or -1 when help
   was asked for. */
int parse_options(const command *c, int count, char **arguments, void *settings,
                  const char **operands, int *operand_count);

/* Prints help on one command, or on all, to standard output. */
void print_command_help(const command *c);
void print_overview(void);

#endif
