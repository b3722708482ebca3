#include "analyze/symbols/demangle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/* Longer ones are hostile or useless; the demangler's work can grow with the square. */
#define MAX_RAW_LEN 16384

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);
	return len >= n && memcmp(s + len - n, end, n) == 0;
}

/* The length of s without cv- and ref-qualifiers of a member function at its end. */
static size_t without_qualifiers(const char *s, size_t len)
{
	static const char *const qualifiers[] = {" const", " volatile", " &&", " &", " noexcept"};
	bool again = true;
	while (again) {
		again = false;
		for (size_t i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++) {
			if (ends_with(s, len, qualifiers[i])) {
				len -= strlen(qualifiers[i]);
				again = true;
			}
		}
	}
	return len;
}

/* Where the parenthesis that s[len - 1] closes is opened; len if it is not. */
static size_t opening(const char *s, size_t len)
{
	size_t depth = 0;
	for (size_t i = len; i-- > 0;) {
		if (s[i] == ')')
			depth++;
		else if (s[i] == '(' && --depth == 0)
			return i;
	}
	return len;
}

/* Cut the parameters out of name, in place: "a::f(int) const [clone .cold]" -> "a::f [clone .cold]". */
static void drop_parameters(char *name)
{
	size_t len = strlen(name), end = len;
	while (end > 0 && name[end - 1] == ']') {
		char *clone = NULL;
		for (char *p = name; p < name + end && (p = strstr(p, " [clone ")); p++)
			if (p < name + end)
				clone = p;
		if (!clone)
			break;
		end = (size_t)(clone - name);
	}
	size_t parameters_end = without_qualifiers(name, end);
	if (parameters_end == 0 || name[parameters_end - 1] != ')')
		return;
	size_t start = opening(name, parameters_end);
	/* "operator()" itself is a name. */
	if (start == parameters_end || start == 0 || ends_with(name, start, "operator"))
		return;
	memmove(name + start, name + end, len - end + 1);
}

char *snap_demangle(const char *raw)
{
	if (strnlen(raw, MAX_RAW_LEN) == MAX_RAW_LEN)
		return NULL;
	/* Rust first: its legacy form looks like C++. */
	char *name = cplus_demangle(raw, DMGL_RUST);
	if (!name)
		name = cplus_demangle(raw, DMGL_GNU_V3 | DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP);
	if (name && strncmp(raw, "_Z", 2) == 0)
		drop_parameters(name);
	return name;
}
