/* How commands speak of targets. */
#ifndef CLI_EXPLAINED_H
#define CLI_EXPLAINED_H

#include "common.h"
#include "json.h"

#include "cxai/target.h"

/* What targets are read against; geometry: of the photo, or NULL. */
cxai_target_context target_context(const workbench *bench,
                                   const cxai_geometry *geometry);

/* What a target, which is not open, is called: "tabby cat - tiger cat". */
char *target_name(const workbench *bench, const cxai_target *target, char *name,
                  size_t size);

/* "logits", or "logits, before Softmax": the value that is explained. */
char *target_source(const workbench *bench, const cxai_target *target,
                    char *source, size_t size);

/* How the logits are read: "1000 classes, by softmax", "yes or no, by sigmoid".
 */
char *reading_text(const workbench *bench, char *text, size_t size);

/* Adds to a report what was asked for and what it is: target, explains, value,
   before, class, sign, label, terms. */
void target_report(const workbench *bench, const cxai_target *target,
                   json *report);

#endif
