/* index.json of a folder of results: which file shows what.
 *
 *     { "cxai": "0.1.0",
 *       "files": [ { "file": "dog.gradcam.German_Shepherd_Dog.png",
 *                    "image": "photos/dog.jpg",
 *                    "target": "German Shepherd Dog" }, ... ] }
 *
 * with "row" of an array and "layer" where they matter, and of heatmaps with
 * "result", the same object as --json gives. */
#ifndef CLI_INDEX_H
#define CLI_INDEX_H

#include "output.h"

/* Begins the list of this run's files, to which index_add adds. */
void index_begin(json *files);
void index_add(json *files, const char *file, const output_subject *subject);

/* Fails where the folder has an index.json that cxai did not write. */
cxai_status index_check(const char *folder, cxai_error *error);

/* Ends the list and writes it, with what the index said before of other files
   that still exist. */
cxai_status index_save(json *files, const char *folder, const name_set *names,
                       cxai_error *error);

#endif
