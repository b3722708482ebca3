/*
 * What a C++ exception says: the text or the number that was thrown, and the text that an exception
 * of the library keeps.
 *
 * Hostile: what is read of it is bounded, and what makes no sense is not known.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_CXX_VALUE_H
#define SNAP_ANALYZE_EXPLAIN_CXX_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/* More of a text is not told. */
#define SNAP_CXX_MAX_TEXT 1024u

enum snap_cxx_kind {
	SNAP_CXX_OTHER, /* what it says is not known: a class of the program's */
	SNAP_CXX_NUMBER,
	SNAP_CXX_TEXT,
};

/* What values of a type are, by its mangled name ("PKc"). */
enum snap_cxx_kind snap_cxx_kind(const char *mangled);
/* What people call a type of texts: "std::string"; NULL: as it is demangled. */
const char *snap_cxx_short_name(const char *mangled);

struct snap_cxx_value {
	enum snap_exception_text state;
	/* Valid UTF-8, in the crash's arena; "..." where it is cut. NULL: nothing of it is known.
	 * Of a text that was not captured it is the beginning, if that was. */
	const char *text;
};

/* The value at addr of a type that is no other. -1 without memory. */
int snap_cxx_value_read(
	struct snap_crash *crash, const char *mangled, uint64_t addr, struct snap_cxx_value *ret);

/*
 * The text of a string whose characters are counted in front of them, as what() gives it: up to its
 * first NUL. At addr is the pointer to it. -1 without memory.
 */
int snap_cxx_what_read(struct snap_crash *crash, uint64_t addr, struct snap_cxx_value *ret);

#endif
