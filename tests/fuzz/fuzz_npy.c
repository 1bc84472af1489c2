/* Fuzzing of .npy arrays: any bytes are an array of as many numbers as its
   shape says, or one clear line. */
#include "cxai/file.h"
#include "fuzz/target.h"

FUZZ_TARGET(fuzz_npy)
{
    cxai_error error;
    cxai_real *data;
    cxai_shape shape;
    cxai_status status =
        cxai_npy_parse(bytes, size, "fuzz", &data, &shape, &error);
    if (status != CXAI_OK) {
        require_error(status, &error);
        require(data == NULL);
        return 0;
    }
    int64_t count = cxai_shape_count(&shape);
    require(count >= 0 && (uint64_t)count <= size);
    for (int64_t i = 0; i < count; i++) /* all of them are there */
        data[i] = -data[i];
    free(data);
    return 0;
}
