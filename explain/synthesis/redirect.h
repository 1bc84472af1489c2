/*
 * Redirected ReLU: gradients for pictures on which nothing fires yet.
 *
 * A channel behind a ReLU that is inactive everywhere has no gradient, and
 * ascent cannot begin. Where the gradient of a whole picture is 0 behind a
 * Relu or Clip, the incoming one is passed through instead, except where it
 * pushes further away from the active range.
 */
#ifndef CX_SYNTHESIS_REDIRECT_H
#define CX_SYNTHESIS_REDIRECT_H

#include "cxai/session.h"

typedef struct cx_redirect {
    const unsigned char *wanted; /* for each picture of the batch: do it? */
    unsigned char *done;         /* set to 1 where a gradient was passed on */
    int handles[2];              /* of its hooks; 0: not added */
} cx_redirect;

/* Adds the hooks to a session, which must not outlive *redirect, or removes
   them; does nothing when it is done already. */
cxai_status cx_redirect_add(cx_redirect *redirect, cxai_session *session,
                            cxai_error *error);
cxai_status cx_redirect_remove(cx_redirect *redirect, cxai_session *session,
                               cxai_error *error);

#endif
