/*
 * The bytes of a file, mapped where it is a regular file: pages are read when
 * they are looked at, and may be given back. They are not to be written, and
 * the file must not be cut off.
 */
#ifndef CX_BASE_MAP_H
#define CX_BASE_MAP_H

#include "cxai/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct cx_bytes {
    unsigned char *bytes;
    size_t size;
    int mapped; /* else they are a block that free() ends */
} cx_bytes;

/* Arguments and errors are those of cxai_file_read. */
cxai_status cx_file_bytes(const char *path, uint64_t max_bytes, cx_bytes *out,
                          cxai_error *error);
void cx_bytes_free(cx_bytes *bytes);

/* Maps an open file; 1, or 0 when it is no regular file of 1 to max_bytes
   (0: of any size) bytes, or cannot be mapped. */
int cx_bytes_map(int file, uint64_t max_bytes, cx_bytes *out);

/* 1 when an address lies in mapped bytes. */
int cx_bytes_hold(const cx_bytes *bytes, const void *address);

/* Copies mapped bytes and gives back their pages on the way, so that there are
   never two whole copies. */
void cx_bytes_move(void *to, const void *bytes, size_t size);

/* Gives back the whole pages of mapped bytes. They are
   read anew when they are looked at again. */
void cx_bytes_drop(const void *bytes, size_t size);

#endif
