#include "support/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/random.h"
#include "support/check.h"
#include "support/net.h"

enum { NEWEST_OPSET = 28, SEED = 1, NAME = 24 };

/* ---- reading ------------------------------------------------------------ */

static void *zeroed(int64_t count, size_t size)
{
    void *block = calloc((size_t)count + 1, size);
    assert_non_null(block);
    return block;
}

static void read_integers(sample_input *input, const char *text)
{
    input->integers = zeroed(input->count, sizeof(int64_t));
    for (int64_t i = 0; i < input->count; i++) {
        char *end;
        input->integers[i] = strtoll(text, &end, 10);
        assert_true(end != text);
        text = *end == ',' ? end + 1 : end;
    }
    assert_int_equal(*text, '\0');
}

static void read_numbers(sample_input *input, const char *text)
{
    for (int64_t i = 0; i < input->count; i++) {
        char *end;
        input->reals[i] = strtod(text, &end);
        assert_true(end != text);
        text = *end == ',' ? end + 1 : end;
    }
    assert_int_equal(*text, '\0');
}

/* One input's text, "-", "2,3", "2=0,-1" or "2~0.5,1". */
static void read_input(sample_input *input, char *text)
{
    if (strcmp(text, "-") == 0)
        return;
    char *values = text + strcspn(text, "=~"), mark = *values;
    if (mark != '\0')
        *values++ = '\0';
    strcpy(input->shape_text, text);
    input->shape = net_shape(text);
    input->count = cxai_shape_count(&input->shape);
    assert_true(input->count >= 0);
    input->kind = mark == '='   ? SAMPLE_INTEGERS
                  : mark == '~' ? SAMPLE_NUMBERS
                                : SAMPLE_REALS;
    if (mark == '=') {
        read_integers(input, values);
        return;
    }
    input->reals = zeroed(input->count, sizeof(double));
    if (mark == '~')
        read_numbers(input, values);
}

/* Spreads all reals of the node evenly over low..high, in random order, a
   little off the even places: no two are equal and few lie near any point. */
static void fill_reals(sample_case *s, double low, double high)
{
    int64_t count = 0, at = 0;
    for (int k = 0; k < s->input_count; k++)
        count += s->inputs[k].kind == SAMPLE_REALS ? s->inputs[k].count : 0;
    int64_t *place = zeroed(count, sizeof *place);
    for (int64_t i = 0; i < count; i++) {
        int64_t j = (int64_t)(cxai_random_bits(SEED, 0, (uint64_t)i) %
                              (uint64_t)(i + 1));
        place[i] = place[j];
        place[j] = i;
    }
    for (int k = 0; k < s->input_count; k++) {
        sample_input *input = &s->inputs[k];
        if (input->kind != SAMPLE_REALS)
            continue;
        for (int64_t i = 0; i < input->count; i++) {
            double jitter =
                0.25 + 0.5 * cxai_random_uniform(SEED, 1, (uint64_t)at);
            double part = ((double)place[at++] + jitter) / (double)count;
            input->reals[i] = low + part * (high - low);
        }
    }
    free(place);
}

sample_case sample_read(const cx_operator *op, const cx_sample *sample)
{
    sample_case s = { .op = op, .sample = sample };
    s.output_count = sample->outputs == 0 ? 1 : sample->outputs;
    assert_true(s.output_count <= SAMPLE_OUTPUTS);
    char text[SAMPLE_TEXT], *next = sample->inputs != NULL ? text : NULL;
    if (next != NULL) {
        assert_true(strlen(sample->inputs) < sizeof text);
        strcpy(text, sample->inputs);
    }
    while (next != NULL) {
        char *token = next;
        next = strchr(token, ';');
        if (next != NULL)
            *next++ = '\0';
        assert_true(s.input_count < SAMPLE_INPUTS);
        read_input(&s.inputs[s.input_count++], token);
    }
    int given = sample->low != 0 || sample->high != 0;
    fill_reals(&s, given ? sample->low : -1, given ? sample->high : 1);
    return s;
}

void sample_free(sample_case *s)
{
    for (int k = 0; k < s->input_count; k++) {
        free(s->inputs[k].integers);
        free(s->inputs[k].reals);
    }
}

/* ---- building ----------------------------------------------------------- */

static int takes_neighbour(const cxai_shape *shape)
{
    return shape->rank >= 3 && shape->rank <= 4 && cxai_shape_count(shape) > 0;
}

/* to = from through a depthwise 1x1 convolution with weights of one. */
static void add_convolution(net *n, const char *from, const char *to,
                            const cxai_shape *shape)
{
    char weight[NAME], shape_text[SAMPLE_TEXT], inputs[SAMPLE_TEXT];
    char group[SAMPLE_TEXT];
    double *ones = zeroed(shape->dim[1], sizeof *ones);
    for (int64_t i = 0; i < shape->dim[1]; i++)
        ones[i] = 1;
    snprintf(weight, sizeof weight, "w_%s", to);
    snprintf(shape_text, sizeof shape_text, "%lld,1,1%s",
             (long long)shape->dim[1], shape->rank == 4 ? ",1" : "");
    snprintf(inputs, sizeof inputs, "%s %s", from, weight);
    snprintf(group, sizeof group, "group=%lld", (long long)shape->dim[1]);
    net_reals(n, weight, shape_text, ones);
    net_node(n, "Conv", inputs, to, group);
    free(ones);
}

static int is_first_real(const sample_case *s, int k)
{
    for (int i = 0; i < k; i++)
        if (s->inputs[i].kind == SAMPLE_REALS)
            return 0;
    return s->inputs[k].kind == SAMPLE_REALS;
}

static void add_input(net *n, const sample_case *s, int k, sample_model kind)
{
    const sample_input *input = &s->inputs[k];
    char name[NAME];
    snprintf(name, sizeof name, "x%d", k);
    if (input->kind == SAMPLE_INTEGERS)
        net_integers(n, name, input->shape_text, input->integers);
    else if (input->kind == SAMPLE_NUMBERS ||
             (input->kind == SAMPLE_REALS && kind == SAMPLE_FIRST_FED &&
              !is_first_real(s, k)))
        net_reals(n, name, input->shape_text, input->reals);
    else if (input->kind == SAMPLE_REALS)
        net_input(n, name, input->shape_text);
}

static void append(char *list, const char *word)
{
    assert_true(strlen(list) + strlen(word) + 2 < SAMPLE_TEXT);
    if (*list != '\0')
        strcat(list, " ");
    strcat(list, word);
}

/* Appends what the node reads as its input k, and makes it. */
static void append_input(net *n, const sample_case *s, int k, sample_model kind,
                         char *list)
{
    const sample_input *input = &s->inputs[k];
    char name[NAME], near[NAME];
    snprintf(name, sizeof name, "x%d", k);
    snprintf(near, sizeof near, "near_x%d", k);
    add_input(n, s, k, kind);
    if (input->kind == SAMPLE_OMITTED) {
        append(list, "-");
    } else if (kind == SAMPLE_NEIGHBOURS && is_first_real(s, k) &&
               takes_neighbour(&input->shape)) {
        add_convolution(n, name, near, &input->shape);
        append(list, near);
    } else {
        append(list, name);
    }
}

static void append_output(net *n, int k, sample_model kind,
                          const cxai_shape *y_shape, char *list)
{
    char name[NAME], near[NAME];
    snprintf(name, sizeof name, "y%d", k);
    snprintf(near, sizeof near, "near_y%d", k);
    if (kind == SAMPLE_NEIGHBOURS && takes_neighbour(&y_shape[k])) {
        append(list, near);
        add_convolution(n, near, name, &y_shape[k]);
    } else {
        append(list, name);
    }
    if (kind != SAMPLE_JOINT)
        net_output(n, name);
}

/* joint = all outputs, flattened, one behind the other; integers as reals. */
static void add_joint(net *n, const sample_case *s)
{
    char flat[SAMPLE_TEXT] = "";
    for (int k = 0; k < s->output_count; k++) {
        char y[NAME], f[NAME], r[NAME];
        snprintf(y, sizeof y, "y%d", k);
        snprintf(f, sizeof f, "f%d", k);
        snprintf(r, sizeof r, "r%d", k);
        net_node(n, "Flatten", y, f, "axis=0");
        net_node(n, "Cast", f, r, "to=1");
        append(flat, r);
    }
    net_node(n, "Concat", flat, "joint", "axis=1");
    net_output(n, "joint");
}

cxai_model *sample_build(const sample_case *s, sample_model kind,
                         const cxai_shape *y_shape, cxai_error *error)
{
    net n = net_begin(s->sample->opset == 0 ? NEWEST_OPSET : s->sample->opset);
    char inputs[SAMPLE_TEXT] = "", outputs[SAMPLE_TEXT] = "";
    for (int k = 0; k < s->input_count; k++)
        append_input(&n, s, k, kind, inputs);
    for (int k = 0; k < s->output_count; k++)
        append_output(&n, k, kind, y_shape, outputs);
    const char *attributes = s->sample->attributes;
    net_node(&n, s->op->name, inputs, outputs,
             attributes != NULL ? attributes : "");
    if (kind == SAMPLE_JOINT)
        add_joint(&n, s);
    return net_try_end(&n, error);
}
