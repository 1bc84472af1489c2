/* Pictures that excite a channel of a network. */
#ifndef TEST_SUPPORT_SYNTHESIS_H
#define TEST_SUPPORT_SYNTHESIS_H

#include "cxai/synthesis.h"

cxai_target synthesis_target(const cxai_model *model, const char *value,
                             int channel);

/* One thread and no views: what is maximised is the picture itself. */
cxai_synthesis_options synthesis_plain(int steps);

/* One picture for a target, to be ended by cxai_synthesis_free; an error fails
   the test. options may be NULL. */
cxai_synthesis synthesis_make(const cxai_model *model,
                              const cxai_target *target,
                              const cxai_synthesis_options *options);

#endif
