/*
 * Floating point of eight bits or fewer, as files hold it: a sign, an exponent
 * and a fraction, of which some patterns are no numbers (ONNX, "Float stored
 * in 8 bits" and "4 bit types"; Micikevicius et al., arXiv:2209.05433; OCP
 * Microscaling Formats 1.0).
 */
#ifndef CX_BASE_NARROW_H
#define CX_BASE_NARROW_H

#include <stdint.h>

typedef enum cx_specials {
    CX_ALL_NUMBERS,  /* none */
    CX_LAST_IS_NAN,  /* all bits but the sign set: NaN */
    CX_MINUS_IS_NAN, /* the pattern of -0: NaN */
    CX_LIKE_IEEE,    /* the greatest exponent: infinity and NaN */
} cx_specials;

typedef struct cx_narrow {
    int code;               /* of TensorProto.DataType */
    int exponent, fraction; /* bits; with a fraction there is a sign */
    int bias;
    cx_specials specials;
    double greatest;
} cx_narrow;

/* By code; NULL for a type that is none of these. */
const cx_narrow *cx_narrow_find(int code);

/* The value of bits; exact. */
double cx_narrow_value(const cx_narrow *format, unsigned bits);

/* Where a number lies between two that the format has. */
typedef enum cx_narrow_mode {
    CX_NARROW_NEAREST, /* half to even */
    CX_NARROW_UP,
    CX_NARROW_DOWN,
} cx_narrow_mode;

/* The format's number for a value. What is too large, becomes the greatest
   when saturating, else an infinity or, where there is none, a NaN. */
double cx_narrow_round(const cx_narrow *format, double value, int saturate,
                       cx_narrow_mode mode);

#endif
