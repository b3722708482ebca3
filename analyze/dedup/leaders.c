#include "analyze/dedup/leaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dedup/similar.h"

/* Others wait while so many signatures are decided of. */
#define AT_ONCE 1000

struct assigning {
	struct snap_db *db;
	struct snap_similar *similar;
	int64_t *leaders; /* rows of the stacks in similar */
	size_t num, capacity;
	int64_t data_version; /* of the index when they were read; -1: they were not */
	uint64_t num_done;
};

/* A row's kind and functions; functions are pointers into the row. */
static void read_stack(const struct snap_statement *row, const char **functions,
	struct snap_similar_stack *ret)
{
	struct snap_bytes names = snap_statement_bytes(row, 2);
	const char *p = (const char *)names.data;
	size_t num = 0;
	/* Each has its NUL behind it. */
	for (size_t off = 0; off < names.len && num < SNAP_SIMILAR_FRAMES;) {
		size_t len = strnlen(p + off, names.len - off);
		if (off + len == names.len)
			break;
		functions[num++] = len > 0 ? p + off : NULL;
		off += len + 1;
	}
	const char *kind = snap_statement_text(row, 1);
	*ret = (struct snap_similar_stack){
		.kind = kind ? kind : "", .functions = functions, .num = num};
}

/* It leads a group. */
static int add_leader(struct assigning *a, int64_t signature,
	const struct snap_similar_stack *stack, struct snap_error *err)
{
	uint32_t number;
	if (a->num == a->capacity) {
		size_t capacity = a->capacity ? 2 * a->capacity : 256;
		int64_t *grown = reallocarray(a->leaders, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		a->leaders = grown;
		a->capacity = capacity;
	}
	if (snap_similar_add(a->similar, stack, &number, err) < 0)
		return -1;
	a->leaders[number] = signature;
	a->num = (size_t)number + 1;
	return 0;
}

/* Those that lead groups, anew if others may have written since. */
static int read_leaders(struct assigning *a, struct snap_error *err)
{
	static const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	const char *functions[SNAP_SIMILAR_FRAMES];
	struct snap_similar_stack stack;
	struct snap_statement *s;
	if (snap_db_prepare(a->db, "PRAGMA data_version", &s, err) < 0)
		return -1;
	int r = snap_statement_step(s, err);
	int64_t version = r > 0 ? snap_statement_number(s, 0) : 0;
	snap_statement_free(s);
	if (r < 0)
		return -1;
	if (version == a->data_version)
		return 0;
	snap_similar_destroy(a->similar);
	a->num = 0;
	a->similar = snap_similar_create(&weights, err);
	if (!a->similar || snap_db_prepare(a->db,
				   "SELECT signature, kind, functions FROM signatures NATURAL JOIN leaders "
				   "WHERE leader = signature ORDER BY signature",
				   &s, err) < 0)
		return -1;
	while ((r = snap_statement_step(s, err)) > 0) {
		read_stack(s, functions, &stack);
		if (add_leader(a, snap_statement_number(s, 0), &stack, err) < 0) {
			r = -1;
			break;
		}
	}
	snap_statement_free(s);
	a->data_version = version;
	return r;
}

static int assign(struct assigning *a, const struct snap_statement *row,
	struct snap_statement *put, struct snap_error *err)
{
	const char *functions[SNAP_SIMILAR_FRAMES];
	struct snap_similar_stack stack;
	struct snap_similar_hit hit;
	int64_t signature = snap_statement_number(row, 0);
	read_stack(row, functions, &stack);
	bool joins = snap_similar_query(a->similar, &stack, SNAP_SIMILAR_THRESHOLD, &hit, 1) > 0;
	if (!joins && add_leader(a, signature, &stack, err) < 0)
		return -1;
	snap_statement_bind_number(put, 1, signature);
	snap_statement_bind_number(put, 2, joins ? a->leaders[hit.number] : signature);
	if (joins)
		snap_statement_bind_real(put, 3, hit.similarity);
	else
		snap_statement_bind_text(put, 3, NULL);
	return snap_statement_run(put, err);
}

/* Some; 1: there may be more. */
static int assign_some(struct assigning *a, struct snap_error *err)
{
	struct snap_statement *find = NULL, *put = NULL;
	int num = 0, r = read_leaders(a, err);
	if (r == 0)
		r = snap_db_prepare(a->db,
			"SELECT signature, kind, functions FROM signatures JOIN (SELECT belongs, "
			"min(captured_ns) AS first FROM crashes WHERE belongs IS NOT NULL GROUP BY "
			"belongs) ON belongs = signature WHERE signature NOT IN (SELECT signature FROM "
			"leaders) ORDER BY first, id LIMIT ?1",
			&find, err);
	if (r == 0)
		r = snap_db_prepare(
			a->db, "INSERT INTO leaders VALUES (?1, ?2, ?3)", &put, err);
	if (r == 0)
		snap_statement_bind_number(find, 1, AT_ONCE);
	while (r == 0 && (r = snap_statement_step(find, err)) > 0) {
		num++;
		r = assign(a, find, put, err);
	}
	snap_statement_free(find);
	snap_statement_free(put);
	a->num_done += (uint64_t)num;
	return r < 0 ? -1 : num == AT_ONCE;
}

int snap_leaders_assign(
	struct snap_index *index, struct snap_progress progress, struct snap_error *err)
{
	struct assigning a = {.db = snap_index_db(index), .data_version = -1};
	char text[80];
	int r;
	snap_progress_tell(progress, SNAP_PROGRESS_BEGIN, NULL);
	do {
		r = snap_index_begin(index, err);
		if (r < 0)
			break;
		r = assign_some(&a, err);
		if (r < 0)
			snap_index_undo(index);
		else if (snap_index_end(index, err) < 0)
			r = -1;
		(void)snprintf(text, sizeof(text), "%llu signatures compared",
			(unsigned long long)a.num_done);
		snap_progress_tell(progress, SNAP_PROGRESS_UPDATE, text);
	} while (r > 0);
	snap_progress_tell(progress, SNAP_PROGRESS_END, NULL);
	snap_similar_destroy(a.similar);
	free(a.leaders);
	return r;
}
