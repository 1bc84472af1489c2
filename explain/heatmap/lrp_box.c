#include "lrp_box.h"

#include <stdlib.h>

/* How pictures become the input; own has room for the model's. */
static cxai_status find_preprocess(const cxai_preprocess **out,
                                   const cxai_heatmap_call *call,
                                   cxai_preprocess *own, cxai_error *error)
{
    cxai_error reason;

    *out = call->options->preprocess ? call->options->preprocess : own;
    if (*out != own ||
        cxai_preprocess_for_model(own, call->model, NULL, &reason) == CXAI_OK)
        return CXAI_OK;
    return cxai_fail(error, reason.status,
                     "%s: what black and white are is not known (%s): give low "
                     "and high, or another composite",
                     call->method->name, reason.message);
}

/* Fills a picture with what white (or black) comes to in each channel. */
static void fill_channels(const cxai_heatmap_call *call,
                          const cxai_preprocess *preprocess, int white,
                          cxai_real *picture)
{
    int64_t count = cxai_shape_count(&call->input_shape);
    int64_t positions = call->height * call->width;

    for (int64_t e = 0; e < count; e++) {
        int64_t channel =
            call->options->channels_last ? e % call->channels : e / positions;
        double gain, bias;
        cxai_preprocess_affine(preprocess, (int)channel, &gain, &bias, NULL);
        picture[e] = (cxai_real)(bias + (white ? 255 * gain : 0));
    }
}

static void fill(const cxai_heatmap_call *call, double number,
                 cxai_real *picture)
{
    int64_t count = cxai_shape_count(&call->input_shape);

    for (int64_t e = 0; e < count; e++)
        picture[e] = (cxai_real)number;
}

static cxai_status read_value(cxai_session *session,
                              const cxai_heatmap_call *call, int value,
                              const cxai_real *picture, cxai_real *dense,
                              cxai_error *error)
{
    cxai_tensor view;
    cxai_status status =
        cxai_session_set(session, call->input_value, picture, error);

    if (status == CXAI_OK)
        status = cxai_session_forward(session, error);
    if (status == CXAI_OK)
        status = cxai_session_value(session, value, &view, error);
    if (status == CXAI_OK)
        cxai_tensor_read(&view, dense);
    return status;
}

/* picture has room for one. */
static cxai_status make(cx_lrp_box *box, const cxai_heatmap_call *call,
                        int value, double low, double high, cxai_real *picture,
                        cxai_error *error)
{
    cxai_request request = { .input_shape = call->input_shape,
                             .watch = &value,
                             .watch_count = 1,
                             .direct =
                                 (call->method->needs & CXAI_NEEDS_DIRECT) != 0,
                             .threads = call->options->threads,
                             .max_bytes = call->options->max_bytes };
    cxai_real *ends[2] = { box->low, box->high };
    const cxai_preprocess *preprocess = NULL;
    cxai_preprocess own;
    cxai_session *session;
    cxai_status status =
        cxai_session_create(&session, call->model, &request, error);

    if (status == CXAI_OK && !(low < high))
        status = find_preprocess(&preprocess, call, &own, error);
    for (int white = 0; status == CXAI_OK && white < 2; white++) {
        if (preprocess)
            fill_channels(call, preprocess, white, picture);
        else
            fill(call, white ? high : low, picture);
        status = read_value(session, call, value, picture, ends[white], error);
    }
    cxai_session_free(&session);
    return status;
}

cxai_status cx_lrp_box_make(cx_lrp_box *box, const cxai_heatmap_call *call,
                            int value, double low, double high,
                            cxai_error *error)
{
    size_t count = (size_t)cxai_shape_count(&call->shapes[value]);
    size_t input = (size_t)cxai_shape_count(&call->input_shape);
    cxai_real *picture = malloc(input * sizeof *picture);

    box->low = malloc(count * sizeof *box->low);
    box->high = malloc(count * sizeof *box->high);
    cxai_status status =
        picture && box->low && box->high
            ? make(box, call, value, low, high, picture, error)
            : cxai_fail(error, CXAI_NO_MEMORY, "no memory for the box");
    free(picture);
    if (status != CXAI_OK)
        cx_lrp_box_clear(box);
    return status;
}

void cx_lrp_box_clear(cx_lrp_box *box)
{
    free(box->low);
    free(box->high);
    box->low = box->high = NULL;
}
