#include "hand.h"

#include "check.h"
#include "net.h"

static const double ones[18] = { 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                 1, 1, 1, 1, 1, 1, 1, 1, 1 };

cxai_model *hand_net_a(void)
{
    net n = net_begin(13);
    double columns[32];

    for (int i = 0; i < 32; i++)
        columns[i] = i % 8 < 5 ? 1 : -1;
    net_input(&n, "x", "1,1,4,4");
    net_reals(&n, "w", "2,1,3,3", ones);
    net_reals(&n, "b", "2", (double[]){ -50, -75 });
    net_reals(&n, "f", "4,8", columns);
    net_node(&n, "Conv", "x w b", "conv1", "");
    net_node(&n, "Relu", "conv1", "relu1", "");
    net_node(&n, "Flatten", "relu1", "flat", "");
    net_node(&n, "Gemm", "flat f", "fc", "transB=1");
    net_node(&n, "Relu", "fc", "y", "");
    net_output(&n, "y");
    return net_end(&n);
}

void hand_ramp(cxai_real x[16])
{
    for (int i = 0; i < 16; i++)
        x[i] = (cxai_real)i;
}

cxai_model *hand_net_b(void)
{
    net n = net_begin(13);

    net_input(&n, "x", "0,0,0,0");
    net_reals(&n, "w0", "3,3", (double[]){ 1, 0, 0, 0, 1, 0, 0, 0, 1 });
    net_reals(&n, "w1", "4,3", ones);
    net_reals(&n, "b1", "4", (double[]){ -10, 1, 1, 1 });
    net_reals(&n, "w2", "2,4", ones);
    net_reals(&n, "b2", "2", (double[]){ -1, 1 });
    net_node(&n, "Flatten", "x", "flat", "");
    net_node(&n, "Gemm", "flat w0", "linear0", "transB=1");
    net_node(&n, "Gemm", "linear0 w1 b1", "linear1", "transB=1");
    net_node(&n, "Relu", "linear1", "relu", "");
    net_node(&n, "Gemm", "relu w2 b2", "linear2", "transB=1");
    net_output(&n, "linear2");
    return net_end(&n);
}

const cxai_heatmap_method *hand_method(const char *name)
{
    const cxai_heatmap_method *found;
    cxai_error error;

    check_ok(cxai_heatmap_find(&found, name, &error), &error);
    return found;
}

cxai_target hand_target(const cxai_model *model, const char *value, int channel)
{
    return cxai_target_channel(net_value(model, value), channel);
}

cxai_heatmap hand_check(const char *method, const cxai_model *model,
                        const char *shape, const cxai_real *x,
                        cxai_target target, const cxai_heatmap_options *options,
                        const double *want, int64_t count, double tolerance)
{
    cxai_shape input = net_shape(shape);
    cxai_heatmap map;
    cxai_error error;

    check_ok(cxai_heatmap_compute(&map, hand_method(method), model, &input, x,
                                  &target, 1, options, &error),
             &error);
    assert_int_equal(cxai_shape_count(&map.shape), count);
    check_close(map.data, want, count, tolerance);
    return map;
}
