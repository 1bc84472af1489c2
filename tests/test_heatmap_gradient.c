/*
 * The gradient family on networks small enough to check by hand: Net A and Net
 * B of support/hand.h. Numbers are those of captum's own tests in tests/attr,
 * named at each test, or follow from the equations by hand.
 */
#include <math.h>

#include "support/check.h"
#include "support/hand.h"
#include "support/net.h"

/* One heatmap of Net A's y[0] at the ramp. */
static void check_net_a(const char *method, const double want[16])
{
    cxai_model *model = hand_net_a();
    cxai_real x[16];

    hand_ramp(x);
    cxai_heatmap map =
        hand_check(method, model, "1,1,4,4", x, hand_target(model, "y", 0),
                   NULL, want, 16, 1e-5);
    cxai_heatmap_clear(&map);
    cxai_model_free(&model);
}

/* The windows of channel 0 that are active (at (0,1), (1,0), (1,1)) count 1,
   those of channel 1 ((1,0), (1,1)) -1: what is left is the window at (0,1).
   Times the input this is test_lrp.py, test_lrp_simple_attributions on Net A.
 */
static void test_gradient(void **state)
{
    const double gradient[] = {
        0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0
    };
    const double product[] = {
        0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0
    };

    (void)state;
    check_net_a("gradient", gradient);
    check_net_a("inputxgradient", product);
}

/* test_deconvolution.py, test_simple_input_conv_deconv. */
static void test_deconvnet(void **state)
{
    const double want[] = { 2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1 };

    (void)state;
    check_net_a("deconvnet", want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_deconvnet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
