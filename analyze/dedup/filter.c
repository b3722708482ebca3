#include "analyze/dedup/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

bool snap_filter_add(struct snap_filter *filter, enum snap_filter_column column, const char *value)
{
	struct snap_filter_value *grown =
		reallocarray(filter->values, filter->num_values + 1, sizeof(*grown));
	if (!grown)
		return false;
	filter->values = grown;
	grown[filter->num_values++] = (struct snap_filter_value){.column = column, .value = value};
	return true;
}

void snap_filter_deinit(struct snap_filter *filter)
{
	free(filter->values);
	*filter = (struct snap_filter){0};
}

/* ---------------------------------------------------------------- times */

static bool parse_ago(const char *text, int64_t now_ns, int64_t *ret)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	if (!isdigit((unsigned char)text[0]) || strlen(text) > 8)
		return false;
	long number = strtol(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (end[0] == units[i].unit && end[1] == '\0') {
			/* The number has seven digits at most, so that nothing overflows. */
			int64_t seconds = number * units[i].seconds;
			int64_t most = now_ns / NS_PER_S;
			*ret = now_ns - (seconds < most ? seconds : most) * NS_PER_S;
			return true;
		}
	return false;
}

bool snap_filter_parse_time(const char *text, int64_t now_ns, int64_t *ret)
{
	static const char *const formats[] = {
		"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M",
		"%Y-%m-%d %H:%M:%S"};
	if (parse_ago(text, now_ns, ret))
		return true;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, formats[i], &tm);
		if (!end || tm.tm_year < 70 || tm.tm_year > 300)
			continue;
		if (*end == 'Z' && i > 0)
			end++;
		if (*end)
			continue;
		/* The 31st of February would be one of March. */
		int day = tm.tm_mday;
		*ret = (int64_t)timegm(&tm) * NS_PER_S;
		return tm.tm_mday == day;
	}
	return false;
}

/* ---------------------------------------------------------------- as SQL */

struct text {
	char *chars;
	size_t len;
};

static void append(struct text *text, const char *s)
{
	size_t len = strlen(s);
	char *grown = text->chars ? realloc(text->chars, text->len + len + 1) : NULL;
	if (!grown) {
		free(text->chars);
		text->chars = NULL;
		return;
	}
	memcpy(grown + text->len, s, len + 1);
	text->chars = grown;
	text->len += len;
}

static void append_number(struct text *text, const char *before, int number, const char *after)
{
	char chars[32];
	(void)snprintf(chars, sizeof(chars), "?%d", number);
	append(text, before);
	append(text, chars);
	append(text, after);
}

static void append_column(
	struct text *text, const struct snap_filter *filter, enum snap_filter_column column, int first)
{
	static const char *const names[] = {
		[SNAP_FILTER_VERSION] = "version",
		[SNAP_FILTER_DEVICE] = "device",
		[SNAP_FILTER_PROJECT] = "project",
		[SNAP_FILTER_KIND] = "kind",
	};
	bool any = false;
	for (size_t i = 0; i < filter->num_values; i++) {
		if (filter->values[i].column != column)
			continue;
		if (column == SNAP_FILTER_TAG) {
			append_number(text,
				" AND EXISTS (SELECT 1 FROM tags WHERE tags.crash = "
				"crashes.crash AND key || '=' || value = ",
				first + (int)i, ")");
			continue;
		}
		append(text, any ? "" : " AND ");
		append(text, any ? "" : names[column]);
		append_number(text, any ? ", " : " IN (", first + (int)i, "");
		any = true;
	}
	if (any)
		append(text, ")");
}

char *snap_filter_sql(const struct snap_filter *filter, int first)
{
	struct text text = {.chars = strdup("")};
	int last = first + (int)filter->num_values;
	for (int column = 0; column < SNAP_FILTER_NUM_COLUMNS; column++)
		append_column(&text, filter, (enum snap_filter_column)column, first);
	if (filter->has_since)
		append_number(&text, " AND captured_ns >= ", last, "");
	if (filter->has_until)
		append_number(&text, " AND captured_ns < ", last + 1, "");
	return text.chars;
}

void snap_filter_bind(
	const struct snap_filter *filter, int first, struct snap_statement *statement)
{
	int last = first + (int)filter->num_values;
	for (size_t i = 0; i < filter->num_values; i++)
		snap_statement_bind_text(statement, first + (int)i, filter->values[i].value);
	if (filter->has_since)
		snap_statement_bind_number(statement, last, filter->since_ns);
	if (filter->has_until)
		snap_statement_bind_number(statement, last + 1, filter->until_ns);
}
