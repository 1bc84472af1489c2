/* The numbers that a picture of a heatmap is drawn from. */
#include <math.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/hand.h"

static const cxai_shape picture = { 4, { 1, 1, 4, 4 } };

/* A map of 2 with 10 in the middle, 3 x 3, over 4 x 4 pixels: the inner ones
   lie .625 towards the middle, so the largest is 2 + 8 * .625^2, the
   smallest 2. */
static cxai_status peak(const cxai_heatmap_call *call, cxai_error *error)
{
    static const cxai_real map[] = { 2, 2, 2, 2, 10, 2, 2, 2, 2 };

    return cxai_heatmap_set_map(call, 0, map, 3, 3, error);
}

static void test_scale_of_a_map(void **state)
{
    static const cxai_heatmap_method method = { .name = "peak",
                                                .compute = peak };
    cxai_model *model = hand_net_a();
    cxai_target target = hand_target(model, "y", 0);
    cxai_heatmap map;
    cxai_real x[16], shown[16];
    double unit[2];
    cxai_error error;

    (void)state;
    hand_ramp(x);
    check_ok(cxai_heatmap_compute(&map, &method, model, &picture, x, &target, 1,
                                  NULL, &error),
             &error);
    assert_true(map.minimum == 2 && map.maximum == 10);
    assert_true(fabs(map.low - 2) < 1e-6 && fabs(map.high - 5.125) < 1e-6);
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, unit, &error),
             &error);
    assert_true(unit[0] == map.low && unit[1] == map.high);
    assert_true(shown[0] == 0 && shown[5] == 1);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* Summed over channels: 1 -2 3, 4 -5 100; magnitudes ascending 1 2 3 4 5 100
   of total 115: 98 % (112.7) is first reached at 100. With 100 times 0.01,
   total 16, it is reached at 5. */
static void test_display(void **state)
{
    cxai_real data[] = { 1, -1, 1, 1, -2, 50, 0, -1, 2, 3, -3, 50 }, shown[6];
    double unit[2];
    cxai_heatmap map = { .data = data,
                         .shape = { 3, { 2, 2, 3 } },
                         .kind = CXAI_HEATMAP_ATTRIBUTION };
    cxai_error error;

    (void)state;
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, NULL, &error),
             &error);
    check_close(shown, (double[]){ .01, -.02, .03, .04, -.05, 1 }, 6, 1e-7);
    data[5] = data[11] = (cxai_real)0.5;
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, NULL, &error),
             &error);
    check_close(shown, (double[]){ .2, -.4, .6, .8, -1, .2 }, 6, 1e-7);
    check_ok(
        cxai_heatmap_display(&map, CXAI_SIGN_ABSOLUTE, shown, unit, &error),
        &error);
    assert_true(unit[0] == 0 && unit[1] == 5);
    check_close(shown, (double[]){ .2, .4, .6, .8, 1, .2 }, 6, 1e-7);
    check_ok(
        cxai_heatmap_display(&map, CXAI_SIGN_POSITIVE, shown, NULL, &error),
        &error);
    check_close(shown, (double[]){ .25, 0, .75, 1, 0, .25 }, 6, 1e-7);
    memset(data, 0, sizeof data);
    check_ok(cxai_heatmap_display(&map, CXAI_SIGN_ALL, shown, NULL, &error),
             &error);
    check_close(shown, (double[6]){ 0 }, 6, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scale_of_a_map),
        cmocka_unit_test(test_display),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
