#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cxai/draw.h"
#include "cxai/file.h"

static int ends_in(const char *path, const char *ending)
{
    size_t length = strlen(path), ending_length = strlen(ending);
    return length > ending_length &&
           strcasecmp(path + length - ending_length, ending) == 0;
}

int input_is_named(const char *name)
{
    static const char *const endings[] = { ".png",  ".jpg",  ".jpeg", ".jpe",
                                           ".jfif", ".webp", ".npy" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ends_in(name, endings[i]))
            return 1;
    return 0;
}

/* Adds the batch where an array holds one picture: (C,H,W). */
static void add_batch(cxai_shape *shape)
{
    memmove(shape->dim + 1, shape->dim,
            (size_t)shape->rank * sizeof shape->dim[0]);
    shape->dim[0] = 1;
    shape->rank++;
}

/* A network that takes no pictures takes arrays of its declared shape, whose
   free dimensions the array says. */
static cxai_status take_declared(workbench *bench, const cxai_shape *given,
                                 cxai_error *error)
{
    cxai_shape shape = cxai_model_input_shape(bench->model, 0);
    for (int d = 0; d < shape.rank; d++)
        if (shape.dim[d] == 0)
            shape.dim[d] = d > 0 && d < given->rank ? given->dim[d] : 1;
    return workbench_take_shape(bench, &shape, error);
}

/* An array is fed as it is: (C,H,W) or (N,C,H,W). */
static cxai_status open_array(input *in, workbench *bench, cxai_error *error)
{
    cxai_status status = cxai_npy_load(in->path, bench->limits.model.file_bytes,
                                       &in->tensor, &in->shape, error);
    if (status != CXAI_OK)
        return status;
    if (in->shape.rank == bench->input_shape.rank - 1)
        add_batch(&in->shape);
    if (bench->no_pictures.status != CXAI_OK)
        status = take_declared(bench, &in->shape, error);
    if (status != CXAI_OK)
        return status;
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

static cxai_status open_picture(input *in, workbench *bench, cxai_error *error)
{
    if (bench->no_pictures.status != CXAI_OK)
        return cxai_fail(error, CXAI_UNSUPPORTED, "%s: %s", in->path,
                         bench->no_pictures.message);
    cxai_status status = cxai_image_load(&in->photo, in->path, &bench->pictures,
                                         &in->info, error);
    if (status == CXAI_OK)
        status = workbench_take_photo(bench, &in->photo, error);
    if (status != CXAI_OK)
        return status;
    in->shape = bench->input_shape;
    in->tensor =
        malloc((size_t)cxai_shape_count(&in->shape) * sizeof *in->tensor);
    if (in->tensor == NULL)
        return cxai_fail(error, CXAI_NO_MEMORY, "%s: out of memory", in->path);
    if (in->info.orientation_applied)
        snprintf(in->note, sizeof in->note, " (turned: EXIF orientation %d)",
                 in->info.orientation);
    return cxai_preprocess_apply(&bench->preprocess, &in->photo, in->tensor,
                                 &in->geometry, error);
}

cxai_status input_open(input *in, workbench *bench, cxai_error *error)
{
    return ends_in(in->path, ".npy") ? open_array(in, bench, error)
                                     : open_picture(in, bench, error);
}

/* What was found in the file and done to it, and which part of the photo, in
   its pixels, the network saw. */
static void report_photo(json *report, const input *in)
{
    const cxai_geometry *g = &in->geometry;
    json_object(report, "picture");
    json_text(report, "format", in->info.format);
    json_text(report, "colour", in->info.colour);
    json_number(report, "bits", in->info.bits);
    json_number(report, "width", in->photo.width);
    json_number(report, "height", in->photo.height);
    json_number(report, "orientation", in->info.orientation);
    json_truth(report, "orientation_applied", in->info.orientation_applied);
    json_truth(report, "alpha_composited", in->info.alpha_composited);
    json_object(report, "seen");
    json_number(report, "left", g->seen_left);
    json_number(report, "top", g->seen_top);
    json_number(report, "right", g->seen_right);
    json_number(report, "bottom", g->seen_bottom);
    json_end(report);
    json_end(report);
}

void input_report(json *report, const input *in, int64_t row)
{
    int64_t each = cxai_shape_count(&in->shape) / in->shape.dim[0];
    cxai_range range = cxai_map_range(in->tensor + row * each, (size_t)each, 0);
    if (in->photo.pixels != NULL)
        report_photo(report, in);
    json_object(report, "input");
    json_array(report, "shape");
    for (int d = 0; d < in->shape.rank; d++)
        json_number(report, NULL, d > 0 ? (double)in->shape.dim[d] : 1);
    json_end(report);
    json_number(report, "minimum", range.low);
    json_number(report, "maximum", range.high);
    json_end(report);
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
