#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cxai/file.h"

static int ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), ending_length = strlen(ending);
    return length > ending_length &&
           strcasecmp(path + length - ending_length, ending) == 0;
}

int input_is_named(const char *name)
{
    static const char *const endings[] = { ".png", ".jpg",  ".jpeg",
                                           ".jpe", ".jfif", ".npy" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_in(name, endings[i]))
            return 1;
    return 0;
}

/* An array is fed as it is: (C,H,W) or (N,C,H,W). */
static cxai_status open_array(input *in, const workbench *bench,
                              cxai_error *error)
{
    cxai_status status = cxai_npy_load(in->path, bench->limits.model.file_bytes,
                                       &in->tensor, &in->shape, error);
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
    if (bench->no_pictures.status != CXAI_OK)
        return cxai_fail(error, CXAI_UNSUPPORTED, "%s: %s", in->path,
                         bench->no_pictures.message);
    const cxai_image_options options = {
        .max_pixels = bench->limits.pixels,
        .max_bytes = bench->limits.model.file_bytes,
    };
    cxai_status status =
        cxai_image_load(&in->photo, in->path, &options, &in->info, error);
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

cxai_status input_open(input *in, const workbench *bench, cxai_error *error)
{
    return ends_in(in->path, ".npy") ? open_array(in, bench, error)
                                     : open_picture(in, bench, error);
}

void input_close(input *in)
{
    cxai_image_free(&in->photo);
    free(in->tensor);
    *in = (input){ .path = in->path, .stem = in->stem };
}

void input_row_stem(const input *in, int64_t row, char stem[INPUT_STEM])
{
    if (input_row_number(in, row) < 0)
        snprintf(stem, INPUT_STEM, "%s", in->stem);
    else
        snprintf(stem, INPUT_STEM, "%s.%lld", in->stem, (long long)row);
}

int64_t input_row_number(const input *in, int64_t row)
{
    return in->shape.dim[0] > 1 ? row : -1;
}
