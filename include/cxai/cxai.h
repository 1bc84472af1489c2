/* All of cxai. See model.h and session.h for the engine, heatmap.h,
   synthesis.h and activations.h for the analyses. */
#ifndef CXAI_CXAI_H
#define CXAI_CXAI_H

#include "cxai/activations.h"
#include "cxai/draw.h"
#include "cxai/error.h"
#include "cxai/file.h"
#include "cxai/grid.h"
#include "cxai/heatmap.h"
#include "cxai/image.h"
#include "cxai/labels.h"
#include "cxai/model.h"
#include "cxai/preprocess.h"
#include "cxai/progress.h"
#include "cxai/random.h"
#include "cxai/session.h"
#include "cxai/synthesis.h"
#include "cxai/target.h"
#include "cxai/tensor.h"

#endif
