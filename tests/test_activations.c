/* Activations and kernels, against numbers made by hand. */
#include "cxai/activations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/graph.h"
#include "support/check.h"
#include "support/net.h"

/* Two channels of 1x1 weights over one input channel, and ReLU: channel 0 is x,
   channel 1 is -x. */
static cxai_model *sign_model(void)
{
    net n = net_begin(13);
    net_input(&n, "x", "0,1,2,3");
    net_reals(&n, "w", "2,1,1,1", (double[]){ 1, -1 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "Relu", "c", "r", "");
    net_output(&n, "r");
    return net_end(&n);
}

static void a_layer_is_computed(void **state)
{
    cxai_model *model = sign_model();
    cxai_real x[12] = { 0, 1, -2, 3, -4, 5, -1, -1, -1, -1, -1, -1 };
    static const double want[24] = { 0, 1, 0, 3, 0, 5, 0, 0, 2, 0, 4, 0,
                                     0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1 };
    cxai_shape shape = net_shape("2,1,2,3"), wanted = net_shape("2,2,2,3");
    cxai_activations a;
    cxai_error error;

    (void)state;
    check_ok(cxai_activations_compute(&a, model, net_value(model, "r"), x,
                                      &shape, 1, 0, &error),
             &error);
    assert_true(cxai_shape_equal(&a.shape, &wanted));
    check_close(a.data, want, 24, 0);
    cxai_activations_free(&a);
    assert_null(a.data);

    cxai_shape wrong = net_shape("1,2,2,3");
    check_error(
        cxai_activations_compute(&a, model, 99, x, &shape, 1, 0, &error),
        &error, CXAI_INVALID, "");
    assert_null(a.data);
    check_error(cxai_activations_compute(&a, model, net_value(model, "r"), x,
                                         &wrong, 1, 0, &error),
                &error, CXAI_INVALID, "");
    cxai_model_free(&model);
}

/* Several layers of one forward pass are what each is alone. */
static void layers_are_computed_together(void **state)
{
    cxai_model *model = sign_model();
    const cxai_real x[6] = { 0, 1, -2, 3, -4, 5 };
    const int layers[3] = { net_value(model, "r"), net_value(model, "c"),
                            net_value(model, "x") };
    cxai_shape shape = net_shape("1,1,2,3");
    cxai_activations all[3], one;
    cxai_error error;

    (void)state;
    check_ok(cxai_activations_compute_layers(all, model, layers, 3, x, &shape,
                                             1, 0, &error),
             &error);
    for (int i = 0; i < 3; i++) {
        check_ok(cxai_activations_compute(&one, model, layers[i], x, &shape, 1,
                                          0, &error),
                 &error);
        assert_true(cxai_shape_equal(&one.shape, &all[i].shape));
        assert_memory_equal(one.data, all[i].data,
                            (size_t)cxai_shape_count(&one.shape) *
                                sizeof *one.data);
        cxai_activations_free(&one);
        cxai_activations_free(&all[i]);
    }
    const int wrong[2] = { layers[0], 99 };
    check_error(cxai_activations_compute_layers(all, model, wrong, 2, x, &shape,
                                                1, 0, &error),
                &error, CXAI_INVALID, "");
    assert_null(all[0].data);
    assert_null(all[1].data);
    cxai_model_free(&model);
}

static void check_statistics(const cxai_channel_statistics *got, double mean,
                             double minimum, double maximum, double deviation,
                             double zeros, int dead)
{
    assert_true(fabs(got->mean - mean) < 1e-12);
    assert_true(got->minimum == minimum);
    assert_true(got->maximum == maximum);
    assert_true(fabs(got->deviation - deviation) < 1e-12);
    assert_true(fabs(got->zeros - zeros) < 1e-12);
    assert_int_equal(got->dead, dead);
}

static void statistics_by_hand(void **state)
{
    /* pictures, channels, positions */
    cxai_real data[12] = { 1, 2, 0, 0, -1, 0, 3, 6, 0, 0, 1, (cxai_real)NAN };
    cxai_activations a = { net_shape("2,3,1,2"), data };
    cxai_channel_statistics s[3];

    (void)state;
    cxai_activations_statistics(&a, s);
    /* 1 2 3 6: mean 3, squared distances 4 + 1 + 0 + 9 = 14 */
    check_statistics(&s[0], 3, 1, 6, sqrt(14. / 4), 0, 0);
    check_statistics(&s[1], 0, 0, 0, 0, 1, 1);
    assert_true(isnan(s[2].mean) && isnan(s[2].minimum) &&
                isnan(s[2].maximum) && isnan(s[2].deviation));
    assert_true(s[2].zeros == .25);
    assert_int_equal(s[2].dead, 0);

    /* rank 2: -1 0 1 7 are four channels of one picture */
    cxai_real row[4] = { -1, 0, 1, 7 };
    cxai_activations vector = { net_shape("1,4"), row };
    cxai_channel_statistics v[4];
    cxai_activations_statistics(&vector, v);
    check_statistics(&v[0], -1, -1, -1, 0, 0, 0);
    check_statistics(&v[1], 0, 0, 0, 0, 1, 1);
    check_statistics(&v[3], 7, 7, 7, 0, 0, 0);
}

static void the_strongest_come_first(void **state)
{
    cxai_channel_statistics s[5] = {
        { .mean = 1, .maximum = 9 },
        { .mean = 3, .maximum = 2 },
        { .mean = (double)NAN, .maximum = (double)NAN },
        { .mean = 3, .maximum = 5 },
        { .mean = -1, .maximum = 9 },
    };
    int top[5];

    (void)state;
    assert_int_equal(cxai_activations_top(s, 5, CXAI_BY_MEAN, 3, top), 3);
    assert_memory_equal(top, ((int[]){ 1, 3, 0 }), 3 * sizeof *top);
    assert_int_equal(cxai_activations_top(s, 5, CXAI_BY_MAXIMUM, 9, top), 5);
    assert_memory_equal(top, ((int[]){ 0, 4, 3, 1, 2 }), 5 * sizeof *top);
    assert_int_equal(cxai_activations_top(s, 5, CXAI_BY_MEAN, 0, top), 0);
}

/* ---- pictures ------------------------------------------------------------ */

/* Only tiles, without ground between them: an image of their pixels. */
static const cxai_tiles bare = { .hide_labels = 1, .upscale = 1 };

static int same_image(const cxai_image *a, const cxai_image *b)
{
    return a->width == b->width && a->height == b->height &&
           a->channels == b->channels &&
           memcmp(a->pixels, b->pixels,
                  (size_t)a->width * (size_t)a->height * (size_t)a->channels) ==
               0;
}

/* A picture's pixels hold this colour at least `times` times. */
static void assert_has_colour(const cxai_image *image, const uint8_t *rgb,
                              int times)
{
    int found = 0;
    for (int i = 0; i < image->width * image->height; i++)
        found += memcmp(image->pixels + i * image->channels, rgb, 3) == 0;
    assert_in_range(found, times, image->width * image->height);
}

static void maps_become_tiles(void **state)
{
    cxai_real data[16] = { 9, 9, 9, 9, 9, 9, 9, 9, 0, 1, 2, 3, 10, 10, 10, 20 };
    cxai_activations a = { net_shape("2,2,2,2"), data };
    cxai_selection second = { (int[]){ 1 }, 1 },
                   turned = { (int[]){ 1, 0 }, 2 };
    cxai_image got, want;
    cxai_error error;
    uint8_t rgb[3];

    (void)state;
    check_ok(cxai_activations_draw(&got, &a, 1, &second, &bare, &error),
             &error);
    check_ok(cxai_tiles_maps(&want, data + 12, 1, 2, 2, &bare, &error), &error);
    assert_true(same_image(&got, &want));
    cxai_colormap_colour(CXAI_VIRIDIS, 0, rgb); /* the three 10s */
    assert_has_colour(&got, rgb, 3);
    cxai_colormap_colour(CXAI_VIRIDIS, 1, rgb);
    assert_has_colour(&got, rgb, 1);
    cxai_image_free(&got);
    cxai_image_free(&want);

    /* channel 1 before channel 0, each labelled with its number */
    cxai_real maps[8] = { 10, 10, 10, 20, 0, 1, 2, 3 };
    cxai_tiles style = { .labels = (const char *[]){ "1", "0" },
                         .title = "maps",
                         .shared_range = 1 };
    check_ok(cxai_tiles_maps(&want, maps, 2, 2, 2, &style, &error), &error);
    style.labels = NULL;
    check_ok(cxai_activations_draw(&got, &a, 1, &turned, &style, &error),
             &error);
    assert_true(same_image(&got, &want));
    cxai_image_free(&got);
    cxai_image_free(&want);

    check_error(cxai_activations_draw(&got, &a, 2, NULL, NULL, &error), &error,
                CXAI_INVALID, "picture 2");
    cxai_selection none = { (int[]){ 2 }, 1 };
    check_error(cxai_activations_draw(&got, &a, 0, &none, NULL, &error), &error,
                CXAI_INVALID, "0..1");
    assert_null(got.pixels);
}

/* Five channels: cells in lines of four. */
static void vectors_become_a_strip(void **state)
{
    cxai_real data[5] = { 0, 1, 2, 3, 4 };
    cxai_real cells[8] = {
        0, 1, 2, 3, 4, (cxai_real)NAN, (cxai_real)NAN, (cxai_real)NAN
    };
    cxai_activations a = { net_shape("1,5"), data };
    cxai_tiles style = { .hide_labels = 1, .upscale = 3, .shared_range = 1 };
    cxai_image got, want;
    cxai_error error;

    (void)state;
    check_ok(cxai_tiles_maps(&want, cells, 1, 2, 4, &style, &error), &error);
    style.shared_range = 0;
    check_ok(cxai_activations_draw(&got, &a, 0, NULL, &style, &error), &error);
    assert_true(same_image(&got, &want));
    cxai_image_free(&got);
    cxai_image_free(&want);
}

/* Two convolutions: 3 -> 2 of 1x2 behind a batch norm, 2 -> 1 of 1x1. */
static cxai_model *kernel_model(void)
{
    static const double w[12] = { 0, 1, .5, .25, 0, 0, 5, 5, 5, 5, 5, 5 };
    net n = net_begin(13);
    net_input(&n, "x", "1,3,4,4");
    net_reals(&n, "w", "2,3,1,2", w);
    net_reals(&n, "one", "2", (double[]){ 1, 1 });
    net_reals(&n, "v", "1,2,1,2", (double[]){ -2, 1, 4, 0 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "BatchNormalization", "c one one one one", "b", "");
    net_node(&n, "Relu", "b", "r", "");
    net_node(&n, "Conv", "r v", "d", "");
    net_output(&n, "d");
    return net_end(&n);
}

static void kernels_are_found_from_a_layer(void **state)
{
    cxai_model *model = kernel_model();
    cxai_kernels k;
    cxai_error error;

    (void)state;
    check_ok(cxai_kernels_find(&k, model, net_value(model, "r"), &error),
             &error);
    assert_int_equal(k.value, net_value(model, "w"));
    assert_string_equal(cxai_model_node(model, k.node).operator_type, "Conv");
    check_view(&k.weights, (double[]){ 0, 1, .5, .25, 0, 0, 5, 5, 5, 5, 5, 5 },
               12, 0);
    check_ok(cxai_kernels_find(&k, model, net_value(model, "d"), &error),
             &error);
    assert_int_equal(k.value, net_value(model, "v"));
    check_error(cxai_kernels_find(&k, model, net_value(model, "x"), &error),
                &error, CXAI_NOT_FOUND, "'x'");
    cxai_model_free(&model);
}

static void filters_of_colours_are_coloured(void **state)
{
    cxai_model *model = kernel_model();
    cxai_image got;
    cxai_kernels k;
    cxai_error error;

    (void)state;
    check_ok(cxai_kernels_find(&k, model, net_value(model, "c"), &error),
             &error);
    check_ok(
        cxai_kernels_draw(&got, &k, CXAI_KERNELS_MEAN, NULL, &bare, &error),
        &error);
    /* filter 0: red 0 1, green .5 .25, blue 0 0, in 0..1; filter 1 is flat */
    assert_has_colour(&got, (uint8_t[]){ 0, 128, 0 }, 1);
    assert_has_colour(&got, (uint8_t[]){ 255, 64, 0 }, 1);
    assert_has_colour(&got, (uint8_t[]){ 128, 128, 128 }, 2);
    cxai_image_free(&got);
    cxai_model_free(&model);
}

static void other_filters_are_signed(void **state)
{
    cxai_model *model = kernel_model();
    cxai_tiles style = bare;
    cxai_image got, want;
    cxai_kernels k;
    cxai_error error;

    (void)state;
    style.colormap = CXAI_DIVERGING;
    check_ok(cxai_kernels_find(&k, model, net_value(model, "d"), &error),
             &error);
    for (int channel = CXAI_KERNELS_MEAN; channel < 2; channel++) {
        static const double maps[3][2] = { { 1, .5 }, { -2, 1 }, { 4, 0 } };
        cxai_real map[2] = { (cxai_real)maps[channel + 1][0],
                             (cxai_real)maps[channel + 1][1] };
        cxai_tiles symmetric = style;
        symmetric.symmetric = 1;
        check_ok(cxai_kernels_draw(&got, &k, channel, NULL, &style, &error),
                 &error);
        check_ok(cxai_tiles_maps(&want, map, 1, 1, 2, &symmetric, &error),
                 &error);
        assert_true(same_image(&got, &want));
        cxai_image_free(&got);
        cxai_image_free(&want);
    }
    check_error(cxai_kernels_draw(&got, &k, 2, NULL, &style, &error), &error,
                CXAI_INVALID, "0..1");
    cxai_model_free(&model);
}

/* Single numbers are told apart by one scale: -4 and 1 of -4..4. */
static void filters_of_one_pixel_share_a_scale(void **state)
{
    cxai_real w[2] = { -4, 1 };
    cxai_shape shape = net_shape("2,1,1,1");
    cxai_kernels k = { .weights = cxai_tensor_dense(w, &shape) };
    cxai_image got;
    cxai_error error;
    uint8_t rgb[3];

    (void)state;
    check_ok(cxai_kernels_draw(&got, &k, 0, NULL, NULL, &error), &error);
    cxai_colormap_colour(CXAI_DIVERGING, 0, rgb);
    assert_has_colour(&got, rgb, 64 * 64);
    cxai_colormap_colour(CXAI_DIVERGING, 5. / 8, rgb);
    assert_has_colour(&got, rgb, 64 * 64);
    cxai_image_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_layer_is_computed),
        cmocka_unit_test(layers_are_computed_together),
        cmocka_unit_test(statistics_by_hand),
        cmocka_unit_test(the_strongest_come_first),
        cmocka_unit_test(maps_become_tiles),
        cmocka_unit_test(vectors_become_a_strip),
        cmocka_unit_test(kernels_are_found_from_a_layer),
        cmocka_unit_test(filters_of_colours_are_coloured),
        cmocka_unit_test(other_filters_are_signed),
        cmocka_unit_test(filters_of_one_pixel_share_a_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
