/* Log lines that are formatted: not for signal handlers, as printf(3) is not. */
#include <errno.h>
#include <stdio.h>

#include "capture/lib/log.h"
#include "capture/lib/snapcrash.h"

void snapcrash_vlog(int level, const char *format, va_list args)
{
	int saved_errno = errno;
	/* One more, for the newline that is dropped, and the NUL. */
	char text[SNAPCRASH_MAX_LOG_LINE + 2];
	int n = vsnprintf(text, sizeof(text), format, args);
	size_t len = n < 0 ? 0 : (size_t)n;
	bool cut = len >= sizeof(text);
	if (cut)
		len = sizeof(text) - 1;
	else if (len > 0 && text[len - 1] == '\n')
		len--;
	snap_lib_log_put(level, text, len, cut);
	errno = saved_errno;
}

void snapcrash_log(int level, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	snapcrash_vlog(level, format, args);
	va_end(args);
}
