/*
 * The embedded network on the embedded photos: the heat lies on the object.
 *
 * data/boxes.json has boxes drawn by eye around objects of photos. The share
 * of the Grad-CAM heat inside its box, and whether its hottest pixel lies
 * there, was computed by onnxruntime, Pillow and OpenCV
 * (tests/reference/photos.py).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "cxai/preprocess.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/reference.h"

#define MODEL "data/efficientnet-lite0.int8.onnx"

/* The reference counts pixels of the network's input, we those of the photo:
   at the sides of a box up to half a pixel of 224 is counted otherwise. */
static const double tolerance = 0.01;

typedef struct fixture {
    cxai_model *model;
    cxai_preprocess preprocess;
    cxai_labels *labels;
    cxai_shape input_shape, *shapes;
    cJSON *boxes;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    cxai_error error;

    check_ok(cxai_model_load(&f->model, MODEL, NULL, &error), &error);
    check_ok(cxai_preprocess_for_model(&f->preprocess, f->model, MODEL, &error),
             &error);
    check_ok(cxai_labels_load(&f->labels, f->preprocess.labels, &error),
             &error);
    f->boxes = reference_json("data/boxes.json");
    f->input_shape = cxai_preprocess_shape(&f->preprocess, 1);
    f->shapes =
        calloc((size_t)cxai_model_value_count(f->model), sizeof *f->shapes);
    check_ok(cxai_model_shapes(f->model, &f->input_shape, f->shapes, &error),
             &error);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;

    cJSON_Delete(f->boxes);
    cxai_labels_free(&f->labels);
    cxai_model_free(&f->model);
    free(f->shapes);
    free(f);
    return 0;
}

/* The heatmap of a photo for a label. */
static void explain(const fixture *f, const char *photo, const char *label,
                    const char *name, cxai_heatmap *map,
                    cxai_geometry *geometry)
{
    size_t count = (size_t)cxai_shape_count(&f->input_shape);
    cxai_real *input = malloc(count * sizeof *input);
    const cxai_heatmap_method *method;
    cxai_image image = { 0 };
    cxai_target target;
    char path[256];
    cxai_error error;

    snprintf(path, sizeof path, "data/%s", photo);
    check_ok(cxai_image_load(&image, path, NULL, NULL, &error), &error);
    check_ok(
        cxai_preprocess_apply(&f->preprocess, &image, input, geometry, &error),
        &error);
    check_ok(cxai_heatmap_find(&method, name, &error), &error);
    const cxai_target_context context = { f->model, f->shapes, f->labels,
                                          geometry };
    check_ok(cxai_target_parse(&target, &context, label, &error), &error);
    check_ok(cxai_heatmap_compute(map, method, f->model, &f->input_shape, input,
                                  &target, 1, NULL, &error),
             &error);
    assert_int_equal(map->state, CXAI_HEATMAP_OK);
    cxai_image_free(&image);
    free(input);
}

/* The share of the heat inside a box [x0,y0,x1,y1] of the photo, and whether
   the hottest pixel lies there. */
static double share_inside(const cxai_heatmap *map,
                           const cxai_geometry *geometry, const cJSON *box,
                           int *hottest_inside)
{
    int width = geometry->photo_width, height = geometry->photo_height;
    cxai_real *heat = malloc((size_t)width * (size_t)height * sizeof *heat);
    double side[4], inside = 0, total = 0, highest = -1;

    assert_non_null(heat);
    assert_int_equal(cJSON_GetArraySize(box), 4);
    for (int i = 0; i < 4; i++)
        side[i] = cJSON_GetArrayItem(box, i)->valuedouble;
    cxai_geometry_project(geometry, map->data, heat);
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
    return inside / total;
}

static const cJSON *box_of(const fixture *f, const char *photo,
                           const char *label)
{
    const cJSON *box = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(f->boxes, photo), label);

    assert_non_null(box);
    return box;
}

static void test_heat_on_the_object(void **state)
{
    static const struct {
        const char *photo, *label;
        double share;
        int hottest_inside;
    } objects[] = {
        { "band.jpg", "electric guitar", 0.794, 1 },
        { "band.jpg", "drum", 0.832, 1 },
        { "bee.jpg", "bee", 0.440, 0 },
        { "spaniels.jpg", "Cocker Spaniel", 0.647, 1 },
        { "cameraman.jpg", "tripod", 0.588, 1 },
        { "dog.jpg", "German Shepherd Dog", 1.000, 1 },
        { "macaw.jpg", "macaw", 0.904, 1 },
        { "coffee.jpg", "espresso", 0.722, 1 },
        { "castle.jpg", "castle", 0.957, 1 },
    };
    const fixture *f = *state;
    int count = effort((int)(sizeof objects / sizeof *objects), 1, "objects");
    int head;
    cxai_error error;
    check_ok(cxai_model_cam_layer(f->model, f->shapes, &head, &error), &error);

    assert_string_equal(cxai_model_value_name(f->model, head), "head");
    for (int i = 0; i < count; i++) {
        const char *photo = objects[i].photo, *label = objects[i].label;
        cxai_geometry geometry;
        cxai_heatmap map;
        int hottest_inside = 0;
        explain(f, photo, label, "gradcam", &map, &geometry);
        double share = share_inside(&map, &geometry, box_of(f, photo, label),
                                    &hottest_inside);
        assert_int_equal(map.layer, head);
        if (fabs(share - objects[i].share) > tolerance ||
            hottest_inside < objects[i].hottest_inside)
            fail_msg("%s, %s: %.3f of the heat in the box, %.3f expected",
                     photo, label, share, objects[i].share);
        cxai_heatmap_clear(&map);
    }
}

/* The network ends in pooling and a linear layer, where Grad-CAM is CAM's
   closed form up to a factor, which min-max takes away. */
static void test_cam_is_gradcam(void **state)
{
    const fixture *f = *state;
    cxai_geometry geometry;
    cxai_heatmap cam, gradcam;

    explain(f, "band.jpg", "drum", "cam", &cam, &geometry);
    explain(f, "band.jpg", "drum", "gradcam", &gradcam, &geometry);
    assert_true(relative_error(cam.data, gradcam.data,
                               cxai_shape_count(&cam.shape)) < 1e-5);
    cxai_heatmap_clear(&cam);
    cxai_heatmap_clear(&gradcam);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heat_on_the_object),
        cmocka_unit_test(test_cam_is_gradcam),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
