/*
 * A network whose heatmaps are known by hand, and a photo for it, for tests of
 * the command line.
 *
 * It feels red and green: a convolution of 1 x 1 picks these channels of a
 * picture of 6 x 6 pixels, scaled to 0..1, and each class is a sum over its
 * channel. So Grad-CAM of class 0, "red", is the red of the photo, of class 1,
 * "green", the green, and of class 2, "no red", the contrary of class 0,
 * nothing. Red is 204 on the square of 2 x 2 from 1, 1 on, and 153, which is
 * .75 of it, on the pixel 4, 4; green is 51 everywhere.
 */
#ifndef TEST_SUPPORT_RED_GREEN_H
#define TEST_SUPPORT_RED_GREEN_H

#include "cxai/image.h"
#include "support/cli.h"

/* cli_set_up, with net.onnx and a.png in the folder; cli_tear_down ends it. */
int red_green_set_up(void **state);

#define HEAT "cxai heatmap a.png -m net.onnx "

/* The path of a file of the folder. */
void path_of(const fixture *f, const char *name, char path[256]);

/* A picture of the folder. */
cxai_image picture(const fixture *f, const char *name);

void check_pixel(const cxai_image *image, int x, int y, int red, int green,
                 int blue);

#endif
