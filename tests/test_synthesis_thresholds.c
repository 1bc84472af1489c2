/* Synthesis of channels with a threshold, and beyond bounds. */
#include "cxai/synthesis.h"

#include "../explain/synthesis/redirect.h"
#include "support/check.h"
#include "support/net.h"
#include "support/synthesis.h"

/* Two channels of sum(3x3) - threshold, before ("pre") and behind ("r") a
   ReLU. */
static cxai_model *threshold_model(double first, double second)
{
    double w[18];
    for (int i = 0; i < 18; i++)
        w[i] = 1;
    net n = net_begin(13);
    net_input(&n, "x", "1,1,8,8");
    net_reals(&n, "w", "2,1,3,3", w);
    net_reals(&n, "b", "2", (double[]){ -first, -second });
    net_node(&n, "Conv", "x w b", "pre", "");
    net_node(&n, "Relu", "pre", "r", "");
    net_output(&n, "r");
    return net_end(&n);
}

/* Pixels in 0..1 sum up to at most 9: a threshold of 100 is never reached. Free
   pixels get to all ones; a spectrum, whose frequencies all move at the same
   speed, drives a few corners to 0 for good, but gets 3/4 of the way from
   mid-grey. */
static void what_cannot_fire_is_said_to_be_stuck(void **state)
{
    cxai_model *model = threshold_model(100, 1);
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target dead = synthesis_target(model, "r", 0),
                alive = synthesis_target(model, "r", 1),
                before = synthesis_target(model, "pre", 0);

    (void)state;
    cxai_synthesis made = synthesis_make(model, &dead, &o);
    assert_int_equal(made.outcomes[0].status, CXAI_SYNTHESIS_STUCK);
    assert_true(made.outcomes[0].activation_after == 0);
    assert_int_equal(made.outcomes[0].redirected_steps, 16);
    cxai_synthesis_free(&made);

    for (int plain = 0; plain < 2; plain++) {
        double reach = 4.5 * (plain ? .95 : .75); /* from 4.5 up to 9 */
        o.plain_pixels = plain;
        made = synthesis_make(model, &before, &o);
        assert_int_equal(made.outcomes[0].status, CXAI_SYNTHESIS_OK);
        assert_true(made.outcomes[0].activation_after >= -95.5 + reach);
        assert_true(made.outcomes[0].activation_after <= -91);
        cxai_synthesis_free(&made);

        made = synthesis_make(model, &alive, &o);
        assert_int_equal(made.outcomes[0].status, CXAI_SYNTHESIS_OK);
        assert_int_equal(made.outcomes[0].redirected_steps, 0);
        assert_true(made.outcomes[0].activation_after >= 3.5 + reach);
        assert_true(made.outcomes[0].activation_after <= 8);
        cxai_synthesis_free(&made);
    }
    cxai_model_free(&model);
}

/* Mid-grey sums up to 4.5: a threshold of 5 is silent at first. */
static void what_is_silent_at_first_gets_to_fire(void **state)
{
    cxai_model *model = threshold_model(5, 100);
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target target = synthesis_target(model, "r", 0);

    (void)state;
    o.plain_pixels = 1;
    cxai_synthesis made = synthesis_make(model, &target, &o);
    assert_int_equal(made.outcomes[0].status, CXAI_SYNTHESIS_OK);
    assert_true(made.outcomes[0].activation_before == 0);
    assert_true(made.outcomes[0].activation_after > .95 * 4);
    assert_true(made.outcomes[0].activation_after <= 4);
    assert_in_range(made.outcomes[0].redirected_steps, 1, 16);
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

/* lucid's tests/misc/test_gradient_override.py, the sign of the gradient
   turned round: that library minimises. */
static void redirection_equals_lucids(void **state)
{
    static const struct {
        double x, gradient, want;
    } cases[] = {
        { -1, -1, 0 }, { -1, 1, 1 }, { 1, -1, -1 }, { 7, -1, -1 }, { 7, 1, 0 }
    };
    net n = net_begin(13);
    net_input(&n, "x", "1,1");
    net_reals(&n, "low", "", (double[]){ 0 });
    net_reals(&n, "high", "", (double[]){ 6 });
    net_node(&n, "Clip", "x low high", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_error error;

    (void)state;
    for (int wanted = 0; wanted < 2; wanted++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            int x = net_value(model, "x");
            unsigned char flag = (unsigned char)wanted, done = 0;
            cx_redirect redirect = { .wanted = &flag, .done = &done };
            cxai_request request = { .target = net_value(model, "y"),
                                     .wrt = &x,
                                     .wrt_count = 1,
                                     .threads = 1 };
            cxai_session *session;
            cxai_tensor view;
            cxai_real in = (cxai_real)cases[i].x;
            cxai_real seed = (cxai_real)cases[i].gradient;
            check_ok(cxai_session_create(&session, model, &request, &error),
                     &error);
            check_ok(cx_redirect_add(&redirect, session, &error), &error);
            check_ok(cxai_session_set(session, x, &in, &error), &error);
            check_ok(cxai_session_forward(session, &error), &error);
            check_ok(cxai_session_backward(session, &seed, &error), &error);
            check_ok(cxai_session_gradient(session, x, &view, &error), &error);
            double usual =
                cases[i].x > 0 && cases[i].x < 6 ? cases[i].gradient : 0;
            assert_true((double)*view.data == (wanted ? cases[i].want : usual));
            assert_int_equal(done, wanted && cases[i].want != usual);
            check_ok(cx_redirect_remove(&redirect, session, &error), &error);
            cxai_session_free(&session);
        }
    cxai_model_free(&model);
}

/* Mid-grey is beyond the bound already; the picture is driven on to white. */
static void an_upper_bound_does_not_stop_the_ascent(void **state)
{
    net n = net_begin(13);
    net_input(&n, "x", "1,1,4,4");
    net_reals(&n, "w", "1,1,1,1", (double[]){ 4 });
    net_reals(&n, "low", "", (double[]){ 0 });
    net_reals(&n, "high", "", (double[]){ 1 });
    net_node(&n, "Conv", "x w", "c", "");
    net_node(&n, "Clip", "c low high", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target target = synthesis_target(model, "y", 0);

    (void)state;
    o.plain_pixels = 1;
    cxai_synthesis made = synthesis_make(model, &target, &o);
    for (int i = 0; i < 16; i++)
        assert_true(made.pictures[i] > (cxai_real)0.95);
    assert_true(made.outcomes[0].activation_after == 1);
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

/* A picture of 4x5 for a network of 8x8. */
static void small_pictures_are_enlarged(void **state)
{
    cxai_model *model = threshold_model(100, 1);
    cxai_synthesis_options o = synthesis_plain(512);
    cxai_target target = synthesis_target(model, "r", 1);

    (void)state;
    o.width = 5;
    o.height = 4;
    cxai_synthesis made = synthesis_make(model, &target, &o);
    assert_int_equal(made.shape.dim[2], 4);
    assert_int_equal(made.shape.dim[3], 5);
    /* the outermost of 8x8 are half a pixel outside of 4x5, where it is grey:
       all 1 inside gives at most 8 and well over 7 */
    assert_true(made.outcomes[0].activation_after > 6.5);
    assert_true(made.outcomes[0].activation_after < 8);
    cxai_synthesis_free(&made);
    cxai_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_fire_is_said_to_be_stuck),
        cmocka_unit_test(what_is_silent_at_first_gets_to_fire),
        cmocka_unit_test(redirection_equals_lucids),
        cmocka_unit_test(an_upper_bound_does_not_stop_the_ascent),
        cmocka_unit_test(small_pictures_are_enlarged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
