/*
 * Small networks, run as they are planned and once more with every value
 * watched, in which nothing is taken over, left out or laid into another: both
 * must agree, in values and in the gradient of the input, for one thread and
 * for two. (That operators are right by themselves is shown by test_conformance
 * and test_gradients.)
 */
#ifndef TEST_SUPPORT_PLANNED_H
#define TEST_SUPPORT_PLANNED_H

#include "cxai/session.h"
#include "support/net.h"

/* A node, called after its output. */
typedef struct planned_line {
    const char *type, *inputs, *output, *attributes;
} planned_line;

enum { PLANNED_LINES = 16 };

/* From x to y. */
typedef struct planned {
    const char *name, *x;        /* shape of the input */
    const char *constants[6][2]; /* names and shapes of random numbers */
    const char *integers[4];     /* lists that are called i0, i1, ... */
    struct {
        const char *name;
        double value;
    } numbers[4];
    planned_line lines[PLANNED_LINES];
    int forward_steps, backward_steps; /* of a plan that keeps nothing */
} planned;

cxai_model *planned_build(const planned *p);

/* Gives a value the numbers from number `5` on (support/kernel.h). */
void planned_set(cxai_session *session, int value);

/* Fails the test unless all agree and there are as many steps as said. */
void planned_check(const planned *p);

#endif
