/*
 * Random numbers as a function of (seed, stream, index).
 *
 * key     = { low word of seed, high word of seed }
 * counter = { low word of index / 4, high word of index / 4, stream, use }
 *
 * A counter gives four words. Bits and uniform numbers (use 0) take word
 * index % 4; normal numbers (use 1) take a pair of words for two numbers, so
 * that uniform and normal numbers of one stream are independent.
 */
#include "cxai/random.h"

#include "base/philox.h"

#include <math.h>

/* Multipliers and key increments of the paper's table 2 and section 3.3. */
static const uint32_t MULTIPLIER_0 = 0xD2511F53, MULTIPLIER_1 = 0xCD9E8D57;
static const uint32_t WEYL_0 = 0x9E3779B9, WEYL_1 = 0xBB67AE85;
enum { ROUNDS = 10 };

void cx_philox(const uint32_t counter[4], const uint32_t key[2],
               uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1];
    uint32_t c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t product_0 = (uint64_t)MULTIPLIER_0 * c0;
        uint64_t product_1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(product_1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product_1;
        c2 = (uint32_t)(product_0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product_0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

typedef enum use { USE_BITS, USE_NORMAL } use;

static void words(uint64_t seed, uint32_t stream, uint64_t index, use purpose,
                  uint32_t out[4])
{
    uint64_t block = index / 4;
    const uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) };
    const uint32_t counter[4] = { (uint32_t)block, (uint32_t)(block >> 32),
                                  stream, (uint32_t)purpose };
    cx_philox(counter, key, out);
}

uint32_t cxai_random_bits(uint64_t seed, uint32_t stream, uint64_t index)
{
    uint32_t out[4];
    words(seed, stream, index, USE_BITS, out);
    return out[index % 4];
}

double cxai_random_uniform(uint64_t seed, uint32_t stream, uint64_t index)
{
    return (cxai_random_bits(seed, stream, index) >> 8) * 0x1p-24;
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958:
   of each pair of words the even index takes the cosine, the odd the sine. */
static void normal_pair(const uint32_t word[2], double out[2])
{
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2 * log((word[0] + 1.0) * 0x1p-32));
    double angle = two_pi * word[1] * 0x1p-32;
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

double cxai_random_normal(uint64_t seed, uint32_t stream, uint64_t index)
{
    double value;
    cxai_random_normals(seed, stream, index, 1, &value);
    return value;
}

void cxai_random_normals(uint64_t seed, uint32_t stream, uint64_t first,
                         size_t count, double *out)
{
    uint32_t word[4];
    double pair[2];
    for (size_t i = 0; i < count; i++) {
        uint64_t index = first + i;
        if (i == 0 || index % 4 == 0)
            words(seed, stream, index, USE_NORMAL, word);
        if (i == 0 || index % 2 == 0)
            normal_pair(word + index % 4 / 2 * 2, pair);
        out[i] = pair[index % 2];
    }
}
