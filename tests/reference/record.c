/*
 * The command, with every number written down that decides a gradient: made by
 * `make build/cxai-recording`, used by kinks.py.
 *
 * CXAI_RECORD names a folder, CXAI_RECORD_TYPES operators: "Relu Clip". After
 * each forward of a session that has a gradient, what nodes of these types put
 * out is appended to the folder's file numbers, dense float32, and a line to
 * its file index: the forward's number from 1, the value's name, its shape.
 * Watching an activation changes no bit of an answer: the loop that makes it
 * still is the fused one. That is not so of what an activation reads, unless
 * the method hooks these nodes anyway, as lrp does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/session.h"

cxai_status __real_cxai_session_create(cxai_session **out,
                                       const cxai_model *model,
                                       const cxai_request *request,
                                       cxai_error *error);
cxai_status __real_cxai_session_forward(cxai_session *session,
                                        cxai_error *error);
cxai_status __wrap_cxai_session_create(cxai_session **out,
                                       const cxai_model *model,
                                       const cxai_request *request,
                                       cxai_error *error);
cxai_status __wrap_cxai_session_forward(cxai_session *session,
                                        cxai_error *error);

static FILE *numbers, *contents;
static long forwards;

static FILE *append(const char *folder, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "ab");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

static int is_recorded(const cxai_node *node)
{
    const char *types = getenv("CXAI_RECORD_TYPES");
    size_t length = strlen(node->operator_type);

    for (; types; types = strchr(types, ' ')) {
        types += strspn(types, " ");
        if (strcspn(types, " ") == length &&
            memcmp(types, node->operator_type, length) == 0)
            return node->outputs[0] >= 0;
    }
    return 0;
}

/* Whether all that a node reads is known, without what is not fed. */
static int is_run(const cxai_model *model, const cxai_node *node,
                  const char *known)
{
    for (int i = 0; i < node->input_count; i++) {
        int value = node->inputs[i];
        if (value >= 0 && !known[value] &&
            !cxai_model_constant(model, value).data)
            return 0;
    }
    return 1;
}

/* The values to watch besides, for which there is room in watch. */
static int choose(const cxai_model *model, const cxai_request *request,
                  char *known, int *watch)
{
    int count = 0, input = cxai_model_input(model, 0);

    known[input] = request->feed_count == 0;
    for (int i = 0; i < request->feed_count; i++)
        known[request->feed[i]] = 1;
    for (int n = 0; n < cxai_model_node_count(model); n++) {
        cxai_node node = cxai_model_node(model, n);
        if (!is_run(model, &node, known))
            continue;
        if (is_recorded(&node) && !known[node.outputs[0]])
            watch[count++] = node.outputs[0];
        for (int i = 0; i < node.output_count; i++)
            if (node.outputs[i] >= 0)
                known[node.outputs[i]] = 1;
    }
    return count;
}

cxai_status __wrap_cxai_session_create(cxai_session **out,
                                       const cxai_model *model,
                                       const cxai_request *request,
                                       cxai_error *error)
{
    cxai_request more = *request;
    size_t values = (size_t)cxai_model_value_count(model);

    /* with shapes of its own it is a part of a network that a rule runs */
    if (!getenv("CXAI_RECORD") || !request->wrt_count || request->feed_shape)
        return __real_cxai_session_create(out, model, request, error);
    char *known = calloc(values, 1);
    int *watch = calloc(values + (size_t)request->watch_count, sizeof *watch);
    if (!known || !watch)
        exit(1);
    more.watch_count = choose(model, request, known, watch);
    for (int i = 0; i < request->watch_count; i++)
        watch[more.watch_count++] = request->watch[i];
    more.watch = watch;
    cxai_status status = __real_cxai_session_create(out, model, &more, error);
    free(known);
    free(watch);
    return status;
}

static void write_value(const cxai_model *model, int value,
                        const cxai_tensor *view)
{
    size_t count = (size_t)cxai_shape_count(&view->shape);
    cxai_real *dense = malloc(count * sizeof *dense);

    if (!dense)
        exit(1);
    cxai_tensor_read(view, dense);
    fprintf(contents, "%ld\t%s\t", forwards,
            cxai_model_value_name(model, value));
    for (int d = 0; d < view->shape.rank; d++)
        fprintf(contents, "%lld ", (long long)view->shape.dim[d]);
    fprintf(contents, "\n");
    if (fwrite(dense, sizeof *dense, count, numbers) != count) {
        perror("numbers");
        exit(1);
    }
    free(dense);
}

cxai_status __wrap_cxai_session_forward(cxai_session *session,
                                        cxai_error *error)
{
    const char *folder = getenv("CXAI_RECORD");
    const cxai_model *model = cxai_session_model(session);
    cxai_status status = __real_cxai_session_forward(session, error);
    cxai_error none;
    cxai_tensor view;

    if (!folder || status != CXAI_OK)
        return status;
    if (!numbers) {
        numbers = append(folder, "numbers");
        contents = append(folder, "index");
    }
    forwards++;
    for (int n = 0; n < cxai_model_node_count(model); n++) {
        cxai_node node = cxai_model_node(model, n);
        if (is_recorded(&node) && cxai_session_value(session, node.outputs[0],
                                                     &view, &none) == CXAI_OK)
            write_value(model, node.outputs[0], &view);
    }
    return CXAI_OK;
}
