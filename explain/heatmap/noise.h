/* Noise, and gradients at noisy copies of the picture. */
#ifndef CXAI_HEATMAP_NOISE_H
#define CXAI_HEATMAP_NOISE_H

#include "cxai/heatmap.h"

/* options.samples, or `standard` where they are 0; CXAI_INVALID when out of
   range. */
cxai_status cx_sample_count(const cxai_heatmap_call *call, int standard,
                            int *samples, cxai_error *error);

/* numbers[e] += N(0, noise^2), drawn as cxai_random_normal(seed, stream,
   first + e), for e < count. */
void cx_add_noise(uint64_t seed, uint32_t stream, double noise, int64_t first,
                  int64_t count, cxai_real *numbers);

/* point = picture + N(0, noise^2). The noise of sample k at element e is
   cxai_random_normal(seed, k, e): the same for any batch, number of threads or
   company of targets. */
void cx_write_noisy(const cxai_heatmap_call *call, double noise, int64_t index,
                    cxai_real *point);

/*
 * mean[target][...] = mean of dy/dx over options.samples copies with noise of
 * deviation options.noise. By default 25 samples and noise of 15 % of the
 * picture's range, in the middle of the 10 to 20 % that Smilkov et al., 2017,
 * section 3.2 find best. captum's defaults, 5 samples and deviation 1 whatever
 * the range, are samples 5 and noise 1 here.
 */
cxai_status cx_noisy_mean(const cxai_heatmap_call *call, double *mean,
                          cxai_error *error);

/* Means over the samples, for each target and number of the input. */
typedef struct cx_moments {
    double *gradient, *square; /* of dy/dx and (dy/dx)^2 */
} cx_moments;

/* Moments over the same copies. On success to be ended by cx_moments_free. */
cxai_status cx_noisy_moments(const cxai_heatmap_call *call, cx_moments *moments,
                             cxai_error *error);
void cx_moments_free(cx_moments *moments);

#endif
