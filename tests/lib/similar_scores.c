/*
 * How similar the stacks of a text are, one after the other, as they would have arrived:
 *
 *     similar_scores [--alpha N] [--beta N] [--gamma N] [--lines picked|certain] [--all]
 * [--functions] <traces
 *
 * Of each trace, in the plain form of docs/signatures.rst, there is one line on stdout: its
 * signature's text without what was said, then, after a tab each, NUMBER:SIMILARITY of every
 * earlier one that it shares a function with, the most similar first. Only the first trace of a
 * signature is compared with, as in "snapanalyze dedup --similar"; --all: each.
 * --functions: instead of similarities, the functions that are compared. --threshold: only print
 * that.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dedup/similar.h"
#include "analyze/explain/explain.h"
#include "analyze/input/text.h"
#include "analyze/signature/evidence.h"
#include "analyze/signature/levels.h"
#include "analyze/signature/rules.h"
#include "analyze/signature/signature.h"
#include "analyze/signature/stack.h"
#include "common/arena.h"

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

/* ---------------------------------------------------------------- what is compared */

/* The signature's text without what was said; "-": there is none. On the heap. */
static char *signature_of(const struct snap_crash *crash)
{
	const struct snap_signature *signature = &crash->signature;
	char *text = check(strdup(signature->text ? signature->text : "-"));
	char *message = strstr(text, " | \"");
	if (message)
		*message = '\0';
	return text;
}

/* All lines whose places are certain. */
static size_t choose_certain(const struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_arena *arena, const char **functions)
{
	struct snap_signature_stack stack;
	struct snap_error err = SNAP_ERROR_INIT;
	if (snap_signature_stack_read(
		    crash, snap_crash_crashed_thread(crash), rules, arena, &stack, &err) < 0)
		die(err.text);
	for (size_t i = 0; i < stack.num_lines; i++) {
		const struct snap_signature_line *line = &stack.lines[i];
		functions[i] = line->function || line->module.len > 0
				       ? check((char *)snap_signature_line_text(line, arena))
				       : NULL;
	}
	return stack.num_lines;
}

static size_t choose(const struct snap_crash *crash, const struct snap_rules *rules, bool certain,
	struct snap_arena *arena, const char **functions)
{
	static struct snap_evidence evidence;
	struct snap_error err = SNAP_ERROR_INIT;
	if (certain)
		return choose_certain(crash, rules, arena, functions);
	if (snap_evidence_read(crash, rules, arena, &evidence, &err) < 0)
		die(err.text);
	for (size_t i = 0; i < evidence.num_functions; i++)
		functions[i] = evidence.functions[i];
	return evidence.num_functions;
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
	struct snap_text *traces_text;
	struct snap_crash crash;
	int r;
	if (!rules || !similar || !signatures ||
		snap_text_open("-", SNAP_TEXT_PLAIN, &traces_text, &err) < 0)
		die(err.text);
	for (uint32_t i = 0; (r = snap_text_next(traces_text, &crash, &err)) > 0; i++) {
		snap_arena_init(&arena, SIZE_MAX);
		if (snap_sign(&crash, rules, &err) < 0)
			die(err.text);
		char *text = signature_of(&crash);
		(void)fputs(text, stdout);

		struct snap_similar_stack stack = {snap_kind_name(crash.cause.kind), functions, 0};
		stack.num = choose(&crash, rules, options.certain, &arena, functions);
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
		snap_crash_deinit(&crash);
	}
	if (r < 0)
		die(err.text);
	snap_text_close(traces_text);
	snap_similar_destroy(similar);
	snap_similar_destroy(signatures);
	snap_rules_free(rules);
	free(hits);
	free(traces);
	return fflush(stdout) == 0 ? 0 : 1;
}
