#include "ops/common/attention_mask.h"

#include <math.h>

#include "ops/common/constant.h"

static cxai_status read_mask(const cx_case *c, int input, cx_attention_mask *m)
{
    if (!cx_has_input(c, input))
        return CXAI_OK;
    m->mask = c->x_literal[input];
    if (m->mask == NULL)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "its mask is computed from the data; only constants "
                         "are supported there");
    cxai_shape own = m->mask->shape, both;
    const cxai_shape full = { 4, { m->batch, m->heads, m->queries, m->keys } };
    m->columns = m->keys;
    if (own.rank > 0 && own.dim[own.rank - 1] > 1 &&
        own.dim[own.rank - 1] < m->keys) {
        m->columns = own.dim[own.rank - 1];
        own.dim[own.rank - 1] = m->keys; /* padded */
    }
    char text[128];
    if (cx_shape_broadcast(&own, &full, &both) != 0 ||
        !cxai_shape_equal(&both, &full))
        return cx_refuse(c, CXAI_INVALID, "its mask of shape %s does not fit",
                         cxai_shape_text(&m->mask->shape, text, sizeof text));
    int64_t stride[CXAI_MAX_RANK];
    cx_shape_strides(&m->mask->shape, stride);
    for (int a = 0; a < own.rank; a++)
        m->stride[4 - own.rank + a] = own.dim[a] == 1 ? 0 : stride[a];
    return CXAI_OK;
}

static cxai_status read_valid(const cx_case *c, int input, cx_attention_mask *m)
{
    cx_list list;
    if (!cx_has_input(c, input))
        return CXAI_OK;
    cxai_status status = cx_read_list(c, input, "nonpad_kv_seqlen", &list);
    if (status == CXAI_OK && list.count != m->batch)
        return cx_refuse(c, CXAI_MALFORMED,
                         "%lld numbers of valid keys for a batch of %lld",
                         (long long)list.count, (long long)m->batch);
    for (int64_t i = 0; status == CXAI_OK && i < list.count; i++)
        if (list.values[i] < 0 || list.values[i] > m->keys)
            return cx_refuse(c, CXAI_MALFORMED, "%lld of %lld keys are valid",
                             (long long)list.values[i], (long long)m->keys);
    m->valid = list.values;
    return status;
}

cxai_status cx_attention_mask_read(const cx_case *c, int mask, int valid,
                                   cx_attention_mask *m)
{
    m->causal = cx_attribute_int(c->attributes, "is_causal", 0) != 0;
    m->left = cx_attribute_int(c->attributes, "left_window_size", -1);
    m->right = cx_attribute_int(c->attributes, "right_window_size", -1);
    cxai_status status = read_mask(c, mask, m);
    return status == CXAI_OK ? read_valid(c, valid, m) : status;
}

/* Whether a query may see a key, its own mask aside. */
static int is_seen(const cx_attention_mask *m, int64_t batch, int64_t query,
                   int64_t key)
{
    int64_t place = query + m->past;
    if (m->valid != NULL && m->past == 0)
        place = query + m->valid[batch] - m->queries;
    return !(m->causal && key > place) &&
           (m->left < 0 || place - key <= m->left) &&
           (m->right < 0 || key - place <= m->right) &&
           (m->valid == NULL || key < m->valid[batch]) &&
           (m->mask == NULL || key < m->columns);
}

cxai_real cx_attention_mask_at(const cx_attention_mask *m, int64_t batch,
                               int64_t head, int64_t query, int64_t key)
{
    const int64_t *stride = m->stride;
    if (!is_seen(m, batch, query, key))
        return (cxai_real)-INFINITY;
    if (m->mask == NULL)
        return 0;
    double value =
        cx_literal_number(m->mask, batch * stride[0] + head * stride[1] +
                                       query * stride[2] + key * stride[3]);
    if (m->mask->type == CX_REAL)
        return (cxai_real)value;
    return value == 0 ? (cxai_real)-INFINITY : 0;
}
