/* cxai classify: what a network says of pictures. */
#include "../batch.h"
#include "../finite.h"

#include <math.h>
#include <stdlib.h>

#include "cxai/session.h"
#include "cxai/target.h"

typedef struct settings {
    common_settings common;
    long long top;
} settings;

/* A session that is kept while inputs have one shape. */
typedef struct classifier {
    const settings *settings;
    cxai_session *session;
    cxai_shape shape;
    cxai_classes classes;
} classifier;

static cxai_status prepare(classifier *c, const batch *b,
                           const cxai_shape *shape, cxai_error *error)
{
    if (c->session != NULL && cxai_shape_equal(&c->shape, shape))
        return CXAI_OK;
    cxai_session_free(&c->session);
    c->shape = *shape;
    cxai_request request = { .input_shape = *shape,
                             .watch = &c->classes.value,
                             .watch_count = 1,
                             .threads = (int)b->settings->threads };
    return cxai_session_create(&c->session, b->bench.model, &request, error);
}

/* The class with the largest logit of those that are not taken; one that is no
   number only when no other is left. */
static int64_t find_best(const cxai_real *logits, const unsigned char *taken,
                         int64_t classes)
{
    int64_t best = -1;
    for (int64_t i = 0; i < classes; i++)
        if (!taken[i] && (best < 0 || logits[i] > logits[best] ||
                          (isnan(logits[best]) && !isnan(logits[i]))))
            best = i;
    return best;
}

static void show_class(batch *b, int64_t index, double logit,
                       double probability)
{
    const char *name = class_name(&b->bench, index);
    if (!b->settings->json)
        say("  %5lld  %-32s  probability %.4f  logit %8.4f\n", (long long)index,
            name != NULL ? name : "", probability, logit);
    json_object(&b->report, NULL);
    json_number(&b->report, "class", (double)index);
    if (name != NULL)
        json_text(&b->report, "label", name);
    json_number(&b->report, "logit", logit);
    json_number(&b->report, "probability", probability);
    json_end(&b->report);
}

/* Prints, and reports, the best classes of one picture. */
static cxai_status show(const classifier *c, batch *b, const input *in,
                        int64_t row, const cxai_real *logits, int64_t classes,
                        cxai_error *error)
{
    double *probability = calloc((size_t)classes, sizeof *probability);
    unsigned char *taken = calloc((size_t)classes, 1);
    if (probability == NULL || taken == NULL) {
        free(probability);
        free(taken);
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for %lld classes",
                         (long long)classes);
    }
    cxai_target_probabilities(c->classes.reading, logits, classes, probability);
    if (!b->settings->json && in->shape.dim[0] > 1)
        say("%s, row %lld\n", in->path, (long long)row);
    else if (!b->settings->json)
        say("%s%s\n", in->path, in->note);
    json_object(&b->report, NULL);
    json_text(&b->report, "image", in->path);
    json_number(&b->report, "row", (double)row);
    json_text(&b->report, "state",
              all_finite(logits, classes) ? "ok" : "not finite");
    input_report(&b->report, in, row);
    json_array(&b->report, "classes");
    for (long long k = 0; k < c->settings->top && k < classes; k++) {
        int64_t best = find_best(logits, taken, classes);
        taken[best] = 1;
        show_class(b, best, (double)logits[best], probability[best]);
    }
    json_end(&b->report);
    json_end(&b->report);
    free(probability);
    free(taken);
    return CXAI_OK;
}

static cxai_status show_all(const classifier *c, batch *b, const input *in,
                            const cxai_real *logits, int64_t classes,
                            cxai_error *error)
{
    cxai_shape item = { 1, { classes } };
    output_subject subject = { .image = in->path, .row = -1 };
    cxai_status status =
        numbers_add(&b->numbers, logits, &item, in->shape.dim[0], in->stem,
                    &subject, error);
    for (int64_t r = 0; status == CXAI_OK && r < in->shape.dim[0]; r++)
        status = show(c, b, in, r, logits + r * classes, classes, error);
    if (status == CXAI_OK && !all_finite(logits, in->shape.dim[0] * classes))
        not_finite(b, in, in->tensor, &in->shape, c->classes.value);
    return status;
}

static cxai_status classify(batch *b, const input *in, void *payload,
                            cxai_error *error)
{
    classifier *c = payload;
    cxai_tensor view;
    cxai_status status = prepare(c, b, &in->shape, error);
    if (status == CXAI_OK)
        status = cxai_session_set(
            c->session, cxai_model_input(b->bench.model, 0), in->tensor, error);
    if (status == CXAI_OK)
        status = cxai_session_forward(c->session, error);
    if (status == CXAI_OK)
        status = cxai_session_value(c->session, c->classes.value, &view, error);
    if (status != CXAI_OK)
        return status;
    int64_t rows = in->shape.dim[0];
    int64_t count = cxai_shape_count(&view.shape);
    if (view.shape.rank < 1 || count < 1 || count % rows != 0)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s is no classifier: its output has the wrong shape",
                         b->bench.name);
    cxai_real *logits = malloc((size_t)count * sizeof *logits);
    if (logits == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for the logits");
    cxai_tensor_read(&view, logits);
    status = show_all(c, b, in, logits, count / rows, error);
    free(logits);
    return status;
}

static int run(const void *given, const char *const *operands, int count)
{
    classifier c = { .settings = given };
    batch b;
    int status =
        batch_open(&b, "classify", &c.settings->common, operands, count);
    if (status == EXIT_DONE) {
        c.classes = cxai_model_classes(b.bench.model, b.bench.shapes);
        status = batch_run(&b, classify, &c);
    }
    cxai_session_free(&c.session);
    batch_close(&b);
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
    .most_operands = -1,
    .summary = "name the most likely classes of pictures",
    .description =
        "Lists the classes with the largest logits, with their probabilities.\n"
        "IMAGE is a PNG or JPEG file, - for standard input, or a .npy array\n"
        "(C,H,W) or (N,C,H,W) of float32, which is fed as it is.\n"
        "--npy holds the logits (N,classes).",
    .examples = "  cxai classify data/dog.jpg\n"
                "  cxai classify --top 3 --json data/dog.jpg data/cat.jpg\n",
    .options = { &own_options, &image_options, &model_options,
                 &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
