/*
 * Rows brought to mean 0 and variance 1, and softmax of rows: a row passes
 * several times, from the first-level cache. Sums run in STREAMS vectors, which
 * are added in a fixed order.
 */
#include <math.h>

#include "kernels/exponential.h"
#include "kernels/simd/level.h"

enum { STREAMS = 4, GROUP = STREAMS * LANES };

/* The lanes of all streams, then what is left of the row. */
INLINE cxai_real total(const vector *sum, cxai_real rest)
{
    vector all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    cxai_real lane[LANES];
    store(lane, all);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0] + rest;
}

INLINE void clear(vector *sum)
{
    UNROLL for (int s = 0; s < STREAMS; s++) sum[s] = fill(0);
}

/* ---- standardize --------------------------------------------------------- */

static cxai_real sum_of(const cxai_real *x, int64_t count)
{
    vector sum[STREAMS];
    cxai_real rest = 0;
    int64_t i = 0;
    clear(sum);
    for (; i + GROUP <= count; i += GROUP)
        UNROLL for (int s = 0; s < STREAMS; s++) sum[s] +=
            load(x + i + s * LANES);
    for (; i + LANES <= count; i += LANES)
        sum[0] += load(x + i);
    for (; i < count; i++)
        rest += x[i];
    return total(sum, rest);
}

static cxai_real squares_of(const cxai_real *x, cxai_real mean, int64_t count)
{
    vector sum[STREAMS], means = fill(mean);
    cxai_real rest = 0;
    int64_t i = 0;
    clear(sum);
    for (; i + GROUP <= count; i += GROUP)
        UNROLL for (int s = 0; s < STREAMS; s++)
        {
            vector v = load(x + i + s * LANES) - means;
            sum[s] += v * v;
        }
    for (; i + LANES <= count; i += LANES) {
        vector v = load(x + i) - means;
        sum[0] += v * v;
    }
    for (; i < count; i++)
        rest += (x[i] - mean) * (x[i] - mean);
    return total(sum, rest);
}

static void apply(const cx_standard_row *r, cxai_real mean, cxai_real inverse)
{
    vector means = fill(mean), inverses = fill(inverse);
    int64_t i = 0;
    for (; i + LANES <= r->count; i += LANES) {
        vector v = (load(r->x + i) - means) * inverses;
        if (r->scale != NULL)
            v *= load(r->scale + i);
        if (r->shift != NULL)
            v += load(r->shift + i);
        store(r->y + i, v);
    }
    for (; i < r->count; i++) {
        cxai_real v = (r->x[i] - mean) * inverse;
        if (r->scale != NULL)
            v *= r->scale[i];
        r->y[i] = r->shift != NULL ? v + r->shift[i] : v;
    }
}

/* Two passes over x, so that a large mean takes nothing from the variance. */
void LEVEL(cx_standardize_row)(const cx_standard_row *r)
{
    cxai_real count = (cxai_real)r->count;
    cxai_real mean = r->centered ? sum_of(r->x, r->count) / count : 0;
    double variance =
        (double)squares_of(r->x, mean, r->count) / (double)r->count;
    *r->mean = mean;
    *r->inverse = (cxai_real)(1 / (sqrt(variance + r->epsilon) + r->outside));
    if (r->y != NULL)
        apply(r, mean, *r->inverse);
}

/* Sums of g and of g * (x - mean). */
static void slope_sums(const cx_standard_slope *r, cxai_real *sum_g,
                       cxai_real *moment)
{
    enum { PAIR = 2 * LANES };
    vector sum[2][STREAMS], means = fill(r->mean);
    cxai_real rest[2] = { 0, 0 };
    int64_t i = 0;
    clear(sum[0]);
    clear(sum[1]);
    for (; i + PAIR <= r->count; i += PAIR)
        UNROLL for (int s = 0; s < 2; s++)
        {
            vector g = load(r->dy + i + s * LANES);
            if (r->scale != NULL)
                g *= load(r->scale + i + s * LANES);
            sum[0][s] += g;
            sum[1][s] += g * (load(r->x + i + s * LANES) - means);
        }
    for (; i < r->count; i++) {
        cxai_real g = r->scale != NULL ? r->dy[i] * r->scale[i] : r->dy[i];
        rest[0] += g;
        rest[1] += g * (r->x[i] - r->mean);
    }
    *sum_g = total(sum[0], rest[0]);
    *moment = total(sum[1], rest[1]);
}

void LEVEL(cx_standardize_slope)(const cx_standard_slope *r)
{
    cxai_real sum_g, moment, v = r->inverse, n = (cxai_real)r->count;
    slope_sums(r, &sum_g, &moment);
    if (!r->centered)
        sum_g = 0;
    cxai_real slope = -(moment + r->dinverse) * v * v * v / n;
    cxai_real offset = (r->dmean - sum_g * v) / n;
    vector inverses = fill(v), slopes = fill(slope), offsets = fill(offset);
    vector means = fill(r->mean);
    int64_t i = 0;
    for (; i + LANES <= r->count; i += LANES) {
        vector g = load(r->dy + i) * inverses;
        if (r->scale != NULL)
            g *= load(r->scale + i);
        store(r->dx + i, g + (load(r->x + i) - means) * slopes + offsets);
    }
    for (; i < r->count; i++) {
        cxai_real g = r->dy[i] * v;
        if (r->scale != NULL)
            g *= r->scale[i];
        r->dx[i] = g + (r->x[i] - r->mean) * slope + offset;
    }
}

/* ---- softmax ------------------------------------------------------------- */

/* The largest; not a NaN, which the exponential of that element keeps. */
static cxai_real largest(const cxai_real *x, int64_t count)
{
    cxai_real most = -(cxai_real)INFINITY;
    vector lanes = fill(most);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector v = load(x + i);
        lanes = choose(v > lanes, v, lanes);
    }
    for (int lane = 0; lane < LANES; lane++)
        most = lanes[lane] > most ? lanes[lane] : most;
    for (; i < count; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

void LEVEL(cx_softmax)(cxai_real *y, const cxai_real *x, int64_t count)
{
    cxai_real most = largest(x, count);
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = cx_exp(x[i] - most);
    cxai_real factor = 1 / sum_of(y, count);
    for (int64_t i = 0; i < count; i++)
        y[i] *= factor;
}

static cxai_real product_sum(const cxai_real *a, const cxai_real *b,
                             int64_t count)
{
    vector sum[STREAMS];
    cxai_real rest = 0;
    int64_t i = 0;
    clear(sum);
    for (; i + GROUP <= count; i += GROUP)
        UNROLL for (int s = 0; s < STREAMS; s++) sum[s] +=
            load(a + i + s * LANES) * load(b + i + s * LANES);
    for (; i + LANES <= count; i += LANES)
        sum[0] += load(a + i) * load(b + i);
    for (; i < count; i++)
        rest += a[i] * b[i];
    return total(sum, rest);
}

void LEVEL(cx_softmax_gradient)(cxai_real *dx, const cxai_real *y,
                                const cxai_real *dy, int64_t count)
{
    cxai_real sum = product_sum(y, dy, count);
    for (int64_t i = 0; i < count; i++)
        dx[i] = y[i] * (dy[i] - sum);
}
