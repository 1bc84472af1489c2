/* Assertions that say more, on top of cmocka. */
#ifndef TEST_SUPPORT_CHECK_H
#define TEST_SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cxai/tensor.h"

/* The call succeeded; else the test fails with the error's message. */
void check_ok(cxai_status status, const cxai_error *error);

/* The call failed with this status, and its message holds this text. */
void check_error(cxai_status status, const cxai_error *error,
                 cxai_status wanted, const char *text);

/* |got - want| <= tolerance for all count numbers; the worst is printed. */
void check_close(const cxai_real *got, const double *want, int64_t count,
                 double tolerance);

/* The same for a view against dense row-major numbers. */
void check_view(const cxai_tensor *got, const double *want, int64_t count,
                double tolerance);

/* The numbers of a view in row-major order, for free(); count may be NULL. */
cxai_real *dense_of(const cxai_tensor *view, int64_t *count);

/* max |got - want| / max |want| of two dense arrays. */
double relative_error(const cxai_real *got, const cxai_real *want,
                      int64_t count);

#endif
