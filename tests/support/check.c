#include "support/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void check_ok(cxai_status status, const cxai_error *error)
{
    if (status != CXAI_OK)
        fail_msg("%s: %s", cxai_status_name(status), error->message);
}

void check_error(cxai_status status, const cxai_error *error,
                 cxai_status wanted, const char *text)
{
    if (status == CXAI_OK)
        fail_msg("the call succeeded; \"%s\" was expected",
                 cxai_status_name(wanted));
    if (status != wanted || strstr(error->message, text) == NULL)
        fail_msg("got %s: \"%s\"; expected %s: \"...%s...\"",
                 cxai_status_name(status), error->message,
                 cxai_status_name(wanted), text);
}

void check_close(const cxai_real *got, const double *want, int64_t count,
                 double tolerance)
{
    int64_t worst = 0;
    double most = 0;
    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - want[i]);
        if (!(difference <= most)) {
            most = isnan(difference) ? HUGE_VAL : difference;
            worst = i;
        }
    }
    if (!(most <= tolerance))
        fail_msg("element %lld is %.9g instead of %.9g (tolerance %g)",
                 (long long)worst, (double)got[worst], want[worst], tolerance);
}

void check_view(const cxai_tensor *got, const double *want, int64_t count,
                double tolerance)
{
    assert_non_null(got->data);
    assert_int_equal(cxai_shape_count(&got->shape), count);
    cxai_real *dense = malloc((size_t)count * sizeof *dense);
    assert_non_null(dense);
    cxai_tensor_read(got, dense);
    check_close(dense, want, count, tolerance);
    free(dense);
}

cxai_real *dense_of(const cxai_tensor *view, int64_t *count)
{
    int64_t numbers = cxai_shape_count(&view->shape);
    cxai_real *dense = malloc((size_t)numbers * sizeof *dense);
    assert_non_null(dense);
    cxai_tensor_read(view, dense);
    if (count != NULL)
        *count = numbers;
    return dense;
}

double relative_error(const cxai_real *got, const cxai_real *want,
                      int64_t count)
{
    double difference = 0, largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double d = fabs((double)got[i] - (double)want[i]);
        if (!(d <= difference))
            difference = isnan(d) ? HUGE_VAL : d;
        largest = fmax(largest, fabs((double)want[i]));
    }
    return largest > 0 ? difference / largest : difference;
}
