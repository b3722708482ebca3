#include "capture/filter.h"

#include <string.h>

/*
 * The bracket expression after its '[': whether c is in it. *at then is behind its ']'; a '[' that
 * has no end stands for itself, and *at stays.
 */
static bool match_bracket(const char **at, uint8_t c)
{
	const char *p = *at;
	bool inverted = *p == '!' || *p == '^';
	bool in = false;
	if (inverted)
		p++;
	for (const char *first = p; *p != '\0' && (*p != ']' || p == first); p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		uint8_t low = (uint8_t)*p, high = low;
		if (p[1] == '-' && p[2] != ']' && p[2] != '\0') {
			p += p[2] == '\\' && p[3] != '\0' ? 3 : 2;
			high = (uint8_t)*p;
		}
		in = in || (low <= c && c <= high);
	}
	if (*p == '\0')
		return c == '[';
	*at = p + 1;
	return in != inverted;
}

/* Whether c matches what p begins with, which is no '*'; *ret is what follows it. */
static bool match_one(const char *p, uint8_t c, const char **ret)
{
	*ret = p + 1;
	switch (*p) {
	case '\0':
		return false;
	case '?':
		return true;
	case '[':
		return match_bracket(ret, c);
	case '\\':
		if (p[1] != '\0') {
			*ret = p + 2;
			return (uint8_t)p[1] == c;
		}
		break;
	}
	return (uint8_t)*p == c;
}

bool snap_filter_match(const char *pattern, struct snap_bytes text)
{
	/* Where the last '*' was, and how much of the text it then stood for: of several, only the
	 * last one ever has to take more. */
	const char *p = pattern, *after_star = NULL, *next;
	size_t at = 0, star_end = 0;
	while (at < text.len) {
		if (*p == '*') {
			after_star = ++p;
			star_end = at;
		} else if (match_one(p, text.data[at], &next)) {
			p = next;
			at++;
		} else if (after_star) {
			p = after_star;
			at = ++star_end;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

static bool any_matches(const struct snap_config_rules *rules, struct snap_bytes exe, uint32_t uid)
{
	const uint8_t *slash = exe.len > 0 ? memrchr(exe.data, '/', exe.len) : NULL;
	struct snap_bytes name =
		slash ? snap_bytes(slash + 1, exe.len - (size_t)(slash + 1 - exe.data)) : exe;
	for (size_t i = 0; i < rules->num; i++) {
		const struct snap_config_rule *rule = &rules->rules[i];
		if (rule->has_uid && rule->uid != uid)
			continue;
		if (rule->pattern[0] == '\0' ||
			snap_filter_match(rule->pattern, strchr(rule->pattern, '/') ? exe : name))
			return true;
	}
	return false;
}

bool snap_filter_wants(const struct snap_config_rules *ignore, const struct snap_config_rules *only,
	struct snap_bytes exe, uint32_t uid)
{
	return (only->num == 0 || any_matches(only, exe, uid)) && !any_matches(ignore, exe, uid);
}
