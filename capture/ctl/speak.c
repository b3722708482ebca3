/*
 * How all verbs of snapcrashctl speak on standard error.
 */
#include <stdarg.h>
#include <stdio.h>

#include "capture/ctl/ctl.h"
#include "common/escape.h"

void snap_ctl_complain(const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut to fit */
	va_end(args);
	(void)fflush(stdout); /* what was said before comes first */
	fprintf(stderr, SNAP_CTL_PROGRAM ": %s\n", text);
}

int snap_ctl_fail(const struct snap_error *err)
{
	snap_ctl_complain("%s", err->text);
	return err->code == SNAP_ERROR_USAGE ? EXIT_USAGE : EXIT_NOTHING;
}

const char *snap_ctl_show(struct snap_bytes bytes, struct snap_ctl_shown *shown)
{
	(void)snap_escape(bytes, SNAP_ESCAPE_TERMINAL, shown->text, sizeof(shown->text));
	return shown->text;
}

const char *snap_ctl_show_str(const char *s, struct snap_ctl_shown *shown)
{
	return snap_ctl_show(snap_bytes_str(s), shown);
}
