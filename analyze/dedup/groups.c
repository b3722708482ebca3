#include "analyze/dedup/groups.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analyze/dedup/names.h"

#define WEEK_NS (INT64_C(7) * 86400 * 1000000000)

/* What is told of a group in the index, before some are joined. */
struct part {
	int64_t belongs; /* the row of its signature */
	int64_t into;	 /* that of the group that it is shown in */
	uint64_t count, last_week, week_before;
	int64_t first_ns, last_ns;
};

struct reading {
	struct snap_db *db;
	const struct snap_filter *filter;
	const struct snap_joins *joins;
	struct snap_groups *ret;
	struct part *parts; /* ascending by belongs */
	size_t num_parts, parts_capacity;
	struct snap_group **by_signature; /* ascending by signature */
	int64_t newest_ns;
};

const char *snap_trend_name(enum snap_trend trend)
{
	static const char *const names[] = {"new", "rising", "steady", "falling", "gone"};
	return names[trend];
}

void snap_groups_deinit(struct snap_groups *groups)
{
	snap_arena_deinit(&groups->arena);
	*groups = (struct snap_groups){0};
}

/* ---------------------------------------------------------------- asking */

/*
 * "SELECT shown columns FROM crashes WHERE where AND filter rest", shown being the row of the
 * signature of the group that a crash is in, before some are joined.
 */
static int prepare(struct reading *reading, const char *columns, const char *where,
	const char *rest, struct snap_statement **ret, struct snap_error *err)
{
	/* A split signature's crashes belong to no better known one either. */
	bool has_splits = reading->joins->num_splits > 0;
	char *filter = snap_filter_sql(reading->filter, 1), *sql = NULL;
	if (!filter)
		return snap_error_no_memory(err);
	int len = asprintf(&sql, "SELECT %s%s FROM crashes WHERE %s%s %s",
		has_splits ? "CASE WHEN signature IN (SELECT signature FROM temp.splits) THEN "
			     "signature ELSE belongs END AS shown"
			   : "belongs AS shown",
		columns, where, filter, rest);
	free(filter);
	if (len < 0)
		return snap_error_no_memory(err);
	int r = snap_db_prepare(reading->db, sql, ret, err);
	free(sql);
	if (r < 0)
		return -1;
	snap_filter_bind(reading->filter, 1, *ret);
	return 0;
}

static int put_splits(struct reading *reading, struct snap_error *err)
{
	const struct snap_joins *joins = reading->joins;
	struct snap_statement *put;
	if (joins->num_splits == 0)
		return 0;
	if (snap_db_run(reading->db,
		    "CREATE TEMP TABLE IF NOT EXISTS splits (signature INTEGER PRIMARY KEY); DELETE FROM "
		    "temp.splits",
		    err) < 0 ||
		snap_db_prepare(reading->db, "INSERT OR IGNORE INTO temp.splits VALUES (?1)", &put,
			err) < 0)
		return -1;
	int r = 0;
	for (size_t i = 0; i < joins->num_splits && r == 0; i++) {
		snap_statement_bind_number(put, 1, joins->splits[i]);
		r = snap_statement_run(put, err);
	}
	snap_statement_free(put);
	return r;
}

static int read_newest(struct reading *reading, struct snap_error *err)
{
	struct snap_statement *statement;
	if (prepare(reading, ", max(captured_ns), sum(signature IS NULL)", "true", "",
		    &statement, err) < 0)
		return -1;
	int r = snap_statement_step(statement, err);
	if (r > 0) {
		struct timespec now;
		(void)clock_gettime(CLOCK_REALTIME, &now); /* there is such a clock */
		int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
		reading->newest_ns = snap_statement_number(statement, 1);
		/* A clock that was ahead. */
		if (reading->newest_ns > now_ns)
			reading->newest_ns = now_ns;
		reading->ret->num_unsigned = (uint64_t)snap_statement_number(statement, 2);
	}
	snap_statement_free(statement);
	return r < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- parts and groups */

static int add_part(struct reading *reading, const struct part *part, struct snap_error *err)
{
	if (reading->num_parts == reading->parts_capacity) {
		size_t capacity = reading->parts_capacity ? 2 * reading->parts_capacity : 256;
		struct part *grown = reallocarray(reading->parts, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		reading->parts = grown;
		reading->parts_capacity = capacity;
	}
	reading->parts[reading->num_parts++] = *part;
	return 0;
}

static int read_parts(struct reading *reading, struct snap_error *err)
{
	struct snap_statement *s;
	char columns[256];
	int64_t week = reading->newest_ns - WEEK_NS;
	(void)snprintf(columns, sizeof(columns),
		", count(*), min(captured_ns), max(captured_ns), sum(captured_ns > %" PRId64
		"), sum(captured_ns > %" PRId64 " AND captured_ns <= %" PRId64 ")",
		week, week - WEEK_NS, week); /* fits */
	if (prepare(reading, columns, "belongs IS NOT NULL", "GROUP BY shown ORDER BY shown", &s,
		    err) < 0)
		return -1;
	int r;
	while ((r = snap_statement_step(s, err)) > 0) {
		int64_t belongs = snap_statement_number(s, 0);
		const struct part part = {
			.belongs = belongs,
			.into = snap_joins_find(reading->joins, belongs),
			.count = (uint64_t)snap_statement_number(s, 1),
			.first_ns = snap_statement_number(s, 2),
			.last_ns = snap_statement_number(s, 3),
			.last_week = (uint64_t)snap_statement_number(s, 4),
			.week_before = (uint64_t)snap_statement_number(s, 5),
		};
		if (add_part(reading, &part, err) < 0) {
			r = -1;
			break;
		}
	}
	snap_statement_free(s);
	return r;
}

static int compare_parts(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	if (x->into != y->into)
		return x->into < y->into ? -1 : 1;
	return (x->belongs > y->belongs) - (x->belongs < y->belongs);
}

static enum snap_trend trend_of(const struct snap_group *group)
{
	if (group->num_last_week == 0)
		return SNAP_TREND_GONE;
	if (group->num_last_week == group->count)
		return SNAP_TREND_NEW;
	if (group->num_last_week >= 2 * group->num_week_before)
		return SNAP_TREND_RISING;
	return 2 * group->num_last_week <= group->num_week_before ? SNAP_TREND_FALLING
								  : SNAP_TREND_STEADY;
}

/* Those of the parts that are shown as one, ascending by signature. */
static int make_groups(struct reading *reading, struct snap_error *err)
{
	struct snap_groups *ret = reading->ret;
	struct snap_group *group = NULL;
	ret->groups = snap_arena_alloc(&ret->arena, reading->num_parts * sizeof(ret->groups[0]));
	if (!ret->groups)
		return snap_error_no_memory(err);
	if (reading->num_parts > 0) /* qsort() takes no NULL */
		qsort(reading->parts, reading->num_parts, sizeof(reading->parts[0]), compare_parts);
	for (size_t i = 0; i < reading->num_parts; i++) {
		const struct part *part = &reading->parts[i];
		if (!group || group->signature != part->into) {
			group = &ret->groups[ret->num++];
			*group = (struct snap_group){.signature = part->into,
				.first_ns = part->first_ns,
				.last_ns = part->last_ns};
		}
		group->count += part->count;
		group->num_last_week += part->last_week;
		group->num_week_before += part->week_before;
		if (part->first_ns < group->first_ns)
			group->first_ns = part->first_ns;
		if (part->last_ns > group->last_ns)
			group->last_ns = part->last_ns;
		ret->num_crashes += part->count;
	}
	for (size_t i = 0; i < ret->num; i++)
		ret->groups[i].trend = trend_of(&ret->groups[i]);
	return 0;
}

static int compare_signature(const void *key, const void *item)
{
	int64_t x = *(const int64_t *)key, y = ((const struct snap_group *)item)->signature;
	return (x > y) - (x < y);
}

/* The group that shows crashes of this signature; while the groups stand as they were made. */
static struct snap_group *find_group(const struct reading *reading, int64_t belongs)
{
	int64_t into = snap_joins_find(reading->joins, belongs);
	struct snap_groups *ret = reading->ret;
	return ret->num > 0 ? bsearch(&into, ret->groups, ret->num, sizeof(ret->groups[0]),
				      compare_signature)
			    : NULL;
}

/* ---------------------------------------------------------------- what groups have */

static const char *copy_text(struct reading *reading, const char *text, bool *failed)
{
	const char *ret = text ? snap_arena_copy(&reading->ret->arena, snap_bytes_str(text)) : NULL;
	*failed |= text && !ret;
	return ret;
}

/* Room for one more item: there is room for LEAST, and then for powers of two. */
#define LEAST 16
static void *grow(struct reading *reading, void *array, size_t num, size_t item_len)
{
	if (num > 0 && (num < LEAST || (num & (num - 1)) != 0))
		return array;
	size_t capacity = num, wanted = num > 0 ? 2 * num : LEAST;
	if (num > 0)
		return snap_arena_grow(&reading->ret->arena, array, num, &capacity, item_len);
	return snap_arena_alloc(&reading->ret->arena, wanted * item_len);
}

static int read_names(struct reading *reading, struct snap_error *err)
{
	struct snap_statement *find;
	if (snap_db_prepare(reading->db,
		    "SELECT id, text, kind FROM signatures WHERE signature = ?1", &find, err) < 0)
		return -1;
	bool failed = false;
	int r = 0;
	for (size_t i = 0; i < reading->ret->num && r >= 0 && !failed; i++) {
		struct snap_group *group = &reading->ret->groups[i];
		snap_statement_bind_number(find, 1, group->signature);
		r = snap_statement_step(find, err);
		if (r > 0) {
			group->id = copy_text(reading, snap_statement_text(find, 0), &failed);
			group->text = copy_text(reading, snap_statement_text(find, 1), &failed);
			group->kind = copy_text(reading, snap_statement_text(find, 2), &failed);
		}
		snap_statement_reset(find);
		if (r == 0)
			r = snap_error_set(err, SNAP_ERROR_MALFORMED,
				"the index contradicts itself: a group has no signature");
	}
	snap_statement_free(find);
	return failed ? snap_error_no_memory(err) : r < 0 ? -1 : 0;
}

/* False without memory. */
static bool add_id(struct reading *reading, struct snap_group *group, const char *id, uint64_t num,
	const struct snap_join *join)
{
	bool failed = false;
	group->ids = grow(reading, group->ids, group->num_ids, sizeof(group->ids[0]));
	if (!group->ids)
		return false;
	group->ids[group->num_ids++] = (struct snap_group_id){
		.id = copy_text(reading, id ? id : "", &failed),
		.num = num,
		.has_similarity = join && join->has_similarity,
		.similarity = join ? join->similarity : 0,
	};
	return !failed;
}

static int compare_ids(const void *a, const void *b)
{
	const struct snap_group_id *x = a, *y = b;
	int r = strcmp(x->id, y->id);
	/* One that is known to belong to it before one that is similar. */
	return r != 0 ? r : x->has_similarity - y->has_similarity;
}

/* Each once, in their order: crashes of one signature may have joined by several. */
static void unite_ids(struct snap_group *group)
{
	size_t kept = 0;
	if (group->num_ids == 0)
		return;
	qsort(group->ids, group->num_ids, sizeof(group->ids[0]), compare_ids);
	for (size_t i = 1; i < group->num_ids; i++) {
		if (strcmp(group->ids[kept].id, group->ids[i].id) == 0)
			group->ids[kept].num += group->ids[i].num;
		else
			group->ids[++kept] = group->ids[i];
	}
	group->num_ids = kept + 1;
}

/* The signatures that its crashes have. */
static int read_ids(struct reading *reading, struct snap_error *err)
{
	struct snap_statement *s, *find;
	bool failed = false;
	if (snap_db_prepare(reading->db, "SELECT id FROM signatures WHERE signature = ?1", &find,
		    err) < 0)
		return -1;
	if (prepare(reading, ", signature, count(*)", "belongs IS NOT NULL",
		    "GROUP BY shown, signature", &s, err) < 0) {
		snap_statement_free(find);
		return -1;
	}
	int r = 0;
	while (!failed && (r = snap_statement_step(s, err)) > 0) {
		int64_t shown = snap_statement_number(s, 0);
		struct snap_group *group = find_group(reading, shown);
		snap_statement_bind_number(find, 1, snap_statement_number(s, 1));
		r = snap_statement_step(find, err);
		if (r < 0)
			break;
		if (group && r > 0)
			failed = !add_id(reading, group, snap_statement_text(find, 0),
				(uint64_t)snap_statement_number(s, 2),
				snap_joins_get(reading->joins, shown));
		snap_statement_reset(find);
	}
	snap_statement_free(find);
	snap_statement_free(s);
	for (size_t i = 0; i < reading->ret->num && r == 0 && !failed; i++)
		unite_ids(&reading->ret->groups[i]);
	return failed ? snap_error_no_memory(err) : r;
}

/* Which item of a group's list of counts a name has; of another round: none. */
struct place {
	uint32_t round, index;
};

/* Counts by name, of one kind of names. */
struct counting {
	struct reading *reading;
	struct snap_names names;
	struct place *places; /* by the names' numbers */
	size_t num_places;
	uint32_t round; /* crashes of one part come one after the other */
};

/* Room for the place of a number; false without memory. */
static bool make_place(struct counting *counting, size_t number)
{
	if (number < counting->num_places)
		return true;
	size_t num = 2 * (number + 32);
	struct place *grown = reallocarray(counting->places, num, sizeof(grown[0]));
	if (!grown)
		return false;
	memset(grown + counting->num_places, 0,
		(num - counting->num_places) * sizeof(grown[0]));
	counting->places = grown;
	counting->num_places = num;
	return true;
}

/* One more crash. False without memory. */
static bool count(struct counting *counting, struct snap_group_count **counts, size_t *num,
	const char *name, int64_t captured_ns)
{
	size_t number = snap_names_number(&counting->names, name);
	if (number == SIZE_MAX || !make_place(counting, number))
		return false;
	struct place *place = &counting->places[number];
	if (place->round != counting->round) {
		*counts = grow(counting->reading, *counts, *num, sizeof((*counts)[0]));
		if (!*counts)
			return false;
		*place = (struct place){.round = counting->round, .index = (uint32_t)*num};
		(*counts)[(*num)++] = (struct snap_group_count){
			.name = counting->names.names[number], .first_ns = captured_ns};
	}
	struct snap_group_count *item = &(*counts)[place->index];
	item->num++;
	if (captured_ns < item->first_ns)
		item->first_ns = captured_ns;
	return true;
}

static int compare_count_names(const void *a, const void *b)
{
	const struct snap_group_count *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static int compare_count_times(const void *a, const void *b)
{
	const struct snap_group_count *x = a, *y = b;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Equal names once, in the order of names. */
static void unite_counts(struct snap_group_count *counts, size_t *num)
{
	size_t kept = 0;
	if (*num == 0)
		return;
	qsort(counts, *num, sizeof(counts[0]), compare_count_names);
	for (size_t i = 1; i < *num; i++) {
		if (strcmp(counts[kept].name, counts[i].name) != 0) {
			counts[++kept] = counts[i];
			continue;
		}
		counts[kept].num += counts[i].num;
		if (counts[i].first_ns < counts[kept].first_ns)
			counts[kept].first_ns = counts[i].first_ns;
	}
	*num = kept + 1;
}

/* What is united of several parts, and what follows from it. */
static void finish_counts(struct snap_group *group)
{
	unite_counts(group->devices, &group->num_devices);
	unite_counts(group->versions, &group->num_versions);
	if (group->num_versions == 0)
		return;
	qsort(group->versions, group->num_versions, sizeof(group->versions[0]),
		compare_count_times);
	group->new_in = group->versions[0].name;
}

/* Grouping by names in the database would sort all crashes; in their own order they are only read. */
static int read_counts(struct reading *reading, struct snap_error *err)
{
	struct snap_arena *arena = &reading->ret->arena;
	struct counting versions = {.reading = reading, .names = {.arena = arena}};
	struct counting devices = {.reading = reading, .names = {.arena = arena}};
	struct snap_statement *s;
	struct snap_group *group = NULL;
	int64_t last = 0;
	bool ok = true;
	int r = 0;
	if (prepare(reading, ", version, device, captured_ns", "belongs IS NOT NULL",
		    "ORDER BY shown", &s, err) < 0)
		return -1;
	while (ok && (r = snap_statement_step(s, err)) > 0) {
		int64_t shown = snap_statement_number(s, 0), time = snap_statement_number(s, 3);
		const char *version = snap_statement_text(s, 1);
		const char *device = snap_statement_text(s, 2);
		if (!group || shown != last) {
			group = find_group(reading, shown);
			last = shown;
			versions.round = ++devices.round;
		}
		if (group && version)
			ok = count(&versions, &group->versions, &group->num_versions, version, time);
		if (group && device && ok)
			ok = count(&devices, &group->devices, &group->num_devices, device, time);
	}
	snap_statement_free(s);
	for (size_t i = 0; i < reading->ret->num && r == 0; i++)
		finish_counts(&reading->ret->groups[i]);
	snap_names_deinit(&versions.names);
	snap_names_deinit(&devices.names);
	free(versions.places);
	free(devices.places);
	return ok ? r : snap_error_no_memory(err);
}

/* ---------------------------------------------------------------- files */

/* From columns 1 to 4. */
static struct snap_group_file read_file(
	struct reading *reading, const struct snap_statement *s, bool *failed)
{
	return (struct snap_group_file){
		.path = copy_text(reading, snap_statement_text(s, 1), failed),
		.line = (uint64_t)snap_statement_number(s, 2),
		.captured_ns = snap_statement_number(s, 3),
		.completeness = snap_statement_number(s, 4),
	};
}

static void choose_example(struct snap_group *group, const struct snap_group_file *file)
{
	if (!group->example || file->completeness > group->example->completeness)
		group->example = file;
}

/* All that are there, by time; to each group's, or those without a signature. */
static int read_all_files(struct reading *reading, struct snap_error *err)
{
	struct snap_statement *s;
	struct snap_groups *ret = reading->ret;
	bool failed = false;
	int r = 0;
	if (prepare(reading, ", file, line, captured_ns, completeness", "completeness >= 0",
		    "ORDER BY captured_ns, crash", &s, err) < 0)
		return -1;
	while (!failed && (r = snap_statement_step(s, err)) > 0) {
		bool is_signed = !snap_statement_is_null(s, 0);
		struct snap_group *group =
			is_signed ? find_group(reading, snap_statement_number(s, 0)) : NULL;
		if (is_signed && !group)
			continue;
		struct snap_group_file **files = group ? &group->files : &ret->unsigned_files;
		size_t *num = group ? &group->num_files : &ret->num_unsigned_files;
		*files = grow(reading, *files, *num, sizeof((*files)[0]));
		failed = !*files;
		if (!failed)
			(*files)[(*num)++] = read_file(reading, s, &failed);
	}
	snap_statement_free(s);
	for (size_t i = 0; i < ret->num; i++)
		for (size_t j = 0; j < ret->groups[i].num_files; j++)
			choose_example(&ret->groups[i], &ret->groups[i].files[j]);
	return failed ? snap_error_no_memory(err) : r;
}

/* Of each part the most complete one that is there. */
static int read_examples(struct reading *reading, struct snap_error *err)
{
	struct snap_statement *s, *find;
	bool failed = false;
	int r = 0;
	if (snap_db_prepare(reading->db,
		    "SELECT 0, file, line, captured_ns, completeness FROM crashes WHERE crash = ?1",
		    &find, err) < 0)
		return -1;
	/* A column that is not of the group is that of the row with the most. */
	if (prepare(reading, ", crash, max(completeness)", "belongs IS NOT NULL", "GROUP BY shown",
		    &s, err) < 0) {
		snap_statement_free(find);
		return -1;
	}
	while (!failed && (r = snap_statement_step(s, err)) > 0) {
		struct snap_group *group = find_group(reading, snap_statement_number(s, 0));
		/* Less than 0: the file was removed. */
		if (!group || snap_statement_number(s, 2) < 0)
			continue;
		snap_statement_bind_number(find, 1, snap_statement_number(s, 1));
		r = snap_statement_step(find, err);
		if (r < 0)
			break;
		struct snap_group_file *file =
			snap_arena_alloc(&reading->ret->arena, sizeof(*file));
		failed = !file;
		if (r > 0 && !failed) {
			*file = read_file(reading, find, &failed);
			if (file->path)
				choose_example(group, file);
		}
		snap_statement_reset(find);
	}
	snap_statement_free(find);
	snap_statement_free(s);
	return failed ? snap_error_no_memory(err) : r;
}

/* ---------------------------------------------------------------- the whole */

static int compare_groups(const void *a, const void *b)
{
	const struct snap_group *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->id, y->id);
}

int snap_groups_read(struct snap_index *index, const struct snap_filter *filter,
	const struct snap_joins *joins, bool wants_files, struct snap_groups *ret,
	struct snap_error *err)
{
	struct reading reading = {
		.db = snap_index_db(index), .filter = filter, .joins = joins, .ret = ret};
	*ret = (struct snap_groups){0};
	snap_arena_init(&ret->arena, SIZE_MAX);
	/* All answers are of the same state of the index. */
	int r = snap_db_run(reading.db, "BEGIN", err);
	if (r < 0)
		return -1;
	if (put_splits(&reading, err) < 0 || read_newest(&reading, err) < 0 ||
		read_parts(&reading, err) < 0 || make_groups(&reading, err) < 0 ||
		read_names(&reading, err) < 0 || read_ids(&reading, err) < 0 ||
		read_counts(&reading, err) < 0 ||
		(wants_files ? read_all_files(&reading, err) : read_examples(&reading, err)) < 0)
		r = -1;
	(void)snap_db_run(reading.db, "COMMIT", NULL); /* it has only read */
	free(reading.parts);
	if (r == 0)
		qsort(ret->groups, ret->num, sizeof(ret->groups[0]), compare_groups);
	return r;
}
