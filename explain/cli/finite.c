#include "finite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cxai/session.h"

int all_finite(const cxai_real *data, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(data[i]))
            return 0;
    return 1;
}

/* Which values are not finite, in one run of a model. */
typedef struct survey {
    const cxai_model *model;
    unsigned char *tainted; /* by value */
} survey;

/* 1, 0, or -1 when memory is short. */
static int is_tainted(const cxai_tensor *view)
{
    if (view->data == NULL)
        return 0;
    int64_t count = cxai_shape_count(&view->shape);
    cxai_real *data = malloc(((size_t)count + 1) * sizeof *data);
    if (data == NULL)
        return -1;
    cxai_tensor_read(view, data);
    int finite = all_finite(data, count);
    free(data);
    return !finite;
}

/* A hook for every node. */
static int examine(const cxai_hook_call *call, void *payload)
{
    survey *s = payload;
    cxai_node node = cxai_model_node(s->model, call->node);
    for (int i = 0; i < call->output_count; i++) {
        int tainted = is_tainted(&call->outputs[i]);
        if (tainted < 0)
            return 1;
        if (node.outputs[i] >= 0)
            s->tainted[node.outputs[i]] = (unsigned char)tainted;
    }
    return 0;
}

static cxai_status run(survey *s, const batch *b, const cxai_real *tensor,
                       const cxai_shape *shape, int value, cxai_error *error)
{
    cxai_session *session = NULL;
    cxai_request request = { .input_shape = *shape,
                             .watch = &value,
                             .watch_count = 1,
                             .threads = (int)b->settings->threads };
    cxai_hook hook = { .places = CXAI_AFTER_FORWARD,
                       .node = -1,
                       .function = examine,
                       .payload = s };
    cxai_status status =
        cxai_session_create(&session, s->model, &request, error);
    if (status == CXAI_OK)
        status = cxai_session_add_hook(session, &hook, NULL, error);
    if (status == CXAI_OK)
        status = cxai_session_set(session, cxai_model_input(s->model, 0),
                                  tensor, error);
    if (status == CXAI_OK)
        status = cxai_session_forward(session, error);
    cxai_session_free(&session);
    return status;
}

/* Weights are no node's output. */
static int is_tainted_weight(const cxai_model *model, int value)
{
    cxai_tensor weight = cxai_model_constant(model, value);
    return weight.data != NULL &&
           !all_finite(weight.data, cxai_shape_count(&weight.shape));
}

/* The tainted input of a node, or -1. */
static int tainted_input(const survey *s, const cxai_node *node)
{
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && s->tainted[node->inputs[i]])
            return node->inputs[i];
    for (int i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 &&
            is_tainted_weight(s->model, node->inputs[i]))
            return node->inputs[i];
    return -1;
}

/* Goes from a value back to where its numbers ceased to be finite: to a node
   none of whose inputs is tainted (its number is returned), or to an input or
   weight (-1). */
static int go_back(const survey *s, int *value)
{
    for (;;) {
        int producer = cxai_model_producer(s->model, *value);
        if (producer < 0)
            return -1;
        cxai_node node = cxai_model_node(s->model, producer);
        int from = tainted_input(s, &node);
        if (from < 0)
            return producer;
        *value = from;
    }
}

/* Runs the model and notes what is not finite; false when memory is short or
   the run fails, which *error tells. survey_end ends it in either case. */
static int survey_begin(survey *s, const batch *b, const cxai_real *tensor,
                        const cxai_shape *shape, int value, cxai_error *error)
{
    const cxai_model *model = b->bench.model;
    *s =
        (survey){ model, calloc((size_t)cxai_model_value_count(model) + 1, 1) };
    if (s->tainted == NULL) {
        cxai_fail(error, CXAI_NO_MEMORY, "no memory to find out where");
        return 0;
    }
    s->tainted[cxai_model_input(model, 0)] =
        !all_finite(tensor, cxai_shape_count(shape));
    return run(s, b, tensor, shape, value, error) == CXAI_OK;
}

static void survey_end(survey *s)
{
    free(s->tainted);
}

static void tell(const survey *s, int value, char *text, size_t size)
{
    if (!s->tainted[value]) {
        snprintf(text, size, "node by node they are finite");
        return;
    }
    int producer = go_back(s, &value);
    const char *name = cxai_model_value_name(s->model, value);
    if (producer < 0) {
        snprintf(text, size, "%s \"%.400s\" has such numbers",
                 value == cxai_model_input(s->model, 0) ? "the input"
                                                        : "the weight",
                 name);
        return;
    }
    cxai_node node = cxai_model_node(s->model, producer);
    snprintf(text, size, "the first come from node \"%.400s\" (%s)",
             *node.name != '\0' ? node.name : name, node.operator_type);
}

void not_finite(batch *b, const input *in, const cxai_real *tensor,
                const cxai_shape *shape, int value)
{
    cxai_error error;
    char text[600];
    survey s;
    b->status = EXIT_FAILED;
    if (survey_begin(&s, b, tensor, shape, value, &error))
        tell(&s, value, text, sizeof text);
    else
        snprintf(text, sizeof text, "%.500s", error.message);
    survey_end(&s);
    warn(&b->bench, "%s: numbers of \"%.200s\" are NaN or infinite: %s",
         in->path, cxai_model_value_name(b->bench.model, value), text);
}

/* Finite, but for -infinity. */
static int is_finite_or_low(const cxai_real *data, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(data[i]) && !(data[i] < 0))
            return 0;
    return 1;
}

int is_masked(const batch *b, const input *in, int value, const cxai_real *data,
              int64_t count)
{
    const cxai_model *model = b->bench.model;
    cxai_error error;
    survey s;
    if (!is_finite_or_low(data, count))
        return 0;
    int found = survey_begin(&s, b, in->tensor, &in->shape, value, &error) &&
                go_back(&s, &value) < 0;
    survey_end(&s);
    cxai_tensor weight = cxai_model_constant(model, value);
    return found && weight.data != NULL &&
           is_finite_or_low(weight.data, cxai_shape_count(&weight.shape));
}
