/*
 * A small store of records with sixteen bugs, to be crashed by name: planted BUG [TEXT]. It is
 * built by several compilers at several levels of optimisation, with unrelated code above
 * (-DEDITED) and with a helper called otherwise (-DRENAMED); the same bug has to be known as the
 * same.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "planted.h"

#ifdef EDITED
/* Moves everything below: other lines, other addresses. */
static unsigned int checksum(const char *text)
{
	unsigned int sum = 17;
	while (*text)
		sum = sum * 31 + (unsigned char)*text++;
	return sum;
}

static void print_checksum(const char *text)
{
	printf("checksum of '%s': %u\n", text, checksum(text));
}
#endif

#ifdef RENAMED
#define measure_text text_measured
#endif

static size_t measure_text(const char *text)
{
	size_t len = 0;
	while (text && text[len])
		len++;
	return len;
}

struct record {
	struct record *volatile next;
	char *volatile name;
	int (*volatile on_load)(struct record *);
	volatile int weight, share;
};

static struct record *records;

static struct record *record_new(const char *name)
{
	struct record *r = calloc(1, sizeof(*r));
	if (!r)
		exit(1);
	r->name = strdup(name);
	r->weight = (int)measure_text(name);
	r->next = records;
	records = r;
	return r;
}

/* 1: a list that has lost its end, read through. */
static int list_sum(const struct record *r, int num)
{
	int sum = 0;
	for (int i = 0; i < num; i++, r = r->next)
		sum += r->weight;
	return sum;
}

static int count_weights(const char *text)
{
	return list_sum(records, 3 + (int)measure_text(text));
}

/* 2: freed twice. */
static void session_end(char *buffer, bool failed)
{
	if (failed)
		free(buffer);
	free(buffer);
}

static char *volatile session_buffer;

static int run_session(const char *text)
{
	session_buffer = malloc(200 + measure_text(text));
	session_buffer[0] = text[0];
	session_end(session_buffer, session_buffer[0] != '\0');
	return 1;
}

/* 3: a name too long for its place: the canary, and not where to return to. */
static NOINLINE int copy_name(const char *text)
{
	char name[16];
	char *volatile to = name;
	for (size_t i = 0; i < 26; i++)
		to[i] = text[0];
	return name[3];
}

static int load_name(const char *text)
{
	return copy_name(text) + 1;
}

/* 4, 5: two conditions of one function. */
static int check_record(const struct record *r)
{
	assert(r->weight >= 0);
	assert(r->share != 0);
	return r->weight;
}

static int check_weight(const char *text)
{
	struct record *r = record_new(text);
	r->weight = -r->weight;
	return check_record(r);
}

static int check_share(const char *text)
{
	return check_record(record_new(text));
}

/* 6: divided by what nobody has set. */
static int average(const struct record *r, int total)
{
	return total / r->share;
}

static int show_average(const char *text)
{
	return average(record_new(text), 100);
}

/* 7, 8: the same helper, called for two things that may be missing. */
static int field_length(const struct record *r, int field)
{
	return (int)strlen(field ? r->next->name : r->name);
}

static int print_owner(const char *text)
{
	struct record *r = record_new(text);
	r->name = NULL;
	return field_length(r, 0);
}

static int print_parent(const char *text)
{
	struct record *r = record_new(text);
	r->next = r;
	r->name = NULL;
	return field_length(r, 1) + 1;
}

/* 9: called through nothing. */
static int load_record(struct record *r)
{
	return r->on_load(r) + 1;
}

static int load_all(const char *text)
{
	return load_record(record_new(text)) + 2;
}

/* 10: never ends. Neither is a tail call. */
static NOINLINE int parse_list(const char *text, int depth);

static NOINLINE int parse_item(const char *text, int depth)
{
	volatile char place[200];
	place[depth % 200] = text[0];
	return parse_list(text, depth + 1) + place[3];
}

static NOINLINE int parse_list(const char *text, int depth)
{
	volatile char place[100];
	place[depth % 100] = text[0];
	return (text[0] == '\0' ? 0 : parse_item(text, depth + 1)) + place[1];
}

static int parse_text(const char *text)
{
	return parse_list(text, (int)measure_text(text) % 7) + 1;
}

/* 11: a constant is written to. */
static const char *const title = "untitled";

static int set_title(const char *text)
{
	volatile char *to = (volatile char *)(uintptr_t)title;
	to[0] = text[0];
	return 1;
}

/* 12, 13: one function that gives up, and one that goes wrong, from the same caller. */
static int apply(struct record *r, int how)
{
	if (how == 0)
		abort();
	if (how == 1)
		r = r->next->next;
	return r->weight;
}

static int apply_nothing(const char *text)
{
	return apply(record_new(text), 0) + 1;
}

static int apply_twice(const char *text)
{
	records = NULL;
	return apply(record_new(text), 1) + 1;
}

/* 14: what the compiler takes for unreachable. */
static int choose(int which)
{
	switch (which) {
	case 0:
		return 3;
	case 1:
		return 5;
	default:
		__builtin_trap();
	}
}

static int choose_by_text(const char *text)
{
	return choose(2 + (int)measure_text(text)) + 1;
}

/* 15: what a library calls back. */
static int compare(const void *a, const void *b)
{
	const struct record *const *one = a, *const *other = b;
	return (*one)->weight - (*other)->weight;
}

static int sort_all(const char *text)
{
	struct record *all[4] = {record_new(text), record_new("b"), NULL, record_new("c")};
	qsort(all, 4, sizeof(all[0]), compare);
	return all[0]->weight;
}

static const struct {
	const char *name;
	int (*run)(const char *);
} bugs[] = {
	{"weights", count_weights},
	{"session", run_session},
	{"name", load_name},
	{"weight", check_weight},
	{"share", check_share},
	{"average", show_average},
	{"owner", print_owner},
	{"parent", print_parent},
	{"load", load_all},
	{"parse", parse_text},
	{"title", set_title},
	{"nothing", apply_nothing},
	{"twice", apply_twice},
	{"choose", choose_by_text},
	{"sort", sort_all},
	{"far", planted_far},
};

int main(int argc, char **argv)
{
	const char *text = argc > 2 ? argv[2] : "text";
#ifdef EDITED
	print_checksum(text);
#endif
	for (size_t i = 0; argc > 1 && i < sizeof(bugs) / sizeof(bugs[0]); i++)
		if (strcmp(bugs[i].name, argv[1]) == 0)
			return bugs[i].run(text);
	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++)
		puts(bugs[i].name);
	return 0;
}
