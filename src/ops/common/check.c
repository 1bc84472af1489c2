#include "ops/common/check.h"

#include <string.h>

#include "ops/common/constant.h"

cxai_status cx_check_some_reals(const cx_case *c, int first, int last)
{
    for (int i = first; i <= last; i++)
        if (cx_has_input(c, i) && cx_input_type(c, i) != CX_REAL)
            return cx_refuse(c, CXAI_UNSUPPORTED,
                             "input %d holds integers; real numbers are needed",
                             i);
    return CXAI_OK;
}

cxai_status cx_check_reals(const cx_case *c)
{
    return cx_check_some_reals(c, 0, c->input_count - 1);
}

cxai_status cx_read_choice(const cx_case *c, const char *attribute,
                           const char *otherwise, const char *const *names,
                           int count, int *choice)
{
    const char *name = cx_attribute_string(c->attributes, attribute, otherwise);
    for (*choice = 0; *choice < count; ++*choice)
        if (strcmp(name, names[*choice]) == 0)
            return CXAI_OK;
    return cx_refuse(c, CXAI_UNSUPPORTED, "%s \"%s\" is not known", attribute,
                     name);
}

cxai_status cx_check_demand(const cx_case *c,
                            void (*demand)(const cx_case *c, uint64_t wanted,
                                           cx_demand *demand),
                            uint64_t wanted)
{
    const size_t largest = SIZE_MAX >> 24;
    cx_demand d = { 0 };
    demand(c, wanted, &d);
    if (d.saved_bytes > largest || d.forward_workspace > largest ||
        d.backward_workspace > largest ||
        d.prepared_bytes[CX_FORWARD] > largest ||
        d.prepared_bytes[CX_BACKWARD] > largest)
        return cx_refuse(c, CXAI_LIMIT,
                         "its sizes are too large to be computed with");
    return CXAI_OK;
}
