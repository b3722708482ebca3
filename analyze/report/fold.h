/*
 * Text folded to a number of columns as it is printed: between words, lines after the first
 * indented so that they stand below what they belong to. A word that is longer than a line stays
 * whole: paths and names are to be copied.
 */
#ifndef SNAP_ANALYZE_REPORT_FOLD_H
#define SNAP_ANALYZE_REPORT_FOLD_H

#include <stddef.h>
#include <stdio.h>

#define SNAP_MIN_COLUMNS     20
#define SNAP_MAX_COLUMNS     10000
#define SNAP_DEFAULT_COLUMNS 80 /* of a terminal that does not say */

/*
 * A stream that prints to another, which stays open when it is closed. columns: at least
 * SNAP_MIN_COLUMNS. NULL if memory is exhausted. Failed writes are left to ferror(to).
 */
FILE *snap_fold_open(FILE *to, size_t columns);

#endif
