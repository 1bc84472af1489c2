/*
 * Reading .npy files: NEP 1, "A Simple File Format for NumPy Arrays",
 * versions 1.0 to 3.0. A magic word, a version, the header's length, and a
 * Python dictionary of three keys as text; then the elements.
 */
#include "cxai/file.h"

#include "base/alloc.h"
#include "base/half.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char MAGIC[] = "\x93NUMPY";
enum { MAGIC_SIZE = 6 };

/* ---- the header ---- */

typedef struct header {
    char kind; /* of Python's array protocol: f i u b */
    int item;  /* bytes */
    int big_endian;
    int fortran_order;
    cxai_shape shape;
    int has_type, has_order, has_shape;
} header;

/* A cursor over the header's text. */
typedef struct cursor {
    const char *at, *end;
    const char *name;
    cxai_error *error;
} cursor;

static cxai_status malformed(const cursor *c, const char *what)
{
    return cxai_fail(c->error, CXAI_MALFORMED, "%s: not a .npy file: %s",
                     c->name, what);
}

static void skip_space(cursor *c)
{
    while (c->at < c->end && isspace((unsigned char)*c->at))
        c->at++;
}

/* 1 and past the character when it comes next. */
static int accept(cursor *c, char character)
{
    skip_space(c);
    if (c->at == c->end || *c->at != character)
        return 0;
    c->at++;
    return 1;
}

/* A quoted text without escapes, into text; 0 when there is none that
   fits. */
static int accept_text(cursor *c, char *text, size_t size)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return 0;
    char quote = *c->at;
    const char *start = c->at + 1;
    const char *stop = memchr(start, quote, (size_t)(c->end - start));
    if (stop == NULL || (size_t)(stop - start) >= size)
        return 0;
    memcpy(text, start, (size_t)(stop - start));
    text[stop - start] = '\0';
    c->at = stop + 1;
    return 1;
}

/* 1 and past the word when it comes next. */
static int accept_word(cursor *c, const char *word)
{
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return 0;
    c->at += length;
    return 1;
}

/* A number of at most 18 digits. */
static int accept_number(cursor *c, int64_t *number)
{
    skip_space(c);
    const char *start = c->at;
    for (*number = 0; c->at < c->end && isdigit((unsigned char)*c->at);
         c->at++) {
        if (c->at - start == 18)
            return 0;
        *number = *number * 10 + (*c->at - '0');
    }
    if (c->at == start)
        return 0;
    accept(c, 'L'); /* written by Python 2 */
    return 1;
}

/* "<f4": byte order, kind, bytes. */
static cxai_status read_type(cursor *c, header *h)
{
    char type[16];
    if (!accept_text(c, type, sizeof type))
        return cxai_fail(c->error, CXAI_UNSUPPORTED,
                         "%s: holds records, not plain numbers", c->name);
    const char *order = strchr("<>|", type[0]);
    if (type[0] == '\0' || order == NULL || type[1] == '\0')
        return malformed(c, "its descr is no type");
    static const char *const known[] = { "f2", "f4", "f8", "i1", "i2", "i4",
                                         "i8", "u1", "u2", "u4", "u8", "b1" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(type + 1, known[i]) != 0)
            continue;
        h->kind = type[1];
        h->item = type[2] - '0';
        h->big_endian = *order == '>';
        h->has_type = 1;
        if (*order == '|' && h->item > 1)
            return malformed(c, "its descr names no byte order");
        return CXAI_OK;
    }
    return cxai_fail(c->error, CXAI_UNSUPPORTED,
                     "%s: holds items of type %s; convert them to float32",
                     c->name, type);
}

static cxai_status read_order(cursor *c, header *h)
{
    h->has_order = 1;
    h->fortran_order = accept_word(c, "True");
    if (!h->fortran_order && !accept_word(c, "False"))
        return malformed(c, "its fortran_order is neither True nor False");
    return CXAI_OK;
}

/* "(3, 4)", "(3,)", "()" */
static cxai_status read_shape(cursor *c, header *h)
{
    h->has_shape = 1;
    h->shape.rank = 0;
    if (!accept(c, '('))
        return malformed(c, "its shape is no tuple");
    while (!accept(c, ')')) {
        if (h->shape.rank == CXAI_MAX_RANK)
            return cxai_fail(c->error, CXAI_UNSUPPORTED,
                             "%s: has more than %d dimensions", c->name,
                             CXAI_MAX_RANK);
        if (!accept_number(c, &h->shape.dim[h->shape.rank++]))
            return malformed(c, "a dimension is no number");
        if (!accept(c, ',') && (c->at == c->end || *c->at != ')'))
            return malformed(c, "its shape does not end");
    }
    return CXAI_OK;
}

static cxai_status read_entry(cursor *c, header *h)
{
    char key[16];
    if (!accept_text(c, key, sizeof key) || !accept(c, ':'))
        return malformed(c, "its header is no dictionary");
    if (strcmp(key, "descr") == 0)
        return read_type(c, h);
    if (strcmp(key, "fortran_order") == 0)
        return read_order(c, h);
    if (strcmp(key, "shape") == 0)
        return read_shape(c, h);
    return malformed(c, "its header has an unknown key");
}

static cxai_status read_dictionary(cursor *c, header *h)
{
    if (!accept(c, '{'))
        return malformed(c, "its header is no dictionary");
    while (!accept(c, '}')) {
        cxai_status status = read_entry(c, h);
        if (status != CXAI_OK)
            return status;
        if (!accept(c, ',') && (c->at == c->end || *c->at != '}'))
            return malformed(c, "its header does not end");
    }
    if (!h->has_type || !h->has_order || !h->has_shape)
        return malformed(c, "its header lacks descr, fortran_order or shape");
    return CXAI_OK;
}

/* Reads everything before the elements; c is left at the first of them. */
static cxai_status read_header(cursor *c, header *h)
{
    const unsigned char *bytes = (const unsigned char *)c->at;
    size_t size = (size_t)(c->end - c->at);
    if (size < MAGIC_SIZE + 4 || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return malformed(c, "it does not begin with the word NUMPY");
    int version = bytes[MAGIC_SIZE];
    if (version < 1 || version > 3)
        return cxai_fail(c->error, CXAI_UNSUPPORTED,
                         "%s: .npy version %d is not known", c->name, version);
    size_t length_size = version == 1 ? 2 : 4;
    size_t start = MAGIC_SIZE + 2 + length_size;
    if (size < start)
        return malformed(c, "it ends inside the header");
    size_t length = 0;
    for (size_t i = 0; i < length_size; i++)
        length |= (size_t)bytes[MAGIC_SIZE + 2 + i] << (8 * i);
    if (length > size - start)
        return malformed(c, "it ends inside the header");
    cursor text = { .at = c->at + start,
                    .end = c->at + start + length,
                    .name = c->name,
                    .error = c->error };
    c->at = text.end;
    return read_dictionary(&text, h);
}

/* ---- the elements ---- */

static double float_value(uint64_t bits, int item)
{
    if (item == 2)
        return (double)cx_half_to_float((uint16_t)bits);
    if (item == 4) {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return (double)value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double item_value(const header *h, const unsigned char *bytes)
{
    uint64_t bits = 0;
    for (int i = 0; i < h->item; i++)
        bits |= (uint64_t)bytes[h->big_endian ? h->item - 1 - i : i] << (8 * i);
    switch (h->kind) {
    case 'f': return float_value(bits, h->item);
    case 'b': return bits != 0;
    case 'u': return (double)bits;
    default: break;
    }
    /* two's complement of h->item bytes */
    uint64_t sign = UINT64_C(1) << (8 * h->item - 1);
    return (bits & sign) != 0 ? -(double)((sign << 1) - bits) : (double)bits;
}

/* Elements in the file's order. */
static void widen(const header *h, const char *items, size_t count,
                  cxai_real *out)
{
    const unsigned char *bytes = (const unsigned char *)items;
    for (size_t i = 0; i < count; i++)
        out[i] = (cxai_real)item_value(h, bytes + i * (size_t)h->item);
}

/* Replaces *data, whose first axis runs fastest, by a row-major copy. */
static cxai_status from_fortran_order(const header *h, size_t count,
                                      cxai_real **data)
{
    cxai_real *dense = cx_alloc(count, sizeof *dense);
    if (dense == NULL)
        return CXAI_NO_MEMORY;
    cxai_tensor view = { .data = *data, .shape = h->shape };
    int64_t stride = 1;
    for (int i = 0; i < h->shape.rank; i++) {
        view.stride[i] = stride;
        stride *= h->shape.dim[i];
    }
    cxai_tensor_read(&view, dense);
    free(*data);
    *data = dense;
    return CXAI_OK;
}

/* Checks that exactly the elements follow the header. */
static cxai_status check_size(const cursor *c, const header *h, size_t *count)
{
    uint64_t size = (uint64_t)(c->end - c->at);
    int64_t product = cxai_shape_count(&h->shape);
    char text[128];
    cxai_shape_text(&h->shape, text, sizeof text);
    if (product < 0)
        return cxai_fail(c->error, CXAI_MALFORMED, "%s: the shape %s overflows",
                         c->name, text);
    uint64_t item = (uint64_t)h->item;
    if ((uint64_t)product > size / item)
        return cxai_fail(c->error, CXAI_MALFORMED,
                         "%s: truncated: shape %s needs %" PRId64
                         " items of %d bytes, the file has %" PRIu64 " bytes",
                         c->name, text, product, h->item, size);
    if (size != (uint64_t)product * item)
        return cxai_fail(c->error, CXAI_MALFORMED,
                         "%s: %" PRIu64 " bytes too many behind shape %s",
                         c->name, size - (uint64_t)product * item, text);
    *count = (size_t)product;
    return CXAI_OK;
}

cxai_status cxai_npy_parse(const void *bytes, size_t size, const char *name,
                           cxai_real **data, cxai_shape *shape,
                           cxai_error *error)
{
    cursor c = { .at = bytes,
                 .end = (const char *)bytes + size,
                 .name = name,
                 .error = error };
    header h = { .kind = 0 };
    size_t count = 0;
    *data = NULL;
    cxai_status status = read_header(&c, &h);
    if (status == CXAI_OK)
        status = check_size(&c, &h, &count);
    if (status != CXAI_OK)
        return status;
    cxai_real *reals = cx_alloc(count, sizeof *reals);
    if (reals == NULL)
        goto no_memory;
    widen(&h, c.at, count, reals);
    if (h.fortran_order && count > 0 &&
        from_fortran_order(&h, count, &reals) != CXAI_OK)
        goto no_memory;
    *data = reals;
    *shape = h.shape;
    return CXAI_OK;
no_memory:
    free(reals);
    return cxai_fail(error, CXAI_NO_MEMORY, "%s: no memory for %zu numbers",
                     name, count);
}

cxai_status cxai_npy_load(const char *path, uint64_t max_bytes,
                          cxai_real **data, cxai_shape *shape,
                          cxai_error *error)
{
    void *bytes;
    size_t size;
    *data = NULL;
    cxai_status status = cxai_file_read(path, max_bytes, &bytes, &size, error);
    if (status != CXAI_OK)
        return status;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    status = cxai_npy_parse(bytes, size, name, data, shape, error);
    free(bytes);
    return status;
}
