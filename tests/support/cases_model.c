/* Checks of models: "run", "grad" and "either". */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cxai/session.h"
#include "support/cases_checks.h"
#include "support/check.h"

cxai_model *cases_model(const char *file)
{
    char path[4096];
    cxai_model *model;
    cxai_error error;
    check_ok(cxai_model_load(&model, cases_path(path, file), NULL, &error),
             &error);
    return model;
}

cxai_model *cases_load(const cJSON *check)
{
    char here[2048];
    assert_non_null(getcwd(here, sizeof here));
    int elsewhere = cJSON_GetObjectItemCaseSensitive(check, "run_from") != NULL;
    char path[4096];
    cxai_model *model;
    cxai_error error;
    cases_path(path, cases_text(check, "model"));
    if (elsewhere)
        assert_int_equal(chdir("/"), 0);
    cxai_status status = cxai_model_load(&model, path, NULL, &error);
    assert_int_equal(chdir(here), 0);
    check_ok(status, &error);
    return model;
}

int cases_value(const cxai_model *model, const char *name)
{
    for (int v = 0; v < cxai_model_value_count(model); v++)
        if (strcmp(cxai_model_value_name(model, v), name) == 0)
            return v;
    fail_msg("the model has no value \"%s\"", name);
    return -1;
}

enum { MOST_VALUES = 16 };

/* A session that feeds a check's inputs; the lists of the request are the
   caller's. */
static cxai_status feed(cxai_session **session, const cxai_model *model,
                        const cJSON *inputs, cxai_request request,
                        cxai_error *error)
{
    int values[MOST_VALUES], count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, inputs)
    {
        assert_true(count < MOST_VALUES);
        values[count] = cases_value(model, item->string);
        if (values[count] == cxai_model_input(model, 0))
            request.input_shape = cases_shape(item);
        count++;
    }
    request.feed = values;
    request.feed_count = count;
    cxai_status status = cxai_session_create(session, model, &request, error);
    int i = 0;
    cJSON_ArrayForEach(item, inputs)
    {
        if (status != CXAI_OK)
            break;
        cxai_real *data = cases_reals(item);
        status = cxai_session_set(*session, values[i++], data, error);
        free(data);
    }
    if (status == CXAI_OK)
        status = cxai_session_forward(*session, error);
    return status;
}

int cases_close(double got, double want, double tolerance)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= tolerance;
}

int cases_agree(const cxai_tensor *view, const cJSON *array, double tolerance)
{
    const cxai_shape shape = cases_shape(array);
    if (view->data == NULL || !cxai_shape_equal(&view->shape, &shape))
        return 0;
    int64_t count;
    double *want = cases_numbers(array, &count);
    cxai_real *got = malloc((size_t)(count + 1) * sizeof *got);
    assert_non_null(got);
    cxai_tensor_read(view, got);
    int same = 1;
    for (int64_t i = 0; i < count; i++)
        if (!cases_close((double)got[i], want[i], tolerance)) {
            print_message("element %lld is %.9g, not %.9g\n", (long long)i,
                          (double)got[i], want[i]);
            same = 0;
            break;
        }
    free(want);
    free(got);
    return same;
}

/* Watches all of "outputs"; 1 when each has its numbers. */
static int outputs_agree(const cxai_model *model, const cJSON *inputs,
                         const cJSON *outputs, double tolerance)
{
    cxai_session *session;
    cxai_error error;
    int values[MOST_VALUES], count = 0, same = 1;
    const cJSON *item;
    cJSON_ArrayForEach(item, outputs) values[count++] =
        cases_value(model, item->string);
    const cxai_request request = {
        .watch = values, .watch_count = count, .target = -1, .threads = 1
    };
    check_ok(feed(&session, model, inputs, request, &error), &error);
    int i = 0;
    cJSON_ArrayForEach(item, outputs)
    {
        cxai_tensor view;
        check_ok(cxai_session_value(session, values[i++], &view, &error),
                 &error);
        same &= cases_agree(&view, item, tolerance);
    }
    cxai_session_free(&session);
    return same;
}

void cases_check_run(const cJSON *check)
{
    cxai_model *model = cases_load(check);
    assert_true(outputs_agree(model, cases_get(check, "inputs"),
                              cases_get(check, "want"),
                              cases_number(check, "tol")));
    cxai_model_free(&model);
}

void cases_check_grad(const cJSON *check)
{
    cxai_model *model = cases_load(check);
    const cJSON *target = cases_get(check, "target");
    cxai_session *session;
    cxai_error error;
    cxai_shape shape;
    cxai_tensor view;
    int wrt = cases_value(model, cases_text(check, "wrt"));
    int output = cases_value(model, cases_text(target, "output"));
    const cxai_request request = {
        .target = output, .wrt = &wrt, .wrt_count = 1, .threads = 1
    };
    check_ok(feed(&session, model, cases_get(check, "inputs"), request, &error),
             &error);
    check_ok(cxai_session_shape(session, output, &shape, &error), &error);
    cxai_real *seed = calloc((size_t)cxai_shape_count(&shape), sizeof *seed);
    assert_non_null(seed);
    seed[cases_get(target, "index")->valueint] =
        (cxai_real)cases_number(target, "sign");
    check_ok(cxai_session_backward(session, seed, &error), &error);
    check_ok(cxai_session_gradient(session, wrt, &view, &error), &error);
    assert_true(cases_agree(&view, cases_get(check, "want"),
                            cases_number(check, "tol")));
    free(seed);
    cxai_session_free(&session);
    cxai_model_free(&model);
}

/* One of the options with numbers is right, or a refusal where an option has
   none; nothing that is forbidden may come out. */
void cases_check_either(const cJSON *check)
{
    char path[4096];
    cxai_model *model;
    cxai_session *session;
    cxai_error error;
    const cJSON *option, *inputs = cases_get(check, "inputs");
    int right = 0;
    cases_path(path, cases_text(check, "model"));
    cxai_status status = cxai_model_load(&model, path, NULL, &error);
    if (status == CXAI_OK) {
        int watch = cxai_model_output(model, 0);
        const cxai_request request = {
            .watch = &watch, .watch_count = 1, .target = -1, .threads = 1
        };
        status = feed(&session, model, inputs, request, &error);
        cxai_session_free(&session);
    }
    int refused = status != CXAI_OK;
    cJSON_ArrayForEach(option, cases_get(check, "options"))
    {
        const cJSON *want = cJSON_GetObjectItemCaseSensitive(option, "want");
        right |= want == NULL
                     ? refused
                     : !refused && outputs_agree(model, inputs, want,
                                                 cases_number(check, "tol"));
    }
    if (!right)
        fail_msg("no option is met: %s", refused ? error.message : "numbers");
    cxai_model_free(&model);
}
