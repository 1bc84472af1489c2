/* --limit KEY=VALUE: what the command accepts before it takes memory. */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include "command.h"

#include "cxai/model.h"

/* 0 anywhere means the default of the library. */
typedef struct limits {
    cxai_limits model;
    uint64_t pixels; /* of a picture */
} limits;

/* Reads what was given; 0, or EXIT_USAGE after telling what is wrong. */
int limits_read(limits *out, const text_list *given);

#endif
