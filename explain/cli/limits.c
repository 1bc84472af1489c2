#include "limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may be limited; thousand: what a K stands for. */
typedef struct key {
    const char *name;
    size_t offset;
    uint64_t thousand;
} key;

static const key keys[] = {
    { "file", offsetof(limits, model.file_bytes), 1024 },
    { "tensor", offsetof(limits, model.tensor_bytes), 1024 },
    { "memory", offsetof(limits, model.memory_bytes), 1024 },
    { "nodes", offsetof(limits, model.nodes), 1000 },
    { "nesting", offsetof(limits, model.nesting), 1000 },
    { "pixels", offsetof(limits, pixels), 1000 },
};

/* "12", "500M", "2G"; at least 1. 0, or -1. */
static int read_size(const char *text, uint64_t thousand, uint64_t *size)
{
    static const char units[] = "KMGT";
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;
    if (*end != '\0' && (unit == NULL || end[1] != '\0'))
        return -1;
    for (const char *u = units; unit != NULL && u <= unit; u++) {
        if (value > UINT64_MAX / thousand)
            return -1;
        value *= thousand;
    }
    *size = value;
    return value > 0 ? 0 : -1;
}

static int read_one(limits *out, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    for (size_t i = 0; equals != NULL && i < sizeof keys / sizeof *keys; i++)
        if (strlen(keys[i].name) == length &&
            strncmp(keys[i].name, text, length) == 0)
            return read_size(equals + 1, keys[i].thousand,
                             (uint64_t *)((char *)out + keys[i].offset));
    return -1;
}

int limits_read(limits *out, const text_list *given)
{
    *out = (limits){ 0 };
    for (int i = 0; i < given->count; i++)
        if (read_one(out, given->text[i]) != 0) {
            fprintf(stderr,
                    "cxai: --limit takes KEY=SIZE, where KEY is file, tensor, "
                    "memory, nodes, nesting or pixels and SIZE a number with "
                    "K, M, G or T behind it, as in memory=2G; not \"%s\"\n",
                    given->text[i]);
            return EXIT_USAGE;
        }
    return EXIT_DONE;
}
