/*
 * Lucid pads with mid-grey, jitters, scales, rotates and jitters again, each
 * time making a new picture. Here the same changes are one affine map, and the
 * picture is sampled once, which blurs less.
 */
#include "transform.h"

#include <math.h>
#include <string.h>

#define OUTSIDE ((cxai_real)0.5)

cx_transform cx_transform_of(const cx_frame *f, const cx_change *c)
{
    double angle = c->rotation * 3.14159265358979323846 / 180;
    double per_pixel[2] = { f->width / (f->view_width * (1 + c->scale)),
                            f->height / (f->view_height * (1 + c->scale)) };
    double x = 0.5 - 0.5 * f->view_width - c->shift_x;
    double y = 0.5 - 0.5 * f->view_height - c->shift_y;
    cx_transform t = {
        .across = { per_pixel[0] * cos(angle), per_pixel[1] * sin(angle) },
        .down = { -per_pixel[0] * sin(angle), per_pixel[1] * cos(angle) },
    };
    double centre[2] = { 0.5 * f->width, 0.5 * f->height };

    for (int i = 0; i < 2; i++)
        t.origin[i] = centre[i] - 0.5 + t.across[i] * x + t.down[i] * y;
    return t;
}

/* Where a pixel of the view is read from: between columns x, x+1 and rows y,
   y+1, right and below being their shares of the second ones. */
typedef struct tap {
    int x, y;
    cxai_real right, below;
} tap;

static int floor_of(double v)
{
    int i = (int)v;
    return i - (v < i);
}

/* Far outside any picture, positions are cut off so that they fit an int. */
static double bounded(double v)
{
    return v < -1e6 ? -1e6 : v > 1e6 ? 1e6 : v;
}

static tap tap_at(const cx_transform *t, int x, int y)
{
    double sx = bounded(t->origin[0] + t->across[0] * x + t->down[0] * y);
    double sy = bounded(t->origin[1] + t->across[1] * x + t->down[1] * y);
    tap p = { .x = floor_of(sx), .y = floor_of(sy) };
    p.right = (cxai_real)(sx - p.x);
    p.below = (cxai_real)(sy - p.y);
    return p;
}

/* Whether all four pixels lie in some rows of the picture. */
static int inside(const cx_frame *f, cx_rows rows, const tap *p)
{
    return p->x >= 0 && p->x + 1 < f->width && p->y >= rows.first &&
           p->y + 1 < rows.end;
}

static cxai_real pixel(const cx_frame *f, const cxai_real *picture, int x,
                       int y)
{
    if (x < 0 || y < 0 || x >= f->width || y >= f->height)
        return OUTSIDE;
    return picture[(size_t)y * (size_t)f->width + (size_t)x];
}

static cxai_real sample(const cx_frame *f, const cxai_real *picture,
                        const tap *p, int whole)
{
    cxai_real a, b, c, d;

    if (whole) {
        const cxai_real *at =
            picture + (size_t)p->y * (size_t)f->width + (size_t)p->x;
        a = at[0], b = at[1], c = at[f->width], d = at[f->width + 1];
    } else {
        a = pixel(f, picture, p->x, p->y);
        b = pixel(f, picture, p->x + 1, p->y);
        c = pixel(f, picture, p->x, p->y + 1);
        d = pixel(f, picture, p->x + 1, p->y + 1);
    }
    a += p->right * (b - a);
    c += p->right * (d - c);
    return a + p->below * (c - a);
}

void cx_transform_forward(const cx_transform *t, const cx_frame *f,
                          cx_rows rows, const cx_channel *channels, int count)
{
    const cx_rows all = { 0, f->height };

    for (int y = rows.first; y < rows.end; y++)
        for (int x = 0; x < f->view_width; x++) {
            int64_t at = y * f->line + x * f->step;
            tap p = tap_at(t, x, y);
            int whole = inside(f, all, &p);
            for (int k = 0; k < count; k++) {
                const cx_channel *c = &channels[k];
                c->view[at] =
                    c->gain * sample(f, c->picture, &p, whole) + c->bias;
            }
        }
}

static int clamp(double v, int most)
{
    return v < 0 ? 0 : v > most ? most : (int)v;
}

/* Columns of row y of the view that may touch some rows of the picture; those
   at the ends need not. */
static cx_rows columns_touching(const cx_transform *t, const cx_frame *f,
                                cx_rows rows, int y)
{
    double start = t->origin[1] + t->down[1] * y, slope = t->across[1];
    double low = rows.first - 1 - start, high = rows.end - start;
    const cx_rows all = { 0, f->view_width }, none = { 0, 0 };

    if (fabs(slope) < 1e-9)
        return low < 1 && high > -1 ? all : none;
    double a = low / slope, b = high / slope;
    return (cx_rows){ clamp(fmin(a, b) - 1, f->view_width),
                      clamp(fmax(a, b) + 2, f->view_width) };
}

static void add(const cx_frame *f, cx_rows rows, cxai_real *picture, int x,
                int y, cxai_real v)
{
    if (x >= 0 && x < f->width && y >= rows.first && y < rows.end)
        picture[(size_t)y * (size_t)f->width + (size_t)x] += v;
}

static void spread(const cx_frame *f, cx_rows rows, const tap *p, int whole,
                   cxai_real d, cxai_real *picture)
{
    cxai_real upper = d * (1 - p->below), lower = d * p->below;
    cxai_real left = 1 - p->right, right = p->right;

    if (whole) {
        cxai_real *at =
            picture + (size_t)p->y * (size_t)f->width + (size_t)p->x;
        at[0] += upper * left;
        at[1] += upper * right;
        at[f->width] += lower * left;
        at[f->width + 1] += lower * right;
        return;
    }
    add(f, rows, picture, p->x, p->y, upper * left);
    add(f, rows, picture, p->x + 1, p->y, upper * right);
    add(f, rows, picture, p->x, p->y + 1, lower * left);
    add(f, rows, picture, p->x + 1, p->y + 1, lower * right);
}

/* A pixel of the picture gathers in the order of the view, whatever rows are
   asked for. */
void cx_transform_backward(const cx_transform *t, const cx_frame *f,
                           cx_rows rows, const cx_channel *channels, int count)
{
    size_t width = (size_t)f->width;

    for (int k = 0; k < count; k++)
        memset(channels[k].picture + (size_t)rows.first * width, 0,
               (size_t)(rows.end - rows.first) * width * sizeof(cxai_real));
    for (int y = 0; y < f->view_height; y++) {
        cx_rows columns = columns_touching(t, f, rows, y);
        for (int x = columns.first; x < columns.end; x++) {
            int64_t at = y * f->line + x * f->step;
            tap p = tap_at(t, x, y);
            int whole = inside(f, rows, &p);
            for (int k = 0; k < count; k++) {
                const cx_channel *c = &channels[k];
                spread(f, rows, &p, whole, c->gain * c->view[at], c->picture);
            }
        }
    }
}
