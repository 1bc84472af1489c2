/* Checks of pictures and of maps over them: "cam", "place", "image" and
   "preproc". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cxai/heatmap.h"
#include "cxai/preprocess.h"
#include "support/cases_checks.h"
#include "support/check.h"

/* ---- heatmaps ---- */

/* The target of a record, with its sign. */
static cxai_target read_target(const cxai_model *model,
                               const cxai_shape *shapes, const cJSON *record)
{
    char name[256];
    cxai_target target;
    cxai_error error;
    const cJSON *sign = cJSON_GetObjectItemCaseSensitive(record, "sign");
    snprintf(name, sizeof name, "%s[%d]", cases_text(record, "output"),
             cases_get(record, "index")->valueint);
    const cxai_target_context context = { model, shapes, NULL, NULL };
    check_ok(cxai_target_parse(&target, &context, name, &error), &error);
    if (sign != NULL)
        target.terms[0].weight *= sign->valuedouble;
    return target;
}

/* The heatmap that a check describes, of a dense input; raw: before ReLU and
   scaling. */
static void compute_map(cxai_heatmap *result, const cxai_model *model,
                        const cJSON *check, const cxai_shape *shape,
                        const cxai_real *input, int raw)
{
    cxai_shape *shapes =
        calloc((size_t)cxai_model_value_count(model), sizeof *shapes);
    const cxai_heatmap_method *method;
    cxai_error error;
    assert_non_null(shapes);
    check_ok(cxai_model_shapes(model, shape, shapes, &error), &error);
    check_ok(cxai_heatmap_find(&method, cases_text(check, "method"), &error),
             &error);
    const cxai_target target =
        read_target(model, shapes, cases_get(check, "target"));
    cxai_heatmap_options options = cxai_heatmap_defaults();
    options.layer = cases_value(model, cases_text(check, "layer"));
    options.raw = raw;
    options.channels_last = shape->dim[3] <= 3 && shape->dim[1] > 3;
    options.threads = 1;
    check_ok(cxai_heatmap_compute(result, method, model, shape, input, &target,
                                  1, &options, &error),
             &error);
    free(shapes);
}

static void check_map(const cxai_model *model, const cJSON *check, int raw,
                      const char *key)
{
    const cJSON *input = cases_get(check, "inputs")->child;
    const cJSON *want = cases_get(cases_get(check, "want"), key);
    const cxai_shape shape = cases_shape(input);
    const cxai_shape map_shape = cases_shape(want);
    int64_t rows = shape.dim[shape.dim[3] <= 3 && shape.dim[1] > 3 ? 1 : 2];
    if (!raw && map_shape.dim[0] != rows)
        return; /* a map at the picture's size is another one */
    cxai_real *data = cases_reals(input);
    cxai_heatmap result;
    compute_map(&result, model, check, &shape, data, raw);
    const cxai_tensor view = cxai_tensor_dense(result.data, &result.shape);
    assert_true(cases_agree(&view, want, cases_number(check, "tol")));
    cxai_heatmap_clear(&result);
    free(data);
}

void cases_check_cam(const cJSON *check)
{
    cxai_model *model = cases_load(check);
    check_map(model, check, 1, "raw_pre_relu");
    check_map(model, check, 0, "normalised");
    cxai_model_free(&model);
}

/* ---- pictures ---- */

static void load_image(cxai_image *image, const cJSON *check)
{
    char path[4096];
    cxai_error error;
    check_ok(cxai_image_load(image, cases_path(path, cases_text(check, "file")),
                             NULL, NULL, &error),
             &error);
}

void cases_check_image(const cJSON *check)
{
    const cJSON *want = cases_get(check, "want"), *sample;
    double tolerance = cases_number(check, "tol");
    cxai_image image;
    load_image(&image, check);
    assert_int_equal(image.width, cases_get(want, "width")->valueint);
    assert_int_equal(image.height, cases_get(want, "height")->valueint);
    cJSON_ArrayForEach(sample, cases_get(want, "samples"))
    {
        int x = cases_get(sample, "x")->valueint,
            y = cases_get(sample, "y")->valueint;
        const uint8_t *got = image.pixels + (size_t)(y * image.width + x) * 3;
        for (int c = 0; c < 3; c++) {
            double rgb =
                cJSON_GetArrayItem(cases_get(sample, "rgb"), c)->valuedouble;
            if (fabs(got[c] - rgb) > tolerance)
                fail_msg("pixel %d,%d channel %d is %d, not %g", x, y, c,
                         got[c], rgb);
        }
    }
    cxai_image_free(&image);
}

/* Sets a key of the preprocessing from a text, a number or a list. */
static void set_key(cxai_preprocess *p, const char *key, const cJSON *value)
{
    char list[256] = "";
    cxai_error error;
    const cJSON *item;
    size_t used = 0;
    if (cJSON_IsString(value))
        snprintf(list, sizeof list, "%s", value->valuestring);
    else if (cJSON_IsNumber(value))
        snprintf(list, sizeof list, "%.9g", value->valuedouble);
    else
        cJSON_ArrayForEach(item, value) used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%.9g",
                             used > 0 ? "," : "", item->valuedouble);
    check_ok(cxai_preprocess_set(p, key, list, &error), &error);
}

static void read_spec(cxai_preprocess *p, const cJSON *spec)
{
    static const char *const keys[][2] = {
        { "order", "channels" }, { "scale", "scale" },
        { "mean", "mean" },      { "std", "std" },
        { "layout", "layout" },  { "resize_shorter", "length" },
        { "crop", "size" },
    };
    cxai_error error;
    check_ok(cxai_preprocess_defaults(p, NULL, &error), &error);
    for (int c = 0; c < 3; c++) {
        p->mean[c] = 0;
        p->std[c] = 1;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(spec, keys[i][0]);
        if (value != NULL)
            set_key(p, keys[i][1], value);
    }
}

void cases_check_preproc(const cJSON *check)
{
    cxai_image image;
    cxai_preprocess p;
    cxai_error error;
    load_image(&image, check);
    read_spec(&p, cases_get(check, "spec"));
    p.width = image.width;
    p.height = image.height;
    p.rule = CXAI_STRETCH;
    int64_t count, pixels = (int64_t)image.width * image.height;
    double *want = cases_numbers(
        cases_get(cases_get(check, "want"), "per_channel_in_network_order"),
        &count);
    cxai_real *tensor = malloc((size_t)(pixels * count) * sizeof *tensor);
    assert_non_null(tensor);
    check_ok(cxai_preprocess_apply(&p, &image, tensor, NULL, &error), &error);
    for (int64_t i = 0; i < pixels * count; i++) {
        int64_t c = p.layout == CXAI_NCHW ? i / pixels : i % count;
        assert_true(cases_close((double)tensor[i], want[c],
                                cases_number(check, "tol")));
    }
    free(tensor);
    free(want);
    cxai_image_free(&image);
}

/* Centre of mass of a map over a photo, and that nothing lies outside of what
   the network saw. */
static void check_centre(const cxai_geometry *g, const cxai_real *map,
                         const cJSON *want)
{
    double mass = 0, x_sum = 0, y_sum = 0;
    for (int y = 0; y < g->photo_height; y++)
        for (int x = 0; x < g->photo_width; x++) {
            double v = (double)map[y * g->photo_width + x];
            int seen = x + 0.5 >= g->seen_left && x + 0.5 < g->seen_right;
            assert_true(seen ? isfinite(v) : isnan(v) || v == 0);
            if (!seen)
                continue;
            mass += v;
            x_sum += v * (x + 0.5);
            y_sum += v * (y + 0.5);
        }
    const cJSON *centre = cases_get(want, "centre");
    double tolerance = cases_number(want, "tol");
    assert_true(fabs(x_sum / mass -
                     cJSON_GetArrayItem(centre, 0)->valuedouble) <= tolerance);
    assert_true(fabs(y_sum / mass -
                     cJSON_GetArrayItem(centre, 1)->valuedouble) <= tolerance);
}

void cases_check_place(const cJSON *check)
{
    cxai_model *model = cases_load(check);
    cxai_image image;
    cxai_preprocess p;
    cxai_geometry geometry;
    cxai_heatmap result;
    cxai_error error;
    load_image(&image, check);
    read_spec(&p, cases_get(check, "spec"));
    const cxai_shape shape = cxai_preprocess_shape(&p, 1);
    cxai_real *tensor =
        malloc((size_t)cxai_shape_count(&shape) * sizeof *tensor);
    cxai_real *map = malloc((size_t)(image.width * image.height) * sizeof *map);
    assert_true(tensor != NULL && map != NULL);
    check_ok(cxai_preprocess_apply(&p, &image, tensor, &geometry, &error),
             &error);
    compute_map(&result, model, check, &shape, tensor, 0);
    cxai_geometry_project(&geometry, result.data, map);
    check_centre(&geometry, map, cases_get(check, "want"));
    cxai_heatmap_clear(&result);
    free(tensor);
    free(map);
    cxai_image_free(&image);
    cxai_model_free(&model);
}
