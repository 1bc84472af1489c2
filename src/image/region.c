/* The hot region of a map, and boxes. */
#include "cxai/draw.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "image/canvas.h"
#include "image/lines.h"

/* A walk over the hot pixels of a map, region by region. */
typedef struct walk {
    const cxai_real *map;
    int height, width;
    double threshold;
    unsigned char *visited;
    int *queue; /* pixels of the region, in the order in which they are found */
} walk;

static int is_new(const walk *w, int x, int y)
{
    if (x < 0 || y < 0 || x >= w->width || y >= w->height)
        return 0;
    int i = y * w->width + x;
    double value = (double)w->map[i];
    return !w->visited[i] && isfinite(value) && value >= w->threshold;
}

static void take(walk *w, int x, int y, int64_t *found)
{
    int i = y * w->width + x;
    w->visited[i] = 1;
    w->queue[(*found)++] = i;
}

static void add_pixel(cxai_region *region, int x, int y, double value)
{
    cxai_box *box = &region->box;
    box->left = x < box->left ? x : box->left;
    box->top = y < box->top ? y : box->top;
    box->right = x >= box->right ? x + 1 : box->right;
    box->bottom = y >= box->bottom ? y + 1 : box->bottom;
    region->heat += value;
    region->centre_x += value * (x + 0.5);
    region->centre_y += value * (y + 0.5);
}

/* The region around a pixel; its centre is not yet divided by its heat. */
static cxai_region follow(walk *w, int x, int y)
{
    cxai_region region = { .box = { x, y, x, y } };
    take(w, x, y, &region.area);
    for (int64_t at = 0; at < region.area; at++) {
        int i = w->queue[at];
        x = i % w->width;
        y = i / w->width;
        add_pixel(&region, x, y, (double)w->map[i]);
        for (int side = 0; side < 9; side++) {
            int near_x = x + side % 3 - 1, near_y = y + side / 3 - 1;
            if (is_new(w, near_x, near_y))
                take(w, near_x, near_y, &region.area);
        }
    }
    return region;
}

static cxai_region hottest(walk *w)
{
    cxai_region best = { 0 };
    int64_t regions = 0, area = 0;
    for (int y = 0; y < w->height; y++)
        for (int x = 0; x < w->width; x++) {
            if (!is_new(w, x, y))
                continue;
            cxai_region region = follow(w, x, y);
            regions++;
            area += region.area;
            if (region.heat > best.heat)
                best = region;
        }
    best.centre_x /= best.heat;
    best.centre_y /= best.heat;
    best.regions = regions;
    best.hot_area = area;
    return best;
}

cxai_status cxai_map_region(cxai_region *region, const cxai_real *map,
                            int height, int width, double threshold,
                            cxai_error *error)
{
    *region = (cxai_region){ 0 };
    if (!(threshold > 0))
        return cxai_fail(error, CXAI_INVALID,
                         "a region is hot above a threshold larger than 0, not "
                         "%g",
                         threshold);
    if (height < 1 || width < 1 || height > INT_MAX / width)
        return cxai_fail(error, CXAI_LIMIT,
                         "a map of %d x %d is too large to look for regions",
                         width, height);
    size_t count = (size_t)height * (size_t)width;
    walk w = { map,
               height,
               width,
               threshold,
               cx_alloc(count, 1),
               cx_alloc(count, sizeof(int)) };
    cxai_status status = CXAI_OK;
    if (w.visited == NULL || w.queue == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for regions");
    else
        *region = hottest(&w);
    free(w.visited);
    free(w.queue);
    return status;
}

/* ---- boxes ---- */

static cxai_box grow(cxai_box box, int by)
{
    return (cxai_box){ box.left - by, box.top - by, box.right + by,
                       box.bottom + by };
}

/* Fills what lies in a box and not in the one that is narrower all round. */
static void draw_ring(cxai_image *image, cxai_box b, int thickness,
                      const uint8_t rgb[3])
{
    cxai_box inner = grow(b, -thickness);
    cx_fill(image, (cxai_box){ b.left, b.top, b.right, inner.top }, rgb);
    cx_fill(image, (cxai_box){ b.left, inner.bottom, b.right, b.bottom }, rgb);
    cx_fill(image, (cxai_box){ b.left, inner.top, inner.left, inner.bottom },
            rgb);
    cx_fill(image, (cxai_box){ inner.right, inner.top, b.right, inner.bottom },
            rgb);
}

void cxai_box_draw(cxai_image *image, cxai_box box)
{
    static const uint8_t white[3] = { 255, 255, 255 };
    int line = cx_line_width(image->width, image->height);
    int rim = (line + 1) / 2;
    draw_ring(image, grow(box, rim), rim, cx_ink);
    draw_ring(image, grow(box, -line), rim, cx_ink);
    draw_ring(image, box, line, white);
}
