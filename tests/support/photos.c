#include "support/photos.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/reference.h"

#define MODEL "data/efficientnet-lite0.int8.onnx"

void photos_open(photos *p)
{
    cxai_error error;

    check_ok(cxai_model_load(&p->model, MODEL, NULL, &error), &error);
    check_ok(cxai_preprocess_for_model(&p->preprocess, p->model, MODEL, &error),
             &error);
    check_ok(cxai_labels_load(&p->labels, p->preprocess.labels, &error),
             &error);
    p->boxes = reference_json("data/boxes.json");
    p->input_shape = cxai_preprocess_shape(&p->preprocess, 1);
    p->shapes =
        calloc((size_t)cxai_model_value_count(p->model), sizeof *p->shapes);
    assert_non_null(p->shapes);
    check_ok(cxai_model_shapes(p->model, &p->input_shape, p->shapes, &error),
             &error);
}

void photos_close(photos *p)
{
    cJSON_Delete(p->boxes);
    cxai_labels_free(&p->labels);
    cxai_model_free(&p->model);
    free(p->shapes);
}

void photos_explain(const photos *p, const char *photo, const char *label,
                    const cxai_heatmap_method *method,
                    const cxai_heatmap_options *options, cxai_heatmap *map,
                    cxai_geometry *geometry)
{
    size_t count = (size_t)cxai_shape_count(&p->input_shape);
    cxai_real *input = malloc(count * sizeof *input);
    cxai_image image = { 0 };
    cxai_target target;
    char path[256];
    cxai_error error;

    assert_non_null(input);
    snprintf(path, sizeof path, "data/%s", photo);
    check_ok(cxai_image_load(&image, path, NULL, NULL, &error), &error);
    check_ok(
        cxai_preprocess_apply(&p->preprocess, &image, input, geometry, &error),
        &error);
    const cxai_target_context context = { p->model, p->shapes, p->labels,
                                          geometry };
    check_ok(cxai_target_parse(&target, &context, label, &error), &error);
    check_ok(cxai_heatmap_compute(map, method, p->model, &p->input_shape, input,
                                  &target, 1, options, &error),
             &error);
    cxai_image_free(&image);
    free(input);
}

/* The positive heat at the network's input size. */
static cxai_real *positive_heat(const cxai_heatmap *map,
                                const cxai_geometry *geometry)
{
    const int64_t *dim = map->shape.dim + map->shape.rank - 2;
    int height = geometry->network_height, width = geometry->network_width;
    size_t count = (size_t)(dim[0] * dim[1]);
    int64_t channels = map->shape.rank == 3 ? map->shape.dim[0] : 1;
    cxai_real *sum = calloc(count, sizeof *sum);
    cxai_real *heat = malloc((size_t)width * (size_t)height * sizeof *heat);

    assert_non_null(sum);
    assert_non_null(heat);
    for (int64_t c = 0; c < channels; c++)
        for (size_t i = 0; i < count; i++)
            sum[i] += map->data[(size_t)c * count + i];
    for (size_t i = 0; i < count; i++)
        sum[i] = sum[i] > 0 ? sum[i] : 0;
    cxai_map_resize(sum, (int)dim[0], (int)dim[1], heat, height, width);
    free(sum);
    return heat;
}

double photos_share(const cxai_heatmap *map, const cxai_geometry *geometry,
                    const cJSON *box, int *hottest_inside)
{
    int width = geometry->photo_width, height = geometry->photo_height;
    cxai_real *positive = positive_heat(map, geometry);
    cxai_real *heat = malloc((size_t)width * (size_t)height * sizeof *heat);
    double side[4], inside = 0, total = 0, highest = -1;

    assert_non_null(heat);
    assert_int_equal(cJSON_GetArraySize(box), 4);
    for (int i = 0; i < 4; i++)
        side[i] = cJSON_GetArrayItem(box, i)->valuedouble;
    cxai_geometry_project(geometry, positive, heat);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double h = (double)heat[(size_t)y * (size_t)width + (size_t)x];
            int in = x >= side[0] && x < side[2] && y >= side[1] && y < side[3];
            if (!isfinite(h))
                continue;
            total += h;
            inside += in ? h : 0;
            if (h > highest) {
                highest = h;
                *hottest_inside = in;
            }
        }
    free(heat);
    free(positive);
    return inside / total;
}
