/* What a report says of the model beside the results. */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include "common.h"

/* The graph's outputs with their shapes, one a line. */
void notes_print_outputs(const workbench *bench);
/* Its inputs and outputs with their shapes, two arrays. */
void notes_report_ends(json *report, const workbench *bench);

/* Where the gradient is not the derivative: quantising on the way, which has
   none, is passed straight through. Says nothing of other models. */
void notes_report_gradient(json *report, const workbench *bench);

#endif
