/*
 * Score-CAM. Wang et al., "Score-CAM: score-weighted visual explanations for
 * convolutional neural networks", CVPR workshop 2020, equations 4 to 7: the
 * picture X is shown through each channel of the layer, enlarged and brought to
 * 0..1,
 *
 *     w = softmax_k f(X . norm(up(A_k)))
 *     map = ReLU(sum_k w_k A_k)
 *
 * The paper subtracts the score of a black picture before the softmax, which
 * changes nothing. Numbers as pytorch-grad-cam: channels are enlarged
 * bilinearly with corner pixels on corner pixels and normalised afterwards, and
 * it is the normalised network input that is multiplied. Channels that are the
 * same everywhere are all the same black picture, which is run once.
 */
#include "../scorecam.h"

/* Where a pixel lies between two positions of the grid, corners on corners. */
typedef struct place {
    int64_t low, high;
    double share; /* of high */
} place;

static place find_place(int64_t pixel, int64_t pixels, int64_t positions)
{
    double at = pixels > 1 ? (double)pixel * (double)(positions - 1) /
                                 (double)(pixels - 1)
                           : 0;
    int64_t low = (int64_t)at;
    int64_t high = low + 1 < positions ? low + 1 : low;

    return (place){ low, high, at - (double)low };
}

static void make_mask(const cxai_heatmap_call *call, const cxai_grid *grid,
                      const cxai_real *channel, int64_t number, int64_t sample,
                      cxai_real *mask)
{
    (void)number;
    (void)sample;
    for (int64_t y = 0; y < call->height; y++) {
        place row = find_place(y, call->height, grid->height);
        const cxai_real *above = channel + row.low * grid->width;
        const cxai_real *below = channel + row.high * grid->width;
        for (int64_t x = 0; x < call->width; x++) {
            place column = find_place(x, call->width, grid->width);
            double left = (1 - row.share) * (double)above[column.low] +
                          row.share * (double)below[column.low];
            double right = (1 - row.share) * (double)above[column.high] +
                           row.share * (double)below[column.high];
            mask[y * call->width + x] =
                (cxai_real)((1 - column.share) * left + column.share * right);
        }
    }
    cx_scorecam_normalise(mask, call->height * call->width);
}

static cxai_status compute(const cxai_heatmap_call *call, cxai_error *error)
{
    cx_scorecam method = { .samples = 1, .mask = make_mask };

    return cx_scorecam_compute(call, &method, error);
}

const cxai_heatmap_method cxai_method_scorecam = {
    .name = "scorecam",
    .title = "Score-CAM",
    .family = "CAM",
    .paper = "Wang et al., 2020, CVPR workshop",
    .summary = "channels weighted by the score of the picture seen through "
               "them",
    .cost = "1 + channels forward",
    .needs = CXAI_NEEDS_LAYER | CXAI_SUMS_CHANNELS,
    .kind = CXAI_HEATMAP_MAP,
    .compute = compute,
};
