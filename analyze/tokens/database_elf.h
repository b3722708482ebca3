/*
 * Databases of tokens in ELF files, as Pigweed's macros leave them there: sections
 * .pw_tokenizer.entries of entries without padding (pw_tokenizer/internal/tokenize_string.h), each of
 * four numbers of 32 bits (magic 0xBAA98DEE, token, length of the domain, length of the string, both
 * with the NUL of each) and then domain and string.
 *
 * Hostile: the file may be anything.
 */
#ifndef SNAP_ANALYZE_TOKENS_DATABASE_ELF_H
#define SNAP_ANALYZE_TOKENS_DATABASE_ELF_H

#include <stdbool.h>

#include "analyze/tokens/database.h"

struct snap_elf_file; /* symbols/elf_file.h */

/* Whether it begins as an ELF file. */
bool snap_tokens_is_elf(struct snap_bytes bytes);

/*
 * Add what is in such sections of an ELF file that lies in memory, or was opened; strings are copied.
 * Returns how many entries there are (0: the file has no such section), or -1 and *err, whose text has
 * no file name; entries before the broken one stay added. Whoever adds to a database finishes it anew.
 */
int snap_tokens_add_elf(
	struct snap_tokens *tokens, struct snap_bytes bytes, struct snap_error *err);
int snap_tokens_add_elf_file(
	struct snap_tokens *tokens, const struct snap_elf_file *file, struct snap_error *err);

/* The same for the contents of such a section. */
int snap_tokens_add_section(struct snap_tokens *tokens, struct snap_bytes section,
	bool is_big_endian, struct snap_error *err);

#endif
