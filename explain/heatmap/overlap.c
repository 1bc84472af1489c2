#include "overlap.h"

#include <stdlib.h>
#include <string.h>

static cxai_status no_memory(cxai_error *error)
{
    return cxai_fail(error, CXAI_NO_MEMORY,
                     "no memory for the regions of a picture");
}

static cxai_status add_pair(cx_overlap *o, int32_t region, cxai_error *error)
{
    if (o->count == o->room) {
        int64_t room = o->room ? 2 * o->room : 4 * o->pixels;
        int32_t *grown = realloc(o->region, (size_t)room * sizeof *grown);
        if (!grown)
            return no_memory(error);
        o->region = grown;
        o->room = room;
    }
    o->region[o->count++] = region;
    return CXAI_OK;
}

/* Whether a region was added since pair number first. */
static int has(const cx_overlap *o, int64_t first, int32_t region)
{
    for (int64_t i = first; i < o->count; i++)
        if (o->region[i] == region)
            return 1;
    return 0;
}

typedef struct grid {
    int64_t height, width;
    int radius;
} grid;

/* The regions of a division that come within the radius of (y,x). */
static cxai_status add_near(cx_overlap *o, const cx_division *division,
                            int32_t base, const grid *g, int64_t y, int64_t x,
                            cxai_error *error)
{
    int64_t r = g->radius, first = o->count;
    cxai_status status = CXAI_OK;

    for (int64_t v = y - r; v <= y + r; v++)
        for (int64_t u = x - r; status == CXAI_OK && u <= x + r; u++) {
            int inside = v >= 0 && v < g->height && u >= 0 && u < g->width;
            if (!inside || (v - y) * (v - y) + (u - x) * (u - x) > r * r)
                continue;
            int32_t region = base + division->labels[v * g->width + u];
            if (!has(o, first, region))
                status = add_pair(o, region, error);
        }
    return status;
}

/* The same pairs, region by region. */
static cxai_status turn(cx_overlap *o, cxai_error *error)
{
    o->of_region = calloc((size_t)o->regions + 2, sizeof *o->of_region);
    o->pixel = malloc((size_t)o->count * sizeof *o->pixel);
    if (!o->of_region || !o->pixel)
        return no_memory(error);
    /* one further on, so that filling leaves each at its beginning */
    int64_t *next = o->of_region + 1;
    for (int64_t i = 0; i < o->count; i++)
        next[o->region[i] + 1]++;
    for (int64_t r = 0; r < o->regions; r++)
        next[r + 1] += next[r];
    for (int64_t p = 0; p < o->pixels; p++)
        for (int64_t i = o->of_pixel[p]; i < o->of_pixel[p + 1]; i++)
            o->pixel[next[o->region[i]]++] = p;
    return CXAI_OK;
}

cxai_status cx_overlap_make(cx_overlap *overlap, const cx_division *divisions,
                            int count, int64_t height, int64_t width,
                            int radius, cxai_error *error)
{
    grid g = { height, width, radius };
    cxai_status status = CXAI_OK;

    memset(overlap, 0, sizeof *overlap);
    overlap->pixels = height * width;
    overlap->of_pixel =
        calloc((size_t)overlap->pixels + 1, sizeof *overlap->of_pixel);
    if (!overlap->of_pixel)
        return no_memory(error);
    for (int64_t p = 0; status == CXAI_OK && p < overlap->pixels; p++) {
        int32_t base = 0;
        for (int d = 0; status == CXAI_OK && d < count; d++) {
            status = add_near(overlap, &divisions[d], base, &g, p / width,
                              p % width, error);
            base += divisions[d].count;
        }
        overlap->regions = base;
        overlap->of_pixel[p + 1] = overlap->count;
    }
    return status == CXAI_OK ? turn(overlap, error) : status;
}

void cx_overlap_free(cx_overlap *overlap)
{
    free(overlap->of_pixel);
    free(overlap->region);
    free(overlap->of_region);
    free(overlap->pixel);
    memset(overlap, 0, sizeof *overlap);
}
