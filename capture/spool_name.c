#include "capture/spool_name.h"

#include <string.h>

#include "capture/utc.h"
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

/* UTC as 20261122T235926Z. */
static char *put_time(char *out, int64_t time_s)
{
	struct snap_utc utc = snap_utc_from(time_s);
	out = put_number(out, (uint64_t)utc.year, 4);
	out = put_number(out, (uint64_t)utc.month, 2);
	out = put_number(out, (uint64_t)utc.day, 2);
	*out++ = 'T';
	out = put_number(out, (uint64_t)utc.hour, 2);
	out = put_number(out, (uint64_t)utc.minute, 2);
	out = put_number(out, (uint64_t)utc.second, 2);
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

static bool digits(const char **p, size_t num, int *ret)
{
	int value = 0;
	for (size_t i = 0; i < num; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		value = value * 10 + (**p - '0');
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

/* 20261122T235926Z */
static bool parse_time(const char **p, int64_t *ret)
{
	struct snap_utc utc;
	return digits(p, 4, &utc.year) && digits(p, 2, &utc.month) && digits(p, 2, &utc.day) &&
	       literal(p, 'T') && digits(p, 2, &utc.hour) && digits(p, 2, &utc.minute) &&
	       digits(p, 2, &utc.second) && literal(p, 'Z') && snap_utc_to(&utc, ret);
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
