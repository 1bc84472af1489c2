/* Random numbers against the known-answer vectors of the Random123
   distribution (kat_vectors, philox4x32 with 10 rounds). */
#include "support/check.h"

#include <math.h>

#include "base/philox.h"
#include "cxai/random.h"

typedef struct known_answer {
    uint32_t counter[4], key[2], want[4];
} known_answer;

static const known_answer known_answers[] = {
    { { 0, 0, 0, 0 },
      { 0, 0 },
      { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
      { 0xffffffff, 0xffffffff },
      { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
      { 0xa4093822, 0x299f31d0 },
      { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known_answers / sizeof known_answers[0];
         i++) {
        const known_answer *known = &known_answers[i];
        uint32_t out[4];
        cx_philox(known->counter, known->key, out);
        for (int word = 0; word < 4; word++)
            assert_int_equal(out[word], known->want[word]);
    }
}

/* seed is the key, index / 4 the counter, index % 4 the word. */
static void bits_are_words_of_philox(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(cxai_random_bits(0, 0, i), known_answers[0].want[i]);
    const uint32_t key[2] = { 0x89abcdef, 0x01234567 };
    const uint32_t counter[4] = { 0x5, 0x1, 77, 0 };
    uint32_t out[4];
    cx_philox(counter, key, out);
    for (uint64_t word = 0; word < 4; word++)
        assert_int_equal(cxai_random_bits(0x0123456789abcdef, 77,
                                          4 * UINT64_C(0x100000005) + word),
                         out[word]);
}

static void uniform_numbers_are_the_upper_24_bits(void **state)
{
    (void)state;
    /* 0x6627e8 / 2^24 */
    assert_true(cxai_random_uniform(0, 0, 0) == 6694888.0 / 16777216.0);
    for (uint64_t i = 0; i < 1000; i++) {
        double value = cxai_random_uniform(3, 1, i) * 16777216;
        assert_true(value >= 0 && value < 16777216 && value == floor(value));
    }
}

/* Mean 1/2 and variance 1/12; a tolerance of five standard errors. */
static void uniform_numbers_are_uniform(void **state)
{
    (void)state;
    const int count = 100000;
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) {
        double value = cxai_random_uniform(1, 2, (uint64_t)i);
        sum += value;
        squares += value * value;
    }
    double mean = sum / count, variance = squares / count - mean * mean;
    assert_true(fabs(mean - 0.5) < 5 * sqrt(1.0 / 12 / count));
    assert_true(fabs(variance - 1.0 / 12) < 5 * sqrt(1.0 / 180 / count));
}

/* A pair's radius is that of Box and Muller for the words of use 1. */
static void normal_numbers_are_box_mullers(void **state)
{
    (void)state;
    const uint32_t key[2] = { 9, 0 }, counter[4] = { 2, 0, 4, 1 };
    uint32_t out[4];
    cx_philox(counter, key, out);
    for (int pair = 0; pair < 2; pair++) {
        double even = cxai_random_normal(9, 4, (uint64_t)(8 + 2 * pair));
        double odd = cxai_random_normal(9, 4, (uint64_t)(9 + 2 * pair));
        double u = (out[2 * pair] + 1.0) / 4294967296.0;
        double turn = out[2 * pair + 1] / 4294967296.0;
        assert_true(fabs(even * even + odd * odd + 2 * log(u)) < 1e-12);
        double angle = atan2(odd, even) / (2 * acos(-1.0));
        assert_true(fabs(angle - turn + (turn > 0.5)) < 1e-12);
    }
}

/* Mean 0, variance 1, fourth moment 3; a tolerance of five standard errors
   (the variances of x, x^2, x^4 are 1, 2, 96). */
static void normal_numbers_are_normal(void **state)
{
    (void)state;
    const int count = 100000;
    double moment[5] = { 0 };
    for (int i = 0; i < count; i++) {
        double value = cxai_random_normal(5, 6, (uint64_t)i), power = 1;
        for (int k = 0; k < 5; k++, power *= value)
            moment[k] += power / count;
    }
    assert_true(fabs(moment[1]) < 5 * sqrt(1.0 / count));
    assert_true(fabs(moment[2] - 1) < 5 * sqrt(2.0 / count));
    assert_true(fabs(moment[4] - 3) < 5 * sqrt(96.0 / count));
}

static void seeds_and_streams_differ(void **state)
{
    (void)state;
    uint32_t bits = cxai_random_bits(1, 1, 10);
    assert_int_not_equal(bits, cxai_random_bits(2, 1, 10));
    assert_int_not_equal(bits, cxai_random_bits(UINT64_C(1) << 32 | 1, 1, 10));
    assert_int_not_equal(bits, cxai_random_bits(1, 2, 10));
    assert_int_not_equal(bits, cxai_random_bits(1, 1, 11));
    assert_int_equal(bits, cxai_random_bits(1, 1, 10));
}

/* Runs that begin and end anywhere in a counter's four words, also behind
   2^32. */
static void many_normal_numbers_are_the_same(void **state)
{
    (void)state;
    static const uint64_t firsts[] = { 0, 1, 2, 3, UINT64_C(0x3fffffffe) };
    for (int f = 0; f < 5; f++)
        for (size_t count = 0; count < 11; count++) {
            double out[11] = { 0 };
            cxai_random_normals(7, 3, firsts[f], count, out);
            for (size_t i = 0; i < count; i++)
                assert_true(out[i] == cxai_random_normal(7, 3, firsts[f] + i));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(bits_are_words_of_philox),
        cmocka_unit_test(uniform_numbers_are_the_upper_24_bits),
        cmocka_unit_test(uniform_numbers_are_uniform),
        cmocka_unit_test(normal_numbers_are_box_mullers),
        cmocka_unit_test(normal_numbers_are_normal),
        cmocka_unit_test(seeds_and_streams_differ),
        cmocka_unit_test(many_normal_numbers_are_the_same),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
