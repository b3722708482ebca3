/*
 * How similar the stacks of a text are, one after the other, as they would have arrived:
 *
 *     similar_scores [--alpha N] [--beta N] [--gamma N] [--lines picked|certain] [--all]
 * [--functions] <traces
 *
 * Of each trace (one function on a line, an empty line behind it) there is one line on stdout: its
 * signature's text without what was said, then, after a tab each, NUMBER:SIMILARITY of every
 * earlier one that it shares a function with, the most similar first. Only the first trace of a
 * signature is compared with, as in "snapanalyze dedup --similar"; --all: each.
 * --functions: instead of similarities, the functions that are compared. --threshold: only print
 * that.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dedup/similar.h"
#include "analyze/signature/name.h"
#include "analyze/signature/pick.h"
#include "analyze/signature/rules.h"
#include "common/arena.h"

#define SIGNATURE_FRAMES 3

struct trace {
	const char *kind;
	struct snap_signature_line lines[SNAP_SIGNATURE_LINES];
	size_t num;
};

struct options {
	struct snap_similar_weights weights;
	bool all, certain, functions;
};

static void die(const char *what)
{
	(void)fprintf(stderr, "similar_scores: %s\n", what);
	exit(1);
}

static void *check(void *p)
{
	if (!p)
		die("no memory");
	return p;
}

/* ---------------------------------------------------------------- read */

static void read_line(struct trace *trace, char *text, struct snap_arena *arena)
{
	if (strncmp(text, "kind: ", 6) == 0) {
		trace->kind = check(snap_arena_copy(arena, snap_bytes_str(text + 6)));
		return;
	}
	if (trace->num == SNAP_SIGNATURE_LINES)
		return;
	struct snap_signature_line *line = &trace->lines[trace->num++];
	char *bang = strchr(text, '!');
	*line = (struct snap_signature_line){.function = NULL};
	/* "f<T, !>" has no module, Rust's type of what never returns. */
	if (bang && !memchr(text, '<', (size_t)(bang - text))) {
		*bang = '\0';
		line->module = snap_bytes_str(check(snap_arena_copy(arena, snap_bytes_str(text))));
		text = bang + 1;
	}
	if (strcmp(text, "??") != 0)
		line->function = check(snap_arena_copy(arena, snap_bytes_str(text)));
}

/* false: there is no other. */
static bool read_trace(struct trace *trace, struct snap_arena *arena)
{
	static char *text;
	static size_t size;
	ssize_t len;
	*trace = (struct trace){.kind = "none"};
	while ((len = getline(&text, &size, stdin)) >= 0) {
		while (len > 0 && isspace((unsigned char)text[len - 1]))
			text[--len] = '\0';
		if (len > 0)
			read_line(trace, text, arena);
		else if (trace->num > 0)
			break;
	}
	return trace->num > 0;
}

static void find_rules(
	struct trace *trace, const struct snap_rules *rules, struct snap_arena *arena)
{
	uint32_t present = 0;
	for (size_t i = 0; i < trace->num; i++)
		present |= snap_rules_libraries(rules, trace->lines[i].module);
	for (size_t i = 0; i < trace->num; i++) {
		struct snap_signature_line *line = &trace->lines[i];
		const struct snap_rules_place place = snap_rules_place(rules, line->module, present);
		line->is_library = place.libraries != 0;
		if (line->function) {
			char *name = check(snap_signature_name(line->function, rules, &place, NULL));
			line->function = check(snap_arena_copy(arena, snap_bytes_str(name)));
			free(name);
		}
		line->rule = snap_rules_find(rules, line->function ? line->function : "", &place);
	}
}

/* ---------------------------------------------------------------- what is compared */

static struct snap_picked pick(const struct trace *trace, size_t depth)
{
	static enum snap_pick picks[SNAP_SIGNATURE_LINES];
	static size_t order[SNAP_SIGNATURE_LINES];
	const struct snap_signature_stack stack = {
		.kind = strcmp(trace->kind, "abort") == 0	     ? SNAP_KIND_ABORT
			: strcmp(trace->kind, "stack-overflow") == 0 ? SNAP_KIND_STACK_OVERFLOW
								     : SNAP_KIND_SEGV,
		.lines = trace->lines,
		.num_lines = trace->num,
	};
	struct snap_picked picked = {picks, order, 0};
	snap_pick(&stack, depth, false, &picked);
	return picked;
}

/* As in a signature; NULL: not known. */
static const char *name_of(const struct snap_signature_line *line, struct snap_arena *arena)
{
	if (line->function || line->module.len == 0)
		return line->function;
	char *name = check(snap_arena_alloc(arena, line->module.len + 3));
	memcpy(name, line->module.data, line->module.len);
	memcpy(name + line->module.len, "!?", 3);
	return name;
}

/* On the heap. */
static char *signature_of(const struct trace *trace, struct snap_arena *arena)
{
	struct snap_picked picked = pick(trace, SIGNATURE_FRAMES);
	char *text = NULL;
	size_t len = 0;
	FILE *out = check(open_memstream(&text, &len));
	(void)fputs(picked.num_kept > 0 ? trace->kind : "-", out);
	for (size_t i = 0; i < picked.num_kept; i++)
		(void)fprintf(out, " | %s", name_of(&trace->lines[picked.order[i]], arena));
	(void)fclose(out);
	return check(text);
}

static size_t choose(
	const struct trace *trace, bool certain, struct snap_arena *arena, const char **functions)
{
	if (certain) {
		for (size_t i = 0; i < trace->num; i++)
			functions[i] = name_of(&trace->lines[i], arena);
		return trace->num;
	}
	struct snap_picked picked = pick(trace, SNAP_PICK_ALL);
	for (size_t i = 0; i < picked.num_kept; i++)
		functions[i] = name_of(&trace->lines[picked.order[i]], arena);
	return picked.num_kept;
}

/* ---------------------------------------------------------------- main */

static struct options read_options(int argc, char **argv)
{
	struct options options = {.weights = SNAP_SIMILAR_WEIGHTS};
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--all") == 0) {
			options.all = true;
			continue;
		}
		if (strcmp(argv[i], "--threshold") == 0) {
			(void)printf("%g\n", SNAP_SIMILAR_THRESHOLD);
			exit(0);
		}
		if (strcmp(argv[i], "--functions") == 0) {
			options.functions = true;
			continue;
		}
		if (strcmp(argv[i], "--alpha") == 0)
			options.weights.alpha = atof(value);
		else if (strcmp(argv[i], "--beta") == 0)
			options.weights.beta = atof(value);
		else if (strcmp(argv[i], "--gamma") == 0)
			options.weights.gamma = atof(value);
		else if (strcmp(argv[i], "--lines") == 0)
			options.certain = strcmp(value, "certain") == 0;
		else
			die("bad option");
		i++;
	}
	return options;
}

int main(int argc, char **argv)
{
	static struct trace trace;
	static const char *functions[SNAP_SIGNATURE_LINES];
	struct snap_error err = SNAP_ERROR_INIT;
	struct options options = read_options(argc, argv);
	struct snap_rules *rules = snap_rules_load(NULL, &err);
	struct snap_similar *similar = snap_similar_create(&options.weights, &err);
	/* Which are there: each a stack of one function. */
	struct snap_similar *signatures = snap_similar_create(&options.weights, &err);
	struct snap_similar_hit *hits = NULL;
	uint32_t *traces = NULL, number; /* of the stacks that were added */
	struct snap_arena arena;
	if (!rules || !similar || !signatures)
		die(err.text);
	for (uint32_t i = 0;; i++) {
		snap_arena_init(&arena, SIZE_MAX);
		if (!read_trace(&trace, &arena))
			break;
		find_rules(&trace, rules, &arena);
		char *text = signature_of(&trace, &arena);
		(void)fputs(text, stdout);

		struct snap_similar_stack stack = {trace.kind, functions, 0};
		stack.num = choose(&trace, options.certain, &arena, functions);
		uint32_t num_added = snap_similar_num(similar);
		hits = check(reallocarray(hits, num_added + 1, sizeof(hits[0])));
		size_t num = snap_similar_query(similar, &stack, -1, hits, num_added + 1);
		for (size_t j = 0; j < stack.num && options.functions; j++)
			(void)printf("\t%s", functions[j] ? functions[j] : "??");
		for (size_t j = 0; j < num && !options.functions; j++)
			(void)printf("\t%u:%.6f", traces[hits[j].number], hits[j].similarity);
		(void)putchar('\n');

		struct snap_similar_stack signature = {"", (const char *const[]){text}, 1};
		struct snap_similar_hit same;
		bool is_new = snap_similar_query(signatures, &signature, -1, &same, 1) == 0;
		traces = check(reallocarray(traces, (size_t)i + 1, sizeof(traces[0])));
		if (is_new && snap_similar_add(signatures, &signature, &number, &err) < 0)
			die(err.text);
		if (is_new || options.all) {
			if (snap_similar_add(similar, &stack, &number, &err) < 0)
				die(err.text);
			traces[number] = i;
		}
		free(text);
		snap_arena_deinit(&arena);
	}
	snap_arena_deinit(&arena);
	snap_similar_destroy(similar);
	snap_similar_destroy(signatures);
	snap_rules_free(rules);
	free(hits);
	free(traces);
	return fflush(stdout) == 0 ? 0 : 1;
}
