/* Where results go: file names and stacked arrays. */
#include "common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cxai/file.h"

static int is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           (unsigned char)c >= 128; /* UTF-8 beyond ASCII */
}

void safe_name(const char *text, char *safe, size_t size)
{
    size_t i = 0;
    for (; text[i] != '\0' && i + 1 < size; i++)
        safe[i] =
            is_safe(text[i]) && !(i == 0 && text[i] == '.') ? text[i] : '_';
    safe[i] = '\0';
}

void stem_of(const char *path, char *stem, size_t size)
{
    if (strcmp(path, "-") == 0)
        path = "stdin";
    const char *slash = strrchr(path, '/');
    safe_name(slash != NULL ? slash + 1 : path, stem, size);
    char *point = strrchr(stem, '.');
    if (point != NULL && point != stem)
        *point = '\0';
}

int is_folder(const char *out)
{
    struct stat about;
    size_t length = strlen(out);
    return (length > 0 && out[length - 1] == '/') ||
           (stat(out, &about) == 0 && S_ISDIR(about.st_mode));
}

int output_path(const char *out, const char *stem, const char *suffix,
                char *path, size_t size)
{
    int length;
    if (out == NULL) {
        length = snprintf(path, size, "%s.%s", stem, suffix);
    } else if (!is_folder(out)) {
        length = snprintf(path, size, "%s", out);
    } else {
        if (mkdir(out, 0777) != 0 && errno != EEXIST)
            return complain("%s: cannot make the folder: %s", out,
                            strerror(errno));
        const char *joint = out[strlen(out) - 1] == '/' ? "" : "/";
        length = snprintf(path, size, "%s%s%s.%s", out, joint, stem, suffix);
    }
    if (length < 0 || (size_t)length >= size)
        return complain("the output's name is too long");
    return EXIT_DONE;
}

int stack_add(stack *s, const cxai_real *data, const cxai_shape *shape,
              int64_t items)
{
    size_t each = (size_t)cxai_shape_count(shape);
    size_t more = each * (size_t)items;
    if (s->items > 0 && !cxai_shape_equal(&s->shape, shape))
        return complain("--npy needs results of one shape");
    if (s->count + more > s->capacity) {
        size_t capacity = (s->count + more) * 2;
        cxai_real *grown = realloc(s->data, capacity * sizeof *grown);
        if (grown == NULL)
            return complain("out of memory");
        s->data = grown;
        s->capacity = capacity;
    }
    memcpy(s->data + s->count, data, more * sizeof *data);
    s->count += more;
    s->items += items;
    s->shape = *shape;
    return EXIT_DONE;
}

int stack_save(stack *s, const char *path)
{
    int status = EXIT_DONE;
    cxai_error error;
    if (path != NULL && s->items > 0 && s->shape.rank < CXAI_MAX_RANK) {
        cxai_shape shape = { s->shape.rank + 1, { s->items } };
        memcpy(shape.dim + 1, s->shape.dim,
               (size_t)s->shape.rank * sizeof shape.dim[0]);
        if (cxai_npy_save(path, s->data, &shape, &error) != CXAI_OK)
            status = complain_error(&error);
    }
    free(s->data);
    *s = (stack){ 0 };
    return status;
}
