/* Gauss-Legendre quadrature against its textbook nodes and exact integrals. */
#include "../explain/heatmap/quadrature.h"

#include <math.h>

#include "support/check.h"

/* Abramowitz and Stegun, table 25.4, moved to 0..1. */
static void test_small_rules(void **state)
{
    double nodes[3], weights[3];

    (void)state;
    cx_gauss_legendre(1, nodes, weights);
    assert_true(fabs(nodes[0] - 0.5) < 1e-15);
    assert_true(fabs(weights[0] - 1) < 1e-15);
    cx_gauss_legendre(2, nodes, weights);
    assert_true(fabs(nodes[0] - (0.5 - 0.5 * 0.577350269189626)) < 1e-14);
    assert_true(fabs(nodes[1] - (0.5 + 0.5 * 0.577350269189626)) < 1e-14);
    assert_true(fabs(weights[0] - 0.5) < 1e-15);
    cx_gauss_legendre(3, nodes, weights);
    assert_true(fabs(nodes[0] - (0.5 - 0.5 * 0.774596669241483)) < 1e-14);
    assert_true(fabs(nodes[1] - 0.5) < 1e-15);
    assert_true(fabs(weights[0] - 5.0 / 18) < 1e-15);
    assert_true(fabs(weights[1] - 8.0 / 18) < 1e-15);
}

/* n nodes integrate x^k over 0..1 to 1 / (k + 1) for every k < 2 n, and no
   longer at k = 2 n where that shows. */
static void test_exactness(void **state)
{
    static const int counts[] = { 1, 2, 5, 50, 1000 };
    double nodes[1000], weights[1000];

    (void)state;
    for (int c = 0; c < 5; c++) {
        int n = counts[c];
        cx_gauss_legendre(n, nodes, weights);
        for (int k = 0; k < 2 * n; k += 1 + k / 8) {
            double sum = 0;
            for (int i = 0; i < n; i++) {
                assert_true(i == 0 || nodes[i] > nodes[i - 1]);
                sum += weights[i] * pow(nodes[i], k);
            }
            assert_true(fabs(sum * (k + 1) - 1) < 1e-11);
        }
    }
    cx_gauss_legendre(2, nodes, weights);
    double fourth =
        weights[0] * pow(nodes[0], 4) + weights[1] * pow(nodes[1], 4);
    assert_true(fabs(fourth - 0.2) > 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_rules),
        cmocka_unit_test(test_exactness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
