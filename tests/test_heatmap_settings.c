/* What one heatmap method takes beside the options: the text "name=value". */
#include <math.h>
#include <string.h>

#include "cxai/heatmap.h"
#include "support/check.h"
#include "support/net.h"

static const cxai_heatmap_parameter parameters[] = {
    { "window", 15, 1, 99, NULL, "side of the window" },
    { "rule", 1, 0, 2, "left middle right", "where the points lie" },
    { 0 },
};

/* Maps 1x3: window, rule, and what a name that is not there gives. */
static cxai_status report(const cxai_heatmap_call *call, cxai_error *error)
{
    cxai_real map[] = { (cxai_real)cxai_heatmap_setting(call, "window"),
                        (cxai_real)cxai_heatmap_setting(call, "rule"),
                        isnan(cxai_heatmap_setting(call, "win")) ? 7 : 8 };

    cxai_heatmap_partial(call, 3, 10);
    return cxai_heatmap_set_map(call, 0, map, 1, 3, error);
}

static const cxai_heatmap_method method = {
    .name = "report",
    .title = "Report",
    .parameters = parameters,
    .kind = CXAI_HEATMAP_MAP,
    .compute = report,
};

/* The settings as the method sees them, or the error. */
static cxai_status settings_of(const cxai_heatmap_method *used, const char *set,
                               cxai_heatmap *map, cxai_error *error)
{
    net n = net_begin(13);
    const cxai_shape picture = { 4, { 1, 1, 2, 2 } };
    const cxai_real x[4] = { 0 };
    cxai_heatmap_options options = cxai_heatmap_defaults();

    net_input(&n, "x", "1,1,2,2");
    net_node(&n, "Relu", "x", "y", "");
    net_output(&n, "y");
    cxai_model *model = net_end(&n);
    cxai_target target = cxai_target_channel(net_value(model, "y"), 0);
    options.raw = 1;
    options.set = set;
    cxai_status status = cxai_heatmap_compute(map, used, model, &picture, x,
                                              &target, 1, &options, error);
    cxai_model_free(&model);
    return status;
}

static void check_settings(const char *set, double window, double rule)
{
    const double want[] = { window, rule, 7 };
    cxai_heatmap map;
    cxai_error error;

    check_ok(settings_of(&method, set, &map, &error), &error);
    check_close(map.data, want, 3, 0);
    assert_int_equal(map.done, 3);
    assert_int_equal(map.total, 10);
    cxai_heatmap_clear(&map);
}

static void test_values(void **state)
{
    (void)state;
    check_settings(NULL, 15, 1);
    check_settings("", 15, 1);
    check_settings("window=3", 3, 1);
    check_settings("rule=left,window=99", 99, 0);
    check_settings("window=2.5,rule=right,window=4", 4, 2); /* the last */
}

static void check_refused(const cxai_heatmap_method *used, const char *set,
                          const char *words)
{
    cxai_heatmap map;
    cxai_error error;

    check_error(settings_of(used, set, &map, &error), &error, CXAI_INVALID,
                words);
    assert_null(map.data);
}

static void test_refusals(void **state)
{
    cxai_heatmap_method bare = method;

    (void)state;
    bare.parameters = NULL;
    check_refused(&method, "window", "NAME=VALUE");
    check_refused(&method, "width=3", "it takes window, rule");
    check_refused(&method, "wind=3", "it takes window, rule");
    check_refused(&method, "window=0", "from 1 to 99");
    check_refused(&method, "window=100", "from 1 to 99");
    check_refused(&method, "window=nan", "from 1 to 99");
    check_refused(&method, "window=", "from 1 to 99");
    check_refused(&method, "window=3x", "not '3x'");
    check_refused(&method, "rule=lef", "left middle right");
    check_refused(&method, "rule=", "left middle right");
    check_refused(&method, "rule=left right", "left middle right");
    check_refused(&bare, "window=3", "it takes none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
