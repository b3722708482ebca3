#include "capture/spool_name.h"

#include <string.h>

#include "common/escape.h"

static bool is_plain(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '+' || c == '@';
}

/* Each of these returns where the next character goes. */
static char *put_comm(char *out, struct snap_bytes comm)
{
	static const char hex_digits[] = "0123456789ABCDEF";
	if (comm.len == 0)
		comm = snap_bytes("", 1);
	if (comm.len > 64)
		comm.len = 64;
	for (size_t i = 0; i < comm.len; i++) {
		uint8_t c = comm.data[i];
		if (is_plain(c) && !(i == 0 && c == '.')) {
			*out++ = (char)c;
		} else {
			*out++ = '%';
			*out++ = hex_digits[c >> 4];
			*out++ = hex_digits[c & 15];
		}
	}
	return out;
}

/* In decimal, with zeros before it up to the width. Not by snprintf(): this runs in handlers. */
static char *put_number(char *out, uint64_t value, unsigned int width)
{
	char reversed[20];
	unsigned int num = 0;
	do
		reversed[num++] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	for (; width > num; width--)
		*out++ = '0';
	while (num > 0)
		*out++ = reversed[--num];
	return out;
}

/*
 * UTC as 20261122T235926Z. Not gmtime_r(): glibc's loads the local time zone's file, and allocates.
 * Days to a date of the proleptic Gregorian calendar, with years that begin in March.
 */
static char *put_time(char *out, int64_t time_s)
{
	/* Up to the end of the year 9999; the kernel's clock doesn't get there. */
	if (time_s < 0 || time_s > 253402300799)
		time_s = 0;
	int64_t seconds = time_s % 86400;
	int64_t days = time_s / 86400 + 719468; /* since 0000-03-01 */
	int64_t era = days / 146097;		/* of 400 years */
	int64_t day_of_era = days % 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
	int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
	int64_t year = era * 400 + year_of_era + (month >= 10 ? 1 : 0);
	month += month < 10 ? 3 : -9;
	out = put_number(out, (uint64_t)year, 4);
	out = put_number(out, (uint64_t)month, 2);
	out = put_number(out, (uint64_t)day, 2);
	*out++ = 'T';
	out = put_number(out, (uint64_t)(seconds / 3600), 2);
	out = put_number(out, (uint64_t)(seconds / 60 % 60), 2);
	out = put_number(out, (uint64_t)(seconds % 60), 2);
	*out++ = 'Z';
	return out;
}

void snap_spool_name(char name[static SNAP_SPOOL_NAME_MAX], int64_t time_s, struct snap_bytes comm,
	uint64_t pid, const uint8_t uuid[static 16])
{
	/* At most 16 + 1 + 192 + 1 + 20 + 1 + 8 + 6. */
	char *out = put_time(name, time_s);
	*out++ = '-';
	out = put_comm(out, comm);
	*out++ = '-';
	out = put_number(out, pid, 1);
	*out++ = '-';
	snap_hex(snap_bytes(uuid, 4), out);
	memcpy(out + 8, ".snap", sizeof(".snap"));
}

static bool digits(const char **p, size_t num, uint32_t *ret)
{
	uint32_t value = 0;
	for (size_t i = 0; i < num; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		value = value * 10 + (uint32_t)(**p - '0');
	}
	*ret = value;
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Days since 1970 of a date of the proleptic Gregorian calendar; its years begin in March here. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = year / 400;
	int64_t year_of_era = year % 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

/* 20261122T235926Z */
static bool parse_time(const char **p, int64_t *ret)
{
	uint32_t year, month, day, hour, minute, second;
	if (!digits(p, 4, &year) || !digits(p, 2, &month) || !digits(p, 2, &day) ||
		!literal(p, 'T') || !digits(p, 2, &hour) || !digits(p, 2, &minute) ||
		!digits(p, 2, &second) || !literal(p, 'Z'))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
		minute > 59 || second > 59)
		return false;
	*ret = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

static int hex_digit(char c, const char *all)
{
	const char *at = c != '\0' ? strchr(all, c) : NULL;
	return at ? (int)(at - all) : -1;
}

static bool parse_comm(const char **p, struct snap_spool_name *to)
{
	static const char upper[] = "0123456789ABCDEF";
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._+@";
	size_t len = 0;
	for (; **p != '-' && **p != '\0'; len++) {
		if (len == sizeof(to->comm))
			return false;
		if (**p != '%') {
			if (!strchr(plain, **p) || (len == 0 && **p == '.'))
				return false;
			to->comm[len] = (uint8_t) * (*p)++;
			continue;
		}
		int high = hex_digit((*p)[1], upper);
		int low = high >= 0 ? hex_digit((*p)[2], upper) : -1;
		if (low < 0)
			return false;
		to->comm[len] = (uint8_t)(high << 4 | low);
		*p += 3;
	}
	/* An empty one is written as a NUL byte, which none has. */
	to->comm_len = len == 1 && to->comm[0] == '\0' ? 0 : len;
	return len > 0;
}

bool snap_spool_name_parse(const char *name, struct snap_spool_name *ret)
{
	struct snap_spool_name parsed = {0};
	const char *p = name;
	if (strnlen(name, SNAP_SPOOL_NAME_MAX) == SNAP_SPOOL_NAME_MAX)
		return false;
	if (!parse_time(&p, &parsed.time_s) || !literal(&p, '-') || !parse_comm(&p, &parsed) ||
		!literal(&p, '-') || *p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (parsed.pid > (UINT64_MAX - 9) / 10)
			return false;
		parsed.pid = parsed.pid * 10 + (uint64_t)(*p - '0');
	}
	if (!literal(&p, '-'))
		return false;
	for (size_t i = 0; i < 8; i++, p++) {
		if (hex_digit(*p, "0123456789abcdef") < 0)
			return false;
		parsed.uuid[i] = *p;
	}
	if (strcmp(p, ".snap") != 0)
		return false;
	*ret = parsed;
	return true;
}
