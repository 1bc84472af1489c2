#include "ops/common/streamed.h"

#include "kernels/stream.h"

static const cx_convolver_pass no_memory = { .direction = CX_GATHER };

int cx_streamed_fits(const cx_convolver *producer, const cx_convolver *reader)
{
    const cx_convolution first = cx_convolver_gathering(producer, &no_memory);
    const cx_convolution second = cx_convolver_gathering(reader, &no_memory);
    return cx_stream_fits(&first, &second);
}

size_t cx_streamed_workspace(const cx_case *c, const cx_convolver *producer,
                             const cx_convolver *reader)
{
    const cx_convolution first = cx_convolver_gathering(producer, &no_memory);
    const cx_convolution second = cx_convolver_gathering(reader, &no_memory);
    return cx_stream_workspace(c->kernels, &first, &second, c->threads);
}

void cx_streamed_run(const cx_call *call, const cx_convolver *producer,
                     const cx_convolver *reader, const cx_epilogue *epilogue)
{
    const cx_case *c = call->c;
    const cx_epilogue between = cx_call_epilogue(c->producer);
    const cx_convolver_pass reads = {
        .direction = CX_GATHER,
        .from = &call->x[0],
        .packed = c->producer->prepared[CX_FORWARD],
        .epilogue = &between,
    };
    const cx_convolver_pass writes = {
        .direction = CX_GATHER,
        .to = &call->y[0],
        .packed = call->prepared[CX_FORWARD],
        .epilogue = epilogue,
    };
    const cx_convolution first = cx_convolver_gathering(producer, &reads);
    const cx_convolution second = cx_convolver_gathering(reader, &writes);
    cx_stream(c->kernels, &first, &second, c->threads, call->workspace);
}
