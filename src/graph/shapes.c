/* The shapes of all values, for those who have no session yet. The last ones
   are left in the model: whoever asks once asks again, for each picture, and
   some exporters compute large masks from shapes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "graph/shape.h"

typedef struct remembered {
    cxai_shape input; /* rank 0: none was given */
    cxai_shape shapes[];
} remembered;

/* The first dimension of the model's first output; -1: it has none. */
static int64_t output_rows(const cxai_model *model, const cx_shaped *shaped)
{
    const cxai_shape *shape = &shaped->shape[model->outputs[0]];
    return shape->rank > 0 ? shape->dim[0] : -1;
}

/* A batch that the graph does not allow may end in an output for another
   number of pictures. Answers are not told apart then. */
static cxai_status check_rows(const cxai_model *model, const cx_shaped *shaped,
                              cxai_error *error)
{
    cx_shaped written;
    int64_t rows = output_rows(model, shaped);
    const cxai_shape *declared = &model->values[model->inputs[0]].declared;
    const cxai_shape *given = &shaped->shape[model->inputs[0]];
    if (declared->rank < 1 || declared->dim[0] == 0 || rows == given->dim[0] ||
        cxai_shape_equal(declared, given))
        return CXAI_OK;
    const cx_shape_request request = { .threads = 1 };
    cxai_status status = cx_graph_shape(model, &request, &written, error);
    if (status != CXAI_OK)
        return status;
    int by_picture = output_rows(model, &written) == declared->dim[0];
    cx_shaped_free(&written);
    if (!by_picture)
        return CXAI_OK;
    char have[128], want[128];
    return cxai_fail(error, CXAI_INVALID,
                     "with an input of %s the model's output has %lld rows; "
                     "its inside is written for %s",
                     cxai_shape_text(given, have, sizeof have), (long long)rows,
                     cxai_shape_text(declared, want, sizeof want));
}

static cxai_status infer(const cxai_model *model, const cxai_shape *input,
                         cxai_shape *shapes, cxai_error *error)
{
    cx_shaped shaped;
    cx_shape_request request = { .input_shape = input, .threads = 1 };
    cxai_status status = cx_graph_shape(model, &request, &shaped, error);
    if (status != CXAI_OK)
        return status;
    if (model->input_count > 0)
        status = check_rows(model, &shaped, error);
    if (status == CXAI_OK)
        memcpy(shapes, shaped.shape,
               (size_t)model->value_count * sizeof *shapes);
    cx_shaped_free(&shaped);
    return status;
}

cxai_status cxai_model_shapes(const cxai_model *model, const cxai_shape *input,
                              cxai_shape *shapes, cxai_error *error)
{
    size_t bytes = (size_t)model->value_count * sizeof *shapes;
    cxai_shape wanted = input != NULL ? *input : (cxai_shape){ 0 };
    remembered *last =
        cx_packed_exchange(model->packed, CX_LEFT_SHAPES, NULL, free);
    cxai_status status = CXAI_OK;
    if (last == NULL || !cxai_shape_equal(&last->input, &wanted)) {
        free(last);
        last = cx_alloc(1, sizeof *last + bytes);
        status = last != NULL ? infer(model, &wanted, last->shapes, error)
                              : cxai_fail(error, CXAI_NO_MEMORY,
                                          "out of memory for shapes");
        if (status == CXAI_OK)
            last->input = wanted;
    }
    if (status == CXAI_OK)
        memcpy(shapes, last->shapes, bytes);
    else {
        free(last);
        last = NULL;
    }
    free(cx_packed_exchange(model->packed, CX_LEFT_SHAPES, last, free));
    return status;
}
