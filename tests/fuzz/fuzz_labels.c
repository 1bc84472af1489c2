/* Fuzzing of label files: any bytes are names, which can be looked up, or one
   clear line. */
#include "cxai/labels.h"
#include "fuzz/target.h"

static void find(const cxai_labels *labels, const char *text)
{
    cxai_error error;
    int index = -1;
    cxai_status status = cxai_labels_find(labels, text, &index, &error);
    if (status == CXAI_OK)
        require(index >= 0 && index < cxai_labels_count(labels));
    else
        require_error(status, &error);
}

FUZZ_TARGET(fuzz_labels)
{
    cxai_error error;
    cxai_labels *labels;
    cxai_status status =
        cxai_labels_parse(&labels, bytes, size, "fuzz", &error);
    if (status != CXAI_OK) {
        require_error(status, &error);
        require(labels == NULL);
        return 0;
    }
    int count = cxai_labels_count(labels);
    require(count > 0);
    require(cxai_labels_name(labels, count) == NULL);
    for (int i = 0; i < count && i < 8; i++) {
        const char *name = cxai_labels_name(labels, i);
        require(name != NULL);
        find(labels, name);
        find(labels, name + strlen(name) / 2);
    }
    find(labels, "no such name");
    cxai_labels_free(&labels);
    require(labels == NULL);
    return 0;
}
