/* Quadrature: Gauss-Legendre against its textbook nodes and exact integrals,
   even divisions by hand. */
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

/* By hand, for 2 and 4 points; captum's alphas (approximation_methods.py) are
   the same nodes. */
static void test_even_rules(void **state)
{
    static const struct {
        cx_rule rule;
        int count;
        double nodes[4], weights[4];
    } cases[] = {
        { CX_TRAPEZOID, 2, { 0, 1 }, { .5, .5 } },
        { CX_TRAPEZOID, 3, { 0, .5, 1 }, { .25, .5, .25 } },
        { CX_LEFT, 4, { 0, .25, .5, .75 }, { .25, .25, .25, .25 } },
        { CX_MIDDLE, 2, { .25, .75 }, { .5, .5 } },
        { CX_RIGHT, 2, { .5, 1 }, { .5, .5 } },
    };
    double nodes[4], weights[4];

    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        cx_quadrature(cases[c].rule, cases[c].count, nodes, weights);
        for (int i = 0; i < cases[c].count; i++) {
            assert_true(fabs(nodes[i] - cases[c].nodes[i]) < 1e-15);
            assert_true(fabs(weights[i] - cases[c].weights[i]) < 1e-15);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_rules),
        cmocka_unit_test(test_exactness),
        cmocka_unit_test(test_even_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
