#include "support/effort.h"

#include <stdlib.h>
#include <string.h>

#include "support/check.h"

int effort(int all, int few, const char *what)
{
    const char *wanted = getenv("CXAI_TEST_EFFORT");
    if (wanted == NULL || strcmp(wanted, "low") != 0)
        return all;
    print_message("low effort: %d of %d %s\n", few, all, what);
    return few;
}
