/* Preprocessing as a JSON text describes it, over the defaults. */
#ifndef TEST_SUPPORT_PREPROCESS_H
#define TEST_SUPPORT_PREPROCESS_H

#include "cxai/preprocess.h"

cxai_preprocess preprocess_of(const char *json);

#endif
