/*
 * Files: whole files in, whole files out, and .npy arrays.
 *
 * Whatever is written appears by rename: a reader, or a user after a full
 * disk, sees the old file or the new one, never a part.
 */
#ifndef CXAI_FILE_H
#define CXAI_FILE_H

#include "cxai/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a regular file or pipe; "-" is standard input. More than max_bytes is
   CXAI_LIMIT (0: 4 GiB). *bytes (with a 0 byte behind its end, not counted)
   is owned by the caller, who ends it with free(). */
CXAI_API cxai_status cxai_file_read(const char *path, uint64_t max_bytes,
                                    void **bytes, size_t *size,
                                    cxai_error *error);

/* Writes a whole file through a temporary one in the same folder. */
CXAI_API cxai_status cxai_file_write(const char *path, const void *bytes,
                                     size_t size, cxai_error *error);

/* Loads a .npy file (NEP 1, versions 1 to 3; little or big endian f2, f4, f8,
   i1..i8, u1..u8, b1; C or Fortran order) as reals. *data is dense row-major,
   owned by the caller, who ends it with free(). max_bytes as above. */
CXAI_API cxai_status cxai_npy_load(const char *path, uint64_t max_bytes,
                                   cxai_real **data, cxai_shape *shape,
                                   cxai_error *error);
/* The same from memory; name is for messages. */
CXAI_API cxai_status cxai_npy_parse(const void *bytes, size_t size,
                                    const char *name, cxai_real **data,
                                    cxai_shape *shape, cxai_error *error);

/* Saves dense row-major data as '<f4', C order. */
CXAI_API cxai_status cxai_npy_save(const char *path, const cxai_real *data,
                                   const cxai_shape *shape, cxai_error *error);

#ifdef __cplusplus
}
#endif
#endif
