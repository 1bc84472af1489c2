#include "scorecam.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/preprocess.h"
#include "trials.h"

/* The trials of one run. Channels that are the same everywhere are masks of 0
   all alike: one of them stands for all, unless samples differ. */
typedef struct scoring {
    const cx_scorecam *method;
    cx_layer layer;
    int64_t *shown; /* channels that are tried; a trial is one sample of one */
    int64_t shown_count;
    int64_t constant; /* place in shown of the constant channels, or -1 */
    double *sums;     /* (targets,channels): of scores, then the weights */
} scoring;

static void find_range(const cxai_real *numbers, int64_t count, double *low,
                       double *high)
{
    *low = *high = (double)numbers[0];
    for (int64_t i = 1; i < count; i++) {
        double number = (double)numbers[i];
        *low = number < *low ? number : *low;
        *high = number > *high ? number : *high;
    }
}

void cx_scorecam_normalise(cxai_real *numbers, int64_t count)
{
    double low, high;

    find_range(numbers, count, &low, &high);
    for (int64_t i = 0; i < count; i++)
        numbers[i] =
            (cxai_real)(((double)numbers[i] - low) / (high - low + 1e-8));
}

void cx_scorecam_mask(const cxai_heatmap_call *call, const cxai_grid *grid,
                      const cxai_real *channel, double scale, cxai_real *mask)
{
    double low, high;

    /* what is linear may as well come after the resizing */
    find_range(channel, grid->height * grid->width, &low, &high);
    cxai_map_resize(channel, (int)grid->height, (int)grid->width, mask,
                    (int)call->height, (int)call->width);
    for (int64_t p = 0; p < call->height * call->width; p++)
        mask[p] =
            (cxai_real)(scale * ((double)mask[p] - low) / (high - low + 1e-8));
}

static const cxai_real *channel_of(const scoring *s, int64_t number)
{
    return s->layer.activations +
           number * s->layer.grid.height * s->layer.grid.width;
}

static int is_constant(const scoring *s, int64_t number)
{
    double low, high;

    find_range(channel_of(s, number),
               s->layer.grid.height * s->layer.grid.width, &low, &high);
    return low == high;
}

static void choose_shown(scoring *s)
{
    s->constant = -1;
    for (int64_t k = 0; k < s->layer.grid.channels; k++) {
        int constant = !s->method->differ && is_constant(s, k);
        if (constant && s->constant >= 0)
            continue;
        if (constant)
            s->constant = s->shown_count;
        s->shown[s->shown_count++] = k;
    }
}

/* The mask is made in the last (height,width) numbers of the point: in either
   layout, no pixel is written over a mask that is still to be read. */
static void write_trial(const cxai_heatmap_call *call, void *payload,
                        int64_t index, cxai_real *point)
{
    const scoring *s = payload;
    int64_t number = s->shown[index / s->method->samples];
    int64_t sample = index % s->method->samples;
    int64_t positions = call->height * call->width;
    int last = call->options->channels_last != 0;
    int64_t channel_step = last ? 1 : positions;
    int64_t position_step = last ? call->channels : 1;
    cxai_real *mask = point + (call->channels - 1) * positions;

    s->method->mask(call, &s->layer.grid, channel_of(s, number), number, sample,
                    mask);
    for (int64_t p = 0; p < positions; p++) {
        cxai_real factor = mask[p];
        for (int64_t c = 0; c < call->channels; c++) {
            int64_t at = c * channel_step + p * position_step;
            point[at] = call->input[at] * factor;
        }
    }
}

static void take_scores(const cxai_heatmap_call *call, void *payload,
                        int64_t index, const double *scores)
{
    const scoring *s = payload;
    int64_t number = s->shown[index / s->method->samples];

    for (int i = 0; i < call->target_count; i++)
        s->sums[i * s->layer.grid.channels + number] +=
            scores[i] / s->method->samples;
}

/* Softmax over the channels, in place; those that were not shown have the
   score of the one that stands for them. */
static void soften(const scoring *s, double *scores)
{
    int64_t channels = s->layer.grid.channels, next = 0;
    double high = (double)-INFINITY, total = 0;

    for (int64_t k = 0; k < channels; k++) {
        if (next < s->shown_count && s->shown[next] == k)
            next++;
        else
            scores[k] = scores[s->shown[s->constant]];
        high = scores[k] > high ? scores[k] : high;
    }
    for (int64_t k = 0; k < channels; k++)
        total += scores[k] = exp(scores[k] - high);
    for (int64_t k = 0; k < channels; k++)
        scores[k] /= total;
}

static cxai_status score(const cxai_heatmap_call *call, scoring *s,
                         cxai_error *error)
{
    int64_t channels = s->layer.grid.channels;

    s->shown = calloc((size_t)channels, sizeof *s->shown);
    s->sums =
        calloc((size_t)call->target_count, (size_t)channels * sizeof *s->sums);
    if (!s->shown || !s->sums)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for the masks of %s",
                         call->method->title);
    choose_shown(s);
    cx_trials trials = {
        .value = call->input_value,
        .count = s->shown_count * s->method->samples,
        .write = write_trial,
        .apart = 1,
        .take = take_scores,
        .payload = s,
    };
    cxai_status status = cx_try(call, &trials, NULL, error);
    for (int i = 0; status == CXAI_OK && i < call->target_count; i++) {
        double *weights = s->sums + i * channels;
        soften(s, weights);
        status = cx_cam_deliver_weights(call, i, weights, &s->layer, error);
    }
    return status;
}

cxai_status cx_scorecam_compute(const cxai_heatmap_call *call,
                                const cx_scorecam *method, cxai_error *error)
{
    scoring s = { .method = method };
    cxai_status status = cx_layer_read(&s.layer, call, error);

    if (status == CXAI_OK && (call->height > INT_MAX || call->width > INT_MAX))
        status = cxai_fail(error, CXAI_LIMIT, "the input is too large");
    if (status == CXAI_OK)
        status = score(call, &s, error);
    cx_layer_free(&s.layer);
    free(s.shown);
    free(s.sums);
    return status;
}
