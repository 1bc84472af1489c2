#ifdef _OPENMP
#include <omp.h>
#endif

#include "cxai/session.h"

int cxai_processors(void)
{
    enum { MOST = 256 };
#ifdef _OPENMP
    int count = omp_get_num_procs();
#else
    int count = 1; /* nothing runs in parallel */
#endif
    return count < 1 ? 1 : count > MOST ? MOST : count;
}
