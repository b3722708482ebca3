#include "analyze/dedup/joins.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/user_text.h"

/* ---------------------------------------------------------------- pins */

void snap_pins_deinit(struct snap_pins *pins)
{
	for (size_t i = 0; i < pins->num; i++) {
		free(pins->pins[i].id);
		free(pins->pins[i].into);
	}
	free(pins->pins);
	*pins = (struct snap_pins){0};
}

/* into: NULL: split. */
static int add_pin(struct snap_pins *pins, struct snap_bytes id, const struct snap_bytes *into,
	struct snap_error *err)
{
	if (pins->num == pins->capacity) {
		size_t capacity = pins->capacity ? 2 * pins->capacity : 16;
		struct snap_pin *grown = reallocarray(pins->pins, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		pins->pins = grown;
		pins->capacity = capacity;
	}
	struct snap_pin pin = {
		.id = strndup((const char *)id.data, id.len),
		.into = into ? strndup((const char *)into->data, into->len) : NULL,
	};
	if (!pin.id || (into && !pin.into)) {
		free(pin.id);
		free(pin.into);
		return snap_error_no_memory(err);
	}
	pins->pins[pins->num++] = pin;
	return 0;
}

int snap_pins_merge(struct snap_pins *pins, const char *text, struct snap_error *err)
{
	const char *sign = strchr(text, '=');
	if (!sign || sign == text || !sign[1] || strchr(sign + 1, '='))
		return snap_error_set(err, SNAP_ERROR_USAGE, "two ids are merged, as in A=B");
	struct snap_bytes into = snap_bytes_str(sign + 1);
	return add_pin(pins, snap_bytes(text, (size_t)(sign - text)), &into, err);
}

int snap_pins_add(
	struct snap_pins *pins, const char *id, const char *into, struct snap_error *err)
{
	struct snap_bytes into_bytes = snap_bytes_str(into);
	return add_pin(pins, snap_bytes_str(id), into ? &into_bytes : NULL, err);
}

int snap_pins_split(struct snap_pins *pins, const char *id, struct snap_error *err)
{
	return add_pin(pins, snap_bytes_str(id), NULL, err);
}

/* The next word of a line, which it is taken off; empty: there is none. */
static struct snap_bytes next_word(const char **line)
{
	const char *begin = *line + strspn(*line, " \t\r\n");
	size_t len = strcspn(begin, " \t\r\n");
	if (*begin == '#')
		len = 0;
	*line = begin + len;
	return snap_bytes(begin, len);
}

static int read_pin(struct snap_pins *pins, const char *line, const char **ret_why,
	struct snap_error *err)
{
	struct snap_bytes word = next_word(&line), id, into;
	*ret_why = NULL;
	if (word.len == 0)
		return 0;
	bool merges = snap_bytes_equal_str(word, "merge");
	if (!merges && !snap_bytes_equal_str(word, "split")) {
		*ret_why = "neither 'merge ID ID' nor 'split ID'";
		return -1;
	}
	id = next_word(&line);
	into = merges ? next_word(&line) : id;
	if (id.len == 0 || into.len == 0 || next_word(&line).len > 0) {
		*ret_why = merges ? "merge takes two ids" : "split takes one id";
		return -1;
	}
	return add_pin(pins, id, merges ? &into : NULL, err);
}

int snap_pins_read(struct snap_pins *pins, const char *file, struct snap_error *err)
{
	char *text = snap_user_text_read(file, SNAP_PINS_MAX_BYTES, err);
	const char *why = NULL;
	size_t number = 0;
	int r = text ? 0 : -1;
	for (char *line = text, *end; line && r == 0; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		number++;
		r = read_pin(pins, line, &why, err);
	}
	if (why)
		(void)snap_user_text_fault(file, number, why, err);
	free(text);
	return r;
}

/* ---------------------------------------------------------------- joins */

void snap_joins_deinit(struct snap_joins *joins)
{
	free(joins->joins);
	free(joins->splits);
	*joins = (struct snap_joins){0};
}

static int compare_joins(const void *a, const void *b)
{
	const struct snap_join *x = a, *y = b;
	return (x->signature > y->signature) - (x->signature < y->signature);
}

static struct snap_join *find_join(const struct snap_joins *joins, int64_t signature)
{
	const struct snap_join key = {.signature = signature};
	return joins->num > 0
		       ? bsearch(&key, joins->joins, joins->num, sizeof(key), compare_joins)
		       : NULL;
}

const struct snap_join *snap_joins_get(const struct snap_joins *joins, int64_t signature)
{
	return find_join(joins, signature);
}

int64_t snap_joins_find(const struct snap_joins *joins, int64_t signature)
{
	const struct snap_join *join = find_join(joins, signature);
	return join ? join->into : signature;
}

static int add_join(
	struct snap_joins *joins, const struct snap_join *join, struct snap_error *err)
{
	if (joins->num == joins->capacity) {
		size_t capacity = joins->capacity ? 2 * joins->capacity : 64;
		struct snap_join *grown = reallocarray(joins->joins, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		joins->joins = grown;
		joins->capacity = capacity;
	}
	joins->joins[joins->num++] = *join;
	return 0;
}

static int read_leaders(
	struct snap_db *db, struct snap_joins *joins, struct snap_error *err)
{
	struct snap_statement *statement;
	if (snap_db_prepare(db,
		    "SELECT signature, leader, similarity FROM leaders WHERE leader != signature "
		    "ORDER BY signature",
		    &statement, err) < 0)
		return -1;
	int r;
	while ((r = snap_statement_step(statement, err)) > 0) {
		const struct snap_join join = {
			.signature = snap_statement_number(statement, 0),
			.into = snap_statement_number(statement, 1),
			.has_similarity = true,
			.similarity = snap_statement_real(statement, 2),
		};
		if (add_join(joins, &join, err) < 0) {
			r = -1;
			break;
		}
	}
	snap_statement_free(statement);
	return r;
}

/* 0 if there is no such signature: nothing to pin yet. */
static int find_id(struct snap_db *db, const char *id, int64_t *ret, struct snap_error *err)
{
	struct snap_statement *statement;
	*ret = 0;
	if (snap_db_prepare(
		    db, "SELECT signature FROM signatures WHERE id = ?1 AND text IS NOT NULL", &statement, err) < 0)
		return -1;
	snap_statement_bind_text(statement, 1, id);
	int r = snap_statement_step(statement, err);
	if (r > 0)
		*ret = snap_statement_number(statement, 0);
	snap_statement_free(statement);
	return r < 0 ? -1 : 0;
}

/* All that is part of what from is part of becomes part of what into is part of. */
static int merge(struct snap_joins *joins, int64_t from, int64_t into, struct snap_error *err)
{
	int64_t old = snap_joins_find(joins, from), new = snap_joins_find(joins, into);
	if (old == new)
		return 0;
	for (size_t i = 0; i < joins->num; i++)
		if (joins->joins[i].into == old)
			joins->joins[i].into = new;
	const struct snap_join join = {.signature = old, .into = new};
	if (add_join(joins, &join, err) < 0)
		return -1;
	qsort(joins->joins, joins->num, sizeof(joins->joins[0]), compare_joins);
	return 0;
}

/* What joined it stays joined to it. */
static void split(struct snap_joins *joins, int64_t signature)
{
	struct snap_join *join = find_join(joins, signature);
	if (!join)
		return;
	size_t at = (size_t)(join - joins->joins);
	memmove(join, join + 1, (joins->num - at - 1) * sizeof(*join));
	joins->num--;
}

static int compare_rows(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static bool is_split(const struct snap_joins *joins, int64_t signature)
{
	return joins->num_splits > 0 && bsearch(&signature, joins->splits, joins->num_splits,
						sizeof(signature), compare_rows);
}

int snap_joins_read(struct snap_index *index, bool similar, const struct snap_pins *pins,
	struct snap_joins *ret, struct snap_error *err)
{
	struct snap_db *db = snap_index_db(index);
	int64_t id, into;
	int r = similar ? read_leaders(db, ret, err) : 0;
	ret->splits = calloc(pins->num + 1, sizeof(ret->splits[0]));
	if (!ret->splits)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < pins->num && r == 0; i++) {
		if (pins->pins[i].into)
			continue;
		r = find_id(db, pins->pins[i].id, &id, err);
		ret->num_unknown += r == 0 && id == 0;
		if (r == 0 && id != 0) {
			ret->splits[ret->num_splits++] = id;
			split(ret, id);
		}
	}
	qsort(ret->splits, ret->num_splits, sizeof(ret->splits[0]), compare_rows);
	for (size_t i = 0; i < pins->num && r == 0; i++) {
		if (!pins->pins[i].into)
			continue;
		r = find_id(db, pins->pins[i].id, &id, err);
		if (r == 0)
			r = find_id(db, pins->pins[i].into, &into, err);
		ret->num_unknown += r == 0 && (id == 0 || into == 0);
		if (r == 0 && id != 0 && into != 0 && !is_split(ret, id) && !is_split(ret, into))
			r = merge(ret, id, into, err);
	}
	return r;
}
