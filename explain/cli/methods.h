/* Heatmap methods as they are asked for: by name or short name, several at
   once, with settings of their own. */
#ifndef CLI_METHODS_H
#define CLI_METHODS_H

#include "cxai/heatmap.h"

enum { MOST_METHODS = 64, METHOD_SETTINGS = 512 };

typedef struct chosen_method {
    const cxai_heatmap_method *method;
    char set[METHOD_SETTINGS]; /* for cxai_heatmap_options.set */
} chosen_method;

typedef struct method_list {
    chosen_method chosen[MOST_METHODS];
    int count;
} method_list;

/* Reads names joined by commas. Upper and lower case, '-', '_' and blanks do
   not matter; a title or a short name serves as well. set
   ("window=3,rule=left", or NULL) goes to the methods that take it.
   CXAI_NOT_FOUND lists what there is. */
cxai_status methods_choose(method_list *list, const char *names,
                           const char *set, cxai_error *error);

/* What the list's methods need, or-ed. */
int methods_need(const method_list *list);

/* Whether all of them give results of this kind. */
int methods_are_all(const method_list *list, cxai_heatmap_kind kind);

/* The value of a method's parameter under these settings, in words. */
const char *method_setting(const cxai_heatmap_parameter *parameter,
                           const char *set, char *text, size_t size);

/* Prints, to standard output, all methods; or whole what there is to know of
   one. */
void methods_print_all(void);
void methods_print(const cxai_heatmap_method *method);

#endif
