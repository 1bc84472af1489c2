/* cxai_model_find: what users call a layer -> a value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/distance.h"
#include "graph/graph.h"

enum { LISTED = 5 };

/* A name, or the part of a module path, and the value that it stands for. */
typedef struct name {
    const char *text;
    size_t length;
    int value;
} name;

typedef enum kind {
    VALUE_NAME,
    NODE_NAME,
    MODULE_PATH,
    PARAMETER_PATH,
    KINDS
} kind;

/* Called for every name of the model in ascending order of nodes. */
typedef void visitor(const name *found, void *payload);

static int first_output(const cx_node *node)
{
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] >= 0)
            return node->outputs[i];
    return -1;
}

/* A node inside "layer4.1.conv2" is inside "layer4.1" and "layer4", too. */
static void visit_modules(const cx_node *node, visitor *visit, void *payload)
{
    const char *module = node->module;
    name found = { module, 0, first_output(node) };
    while (found.value >= 0 && module[found.length] != '\0') {
        found.length += module[found.length] == '.';
        found.length += strcspn(module + found.length, ".");
        visit(&found, payload);
    }
}

/* The path of the module whose parameter a value is: "layer4.1.conv2" for
   "layer4.1.conv2.weight"; NULL for another value. */
static const char *parameter_path(const cxai_model *model, int value,
                                  size_t *length)
{
    if (value < 0 || model->values[value].literal == NULL)
        return NULL;
    const char *text = model->values[value].name;
    const char *dot = strrchr(text, '.');
    if (dot == NULL || dot == text || strchr(text, '/') != NULL)
        return NULL;
    *length = (size_t)(dot - text);
    return text;
}

/* An exporter that merges a module into the next one, a convolution into its
   batch norm, records the next one alone; the parameters keep their names. */
static void visit_parameters(const cxai_model *model, const cx_node *node,
                             visitor *visit, void *payload)
{
    name found = { .value = first_output(node) };
    for (int i = 0; found.value >= 0 && i < node->input_count; i++) {
        found.text = parameter_path(model, node->inputs[i], &found.length);
        if (found.text != NULL)
            visit(&found, payload);
    }
}

static void visit_names(const cxai_model *model, kind of, visitor *visit,
                        void *payload)
{
    for (int v = 0; of == VALUE_NAME && v < model->value_count; v++) {
        const char *text = model->values[v].name;
        visit(&(name){ text, strlen(text), v }, payload);
    }
    for (int n = 0; of != VALUE_NAME && n < model->node_count; n++) {
        const cx_node *node = &model->nodes[n];
        int value = first_output(node);
        if (of == MODULE_PATH)
            visit_modules(node, visit, payload);
        else if (of == PARAMETER_PATH)
            visit_parameters(model, node, visit, payload);
        else if (value >= 0 && *node->name != '\0')
            visit(&(name){ node->name, strlen(node->name), value }, payload);
    }
}

static int same_text(const name *a, const name *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* ---- exact names and suffixes ---- */

/* The different names that match. A module is met once for every node inside
   it: the last one gives its value. Nodes of one name are different. */
typedef struct matches {
    const char *wanted;
    size_t length;
    int suffix; /* 0: the whole name must be equal */
    kind kind;
    int shared; /* several nodes have the same name */
    int count;
    name list[LISTED];
} matches;

static int is_match(const matches *m, const name *found)
{
    if (found->length < m->length)
        return 0;
    size_t start = found->length - m->length;
    if (memcmp(found->text + start, m->wanted, m->length) != 0)
        return 0;
    if (!m->suffix)
        return start == 0;
    return start > 0 &&
           (found->text[start - 1] == '.' || found->text[start - 1] == '/');
}

static void match(const name *found, void *payload)
{
    matches *m = payload;
    if (!is_match(m, found))
        return;
    for (int i = 0; i < m->count && i < LISTED; i++) {
        if (!same_text(&m->list[i], found))
            continue;
        if (m->kind == MODULE_PATH || m->kind == PARAMETER_PATH)
            m->list[i].value = found->value;
        if (m->kind != NODE_NAME)
            return;
        m->shared = 1;
    }
    if (m->count < LISTED)
        m->list[m->count] = *found;
    m->count++;
}

/* Appends quoted names to text, as far as they fit. */
static void list_names(char *text, size_t size, const name *list, int count)
{
    size_t used = strlen(text);
    for (int i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s\"%.*s\"",
                                 i > 0 ? ", " : "", (int)list[i].length,
                                 list[i].text);
}

/* Nodes that share a name are told apart by the values that they make. */
static cxai_status ambiguous(const cxai_model *model, matches *m,
                             cxai_error *error)
{
    char text[800] = "";
    int listed = m->count < LISTED ? m->count : LISTED;
    for (int i = 0; m->shared && i < listed; i++) {
        m->list[i].text = model->values[m->list[i].value].name;
        m->list[i].length = strlen(m->list[i].text);
    }
    list_names(text, sizeof text, m->list, listed);
    return cxai_fail(error, CXAI_INVALID, "\"%s\" fits several %s: %s%s",
                     m->wanted,
                     m->shared ? "nodes; take one of their outputs" : "names",
                     text, m->count > listed ? " and more" : "");
}

/* ---- the nearest names ---- */

typedef struct nearest {
    const char *wanted;
    int count;
    name list[LISTED];
    int distance[LISTED]; /* ascending */
} nearest;

static void rank(const name *found, void *payload)
{
    nearest *n = payload;
    if (found->length == 0 || found->length > CX_LONGEST_TEXT)
        return;
    int own = cx_distance(n->wanted, found->text, found->length, "./", 0);
    if (n->count == LISTED && own >= n->distance[LISTED - 1])
        return;
    for (int i = 0; i < n->count; i++)
        if (same_text(&n->list[i], found))
            return;
    int at = n->count < LISTED ? n->count++ : LISTED - 1;
    for (; at > 0 && n->distance[at - 1] > own; at--) {
        n->distance[at] = n->distance[at - 1];
        n->list[at] = n->list[at - 1];
    }
    n->distance[at] = own;
    n->list[at] = *found;
}

static cxai_status unknown(const cxai_model *model, const char *wanted,
                           cxai_error *error)
{
    nearest n = { .wanted = wanted };
    visit_names(model, MODULE_PATH, rank, &n);
    visit_names(model, PARAMETER_PATH, rank, &n);
    visit_names(model, VALUE_NAME, rank, &n);
    visit_names(model, NODE_NAME, rank, &n);
    char text[800] = "";
    list_names(text, sizeof text, n.list, n.count);
    return cxai_fail(error, CXAI_NOT_FOUND,
                     "there is no layer \"%.128s\"; the nearest names are: %s",
                     wanted, text);
}

/* ---- "#index" ---- */

static int is_index(const char *text)
{
    return text[0] == '#' && text[1] != '\0' &&
           strspn(text + 1, "0123456789") == strlen(text + 1);
}

static cxai_status find_index(const cxai_model *model, const char *text,
                              int *value, cxai_error *error)
{
    unsigned long long index = strtoull(text + 1, NULL, 10);
    if (index >= (unsigned long long)model->node_count)
        return cxai_fail(error, CXAI_NOT_FOUND,
                         "there is no node %.32s; the model has %d nodes, "
                         "counted from #0",
                         text, model->node_count);
    *value = first_output(&model->nodes[index]);
    return CXAI_OK;
}

cxai_status cxai_model_find(const cxai_model *model, const char *text,
                            int *value, cxai_error *error)
{
    for (int suffix = 0; suffix <= 1; suffix++) {
        for (kind of = VALUE_NAME; of < KINDS; of++) {
            matches m = { .wanted = text,
                          .length = strlen(text),
                          .suffix = suffix,
                          .kind = of };
            if (m.length > 0)
                visit_names(model, of, match, &m);
            if (m.count > 1)
                return ambiguous(model, &m, error);
            if (m.count == 1) {
                *value = m.list[0].value;
                return CXAI_OK;
            }
        }
    }
    if (is_index(text))
        return find_index(model, text, value, error);
    return unknown(model, text, error);
}

/* ---- merged modules ---- */

/* 1 when the module is the path, or stands inside it. */
static int is_inside(const char *module, const name *path)
{
    return strncmp(module, path->text, path->length) == 0 &&
           (module[path->length] == '\0' || module[path->length] == '.');
}

const char *cxai_model_merged_module(const cxai_model *model, const char *text,
                                     int value)
{
    int producer = model->values[value].producer;
    const cx_node *node = producer >= 0 ? &model->nodes[producer] : NULL;
    matches m = { .wanted = text, .length = strlen(text) };
    for (int i = 0; node != NULL && i < node->input_count; i++) {
        name path = { 0 };
        path.text = parameter_path(model, node->inputs[i], &path.length);
        if (path.text == NULL || *node->module == '\0' ||
            is_inside(node->module, &path))
            continue;
        for (m.suffix = 0; m.suffix <= 1; m.suffix++)
            if (is_match(&m, &path))
                return node->module;
    }
    return NULL;
}
