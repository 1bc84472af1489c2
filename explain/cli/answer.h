/* What a network answers: its classes, best first. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "common.h"

/* One class, or one side of a single number. */
typedef struct answer {
    int64_t class;
    int sign;           /* -1: the contrary of the class */
    double logit;       /* of a map its mean */
    double probability; /* NaN where the network gives none, and of maps */
    double share;       /* of a map where the class wins; NaN: it is no map */
} answer;

/* The answers to one picture: logits are dense, shape is theirs, with a batch
   of 1. *out is owned by the caller, who ends it with free(). Sorted by share,
   then by logit, what is no number last. CXAI_UNSUPPORTED for a network
   without classes. */
cxai_status answers_of(answer **out, int64_t *count,
                       const cxai_classes *classes, const cxai_shape *shape,
                       const cxai_real *logits, cxai_error *error);

#endif
