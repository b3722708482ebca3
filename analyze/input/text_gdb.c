/*
 * Sessions of gdb: which of the backtraces in one is that of the crash, and what else it says of it.
 *
 * What gdb prints: gdb/stack.c (print_frame), gdb/infrun.c (print_signal_received_reason,
 * print_signal_exited_reason), gdb/corelow.c, gdb/thread.c.
 */
#include "analyze/input/text_gdb.h"

#include <stdlib.h>
#include <string.h>

/* So many calls fit into a stack only if something calls itself, and is what filled it. */
#define OVERFLOW_FRAMES 1000

/* How sure it is that a stack is that of the crash; RANK_NONE: there is none yet. */
enum rank {
	RANK_NONE,
	RANK_ANY,     /* of some thread */
	RANK_FIRST,   /* of thread 1, where gdb does not say which one is the current one */
	RANK_CURRENT, /* of the thread that gdb is at */
	RANK_SHOWN,   /* not said to be of any: "bt" */
};

struct session {
	struct snap_text *text;
	struct snap_text_trace trace; /* with the stack that was chosen so far */
	enum rank rank;
	bool has_signal;
	/* The thread that gdb is at, by either of its numbers; 0: not told. */
	uint64_t current, current_lwp;
	/* The header that stands before the next stack; 0: none. */
	uint64_t header, header_lwp;
	uint64_t last_header; /* of the same list of threads; 0: none */
	int direction;	      /* of the threads' numbers in it */
	bool is_other;	      /* the user went to another thread */
	/* The stack that is being read. */
	struct snap_text_trace stack;
	bool is_reading, is_cut;
	uint64_t stack_header, stack_lwp, next_number;
	struct snap_bytes stack_said;
	struct snap_text_place behind_frame; /* the last one of it */
	struct snap_text_place behind;	     /* the last stack of this crash */
};

static const struct {
	const char *name;
	int number;
	enum snap_kind kind;
} signals[] = {
	{"SIGSEGV", 11, SNAP_KIND_SEGV},
	{"SIGABRT", 6, SNAP_KIND_ABORT},
	{"SIGFPE", 8, SNAP_KIND_FPE},
	{"SIGILL", 4, SNAP_KIND_ILL},
	{"SIGBUS", 7, SNAP_KIND_BUS},
	{"SIGTRAP", 5, SNAP_KIND_TRAP},
	{"SIGSYS", 31, SNAP_KIND_SYS},
};

#define NUM_SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* ---------------------------------------------------------------- stacks */

static bool same_frame(const struct snap_text_frame *a, const struct snap_text_frame *b)
{
	return a->has_pc == b->has_pc && a->pc == b->pc && a->is_signal == b->is_signal &&
	       snap_bytes_equal(a->function, b->function) && a->line == b->line;
}

/* Whether one is the other's beginning; where no addresses are, that says little. */
static bool same_stack(const struct snap_text_trace *a, const struct snap_text_trace *b)
{
	size_t num = a->num_frames < b->num_frames ? a->num_frames : b->num_frames;
	for (size_t i = 0; i < num; i++)
		if (!same_frame(&a->frames[i], &b->frames[i]))
			return false;
	return true;
}

static bool has_addresses(const struct snap_text_trace *trace)
{
	for (size_t i = 0; i < trace->num_frames; i++)
		if (trace->frames[i].has_pc)
			return true;
	return false;
}

/* The stack that was read is that of the crash; the other one's room is for the next. */
static void take_stack(struct session *s, enum rank rank)
{
	struct snap_text_frame *frames = s->trace.frames;
	size_t capacity = s->trace.capacity;
	s->trace.frames = s->stack.frames;
	s->trace.num_frames = s->stack.num_frames;
	s->trace.capacity = s->stack.capacity;
	s->trace.end = s->stack.end;
	s->trace.end_reason = s->stack.end_reason;
	s->trace.line = s->stack.line;
	s->trace.message = s->stack_said;
	s->trace.is_message_of_library = true;
	s->stack.frames = frames;
	s->stack.capacity = capacity;
	s->rank = rank;
}

/* Of a stack that a list of threads has. */
static void offer_listed(struct session *s)
{
	const struct snap_text_trace *stack = &s->stack;
	bool is_current = s->stack_header == s->current ||
			  (s->current_lwp != 0 && s->stack_lwp == s->current_lwp);
	enum rank rank = is_current		? RANK_CURRENT
			 : s->stack_header == 1 ? RANK_FIRST
						: RANK_ANY;
	if (s->rank == RANK_SHOWN) {
		/* Of a core, gdb shows the innermost frame by itself. */
		if (stack->num_frames > s->trace.num_frames && same_stack(&s->trace, stack))
			take_stack(s, RANK_SHOWN);
	} else if (rank > s->rank) {
		take_stack(s, rank);
	}
}

/* The stack that was read is complete. Whether it is another crash's. */
static bool close_stack(struct session *s)
{
	const struct snap_text_trace *stack = &s->stack;
	if (!s->is_reading)
		return false;
	s->is_reading = false;
	if (stack->num_frames == 0)
		return false;
	if (s->stack_header != 0) {
		offer_listed(s);
	} else if (s->rank == RANK_NONE) {
		take_stack(s, RANK_SHOWN);
	} else if (s->is_other) {
		/* Of a thread that did not crash. */
	} else if (s->rank < RANK_SHOWN) {
		if (!s->has_signal)
			return true;
		take_stack(s, RANK_SHOWN);
	} else if (!same_stack(&s->trace, stack) || (!s->has_signal && !has_addresses(stack))) {
		return true;
	} else if (stack->num_frames > s->trace.num_frames) {
		take_stack(s, RANK_SHOWN);
	}
	s->behind = s->behind_frame;
	return false;
}

static void begin_stack(struct session *s, size_t line)
{
	struct snap_text_frame *frames = s->stack.frames;
	size_t capacity = s->stack.capacity;
	snap_text_trace_init(&s->stack);
	s->stack.frames = frames;
	s->stack.capacity = capacity;
	s->stack.line = line;
	s->stack_said = snap_bytes(NULL, 0);
	s->stack_header = s->header;
	s->stack_lwp = s->header_lwp;
	s->header = s->header_lwp = 0;
	s->next_number = 0;
	s->is_reading = true;
	s->is_cut = false;
}

/* -1 without memory. */
static int add_frame(struct session *s, const struct snap_gdb_frame *gdb)
{
	if (!s->is_reading || s->is_cut || gdb->number < s->next_number)
		return 0;
	if (gdb->number > s->next_number) {
		s->is_cut = true;
		s->stack.end = SNAP_END_TRUNCATED;
		s->stack.end_reason = "the text leaves out frames";
		return 0;
	}
	s->next_number = gdb->number + 1;
	/* What stands above it is what the user had gdb call. */
	if (gdb->is_call) {
		s->stack.num_frames = 0;
		return 0;
	}
	struct snap_text_frame *frame = snap_text_trace_add(s->text, &s->stack);
	if (!frame)
		return -1;
	*frame = gdb->frame;
	if (gdb->said.len > 0)
		s->stack_said = gdb->said;
	return 0;
}

/* ---------------------------------------------------------------- what else is said */

static const struct snap_bytes nothing;

static uint64_t number_behind(struct snap_bytes line, const char *words)
{
	struct snap_bytes rest = snap_text_behind(line, words);
	uint64_t number;
	return snap_text_number(&rest, &number) ? number : 0;
}

/* "Program received signal SIGSEGV, Segmentation fault."; of old: "... with signal 11, ..." */
static bool find_signal(struct snap_bytes line, struct snap_bytes *ret)
{
	static const char *const words[] = {" received signal ", "Program terminated with signal "};
	for (size_t i = 0; i < 2; i++) {
		*ret = snap_text_behind(line, words[i]);
		if (ret->data)
			return true;
	}
	return false;
}

static void take_signal(struct session *s, struct snap_bytes line, struct snap_bytes name)
{
	struct snap_bytes rest = name;
	uint64_t number = 0;
	bool is_number = snap_text_number(&rest, &number);
	s->has_signal = true;
	s->trace.has_address = false;
	s->trace.kind = SNAP_KIND_SIGNAL;
	s->trace.signal = NULL;
	name = snap_text_first(name, snap_text_find(name, ","));
	for (size_t i = 0; i < NUM_SIGNALS; i++)
		if (is_number ? number == (uint64_t)signals[i].number
			      : snap_bytes_equal_str(name, signals[i].name)) {
			s->trace.kind = signals[i].kind;
			s->trace.signal = signals[i].name;
		}
	/* 'Thread 2 "worker" received signal' */
	if (snap_text_begins(line, "Thread "))
		s->current = number_behind(line, "Thread ");
}

/* 'Thread 3 (Thread 0x7ffff6d8a700 (LWP 1234)):' */
static bool is_header(struct snap_bytes line)
{
	struct snap_bytes rest = snap_text_from(line, 7);
	uint64_t number;
	return snap_text_begins(line, "Thread ") && snap_text_number(&rest, &number) && number > 0 &&
	       snap_text_begins(rest, " (") &&
	       (snap_text_ends(line, ":") || snap_text_ends(line, ")"));
}

/* False: the list is another crash's. */
static bool take_header(struct session *s, struct snap_bytes line)
{
	uint64_t number = number_behind(line, "Thread ");
	if (s->last_header != 0) {
		int direction = number > s->last_header ? 1 : number < s->last_header ? -1 : 0;
		bool is_another = direction == 0 || (s->direction != 0 && direction != s->direction);
		if (is_another && !s->has_signal && s->rank != RANK_SHOWN)
			return false;
		s->direction = is_another ? 0 : direction;
	}
	s->last_header = s->header = number;
	s->header_lwp = number_behind(line, "(LWP ");
	return true;
}

/* Whether a line of gdb's begins with another process. */
static bool begins_process(struct snap_bytes line)
{
	static const char *const words[] = {"Core was generated by", "Starting program:",
		"Reading symbols from ", "GNU gdb (", "[Inferior "};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (snap_text_begins(line, words[i]))
			return true;
	return false;
}

static void take_program(struct session *s, struct snap_bytes line)
{
	struct snap_bytes program = nothing;
	if (snap_text_begins(line, "Core was generated by `"))
		program = snap_text_behind(line, "`");
	else if (snap_text_begins(line, "Starting program: "))
		program = snap_text_behind(line, ": ");
	program = snap_text_first(program, snap_text_find(program, " "));
	program = snap_text_first(program, snap_text_find(program, "'"));
	if (program.len > 0)
		s->trace.program = program;
}

static void take_address(struct session *s, struct snap_bytes line)
{
	struct snap_bytes rest = snap_text_behind(line, "si_addr = ");
	bool is_siginfo = rest.data != NULL;
	/* SI_KERNEL: of a fault whose address the kernel does not tell, it is 0. */
	if (is_siginfo && snap_text_find(line, "si_code = 128") < line.len)
		return;
	if (!is_siginfo && snap_text_begins(line, "Cannot access memory at address "))
		rest = snap_text_behind(line, "address ");
	uint64_t address;
	/* What else can't be read is what the user asked for. */
	if (s->trace.kind != SNAP_KIND_SEGV || !snap_text_hex(&rest, &address) ||
		(!is_siginfo && address >= SNAP_NULL_END))
		return;
	s->trace.has_address = true;
	s->trace.address = address;
}

static void take_end(struct session *s, struct snap_bytes line)
{
	if (!s->is_reading)
		return;
	if (snap_text_begins(line, "(More stack frames follow") ||
		snap_text_begins(line, "Backtrace limit of ")) {
		s->stack.end = SNAP_END_LIMIT;
		s->stack.end_reason = "gdb was told to show no more frames";
	} else if (snap_text_begins(line, "Backtrace stopped: ")) {
		s->stack.end = SNAP_END_CORRUPT;
		s->stack.end_reason = "gdb could not follow the stack further";
	}
}

/* False: with this line another crash begins. */
static bool take_line(struct session *s, struct snap_bytes line)
{
	struct snap_bytes name;
	bool has_stack = s->rank != RANK_NONE;
	if (find_signal(line, &name)) {
		if (has_stack)
			return false;
		take_signal(s, line, name);
	} else if (is_header(line)) {
		return take_header(s, line);
	} else if (begins_process(line)) {
		if (has_stack)
			return false;
		take_program(s, line);
	} else if (snap_text_begins(line, "[Current thread is ")) {
		if (!s->is_other)
			s->current = number_behind(line, "thread is ");
	} else if (snap_text_begins(line, "[Switching to ")) {
		s->is_other = has_stack;
		if (!has_stack && snap_text_begins(line, "[Switching to thread "))
			s->current = number_behind(line, "to thread ");
		if (!has_stack)
			s->current_lwp = number_behind(line, "(LWP ");
	} else if (snap_text_begins(line, "The program no longer exists")) {
		if (has_stack)
			return false;
		s->has_signal = false;
		s->trace.kind = SNAP_KIND_UNKNOWN;
		s->trace.signal = NULL;
	} else {
		take_address(s, line);
		if (!has_stack && !s->is_reading)
			snap_text_trace_log(&s->trace, line);
	}
	return true;
}

/* Whether a line is none of a stack's own: behind it the stack does not go on. */
static bool ends_stack(struct snap_bytes line)
{
	struct snap_bytes name;
	return is_header(line) || begins_process(line) || find_signal(line, &name) ||
	       snap_text_begins(line, "[Switching to ");
}

/* ---------------------------------------------------------------- the whole */

/*
 * A frame of which gdb prints no address shares that of the one above it, which was inlined into it;
 * where it prints none at all ("set print address off"), nothing is known of that.
 */
static void find_inlined(struct snap_text_trace *trace)
{
	if (!has_addresses(trace))
		return;
	for (size_t i = 1; i < trace->num_frames; i++) {
		struct snap_text_frame *frame = &trace->frames[i], *above = frame - 1;
		if (frame->has_pc || frame->is_signal || above->is_signal || !frame->function.data)
			continue;
		above->is_inline = true;
		frame->has_pc = above->has_pc;
		frame->pc = above->pc;
	}
}

static void refine_kind(struct snap_text_trace *trace)
{
	const struct snap_text_frame *first = &trace->frames[0];
	if (trace->kind != SNAP_KIND_SEGV)
		return;
	bool is_nowhere = !first->function.data && !first->module.data && !first->is_signal &&
			  first->has_pc;
	/* No address of a program: in the first page, or (of 64 bits) in the hole in the middle. */
	bool is_bad = is_nowhere && (first->pc < SNAP_NULL_END ||
					    (first->pc >> 47 != 0 && first->pc >> 47 != 0x1ffff) ||
					    (trace->has_address && trace->address == first->pc));
	if (is_bad)
		trace->kind = SNAP_KIND_EXEC_BAD_PC;
	else if (trace->has_address && trace->address < SNAP_NULL_END)
		trace->kind = SNAP_KIND_SEGV_NULL;
	else if (trace->num_frames >= OVERFLOW_FRAMES)
		trace->kind = SNAP_KIND_STACK_OVERFLOW;
}

/* Read lines until another crash's begin. -1 without memory. */
static int read_session(struct session *s)
{
	struct snap_text *text = s->text;
	struct snap_bytes line;
	size_t number = text->at.line;
	for (; snap_text_line(text, &text->at, &line); number = text->at.line) {
		struct snap_gdb_frame gdb;
		bool is_frame = snap_gdb_frame_read(text, &text->at, line, &gdb);
		if (is_frame && gdb.number == 0) {
			if (close_stack(s))
				return 0;
			begin_stack(s, number);
		}
		if (is_frame) {
			if (add_frame(s, &gdb) < 0)
				return -1;
			s->behind_frame = text->at;
			continue;
		}
		line = snap_text_unquote(line);
		take_end(s, line);
		if ((ends_stack(line) && close_stack(s)) || !take_line(s, line))
			return 0;
	}
	if (!close_stack(s))
		s->behind = text->at;
	return 0;
}

int snap_text_next_gdb(struct snap_text *text, struct snap_crash *crash, size_t *ret_line,
	struct snap_error *err)
{
	struct session s = {.text = text};
	snap_text_trace_init(&s.trace);
	snap_text_trace_init(&s.stack);
	if (read_session(&s) < 0)
		return snap_error_no_memory(err);
	if (s.rank == RANK_NONE)
		return 0;
	/* What stands behind the last stack may be the next crash's. */
	text->at = s.behind;
	find_inlined(&s.trace);
	refine_kind(&s.trace);
	*ret_line = s.trace.line;
	return snap_text_build(&s.trace, crash, err) < 0 ? -1 : 1;
}
