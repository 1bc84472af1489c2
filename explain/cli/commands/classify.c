/* cxai classify: what a network says of pictures. */
#include "../common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/session.h"
#include "cxai/target.h"

typedef struct settings {
    common_settings common;
    long long top;
} settings;

/* A session that is kept while inputs have one shape. */
typedef struct classifier {
    const workbench *bench;
    const settings *settings;
    cxai_session *session;
    cxai_shape shape;
    int logits;
    stack numbers;
    cJSON *results;
} classifier;

static cxai_status prepare(classifier *c, const cxai_shape *shape,
                           cxai_error *error)
{
    if (c->session != NULL && cxai_shape_equal(&c->shape, shape))
        return CXAI_OK;
    cxai_session_free(&c->session);
    c->shape = *shape;
    cxai_request request = { .input_shape = *shape,
                             .watch = &c->logits,
                             .watch_count = 1,
                             .threads = (int)c->settings->common.threads };
    return cxai_session_create(&c->session, c->bench->model, &request, error);
}

/* Prints, or reports, the best classes of one picture. */
static int show(classifier *c, const input *in, int64_t row,
                const cxai_real *logits, int64_t classes)
{
    double *probability = calloc((size_t)classes, sizeof *probability);
    unsigned char *taken = calloc((size_t)classes, 1);
    if (probability == NULL || taken == NULL) {
        free(probability);
        free(taken);
        return complain("out of memory");
    }
    cxai_target_probabilities(c->bench->model, logits, classes, probability);
    cJSON *result = cJSON_CreateObject(), *list = NULL;
    cJSON_AddStringToObject(result, "image", in->path);
    cJSON_AddNumberToObject(result, "row", (double)row);
    list = cJSON_AddArrayToObject(result, "classes");
    if (!c->settings->common.json)
        printf("%s%s\n", in->path, in->shape.dim[0] > 1 ? " (one row)" : "");
    for (long long k = 0; k < c->settings->top && k < classes; k++) {
        int64_t best = -1;
        for (int64_t i = 0; i < classes; i++)
            if (!taken[i] && (best < 0 || logits[i] > logits[best]))
                best = i;
        taken[best] = 1;
        const char *name = class_name(c->bench, best);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddNumberToObject(entry, "class", (double)best);
        if (name != NULL)
            cJSON_AddStringToObject(entry, "label", name);
        cJSON_AddNumberToObject(entry, "logit", (double)logits[best]);
        cJSON_AddNumberToObject(entry, "probability", probability[best]);
        cJSON_AddItemToArray(list, entry);
        if (!c->settings->common.json)
            printf("  %5lld  %-32s  probability %.4f  logit %8.4f\n",
                   (long long)best, name != NULL ? name : "", probability[best],
                   (double)logits[best]);
    }
    cJSON_AddItemToArray(c->results, result);
    free(probability);
    free(taken);
    return EXIT_DONE;
}

static int classify(classifier *c, const input *in)
{
    cxai_error error;
    cxai_tensor view;
    cxai_status status = prepare(c, &in->shape, &error);
    if (status == CXAI_OK)
        status =
            cxai_session_set(c->session, cxai_model_input(c->bench->model, 0),
                             in->tensor, &error);
    if (status == CXAI_OK)
        status = cxai_session_forward(c->session, &error);
    if (status == CXAI_OK)
        status = cxai_session_value(c->session, c->logits, &view, &error);
    if (status != CXAI_OK)
        return complain("%s: %s", in->path, error.message);
    int64_t rows = in->shape.dim[0];
    int64_t count = cxai_shape_count(&view.shape);
    if (view.shape.rank < 1 || rows < 1 || count % rows != 0)
        return complain("%s is no classifier: its output has the wrong shape",
                        c->bench->name);
    cxai_real *logits = malloc((size_t)count * sizeof *logits);
    if (logits == NULL)
        return complain("out of memory");
    cxai_tensor_read(&view, logits);
    cxai_shape item = { 1, { count / rows } };
    int failed = stack_add(&c->numbers, logits, &item, rows);
    for (int64_t r = 0; !failed && r < rows; r++)
        failed = show(c, in, r, logits + r * (count / rows), count / rows);
    free(logits);
    return failed;
}

static int run(const void *given, const char *const *operands, int count)
{
    const settings *s = given;
    workbench bench;
    int status = workbench_open(&bench, &s->common);
    if (status == EXIT_DONE) {
        classifier c = { .bench = &bench,
                         .settings = s,
                         .logits = cxai_model_logits(bench.model),
                         .results = cJSON_CreateArray() };
        for (int i = 0; i < count; i++) {
            input in;
            int one = input_open(&in, &bench, operands[i]);
            if (one == EXIT_DONE)
                one = classify(&c, &in);
            input_close(&in);
            status = one != EXIT_DONE ? one : status;
        }
        cxai_session_free(&c.session);
        int saved = stack_save(&c.numbers, s->common.npy);
        status = saved != EXIT_DONE ? saved : status;
        if (s->common.json) {
            cJSON *json = report_begin("classify", &bench);
            cJSON_AddItemToObject(json, "results", c.results);
            int reported = report_end(json);
            status = reported != EXIT_DONE ? reported : status;
        } else {
            cJSON_Delete(c.results);
        }
    }
    workbench_close(&bench);
    return status;
}

static void defaults(void *given)
{
    ((settings *)given)->top = 5;
}

static const option_spec specs[] = {
    { 'k', "top", "K", OPTION_INTEGER, offsetof(settings, top), 1, 1000000,
      "how many classes to list (5)" },
};

static const option_list own_options = OPTION_LIST(specs);

const command command_classify = {
    .name = "classify",
    .operands = "IMAGE...",
    .least_operands = 1,
    .most_operands = -1,
    .summary = "name the most likely classes of pictures",
    .description =
        "Lists the classes with the largest logits, with their probabilities.\n"
        "IMAGE is a PNG or JPEG file, - for standard input, or a .npy array\n"
        "(C,H,W) or (N,C,H,W) of float32, which is fed as it is.\n"
        "--npy holds the logits (N,classes).",
    .examples = "  cxai classify data/dog.jpg\n"
                "  cxai classify --top 3 --json data/dog.jpg data/cat.jpg\n",
    .options = { &own_options, &model_options, &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
