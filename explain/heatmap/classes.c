#include "classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

cxai_status cx_classes_open(cx_classes *classes, const cxai_heatmap_call *call,
                            cxai_error *error)
{
    memset(classes, 0, sizeof *classes);
    classes->of = cxai_model_classes(call->model, call->shapes);
    int64_t count = classes->of.count;
    if (call->value != classes->of.value || count < 1 ||
        cxai_shape_count(&call->shapes[call->value]) != count) {
        classes->of.count = 0;
        return CXAI_OK;
    }
    classes->logits = malloc((size_t)count * sizeof *classes->logits);
    classes->probabilities =
        malloc((size_t)count * sizeof *classes->probabilities);
    return classes->logits && classes->probabilities
               ? CXAI_OK
               : cxai_fail(error, CXAI_NO_MEMORY, "no memory for %lld classes",
                           (long long)count);
}

void cx_classes_free(cx_classes *classes)
{
    free(classes->logits);
    free(classes->probabilities);
}

void cx_classes_read(cx_classes *classes, const cxai_tensor *value,
                     int64_t item)
{
    cxai_tensor one = *value;

    if (classes->of.count < 1)
        return;
    one.data += item * one.stride[0];
    one.shape.dim[0] = 1;
    cxai_tensor_read(&one, classes->logits);
    cxai_target_probabilities(classes->of.reading, classes->logits,
                              classes->of.count, classes->probabilities);
}

int64_t cx_class_of(const cx_classes *classes, const cxai_heatmap_call *call,
                    int i)
{
    return classes->of.count < 1
               ? -1
               : cxai_target_class(&call->results[i].target, &classes->of);
}

cxai_status cx_class_needed(const cx_classes *classes,
                            const cxai_heatmap_call *call, int i,
                            int64_t *class, cxai_error *error)
{
    *class = cx_class_of(classes, call, i);
    if (*class >= 0 && classes->of.count > 1)
        return CXAI_OK;
    return cxai_fail(error, CXAI_UNSUPPORTED,
                     "%s explains a class among others, and the target '%s' in "
                     "'%s' is none; use gradcam",
                     call->method->title, call->results[i].target.text,
                     cxai_model_value_name(call->model, call->value));
}

double cx_probability_of(const cx_classes *classes,
                         const cxai_heatmap_call *call, int i)
{
    int64_t class = cx_class_of(classes, call, i);

    if (class < 0)
        return (double)NAN;
    return call->results[i].target.terms[0].weight < 0
               ? 1 - classes->probabilities[class]
               : classes->probabilities[class];
}
