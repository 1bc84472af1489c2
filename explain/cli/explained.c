#include "explained.h"

#include <stdio.h>

cxai_target_context target_context(const workbench *bench,
                                   const cxai_geometry *geometry)
{
    return (cxai_target_context){ bench->model, bench->shapes, bench->labels,
                                  geometry };
}

char *target_name(const workbench *bench, const cxai_target *target, char *name,
                  size_t size)
{
    cxai_target_context context = target_context(bench, NULL);
    return cxai_target_describe(target, &context, name, size);
}

/* The operator between the target's value and the output; "" for none. */
static const char *scored_by(const workbench *bench, const cxai_target *target)
{
    cxai_classes classes = cxai_model_classes(bench->model, bench->shapes);
    return target->value == classes.value ? classes.scored_by : "";
}

char *target_source(const workbench *bench, const cxai_target *target,
                    char *source, size_t size)
{
    const char *after = scored_by(bench, target);
    snprintf(source, size, "%s%s%s",
             cxai_model_value_name(bench->model, target->value),
             *after ? ", before " : "", after);
    return source;
}

char *reading_text(const workbench *bench, char *text, size_t size)
{
    static const char *const readings[] = { "no probabilities", "by softmax",
                                            "by sigmoid, each for itself" };
    cxai_classes c = cxai_model_classes(bench->model, bench->shapes);
    if (c.count == 0)
        snprintf(text, size, "no classes: targets are numbers of it");
    else if (c.count == 1 && c.reading == CXAI_READ_SIGMOID)
        snprintf(text, size, "yes or no, by sigmoid");
    else if (c.count == 1)
        snprintf(text, size, "one number, %s", readings[c.reading]);
    else
        snprintf(text, size, "%lld classes, %s", (long long)c.count,
                 readings[c.reading]);
    return text;
}

static void add_term(const workbench *bench, const cxai_target *target,
                     const cxai_target_term *term, json *j)
{
    const cxai_shape *shape = &bench->shapes[target->value];
    char indices[256];
    json_object(j, NULL);
    json_number(j, "weight", term->weight);
    json_text(j, "indices",
              cxai_target_indices(term, shape, indices, sizeof indices));
    json_number(j, "mean_of", (double)cxai_target_count(term, shape));
    json_end(j);
}

void target_report(const workbench *bench, const cxai_target *target, json *j)
{
    cxai_classes classes = cxai_model_classes(bench->model, bench->shapes);
    int64_t class = cxai_target_class(target, &classes);
    const char *after = scored_by(bench, target);
    char name[512];
    json_text(j, "target", target->text);
    target_name(bench, target, name, sizeof name);
    json_text(j, "explains", name);
    json_text(j, "value", cxai_model_value_name(bench->model, target->value));
    if (*after)
        json_text(j, "before", after);
    if (class >= 0) {
        json_number(j, "class", (double)class);
        json_number(j, "sign", target->terms[0].weight < 0 ? -1 : 1);
        if (cxai_labels_count(bench->labels) == classes.count)
            json_text(j, "label", class_name(bench, class));
    }
    json_array(j, "terms");
    for (int i = 0; i < target->term_count; i++)
        add_term(bench, target, &target->terms[i], j);
    json_end(j);
}
