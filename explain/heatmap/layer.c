#include "layer.h"

#include <stdlib.h>

static size_t count_of(const cxai_heatmap_call *call)
{
    return (size_t)cxai_shape_count(&call->shapes[call->layer]);
}

static cxai_status no_memory(const cxai_heatmap_call *call, cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "no memory for the numbers of layer '%s'",
                     cxai_model_value_name(call->model, call->layer));
}

double *cx_layer_sums(const cxai_heatmap_call *call, cxai_error *error)
{
    double *sums =
        calloc((size_t)call->target_count, count_of(call) * sizeof *sums);

    if (!sums)
        no_memory(call, error);
    return sums;
}

cxai_status cx_set_layers(const cxai_heatmap_call *call, const double *sums,
                          const cxai_real *scale, cxai_error *error)
{
    size_t count = count_of(call);
    cxai_real *numbers = malloc(count * sizeof *numbers);
    cxai_status status = numbers ? CXAI_OK : no_memory(call, error);

    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        for (size_t e = 0; e < count; e++, sums++)
            numbers[e] = (cxai_real)(scale ? *sums * (double)scale[e] : *sums);
        status = cxai_heatmap_set_layer(call, i, numbers, error);
    }
    free(numbers);
    return status;
}
