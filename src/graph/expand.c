#include "graph/expand.h"

#include <string.h>

#include "graph/expansion.h"

static const cx_compound *find(const char *domain, const char *type)
{
    const struct {
        const cx_compound *list;
        int count;
    } tables[] = {
        { cx_quantized_compounds, cx_quantized_compound_count },
        { cx_fused_compounds, cx_fused_compound_count },
        { cx_older_compounds, cx_older_compound_count },
    };
    if (strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (int t = 0; t < CX_COUNT(tables); t++)
        for (int i = 0; i < tables[t].count; i++)
            if (strcmp(tables[t].list[i].domain, domain) == 0 &&
                strcmp(tables[t].list[i].type, type) == 0)
                return &tables[t].list[i];
    return NULL;
}

int cx_is_compound(const char *domain, const char *type)
{
    return find(domain, type) != NULL;
}

cxai_status cx_expand(cx_builder *builder, const cx_node_spec *spec,
                      cxai_error *error)
{
    const cx_compound *compound =
        find(spec->domain != NULL ? spec->domain : "", spec->type);
    int most = compound->max_outputs > 0 ? compound->max_outputs : 1;
    cx_expansion e = { builder, spec, error, CXAI_OK };
    if (cx_attribute_int(&spec->attributes, "channels_last", 0) != 0)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "%s node \"%s\": channels_last is not supported",
                         spec->type, spec->name);
    if (spec->output_count < 1 || spec->output_count > most ||
        *spec->outputs[0] == '\0')
        return cxai_fail(error, CXAI_MALFORMED, "%s node \"%s\" has %d outputs",
                         spec->type, spec->name, spec->output_count);
    compound->expand(&e, compound->real_type);
    return e.status;
}
