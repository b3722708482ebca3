/* analyze/dedup/similar: the formula, against a slow computation of it, and what is found by it. */
#include "analyze/dedup/similar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_FRAMES   400

/* ---------------------------------------------------------------- the allocator */

/* As the linker names them (tests.mk). */
void *__real_malloc(size_t len);
void *__real_calloc(size_t num, size_t len);
void *__real_reallocarray(void *old, size_t num, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t num, size_t len);
void *__wrap_reallocarray(void *old, size_t num, size_t len);

static unsigned long num_allocations, fail_at; /* from 1; 0: none fails */

static bool fails(void)
{
	return ++num_allocations == fail_at;
}

void *__wrap_malloc(size_t len)
{
	return fails() ? NULL : __real_malloc(len);
}

void *__wrap_calloc(size_t num, size_t len)
{
	return fails() ? NULL : __real_calloc(num, len);
}

void *__wrap_reallocarray(void *old, size_t num, size_t len)
{
	return fails() ? NULL : __real_reallocarray(old, num, len);
}

/* ---------------------------------------------------------------- stacks */

struct made {
	const char *functions[MAX_FRAMES];
	char text[2048];
	struct snap_similar_stack stack;
};

/* Of functions with a space in between, innermost first; "?": not known. */
static struct snap_similar_stack *make(struct made *made, const char *kind, const char *words)
{
	made->stack = (struct snap_similar_stack){.kind = kind, .functions = made->functions};
	assert_true(strlen(words) < sizeof(made->text));
	strcpy(made->text, words);
	for (char *save, *word = strtok_r(made->text, " ", &save); word;
		word = strtok_r(NULL, " ", &save))
		made->functions[made->stack.num++] = strcmp(word, "?") != 0 ? word : NULL;
	return &made->stack;
}

static struct snap_similar *create(double alpha, double beta, double gamma)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_similar *similar =
		snap_similar_create(&(struct snap_similar_weights){alpha, beta, gamma}, &err);
	assert_non_null(similar);
	return similar;
}

static uint32_t add(struct snap_similar *similar, const struct snap_similar_stack *stack)
{
	uint32_t number = UINT32_MAX;
	assert_int_equal(snap_similar_add(similar, stack, &number, NULL), 0);
	assert_int_equal(number + 1, snap_similar_num(similar));
	return number;
}

static uint32_t add_words(struct snap_similar *similar, const char *kind, const char *words)
{
	struct made made;
	return add(similar, make(&made, kind, words));
}

/* Of two stacks alone; -1 if the other is no hit. */
static double between(double alpha, double beta, double gamma, const char *words, const char *other)
{
	struct made made;
	struct snap_similar_hit hit = {.similarity = -1};
	struct snap_similar *similar = create(alpha, beta, gamma);
	(void)add_words(similar, "segv", other);
	size_t num = snap_similar_query(similar, make(&made, "segv", words), -1, &hit, 1);
	assert_true(num <= 1);
	snap_similar_destroy(similar);
	return hit.similarity;
}

static void assert_same_hits(
	const struct snap_similar_hit *hits, const struct snap_similar_hit *others, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		assert_int_equal(hits[i].number, others[i].number);
		assert_true(hits[i].similarity == others[i].similarity);
	}
}

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) < 5e-9))
		fail_msg("%.12f instead of %.12f", value, expected);
}

/* ---------------------------------------------------------------- by hand */

static void test_similar_by_hand(void **state)
{
	(void)state;
	/* All weights equal: shared for it, all others against it. */
	assert_near(between(0, 0, 0, "a b c", "a b c"), 1);
	assert_near(between(0, 0, 0, "a b c", "c a b"), 1);
	assert_near(between(0, 0, 0, "a b", "a c"), 0);
	assert_near(between(0, 0, 0, "a b c", "a"), 0);
	/* Positions: 1/p. */
	assert_near(between(1, 0, 0, "a b", "a c"), (2 - 0.5 - 0.5) / 3);
	assert_near(between(1, 0, 0, "b a", "c a"), (1 - 1 - 1) / 3.);
	/* Apart: exp(-gamma * distance), over the weight of all. */
	assert_near(between(0, 0, 0.5, "a b", "b a"), exp(-0.5));
	assert_near(between(1, 0, 2, "a b", "b a"), exp(-2));
	/* Rare: a is in both stacks of two, b and c in one. */
	double both = exp(-1), one = exp(-0.5);
	assert_near(between(0, 0.01, 0, "a b", "a c"), (2 * both - 2 * one) / (2 * both + 2 * one));
	/* The j-th place of a function goes with the j-th of the other. */
	assert_near(between(0, 0, 1, "a x a y", "z a w a"), (2 * exp(-1) + 2 * exp(-1) - 4) / 8);
	assert_near(between(0, 0, 0, "a x a y a", "a"), (2 - 4) / 6.);
}

static void test_similar_bounds(void **state)
{
	(void)state;
	const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	double a = weights.alpha, b = weights.beta, g = weights.gamma;
	assert_true(between(a, b, g, "f g h main", "f g h main") == 1);
	assert_true(between(a, b, g, "f g h", "i j k") == -1);
	assert_true(between(a, b, g, "", "f") == -1);
	assert_true(between(a, b, g, "f", "") == -1);
	/* The order counts, and the innermost count most. */
	assert_true(between(a, b, g, "f g h i", "g f h i") < 1);
	assert_true(
		between(a, b, g, "f g h i", "f g h x") > between(a, b, g, "f g h i", "x g h i"));
	/* What is not known is like nothing, itself included. */
	assert_true(between(a, b, g, "? ?", "? ?") == -1);
	assert_near(between(0, 0, 0, "f ?", "f ?"), 0);
	assert_near(between(0, 0, 0, "f ?", "f g"), 0);
}

static void test_similar_recursion(void **state)
{
	static const char *same[] = {"a b c d", "a b b c d", "a b b b b b c d", "a b c b c b c d",
		"a b c b c d", "a a a b c d d"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		assert_true(between(1, 0, 0.1, same[i], same[0]) == 1);
	assert_true(between(1, 0, 0.1, "a b c d b c", "a b c d") < 1);
	/* Turns of up to ten functions. */
	assert_true(between(1, 0, 0, "a b c d e f g h i j a b c d e f g h i j",
			    "a b c d e f g h i j") == 1);
	assert_true(between(1, 0, 0, "a b c d e f g h i j k a b c d e f g h i j k",
			    "a b c d e f g h i j k") < 1);
	/* What is not known does not recur. */
	assert_true(between(0, 0, 0, "f ? ? ?", "f") < between(0, 0, 0, "f ?", "f"));
}

static void test_similar_kinds(void **state)
{
	(void)state;
	struct made made;
	struct snap_similar_hit hits[4];
	struct snap_similar *similar = create(1, 0.05, 0.1);
	(void)add_words(similar, "segv", "f g h");
	(void)add_words(similar, "abort", "f g h");
	(void)add_words(similar, "segv-null", "f g h");
	(void)add_words(similar, "abort", "f g i");
	const struct snap_similar_stack *stack = make(&made, "abort", "f g h");
	assert_int_equal(snap_similar_query(similar, stack, -1, hits, 4), 2);
	assert_int_equal(hits[0].number, 1);
	assert_true(hits[0].similarity == 1);
	assert_int_equal(hits[1].number, 3);
	/* A kind that a function is called as. */
	assert_int_equal(snap_similar_query(similar, make(&made, "f", "f g h"), -1, hits, 4), 0);
	assert_int_equal(snap_similar_query(similar, make(&made, "other", "f"), -1, hits, 4), 0);
	snap_similar_destroy(similar);
}

static void test_similar_hits(void **state)
{
	(void)state;
	struct made made;
	struct snap_similar_hit hits[8];
	struct snap_similar *similar = create(1, 0, 0);
	assert_int_equal(snap_similar_query(similar, make(&made, "k", "a"), -1, hits, 8), 0);
	static const char *stacks[] = {
		"x y z", "a b y", "a b c", "a b x", "q", "a b c", "p a", "b"};
	for (size_t i = 0; i < ARRAY_LEN(stacks); i++)
		assert_int_equal(add_words(similar, "k", stacks[i]), i);
	static const uint32_t order[] = {2, 5, 1, 3, 7, 6};
	const struct snap_similar_stack *stack = make(&made, "k", "a b c");
	assert_int_equal(snap_similar_query(similar, stack, -1, hits, 8), ARRAY_LEN(order));
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_int_equal(hits[i].number, order[i]);
	assert_true(hits[0].similarity == 1 && hits[1].similarity == 1);
	/* Equal ones: the first that was added, however many are wanted. */
	assert_true(hits[2].similarity == hits[3].similarity);
	for (size_t max = 0; max < ARRAY_LEN(order); max++) {
		assert_int_equal(snap_similar_query(similar, stack, -1, hits, max), max);
		for (size_t i = 0; i < max; i++)
			assert_int_equal(hits[i].number, order[i]);
	}
	assert_int_equal(snap_similar_query(similar, stack, 1, hits, 8), 2);
	assert_int_equal(
		snap_similar_query(similar, stack, hits[1].similarity - 0.001, hits, 8), 2);
	snap_similar_destroy(similar);
}

/* ---------------------------------------------------------------- against the formula */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % limit;
}

/* Some few functions are in most stacks, most are rare; kinds, unknown ones, recursion. */
static void make_random(struct made *made, size_t max_frames)
{
	static char names[1000][8];
	made->stack = (struct snap_similar_stack){
		.kind = random_below(4) ? "segv" : "abort", .functions = made->functions};
	size_t num = random_below((uint32_t)max_frames);
	for (size_t i = 0; i < num; i++) {
		uint32_t a = random_below(1000), b = random_below(1000), c = random_below(1000);
		uint32_t name = a * b / 1000 * c / 1000;
		(void)snprintf(names[name], sizeof(names[name]), "f%u", name);
		made->functions[i] = random_below(20) ? names[name] : NULL;
	}
	made->stack.num = num;
}

/* The formula as it is written, on what is left of a stack when its recursion is taken out. */
struct plain {
	const char *kind, *functions[MAX_FRAMES];
	size_t num;
};

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static void make_plain(const struct snap_similar_stack *stack, struct plain *plain)
{
	plain->kind = stack->kind;
	plain->num = 0;
	for (size_t i = 0; i < stack->num && plain->num < 300; i++) {
		plain->functions[plain->num++] = stack->functions[i];
		for (size_t l = 1; l <= 10 && 2 * l <= plain->num; l++) {
			size_t equal = 0;
			while (equal < l && same(plain->functions[plain->num - 1 - equal],
						    plain->functions[plain->num - 1 - l - equal]))
				equal++;
			if (equal == l) {
				plain->num -= l;
				break;
			}
		}
	}
}

static bool has(const struct plain *plain, const char *function)
{
	for (size_t i = 0; i < plain->num; i++)
		if (same(plain->functions[i], function))
			return true;
	return false;
}

struct formula {
	struct snap_similar_weights weights;
	const struct plain *stacks, *query;
	size_t num;
};

static double weight(const struct formula *formula, const char *function, size_t i)
{
	double in = function ? has(formula->query, function) : 1;
	for (size_t j = 0; j < formula->num; j++)
		in += has(&formula->stacks[j], function);
	if (in == 0)
		in = 1;
	return pow((double)i + 1, -formula->weights.alpha) *
	       exp(-formula->weights.beta * 100 * in / ((double)formula->num + 1));
}

/* Where the function at i of a stands in b: as often as before i; -1: nowhere. */
static ptrdiff_t partner(const struct plain *a, size_t i, const struct plain *b)
{
	size_t nth = 0;
	for (size_t j = 0; j < i; j++)
		nth += same(a->functions[j], a->functions[i]);
	for (size_t j = 0; j < b->num; j++)
		if (same(b->functions[j], a->functions[i]) && nth-- == 0)
			return (ptrdiff_t)j;
	return -1;
}

static double half_sum(
	const struct formula *formula, const struct plain *a, const struct plain *b, double *all)
{
	double sum = 0;
	for (size_t i = 0; i < a->num; i++) {
		double w = weight(formula, a->functions[i], i);
		ptrdiff_t at = partner(a, i, b);
		*all += w;
		sum += at < 0 ? -w
			      : w * exp(-formula->weights.gamma * fabs((double)at - (double)i));
	}
	return sum;
}

static double slow(const struct formula *formula, const struct plain *stack)
{
	double all = 0;
	double sum = half_sum(formula, formula->query, stack, &all);
	sum += half_sum(formula, stack, formula->query, &all);
	return sum / all;
}

static void check_against(
	const struct formula *formula, const struct snap_similar_hit *hits, size_t num_hits)
{
	size_t num = 0;
	for (size_t i = 0; i < formula->num; i++) {
		const struct plain *stack = &formula->stacks[i];
		bool shares = false;
		for (size_t j = 0; j < stack->num; j++)
			shares = shares || has(formula->query, stack->functions[j]);
		num += shares && strcmp(stack->kind, formula->query->kind) == 0;
	}
	assert_int_equal(num_hits, num);
	for (size_t i = 0; i < num; i++) {
		assert_string_equal(formula->stacks[hits[i].number].kind, formula->query->kind);
		assert_near(hits[i].similarity, slow(formula, &formula->stacks[hits[i].number]));
		if (i > 0)
			assert_true(hits[i].similarity < hits[i - 1].similarity ||
				    (hits[i].similarity == hits[i - 1].similarity &&
					    hits[i].number > hits[i - 1].number));
	}
}

enum { NUM_STACKS = 120 };

static const struct snap_similar_weights several[] = {
	SNAP_SIMILAR_WEIGHTS, {0, 0, 0}, {2, 0.2, 1}, {0.5, 0, 0.01}, {0, 1, 0}, {10, 5, 100}};

/* The formula, in every order; and that fewer hits, or better ones, are the first of all. */
static void test_similar_formula(void **state)
{
	static struct plain plain[NUM_STACKS], query;
	static struct snap_similar_hit hits[NUM_STACKS], fewer[NUM_STACKS];
	struct made made;
	(void)state;
	for (size_t round = 0; round < ARRAY_LEN(several); round++) {
		const struct snap_similar_weights *weights = &several[round];
		struct snap_similar *similar =
			create(weights->alpha, weights->beta, weights->gamma);
		random_state = round;
		for (size_t i = 0; i < NUM_STACKS; i++) {
			make_random(&made, i % 8 ? 12 : 40);
			make_plain(&made.stack, &query);
			size_t num = snap_similar_query(similar, &made.stack, -1, hits, NUM_STACKS);
			check_against(&(struct formula){*weights, plain, &query, i}, hits, num);
			for (size_t max = 1; max < num; max = 2 * max + 1) {
				assert_int_equal(
					snap_similar_query(similar, &made.stack, -1, fewer, max),
					max);
				assert_same_hits(fewer, hits, max);
			}
			for (double min = -0.9; min < 1; min += 0.15) {
				size_t better = 0;
				while (better < num && hits[better].similarity >= min)
					better++;
				assert_int_equal(snap_similar_query(similar, &made.stack, min,
							 fewer, NUM_STACKS),
					better);
				assert_same_hits(fewer, hits, better);
			}
			(void)add(similar, &made.stack);
			plain[i] = query;
		}
		snap_similar_destroy(similar);
	}
}

/* One's similarity to the other is the other's to the one, to the last bit. */
static void test_similar_symmetric(void **state)
{
	struct made a, b;
	struct snap_similar_hit one, other;
	(void)state;
	random_state = 7;
	for (size_t i = 0; i < 2000; i++) {
		const struct snap_similar_weights *weights = &several[i % ARRAY_LEN(several)];
		make_random(&a, 30);
		make_random(&b, 30);
		a.stack.kind = b.stack.kind = "segv";
		one.similarity = other.similarity = -1;
		struct snap_similar *similar =
			create(weights->alpha, weights->beta, weights->gamma);
		(void)add(similar, &a.stack);
		(void)snap_similar_query(similar, &b.stack, -1, &one, 1);
		snap_similar_destroy(similar);
		similar = create(weights->alpha, weights->beta, weights->gamma);
		(void)add(similar, &b.stack);
		(void)snap_similar_query(similar, &a.stack, -1, &other, 1);
		snap_similar_destroy(similar);
		assert_true(one.similarity == other.similarity);
		assert_true(one.similarity >= -1 && one.similarity <= 1);
	}
}

/* What was asked before makes no difference, nor in which order the others came. */
static void test_similar_incremental(void **state)
{
	enum { NUM = 200 };
	static struct made stacks[NUM];
	static struct snap_similar_hit hits[NUM], others[NUM];
	(void)state;
	random_state = 3;
	struct snap_similar *asked = create(1, 0.05, 0.1), *silent = create(1, 0.05, 0.1),
			    *reverse = create(1, 0.05, 0.1);
	for (size_t i = 0; i < NUM; i++) {
		make_random(&stacks[i], 15);
		stacks[i].stack.functions = stacks[i].functions;
		(void)snap_similar_query(asked, &stacks[i].stack, 0, hits, NUM);
		(void)add(asked, &stacks[i].stack);
	}
	for (size_t i = 0; i < NUM; i++) {
		(void)add(silent, &stacks[i].stack);
		(void)add(reverse, &stacks[NUM - 1 - i].stack);
	}
	for (size_t i = 0; i < NUM; i++) {
		const struct snap_similar_stack *stack = &stacks[i].stack;
		size_t num = snap_similar_query(asked, stack, -1, hits, NUM);
		assert_int_equal(snap_similar_query(silent, stack, -1, others, NUM), num);
		assert_same_hits(hits, others, num);
		assert_int_equal(snap_similar_query(reverse, stack, -1, others, NUM), num);
		for (size_t j = 0; j < num; j++)
			assert_true(hits[j].similarity == others[j].similarity);
	}
	snap_similar_destroy(asked);
	snap_similar_destroy(silent);
	snap_similar_destroy(reverse);
}

/* ---------------------------------------------------------------- limits */

static void test_similar_long_stacks(void **state)
{
	enum { LONG = 200000 };
	static const char *functions[LONG];
	static char names[LONG][8];
	(void)state;
	struct made made;
	struct snap_similar_hit hit;
	struct snap_similar_stack stack = {"segv", functions, LONG};
	struct snap_similar *similar = create(0, 0, 0);
	/* Deep recursion is one frame. */
	for (size_t i = 0; i < LONG; i++)
		functions[i] = i + 1 < LONG ? "deep" : "main";
	(void)add(similar, &stack);
	assert_int_equal(
		snap_similar_query(similar, make(&made, "segv", "deep main"), -1, &hit, 1), 1);
	assert_true(hit.similarity == 1);
	/* Only the innermost count. */
	for (size_t i = 0; i < LONG; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%zu", i);
		functions[i] = names[i];
	}
	uint32_t number = add(similar, &stack);
	stack.num = SNAP_SIMILAR_FRAMES;
	assert_int_equal(snap_similar_query(similar, &stack, -1, &hit, 1), 1);
	assert_int_equal(hit.number, number);
	assert_true(hit.similarity == 1);
	stack.num--;
	assert_int_equal(snap_similar_query(similar, &stack, -1, &hit, 1), 1);
	assert_near(hit.similarity, (2. * (double)stack.num - 1) / (2. * (double)stack.num + 1));
	functions[0] = names[SNAP_SIMILAR_FRAMES];
	stack.num = 1;
	assert_int_equal(snap_similar_query(similar, &stack, -1, &hit, 1), 0);
	snap_similar_destroy(similar);
}

static void test_similar_weights_out_of_range(void **state)
{
	static const struct snap_similar_weights bad[] = {{-1, 0, 0}, {0, -0.1, 0}, {0, 0, -1},
		{11, 0, 0}, {0, 6, 0}, {0, 0, 101}, {NAN, 0, 0}, {0, NAN, 0}, {0, 0, INFINITY}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct snap_error err = SNAP_ERROR_INIT;
		assert_null(snap_similar_create(&bad[i], &err));
		assert_int_equal(err.code, SNAP_ERROR_USAGE);
	}
	snap_similar_destroy(NULL);
}

/* A stack that could not be added is not there, and can be added again. */
static void test_similar_no_memory(void **state)
{
	enum { NUM = 400 };
	static struct made stacks[NUM];
	static struct snap_similar_hit hits[NUM], others[NUM];
	const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	struct snap_error err = SNAP_ERROR_INIT;
	size_t num_failed = 0;
	(void)state;
	random_state = 11;
	num_allocations = 0;
	fail_at = 1;
	assert_null(snap_similar_create(&weights, &err));
	assert_int_equal(err.code, SNAP_ERROR_NO_MEMORY);
	fail_at = 0;
	struct snap_similar *whole = create(weights.alpha, weights.beta, weights.gamma),
			    *hurt = create(weights.alpha, weights.beta, weights.gamma);
	for (size_t i = 0; i < NUM; i++) {
		uint32_t number = 0;
		make_random(&stacks[i], 20);
		(void)add(whole, &stacks[i].stack);
		/* Every allocation that adding it takes. */
		for (unsigned long at = 1;; at++) {
			num_allocations = 0;
			fail_at = at;
			err.code = SNAP_ERROR_NONE;
			int r = snap_similar_add(hurt, &stacks[i].stack, &number, &err);
			fail_at = 0;
			if (r == 0)
				break;
			assert_int_equal(err.code, SNAP_ERROR_NO_MEMORY);
			assert_int_equal(snap_similar_num(hurt), i);
			num_failed++;
		}
		assert_int_equal(number, i);
	}
	assert_true(num_failed > 500);
	for (size_t i = 0; i < NUM; i++) {
		const struct snap_similar_stack *stack = &stacks[i].stack;
		size_t num = snap_similar_query(whole, stack, -1, hits, NUM);
		assert_int_equal(snap_similar_query(hurt, stack, -1, others, NUM), num);
		assert_same_hits(hits, others, num);
	}
	snap_similar_destroy(whole);
	snap_similar_destroy(hurt);
}

static double seconds(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A function that all stacks have in common does not make all of them candidates. */
static void test_similar_common_functions(void **state)
{
	enum { NUM = 40000, QUERIES = 200 };
	const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	static char names[NUM / 4][16];
	struct snap_similar_hit hits[10];
	(void)state;
	random_state = 5;
	struct snap_similar *similar = create(weights.alpha, weights.beta, weights.gamma);
	double start = 0;
	for (size_t i = 0; i < NUM + QUERIES; i++) {
		const char *functions[20];
		for (size_t j = 0; j < 20; j++) {
			size_t name = j >= 16 ? j : 20 + random_below(ARRAY_LEN(names) - 20);
			(void)snprintf(names[name], sizeof(names[name]), "f%zu", name);
			functions[j] = names[name];
		}
		struct snap_similar_stack stack = {"segv", functions, 20};
		if (i == NUM)
			start = seconds();
		if (i < NUM)
			(void)add(similar, &stack);
		else
			(void)snap_similar_query(
				similar, &stack, SNAP_SIMILAR_THRESHOLD, hits, ARRAY_LEN(hits));
	}
	double ms = 1000 * (seconds() - start) / QUERIES;
	print_message("%.3f ms for a query among %d\n", ms, NUM);
	/* Comparing with all of them takes some 10 ms. */
#ifndef SNAP_SANITIZED
	assert_true(ms < 1);
#endif
	snap_similar_destroy(similar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_similar_by_hand),
		cmocka_unit_test(test_similar_bounds),
		cmocka_unit_test(test_similar_recursion),
		cmocka_unit_test(test_similar_kinds),
		cmocka_unit_test(test_similar_hits),
		cmocka_unit_test(test_similar_formula),
		cmocka_unit_test(test_similar_symmetric),
		cmocka_unit_test(test_similar_incremental),
		cmocka_unit_test(test_similar_long_stacks),
		cmocka_unit_test(test_similar_weights_out_of_range),
		cmocka_unit_test(test_similar_no_memory),
		cmocka_unit_test(test_similar_common_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
