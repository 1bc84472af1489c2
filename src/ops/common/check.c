#include "ops/common/check.h"

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

cxai_status cx_check_demand(const cx_case *c,
                            void (*demand)(const cx_case *c, uint64_t wanted,
                                           cx_demand *demand),
                            uint64_t wanted)
{
    const size_t largest = SIZE_MAX >> 24;
    cx_demand d = { 0 };
    demand(c, wanted, &d);
    if (d.saved_bytes > largest || d.forward_workspace > largest ||
        d.backward_workspace > largest || d.prepared_bytes > largest)
        return cx_refuse(c, CXAI_LIMIT,
                         "its sizes are too large to be computed with");
    return CXAI_OK;
}
