/*
 * Prints, for every heatmap method, which share of its positive heat lies
 * inside the boxes of data/boxes.json, in percent; "*" where the hottest pixel
 * does not, "-" where there is no positive heat.
 *
 *     heat_shares [METHOD [SETTINGS [SAMPLES]]]
 *
 * All with their defaults but for SETTINGS, written as for --set, and SAMPLES;
 * those that need a transformer are left out, for the embedded network is none.
 * The last columns are the mean over the objects and the time for all of them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/check.h"
#include "support/photos.h"

static void print_head(const photos *p)
{
    const cJSON *photo, *box;

    printf("%-28s", "");
    cJSON_ArrayForEach(photo, p->boxes) cJSON_ArrayForEach(box, photo)
        printf(" %8.8s", box->string);
    printf("     mean   seconds\n");
}

static void print_method(const photos *p, const cxai_heatmap_method *method,
                         const char *settings, int samples)
{
    const cJSON *photo, *box;
    double sum = 0;
    int count = 0;
    struct timespec start, end;
    cxai_heatmap_options options = cxai_heatmap_defaults();

    options.set = settings;
    options.samples = samples;
    printf("%-28s", method->name);
    timespec_get(&start, TIME_UTC);
    cJSON_ArrayForEach(photo, p->boxes) cJSON_ArrayForEach(box, photo)
    {
        cxai_geometry geometry;
        cxai_heatmap map;
        int inside = 0;
        photos_explain(p, photo->string, box->string, method, &options, &map,
                       &geometry);
        double share = photos_share(&map, &geometry, box, &inside);
        cxai_heatmap_clear(&map);
        if (isnan(share))
            printf(" %8s ", "-");
        else
            printf(" %7.1f%c", 100 * share, inside ? ' ' : '*');
        sum += isnan(share) ? 0 : share;
        count++;
        fflush(stdout);
    }
    timespec_get(&end, TIME_UTC);
    printf(" %8.1f %9.1f\n", 100 * sum / count,
           (double)(end.tv_sec - start.tv_sec) +
               1e-9 * (double)(end.tv_nsec - start.tv_nsec));
}

int main(int argc, char **argv)
{
    photos p = { 0 };

    photos_open(&p);
    print_head(&p);
    for (int i = 0; cxai_heatmap_table[i] != NULL; i++) {
        const cxai_heatmap_method *method = cxai_heatmap_table[i];
        int wanted = argc < 2 || strcmp(argv[1], method->name) == 0;
        if (wanted && !(method->needs & CXAI_NEEDS_ATTENTION))
            print_method(&p, method, argc < 3 ? NULL : argv[2],
                         argc < 4 ? 0 : atoi(argv[3]));
    }
    photos_close(&p);
    return 0;
}
