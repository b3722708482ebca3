/*
 * The printer of values (print.h), for the parts that it is made of.
 */
#ifndef SNAP_ANALYZE_VARIABLES_PRINTER_H
#define SNAP_ANALYZE_VARIABLES_PRINTER_H

#include <elf.h>

#include "analyze/variables/print.h"
#include "analyze/variables/shape.h"
#include "analyze/variables/types.h"

/* Structures in structures and arrays in arrays. */
#define SNAP_PRINT_MAX_DEPTH 8
/* What is listed of an array or a string; runs of equal elements count as SNAP_PRINT_REPEATS. */
#define SNAP_PRINT_MAX_ELEMENTS 200
#define SNAP_PRINT_REPEATS	10
/* What is looked at for such runs. */
#define SNAP_PRINT_MAX_LOOKED_AT     65536
#define SNAP_PRINT_MAX_VIRTUAL_BASES 64

/* Where the bytes of a value come from. */
struct snap_source {
	bool in_memory;
	uint64_t addr;
	/* Else: */
	const uint8_t *bytes, *states; /* each an enum snap_bits */
	uint64_t len;
	const char *why;		  /* of those that are not known */
	const struct snap_piece *pointer; /* all of it points to what is nowhere; NULL */
};

struct snap_printer {
	const struct snap_view *view;
	struct snap_text *text;
	struct snap_print_counts counts;
	/* Addresses, or types, of virtual bases that stand there already. */
	uint64_t virtual_bases[SNAP_PRINT_MAX_VIRTUAL_BASES];
	size_t num_virtual_bases;
};

static inline bool snap_printer_is_big(const struct snap_printer *p)
{
	return p->view->arch->elf_data == ELFDATA2MSB;
}

/* ---------------------------------------------------------------- bytes */

/* len bytes at off; their state is that of the worst of them. */
enum snap_bits snap_printer_peek(struct snap_printer *p, const struct snap_source *source,
	uint64_t off, uint8_t *buf, size_t len);
/* What stands for bits that are not known; where: an address, if they have one. */
void snap_printer_lack(struct snap_printer *p, enum snap_bits bits,
	const struct snap_source *source, uint64_t off);
/* False, and a word why not, if they are not all known. */
bool snap_printer_take(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	uint8_t *buf, size_t len);
bool snap_printer_take_word(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	unsigned int size, uint64_t *ret);

/* ---------------------------------------------------------------- values of one kind each */

/* What is at off of the source, of any type; depth: how deeply it is nested. */
void snap_print_type(struct snap_printer *p, struct snap_die die, const struct snap_source *source,
	uint64_t off, int depth);

/*
 * One character within quotes, as C has it; of those of several bytes what is a character and
 * harmless to show is UTF-8. True: a digit behind it would read as part of its number.
 */
bool snap_print_character(
	struct snap_printer *p, const struct snap_character *of, uint32_t c, char quote);
/* " " and the string at the address, up to its NUL. */
void snap_print_string_at(struct snap_printer *p, const struct snap_character *of, uint64_t addr);
/* An array of so many characters; is_counted: a NUL at its end belongs to the text. */
void snap_print_text(struct snap_printer *p, const struct snap_character *of,
	const struct snap_source *source, uint64_t off, uint64_t count, bool is_counted);

/* bits: how many of the value count. */
void snap_print_integer(
	struct snap_printer *p, const struct snap_type *type, uint64_t value, unsigned int bits);
void snap_print_enum(
	struct snap_printer *p, const struct snap_type *type, uint64_t value, unsigned int bits);
void snap_print_base(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off);

/* " <function+4>" behind an address of code or a named object. */
void snap_print_symbol(struct snap_printer *p, uint64_t addr);
void snap_print_pointer(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off);
void snap_print_reference(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth);
void snap_print_member_pointer(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off);

/* Elements of a type that stand one after the other. */
struct snap_print_elements {
	struct snap_die type;
	uint64_t count, len; /* how many, and bytes of each; 0: not known */
};
void snap_print_elements(struct snap_printer *p, const struct snap_print_elements *elements,
	const struct snap_source *source, uint64_t off, int depth);
void snap_print_array(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth);
/* Fortran's characters: padded with blanks, without a NUL. */
void snap_print_string(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off);
/*
 * The shape of what is at off of the source, and where its elements are: *ret_source, which may be
 * *source itself. False, and a word why, if it has none.
 */
bool snap_printer_shape(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, struct snap_shape *ret,
	struct snap_source *ret_source, uint64_t *ret_off);

void snap_print_structure(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth);

/*
 * What the standard libraries of C++ and Rust hold: if the type is one whose layout is known, and
 * what is there makes sense by it. False: nothing was printed.
 */
bool snap_print_container(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth);

#endif
