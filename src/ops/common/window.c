#include "ops/common/window.h"

#include <inttypes.h>
#include <string.h>

#include "ops/common/constant.h"

/* With all dimensions and attributes up to this, no sum or product of two
   overflows. */
static const int64_t largest = INT32_MAX;

static cxai_status read_rank(const cx_case *c, cx_window *window)
{
    const cxai_shape *x = &c->x_shape[0];
    if (x->rank < 3 || x->rank > 5)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its input has %d dimensions; batch, channels and 1 "
                         "to 3 spatial axes are supported",
                         x->rank);
    window->rank = x->rank - 2;
    window->batch = x->dim[0];
    for (int i = 0; i < 3; i++)
        window->axis[i] = (cx_window_axis){ 1, 1, 1, 1, 1, 0, 0 };
    for (int i = 0; i < window->rank; i++) {
        int64_t size = x->dim[2 + i];
        if (size < 1 || size > largest)
            return cx_refuse(c, CXAI_INVALID,
                             "its input has %" PRId64 " pixels along axis %d; "
                             "1 to %" PRId64 " are possible",
                             size, 2 + i, largest);
        window->axis[3 - window->rank + i].in = size;
    }
    return CXAI_OK;
}

/* Reads count numbers, or leaves the default where the attribute is absent. */
static cxai_status read_numbers(const cx_case *c, const char *name, int count,
                                int64_t lowest, int64_t *numbers)
{
    cx_list list;
    cxai_status status = cx_read_list(c, -1, name, &list);
    if (status != CXAI_OK || list.values == NULL)
        return status;
    if (list.count != count)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%s has %" PRId64 " numbers; the input needs %d", name,
                         list.count, count);
    for (int i = 0; i < count; i++) {
        numbers[i] = list.values[i];
        if (numbers[i] < lowest || numbers[i] > largest)
            return cx_refuse(c, CXAI_MALFORMED,
                             "%s has the impossible value %" PRId64, name,
                             numbers[i]);
    }
    return CXAI_OK;
}

static cxai_status read_kernel(const cx_case *c,
                               const cx_window_options *options,
                               cx_window *window)
{
    int64_t kernel[3] = { 0 }, cells = 1;
    cxai_status status =
        read_numbers(c, "kernel_shape", window->rank, 1, kernel);
    for (int i = 0; i < window->rank && status == CXAI_OK; i++) {
        const int64_t *given = options->kernel;
        if (given == NULL && kernel[i] == 0)
            return cx_refuse(c, CXAI_MALFORMED, "kernel_shape is missing");
        if (given != NULL && kernel[i] != 0 && kernel[i] != given[i])
            return cx_refuse(c, CXAI_MALFORMED,
                             "kernel_shape says %" PRId64 " where the weights "
                             "have %" PRId64,
                             kernel[i], given[i]);
        int64_t size = given != NULL ? given[i] : kernel[i];
        if (size < 1 || size > largest)
            return cx_refuse(c, CXAI_MALFORMED,
                             "its kernel has the impossible size %" PRId64,
                             size);
        window->axis[3 - window->rank + i].kernel = size;
        cells *= size;
        if (cells > largest)
            return cx_refuse(c, CXAI_LIMIT, "its kernel has too many cells");
    }
    return status;
}

/* Pixels from the first to behind the last cell of a window. */
static int64_t extent(const cx_window_axis *axis)
{
    return axis->dilation * (axis->kernel - 1) + 1;
}

/* auto_pad: SAME gives ceil(in / stride) pixels and pads evenly, an odd one
   at the end (UPPER) or at the beginning (LOWER). */
static cxai_status pad_automatically(const cx_case *c, const char *how,
                                     cx_window_axis *axis)
{
    axis->before = axis->after = 0;
    if (strcmp(how, "VALID") == 0)
        return CXAI_OK;
    int lower = strcmp(how, "SAME_LOWER") == 0;
    if (!lower && strcmp(how, "SAME_UPPER") != 0)
        return cx_refuse(c, CXAI_MALFORMED, "auto_pad is \"%s\"", how);
    int64_t out = (axis->in - 1) / axis->stride + 1;
    int64_t total = (out - 1) * axis->stride + extent(axis) - axis->in;
    if (total > 0) {
        axis->before = (total + lower) / 2;
        axis->after = total - axis->before;
    }
    return CXAI_OK;
}

static cxai_status read_padding(const cx_case *c, cx_window *window)
{
    int64_t pads[6] = { 0 };
    const char *how = cx_attribute_string(c->attributes, "auto_pad", "NOTSET");
    if (strcmp(how, "NOTSET") == 0 || how[0] == '\0') {
        cxai_status status = read_numbers(c, "pads", 2 * window->rank, 0, pads);
        for (int i = 0; i < window->rank; i++) {
            window->axis[3 - window->rank + i].before = pads[i];
            window->axis[3 - window->rank + i].after = pads[window->rank + i];
        }
        return status;
    }
    cxai_status status = CXAI_OK;
    for (int i = 3 - window->rank; i < 3 && status == CXAI_OK; i++)
        status = pad_automatically(c, how, &window->axis[i]);
    return status;
}

static cxai_status measure(const cx_case *c, int ceil_mode, int number,
                           cx_window_axis *axis)
{
    int64_t padded = axis->in + axis->before + axis->after;
    int64_t room = padded - extent(axis);
    if (room < 0)
        return cx_refuse(c, CXAI_INVALID,
                         "its kernel covers %" PRId64 " pixels along axis %d, "
                         "the padded input has only %" PRId64,
                         extent(axis), number, padded);
    axis->out = room / axis->stride + 1;
    if (ceil_mode && room % axis->stride != 0 &&
        axis->out * axis->stride < axis->in + axis->before)
        axis->out++;
    return CXAI_OK;
}

/* All but the padding. */
static cxai_status read_steps(const cx_case *c,
                              const cx_window_options *options,
                              cx_window *window)
{
    int64_t strides[3] = { 1, 1, 1 }, dilations[3] = { 1, 1, 1 };
    cxai_status status = read_rank(c, window);
    if (status == CXAI_OK)
        status = read_kernel(c, options, window);
    if (status == CXAI_OK)
        status = read_numbers(c, "strides", window->rank, 1, strides);
    if (status == CXAI_OK)
        status = read_numbers(c, "dilations", window->rank, 1, dilations);
    for (int i = 0; i < window->rank && status == CXAI_OK; i++) {
        cx_window_axis *axis = &window->axis[3 - window->rank + i];
        axis->stride = strides[i];
        axis->dilation = dilations[i];
    }
    return status;
}

cxai_status cx_window_read(const cx_case *c, const cx_window_options *options,
                           cx_window *window)
{
    cxai_status status = read_steps(c, options, window);
    if (status == CXAI_OK)
        status = read_padding(c, window);
    for (int i = 3 - window->rank; i < 3 && status == CXAI_OK; i++)
        status = measure(c, options->ceil_mode, i - 1 + window->rank,
                         &window->axis[i]);
    return status;
}

/* ---- transposed ---------------------------------------------------------- */

/* What a transposed convolution says of its output beside pads. */
typedef struct enlarging {
    const char *how;             /* auto_pad */
    int64_t extra[3], wanted[3]; /* output_padding, output_shape (0: none) */
} enlarging;

/* axis->in from axis->out. An output of given size is padded as it needs:
   evenly, an odd pixel at the end (SAME_UPPER) or at the beginning. */
static cxai_status measure_transposed(const cx_case *c, const enlarging *e,
                                      int i, cx_window_axis *axis)
{
    int64_t moved = axis->stride * (axis->out - 1), size = e->wanted[i];
    if (moved > largest || extent(axis) > largest)
        return cx_refuse(c, CXAI_LIMIT, "its output would be too large");
    int64_t natural = moved + extent(axis) + e->extra[i];
    if (size == 0 && strncmp(e->how, "SAME", 4) == 0)
        size = axis->out * axis->stride;
    if (size > 0) {
        int64_t total = natural > size ? natural - size : 0;
        int upper = strcmp(e->how, "SAME_UPPER") == 0;
        axis->before = (total + !upper) / 2;
        axis->after = total - axis->before;
    } else {
        size = natural - axis->before - axis->after;
    }
    if (size < 1 || size > largest)
        return cx_refuse(c, CXAI_INVALID,
                         "its output would have %" PRId64 " pixels along axis "
                         "%d; 1 to %" PRId64 " are possible",
                         size, 2 + i, largest);
    axis->in = size;
    return CXAI_OK;
}

cxai_status cx_window_read_transposed(const cx_case *c, const int64_t *kernel,
                                      cx_window *window)
{
    const cx_window_options options = { .kernel = kernel };
    enlarging e = {
        .how = cx_attribute_string(c->attributes, "auto_pad", "NOTSET"),
    };
    cxai_status status = read_steps(c, &options, window);
    if (status == CXAI_OK) /* for its checks; SAME is measured below */
        status = read_padding(c, window);
    if (status == CXAI_OK)
        status = read_numbers(c, "output_padding", window->rank, 0, e.extra);
    if (status == CXAI_OK)
        status = read_numbers(c, "output_shape", window->rank, 1, e.wanted);
    for (int i = 0; i < window->rank && status == CXAI_OK; i++) {
        cx_window_axis *axis = &window->axis[3 - window->rank + i];
        axis->out = axis->in;
        status = measure_transposed(c, &e, i, axis);
    }
    return status;
}

cxai_status cx_window_whole(const cx_case *c, cx_window *window)
{
    cxai_status status = read_rank(c, window);
    for (int i = 0; i < 3; i++)
        window->axis[i].kernel = window->axis[i].in;
    return status;
}

static cxai_shape picture(const cx_window *window, int64_t channels)
{
    cxai_shape shape = { .rank = window->rank + 2 };
    shape.dim[0] = window->batch;
    shape.dim[1] = channels;
    return shape;
}

cxai_shape cx_window_output(const cx_window *window, int64_t channels)
{
    cxai_shape y = picture(window, channels);
    for (int i = 0; i < window->rank; i++)
        y.dim[2 + i] = window->axis[3 - window->rank + i].out;
    return y;
}

cxai_shape cx_window_input(const cx_window *window, int64_t channels)
{
    cxai_shape x = picture(window, channels);
    for (int i = 0; i < window->rank; i++)
        x.dim[2 + i] = window->axis[3 - window->rank + i].in;
    return x;
}

int64_t cx_window_cells(const cx_window *window)
{
    return window->axis[0].kernel * window->axis[1].kernel *
           window->axis[2].kernel;
}

void cx_window_inside(const cx_window_axis *axis, int64_t o, int64_t *from,
                      int64_t *to)
{
    int64_t first = o * axis->stride - axis->before, d = axis->dilation;
    *from = first < 0 ? (-first + d - 1) / d : 0;
    *to = first < axis->in ? (axis->in - first + d - 1) / d : 0;
    if (*to > axis->kernel)
        *to = axis->kernel;
    if (*from > *to)
        *from = *to;
}

/* The innermost axis that has more than one pixel tells; strides of axes of
   size 1 mean nothing. */
int64_t cx_pixel_stride(const cxai_tensor *tensor)
{
    for (int i = tensor->shape.rank - 1; i >= 2; i--)
        if (tensor->shape.dim[i] > 1)
            return tensor->stride[i];
    return tensor->shape.dim[0] > 1 ? tensor->stride[0] : tensor->shape.dim[1];
}
