#include "ops/common/axis_map.h"

#include "base/size.h"
#include "kernels/kernels.h"
#include "kernels/work.h"

cxai_status cx_axis_map_create(const cx_case *c, int64_t in, int64_t out,
                               int64_t capacity, cx_axis_map *map)
{
    *map = (cx_axis_map){
        .in = in,
        .out = out,
        .start = cx_arena_alloc(c->arena, (size_t)out + 1, sizeof *map->start),
        .entry = cx_arena_alloc(c->arena, (size_t)capacity, sizeof *map->entry),
    };
    if (map->start == NULL || map->entry == NULL)
        return cx_refuse(c, CXAI_NO_MEMORY, "no memory for its weights");
    return CXAI_OK;
}

cxai_status cx_axis_map_none(const cx_case *c, cx_axis_map *map)
{
    cxai_status status = cx_axis_map_create(c, 1, 1, 1, map);
    if (status != CXAI_OK)
        return status;
    map->entry[0].weight = 1;
    map->start[1] = 1;
    cx_axis_map_measure(map);
    return CXAI_OK;
}

void cx_axis_map_measure(cx_axis_map *map)
{
    for (int64_t o = 0; o < map->out; o++)
        map->most = cx_maximum(map->most, map->start[o + 1] - map->start[o]);
}

/* Counts the entries of each column, then sets every entry behind those that
   are there already: in the order of the rows. */
cxai_status cx_axis_map_transpose(const cx_case *c, const cx_axis_map *map,
                                  cx_axis_map *out)
{
    int64_t count = map->start[map->out];
    cxai_status status = cx_axis_map_create(c, map->out, map->in, count, out);
    if (status != CXAI_OK)
        return status;
    for (int64_t i = 0; i < count; i++)
        out->start[map->entry[i].from + 1]++;
    for (int64_t i = 0; i < out->out; i++)
        out->start[i + 1] += out->start[i];
    for (int64_t o = 0; o < map->out; o++)
        for (int64_t i = map->start[o]; i < map->start[o + 1]; i++)
            out->entry[out->start[map->entry[i].from]++] =
                (cx_axis_entry){ (int32_t)o, map->entry[i].weight };
    /* each start has moved to the next one's place */
    for (int64_t i = out->out; i > 0; i--)
        out->start[i] = out->start[i - 1];
    out->start[0] = 0;
    cx_axis_map_measure(out);
    return CXAI_OK;
}

/* ---- running ------------------------------------------------------------- */

/* The pixels that one output pixel reads: a box. */
typedef struct box {
    const cxai_real **row;
    cxai_real *weight;
} box;

static size_t box_bytes(const cx_axis_map map[3])
{
    size_t rows = 1;
    for (int i = 0; i < 3; i++)
        rows = cx_size_times(rows, (size_t)map[i].most);
    size_t pointers = cx_size_line(cx_size_times(rows, sizeof(void *)));
    return cx_size_plus(pointers,
                        cx_size_line(cx_size_times(rows, sizeof(cxai_real))));
}

size_t cx_axis_workspace(const cx_axis_map map[3], int threads)
{
    return cx_size_times(box_bytes(map), (size_t)threads);
}

static box arrange(const cx_axis_map map[3], char *memory)
{
    size_t rows = (size_t)(map[0].most * map[1].most * map[2].most);
    return (box){
        .row = (void *)memory,
        .weight = (void *)(memory + cx_size_line(rows * sizeof(void *))),
    };
}

/* Rows from channel c on of all that pixel `at` of a batch item reads. */
static int64_t fill_box(const cx_axis_pass *p, const box *b, int64_t item,
                        const int64_t at[3], int64_t c)
{
    const cx_axis_map *map = p->map;
    int64_t count = 0;
    for (int64_t i = map[0].start[at[0]]; i < map[0].start[at[0] + 1]; i++)
        for (int64_t j = map[1].start[at[1]]; j < map[1].start[at[1] + 1]; j++)
            for (int64_t k = map[2].start[at[2]]; k < map[2].start[at[2] + 1];
                 k++) {
                const cx_axis_entry *z = &map[0].entry[i],
                                    *y = &map[1].entry[j],
                                    *x = &map[2].entry[k];
                int64_t line =
                    (item * map[0].in + z->from) * map[1].in + y->from;
                b->row[count] =
                    p->from + (line * map[2].in + x->from) * p->from_pixel + c;
                b->weight[count++] = z->weight * y->weight * x->weight;
            }
    return count;
}

/* Channels [c, c + channels) of one line of pixels. */
static void run_line(const cx_kernels *kernels, const cx_axis_pass *p,
                     const box *b, int64_t line, int64_t c, int64_t channels)
{
    const cx_axis_map *map = p->map;
    int64_t plane = line / map[1].out;
    int64_t at[3] = { plane % map[0].out, line % map[1].out, 0 };
    for (; at[2] < map[2].out; at[2]++) {
        cxai_real *to = p->to + (line * map[2].out + at[2]) * p->to_pixel + c;
        int64_t count = fill_box(p, b, plane / map[0].out, at, c);
        if (count > 0)
            kernels->combine(to, b->row, b->weight, count, channels, 0);
        else
            for (int64_t i = 0; i < channels; i++)
                to[i] = p->outside;
    }
}

/* Few lines are cut along the channels, so that all threads have work. */
void cx_axis_run(const cx_kernels *kernels, const cx_axis_pass *pass,
                 int threads, void *workspace)
{
    enum { CHANNELS = 64 };
    const cx_axis_map *map = pass->map;
    int64_t lines = pass->batch * map[0].out * map[1].out;
    int64_t run = pass->channels;
    if (lines < 4 * threads)
        run = cx_minimum(run, CHANNELS);
    int64_t runs = run > 0 ? cx_ceiling(pass->channels, run) : 0;
    int64_t work = lines * map[2].out * pass->channels;
    size_t bytes = box_bytes(map);
#pragma omp parallel for num_threads(threads)                                  \
    schedule(static) if (work > CX_SMALL_WORK)
    for (int64_t i = 0; i < lines * runs; i++) {
        box b = arrange(map,
                        (char *)workspace + (size_t)cx_thread_number() * bytes);
        int64_t c = i % runs * run;
        run_line(kernels, pass, &b, i / runs, c,
                 cx_minimum(run, pass->channels - c));
    }
}
