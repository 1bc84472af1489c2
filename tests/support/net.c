#include "support/net.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

enum { MOST = 64, TEXT = 512 };

net net_begin(int opset)
{
    net n = { NULL };
    cxai_error error;
    check_ok(cx_builder_create(&n.builder, NULL, &error), &error);
    cx_builder_set_opset(n.builder, opset);
    return n;
}

cxai_shape net_shape(const char *text)
{
    cxai_shape shape = { 0 };
    while (*text != '\0') {
        char *end;
        assert_true(shape.rank < CXAI_MAX_RANK);
        shape.dim[shape.rank++] = strtoll(text, &end, 10);
        assert_true(end != text);
        text = *end == ',' ? end + 1 : end;
    }
    return shape;
}

void net_input(net *n, const char *name, const char *shape)
{
    cxai_error error;
    cxai_shape declared = net_shape(shape);
    check_ok(cx_builder_input(n->builder, name, CX_REAL, &declared, &error),
             &error);
}

static cx_literal *literal(net *n, cx_type type, const char *shape)
{
    cxai_shape s = net_shape(shape);
    cx_literal *made =
        cx_literal_create(cx_builder_arena(n->builder), type, &s);
    assert_non_null(made);
    return made;
}

void net_reals(net *n, const char *name, const char *shape,
               const double *values)
{
    cxai_error error;
    cx_literal *made = literal(n, CX_REAL, shape);
    for (int64_t i = 0; i < cx_literal_count(made); i++)
        ((cxai_real *)made->data)[i] = (cxai_real)values[i];
    check_ok(cx_builder_literal(n->builder, name, made, &error), &error);
}

void net_integers(net *n, const char *name, const char *shape,
                  const int64_t *values)
{
    cxai_error error;
    cx_literal *made = literal(n, CX_INT64, shape);
    memcpy(made->data, values, (size_t)cx_literal_count(made) * sizeof *values);
    check_ok(cx_builder_literal(n->builder, name, made, &error), &error);
}

/* Cuts text at blanks, in place; returns the number of words. */
static int split(char *text, const char **words)
{
    int count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(count < MOST);
        words[count++] = word;
    }
    return count;
}

static int split_names(char *text, const char **words)
{
    int count = split(text, words);
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], "-") == 0)
            words[i] = "";
    return count;
}

/* Reads a list of numbers into both kinds. */
static void read_list(cx_builder *builder, cx_attribute *a, const char *text)
{
    int64_t *ints =
        cx_arena_alloc(cx_builder_arena(builder), MOST, sizeof *ints);
    double *floats =
        cx_arena_alloc(cx_builder_arena(builder), MOST, sizeof *floats);
    assert_true(ints != NULL && floats != NULL);
    a->kind = strpbrk(text, ".f") ? CX_ATTRIBUTE_FLOATS : CX_ATTRIBUTE_INTS;
    while (*text != '\0') {
        char *end;
        assert_true(a->count < MOST);
        floats[a->count] = strtod(text, &end);
        ints[a->count] = (int64_t)floats[a->count];
        a->count++;
        assert_true(end != text);
        end += *end == 'f';
        text = *end == ',' ? end + 1 : end;
    }
    if (a->kind == CX_ATTRIBUTE_INTS)
        a->ints = ints;
    else
        a->floats = floats;
}

/* Fills one entry of list, or two; returns how many. */
static int read_attribute(cx_builder *builder, char *text, cx_attribute *list)
{
    char *value = strchr(text, '=');
    assert_non_null(value);
    *value++ = '\0';
    cx_attribute a = { .name = text };
    size_t length = strlen(value);
    if (isalpha((unsigned char)*value) || strncmp(value, "...", 3) == 0) {
        a.kind = CX_ATTRIBUTE_STRING;
        a.s = value;
    } else if (strchr(value, ',') != NULL) {
        read_list(builder, &a, value);
    } else if (strchr(value, '.') != NULL || value[length - 1] == 'f') {
        a.kind = CX_ATTRIBUTE_FLOAT;
        a.f = strtod(value, NULL);
    } else {
        a.kind = CX_ATTRIBUTE_INT;
        a.i = strtoll(value, NULL, 10);
        list[1] = (cx_attribute){ .name = text };
        read_list(builder, &list[1], value);
    }
    list[0] = a;
    return a.kind == CX_ATTRIBUTE_INT ? 2 : 1;
}

void net_named_node(net *n, const char *name, const char *module,
                    const char *type, const char *inputs, const char *outputs,
                    const char *attributes)
{
    char in[TEXT], out[TEXT], options[TEXT];
    const char *in_names[MOST], *out_names[MOST], *words[MOST];
    cx_attribute list[2 * MOST];
    assert_true(strlen(inputs) < TEXT && strlen(outputs) < TEXT &&
                strlen(attributes) < TEXT);
    strcpy(in, inputs);
    strcpy(out, outputs);
    strcpy(options, attributes);
    int word_count = split(options, words), count = 0;
    for (int i = 0; i < word_count; i++)
        count += read_attribute(n->builder, options + (words[i] - options),
                                &list[count]);
    cx_node_spec spec = {
        .name = name,
        .module = module,
        .type = type,
        .inputs = in_names,
        .input_count = split_names(in, in_names),
        .outputs = out_names,
        .output_count = split_names(out, out_names),
        .attributes = { count, list },
    };
    cxai_error error;
    if (spec.name == NULL)
        spec.name = out_names[0];
    check_ok(cx_builder_node(n->builder, &spec, &error), &error);
}

void net_node(net *n, const char *type, const char *inputs, const char *outputs,
              const char *attributes)
{
    net_named_node(n, NULL, NULL, type, inputs, outputs, attributes);
}

void net_output(net *n, const char *name)
{
    cxai_error error;
    check_ok(cx_builder_output(n->builder, name, &error), &error);
}

cxai_model *net_try_end(net *n, cxai_error *error)
{
    cxai_model *model = NULL;
    if (cx_builder_finish(&n->builder, &model, error) != CXAI_OK)
        cx_builder_free(&n->builder);
    return model;
}

cxai_model *net_end(net *n)
{
    cxai_error error = { CXAI_OK, "" };
    cxai_model *model = net_try_end(n, &error);
    if (model == NULL)
        fail_msg("%s", error.message);
    return model;
}

int net_value(const cxai_model *model, const char *name)
{
    for (int v = 0; v < cxai_model_value_count(model); v++)
        if (strcmp(cxai_model_value_name(model, v), name) == 0)
            return v;
    fail_msg("the network has no value \"%s\"", name);
    return -1;
}
