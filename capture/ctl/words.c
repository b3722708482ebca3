#include "capture/ctl/words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/words.h"

const char *snap_word_time(int64_t time_s, char between, char buf[static SNAP_WORD_MAX])
{
	time_t when = (time_t)time_s;
	struct tm tm;
	if (!gmtime_r(&when, &tm))
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(buf, SNAP_WORD_MAX, "%04d-%02d-%02d%c%02d:%02d:%02d%s",
		(tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, between, tm.tm_hour,
		tm.tm_min, tm.tm_sec, between == 'T' ? "Z" : ""); /* fits */
	return buf;
}

const char *snap_word_bytes(uint64_t bytes, char buf[static SNAP_WORD_MAX])
{
	static const char units[] = "KMGTPE";
	if (bytes < 1024) {
		(void)snprintf(buf, SNAP_WORD_MAX, "%lluB", (unsigned long long)bytes);
		return buf;
	}
	double value = (double)bytes / 1024;
	const char *unit = units;
	/* What "%.1f" would round up to 1024.0 is one of the next unit. */
	while (value >= 1023.95 && unit[1] != '\0') {
		value /= 1024;
		unit++;
	}
	(void)snprintf(buf, SNAP_WORD_MAX, "%.1f%c", value, *unit);
	return buf;
}

const char *snap_word_signal(int32_t signo, char buf[static SNAP_WORD_MAX])
{
	const char *name = snap_signal_name(signo);
	if (name)
		(void)snprintf(buf, SNAP_WORD_MAX, "%s", name);
	else
		(void)snprintf(buf, SNAP_WORD_MAX, "signal %d", (int)signo);
	return buf;
}

const char *snap_word_plural(uint64_t number)
{
	return number == 1 ? "" : "s";
}
