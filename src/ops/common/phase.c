#include "ops/common/phase.h"

static cxai_status no_memory(const cx_case *c)
{
    return cx_refuse(c, CXAI_NO_MEMORY, "out of memory");
}

cxai_status cx_forward_taps(const cx_case *c, const cx_window *window,
                            cx_phase *forward)
{
    const cx_window_axis *axis = window->axis;
    forward->taps = cx_window_cells(window);
    cx_tap *tap = cx_arena_alloc(c->arena, (size_t)forward->taps, sizeof *tap);
    if (tap == NULL)
        return no_memory(c);
    forward->tap = tap;
    for (int i = 0; i < 3; i++)
        forward->out[i] = axis[i].out;
    for (int64_t t = 0; t < forward->taps; t++) {
        int64_t rest = t;
        for (int i = 2; i >= 0; i--) {
            int64_t k = rest % axis[i].kernel;
            rest /= axis[i].kernel;
            tap[t].at[i] = k * axis[i].dilation - axis[i].before;
        }
        tap[t].weight = t;
    }
    return CXAI_OK;
}

/* The phase of tap k. */
static int64_t phase_of(const cx_window_axis *axis, int64_t k)
{
    int64_t a = (k * axis->dilation - axis->before) % axis->stride;
    return a < 0 ? a + axis->stride : a;
}

/* Taps from one of a phase to the next: the smallest q for which q * dilation
   is a multiple of the stride. The taps below it are of different phases. */
static int64_t tap_step(const cx_window_axis *axis)
{
    int64_t a = axis->stride, b = axis->dilation;
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return axis->stride / a;
}

/* Pixels of a phase. */
static int64_t phase_size(const cx_window_axis *axis, int64_t phase)
{
    return phase < axis->in ? (axis->in - phase - 1) / axis->stride + 1 : 0;
}

/* The first tap of each phase that has taps and pixels along one axis; the
   pixels of all of them. */
static int64_t *list_phases(const cx_case *c, const cx_window_axis *axis,
                            int64_t *count, int64_t *pixels)
{
    int64_t taps = axis->kernel;
    if (tap_step(axis) < taps)
        taps = tap_step(axis);
    int64_t *first = cx_arena_alloc(c->arena, (size_t)taps, sizeof *first);
    *count = *pixels = 0;
    for (int64_t k = 0; first != NULL && k < taps; k++) {
        int64_t size = phase_size(axis, phase_of(axis, k));
        *pixels += size;
        if (size > 0)
            first[(*count)++] = k;
    }
    return first;
}

/* The tap k along one axis: input pixel `start` receives through it from this
   output pixel. The division is exact. */
static int64_t source(const cx_window_axis *axis, int64_t start, int64_t k)
{
    return (start + axis->before - k * axis->dilation) / axis->stride;
}

/* The last tap of a phase along one axis. */
static int64_t last_tap(const cx_window_axis *axis, int64_t first)
{
    return axis->kernel - 1 - (axis->kernel - 1 - first) % tap_step(axis);
}

/* Fills the phase whose first taps are given; returns the end of its taps,
   which are in the order of the pixels that they read. */
static cx_tap *fill_phase(const cx_window *window, const int64_t first[3],
                          cx_phase *phase, cx_tap *tap)
{
    const cx_window_axis *axis = window->axis;
    int64_t step[3];
    phase->tap = tap;
    for (int i = 0; i < 3; i++) {
        step[i] = tap_step(&axis[i]);
        phase->start[i] = phase_of(&axis[i], first[i]);
        phase->out[i] = phase_size(&axis[i], phase->start[i]);
    }
    for (int64_t z = last_tap(&axis[0], first[0]); z >= first[0]; z -= step[0])
        for (int64_t y = last_tap(&axis[1], first[1]); y >= first[1];
             y -= step[1])
            for (int64_t x = last_tap(&axis[2], first[2]); x >= first[2];
                 x -= step[2])
                *tap++ = (cx_tap){
                    .at = { source(&axis[0], phase->start[0], z),
                            source(&axis[1], phase->start[1], y),
                            source(&axis[2], phase->start[2], x) },
                    .weight = (z * axis[1].kernel + y) * axis[2].kernel + x,
                };
    phase->taps = tap - phase->tap;
    return tap;
}

cxai_status cx_backward_phases(const cx_case *c, const cx_window *window,
                               cx_phases *backward)
{
    int64_t *first[3], count[3], pixels[3];
    backward->count = backward->complete = 1;
    for (int i = 0; i < 3; i++) {
        const cx_window_axis *axis = &window->axis[i];
        first[i] = list_phases(c, axis, &count[i], &pixels[i]);
        if (first[i] == NULL)
            return no_memory(c);
        backward->count *= count[i];
        backward->complete &= pixels[i] == axis->in;
    }
    backward->phase = cx_arena_alloc(c->arena, (size_t)backward->count,
                                     sizeof *backward->phase);
    cx_tap *tap =
        cx_arena_alloc(c->arena, (size_t)cx_window_cells(window), sizeof *tap);
    if (backward->phase == NULL || tap == NULL)
        return no_memory(c);
    for (int64_t n = 0; n < backward->count; n++) {
        const int64_t which[3] = {
            first[0][n / (count[1] * count[2])],
            first[1][n / count[2] % count[1]],
            first[2][n % count[2]],
        };
        tap = fill_phase(window, which, &backward->phase[n], tap);
    }
    return CXAI_OK;
}
