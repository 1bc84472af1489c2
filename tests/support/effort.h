/* How much the heavy tests do. Under valgrind, a hundred times slower, they are
   asked to do less ($CXAI_TEST_EFFORT is "low", see `make memcheck`): fewer
   photos or steps, and every path of the code still. */
#ifndef TEST_SUPPORT_EFFORT_H
#define TEST_SUPPORT_EFFORT_H

/* All of them; or the first few, after saying "low effort: FEW of ALL WHAT". */
int effort(int all, int few, const char *what);

#endif
