/*
 * The keys of preprocessing, one table for flags, JSON files and metadata.
 */
#ifndef CX_IMAGE_PREPROCESS_KEYS_H
#define CX_IMAGE_PREPROCESS_KEYS_H

#include "image/preprocess.h"

/* What stands behind a key: a text, and the numbers in it, if it is made of
   one to three numbers and nothing else. */
typedef struct cx_setting {
    const char *text; /* NULL for JSON numbers */
    double number[3];
    int count;
    const char *folder; /* that files lie in and may not leave; NULL: they may
                           lie anywhere */
} cx_setting;

typedef struct cx_preprocess_key {
    const char *name;
    const char *expected; /* for messages: "must be ..." */
    int inside_resize;    /* in JSON it stands in the object "resize" */
    int says_values;      /* how pixels become values: they are not guessed */
    /* returns 0, or -1 when the value is not what is expected */
    int (*set)(cxai_preprocess *p, const cx_setting *s);
} cx_preprocess_key;

extern const cx_preprocess_key cx_preprocess_keys[];
extern const size_t cx_preprocess_key_count;
extern const cx_preprocess_key *const cx_recipe_key; /* before all others */

/* NULL when there is none. */
const cx_preprocess_key *cx_find_preprocess_key(const char *name);

/* where is the file or other source that a message names with the key. */
cxai_status cx_preprocess_apply_key(cxai_preprocess *p,
                                    const cx_preprocess_key *key,
                                    const cx_setting *s, const char *where,
                                    cxai_error *error);

/* Applies a recipe by its name: 0, or -1 where there is none, or where it does
   not fit a network of one channel. */
int cx_apply_recipe(cxai_preprocess *p, const char *name);

/* The failure of the above, with the recipes that there are. */
cxai_status cx_refuse_recipe(const char *where, cxai_error *error);

/* Finds the numbers in s->text: "3", "1/255", or three of these with commas or
   spaces between. */
void cx_setting_read_numbers(cx_setting *s);

#endif
