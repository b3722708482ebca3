/*
 * What the faulting access is called in the source.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_OPERAND_NAME_H
#define SNAP_ANALYZE_EXPLAIN_OPERAND_NAME_H

#include "analyze/explain/evidence.h"

/* Of a bad access: fill the cause's variable, if debug information tells it. -1 without memory. */
int snap_operand_name_find(struct snap_evidence *e);

/* "; in the source that is `node->next', node being 0x0"; "" if it is not known; NULL without memory. */
const char *snap_operand_name_words(const struct snap_evidence *e);

#endif
