#include "cxai/activations.h"

#include <math.h>
#include <stdlib.h>

static cxai_status read_value(cxai_activations *out,
                              const cxai_session *session, int layer,
                              cxai_error *error)
{
    cxai_tensor view;
    char text[64];
    cxai_status status = cxai_session_value(session, layer, &view, error);

    if (status)
        return status;
    if (view.shape.rank < 2)
        return cxai_fail(
            error, CXAI_INVALID,
            "activations: layer '%s' of shape %s has no channels",
            cxai_model_value_name(cxai_session_model(session), layer),
            cxai_shape_text(&view.shape, text, sizeof text));
    size_t count = (size_t)cxai_shape_count(&view.shape);
    out->data = calloc(count ? count : 1, sizeof(cxai_real));
    if (!out->data)
        return cxai_fail(error, CXAI_NO_MEMORY,
                         "activations: no memory for %s numbers",
                         cxai_shape_text(&view.shape, text, sizeof text));
    out->shape = view.shape;
    cxai_tensor_read(&view, out->data);
    return CXAI_OK;
}

cxai_status cxai_activations_compute_layers(
    cxai_activations *out, const cxai_model *model, const int *layers,
    int count, const cxai_real *input, const cxai_shape *input_shape,
    int threads, uint64_t max_bytes, cxai_error *error)
{
    cxai_session *session = NULL;
    cxai_request request = { .input_shape = *input_shape,
                             .watch = layers,
                             .watch_count = count,
                             .threads = threads,
                             .max_bytes = max_bytes };

    for (int i = 0; i < count; i++)
        out[i] = (cxai_activations){ 0 };
    if (cxai_model_input_count(model) < 1)
        return cxai_fail(error, CXAI_INVALID,
                         "activations: the model has no input");
    cxai_status status = cxai_session_create(&session, model, &request, error);
    if (!status)
        status =
            cxai_session_set(session, cxai_model_input(model, 0), input, error);
    if (!status)
        status = cxai_session_forward(session, error);
    for (int i = 0; !status && i < count; i++)
        status = read_value(&out[i], session, layers[i], error);
    for (int i = 0; status && i < count; i++)
        cxai_activations_free(&out[i]);
    cxai_session_free(&session);
    return status;
}

cxai_status cxai_activations_compute(cxai_activations *out,
                                     const cxai_model *model, int layer,
                                     const cxai_real *input,
                                     const cxai_shape *input_shape, int threads,
                                     uint64_t max_bytes, cxai_error *error)
{
    return cxai_activations_compute_layers(
        out, model, &layer, 1, input, input_shape, threads, max_bytes, error);
}

void cxai_activations_free(cxai_activations *out)
{
    free(out->data);
    *out = (cxai_activations){ 0 };
}

/* Positions of one channel of one picture. */
static size_t positions_of(const cxai_shape *shape)
{
    size_t positions = 1;
    for (int axis = 2; axis < shape->rank; axis++)
        positions *= (size_t)shape->dim[axis];
    return positions;
}

/* Two passes: the mean first, then the deviation from it. A NaN, once it is
   the minimum and maximum, compares false with everything and stays. */
static cxai_channel_statistics channel_statistics(const cxai_activations *a,
                                                  size_t channel)
{
    size_t pictures = (size_t)a->shape.dim[0];
    size_t channels = (size_t)a->shape.dim[1];
    size_t positions = positions_of(&a->shape);
    double count = (double)pictures * (double)positions;
    double sum = 0, square = 0, zeros = 0;
    cxai_channel_statistics s = { .minimum = HUGE_VAL, .maximum = -HUGE_VAL };

    for (size_t n = 0; n < pictures; n++) {
        const cxai_real *at = a->data + (n * channels + channel) * positions;
        for (size_t i = 0; i < positions; i++) {
            double v = (double)at[i];
            sum += v;
            zeros += v == 0;
            s.minimum = v < s.minimum || v != v ? v : s.minimum;
            s.maximum = v > s.maximum || v != v ? v : s.maximum;
        }
    }
    s.mean = sum / count;
    s.zeros = zeros / count;
    s.dead = zeros == count;
    for (size_t n = 0; n < pictures; n++) {
        const cxai_real *at = a->data + (n * channels + channel) * positions;
        for (size_t i = 0; i < positions; i++)
            square += ((double)at[i] - s.mean) * ((double)at[i] - s.mean);
    }
    s.deviation = sqrt(square / count);
    return s;
}

void cxai_activations_statistics(const cxai_activations *activations,
                                 cxai_channel_statistics *channels)
{
    for (int64_t c = 0; c < activations->shape.dim[1]; c++)
        channels[c] = channel_statistics(activations, (size_t)c);
}

/* Whether a goes before b: larger first, NaN last. */
static int stronger(double a, double b)
{
    return a > b || (a == a && b != b);
}

int cxai_activations_top(const cxai_channel_statistics *channels, int count,
                         cxai_strength order, int k, int *top)
{
    int found = 0;

    for (int c = 0; c < count; c++) {
        int at = found;
        for (; at > 0; at--) {
            const cxai_channel_statistics *other = &channels[top[at - 1]];
            if (order == CXAI_BY_MEAN
                    ? !stronger(channels[c].mean, other->mean)
                    : !stronger(channels[c].maximum, other->maximum))
                break;
            if (at < k)
                top[at] = top[at - 1];
        }
        if (at < k)
            top[at] = c;
        if (found < k)
            found++;
    }
    return found;
}
