#include "batch.h"

#include "interrupt.h"

#include <string.h>

/* ---- before -------------------------------------------------------------- */

static int is_stdin(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

static int check_usage(const common_settings *settings, const char *name,
                       const char *const *operands, int count)
{
    int readers = is_stdin(settings->files_from) + is_stdin(settings->model) +
                  is_stdin(settings->labels);
    for (int i = 0; i < count; i++)
        readers += is_stdin(operands[i]);
    if (count == 0 && settings->files_from == NULL) {
        complain("%s needs an IMAGE; see cxai help %s", name, name);
        return EXIT_USAGE;
    }
    if (readers > 1) {
        complain("standard input can only be read once: \"-\" is given %d "
                 "times",
                 readers);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int find_pictures(batch *b, const char *const *operands, int count)
{
    cxai_error error;
    const char *out = b->settings->out;
    if (input_list_make(&b->inputs, b->settings, operands, count, &error) !=
        CXAI_OK)
        return complain_error(&error);
    if (b->inputs.count > 1 && out != NULL && !is_folder(out)) {
        complain("several images need a folder for -o: %s/", out);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int open_outputs(batch *b)
{
    cxai_error error;
    if (outputs_open(&b->outputs, b->settings->out, &error) != CXAI_OK ||
        numbers_open(&b->numbers, b->settings->npy, &error) != CXAI_OK)
        return complain_error(&error);
    if (*b->inputs.note != '\0')
        warn(&b->bench, "%s", b->inputs.note);
    report_begin(&b->report, b->name, &b->bench, b->settings->json);
    return EXIT_DONE;
}

int batch_open(batch *b, const char *name, const common_settings *settings,
               const char *const *operands, int count)
{
    *b = (batch){ .name = name, .settings = settings };
    int status = check_usage(settings, name, operands, count);
    if (status == EXIT_DONE)
        status = find_pictures(b, operands, count);
    if (status == EXIT_DONE)
        status = workbench_open(&b->bench, settings);
    if (status == EXIT_DONE)
        status = open_outputs(b);
    return status;
}

/* ---- the loop ------------------------------------------------------------ */

static void note_failure(batch *b, const char *path, const cxai_error *error)
{
    json_object(&b->failures, NULL);
    json_text(&b->failures, "image", path);
    json_text(&b->failures, "error", error->message);
    json_end(&b->failures);
    b->status = EXIT_FAILED;
}

static cxai_status open_picture(batch *b, const listed_input *listed, input *in,
                                cxai_error *error)
{
    *in = (input){ .path = listed->path, .stem = listed->stem };
    if (listed->reason != NULL)
        return cxai_fail(error, CXAI_NOT_FOUND, "%s: %s", listed->path,
                         listed->reason);
    cxai_status status = input_open(in, &b->bench, error);
    const char *out = b->settings->out;
    if (status == CXAI_OK && in->shape.dim[0] > 1 && out != NULL &&
        !b->outputs.is_folder)
        status = cxai_fail(error, CXAI_INVALID,
                           "%s: holds %lld pictures, which need a folder for "
                           "-o: %s/",
                           in->path, (long long)in->shape.dim[0], out);
    return status;
}

/* What the reader of a result must know of its photo. */
static void warn_of_photo(workbench *bench, const input *in)
{
    if (in->photo.pixels == NULL)
        return;
    warn_of_guess(bench);
    if (in->info.alpha_composited)
        warn(bench, "%s: transparent pixels were laid over white", in->path);
}

/* 1 when the run cannot go on. */
static int do_picture(batch *b, const listed_input *listed,
                      picture_function *function, void *payload)
{
    cxai_error error;
    input in;
    cxai_status opened = open_picture(b, listed, &in, &error), status = opened;
    if (opened == CXAI_OK)
        status = function(b, &in, payload, &error);
    if (status == CXAI_OK)
        warn_of_photo(&b->bench, &in);
    input_close(&in);
    if (status == CXAI_OK)
        return 0;
    note_failure(b, listed->path, &error);
    if (opened != CXAI_OK || status == CXAI_IO)
        complain_error(&error);
    else
        complain("%s: %s", listed->path, error.message);
    return opened == CXAI_OK && status == CXAI_IO;
}

/* ---- after --------------------------------------------------------------- */

static void check(batch *b, cxai_status status, const cxai_error *error)
{
    if (status != CXAI_OK)
        b->status = complain_error(error);
}

static void finish(batch *b)
{
    cxai_error error;
    json_end(&b->report);
    json_end(&b->failures);
    if (b->failures.failed)
        b->report.failed = 1;
    else
        json_insert(&b->report, "failures", b->failures.text);
    check(b, numbers_finish(&b->numbers, &error), &error);
    check(b, outputs_finish(&b->outputs, &error), &error);
    check(b, report_end(&b->report, &b->bench, b->settings->json, &error),
          &error);
}

int batch_run(batch *b, picture_function *function, void *payload)
{
    b->progress = progress_begin(b->settings->quiet, (int64_t)b->inputs.count);
    json_array(&b->failures, NULL);
    json_array(&b->report, "results");
    for (size_t i = 0; i < b->inputs.count; i++) {
        if (interrupt_seen()) {
            b->status = complain("stopped before %s", b->inputs.inputs[i].path);
            break;
        }
        progress_next(&b->progress, b->inputs.inputs[i].path);
        if (do_picture(b, &b->inputs.inputs[i], function, payload))
            break;
    }
    progress_end();
    finish(b);
    return b->status;
}

void batch_close(batch *b)
{
    json_free(&b->report);
    json_free(&b->failures);
    numbers_free(&b->numbers);
    outputs_free(&b->outputs);
    input_list_free(&b->inputs);
    workbench_close(&b->bench);
}
