#include "explanation.h"

#include <stdio.h>
#include <stdlib.h>

int explanation_count(const explanation *e)
{
    return e->methods * e->targets;
}

const chosen_method *explanation_method(const explanation *e, int i)
{
    return &e->wish->methods.chosen[i / e->targets];
}

/* Methods by targets: rows and columns. */
static int is_table(const explanation *e)
{
    return e->methods > 1 && e->targets > 1;
}

static int is_drawn(const explanation *e, int i)
{
    return !e->wish->raw && e->maps[i].state == CXAI_HEATMAP_OK;
}

/* What files of map number i are called by, and what they show. */
static void describe(const batch *b, const explanation *e, int i,
                     const char *label, char name[NAME_WHOLE],
                     output_subject *subject)
{
    char stem[INPUT_STEM];
    int layer = e->maps[i].layer;
    *subject = (output_subject){
        .image = e->in->path,
        .row = input_row_number(e->in, e->row),
        .layer =
            layer < 0 ? NULL : cxai_model_value_name(b->bench.model, layer),
        .target = label,
    };
    input_row_stem(e->in, e->row, stem);
    join_name(name, stem, explanation_method(e, i)->method->name, label);
}

static cxai_status draw_map(explanation *e, int i, cxai_image *picture,
                            cxai_error *error)
{
    heat_style style = heat_style_of(&e->wish->style, &e->maps[i]);
    return heat_draw(picture, &e->facts[i], &e->photo, &e->geometry,
                     &e->maps[i], &style, error);
}

/* ---- one picture of several maps -------------------------------------------
 */

/* A grid in the making: tiles, and what stands above them and beside the
   rows. */
typedef struct mosaic {
    cxai_image *tiles;
    const char **labels;
    const char **row_labels; /* of methods, where targets are the columns */
    int count;
} mosaic;

/* The name of the method or of the target: what the maps differ in. */
static const char *label_of(const explanation *e, int i)
{
    return e->targets > 1 ? e->names[i % e->targets]
                          : explanation_method(e, i)->method->title;
}

/* Methods by targets is a table, in which a map that shows nothing has its
   place. Else such maps are left out. */
static cxai_status add_tile(mosaic *m, explanation *e, int i, cxai_error *error)
{
    cxai_heatmap_state state = e->maps[i].state;
    if (state != CXAI_HEATMAP_OK && !is_table(e))
        return CXAI_OK;
    cxai_image *tile = &m->tiles[m->count];
    m->labels[m->count++] = label_of(e, i);
    return state == CXAI_HEATMAP_OK
               ? draw_map(e, i, tile, error)
               : heat_draw_nothing(tile, &e->photo,
                                   explanation_state_name(state), error);
}

enum { READABLE_WIDTH = 64 };

static cxai_status lay_out(const mosaic *m, const explanation *e,
                           cxai_image *out, cxai_error *error)
{
    int width = m->tiles[0].width;
    cxai_tiles style = {
        .labels = m->labels,
        .row_labels = is_table(e) ? m->row_labels : NULL,
        .columns = is_table(e) ? e->targets : 0,
        .upscale =
            width < READABLE_WIDTH ? (READABLE_WIDTH + width - 1) / width : 1,
    };
    return cxai_tiles_images(out, m->tiles, m->count, &style, error);
}

/* Draws all maps into one picture; its pixels are NULL where none shows
   anything. */
static cxai_status draw_mosaic(explanation *e, cxai_image *out,
                               cxai_error *error)
{
    int count = explanation_count(e), any = 0;
    mosaic m = { calloc((size_t)count, sizeof *m.tiles),
                 calloc((size_t)count, sizeof *m.labels),
                 calloc((size_t)e->methods, sizeof *m.row_labels), 0 };
    cxai_status status = CXAI_OK;
    *out = (cxai_image){ 0 };
    if (m.tiles == NULL || m.labels == NULL || m.row_labels == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for a picture");
    for (int k = 0; status == CXAI_OK && k < e->methods; k++)
        m.row_labels[k] = e->wish->methods.chosen[k].method->title;
    for (int i = 0; status == CXAI_OK && i < count; i++) {
        any |= is_drawn(e, i);
        status = add_tile(&m, e, i, error);
    }
    if (status == CXAI_OK && any)
        status = lay_out(&m, e, out, error);
    for (int i = 0; m.tiles != NULL && i < count; i++)
        cxai_image_free(&m.tiles[i]);
    free(m.tiles);
    free(m.labels);
    free(m.row_labels);
    return status;
}

/* ---- files -----------------------------------------------------------------
 */

/* Puts a line above a picture. */
static cxai_status add_caption(cxai_image *picture, const explanation *e, int i,
                               cxai_error *error)
{
    char text[512];
    const char *label = text;
    const cxai_heatmap *map = &e->maps[i];
    cxai_image plain = *picture;
    cxai_tiles style = { .labels = &label, .columns = 1 };
    int length =
        snprintf(text, sizeof text, "%s, %s: %.4g", e->names[i % e->targets],
                 explanation_method(e, i)->method->title, map->score);
    if (map->total > map->done)
        snprintf(text + length, sizeof text - (size_t)length,
                 " (%lld of %lld passes)", (long long)map->done,
                 (long long)map->total);
    cxai_status status = cxai_tiles_images(picture, &plain, 1, &style, error);
    cxai_image_free(&plain);
    return status;
}

/* One map in a picture of its own. */
static cxai_status draw_alone(explanation *e, int i, cxai_image *picture,
                              cxai_error *error)
{
    cxai_status status = draw_map(e, i, picture, error);
    return status == CXAI_OK && e->wish->style.caption
               ? add_caption(picture, e, i, error)
               : status;
}

static cxai_status save(batch *b, const char *name, const cxai_image *picture,
                        cxai_error *error)
{
    cxai_status status = outputs_next(&b->outputs, name, ".png", error);
    return status == CXAI_OK ? cxai_image_save(picture, b->outputs.path, error)
                             : status;
}

/* The one file of all maps. */
static cxai_status save_together(batch *b, explanation *e, cxai_error *error)
{
    cxai_image picture;
    char name[NAME_WHOLE];
    output_subject subject;
    describe(b, e, 0, "targets", name, &subject);
    cxai_status status = draw_mosaic(e, &picture, error);
    if (status == CXAI_OK && picture.pixels != NULL) {
        status = save(b, name, &picture, error);
        outputs_note(&b->outputs, &subject);
    }
    cxai_image_free(&picture);
    return status;
}

/* Saves map number i, and tells of it: in the report, in the index of its
   files, in a line. `together`: its picture has been saved. */
static cxai_status deliver_map(batch *b, explanation *e, int i, int together,
                               cxai_error *error)
{
    char name[NAME_WHOLE];
    output_subject subject;
    cxai_image picture = { 0 };
    cxai_status status = CXAI_OK;
    json entry = { 0 };
    int drawn = is_drawn(e, i), alone = drawn && !together;
    describe(b, e, i, e->names[i % e->targets], name, &subject);
    if (alone)
        status = draw_alone(e, i, &picture, error);
    if (alone && status == CXAI_OK)
        status = save(b, name, &picture, error);
    cxai_image_free(&picture);
    explanation_report(e, &b->bench, i, drawn ? b->outputs.path : "", &entry);
    subject.result = entry.text;
    if (alone && status == CXAI_OK)
        outputs_note(&b->outputs, &subject);
    if (status == CXAI_OK)
        status = numbers_add(&b->numbers, e->maps[i].data, &e->maps[i].shape, 1,
                             name, &subject, error);
    if (status == CXAI_OK && !b->settings->json)
        explanation_print(e, &b->bench, i, drawn ? b->outputs.path : "");
    if (status == CXAI_OK && entry.failed)
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for the report");
    if (status == CXAI_OK)
        json_insert(&b->report, NULL, entry.text);
    json_free(&entry);
    return status;
}

/* Says which maps show nothing; not_finite says it of others. */
static void warn_of_states(batch *b, const explanation *e)
{
    for (int i = 0; i < explanation_count(e); i++)
        if (e->maps[i].state == CXAI_HEATMAP_EMPTY ||
            e->maps[i].state == CXAI_HEATMAP_FLAT)
            warn(&b->bench, "%s: no picture of '%s', whose map is %s",
                 e->in->path, e->names[i % e->targets],
                 explanation_state_text(e->maps[i].state));
}

cxai_status explanation_deliver(explanation *e, batch *b, cxai_error *error)
{
    int count = explanation_count(e);
    cxai_status status = CXAI_OK;
    /* one file for several maps */
    int together = count > 1 && b->settings->out != NULL &&
                   !b->outputs.is_folder && !e->wish->raw;
    if (!e->wish->raw)
        warn_of_states(b, e);
    if (together)
        status = save_together(b, e, error);
    for (int i = 0; status == CXAI_OK && i < count; i++)
        status = deliver_map(b, e, i, together, error);
    return status;
}

/* ---- memory ----------------------------------------------------------------
 */

cxai_status explanation_make_room(explanation *e, int count, cxai_error *error)
{
    size_t methods = (size_t)e->wish->methods.count, targets = (size_t)count;
    e->targets = count;
    e->maps = calloc(methods * targets + 1, sizeof *e->maps);
    e->facts = calloc(methods * targets + 1, sizeof *e->facts);
    e->names = calloc(targets + 1, sizeof *e->names);
    e->texts = calloc(targets + 1, sizeof *e->texts);
    e->seconds = calloc(methods + 1, sizeof *e->seconds);
    if (e->maps == NULL || e->facts == NULL || e->names == NULL ||
        e->texts == NULL || e->seconds == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %d heatmaps",
                         count);
    return CXAI_OK;
}

void explanation_free(explanation *e)
{
    for (int i = 0; e->maps != NULL && i < explanation_count(e); i++)
        cxai_heatmap_clear(&e->maps[i]);
    free(e->maps);
    free(e->facts);
    free(e->names);
    free(e->texts);
    free(e->seconds);
    cxai_image_free(&e->photo);
}
