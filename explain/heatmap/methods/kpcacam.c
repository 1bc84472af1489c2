/*
 * KPCA-CAM. Karmani et al., "KPCA-CAM: visual explainability of deep computer
 * vision models using kernel PCA", MMSP 2024, section III: Eigen-CAM with the
 * first component of kernel PCA, without a class or a gradient.
 *
 * The vectors x_p of channels at the positions p, centred for each channel, are
 * compared by a kernel k; the matrix K is centred in feature space,
 *
 *     K' = K - row means - column means + mean,     K' u = l u,
 *
 * and the map is sqrt(l) u for the largest eigenvalue l. Numbers as
 * pytorch-grad-cam, which has scikit-learn's KernelPCA and its kernels:
 *
 *     sigmoid  tanh(g x.y + 1)      rbf  exp(-g |x - y|^2)      linear  x.y
 *
 * with g = 1 / channels. The sign, which is open, is that of Eigen-CAM:
 * positive where the activations are strong.
 */
#include <math.h>
#include <stdlib.h>

#include "../cam.h"
#include "../eigen.h"

/* of a matrix of doubles: 512 MiB */
enum { most_positions = 8192 };

typedef enum kernel { SIGMOID, RBF, LINEAR } kernel;

/* Memory of one decomposition; points is (positions,channels). */
typedef struct buffers {
    double *points, *matrix, *means, *vector, *guide;
    cxai_real *map;
} buffers;

/* The centred vectors of channels, and the sums of the magnitudes. */
static void fill_points(const cx_layer *layer, const buffers *b)
{
    int64_t channels = layer->grid.channels;
    int64_t positions = layer->grid.height * layer->grid.width;

    for (int64_t c = 0; c < channels; c++) {
        const cxai_real *activation = layer->activations + c * positions;
        double mean = 0;
        for (int64_t p = 0; p < positions; p++) {
            mean += (double)activation[p] / (double)positions;
            b->guide[p] += fabs((double)activation[p]);
        }
        for (int64_t p = 0; p < positions; p++)
            b->points[p * channels + c] = (double)activation[p] - mean;
    }
}

static double compare(kernel kind, double gamma, const double *x,
                      const double *y, int64_t count)
{
    double product = 0, distance = 0;

    for (int64_t c = 0; c < count; c++) {
        product += x[c] * y[c];
        distance += (x[c] - y[c]) * (x[c] - y[c]);
    }
    return kind == SIGMOID ? tanh(gamma * product + 1)
           : kind == RBF   ? exp(-gamma * distance)
                           : product;
}

/* The centred kernel matrix; whether it is finite. */
static int fill_matrix(kernel kind, int64_t channels, int64_t positions,
                       const buffers *b)
{
    double gamma = 1.0 / (double)channels, mean = 0;

    for (int64_t p = 0; p < positions; p++)
        for (int64_t q = 0; q <= p; q++)
            b->matrix[p * positions + q] = b->matrix[q * positions + p] =
                compare(kind, gamma, b->points + p * channels,
                        b->points + q * channels, channels);
    for (int64_t p = 0; p < positions; p++) {
        b->means[p] = 0;
        for (int64_t q = 0; q < positions; q++)
            b->means[p] += b->matrix[p * positions + q] / (double)positions;
        mean += b->means[p] / (double)positions;
    }
    for (int64_t p = 0; p < positions; p++)
        for (int64_t q = 0; q < positions; q++)
            b->matrix[p * positions + q] += mean - b->means[p] - b->means[q];
    return isfinite(mean);
}

static cxai_status make_map(const cxai_heatmap_call *call,
                            const cx_layer *layer, const buffers *b,
                            cxai_error *error)
{
    kernel kind = (kernel)cxai_heatmap_setting(call, "kernel");
    int64_t positions = layer->grid.height * layer->grid.width;
    double value = (double)NAN;
    cxai_status status = CXAI_OK;

    fill_points(layer, b);
    if (fill_matrix(kind, layer->grid.channels, positions, b))
        status =
            cx_largest_eigen(b->matrix, positions, &value, b->vector, error);
    if (status != CXAI_OK)
        return status;
    cx_choose_sign(b->vector, b->guide, positions);
    for (int64_t p = 0; p < positions; p++)
        b->map[p] = (cxai_real)(sqrt(value < 0 ? 0 : value) * b->vector[p]);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++)
        status = cxai_heatmap_set_map(call, i, b->map, layer->grid.height,
                                      layer->grid.width, error);
    return status;
}

static cxai_status decompose(const cxai_heatmap_call *call,
                             const cx_layer *layer, cxai_error *error)
{
    int64_t positions = layer->grid.height * layer->grid.width;
    size_t n = (size_t)positions, channels = (size_t)layer->grid.channels;

    if (positions > most_positions)
        return cxai_fail(error, CXAI_LIMIT,
                         "KPCA-CAM compares all %lld positions of '%s' with "
                         "each other, and does so up to %d: take a later layer",
                         (long long)positions,
                         cxai_model_value_name(call->model, call->layer),
                         most_positions);
    buffers b = {
        calloc(n, channels * sizeof *b.points),
        calloc(n, n * sizeof *b.matrix),
        calloc(n, sizeof *b.means),
        calloc(n, sizeof *b.vector),
        calloc(n, sizeof *b.guide),
        calloc(n, sizeof *b.map),
    };
    cxai_status status =
        b.points && b.matrix && b.means && b.vector && b.guide && b.map
            ? make_map(call, layer, &b, error)
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for KPCA-CAM");
    free(b.points);
    free(b.matrix);
    free(b.means);
    free(b.vector);
    free(b.guide);
    free(b.map);
    return status;
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_layer layer = { 0 };
    cxai_status status = cxai_heatmap_progress(call, 0, 1, error);

    if (status == CXAI_OK)
        status = cx_layer_read(&layer, call, error);
    if (status == CXAI_OK)
        status = decompose(call, &layer, error);
    cx_layer_free(&layer);
    return status == CXAI_OK ? cxai_heatmap_progress(call, 1, 1, error)
                             : status;
}

static const cxai_heatmap_parameter parameters[] = {
    { "kernel", SIGMOID, 0, 0, "sigmoid rbf linear",
      "how positions are compared" },
    { 0 },
};

const cxai_heatmap_method cxai_method_kpcacam = {
    .name = "kpcacam",
    .title = "KPCA-CAM",
    .family = "CAM",
    .paper = "Karmani et al., 2024, MMSP",
    .summary = "Eigen-CAM with kernel PCA, without a class",
    .cost = "1 forward",
    .needs = CXAI_NEEDS_LAYER,
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
