#include "capture/core_pattern.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum snap_core_pattern_kind snap_core_pattern_kind(const char *pattern)
{
	return pattern[0] == '|'   ? SNAP_CORE_PATTERN_PIPE
	       : pattern[0] == '@' ? SNAP_CORE_PATTERN_SOCKET
				   : SNAP_CORE_PATTERN_FILE;
}

/* The kernel's isspace() (lib/ctype.c), which knows Latin-1's no-break space, too. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (uint8_t)c == 0xa0;
}

struct snap_bytes snap_core_pattern_program(const char *pattern)
{
	const char *p = pattern + 1;
	if (snap_core_pattern_kind(pattern) != SNAP_CORE_PATTERN_PIPE)
		return snap_bytes(NULL, 0);
	while (is_space(*p))
		p++;
	size_t len = 0;
	while (p[len] != '\0' && !is_space(p[len]))
		len++;
	return snap_bytes(p, len);
}

/* ---------------------------------------------------------------- expansion */

static int add(struct snap_core_words *words, const void *data, size_t len)
{
	if (len > sizeof(words->text) - words->len)
		return -E2BIG;
	memcpy(words->text + words->len, data, len);
	words->len += len;
	return 0;
}

static int add_number(struct snap_core_words *words, uint64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	return add(words, digits, (size_t)len);
}

/* cn_esc_printf(): a string that may become a part of a file's name. */
static int add_string(struct snap_core_words *words, struct snap_bytes string)
{
	size_t start = words->len;
	int r = string.len > 0 ? add(words, string.data, string.len) : add(words, "!", 1);
	if (r < 0)
		return r;
	char *p = words->text + start;
	size_t len = words->len - start;
	if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
		p[0] = '!';
	for (size_t i = 0; i < len; i++) {
		/* A NUL would end the word; the kernel's strings have none. */
		if (p[i] == '/' || p[i] == '\0')
			p[i] = '!';
	}
	return 0;
}

/* cn_print_exe_file() */
static int add_exe(struct snap_core_words *words, const struct snap_core_facts *facts, bool name)
{
	struct snap_bytes exe = facts->exe;
	if (!exe.data) {
		char text[96];
		int len = snprintf(text, sizeof(text), "%.*s (path unknown)",
			(int)(facts->comm.len < 64 ? facts->comm.len : 64),
			facts->comm.data ? (const char *)facts->comm.data : "");
		return add_string(words, snap_bytes(text, (size_t)len));
	}
	const uint8_t *slash = name ? memrchr(exe.data, '/', exe.len) : NULL;
	if (slash)
		exe = snap_bytes(slash + 1, exe.len - (size_t)(slash + 1 - exe.data));
	return add_string(words, exe);
}

static int add_specifier(
	struct snap_core_words *words, char specifier, const struct snap_core_facts *facts)
{
	switch (specifier) {
	case '%':
		return add(words, "%", 1);
	case 'p':
		return add_number(words, facts->ns_pid);
	case 'P':
		return add_number(words, facts->pid);
	case 'i':
		return add_number(words, facts->ns_tid);
	case 'I':
		return add_number(words, facts->tid);
	case 's':
		return add_number(words, facts->signo);
	case 't':
		return add_number(words, facts->time_s);
	case 'd':
		return add_number(words, facts->dumpable);
	case 'u':
		return add_number(words, facts->uid);
	case 'g':
		return add_number(words, facts->gid);
	case 'c':
		return add_number(words, facts->rlimit_core);
	case 'C':
		return add_number(words, facts->cpu);
	case 'F':
		return facts->pidfd >= 0 ? add_number(words, (uint64_t)facts->pidfd) : 0;
	case 'h':
		return add_string(words, facts->hostname);
	case 'e':
		return add_string(words, facts->comm);
	case 'f':
		return add_exe(words, facts, true);
	case 'E':
		return add_exe(words, facts, false);
	}
	return 0;
}

int snap_core_pattern_expand(
	const char *pattern, const struct snap_core_facts *facts, struct snap_core_words *ret)
{
	const char *p = pattern + 1;
	bool in_word = false;
	int r = 0;

	ret->num = ret->len = 0;
	if (snap_core_pattern_kind(pattern) != SNAP_CORE_PATTERN_PIPE)
		return -EINVAL;
	while (*p != '\0') {
		if (is_space(*p)) {
			if (in_word && (r = add(ret, "", 1)) < 0)
				return r;
			in_word = false;
			p++;
			continue;
		}
		if (!in_word) {
			if (ret->num == SNAP_CORE_WORDS_MAX)
				return -E2BIG;
			ret->argv[ret->num++] = ret->text + ret->len;
			in_word = true;
		}
		if (*p != '%') {
			r = add(ret, p++, 1);
		} else if (p[1] == '\0') {
			p++; /* a single one at the end is dropped */
		} else {
			r = add_specifier(ret, p[1], facts);
			p += 2;
		}
		if (r < 0)
			return r;
	}
	if (in_word && (r = add(ret, "", 1)) < 0)
		return r;
	ret->argv[ret->num] = NULL;
	return ret->num > 0 ? 0 : -EINVAL;
}
