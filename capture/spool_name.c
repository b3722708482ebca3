#include "capture/spool_name.h"

#include <string.h>

#include "capture/spool.h"

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
