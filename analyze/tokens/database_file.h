/*
 * Databases of tokens that the user named (--tokens): read before workers are forked.
 */
#ifndef SNAP_ANALYZE_TOKENS_DATABASE_FILE_H
#define SNAP_ANALYZE_TOKENS_DATABASE_FILE_H

#include "analyze/tokens/database.h"

/*
 * Add what is in the file at path: CSV, the binary form or an ELF file, told apart by content; or
 * in the files of the directory at path (not of those below it) whose names end in ".csv", ".binary"
 * or ".db", and in its ELF files. The database is to be finished. -1 and *err, which names the file: it
 * can't be read, is none of these, or (no directory's) is an ELF file without tokens; or the
 * directory has no such file.
 */
int snap_tokens_add_path(struct snap_tokens *tokens, const char *path, struct snap_error *err);

#endif
