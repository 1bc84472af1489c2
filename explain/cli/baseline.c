#include "baseline.h"

#include "input.h"
#include "input_list.h"

#include "cxai/heatmap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Deviation of the Gaussian, of the shorter side: 10 pixels of 224, as Fong and
   Vedaldi, "Interpretable explanations of black boxes by meaningful
   perturbation", ICCV 2017, section 4.2. */
static const double blur_share = 10.0 / 224;

/* A flat picture of this sample. */
static const struct {
    const char *name;
    double sample;
} flat[] = {
    { "black", 0 },
    { "grey", 127.5 },
    { "white", 255 },
};

static cxai_status make_room(cxai_real **out, int64_t numbers, int count,
                             cxai_error *error)
{
    if (numbers > 0 && count > 0 &&
        (uint64_t)numbers <= SIZE_MAX / sizeof **out / (uint64_t)count)
        *out = malloc((size_t)numbers * (size_t)count * sizeof **out);
    return *out != NULL ? CXAI_OK
                        : cxai_fail(error, CXAI_NO_MEMORY,
                                    "no memory for %d baselines", count);
}

static cxai_status make_blurred(cxai_real **out, const workbench *bench,
                                const cxai_real *tensor, cxai_error *error)
{
    const int64_t *dim = bench->input_shape.dim;
    int last = bench->preprocess.layout == CXAI_NHWC;
    int64_t height = dim[last ? 1 : 2], width = dim[last ? 2 : 3];
    double side = (double)(height < width ? height : width);
    if (bench->input_shape.rank != 4)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "only pictures can be blurred: take --baseline zero");
    cxai_status status =
        make_room(out, cxai_shape_count(&bench->input_shape), 1, error);
    return status == CXAI_OK
               ? cxai_heatmap_blur(tensor, &bench->input_shape, last,
                                   blur_share * side, *out, error)
               : status;
}

/* Adds the pictures of one file behind those that are there. */
static cxai_status add_file(cxai_real **out, int *count, const char *path,
                            workbench *bench, cxai_error *error)
{
    input in = { .path = path };
    int64_t one = cxai_shape_count(&bench->input_shape);
    cxai_status status = input_open(&in, bench, error);
    if (status == CXAI_OK) {
        cxai_real *all = NULL;
        int more = (int)in.shape.dim[0];
        status = make_room(&all, one, *count + more, error);
        if (status == CXAI_OK) {
            if (*count > 0)
                memcpy(all, *out, (size_t)one * (size_t)*count * sizeof **out);
            memcpy(all + one * *count, in.tensor,
                   (size_t)one * (size_t)more * sizeof **out);
            free(*out);
            *out = all;
            *count += more;
        }
    }
    input_close(&in);
    return status;
}

static cxai_status read_files(cxai_real **out, int *count, const char *place,
                              workbench *bench, cxai_error *error)
{
    const common_settings settings = { 0 };
    input_list list;
    if (bench->preprocess.photo_size)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "--baseline %s: the network takes each photo at its "
                         "own size: take zero, black, grey, white or blurred",
                         place);
    cxai_status status = input_list_make(&list, &settings, &place, 1, error);
    for (size_t i = 0; status == CXAI_OK && i < list.count; i++)
        status = list.inputs[i].reason != NULL
                     ? cxai_fail(error, CXAI_IO, "--baseline: %s: %s",
                                 list.inputs[i].path, list.inputs[i].reason)
                     : add_file(out, count, list.inputs[i].path, bench, error);
    input_list_free(&list);
    return status;
}

static cxai_status make_flat(cxai_real **out, double sample, const char *name,
                             const workbench *bench, cxai_error *error)
{
    if (bench->no_pictures.status != CXAI_OK)
        return cxai_fail(error, CXAI_UNSUPPORTED,
                         "baseline %s: %s; take --baseline zero", name,
                         bench->no_pictures.message);
    cxai_status status =
        make_room(out, cxai_shape_count(&bench->input_shape), 1, error);
    if (status == CXAI_OK)
        cxai_preprocess_flat(&bench->preprocess, sample, *out);
    return status;
}

cxai_status baseline_make(cxai_real **out, int *count, const char *name,
                          workbench *bench, const cxai_real *tensor,
                          cxai_error *error)
{
    *out = NULL;
    *count = 1;
    if (strcmp(name, "zero") == 0)
        return CXAI_OK;
    if (strcmp(name, "blurred") == 0)
        return make_blurred(out, bench, tensor, error);
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++)
        if (strcmp(flat[i].name, name) == 0)
            return make_flat(out, flat[i].sample, name, bench, error);
    if (access(name, F_OK) != 0)
        return cxai_fail(error, CXAI_NOT_FOUND,
                         "there is no baseline \"%s\"; there are zero, black, "
                         "grey, white, blurred, and files and folders",
                         name);
    *count = 0;
    return read_files(out, count, name, bench, error);
}
