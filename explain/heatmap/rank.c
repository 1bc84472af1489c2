#include "rank.h"

static void swap(cxai_real *a, cxai_real *b)
{
    cxai_real t = *a;

    *a = *b;
    *b = t;
}

/* Hoare's FIND (Communications of the ACM 4, 1961): the part that holds the
   rank is divided about its middle element until nothing is out of order. */
cxai_real cx_ranked(cxai_real *numbers, int64_t count, int64_t rank)
{
    int64_t low = 0, high = count - 1;

    while (low < high) {
        cxai_real pivot = numbers[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (numbers[i] < pivot)
                i++;
            while (numbers[j] > pivot)
                j--;
            if (i <= j)
                swap(&numbers[i++], &numbers[j--]);
        }
        if (rank > j)
            low = i;
        if (rank < i)
            high = j;
    }
    return numbers[rank];
}
