#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int snap_error_set(struct snap_error *err, enum snap_error_code code, const char *format, ...)
{
	if (!err)
		return -1;
	err->code = code;
	err->errnum = 0;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args); /* cut to fit, as declared */
	va_end(args);
	return -1;
}

int snap_error_errno(struct snap_error *err, int errnum, const char *format, ...)
{
	if (!err)
		return -1;
	err->code = SNAP_ERROR_SYSTEM;
	err->errnum = errnum;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	size_t len = strlen(err->text);
	(void)snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(errnum));
	return -1;
}

int snap_error_no_memory(struct snap_error *err)
{
	return snap_error_set(err, SNAP_ERROR_NO_MEMORY, "out of memory");
}
