#include "analyze/symbols/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/* Longer ones are hostile or useless. The demangler's own limit (a thousand bytes, for the sake of
 * its recursion) is too low for templates; this one keeps it within a megabyte or two of stack. */
#define MAX_RAW_LEN  16384
#define MAX_NAME_LEN 65536

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

/* "operator()" itself is a name; "my_operator(int)" is one with parameters. */
static bool is_operator(const char *name, size_t len)
{
	static const char word[] = "operator";
	size_t before = sizeof(word) - 1;
	return ends_with(name, len, word) &&
	       (len == before || !(isalnum((unsigned char)name[len - before - 1]) ||
					 name[len - before - 1] == '_'));
}

/* Cut the parameters out of name, in place: "a::f(int) const [clone .cold]" -> "a::f [clone
 * .cold]". */
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
	if (start == parameters_end || start == 0 || is_operator(name, start))
		return;
	memmove(name + start, name + end, len - end + 1);
}

/* Where the demangler prints. */
struct output {
	char *text; /* on the heap, MAX_NAME_LEN + 1 bytes */
	size_t len;
	jmp_buf too_long;
};

/*
 * A short name can stand for an endless one: each substitution may double it. The way out is a
 * jump, since the demangler can't be told to stop; in this form it holds nothing but stack (and,
 * within a Rust name in punycode, one small buffer that is then lost).
 */
static void print(const char *text, size_t len, void *arg)
{
	struct output *output = arg;
	if (len == 0)
		return; /* text may be NULL then */
	if (len > MAX_NAME_LEN - output->len)
		longjmp(output->too_long, 1);
	memcpy(output->text + output->len, text, len);
	output->len += len;
	output->text[output->len] = '\0';
}

/* False if raw is no name of the kind, or stands for one that is too long. whole: all of it. */
static bool demangle(const char *raw, bool rust, bool whole, struct output *output)
{
	int options = DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT;
	output->len = 0;
	output->text[0] = '\0';
	if (setjmp(output->too_long))
		return false;
	int done = rust ? rust_demangle_callback(raw, 0, print, output)
			: cplus_demangle_v3_callback(
				  raw, options | (whole ? 0 : DMGL_RET_DROP), print, output);
	return done && output->len > 0;
}

#define LOWER	     "abcdefghijklmnopqrstuvwxyz"
#define FORTRAN_NAME LOWER "0123456789_$"

/* Where the procedure's name begins in what gfortran makes of one in a module; NULL. */
static const char *fortran_procedure(const char *raw)
{
	static const char separator[] = "_MOD_";
	if (raw[0] != '_' || raw[1] != '_' || !raw[2] || !strchr(LOWER, raw[2]))
		return NULL;
	/* Names are in lower case: what stands behind the module's is the separator, whose
	 * underscore its name has taken. */
	size_t len = strspn(raw + 2, FORTRAN_NAME);
	if (len < 2 || raw[1 + len] != '_' ||
		strncmp(raw + 1 + len, separator, sizeof(separator) - 1) != 0)
		return NULL;
	const char *name = raw + len + sizeof(separator);
	return *name && *name != '@' ? name : NULL;
}

bool snap_demangle_is_fortran(const char *raw)
{
	return fortran_procedure(raw) != NULL;
}

/* "__m_MOD_work@@V" is m::work: the version is the linker's business. */
static char *demangle_fortran(const char *raw)
{
	const char *name = fortran_procedure(raw);
	if (!name || strnlen(raw, MAX_RAW_LEN) == MAX_RAW_LEN)
		return NULL;
	size_t module_len = (size_t)(name - raw) - strlen("__") - strlen("_MOD_");
	size_t len = strcspn(name, "@");
	char *ret = malloc(module_len + 2 + len + 1);
	if (!ret)
		return NULL;
	memcpy(ret, raw + 2, module_len);
	memcpy(ret + module_len, "::", 2);
	memcpy(ret + module_len + 2, name, len);
	ret[module_len + 2 + len] = '\0';
	return ret;
}

static char *demangle_any(const char *raw, bool whole)
{
	/* What both kinds begin with; most names are C's. */
	if (raw[0] != '_' || (raw[1] != 'Z' && raw[1] != 'R') ||
		strnlen(raw, MAX_RAW_LEN) == MAX_RAW_LEN)
		return NULL;
	struct output output = {.text = malloc(MAX_NAME_LEN + 1)};
	if (!output.text)
		return NULL;
	/* Rust first: its legacy form looks like C++. */
	char *name = NULL;
	if (demangle(raw, true, whole, &output)) {
		name = strdup(output.text);
	} else if (demangle(raw, false, whole, &output)) {
		if (!whole)
			drop_parameters(output.text);
		name = strdup(output.text);
	}
	free(output.text);
	return name;
}

char *snap_demangle(const char *raw)
{
	char *name = demangle_any(raw, false);
	return name ? name : demangle_fortran(raw);
}

char *snap_demangle_whole(const char *raw)
{
	return demangle_any(raw, true);
}
