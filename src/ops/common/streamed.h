/* A convolution whose producer (ops/operator.h) is another one, made line by
   line while the first reads it (kernels/stream.h). */
#ifndef CX_OPS_COMMON_STREAMED_H
#define CX_OPS_COMMON_STREAMED_H

#include "ops/common/convolver.h"

/* Whether a gathering convolution can be made inside another, and is faster
   so. */
int cx_streamed_fits(const cx_convolver *producer, const cx_convolver *reader);

/* Of the reader's case: bytes, or SIZE_MAX. */
size_t cx_streamed_workspace(const cx_case *c, const cx_convolver *producer,
                             const cx_convolver *reader);

/* The reader's call, both weights being packed; epilogue: the reader's. */
void cx_streamed_run(const cx_call *call, const cx_convolver *producer,
                     const cx_convolver *reader, const cx_epilogue *epilogue);

#endif
