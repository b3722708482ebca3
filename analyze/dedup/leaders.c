#include "analyze/dedup/leaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dedup/similar.h"
#include "analyze/signature/evidence.h"

/* Others wait while so many signatures are decided of. */
#define AT_ONCE 1000
/* Of the similar ones, so many are looked at for one that a signature may join. */
#define MAX_HITS 8

/* A signature that is in a group, as rows. */
struct member {
	int64_t signature, leader;
};

struct assigning {
	struct snap_db *db;
	struct snap_similar *similar;
	struct member *members; /* whose stacks are in similar, by their number there */
	size_t num, capacity;
	int64_t data_version; /* of the index when they were read; -1: they were not */
	uint64_t num_done;
	struct snap_statement *find, *find_signature, *find_build, *put;
};

/* What is compared of a signature: columns 0 to 3 of a row. Points into that. */
struct signature {
	int64_t row;
	const char *functions[SNAP_SIMILAR_FRAMES];
	struct snap_similar_stack stack;
	const char *kept[SNAP_EVIDENCE_MAX_KEPT];
	size_t num_kept;
};

/* Strings with a NUL behind each; empty: NULL. Returns how many. */
static size_t split_names(struct snap_bytes names, const char **ret, size_t max)
{
	const char *p = (const char *)names.data;
	size_t num = 0;
	for (size_t off = 0; off < names.len && num < max;) {
		size_t len = strnlen(p + off, names.len - off);
		if (off + len == names.len)
			break;
		ret[num++] = len > 0 ? p + off : NULL;
		off += len + 1;
	}
	return num;
}

static void read_signature(const struct snap_statement *row, struct signature *ret)
{
	const char *kind = snap_statement_text(row, 1);
	ret->row = snap_statement_number(row, 0);
	ret->stack = (struct snap_similar_stack){
		.kind = kind ? kind : "",
		.functions = ret->functions,
		.num = split_names(
			snap_statement_bytes(row, 2), ret->functions, SNAP_SIMILAR_FRAMES),
	};
	ret->num_kept =
		split_names(snap_statement_bytes(row, 3), ret->kept, SNAP_EVIDENCE_MAX_KEPT);
}

/* It is in a group. */
static int add_member(struct assigning *a, const struct signature *signature, int64_t leader,
	struct snap_error *err)
{
	uint32_t number;
	if (a->num == a->capacity) {
		size_t capacity = a->capacity ? 2 * a->capacity : 256;
		struct member *grown = reallocarray(a->members, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		a->members = grown;
		a->capacity = capacity;
	}
	if (snap_similar_add(a->similar, &signature->stack, &number, err) < 0)
		return -1;
	a->members[number] = (struct member){.signature = signature->row, .leader = leader};
	a->num = (size_t)number + 1;
	return 0;
}

/* Those that are in groups, anew if others may have written since. */
static int read_members(struct assigning *a, struct snap_error *err)
{
	static const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	struct signature signature;
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
				   "SELECT signature, kind, functions, kept, leader FROM signatures NATURAL "
				   "JOIN leaders ORDER BY signature",
				   &s, err) < 0)
		return -1;
	while ((r = snap_statement_step(s, err)) > 0) {
		read_signature(s, &signature);
		if (add_member(a, &signature, snap_statement_number(s, 4), err) < 0) {
			r = -1;
			break;
		}
	}
	snap_statement_free(s);
	a->data_version = version;
	return r;
}

static bool has_function(const struct signature *signature, const char *function)
{
	for (size_t i = 0; i < signature->stack.num; i++)
		if (signature->functions[i] && strcmp(signature->functions[i], function) == 0)
			return true;
	return false;
}

/* Whether a build is known that has both: 1, 0, or -1. */
static int have_one_build(
	struct assigning *a, const char *one, const char *other, struct snap_error *err)
{
	snap_statement_bind_text(a->find_build, 1, one);
	snap_statement_bind_text(a->find_build, 2, other);
	int r = snap_statement_step(a->find_build, err);
	snap_statement_reset(a->find_build);
	return r;
}

/*
 * Whether each has a function in its signature that the other's stack has not, and these are not one
 * function that was renamed: 1, 0, or -1.
 */
static int are_apart(struct assigning *a, const struct signature *one,
	const struct signature *other, struct snap_error *err)
{
	int r = 0;
	for (size_t i = 0; i < one->num_kept && r == 0; i++) {
		if (!one->kept[i] || has_function(other, one->kept[i]))
			continue;
		for (size_t j = 0; j < other->num_kept && r == 0; j++)
			if (other->kept[j] && !has_function(one, other->kept[j]))
				r = have_one_build(a, one->kept[i], other->kept[j], err);
	}
	return r;
}

/* Whether it may be joined to one with this row: 1, 0, or -1. */
static int may_join(struct assigning *a, const struct signature *signature, int64_t row,
	struct snap_error *err)
{
	struct signature other;
	snap_statement_bind_number(a->find_signature, 1, row);
	int r = snap_statement_step(a->find_signature, err);
	if (r > 0) {
		read_signature(a->find_signature, &other);
		r = are_apart(a, signature, &other, err);
	}
	snap_statement_reset(a->find_signature);
	return r < 0 ? -1 : !r;
}

/* The most similar one that it may join, and whose leader, too: 1 and *ret, 0, or -1. */
static int choose_member(struct assigning *a, const struct signature *signature,
	struct snap_similar_hit *ret, struct snap_error *err)
{
	struct snap_similar_hit hits[MAX_HITS];
	size_t num = snap_similar_query(
		a->similar, &signature->stack, SNAP_SIMILAR_THRESHOLD, hits, MAX_HITS);
	int r = 0;
	for (size_t i = 0; i < num && r == 0; i++) {
		const struct member *member = &a->members[hits[i].number];
		r = may_join(a, signature, member->signature, err);
		if (r > 0 && member->leader != member->signature)
			r = may_join(a, signature, member->leader, err);
		if (r > 0)
			*ret = hits[i];
	}
	return r;
}

static int assign(struct assigning *a, const struct snap_statement *row, struct snap_error *err)
{
	struct signature signature;
	struct snap_similar_hit hit;
	struct snap_statement *put = a->put;
	read_signature(row, &signature);
	int joins = choose_member(a, &signature, &hit, err);
	if (joins < 0)
		return -1;
	int64_t leader = joins ? a->members[hit.number].leader : signature.row;
	if (add_member(a, &signature, leader, err) < 0)
		return -1;
	snap_statement_bind_number(put, 1, signature.row);
	snap_statement_bind_number(put, 2, leader);
	if (joins)
		snap_statement_bind_real(put, 3, hit.similarity);
	else
		snap_statement_bind_text(put, 3, NULL);
	return snap_statement_run(put, err);
}

static const char find_unassigned[] =
	"SELECT signature, kind, functions, kept FROM signatures JOIN (SELECT belongs, min(captured_ns) "
	"AS first FROM crashes WHERE belongs IS NOT NULL GROUP BY belongs) ON belongs = signature WHERE "
	"signature NOT IN (SELECT signature FROM leaders) ORDER BY first, id LIMIT ?1";
static const char find_signature[] =
	"SELECT signature, kind, functions, kept FROM signatures WHERE signature = ?1";
static const char find_build[] =
	"SELECT 1 FROM built AS one JOIN built AS other ON one.build = other.build WHERE one.function "
	"= ?1 AND other.function = ?2";

/* Some; 1: there may be more. */
static int assign_some(struct assigning *a, struct snap_error *err)
{
	int num = 0, r = read_members(a, err);
	snap_statement_bind_number(a->find, 1, AT_ONCE);
	while (r == 0 && (r = snap_statement_step(a->find, err)) > 0) {
		num++;
		r = assign(a, a->find, err);
	}
	snap_statement_reset(a->find);
	a->num_done += (uint64_t)num;
	return r < 0 ? -1 : num == AT_ONCE;
}

static int prepare(struct assigning *a, struct snap_error *err)
{
	if (snap_db_prepare(a->db, find_unassigned, &a->find, err) < 0 ||
		snap_db_prepare(a->db, find_signature, &a->find_signature, err) < 0 ||
		snap_db_prepare(a->db, find_build, &a->find_build, err) < 0)
		return -1;
	return snap_db_prepare(a->db, "INSERT INTO leaders VALUES (?1, ?2, ?3)", &a->put, err);
}

int snap_leaders_assign(
	struct snap_index *index, struct snap_progress progress, struct snap_error *err)
{
	struct assigning a = {.db = snap_index_db(index), .data_version = -1};
	char text[80];
	int r = prepare(&a, err) < 0 ? -1 : 1;
	snap_progress_tell(progress, SNAP_PROGRESS_BEGIN, NULL);
	while (r > 0) {
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
	}
	snap_progress_tell(progress, SNAP_PROGRESS_END, NULL);
	snap_statement_free(a.find);
	snap_statement_free(a.find_signature);
	snap_statement_free(a.find_build);
	snap_statement_free(a.put);
	snap_similar_destroy(a.similar);
	free(a.members);
	return r;
}
