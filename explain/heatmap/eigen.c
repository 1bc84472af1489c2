#include "eigen.h"

#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "no memory for a principal component");
}

/* dsyevr with room of our own: LAPACKE's would be told of on stdout where there
   is none. */
static lapack_int largest(double *matrix, lapack_int n, double *values,
                          double *vector, double *work, lapack_int *integers)
{
    lapack_int found = 0, support[2];
    lapack_int info = LAPACKE_dsyevr_work(
        LAPACK_COL_MAJOR, 'V', 'I', 'U', n, matrix, n, 0, 0, n, n, 0, &found,
        values, vector, n, support, work, 26 * n, integers, 10 * n);

    return info == 0 && found != 1 ? 1 : info;
}

cxai_status cx_largest_eigen(double *matrix, int64_t n, double *value,
                             double *vector, cxai_error *error)
{
    if (n > INT_MAX / 26)
        return cxai_fail(error, CXAI_LIMIT,
                         "no eigenvalues of a matrix of %lld rows",
                         (long long)n);
    double *values = malloc((size_t)n * sizeof *values);
    double *work = malloc((size_t)n * 26 * sizeof *work);
    lapack_int *integers = malloc((size_t)n * 10 * sizeof *integers);
    cxai_status status =
        values && work && integers ? CXAI_OK : no_memory(error);
    if (status == CXAI_OK) {
        lapack_int info =
            largest(matrix, (lapack_int)n, values, vector, work, integers);
        *value = values[0];
        if (info != 0)
            status =
                cxai_fail(error, CXAI_LIMIT,
                          "LAPACK's dsyevr finds no eigenvalue of a matrix "
                          "of %lld rows (%lld)",
                          (long long)n, (long long)info);
    }
    free(values);
    free(work);
    free(integers);
    return status;
}

void cx_choose_sign(double *map, const double *guide, int64_t count)
{
    double agreement = 0, largest = 0;

    for (int64_t p = 0; p < count; p++) {
        agreement += guide ? map[p] * guide[p] : 0;
        if (fabs(map[p]) > fabs(largest))
            largest = map[p];
    }
    if (agreement < 0 || (agreement == 0 && largest < 0))
        for (int64_t p = 0; p < count; p++)
            map[p] = -map[p];
}

/* Rows of numbers less their means; 0 when one is not finite. */
static int centre(const cxai_real *numbers, int64_t rows, int64_t columns,
                  double *centred)
{
    for (int64_t r = 0; r < rows; r++) {
        const cxai_real *row = numbers + r * columns;
        double *out = centred + r * columns;
        double mean = 0;
        for (int64_t c = 0; c < columns; c++)
            mean += (double)row[c];
        mean /= (double)columns;
        if (!isfinite(mean))
            return 0;
        for (int64_t c = 0; c < columns; c++)
            out[c] = (double)row[c] - mean;
    }
    return 1;
}

/* matrix (rows,rows) = x x^T, x being dense (rows,columns); upper triangle. */
static void multiply_rows(const double *x, int64_t rows, int64_t columns,
                          double *matrix)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double *a = x + i * columns, *b = x + j * columns;
            double sum = 0;
            for (int64_t c = 0; c < columns; c++)
                sum += a[c] * b[c];
            matrix[i * rows + j] = sum; /* (j,i) of columns */
        }
}

/* matrix (columns,columns) = x^T x; upper triangle. */
static void multiply_columns(const double *x, int64_t rows, int64_t columns,
                             double *matrix)
{
    memset(matrix, 0, (size_t)(columns * columns) * sizeof *matrix);
    for (int64_t r = 0; r < rows; r++) {
        const double *row = x + r * columns;
        for (int64_t i = 0; i < columns; i++)
            for (int64_t j = 0; j <= i; j++)
                matrix[i * columns + j] += row[i] * row[j];
    }
}

/* x is centred, (channels,positions). The smaller of x x^T and x^T x has the
   component in it: as the direction to project onto, or as the projection
   itself divided by the singular value. */
static cxai_status project(const double *x, int64_t channels, int64_t positions,
                           double *matrix, double *vector, double *projection,
                           cxai_error *error)
{
    double value;
    int by_channel = channels < positions;
    cxai_status status;

    if (by_channel)
        multiply_rows(x, channels, positions, matrix);
    else
        multiply_columns(x, channels, positions, matrix);
    status = cx_largest_eigen(matrix, by_channel ? channels : positions, &value,
                              vector, error);
    if (status != CXAI_OK)
        return status;
    memset(projection, 0, (size_t)positions * sizeof *projection);
    double scale = value > 0 ? sqrt(value) : 0;
    if (by_channel)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < positions; p++)
                projection[p] += vector[c] * x[c * positions + p];
    else
        for (int64_t p = 0; p < positions; p++)
            projection[p] = scale * vector[p];
    return CXAI_OK;
}

cxai_status cx_principal_map(const cxai_real *numbers, int64_t channels,
                             int64_t positions, const double *guide,
                             cxai_real *map, cxai_error *error)
{
    int64_t side = channels < positions ? channels : positions;
    double *x = malloc((size_t)(channels * positions) * sizeof *x);
    double *matrix = calloc((size_t)side, (size_t)side * sizeof *matrix);
    double *vector = malloc((size_t)side * sizeof *vector);
    double *projection = malloc((size_t)positions * sizeof *projection);
    cxai_status status = CXAI_OK;

    if (!x || !matrix || !vector || !projection)
        status = no_memory(error);
    else if (!centre(numbers, channels, positions, x))
        for (int64_t p = 0; p < positions; p++)
            projection[p] = (double)NAN;
    else
        status =
            project(x, channels, positions, matrix, vector, projection, error);
    if (status == CXAI_OK) {
        cx_choose_sign(projection, guide, positions);
        for (int64_t p = 0; p < positions; p++)
            map[p] = (cxai_real)projection[p];
    }
    free(x);
    free(matrix);
    free(vector);
    free(projection);
    return status;
}
