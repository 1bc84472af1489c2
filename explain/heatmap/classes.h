/* Logits and probabilities of the classes, for methods that need more than the
   score of a target. */
#ifndef CXAI_HEATMAP_CLASSES_H
#define CXAI_HEATMAP_CLASSES_H

#include "cxai/heatmap.h"

typedef struct cx_classes {
    cxai_classes of; /* of.count is 0 where the call's targets lie elsewhere
                        than in one number for each class */
    cxai_real *logits;
    double *probabilities; /* both [of.count], of what was read last */
} cx_classes;

/* Ended by cx_classes_free, also after a failure: CXAI_NO_MEMORY. */
cxai_status cx_classes_open(cx_classes *classes, const cxai_heatmap_call *call,
                            cxai_error *error);
void cx_classes_free(cx_classes *classes);

/* Reads one batch item of a view of the targets' value. */
void cx_classes_read(cx_classes *classes, const cxai_tensor *value,
                     int64_t item);

/* The class that result i explains, after cxai_heatmap_begin; or -1 where its
   target is none. */
int64_t cx_class_of(const cx_classes *classes, const cxai_heatmap_call *call,
                    int i);

/* The same for CXAI_NEEDS_CLASS: CXAI_UNSUPPORTED where it is none, or the only
   one. */
cxai_status cx_class_needed(const cx_classes *classes,
                            const cxai_heatmap_call *call, int i,
                            int64_t *class, cxai_error *error);

/* The probability of the target of result i in what was read last: of its
   class, or of the contrary where its weight is negative; NaN for none. */
double cx_probability_of(const cx_classes *classes,
                         const cxai_heatmap_call *call, int i);

#endif
