#include "types.h"

#include <string.h>

int cx_is_one_of(const char *type, const char *types)
{
    size_t length = strlen(type);

    while (*types) {
        size_t name = strcspn(types, " ");
        if (name == length && memcmp(types, type, length) == 0)
            return 1;
        types += name;
        types += strspn(types, " ");
    }
    return 0;
}
