#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

/* The levels that the Makefile compiles. */
extern const cx_kernels cx_kernels_portable;
#if !defined(CXAI_DOUBLE) && defined(__x86_64__)
extern const cx_kernels cx_kernels_avx2, cx_kernels_avx512;

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static int has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
}
#elif !defined(CXAI_DOUBLE) && defined(__aarch64__)
extern const cx_kernels cx_kernels_neon;
#endif

const cx_kernels *cx_kernels_level(int i)
{
    const cx_kernels *found[3] = { &cx_kernels_portable };
    int count = 1;
#if !defined(CXAI_DOUBLE) && defined(__x86_64__)
    if (has_avx2())
        found[count++] = &cx_kernels_avx2;
    if (has_avx512())
        found[count++] = &cx_kernels_avx512;
#elif !defined(CXAI_DOUBLE) && defined(__aarch64__)
    found[count++] = &cx_kernels_neon;
#endif
    return i >= 0 && i < count ? found[i] : NULL;
}

const cx_kernels *cx_kernels_select(void)
{
    const char *asked = getenv("CXAI_CPU");
    const cx_kernels *best = NULL;
    for (int i = 0; cx_kernels_level(i) != NULL; i++) {
        best = cx_kernels_level(i);
        if (asked != NULL && strcmp(asked, best->level) == 0)
            return best;
    }
    return best;
}
