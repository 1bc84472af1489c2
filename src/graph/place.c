#include "graph/place.h"

#include <string.h>

void *cx_literal_data(const cxai_model *model, const cx_literal *literal)
{
    if (literal->place == NULL)
        return literal->data;
    size_t bytes =
        (size_t)cx_literal_count(literal) * cx_type_size(literal->type);
    /* several weights may begin at one place */
    const int64_t key[] = { (int64_t)(intptr_t)literal->place, (int64_t)bytes };
    cx_packed_lock(model->packed);
    cx_packed *entry = cx_packed_entry(model->packed, key, 2);
    void *data = entry == NULL ? NULL : entry->weights;
    if (entry != NULL && data == NULL) {
        data = cx_packed_room(model->packed, bytes);
        if (data != NULL)
            memcpy(data, literal->place, bytes);
        entry->weights = data;
    }
    cx_packed_unlock(model->packed);
    return data;
}
