/* Turns a builder's heap of nodes into a model: checked, sorted, without dead
   parts, with constants folded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/builder.h"

/* Stands for operators whose kind has been named. */
static const cx_operator unsupported;

/* Appends "com.example.Foo (3 nodes, first: Foo node "n1")" for the kind of a
   node without operator, and marks all nodes of that kind. */
static void describe_unsupported(cx_builder *builder, int first, char *text,
                                 size_t size)
{
    const cx_node *node = &builder->nodes[first];
    int count = 0;
    for (int n = first; n < builder->model->node_count; n++) {
        cx_node *other = &builder->nodes[n];
        if (other->op != NULL || strcmp(node->type, other->type) != 0 ||
            strcmp(node->domain, other->domain) != 0)
            continue;
        other->op = &unsupported;
        count++;
    }
    size_t used = strlen(text);
    const char *domain = cx_is_default_domain(node->domain) ? "" : node->domain;
    snprintf(text + used, size - used, "%s%s%s%s (%d node%s, first: %s)",
             used > 0 ? ", " : "", domain, *domain != '\0' ? "." : "",
             node->type, count, count == 1 ? "" : "s", node->label);
}

static cxai_status find_operators(cx_builder *builder, cxai_error *error)
{
    char missing[900] = "";
    int count = builder->model->node_count;
    for (int n = 0; n < count; n++) {
        cx_node *node = &builder->nodes[n];
        node->op = cx_builder_operator(node);
    }
    for (int n = 0; n < count && strlen(missing) + 1 < sizeof missing; n++)
        if (builder->nodes[n].op == NULL)
            describe_unsupported(builder, n, missing, sizeof missing);
    if (*missing != '\0')
        return cxai_fail(error, CXAI_UNSUPPORTED, "unsupported operators: %s",
                         missing);
    return CXAI_OK;
}

static cxai_status check_nodes(const cx_builder *builder, cxai_error *error)
{
    const cxai_model *model = builder->model;
    for (int n = 0; n < model->node_count; n++) {
        const cx_node *node = &builder->nodes[n];
        cxai_status status = cx_builder_check_arity(node, error);
        if (status != CXAI_OK)
            return status;
        for (int i = 0; i < node->input_count; i++) {
            int v = node->inputs[i];
            if (v < 0)
                continue;
            const cx_value *value = &builder->values[v];
            if (value->producer < 0 && value->literal == NULL &&
                value->declared.rank < 0)
                return cxai_fail(error, CXAI_MALFORMED,
                                 "%s reads \"%s\", which nothing makes",
                                 node->label, value->name);
        }
    }
    if (model->output_count == 0)
        return cxai_fail(error, CXAI_MALFORMED, "the graph has no output");
    for (int i = 0; i < model->output_count; i++) {
        const cx_value *value = &builder->values[builder->outputs[i]];
        if (value->producer < 0 && value->literal == NULL &&
            value->declared.rank < 0)
            return cxai_fail(error, CXAI_MALFORMED,
                             "nothing makes the graph's output \"%s\"",
                             value->name);
    }
    return CXAI_OK;
}

/*
 * Orders the nodes that lead to an output so that each comes after those that
 * it reads: a depth-first walk from the outputs with a stack of our own, as
 * files may be deep. Nodes keep the file's order where that is possible: the
 * walk starts from live nodes in file order.
 */
typedef struct sorter {
    const cx_builder *builder;
    int *order; /* node numbers, sorted */
    int count;
    int *stack;
    int *next_input; /* by node: where its visit goes on; -1 finished */
    unsigned char *open;
} sorter;

/* The next unfinished producer that node n waits for, or -1. */
static int next_producer(sorter *s, int n)
{
    const cx_node *node = &s->builder->nodes[n];
    while (s->next_input[n] < node->input_count) {
        int v = node->inputs[s->next_input[n]++];
        int producer = v < 0 ? -1 : s->builder->values[v].producer;
        if (producer >= 0 && s->next_input[producer] >= 0)
            return producer;
    }
    return -1;
}

static cxai_status visit(sorter *s, int root, cxai_error *error)
{
    int depth = 0;
    s->stack[depth++] = root;
    s->open[root] = 1;
    while (depth > 0) {
        int n = s->stack[depth - 1];
        int producer = next_producer(s, n);
        if (producer < 0) {
            s->order[s->count++] = n;
            s->next_input[n] = -1;
            s->open[n] = 0;
            depth--;
        } else if (s->open[producer]) {
            return cxai_fail(error, CXAI_MALFORMED,
                             "the graph has a cycle through %s",
                             s->builder->nodes[producer].label);
        } else {
            s->open[producer] = 1;
            s->stack[depth++] = producer;
        }
    }
    return CXAI_OK;
}

/* Marks the nodes that lead to an output. Uses s->stack. */
static void mark_live(sorter *s, unsigned char *live)
{
    const cx_builder *b = s->builder;
    int depth = 0;
    for (int i = 0; i < b->model->output_count; i++) {
        int n = b->values[b->outputs[i]].producer;
        if (n >= 0 && !live[n]) {
            live[n] = 1;
            s->stack[depth++] = n;
        }
    }
    while (depth > 0) {
        const cx_node *node = &b->nodes[s->stack[--depth]];
        for (int i = 0; i < node->input_count; i++) {
            int v = node->inputs[i];
            int n = v < 0 ? -1 : b->values[v].producer;
            if (n >= 0 && !live[n]) {
                live[n] = 1;
                s->stack[depth++] = n;
            }
        }
    }
}

/* Fills order and *count; the arrays come from scratch. */
static cxai_status sort_nodes(const cx_builder *builder, cx_arena *scratch,
                              int **order, int *count, cxai_error *error)
{
    size_t nodes = (size_t)builder->model->node_count;
    sorter s = {
        .builder = builder,
        .order = cx_arena_alloc(scratch, nodes, sizeof(int)),
        .stack = cx_arena_alloc(scratch, nodes, sizeof(int)),
        .next_input = cx_arena_alloc(scratch, nodes, sizeof(int)),
        .open = cx_arena_alloc(scratch, nodes, 1),
    };
    unsigned char *live = cx_arena_alloc(scratch, nodes, 1);
    if (s.order == NULL || s.stack == NULL || s.next_input == NULL ||
        s.open == NULL || live == NULL)
        return cx_builder_no_memory(error);
    mark_live(&s, live);
    cxai_status status = CXAI_OK;
    for (int n = 0; status == CXAI_OK && n < builder->model->node_count; n++)
        if (live[n] && s.next_input[n] >= 0)
            status = visit(&s, n, error);
    *order = s.order;
    *count = s.count;
    return status;
}

/* Drops outputs that nothing reads and that the operator need not make. */
static cxai_status drop_unread(const cx_builder *builder, const int *order,
                               int count, cx_arena *scratch, cxai_error *error)
{
    const cxai_model *model = builder->model;
    unsigned char *read =
        cx_arena_alloc(scratch, (size_t)model->value_count, 1);
    if (read == NULL)
        return cx_builder_no_memory(error);
    for (int i = 0; i < model->output_count; i++)
        read[builder->outputs[i]] = 1;
    for (int i = 0; i < count; i++) {
        const cx_node *node = &builder->nodes[order[i]];
        for (int k = 0; k < node->input_count; k++)
            if (node->inputs[k] >= 0)
                read[node->inputs[k]] = 1;
    }
    for (int i = 0; i < count; i++) {
        cx_node *node = &builder->nodes[order[i]];
        while (node->op->drops_unread && node->output_count > 1) {
            int last = node->outputs[node->output_count - 1];
            if (last >= 0 && read[last])
                break;
            node->output_count--;
        }
    }
    return CXAI_OK;
}

/* Copies the live nodes, in order, into the model's arena, folding. */
static cxai_status place_nodes(cx_builder *builder, const int *order, int count,
                               cx_arena *scratch, cxai_error *error)
{
    cxai_model *model = builder->model;
    cx_node *nodes =
        cx_arena_alloc(&model->arena, (size_t)count, sizeof *nodes);
    if (nodes == NULL)
        return cx_builder_no_memory(error);
    int placed = 0;
    for (int i = 0; i < count; i++) {
        const cx_node *node = &builder->nodes[order[i]];
        int folded;
        cxai_status status =
            cx_builder_fold(builder, node, scratch, &folded, error);
        if (status != CXAI_OK)
            return status;
        if (!folded)
            nodes[placed++] = *node;
    }
    model->nodes = nodes;
    model->node_count = placed;
    return CXAI_OK;
}

/* Numbers the values that are still used, in the order of inputs, then nodes;
   number[v] is -1 for the others. */
static int number_values(const cx_builder *builder, int *number)
{
    const cxai_model *model = builder->model;
    int count = 0;
    for (int v = 0; v < model->value_count; v++)
        number[v] = -1;
    for (int i = 0; i < model->input_count; i++)
        number[builder->inputs[i]] = count++;
    for (int n = 0; n < model->node_count; n++) {
        const cx_node *node = &model->nodes[n];
        for (int i = 0; i < node->input_count; i++)
            if (node->inputs[i] >= 0 && number[node->inputs[i]] < 0)
                number[node->inputs[i]] = count++;
        for (int i = 0; i < node->output_count; i++)
            if (node->outputs[i] >= 0)
                number[node->outputs[i]] = count++;
    }
    for (int i = 0; i < model->output_count; i++)
        if (number[builder->outputs[i]] < 0)
            number[builder->outputs[i]] = count++;
    return count;
}

static void renumber(int *list, int count, const int *number)
{
    for (int i = 0; i < count; i++)
        if (list[i] >= 0)
            list[i] = number[list[i]];
}

/* Copies lists and the used values into the model's arena. */
static cxai_status place_values(cx_builder *builder, cx_arena *scratch,
                                cxai_error *error)
{
    cxai_model *model = builder->model;
    cx_arena *arena = &model->arena;
    int *number =
        cx_arena_alloc(scratch, (size_t)model->value_count, sizeof *number);
    if (number == NULL)
        return cx_builder_no_memory(error);
    int count = number_values(builder, number);
    model->values = cx_arena_alloc(arena, (size_t)count, sizeof(cx_value));
    model->inputs =
        cx_arena_alloc(arena, (size_t)model->input_count, sizeof(int));
    model->outputs =
        cx_arena_alloc(arena, (size_t)model->output_count, sizeof(int));
    model->properties = cx_arena_alloc(arena, (size_t)model->property_count,
                                       sizeof(cx_property));
    if (model->values == NULL || model->inputs == NULL ||
        model->outputs == NULL || model->properties == NULL)
        return cx_builder_no_memory(error);
    for (int v = 0; v < model->value_count; v++)
        if (number[v] >= 0)
            model->values[number[v]] = builder->values[v];
    for (int i = 0; i < model->input_count; i++)
        model->inputs[i] = number[builder->inputs[i]];
    for (int i = 0; i < model->output_count; i++)
        model->outputs[i] = number[builder->outputs[i]];
    for (int i = 0; i < model->property_count; i++)
        model->properties[i] = builder->properties[i];
    for (int n = 0; n < model->node_count; n++) {
        cx_node *node = &model->nodes[n];
        renumber(node->inputs, node->input_count, number);
        renumber(node->outputs, node->output_count, number);
        for (int i = 0; i < node->output_count; i++)
            if (node->outputs[i] >= 0)
                model->values[node->outputs[i]].producer = n;
    }
    model->value_count = count;
    return CXAI_OK;
}

cxai_status cx_builder_finish(cx_builder **builder, cxai_model **out,
                              cxai_error *error)
{
    *out = NULL;
    cx_builder *b = *builder;
    cx_arena scratch = { 0 };
    int *order = NULL, count = 0;
    cxai_status status = find_operators(b, error);
    if (status == CXAI_OK)
        status = check_nodes(b, error);
    if (status == CXAI_OK)
        status = sort_nodes(b, &scratch, &order, &count, error);
    if (status == CXAI_OK)
        status = drop_unread(b, order, count, &scratch, error);
    if (status == CXAI_OK)
        status = place_nodes(b, order, count, &scratch, error);
    if (status == CXAI_OK)
        status = place_values(b, &scratch, error);
    cx_arena_free(&scratch);
    if (status != CXAI_OK)
        return status;
    *out = b->model;
    b->model = NULL;
    cx_builder_free(builder);
    return CXAI_OK;
}
