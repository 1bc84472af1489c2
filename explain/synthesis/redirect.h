/*
 * Gradients where an activation function has none.
 *
 * Redirected ReLU, for pictures on which nothing fires yet.
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

/*
 * A layer that a Clip bounds from above (ReLU6) would stop the ascent as soon
 * as it reaches the bound, with a picture that is hardly more than grey: its
 * gradient is passed on there. Does nothing for other layers.
 */
cxai_status cx_redirect_bound(cxai_session *session, int layer,
                              cxai_error *error);

#endif
