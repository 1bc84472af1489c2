#include "methods.h"

#include <stdio.h>
#include <string.h>

/* What people call methods beside their names. */
static const struct {
    const char *name, *method;
} short_names[] = {
    { "deconv", "deconvnet" },
    { "gbp", "guided_backprop" },
    { "ggcam", "guided_gradcam" },
    { "gig", "guided_ig" },
    { "ig", "integrated_gradients" },
    { "ixg", "inputxgradient" },
    { "lig", "layer_integrated_gradients" },
    { "sg", "smoothgrad" },
};

enum { SHORT_NAMES = sizeof short_names / sizeof *short_names };

/* ---- finding ------------------------------------------------------------- */

static int is_filler(char c)
{
    return c == '-' || c == '_' || c == ' ';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Whether the first length characters of text are what `name` is called. */
static int is_called(const char *text, size_t length, const char *name)
{
    const char *end = text + length;
    for (;;) {
        while (text < end && is_filler(*text))
            text++;
        while (is_filler(*name))
            name++;
        if (text == end || *name == '\0')
            return text == end && *name == '\0';
        if (lower(*text++) != lower(*name++))
            return 0;
    }
}

static const cxai_heatmap_method *find(const char *text, size_t length)
{
    for (int i = 0; i < SHORT_NAMES; i++)
        if (is_called(text, length, short_names[i].name)) {
            text = short_names[i].method;
            length = strlen(text);
        }
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++)
        if (is_called(text, length, cxai_heatmap_table[i]->name) ||
            is_called(text, length, cxai_heatmap_table[i]->title))
            return cxai_heatmap_table[i];
    return NULL;
}

/* Appends, to out, a setting of the method; 0 where it has no such one. */
static int give_setting(chosen_method *chosen, const char *setting,
                        size_t length)
{
    const cxai_heatmap_parameter *p = chosen->method->parameters;
    size_t name = strcspn(setting, "=,"), used = strlen(chosen->set);
    for (; p != NULL && p->name != NULL; p++)
        if (strlen(p->name) == name && strncmp(p->name, setting, name) == 0) {
            snprintf(chosen->set + used, sizeof chosen->set - used, "%s%.*s",
                     used > 0 ? "," : "", (int)length, setting);
            return 1;
        }
    return 0;
}

/* One method takes all settings, and refuses those that are not its own; of
   several each takes its own. */
static cxai_status give_settings(method_list *list, const char *set,
                                 cxai_error *error)
{
    if (strlen(set) >= METHOD_SETTINGS)
        return cxai_fail(error, CXAI_INVALID,
                         "--set: the settings are too "
                         "long");
    if (list->count == 1) {
        snprintf(list->chosen[0].set, METHOD_SETTINGS, "%s", set);
        return CXAI_OK;
    }
    for (size_t length; *set != '\0'; set += length + (set[length] == ',')) {
        int taken = 0;
        length = strcspn(set, ",");
        for (int i = 0; i < list->count; i++)
            taken += give_setting(&list->chosen[i], set, length);
        if (taken == 0)
            return cxai_fail(error, CXAI_INVALID,
                             "none of the methods has the setting '%.*s'; see "
                             "cxai heatmap --list",
                             (int)length, set);
    }
    return CXAI_OK;
}

cxai_status methods_choose(method_list *list, const char *names,
                           const char *set, cxai_error *error)
{
    list->count = 0;
    for (const char *at = names; at != NULL;) {
        size_t length = strcspn(at, ",");
        const cxai_heatmap_method *method = find(at, length);
        if (method == NULL) {
            char name[64];
            snprintf(name, sizeof name, "%.*s", (int)length, at);
            return cxai_heatmap_find(&method, name, error);
        }
        if (list->count == MOST_METHODS)
            return cxai_fail(error, CXAI_LIMIT,
                             "--method: more than %d methods", MOST_METHODS);
        list->chosen[list->count++] = (chosen_method){ .method = method };
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return set != NULL ? give_settings(list, set, error) : CXAI_OK;
}

int methods_need(const method_list *list)
{
    int needs = 0;
    for (int i = 0; i < list->count; i++)
        needs |= list->chosen[i].method->needs;
    return needs;
}

int methods_are_all(const method_list *list, cxai_heatmap_kind kind)
{
    for (int i = 0; i < list->count; i++)
        if (list->chosen[i].method->kind != kind)
            return 0;
    return 1;
}

/* ---- telling ------------------------------------------------------------- */

/* The i-th of words between blanks. */
static void copy_word(const char *words, int i, char *text, size_t size)
{
    for (; i > 0; i--) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    snprintf(text, size, "%.*s", (int)strcspn(words, " "), words);
}

const char *method_setting(const cxai_heatmap_parameter *parameter,
                           const char *set, char *text, size_t size)
{
    size_t name = strlen(parameter->name);
    if (parameter->choices != NULL)
        copy_word(parameter->choices, (int)parameter->standard, text, size);
    else
        snprintf(text, size, "%g", parameter->standard);
    for (size_t length; *set != '\0'; set += length + (set[length] == ',')) {
        length = strcspn(set, ",");
        if (strncmp(set, parameter->name, name) == 0 && set[name] == '=')
            snprintf(text, size, "%.*s", (int)(length - name - 1),
                     set + name + 1);
    }
    return text;
}

static void print_parameters(const cxai_heatmap_method *method, int indent)
{
    const cxai_heatmap_parameter *p = method->parameters;
    for (; p != NULL && p->name != NULL; p++) {
        char text[64];
        printf("%*s --set %s=%s  %s", indent, "", p->name,
               method_setting(p, "", text, sizeof text), p->summary);
        if (p->choices != NULL)
            printf(": %s\n", p->choices);
        else
            printf(", %g to %g\n", p->low, p->high);
    }
}

void methods_print_all(void)
{
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++) {
        const cxai_heatmap_method *m = cxai_heatmap_table[i];
        printf("%-27s %-12s %s\n", m->name, m->family, m->summary);
        for (int k = 0; k < SHORT_NAMES; k++)
            if (strcmp(short_names[k].method, m->name) == 0)
                printf("%-40s also %s\n", "", short_names[k].name);
        printf("%-40s %s; %s\n", "", m->cost, m->paper);
        print_parameters(m, 40);
    }
}

static void print_needs(int needs)
{
    static const struct {
        int bit;
        const char *text;
    } needed[] = {
        { CXAI_NEEDS_LAYER, "a layer with positions: --layer" },
        { CXAI_NEEDS_GRADIENT, "gradients" },
        { CXAI_NEEDS_STEPS, "a path: --steps" },
        { CXAI_NEEDS_BASELINE, "something to compare with: --baseline" },
        { CXAI_NEEDS_SAMPLES, "random numbers: --samples, --seed" },
    };
    int count = 0;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (needs & needed[i].bit)
            printf("%s%s", count++ > 0 ? "; " : "", needed[i].text);
    printf("%s\n", count == 0 ? "the network's answers alone" : "");
}

void methods_print(const cxai_heatmap_method *method)
{
    static const char *const kinds[] = {
        "a map of the picture, 0 to 1",
        "a signed number for each number of the input",
        "a signed number for each number of the layer",
    };
    printf("%s", method->name);
    for (int k = 0; k < SHORT_NAMES; k++)
        if (strcmp(short_names[k].method, method->name) == 0)
            printf(", %s", short_names[k].name);
    printf(": %s, of the %s family\n\n", method->title, method->family);
    printf("  computes  %s\n", method->summary);
    printf("  paper     %s\n", method->paper);
    printf("  needs     ");
    print_needs(method->needs);
    printf("  costs     %s\n", method->cost);
    printf("  gives     %s\n", kinds[method->kind]);
    if (method->needs & CXAI_IS_ANYTIME)
        printf("  Ctrl-C    gives the estimate so far\n");
    if (method->parameters != NULL && method->parameters->name != NULL)
        printf("  settings\n");
    print_parameters(method, 11);
}
