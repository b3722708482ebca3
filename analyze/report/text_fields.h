/*
 * Fields of a snapshot that we do not know, as text: a line for each, and below it what is in it,
 * where that is known, much as protoc's text format has it.
 */
#ifndef SNAP_ANALYZE_REPORT_TEXT_FIELDS_H
#define SNAP_ANALYZE_REPORT_TEXT_FIELDS_H

#include <stdio.h>

#include "analyze/fields/unknown.h"

/* All of them, each line with indent in front. */
void snap_text_field_list(const struct snap_fields *fields, const char *indent, FILE *out);

#endif
