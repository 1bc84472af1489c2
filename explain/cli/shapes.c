/* The size at which a model is run, and the shapes of its values then. */
#include "common.h"

#include <stdio.h>
#include <stdlib.h>

cxai_status workbench_take_shape(workbench *bench, const cxai_shape *shape,
                                 cxai_error *error)
{
    bench->input_shape = *shape;
    return cxai_model_shapes(bench->model, &bench->input_shape, bench->shapes,
                             error);
}

/* Does the model's file fix another size than the one it is to be run at? Then
   size receives the fixed one as text. */
static int is_fixed_otherwise(const workbench *bench, char size[48])
{
    const cxai_preprocess *p = &bench->preprocess;
    cxai_shape fixed = cxai_model_input_shape(bench->model, 0);
    int at = p->layout == CXAI_NHWC ? 1 : 2;
    int64_t height = fixed.dim[at], width = fixed.dim[at + 1];
    snprintf(size, 48, "%lldx%lld", (long long)width, (long long)height);
    return (height > 0 && height != p->height) ||
           (width > 0 && width != p->width);
}

/* Shapes at the size of the preprocessing. */
static cxai_status take_size(workbench *bench, cxai_error *error)
{
    char fixed[48];
    const cxai_preprocess *p = &bench->preprocess;
    cxai_shape shape = cxai_preprocess_shape(p, 1);
    cxai_error reason;
    cxai_status status = workbench_take_shape(bench, &shape, &reason);
    int otherwise = is_fixed_otherwise(bench, fixed);
    if (status != CXAI_OK)
        return cxai_fail(error, status, "%s cannot be run at %dx%d%s%s: %s",
                         bench->name, p->width, p->height,
                         otherwise ? ", only at " : "", otherwise ? fixed : "",
                         reason.message);
    if (otherwise && !bench->told_size)
        warn(bench,
             "%s is made for pictures of %s; it runs at other sizes, but may "
             "not answer as well",
             bench->name, fixed);
    bench->told_size = bench->told_size || otherwise;
    return CXAI_OK;
}

cxai_status workbench_take_photo(workbench *bench, const cxai_image *photo,
                                 cxai_error *error)
{
    /* some networks halve their input and join the halves again */
    static const int multiples[] = { 1, 2, 4, 8, 16, 32, 64, 0 };
    cxai_error *first = error, later;
    if (!bench->preprocess.photo_size)
        return CXAI_OK;
    for (int i = 0; multiples[i] > 0; i++, first = &later) {
        cxai_status status =
            cxai_preprocess_fit(&bench->preprocess, photo, multiples[i], first);
        if (status == CXAI_OK)
            status = take_size(bench, first);
        if (status == CXAI_OK)
            return CXAI_OK;
    }
    return error->status;
}

/* Those of a model that takes no pictures: with 1 for each free dimension. A
   free one that 1 does not fit leaves them unknown. */
static cxai_status take_declared(workbench *bench, cxai_error *error)
{
    cxai_shape shape = { 0 };
    int guessed = 0;
    if (cxai_model_input_count(bench->model) > 0)
        shape = cxai_model_input_shape(bench->model, 0);
    for (int d = 0; d < shape.rank; d++)
        if (shape.dim[d] == 0) {
            shape.dim[d] = 1;
            guessed = guessed || d > 0;
        }
    cxai_status status = workbench_take_shape(bench, &shape, error);
    if (status == CXAI_OK || !guessed)
        return status;
    for (int v = 0; v < cxai_model_value_count(bench->model); v++)
        bench->shapes[v].rank = -1;
    return CXAI_OK;
}

cxai_status workbench_find_shapes(workbench *bench, cxai_error *error)
{
    size_t values = (size_t)cxai_model_value_count(bench->model);
    bench->shapes = calloc(values + 1, sizeof *bench->shapes);
    if (bench->shapes == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "out of memory");
    if (bench->no_pictures.status == CXAI_OK)
        return take_size(bench, error);
    return take_declared(bench, error);
}
