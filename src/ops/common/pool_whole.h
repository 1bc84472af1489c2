/*
 * The average of whole pictures: the pixels of each are cut into a few runs,
 * whatever the number of threads, which are added up one by one and then
 * together, so that threads read the lines that they wrote.
 */
#ifndef CX_OPS_COMMON_POOL_WHOLE_H
#define CX_OPS_COMMON_POOL_WHOLE_H

#include "ops/common/pool_pass.h"

/* Whether a forward pass of the pool is such an average. */
int cx_pool_is_whole(const cx_pool *pool);

/* Bytes, or SIZE_MAX. */
size_t cx_pool_whole_workspace(const cx_pool *pool);
void cx_pool_whole_run(const cx_case *c, const cx_pool_pass *pass,
                       void *workspace);

#endif
