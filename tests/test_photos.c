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

#include "support/check.h"
#include "support/effort.h"
#include "support/photos.h"

/* The reference counts pixels of the network's input, we those of the photo:
   at the sides of a box up to half a pixel of 224 is counted otherwise. */
static const double tolerance = 0.01;

static int setup(void **state)
{
    photos *p = calloc(1, sizeof *p);

    assert_non_null(p);
    photos_open(p);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    photos_close(*state);
    free(*state);
    return 0;
}

/* The heatmap of a photo for a label. */
static void explain(const photos *f, const char *photo, const char *label,
                    const char *name, cxai_heatmap *map,
                    cxai_geometry *geometry)
{
    const cxai_heatmap_method *method;
    cxai_error error;

    check_ok(cxai_heatmap_find(&method, name, &error), &error);
    photos_explain(f, photo, label, method, NULL, map, geometry);
    assert_int_equal(map->state, CXAI_HEATMAP_OK);
}

static const cJSON *box_of(const photos *f, const char *photo,
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
    const photos *f = *state;
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
        double share = photos_share(&map, &geometry, box_of(f, photo, label),
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
    const photos *f = *state;
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
