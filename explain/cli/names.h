/* Names for files: safe ones, made of what people call pictures, layers and
   targets, and never the same one twice. */
#ifndef CLI_NAMES_H
#define CLI_NAMES_H

#include <stddef.h>

/* Bytes of a name with its final 0. File systems take 255, of which writing
   by rename wants some; a file's name has up to two parts. */
enum { NAME_PART = 88, NAME_WHOLE = 224 };

/* text with everything but letters, digits, '.', '_', '-' and characters
   beyond ASCII replaced, and cut between characters to fit. */
void safe_name(const char *text, char *safe, size_t size);

/* A picture's file name without folder and extension, made safe; "stdin" for
   "-". */
void stem_of(const char *path, char *stem, size_t size);

/* STEM.KIND.WHAT, what made safe: the name of a file that shows it. */
void join_name(char name[NAME_WHOLE], const char *stem, const char *kind,
               const char *what);

/* Names given away. Zero-initialise; name_set_free ends it. */
typedef struct name_set {
    struct given_name *names; /* a hash table */
    size_t capacity, count;
} name_set;

/* Gives away name with its ending (".png", or ""), or, where that is taken,
   name-2, name-3, ... with it; upper and lower case (ASCII) are one, as some
   file systems have it. What is returned lives as long as the set; NULL when
   memory is short. */
const char *name_set_add(name_set *set, const char *name, const char *ending);
int name_set_has(const name_set *set, const char *name);
void name_set_free(name_set *set);

#endif
