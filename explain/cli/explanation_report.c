/* What is told of heatmaps. */
#include "explanation.h"

#include <math.h>

#include "explained.h"

static const char *const state_texts[] = {
    "",
    "empty: nothing speaks for the target",
    "flat: no place stands out",
    "not finite",
};

static const char *const state_names[] = { "ok", "empty", "flat",
                                           "not finite" };

const char *explanation_state_text(cxai_heatmap_state state)
{
    return state_texts[state];
}

const char *explanation_state_name(cxai_heatmap_state state)
{
    return state_names[state];
}

static void print_hot(const heat_facts *f)
{
    const cxai_box *box = &f->hot.box;
    if (f->hot.area == 0)
        say("; nothing is hot at %g", f->threshold);
    else
        say("; hot at %g: %d,%d to %d,%d, %.1f %% of the picture, %.1f %% of "
            "the heat",
            f->threshold, box->left, box->top, box->right, box->bottom,
            100 * (double)f->hot.area / (double)f->seen, 100 * f->heat_share);
}

void explanation_print(const explanation *e, const workbench *bench, int i,
                       const char *file)
{
    const cxai_heatmap *map = &e->maps[i];
    char source[256];
    say("%s%s: ", e->in->path, e->in->note);
    if (e->methods > 1)
        say("%s: ", explanation_method(e, i)->method->name);
    say("%s, score %.4f (%s)", e->names[i % e->targets], shown(map->score),
        target_source(bench, &map->target, source, sizeof source));
    if (!isnan(map->probability))
        say(", probability %.4f", map->probability);
    if (explanation_method(e, i)->method->needs & CXAI_NEEDS_BASELINE)
        say(", baseline %s", e->wish->baseline);
    if (!isnan(map->delta))
        say(", completeness error %.2g", map->delta);
    if (map->state != CXAI_HEATMAP_OK)
        say("; %s", state_texts[map->state]);
    if (e->wish->style.hot && e->facts[i].known)
        print_hot(&e->facts[i]);
    if (map->done < map->total)
        say("; stopped: an estimate from %lld of %lld passes",
            (long long)map->done, (long long)map->total);
    say("%s%s\n", *file ? " -> " : "", file);
}

/* Numbers that were given; null: the method's own. */
static void report_given(json *j, const char *key, int given, double value)
{
    json_number(j, key, given ? value : (double)NAN);
}

static void report_parameters(json *j, const heat_wish *wish,
                              const chosen_method *chosen)
{
    const cxai_heatmap_options *o = wish->options;
    const cxai_heatmap_parameter *p = chosen->method->parameters;
    int needs = chosen->method->needs;
    char text[METHOD_SETTINGS];
    json_object(j, "parameters");
    if (needs & CXAI_NEEDS_STEPS)
        report_given(j, "steps", o->steps > 0, o->steps);
    if (needs & CXAI_NEEDS_BASELINE)
        json_text(j, "baseline", wish->baseline);
    if (needs & CXAI_NEEDS_SAMPLES) {
        report_given(j, "samples", o->samples > 0, o->samples);
        report_given(j, "noise", o->noise >= 0, o->noise);
        json_number(j, "seed", (double)o->seed);
    }
    for (; p != NULL && p->name != NULL; p++)
        json_text(j, p->name,
                  method_setting(p, chosen->set, text, sizeof text));
    json_end(j);
}

/* photo_x = offset + scale * network_x, see cxai/preprocess.h. */
static void report_geometry(json *j, const cxai_geometry *g)
{
    json_object(j, "geometry");
    json_number(j, "photo_width", g->photo_width);
    json_number(j, "photo_height", g->photo_height);
    json_number(j, "network_width", g->network_width);
    json_number(j, "network_height", g->network_height);
    json_number(j, "scale_x", g->scale_x);
    json_number(j, "scale_y", g->scale_y);
    json_number(j, "offset_x", g->offset_x);
    json_number(j, "offset_y", g->offset_y);
    json_end(j);
}

static void report_numbers(json *j, const explanation *e, int i)
{
    const cxai_heatmap *map = &e->maps[i];
    json_number(j, "score", map->score);
    json_number(j, "probability", map->probability);
    json_number(j, "completeness_error", map->delta);
    json_text(j, "state", state_names[map->state]);
    json_number(j, "raw_minimum", map->minimum);
    json_number(j, "raw_maximum", map->maximum);
    json_text(j, "normalisation", heat_normalisation(map));
    heat_report(j, &e->facts[i]);
    if (map->total > 0) {
        json_number(j, "passes_done", (double)map->done);
        json_number(j, "passes_wanted", (double)map->total);
    }
}

void explanation_report(const explanation *e, const workbench *bench, int i,
                        const char *file, json *j)
{
    const cxai_heatmap *map = &e->maps[i];
    const chosen_method *chosen = explanation_method(e, i);
    json_object(j, NULL);
    json_text(j, "image", e->in->path);
    json_number(j, "row", (double)e->row);
    input_report(j, e->in, e->row);
    report_geometry(j, &e->geometry);
    json_text(j, "method", chosen->method->name);
    report_parameters(j, e->wish, chosen);
    if (map->layer >= 0)
        json_text(j, "layer", cxai_model_value_name(bench->model, map->layer));
    target_report(bench, &map->target, j);
    report_numbers(j, e, i);
    if (*file)
        json_text(j, "file", file);
    json_number(j, "seconds", e->seconds[i / e->targets]);
    json_end(j);
}
