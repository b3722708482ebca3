/*
 * What the readers of the formats (text_gdb.c and so on) share: lines, names, and a trace as it is
 * read, from which a crash is built.
 *
 * Hostile: all of it comes from the input.
 */
#ifndef SNAP_ANALYZE_INPUT_TEXT_TRACE_H
#define SNAP_ANALYZE_INPUT_TEXT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/input/input.h"
#include "analyze/input/text.h"
#include "common/arena.h"
#include "common/bytes.h"

/* ---------------------------------------------------------------- the text */

/* Where reading has come to. */
struct snap_text_place {
	size_t off;
	size_t line; /* the number of the line that begins there, from 1 */
};

struct snap_text {
	const char *file;
	enum snap_text_format format;
	struct snap_input input;
	struct snap_bytes all; /* the text, without colours and carriage returns */
	struct snap_text_place at;
	struct snap_arena arena; /* of the trace that is being read */
	bool is_exhausted;	 /* something did not fit into memory: what was read lacks it */
	size_t num_traces;
	/* One is read ahead, to know whether there are several. */
	bool has_ahead;
	struct snap_crash ahead;
	size_t ahead_line;
	bool is_begun, is_failed; /* the first was read; no other could be, for that reason */
	struct snap_error failure;
	/* text_json.c's: reports stand in an array, or one after the other. */
	bool is_array;
};

/*
 * The line at *at, without its end and cut to SNAP_TEXT_MAX_LINE, and *at is moved behind it. False
 * at the end.
 */
bool snap_text_line(
	const struct snap_text *text, struct snap_text_place *at, struct snap_bytes *ret);

/* Bytes of the text's arena. NULL without memory, which the text remembers. */
void *snap_text_alloc(struct snap_text *text, size_t len);

/* ---------------------------------------------------------------- bytes */

bool snap_text_begins(struct snap_bytes bytes, const char *with);
bool snap_text_ends(struct snap_bytes bytes, const char *with);
/* What follows the first off bytes. */
struct snap_bytes snap_text_from(struct snap_bytes bytes, size_t off);
struct snap_bytes snap_text_first(struct snap_bytes bytes, size_t len);
/* Without spaces and tabs at either end. */
struct snap_bytes snap_text_trim(struct snap_bytes bytes);
/* Where what first stands; bytes.len: nowhere. */
size_t snap_text_find(struct snap_bytes bytes, const char *what);
/* What stands behind the first of these words; absent: they are not in it. */
struct snap_bytes snap_text_behind(struct snap_bytes bytes, const char *words);
/* Where the bracket is opened that bytes end with; bytes.len: nowhere, or they end otherwise. */
size_t snap_text_last_bracket(struct snap_bytes bytes, char open, char close);
/* Of "NAME+0x12" or "NAME + 0x12": leaves NAME. False: it is none. */
bool snap_text_take_offset(struct snap_bytes *name, uint64_t *ret);
/* Moves *bytes behind the digits that it begins with. False: it begins with none, or too many. */
bool snap_text_number(struct snap_bytes *bytes, uint64_t *ret);
/* The same of "0x12ab". */
bool snap_text_hex(struct snap_bytes *bytes, uint64_t *ret);

/*
 * Without what stands before the words of a line that was quoted ("> ") or logged (a time, a
 * program's name).
 */
struct snap_bytes snap_text_unquote(struct snap_bytes line);
/*
 * Where in line "#N" begins that may be a frame's, behind indentation or what snap_text_unquote()
 * drops; *ret_number: N, *ret: what follows the spaces behind it. False: nowhere.
 */
bool snap_text_frame_number(struct snap_bytes line, uint64_t *ret_number, struct snap_bytes *ret);

/* ---------------------------------------------------------------- names */

/*
 * The length of a function's name with which bytes begins: up to " (" that is no part of it, to a
 * space and a path, or to the end. bytes.len: to the end.
 */
size_t snap_text_name_len(struct snap_bytes bytes, bool stops_at_path);

/*
 * A function's name as the listing has it: without parameters, and without the return type that
 * stands before some that have parameters. In the text's arena, or part of name.
 */
struct snap_bytes snap_text_name_clean(struct snap_text *text, struct snap_bytes name);

/* Split "file.c:12" or "file.c:12:5" at its end. False: no number is there. */
bool snap_text_split_line(
	struct snap_bytes place, struct snap_bytes *ret_file, uint32_t *ret_line, uint32_t *ret_column);

/*
 * The library that a function is one of, by its source file's path as those who build it have it:
 * "libc.so.6" of "./nptl/pthread_kill.c". Absent: of none that is known.
 */
struct snap_bytes snap_text_library_of(struct snap_bytes source, struct snap_bytes function);

/* ---------------------------------------------------------------- traces */

/* Bytes point into the text, into its arena, or are static. */
struct snap_text_frame {
	struct snap_bytes function; /* absent: not known */
	struct snap_bytes file;
	uint32_t line, column;	  /* 0: not known */
	struct snap_bytes module; /* its path, as printed; absent: not known */
	struct snap_bytes build_id;
	bool has_pc, has_offset;
	uint64_t pc, offset; /* offset: in the module, as it stands in its ELF file */
	bool is_inline;	     /* into the next one */
	bool is_signal;
};

struct snap_text_trace {
	size_t line; /* where it begins */
	enum snap_kind kind;
	const char *signal; /* "SIGSEGV", static; NULL: not told */
	bool has_address;
	uint64_t address;
	const char *access;	    /* as in the cause */
	struct snap_bytes message;  /* absent: none */
	bool is_message_of_library; /* the C library's, not the program's */
	struct snap_bytes program;  /* how it was started; absent: not told */
	struct snap_text_frame *frames;
	size_t num_frames, capacity;
	struct snap_text_frame beyond; /* what is filled instead of one that is too many */
	size_t num_read;	/* frames in the text, those included */
	enum snap_end end;
	const char *end_reason;
	/* The last lines before it, num_logged in all having been offered. */
	struct snap_bytes logged[SNAP_TEXT_LOG_LINES];
	size_t num_logged;
};

void snap_text_trace_init(struct snap_text_trace *trace);
/* One more; beyond SNAP_TEXT_MAX_FRAMES the trace ends there. NULL without memory. */
struct snap_text_frame *snap_text_trace_add(struct snap_text *text, struct snap_text_trace *trace);
void snap_text_trace_log(struct snap_text_trace *trace, struct snap_bytes line);

/* Fill the crash, which was begun; everything is copied. -1 without memory. */
int snap_text_build(
	const struct snap_text_trace *trace, struct snap_crash *crash, struct snap_error *err);

/* "12ab" as bytes; absent if it is no build ID, or longer. */
struct snap_bytes snap_text_decode_hex(
	struct snap_arena *arena, struct snap_bytes hex, bool *ret_failed);

/* ---------------------------------------------------------------- formats */

/*
 * Each reads on from text->at and fills the next trace's crash, which was begun: 1, or 0 at the end,
 * or -1 with the reason alone in err->text. *ret_line: where it begins.
 */
int snap_text_next_gdb(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err);
int snap_text_next_sanitizer(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err);
int snap_text_next_json(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err);
int snap_text_next_plain(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err);

#endif
