#include "support/synthesis.h"

#include "support/check.h"
#include "support/net.h"

cxai_target synthesis_target(const cxai_model *model, const char *value,
                             int channel)
{
    return cxai_target_channel(net_value(model, value), channel);
}

cxai_synthesis_options synthesis_plain(int steps)
{
    cxai_synthesis_options o = cxai_synthesis_defaults();
    o.steps = steps;
    o.jitter = 0;
    o.scale = o.rotation = 0;
    o.threads = 1;
    return o;
}

cxai_synthesis synthesis_make(const cxai_model *model,
                              const cxai_target *target,
                              const cxai_synthesis_options *options)
{
    cxai_synthesis made;
    cxai_error error;
    cxai_objective objective = { target, 1 };
    check_ok(
        cxai_synthesize(&made, model, NULL, &objective, 1, options, &error),
        &error);
    return made;
}
