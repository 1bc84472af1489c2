#include "explanation.h"

#include "explained.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const state_texts[] = {
    "",
    "empty: nothing speaks for the target",
    "flat: no place stands out",
    "not finite",
};

static const char *const state_names[] = { "ok", "empty", "flat",
                                           "not finite" };

static void print(const heat_wish *wish, const workbench *bench,
                  const explanation *e, int i, const char *file)
{
    const cxai_heatmap *map = &e->maps[i];
    char source[256];
    say("%s%s: %s, score %.4f (%s)", e->in->path, e->in->note, e->names[i],
        map->score, target_source(bench, &map->target, source, sizeof source));
    if (!isnan(map->probability))
        say(", probability %.4f", map->probability);
    if (!isnan(map->delta))
        say(", baseline %s, completeness error %.2g", wish->baseline,
            map->delta);
    if (map->state != CXAI_HEATMAP_OK)
        say("; %s", state_texts[map->state]);
    say("%s%s\n", *file ? " -> " : "", file);
}

static void report(const heat_wish *wish, batch *b, const explanation *e, int i,
                   const char *file)
{
    const cxai_model *model = b->bench.model;
    const cxai_heatmap *map = &e->maps[i];
    json *j = &b->report;
    if (!b->settings->json)
        print(wish, &b->bench, e, i, file);
    json_object(j, NULL);
    json_text(j, "image", e->in->path);
    json_number(j, "row", (double)e->row);
    input_report(j, e->in, e->row);
    json_text(j, "method", wish->method->name);
    if (map->layer >= 0)
        json_text(j, "layer", cxai_model_value_name(model, map->layer));
    target_report(&b->bench, &map->target, j);
    json_number(j, "score", map->score);
    json_number(j, "probability", map->probability);
    json_number(j, "completeness_error", map->delta);
    if (wish->method->needs & CXAI_NEEDS_BASELINE)
        json_text(j, "baseline", wish->baseline);
    json_text(j, "state", state_names[map->state]);
    json_number(j, "raw_minimum", map->minimum);
    json_number(j, "raw_maximum", map->maximum);
    json_text(j, "normalisation", heat_normalisation(map));
    if (*file)
        json_text(j, "file", file);
    json_number(j, "seconds", e->seconds);
    json_end(j);
}

/* What a file of an explanation is called by, and what it shows. */
static void describe(const heat_wish *wish, const batch *b,
                     const explanation *e, const char *label,
                     char name[NAME_WHOLE], output_subject *subject)
{
    char stem[INPUT_STEM];
    int layer = e->maps[0].layer;
    *subject = (output_subject){
        e->in->path, input_row_number(e->in, e->row),
        layer < 0 ? NULL : cxai_model_value_name(b->bench.model, layer), label
    };
    input_row_stem(e->in, e->row, stem);
    join_name(name, stem, wish->method->name, label);
}

/* Draws count maps into one file. */
static cxai_status save(const heat_wish *wish, batch *b, const explanation *e,
                        const char *label, const cxai_heatmap *maps,
                        const char *const *names, int count, cxai_error *error)
{
    char name[NAME_WHOLE];
    output_subject subject;
    cxai_image picture;
    describe(wish, b, e, label, name, &subject);
    cxai_status status = outputs_next(&b->outputs, name, ".png", error);
    if (status != CXAI_OK)
        return status;
    status = heat_draw(&picture, &e->photo, &e->geometry, maps, names, count,
                       &wish->style, error);
    if (status == CXAI_OK)
        status = cxai_image_save(&picture, b->outputs.path, error);
    if (status == CXAI_OK)
        outputs_note(&b->outputs, &subject);
    cxai_image_free(&picture);
    return status;
}

/* Draws those of count maps from number first on that are pictures into one
   file: a state other than ok is a result, but shows nothing. */
static cxai_status draw(const heat_wish *wish, batch *b, const explanation *e,
                        int first, int count, cxai_error *error)
{
    cxai_heatmap *maps = calloc((size_t)count, sizeof *maps);
    const char **names = calloc((size_t)count, sizeof *names);
    cxai_status status = CXAI_OK;
    int chosen = 0;
    if (maps == NULL || names == NULL)
        status = cxai_fail(error, CXAI_NO_MEMORY, "no memory for a picture");
    for (int i = first; status == CXAI_OK && i < first + count; i++)
        if (e->maps[i].state == CXAI_HEATMAP_OK) {
            maps[chosen] = e->maps[i];
            names[chosen++] = e->names[i];
        }
    if (chosen > 0)
        status = save(wish, b, e, count > 1 ? "targets" : e->names[first], maps,
                      names, chosen, error);
    free(maps);
    free(names);
    return status;
}

/* Says which maps show nothing; not_finite says it of others. */
static void warn_of_states(batch *b, const explanation *e)
{
    for (int i = 0; i < e->count; i++)
        if (e->maps[i].state == CXAI_HEATMAP_EMPTY ||
            e->maps[i].state == CXAI_HEATMAP_FLAT)
            warn(&b->bench, "%s: no picture of '%s', whose map is %s",
                 e->in->path, e->names[i], state_texts[e->maps[i].state]);
}

cxai_status explanation_deliver(const explanation *e, const heat_wish *wish,
                                batch *b, cxai_error *error)
{
    int raw = wish->raw;
    cxai_status status = CXAI_OK;
    /* one file for several targets */
    int together =
        e->count > 1 && b->settings->out != NULL && !b->outputs.is_folder;
    if (!raw)
        warn_of_states(b, e);
    if (together && !raw)
        status = draw(wish, b, e, 0, e->count, error);
    for (int i = 0; status == CXAI_OK && i < e->count; i++) {
        char name[NAME_WHOLE];
        output_subject subject;
        const cxai_heatmap *map = &e->maps[i];
        int drawn = !raw && map->state == CXAI_HEATMAP_OK;
        if (!together && drawn)
            status = draw(wish, b, e, i, 1, error);
        describe(wish, b, e, e->names[i], name, &subject);
        if (status == CXAI_OK)
            status = numbers_add(&b->numbers, map->data, &map->shape, 1, name,
                                 &subject, error);
        if (status == CXAI_OK)
            report(wish, b, e, i, drawn ? b->outputs.path : "");
    }
    return status;
}

cxai_status explanation_make_room(explanation *e, int count, cxai_error *error)
{
    e->count = count;
    e->maps = calloc((size_t)count + 1, sizeof *e->maps);
    e->names = calloc((size_t)count + 1, sizeof *e->names);
    e->texts = calloc((size_t)count + 1, sizeof *e->texts);
    if (e->maps == NULL || e->names == NULL || e->texts == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %d heatmaps",
                         count);
    return CXAI_OK;
}

void explanation_free(explanation *e)
{
    for (int i = 0; e->maps != NULL && i < e->count; i++)
        cxai_heatmap_clear(&e->maps[i]);
    free(e->maps);
    free(e->names);
    free(e->texts);
    cxai_image_free(&e->photo);
}
