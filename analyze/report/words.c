#include "analyze/report/words.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/explain/log_clock.h"

const char *snap_trust_name(enum snap_trust trust)
{
	static const char *const names[] = {"context", "cfi", "fp", "scan", "prewalked"};
	return names[trust];
}

const char *snap_end_name(enum snap_end end)
{
	static const char *const names[] = {
		"complete", "truncated", "corrupt", "limit", "unavailable"};
	return names[end];
}

const char *snap_symbols_name(enum snap_symbols symbols)
{
	static const char *const names[] = {"none", "mismatch", "dynsym", "symtab", "dwarf"};
	return names[symbols];
}

const char *snap_real_words(double number, bool is_float, char out[32])
{
	/* So many digits always do (C11, 5.2.4.2.2: FLT_DECIMAL_DIG, DBL_DECIMAL_DIG). */
	int most = is_float ? 9 : 17;
	for (int digits = most - 3; digits <= most; digits++) {
		(void)snprintf(out, 32, "%.*g", digits, number);
		double again = strtod(out, NULL);
		if (is_float ? (float)again == (float)number : again == number)
			break;
	}
	return out;
}

const char *snap_number_words(uint64_t number, char out[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	size_t at = 0;
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
	return out;
}

const char *snap_open_file_access(const struct snap_open_file *file)
{
	/* The same numbers on all machines, unlike the other flags. */
	static const char *const words[] = {"read", "write", "read-write", NULL};
	return file->has_flags ? words[file->flags & O_ACCMODE] : NULL;
}

bool snap_log_time_words(const struct snap_crash *crash, size_t index, char out[40])
{
	struct snap_clock_time at;
	int64_t ns;
	out[0] = '\0';
	if (snap_log_clock_unix(crash, index, &at))
		snap_time_words(at.seconds, at.nanoseconds, out);
	if (!crash->device.is_device && snap_log_ticks(crash, index, &ns) && ns >= 0)
		snap_time_words(ns / 1000000000, (uint32_t)(ns % 1000000000), out);
	return out[0] != '\0';
}
