#include "ops/common/channel_sum.h"

#include <string.h>

void cx_channel_sum(double *sum, int64_t channels, int64_t pixels,
                    const cxai_real *a, int64_t a_pixel, const cxai_real *b,
                    int64_t b_pixel)
{
    for (int64_t p = 0; p < pixels; p++, a += a_pixel) {
        if (b == NULL) {
            for (int64_t c = 0; c < channels; c++)
                sum[c] += (double)a[c];
            continue;
        }
        for (int64_t c = 0; c < channels; c++)
            sum[c] += (double)a[c] * (double)b[c];
        b += b_pixel;
    }
}

void cx_channel_sums(double *sum, int64_t channels, int64_t pixels,
                     const cxai_real *a, int64_t a_pixel, const cxai_real *b,
                     int64_t b_pixel, int threads)
{
    memset(sum, 0, (size_t)channels * sizeof *sum);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t c = 0; c < channels; c += CX_CHANNEL_RUN) {
        int64_t run =
            channels - c < CX_CHANNEL_RUN ? channels - c : CX_CHANNEL_RUN;
        cx_channel_sum(sum + c, run, pixels, a + c, a_pixel,
                       b == NULL ? NULL : b + c, b_pixel);
    }
}
