/* Running a method: once, for each of several layers, or for several views of
   the picture. */
#ifndef CXAI_HEATMAP_RUNS_H
#define CXAI_HEATMAP_RUNS_H

#include "cxai/heatmap.h"

/* Computes call->results as the options say: layers fused, with aug_smooth the
   mean over six views. call's layer, run and input are set on the way. */
cxai_status cx_run_method(cxai_heatmap_call *call, cxai_error *error);

/* CXAI_INVALID for eigen_smooth, aug_smooth or several layers where the method
   has no use for them. */
cxai_status cx_check_runs(const cxai_heatmap_call *call, cxai_error *error);

#endif
