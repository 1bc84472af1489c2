#include "support/red_green.h"

#include <stdio.h>
#include <string.h>

#include "cxai/file.h"
#include "support/check.h"
#include "support/model_file.h"

enum { SIDE = 6 };

/* Red is 204 on a square of 2 x 2 and 153, which is .75 of it, on a pixel;
   green is 51 everywhere. */
static int red_at(int x, int y)
{
    if ((x == 1 || x == 2) && (y == 1 || y == 2))
        return 204;
    return x == 4 && y == 4 ? 153 : 0;
}

void path_of(const fixture *f, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", f->folder, name);
}

static void write_text(const fixture *f, const char *name, const char *text)
{
    char path[256];
    cxai_error error;
    path_of(f, name, path);
    check_ok(cxai_file_write(path, text, strlen(text), &error), &error);
}

static void add_weight(model_file *file, const char *name, const char *dims,
                       const float *numbers, size_t count)
{
    model_file_raw(file,
                   model_file_weight(file, name, TENSOR_TYPE(FLOAT), dims),
                   numbers, count * sizeof *numbers);
}

/* Means over 36 positions, times 36: each class is a sum. */
static void write_network(const fixture *f)
{
    static const float pick[] = { 1, 0, 0, 0, 1, 0 };
    static const float sum[] = { 36, 0, -36, 0, 36, 0 };
    char path[256];
    cxai_error error;
    model_file file;
    size_t size;
    model_file_start(&file, 13);
    model_file_input(&file, "x", "1,3,6,6");
    add_weight(&file, "w", "2,3,1,1", pick, 6);
    add_weight(&file, "m", "2,3", sum, 6);
    model_file_node(&file, "Conv", "conv", "x,w", "c");
    model_file_node(&file, "Relu", "relu", "c", "r");
    model_file_node(&file, "GlobalAveragePool", "pool", "r", "p");
    model_file_node(&file, "Flatten", "flat", "p", "f");
    model_file_node(&file, "MatMul", "linear", "f,m", "y");
    model_file_output(&file, "y");
    const void *bytes = model_file_pack(&file, &size);
    path_of(f, "net.onnx", path);
    check_ok(cxai_file_write(path, bytes, size, &error), &error);
    model_file_end(&file);
    write_text(f, "net.json",
               "{\"size\": 6, \"resize\": {\"rule\": \"stretch\"}, \"scale\": "
               "\"1/255\", \"mean\": 0, \"std\": 1, \"labels\": \"names\"}");
    write_text(f, "names", "red\ngreen\nno red\n");
}

static void write_photo(const fixture *f)
{
    char path[256];
    cxai_image image;
    cxai_error error;
    check_ok(cxai_image_create(&image, SIDE, SIDE, 3, &error), &error);
    for (int i = 0; i < SIDE * SIDE; i++) {
        image.pixels[3 * i] = (uint8_t)red_at(i % SIDE, i / SIDE);
        image.pixels[3 * i + 1] = 51;
    }
    path_of(f, "a.png", path);
    check_ok(cxai_image_save(&image, path, &error), &error);
    cxai_image_free(&image);
}

int red_green_set_up(void **state)
{
    if (cli_set_up(state) != 0)
        return -1;
    write_network(*state);
    write_photo(*state);
    return 0;
}

cxai_image picture(const fixture *f, const char *name)
{
    char path[256];
    cxai_image image;
    cxai_error error;
    path_of(f, name, path);
    check_ok(cxai_image_load(&image, path, NULL, NULL, &error), &error);
    return image;
}

void check_pixel(const cxai_image *image, int x, int y, int red, int green,
                 int blue)
{
    const uint8_t *p = image->pixels + 3 * (y * image->width + x);
    if (p[0] != red || p[1] != green || p[2] != blue)
        fail_msg("pixel %d, %d is %d %d %d, not %d %d %d", x, y, p[0], p[1],
                 p[2], red, green, blue);
}
