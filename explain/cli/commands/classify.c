/* cxai classify: what a network says of pictures. */
#include "../answer.h"
#include "../batch.h"
#include "../explained.h"
#include "../finite.h"
#include "../utf8.h"

#include <math.h>
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

/* What an answer is called: its label; "" where it has none. */
static const char *name_of(const batch *b, const classifier *c,
                           const answer *found, char *name, size_t size)
{
    cxai_target target = cxai_target_channel(c->classes.value, 0);
    if (c->classes.count > 1) {
        const char *label = class_name(&b->bench, found->class);
        return label != NULL ? label : "";
    }
    target.terms[0].weight = found->sign;
    target_name(&b->bench, &target, name, size);
    return strcmp(name, "0") == 0 ? "" : name;
}

enum { NAME_COLUMNS = 32 };

/* The columns that the widest name takes, or those that most names fit. */
static int widest_name(const batch *b, const classifier *c,
                       const answer *answers, int64_t count)
{
    int widest = NAME_COLUMNS;
    for (int64_t k = 0; k < count; k++) {
        char text[256];
        int columns =
            utf8_columns(name_of(b, c, &answers[k], text, sizeof text));
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static void show_answer(batch *b, const classifier *c, const answer *found,
                        int columns)
{
    json *j = &b->report;
    char text[256];
    const char *name = name_of(b, c, found, text, sizeof text);
    if (!b->settings->json) {
        say("  %5lld  %s%*s", (long long)found->class, name,
            columns - utf8_columns(name), "");
        if (!isnan(found->share))
            say("  wins %.4f", found->share);
        if (!isnan(found->probability))
            say("  probability %.4f", found->probability);
        say("  %s %8.4f\n",
            c->classes.reading == CXAI_READ_NUMBERS ? "value" : "logit",
            shown(found->logit));
    }
    json_object(j, NULL);
    json_number(j, "class", (double)found->class);
    if (c->classes.count == 1)
        json_number(j, "sign", found->sign);
    if (*name)
        json_text(j, "label", name);
    json_number(j, "logit", found->logit);
    json_number(j, "probability", found->probability);
    if (!isnan(found->share))
        json_number(j, "share", found->share);
    json_end(j);
}

/* Prints, and reports, the best classes of one picture. */
static cxai_status show(const classifier *c, batch *b, const input *in,
                        int64_t row, const cxai_shape *shape,
                        const cxai_real *logits, cxai_error *error)
{
    answer *answers;
    int64_t count;
    cxai_status status =
        answers_of(&answers, &count, &c->classes, shape, logits, error);
    if (status != CXAI_OK) {
        free(answers);
        return status;
    }
    if (!b->settings->json && in->shape.dim[0] > 1)
        say("%s, row %lld\n", in->path, (long long)row);
    else if (!b->settings->json)
        say("%s%s\n", in->path, in->note);
    json_object(&b->report, NULL);
    json_text(&b->report, "image", in->path);
    json_number(&b->report, "row", (double)row);
    json_text(&b->report, "state",
              all_finite(logits, cxai_shape_count(shape)) ? "ok"
                                                          : "not finite");
    input_report(&b->report, in, row);
    json_array(&b->report, "classes");
    int64_t listed = c->settings->top < count ? c->settings->top : count;
    int columns = widest_name(b, c, answers, listed);
    for (int64_t k = 0; k < listed; k++)
        show_answer(b, c, &answers[k], columns);
    json_end(&b->report);
    json_end(&b->report);
    free(answers);
    return CXAI_OK;
}

static cxai_status show_all(const classifier *c, batch *b, const input *in,
                            const cxai_shape *shape, const cxai_real *logits,
                            cxai_error *error)
{
    cxai_shape one = *shape, item = { 1, { cxai_shape_count(shape) } };
    one.dim[0] /= in->shape.dim[0];
    item.dim[0] /= in->shape.dim[0];
    output_subject subject = { .image = in->path, .row = -1 };
    cxai_status status =
        numbers_add(&b->numbers, logits, &item, in->shape.dim[0], in->stem,
                    &subject, error);
    for (int64_t r = 0; status == CXAI_OK && r < in->shape.dim[0]; r++)
        status = show(c, b, in, r, &one, logits + r * item.dim[0], error);
    if (status == CXAI_OK && !all_finite(logits, cxai_shape_count(shape)))
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
    if (view.shape.rank < 1 || count < 1 || view.shape.dim[0] % rows != 0)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s is no classifier: its output has the wrong shape",
                         b->bench.name);
    cxai_real *logits = malloc((size_t)count * sizeof *logits);
    if (logits == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for the logits");
    cxai_tensor_read(&view, logits);
    status = show_all(c, b, in, &view.shape, logits, error);
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
        "Lists the classes with the largest logits, with their probabilities:\n"
        "by softmax, or by sigmoid where the network ends in one (a single\n"
        "output has two answers, yes and no). Of a network that gives maps, "
        "the\n"
        "classes that win at the most positions; of a regression, its values.\n"
        "IMAGE is a picture file, a folder of them, - for standard input, "
        "or\n"
        "a .npy array (C,H,W) or (N,C,H,W) of float32, which is fed as it is.\n"
        "--npy holds the logits (N,classes).",
    .examples = "  cxai classify data/dog.jpg\n"
                "  cxai classify --top 3 --json data/dog.jpg data/cat.jpg\n"
                "  cxai classify --top 1 data\n"
                "  find data/ -name 'b*.jpg' | cxai classify --files-from -\n",
    .options = { &own_options, &image_options, &model_options,
                 &preprocess_options },
    .settings_size = sizeof(settings),
    .defaults = defaults,
    .run = run,
};
