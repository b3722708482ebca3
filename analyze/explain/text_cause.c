#include "analyze/explain/text_cause.h"

#include "analyze/explain/abort.h"
#include "analyze/explain/abort_text.h"

/* What the program printed stands before the backtrace: the last thing that the C library says when it
 * aborts. */
static void find_message(struct snap_crash *crash)
{
	for (size_t i = crash->num_logs; i-- > 0;) {
		struct snap_bytes line = crash->logs[i].message;
		struct snap_abort_text text = snap_abort_text_read(line, snap_bytes(NULL, 0));
		if (text.failure == SNAP_FAILURE_NONE)
			continue;
		crash->abort_message = (struct snap_abort_message){
			.text = line, .source = SNAP_ABORT_C_LIBRARY};
		return;
	}
}

int snap_text_cause_find(struct snap_crash *crash, struct snap_error *err)
{
	if (crash->cause.kind != SNAP_KIND_ABORT)
		return 0;
	if (crash->abort_message.text.len == 0)
		find_message(crash);
	struct snap_evidence e = {.crash = crash, .thread = snap_crash_crashed_thread(crash)};
	return snap_abort_find_said(&e) < 0 ? snap_error_no_memory(err) : 0;
}
