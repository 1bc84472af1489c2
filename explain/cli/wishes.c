#include "wishes.h"

#include <stdio.h>
#include <stdlib.h>

#include "channels.h"
#include "explained.h"

/* Targets from -t: classes by name, or LAYER[CHANNEL]. */
static cxai_status wish_targets(const workbench *bench, const wish_settings *s,
                                wishes *w, cxai_error *error)
{
    cxai_target_context context = target_context(bench, NULL);
    return cxai_target_parse_list(&w->targets, &w->count, &context, s->target,
                                  error);
}

/* Targets of channels of a layer. */
static cxai_status fill_targets(workbench *bench, const wish_settings *s,
                                int layer, const cxai_shape *shape,
                                const channel_list *list, wishes *w,
                                cxai_error *error)
{
    w->count = list->count;
    w->targets = calloc((size_t)list->count + 1, sizeof *w->targets);
    if (w->targets == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for targets");
    for (int i = 0; i < list->count; i++) {
        cxai_target *t = &w->targets[i];
        *t = cxai_target_channel(layer, list->channels[i]);
        for (int axis = 2; axis < 4 && s->neuron && shape->rank == 4; axis++)
            t->terms[0].span[axis] = (cxai_span){ shape->dim[axis] / 2, 1 };
        snprintf(t->text, sizeof t->text, "%.100s[%d]",
                 cxai_model_value_name(bench->model, layer), list->channels[i]);
    }
    return CXAI_OK;
}

/* Targets from -l and -c: channels of a layer. */
static cxai_status wish_channels(workbench *bench, const wish_settings *s,
                                 const cxai_synthesis_options *options,
                                 wishes *w, cxai_error *error)
{
    cxai_shape shape;
    int layer;
    channel_list list;
    cxai_status status = find_layer(bench, s->layer, &layer, error);
    if (status == CXAI_OK)
        status = cxai_synthesis_shape(&shape, bench->model, &bench->preprocess,
                                      layer, options, error);
    if (status != CXAI_OK)
        return status;
    status = channels_parse(&list, s->all ? NULL : s->channels,
                            (int)shape.dim[1], error);
    if (status == CXAI_OK)
        status = fill_targets(bench, s, layer, &shape, &list, w, error);
    channels_free(&list);
    return status;
}

cxai_status wishes_make(wishes *w, workbench *bench, const wish_settings *s,
                        const cxai_synthesis_options *options,
                        cxai_error *error)
{
    cxai_status status = s->target != NULL
                             ? wish_targets(bench, s, w, error)
                             : wish_channels(bench, s, options, w, error);
    if (status != CXAI_OK)
        return status;
    w->objectives = calloc((size_t)w->count + 1, sizeof *w->objectives);
    if (w->objectives == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "no memory for objectives");
    for (int i = 0; i < w->count; i++)
        w->objectives[i] = (cxai_objective){ &w->targets[i], 1 };
    return CXAI_OK;
}

void wishes_free(wishes *w)
{
    free(w->targets);
    free(w->objectives);
}
