/*
 * The members of the JSON report about the process and its machine: what was captured besides
 * registers and memory.
 */
#ifndef SNAP_ANALYZE_REPORT_JSON_FACTS_H
#define SNAP_ANALYZE_REPORT_JSON_FACTS_H

#include "analyze/crash.h"
#include "analyze/report/json_writer.h"

/* Members of "device" and of "process", behind those that json.c puts. */
void snap_json_put_device_facts(struct snap_json *w, const struct snap_system *sys);
void snap_json_put_process_facts(struct snap_json *w, const struct snap_process *process);

/* "wait" of a thread. */
void snap_json_put_wait(struct snap_json *w, const struct snap_crash *crash,
	const struct snap_crash_thread *thread);

void snap_json_put_logs(struct snap_json *w, const struct snap_crash *crash);
void snap_json_put_open_files(struct snap_json *w, const struct snap_crash *crash);

#endif
