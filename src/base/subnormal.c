#include "base/subnormal.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#if defined(__x86_64__) || defined(__i386__) && defined(__SSE2__)

#include <xmmintrin.h>

/* MXCSR: flush to zero, denormals are zero. */
enum { FLUSH = 0x8000 | 0x0040 };

static uint64_t read_state(void)
{
    return _mm_getcsr();
}

static void write_state(uint64_t state)
{
    _mm_setcsr((unsigned)state);
}

#elif defined(__aarch64__)

/* FPCR: flush to zero, inputs and results. */
enum { FLUSH = 1 << 24 };

static uint64_t read_state(void)
{
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    return state;
}

static void write_state(uint64_t state)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(state));
}

#else

enum { FLUSH = 0 };

static uint64_t read_state(void)
{
    return 0;
}

static void write_state(uint64_t state)
{
    (void)state;
}

#endif

static int thread_number(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

/* The team may be smaller than asked for and a thread of it may be replaced
   later, so that entries without a thread hold the caller's state, which new
   threads inherit. */
void cx_flush_subnormals(uint64_t *states, int threads)
{
    for (int i = 0; i < threads; i++)
        states[i] = read_state();
#pragma omp parallel num_threads(threads)
    {
        uint64_t state = read_state();
        states[thread_number()] = state;
        write_state(state | FLUSH);
    }
}

void cx_restore_subnormals(const uint64_t *states, int threads)
{
#pragma omp parallel num_threads(threads)
    write_state((read_state() & ~(uint64_t)FLUSH) |
                (states[thread_number()] & FLUSH));
}
