/* IMAGE operands: pictures and arrays. */
#include "common.h"

#include <stdlib.h>
#include <string.h>

#include "cxai/file.h"

static int is_array(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".npy") == 0;
}

/* An array is fed as it is: (C,H,W) or (N,C,H,W). */
static cxai_status open_array(input *in, const workbench *bench,
                              cxai_error *error)
{
    cxai_status status =
        cxai_npy_load(in->path, 0, &in->tensor, &in->shape, error);
    if (status != CXAI_OK)
        return status;
    if (in->shape.rank == bench->input_shape.rank - 1) {
        memmove(in->shape.dim + 1, in->shape.dim,
                (size_t)in->shape.rank * sizeof in->shape.dim[0]);
        in->shape.dim[0] = 1;
        in->shape.rank++;
    }
    cxai_shape wanted = bench->input_shape;
    if (wanted.rank > 0 && in->shape.rank == wanted.rank &&
        in->shape.dim[0] > 0)
        wanted.dim[0] = in->shape.dim[0];
    if (!cxai_shape_equal(&in->shape, &wanted)) {
        char have[128], want[128];
        return cxai_fail(error, CXAI_INVALID,
                         "%s: the array is %s, but the network takes %s",
                         in->path,
                         cxai_shape_text(&in->shape, have, sizeof have),
                         cxai_shape_text(&wanted, want, sizeof want));
    }
    return CXAI_OK;
}

static cxai_status open_picture(input *in, const workbench *bench,
                                cxai_error *error)
{
    cxai_status status =
        cxai_image_load(&in->photo, in->path, NULL, &in->info, error);
    if (status != CXAI_OK)
        return status;
    in->shape = bench->input_shape;
    in->tensor =
        malloc((size_t)cxai_shape_count(&in->shape) * sizeof *in->tensor);
    if (in->tensor == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "%s: out of memory", in->path);
    return cxai_preprocess_apply(&bench->preprocess, &in->photo, in->tensor,
                                 &in->geometry, error);
}

int input_open(input *in, const workbench *bench, const char *path)
{
    cxai_error error;
    *in = (input){ .path = path };
    cxai_status status = is_array(path) ? open_array(in, bench, &error)
                                        : open_picture(in, bench, &error);
    if (status == CXAI_OK)
        return EXIT_DONE;
    input_close(in);
    return complain_error(&error);
}

void input_close(input *in)
{
    cxai_image_free(&in->photo);
    free(in->tensor);
    *in = (input){ 0 };
}
