#include "tensor/attribute.h"

#include <string.h>

const cx_attribute *cx_attribute_find(const cx_attributes *attributes,
                                      const char *name, cx_attribute_kind kind)
{
    for (int i = 0; i < attributes->count; i++) {
        const cx_attribute *attribute = &attributes->list[i];
        if (attribute->kind == kind && strcmp(attribute->name, name) == 0)
            return attribute;
    }
    return NULL;
}

int64_t cx_attribute_int(const cx_attributes *attributes, const char *name,
                         int64_t otherwise)
{
    const cx_attribute *attribute =
        cx_attribute_find(attributes, name, CX_ATTRIBUTE_INT);
    return attribute != NULL ? attribute->i : otherwise;
}

double cx_attribute_float(const cx_attributes *attributes, const char *name,
                          double otherwise)
{
    const cx_attribute *attribute =
        cx_attribute_find(attributes, name, CX_ATTRIBUTE_FLOAT);
    return attribute != NULL ? attribute->f : otherwise;
}

const char *cx_attribute_string(const cx_attributes *attributes,
                                const char *name, const char *otherwise)
{
    const cx_attribute *attribute =
        cx_attribute_find(attributes, name, CX_ATTRIBUTE_STRING);
    return attribute != NULL ? attribute->s : otherwise;
}
