/*
 * Fields of a snapshot that we do not know, as members of the JSON report.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_FIELDS_H
#define SNAP_ANALYZE_REPORT_JSON_FIELDS_H

#include "analyze/fields/unknown.h"
#include "analyze/report/json_writer.h"

/* "fields" and "fields_left_out". fields: NULL if nobody asked for them. */
void snap_json_put_fields(struct snap_json *w, const struct snap_fields *fields);

#endif
