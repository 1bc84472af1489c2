/* Grids of maps and of pictures. */
#include "cxai/draw.h"
#include "image/canvas.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { READABLE_WIDTH = 64, GAP = 4 };

/* Where everything lies; sizes in pixels of the drawing. */
typedef struct grid {
    int count;
    int columns;
    int rows;
    int upscale;
    int gap;
    int64_t tile_width; /* of the widest, upscaled */
    int64_t tile_height;
    const cxai_image *images; /* the tiles, or NULL: all are equally wide */
    int text_scale;
    int label_height; /* above each tile */
    int head_height;  /* of labels above the first row alone */
    int side_width;   /* of labels to the left of the rows */
    int title_height;
    int has_bar;
    cxai_range range; /* of the bar */
} grid;

/* As many columns as make the drawing about as wide as high. */
static int square_columns(const grid *g)
{
    double across = (double)(g->tile_width + g->gap);
    double down = (double)(g->label_height + g->tile_height + g->gap);
    double columns = ceil(sqrt(g->count * down / across));
    return columns < g->count ? (int)columns : g->count;
}

static cxai_status lay_out(grid *g, int count, int width, int height,
                           const cxai_tiles *style, cxai_error *error)
{
    if (count < 1 || width < 1 || height < 1 || style->columns < 0 ||
        style->upscale < 0 || style->upscale > 1024 || style->gap < 0 ||
        style->gap > 1024)
        return cxai_fail(error, CXAI_INVALID,
                         "cannot draw %d tiles of %d x %d pixels in %d "
                         "columns, %d times as large and %d pixels apart",
                         count, width, height, style->columns, style->upscale,
                         style->gap);
    g->count = count;
    g->upscale = style->upscale > 0 ? style->upscale : 1;
    g->gap = style->gap > 0 ? style->gap : GAP;
    g->tile_width = (int64_t)width * g->upscale;
    g->tile_height = (int64_t)height * g->upscale;
    g->text_scale = cxai_text_scale(g->tile_width);
    int text_height = CXAI_TEXT_HEIGHT * g->text_scale;
    int labels_height = style->hide_labels ? 0 : text_height;
    g->label_height = style->row_labels == NULL ? labels_height : 0;
    g->head_height = style->row_labels != NULL ? labels_height : 0;
    g->side_width = style->row_labels != NULL ? text_height : 0;
    g->title_height = style->title != NULL ? text_height + g->gap : 0;
    g->columns = style->columns > 0 ? style->columns : square_columns(g);
    if (g->columns > count)
        g->columns = count;
    g->rows = (count + g->columns - 1) / g->columns;
    return CXAI_OK;
}

static int64_t column_width(const grid *g, int column)
{
    int64_t widest = 0;
    if (g->images == NULL)
        return g->tile_width;
    for (int i = column; i < g->count; i += g->columns)
        if (g->images[i].width > widest)
            widest = g->images[i].width;
    return widest * g->upscale;
}

/* Where a column begins; that of column `columns` is where the tiles end. */
static int64_t column_left(const grid *g, int column)
{
    int64_t left = g->gap + g->side_width;
    for (int c = 0; c < column; c++)
        left += column_width(g, c) + g->gap;
    return left;
}

static int64_t row_pitch(const grid *g)
{
    return g->label_height + g->tile_height + g->gap;
}

/* Where a row begins. */
static int64_t row_top(const grid *g, int row)
{
    return g->gap + g->title_height + g->head_height + row * row_pitch(g);
}

static cxai_status create(cxai_image *out, const grid *g,
                          const cxai_tiles *style, cxai_error *error)
{
    int64_t tiles_width = column_left(g, g->columns);
    int64_t top = row_top(g, 0);
    int64_t bar_height = g->rows * row_pitch(g) - g->gap;
    int64_t bar_width = 0;
    if (g->has_bar) {
        if (bar_height < CX_BAR_MIN_HEIGHT)
            bar_height = CX_BAR_MIN_HEIGHT;
        bar_width = cx_bar_width(bar_height, g->range) + g->gap;
    }
    cxai_status status = cx_canvas_create(out, tiles_width + bar_width,
                                          top + bar_height + g->gap, error);
    if (status != CXAI_OK)
        return status;
    if (g->has_bar)
        cx_bar_draw(out, (int)tiles_width, (int)top, (int)bar_height, g->range,
                    style->colormap);
    if (style->title != NULL) {
        char text[1024];
        int room = (out->width - 2 * g->gap) / g->text_scale;
        cxai_text_draw(out, g->gap, g->gap,
                       cxai_text_fit(style->title, room, text, sizeof text),
                       cx_ink, g->text_scale);
    }
    return CXAI_OK;
}

/* Draws a tile's label, which ends where the tile begins. */
static void put_label(cxai_image *canvas, const grid *g,
                      const cxai_tiles *style, int index, int left, int bottom)
{
    char number[16], text[256];
    int column = index % g->columns;
    int name = style->row_labels != NULL ? column : index;
    snprintf(number, sizeof number, "%d", name);
    const char *label = style->labels != NULL ? style->labels[name] : number;
    int room = (int)column_width(g, column) / g->text_scale;
    cxai_text_draw(canvas, left, bottom - CXAI_TEXT_HEIGHT * g->text_scale,
                   cxai_text_fit(label, room, text, sizeof text), cx_ink,
                   g->text_scale);
}

/* Draws a row's label, in the middle of the row. */
static void put_row_label(cxai_image *canvas, const grid *g,
                          const cxai_tiles *style, int row)
{
    char text[256];
    int room = (int)g->tile_height / g->text_scale;
    cxai_text_fit(style->row_labels[row], room, text, sizeof text);
    int width = cxai_text_width(text, g->text_scale);
    int top = (int)(row_top(g, row) + (g->tile_height - width) / 2);
    cx_text_draw_upwards(canvas, g->gap, top + width, text, cx_ink,
                         g->text_scale);
}

/* Draws one tile with its labels. */
static void put(cxai_image *canvas, const grid *g, const cxai_tiles *style,
                int index, const cxai_image *tile)
{
    int column = index % g->columns, row = index / g->columns;
    int left = (int)column_left(g, column);
    int top = (int)row_top(g, row) + g->label_height;
    if (!style->hide_labels && (g->head_height == 0 || row == 0))
        put_label(canvas, g, style, index, left, top);
    if (style->row_labels != NULL && column == 0)
        put_row_label(canvas, g, style, row);
    cx_canvas_paste(canvas, left, top, tile, g->upscale);
}

static cxai_status draw_maps(cxai_image *out, const grid *g,
                             const cxai_real *maps, int height, int width,
                             const cxai_tiles *style, cxai_error *error)
{
    size_t area = (size_t)height * (size_t)width;
    for (int i = 0; i < g->count; i++) {
        const cxai_real *map = maps + (size_t)i * area;
        cxai_range range =
            g->has_bar ? g->range : cxai_map_range(map, area, style->symmetric);
        cxai_image tile;
        cxai_status status = cxai_map_draw(&tile, map, height, width, range,
                                           style->colormap, error);
        if (status != CXAI_OK)
            return status;
        put(out, g, style, i, &tile);
        cxai_image_free(&tile);
    }
    return CXAI_OK;
}

cxai_status cxai_tiles_maps(cxai_image *out, const cxai_real *maps, int count,
                            int height, int width, const cxai_tiles *style,
                            cxai_error *error)
{
    memset(out, 0, sizeof *out);
    cxai_tiles used = style != NULL ? *style : (cxai_tiles){ 0 };
    if (used.upscale == 0 && width > 0 && width < READABLE_WIDTH)
        used.upscale = (READABLE_WIDTH + width - 1) / width;
    grid g = { .has_bar = used.shared_range || used.use_range };
    cxai_status status = lay_out(&g, count, width, height, &used, error);
    if (status != CXAI_OK)
        return status;
    size_t area = (size_t)height * (size_t)width;
    g.range = used.use_range
                  ? used.range
                  : cxai_map_range(maps, (size_t)count * area, used.symmetric);
    status = create(out, &g, &used, error);
    if (status == CXAI_OK)
        status = draw_maps(out, &g, maps, height, width, &used, error);
    if (status != CXAI_OK)
        cxai_image_free(out);
    return status;
}

cxai_status cxai_tiles_images(cxai_image *out, const cxai_image *images,
                              int count, const cxai_tiles *style,
                              cxai_error *error)
{
    memset(out, 0, sizeof *out);
    cxai_tiles used = style != NULL ? *style : (cxai_tiles){ 0 };
    int width = 0, height = 0;
    for (int i = 0; i < count; i++) {
        if (images[i].width > width)
            width = images[i].width;
        if (images[i].height > height)
            height = images[i].height;
    }
    grid g = { .images = images };
    cxai_status status = lay_out(&g, count, width, height, &used, error);
    if (status == CXAI_OK)
        status = create(out, &g, &used, error);
    for (int i = 0; status == CXAI_OK && i < count; i++)
        put(out, &g, &used, i, &images[i]);
    return status;
}
