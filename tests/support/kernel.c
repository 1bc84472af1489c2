#include "support/kernel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static const unsigned char pattern = 0xa5;

cxai_real kernel_number(int64_t index)
{
    uint64_t h = (uint64_t)index * 0x9e3779b97f4a7c15u + 12345;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    return (cxai_real)((double)(h >> 40) / (1 << 23) - 1);
}

cxai_real *kernel_numbers(int64_t count, int64_t first_index, void **block)
{
    *block = malloc((size_t)(count + 1) * sizeof(cxai_real));
    assert_non_null(*block);
    cxai_real *numbers = (cxai_real *)*block + 1;
    for (int64_t i = 0; i < count; i++)
        numbers[i] = kernel_number(first_index + i);
    return numbers;
}

guarded guarded_create(int64_t count)
{
    size_t bytes = (size_t)(count + 2 * GUARD) * sizeof(cxai_real);
    guarded g = { .block = malloc(bytes), .count = count };
    assert_non_null(g.block);
    memset(g.block, pattern, bytes);
    g.data = (cxai_real *)g.block + GUARD;
    return g;
}

int guarded_is_untouched(const guarded *g, int64_t i)
{
    unsigned char bytes[sizeof(cxai_real)];
    memcpy(bytes, &g->data[i], sizeof bytes);
    for (size_t k = 0; k < sizeof bytes; k++)
        if (bytes[k] != pattern)
            return 0;
    return 1;
}

void guarded_end(guarded *g)
{
    for (int64_t i = 1; i <= GUARD; i++) {
        if (!guarded_is_untouched(g, -i))
            fail_msg("element %lld was written", (long long)-i);
        if (!guarded_is_untouched(g, g->count + i - 1))
            fail_msg("element %lld of %lld was written",
                     (long long)(g->count + i - 1), (long long)g->count);
    }
    free(g->block);
}

void exact_add(exact *e, double a, double b)
{
    e->sum += a * b;
    e->magnitude += fabs(a * b);
    e->terms++;
}

void exact_check(const exact *e, double low, double high, cxai_real got,
                 const char *level, const char *what)
{
    double roundoff = sizeof(cxai_real) == 4 ? 0x1p-24 : 0x1p-53;
    double bound = (double)(e->terms + 1) * roundoff * e->magnitude;
    double want = fmin(fmax(e->sum, low), high);
    if (!(fabs((double)got - want) <= bound))
        fail_msg("%s: %s: %.9g instead of %.9g (bound %g)", level, what,
                 (double)got, want, bound);
}
