#include "lrp_terms.h"

/* Where a rule has two groups, their terms at one place read the same weights.
 */
static const cx_lrp_terms rules[] = {
    [CX_LRP_ZPLUS] = { 1,
                       { { 0,
                           2,
                           { { CX_POSITIVE, CX_ABOVE, 1, 1 },
                             { CX_NEGATIVE, CX_BELOW, 0, 1 } } } } },
    [CX_LRP_ALPHA_BETA] = { 2,
                            { { 0,
                                2,
                                { { CX_POSITIVE, CX_ABOVE, 1, 1 },
                                  { CX_NEGATIVE, CX_BELOW, 0, 1 } } },
                              { 0,
                                2,
                                { { CX_NEGATIVE, CX_ABOVE, 0, 1 },
                                  { CX_POSITIVE, CX_BELOW, 1, 1 } } } } },
    [CX_LRP_GAMMA] = { 2,
                       { { 1,
                           2,
                           { { CX_POSITIVE, CX_MORE_ABOVE, 1, 1 },
                             { CX_NEGATIVE, CX_MORE_BELOW, 0, 1 } } },
                         { -1,
                           2,
                           { { CX_NEGATIVE, CX_MORE_ABOVE, 0, 1 },
                             { CX_POSITIVE, CX_MORE_BELOW, 1, 1 } } } } },
    [CX_LRP_WSQUARE] = { 1, { { 0, 1, { { CX_ONE, CX_SQUARE, 1, 1 } } } } },
    [CX_LRP_FLAT] = { 1, { { 0, 1, { { CX_ONE, CX_UNIT, 0, 1 } } } } },
    [CX_LRP_BOX] = { 1,
                     { { 0,
                         3,
                         { { CX_ALL, CX_SAME, 0, 1 },
                           { CX_LOW, CX_ABOVE, 0, -1 },
                           { CX_HIGH, CX_BELOW, 0, -1 } } } } },
};

const cx_lrp_terms *cx_lrp_terms_of(cx_lrp_rule rule)
{
    return &rules[rule];
}
