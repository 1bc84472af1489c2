#include "guided.h"

#include "relus.h"
#include "rows.h"

static void keep_positive(cxai_real *const *at, const int64_t *step,
                          int64_t count, void *payload)
{
    cxai_real *dx = at[0];

    (void)payload;
    for (int64_t i = 0; i < count; i++, dx += step[0])
        if (*dx < 0)
            *dx = 0;
}

static int guide(const cxai_hook_call *call, void *payload)
{
    if (call->input_gradients[0].data)
        cx_each_row(&call->input_gradients[0], 1, keep_positive, payload);
    return 0;
}

cxai_status cx_guide_relus(cxai_session *session, void *payload,
                           cxai_error *error)
{
    return cx_hook_relus(session, guide, payload, error);
}
