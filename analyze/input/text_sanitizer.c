#include "analyze/input/text_trace.h"

int snap_text_next_sanitizer(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err)
{
	(void)text, (void)crash, (void)ret_line, (void)err;
	return 0;
}
