#include "ops/common/equation.h"

#include <ctype.h>
#include <string.h>

#include "ops/common/constant.h"

enum { TEXT = 256, ELLIPSIS = 1000 }; /* ELLIPSIS + i: axis i from the last */

typedef struct reading {
    const cx_case *c;
    cx_equation *e;
    char text[TEXT];        /* without spaces */
    int key[CX_MAX_LABELS]; /* by label: its letter, or ELLIPSIS + i */
    int uses[CX_MAX_LABELS];
    int ellipsis; /* most axes that one stands for */
} reading;

static cxai_status refuse(const reading *r)
{
    return cx_refuse(r->c, CXAI_MALFORMED,
                     "its equation \"%.100s\" does not fit to its inputs",
                     r->text);
}

static cxai_status read_text(reading *r)
{
    const char *text = cx_attribute_string(r->c->attributes, "equation", NULL);
    if (text == NULL)
        return cx_refuse(r->c, CXAI_MALFORMED, "it has no equation");
    size_t length = 0;
    for (; *text != '\0' && length + 1 < TEXT; text++)
        if (*text != ' ')
            r->text[length++] = *text;
    r->text[length] = '\0';
    return *text == '\0' ? CXAI_OK : refuse(r);
}

/* The label of a letter; a new one when add is set, else -1. */
static int label_of(reading *r, int key, int add)
{
    for (int i = 0; i < r->e->labels; i++)
        if (r->key[i] == key)
            return i;
    if (!add || r->e->labels == CX_MAX_LABELS)
        return -1;
    r->key[r->e->labels] = key;
    r->e->size[r->e->labels] = 1;
    return r->e->labels++;
}

/* Splits a term ("b...ij", of length characters) into the keys of `rank` axes;
   0 when it has another number of them. */
static int split_term(const char *term, size_t length, int rank,
                      int key[CXAI_MAX_RANK])
{
    int letters = 0, count = 0;
    for (size_t i = 0; i < length; i++)
        letters += isalpha((unsigned char)term[i]) != 0;
    int covered = rank - letters, seen = 0;
    if (covered < 0)
        return 0;
    for (size_t i = 0; i < length; i++) {
        if (isalpha((unsigned char)term[i])) {
            key[count++] = (unsigned char)term[i];
            continue;
        }
        if (seen++ > 0 || length - i < 3 || memcmp(term + i, "...", 3) != 0)
            return 0;
        for (int k = covered - 1; k >= 0; k--)
            key[count++] = ELLIPSIS + k;
        i += 2;
    }
    return count == rank;
}

/* An axis along a label: sizes of one give way, others must agree. */
static int add_axis(cx_equation *e, int input, int label, int64_t size,
                    int64_t stride)
{
    int64_t *known = &e->size[label];
    if (size != 1 && *known != 1 && size != *known)
        return 0;
    if (size != 1)
        *known = size;
    e->varies[input][label] |= size != 1;
    e->stride[input][label] += size != 1 ? stride : 0;
    return 1;
}

static cxai_status read_input(reading *r, int input, const char *term,
                              size_t length)
{
    const cxai_shape *x = &r->c->x_shape[input];
    int key[CXAI_MAX_RANK];
    int64_t stride[CXAI_MAX_RANK];
    if (!split_term(term, length, x->rank, key))
        return refuse(r);
    cx_shape_strides(x, stride);
    for (int axis = 0; axis < x->rank; axis++) {
        int label = label_of(r, key[axis], 1);
        if (label < 0 ||
            !add_axis(r->e, input, label, x->dim[axis], stride[axis]))
            return refuse(r);
        r->uses[label]++;
        if (key[axis] >= ELLIPSIS && key[axis] - ELLIPSIS >= r->ellipsis)
            r->ellipsis = key[axis] - ELLIPSIS + 1;
    }
    return CXAI_OK;
}

/* Without "->" the output has the axes of "...", then all letters that stand
   once, in the order of their codes. */
static void implicit_output(const reading *r, char *term)
{
    char *end = term;
    for (int i = 0; i < 3 && r->ellipsis > 0; i++)
        *end++ = '.';
    for (int letter = 'A'; letter <= 'z'; letter++)
        for (int i = 0; i < r->e->labels; i++)
            if (r->key[i] == letter && r->uses[i] == 1)
                *end++ = (char)letter;
    *end = '\0';
}

static cxai_status read_output(reading *r, const char *term)
{
    cx_equation *e = r->e;
    int rank = 0, key[CXAI_MAX_RANK];
    for (const char *t = term; *t != '\0'; t++)
        rank += isalpha((unsigned char)*t) != 0;
    rank += strchr(term, '.') != NULL ? r->ellipsis : 0;
    if (rank > CXAI_MAX_RANK || !split_term(term, strlen(term), rank, key))
        return refuse(r);
    e->output.rank = rank;
    for (int axis = 0; axis < rank; axis++) {
        int label = label_of(r, key[axis], 0);
        for (int i = 0; i < axis; i++)
            if (label < 0 || e->output_label[i] == label)
                return refuse(r);
        if (label < 0)
            return refuse(r);
        e->output_label[axis] = label;
        e->output.dim[axis] = e->size[label];
    }
    if (cxai_shape_count(&e->output) < 0)
        return refuse(r);
    int64_t stride[CXAI_MAX_RANK];
    cx_shape_strides(&e->output, stride);
    for (int axis = 0; axis < rank; axis++) {
        e->varies[CX_EQUATION_OUTPUT][e->output_label[axis]] = 1;
        e->stride[CX_EQUATION_OUTPUT][e->output_label[axis]] = stride[axis];
    }
    return CXAI_OK;
}

cxai_status cx_equation_read(const cx_case *c, cx_equation *e)
{
    reading r = { .c = c, .e = e };
    char implicit[CX_MAX_LABELS + 4];
    *e = (cx_equation){ .labels = 0 };
    if (c->input_count > CX_EQUATION_INPUTS)
        return cx_refuse(c, CXAI_UNSUPPORTED,
                         "%d inputs; at most %d are supported", c->input_count,
                         CX_EQUATION_INPUTS);
    cxai_status status = read_text(&r);
    if (status != CXAI_OK)
        return status;
    char *arrow = strstr(r.text, "->"), *term = r.text;
    char *end = arrow != NULL ? arrow : r.text + strlen(r.text);
    for (int i = 0; i < c->input_count; i++) {
        char *comma = memchr(term, ',', (size_t)(end - term));
        char *stop = comma != NULL ? comma : end;
        if ((comma != NULL) != (i + 1 < c->input_count))
            return refuse(&r);
        status = read_input(&r, i, term, (size_t)(stop - term));
        if (status != CXAI_OK)
            return status;
        term = stop + 1;
    }
    if (arrow == NULL)
        implicit_output(&r, implicit);
    return read_output(&r, arrow != NULL ? arrow + 2 : implicit);
}
