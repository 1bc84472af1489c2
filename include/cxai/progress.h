/* Progress of long work, and a way to stop it. */
#ifndef CXAI_PROGRESS_H
#define CXAI_PROGRESS_H

#include <stdint.h>

/* Called on the caller's thread, first with done 0 and last with done equal to
   total, in units that the work chooses (passes, steps). Returning other than
   0 ends the work with CXAI_STOPPED. */
typedef int cxai_progress_function(int64_t done, int64_t total, void *payload);

#endif
