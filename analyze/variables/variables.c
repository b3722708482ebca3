#include "analyze/variables/variables.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/dwarf/children.h"
#include "analyze/find/candidate.h"
#include "analyze/sandbox/note.h"
#include "analyze/symbols/object.h"
#include "analyze/variables/evaluate.h"
#include "analyze/variables/print.h"
#include "analyze/variables/scopes.h"
#include "analyze/variables/types.h"

/* Of one frame. */
#define MAX_VARIABLES 256
#define MAX_VALUE     4096
#define MAX_TYPE      512

/* ---------------------------------------------------------------- one variable */

struct list {
	struct snap_variable *items;
	size_t num, capacity;
};

struct frame_variables {
	struct list arguments, locals;
	uint64_t orders[MAX_VARIABLES]; /* of arguments: where they are declared */
	size_t num_left_out;
};

/* A constant as a location. */
static void constant_location(const struct snap_view *view,
	const struct snap_variable_entry *variable, struct snap_location *ret)
{
	const struct snap_attr *attr = &variable->constant;
	struct snap_piece *piece = &ret->pieces[0];
	ret->is_whole = true;
	ret->num_pieces = 1;
	*piece = (struct snap_piece){.kind = SNAP_PIECE_BYTES, .bytes = attr->block};
	if (attr->block.data) {
		/* A string's NUL belongs to it. */
		if (attr->form == DW_FORM_string)
			piece->bytes.len++;
		return;
	}
	const char *string = snap_attr_string(variable->constant_unit, attr);
	if (string) {
		piece->bytes = snap_bytes(string, strlen(string) + 1);
		return;
	}
	piece->kind = SNAP_PIECE_VALUE;
	piece->value_len = 8;
	for (unsigned int i = 0; i < 8; i++)
		piece->value[view->arch->elf_data == 2 ? 7 - i : i] =
			(uint8_t)(attr->value >> (8 * i));
}

static enum snap_variable_state state_of(const struct snap_print_counts *counts)
{
	static const enum snap_variable_state states[] = {
		[SNAP_BITS_KNOWN] = SNAP_VARIABLE_VALUE,
		[SNAP_BITS_OPTIMIZED_OUT] = SNAP_VARIABLE_OPTIMIZED_OUT,
		[SNAP_BITS_NOT_CAPTURED] = SNAP_VARIABLE_NOT_CAPTURED,
		[SNAP_BITS_ERROR] = SNAP_VARIABLE_ERROR,
	};
	size_t kinds = 0;
	enum snap_variable_state state = SNAP_VARIABLE_VALUE;
	for (size_t i = 0; i < 4; i++)
		if (counts->num[i] > 0) {
			kinds++;
			state = states[i];
		}
	return kinds > 1 ? SNAP_VARIABLE_PARTIAL : state;
}

/* A copy out of the budget; NULL without memory. */
static const char *keep(struct snap_views *views, const char *s)
{
	size_t len = strlen(s) + 1;
	views->left.text -= len < views->left.text ? len : views->left.text;
	return snap_arena_copy(&views->crash->arena, snap_bytes_str(s));
}

static int add(const struct snap_view *view, struct frame_variables *to, bool is_argument,
	struct snap_die die)
{
	struct snap_views *views = view->views;
	struct list *list = is_argument ? &to->arguments : &to->locals;
	struct snap_variable_entry variable;
	char value[MAX_VALUE], type[MAX_TYPE];
	struct snap_text text, type_text;
	struct snap_location location;
	struct snap_print_counts counts;
	snap_variable_entry_read(view, die, &variable);
	/* Declared here, and nowhere in the frame. */
	if (variable.is_declaration && !snap_attr_is_there(&variable.location) &&
		!snap_attr_is_there(&variable.constant))
		return 0;
	/* Compilers' own variables have neither name nor anything that people look for. */
	if (!variable.name && !is_argument)
		return 0;
	if (list->num == MAX_VARIABLES || views->left.variables == 0 || views->left.text == 0) {
		to->num_left_out++;
		return 0;
	}
	views->left.variables--;
	snap_evaluate_attribute(view, variable.located, &variable.location, NULL, &location);
	/* What is nowhere may be the same everywhere. */
	if (snap_attr_is_there(&variable.constant) && location.is_whole &&
		location.pieces[0].kind == SNAP_PIECE_NOTHING &&
		location.pieces[0].bits == SNAP_BITS_OPTIMIZED_OUT)
		constant_location(view, &variable, &location);
	snap_text_init(&text, value, sizeof(value));
	snap_text_init(&type_text, type, sizeof(type));
	snap_print_value(view, variable.type, &location, &text, &counts);
	snap_type_name(view, variable.type, &type_text);
	struct snap_variable item = {
		.name = variable.name ? keep(views, variable.name) : NULL,
		.type = variable.has_type ? keep(views, type) : "",
		.value = keep(views, value),
		.state = state_of(&counts),
	};
	const struct snap_piece *piece = &location.pieces[0];
	if (location.is_whole && piece->kind == SNAP_PIECE_MEMORY) {
		item.has_address = true;
		item.address = piece->address;
	}
	struct snap_variable *items = snap_arena_grow(
		&views->crash->arena, list->items, list->num, &list->capacity, sizeof(*items));
	if (!items || !item.type || !item.value || (variable.name && !item.name))
		return -1;
	list->items = items;
	if (is_argument)
		to->orders[list->num] = variable.declared;
	items[list->num++] = item;
	return 0;
}

/* As the source has them: a compiler may list those of an inlined function in another order. */
static void sort_arguments(struct frame_variables *to)
{
	struct snap_variable *items = to->arguments.items;
	for (size_t i = 1; i < to->arguments.num; i++)
		for (size_t j = i; j > 0 && to->orders[j] < to->orders[j - 1]; j--) {
			struct snap_variable item = items[j];
			uint64_t order = to->orders[j];
			items[j] = items[j - 1];
			to->orders[j] = to->orders[j - 1];
			items[j - 1] = item;
			to->orders[j - 1] = order;
		}
}

/* ---------------------------------------------------------------- one frame */

/* Where an entry's abstract instance is. */
static bool origin_of(const struct snap_view *view, struct snap_die die, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_abstract_origin};
	struct snap_attr attr;
	return snap_view_attrs(view, die, names, &attr, 1) && snap_attr_die(die.unit, &attr, ret);
}

static bool is_variable(uint32_t tag)
{
	return tag == DW_TAG_variable || tag == DW_TAG_constant;
}

/* Which entries of an abstract instance have a concrete one. */
struct seen {
	uint64_t offs[MAX_VARIABLES];
	size_t num;
};

static bool was_seen(const struct seen *seen, uint64_t off)
{
	for (size_t i = 0; i < seen->num; i++)
		if (seen->offs[i] == off)
			return true;
	return false;
}

/* The members of a COMMON block: which of them, each function declares anew. */
static int add_common(const struct snap_view *view, struct snap_die block,
	struct frame_variables *to, struct seen *seen)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, block, &view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_die origin;
		if (!is_variable(child.abbrev->tag) || was_seen(seen, child.die.off))
			continue;
		if (origin_of(view, child.die, &origin) && seen->num < MAX_VARIABLES)
			seen->offs[seen->num++] = origin.off;
		if (add(view, to, false, child.die) < 0)
			return -1;
	}
	return 0;
}

/* What the entry's children declare, and Fortran's COMMON blocks among them. */
static int add_children(const struct snap_view *view, struct snap_die scope,
	struct frame_variables *to, bool wants_locals, struct seen *seen)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, scope, &view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		bool is_argument = child.abbrev->tag == DW_TAG_formal_parameter;
		struct snap_die origin;
		if (child.abbrev->tag == DW_TAG_common_block && wants_locals &&
			add_common(view, child.die, to, seen) < 0)
			return -1;
		if (!is_argument && !is_variable(child.abbrev->tag))
			continue;
		if (origin_of(view, child.die, &origin) && seen->num < MAX_VARIABLES)
			seen->offs[seen->num++] = origin.off;
		if ((is_argument || wants_locals) && add(view, to, is_argument, child.die) < 0)
			return -1;
	}
	return 0;
}

/* What only the abstract instance of a function still knows: it was optimised out, but for what is
 * in COMMON blocks, which a concrete one may leave out. */
static int add_lost(const struct snap_view *view, struct snap_die scope, struct frame_variables *to,
	bool wants_locals, struct seen *seen)
{
	struct snap_die abstract;
	struct snap_children children;
	struct snap_child child;
	if (!origin_of(view, scope, &abstract))
		return 0;
	snap_children_begin(&children, abstract, &view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		bool is_argument = child.abbrev->tag == DW_TAG_formal_parameter;
		if (child.abbrev->tag == DW_TAG_common_block && wants_locals &&
			add_common(view, child.die, to, seen) < 0)
			return -1;
		if ((!is_argument && !(wants_locals && is_variable(child.abbrev->tag))) ||
			was_seen(seen, child.die.off))
			continue;
		if (add(view, to, is_argument, child.die) < 0)
			return -1;
	}
	return 0;
}

/* The variables of scopes [first, end): those of one function, innermost block first. */
static int read_function(const struct snap_view *view, const struct snap_scopes *scopes,
	size_t first, size_t end, bool wants_locals, struct snap_listed_frame *listed)
{
	struct frame_variables to = {0};
	struct seen *seen = malloc(sizeof(*seen));
	int r = seen ? 0 : -1;
	if (seen)
		seen->num = 0;
	for (size_t i = end; i-- > first && r == 0;)
		if (i == first || wants_locals)
			r = add_children(view, scopes->list[i].die, &to, wants_locals, seen);
	if (r == 0)
		r = add_lost(view, scopes->list[first].die, &to, wants_locals, seen);
	free(seen);
	sort_arguments(&to);
	listed->arguments = to.arguments.items;
	listed->num_arguments = to.arguments.num;
	listed->locals = to.locals.items;
	listed->num_locals = to.locals.num;
	listed->num_left_out = to.num_left_out;
	return r;
}

/* lines: the listed lines of one frame, innermost first. */
static int read_frame(struct snap_views *views, const struct snap_crash_thread *thread,
	size_t frame, struct snap_listed_frame *lines, size_t num_lines, bool wants_locals)
{
	struct snap_view view;
	struct snap_scopes scopes;
	if (!snap_view_init(views, thread, frame, &view))
		return 0;
	SNAP_READING_SLOT(snap_object_note(view.object));
	snap_scopes_find(&view, &scopes);
	size_t num_functions = 0;
	for (size_t i = 0; i < scopes.num; i++)
		num_functions += scopes.list[i].is_function;
	/* If they are not the same functions, only the outermost is sure to be. */
	size_t num = num_functions == num_lines ? num_lines : 1;
	size_t first = 0;
	for (size_t i = 0; i < num; i++) {
		size_t end = first + 1;
		while (end < scopes.num && !scopes.list[end].is_function)
			end++;
		if (read_function(&view, &scopes, first, end, wants_locals,
			    &lines[num_lines - 1 - i]) < 0)
			return -1;
		first = end;
	}
	return 0;
}

static int read_thread(
	struct snap_views *views, struct snap_crash_thread *thread, bool wants_locals)
{
	/* They are the model's own, which symbols/ has made. */
	struct snap_listed_frame *listed = (struct snap_listed_frame *)thread->listed;
	for (size_t i = 0, num; i < thread->num_listed; i += num) {
		num = 1;
		while (i + num < thread->num_listed && listed[i + num].frame == listed[i].frame)
			num++;
		const struct snap_frame *frame = &thread->frames[listed[i].frame];
		/* A trampoline has no variables. */
		if (!frame->is_signal && read_frame(views, thread, listed[i].frame, &listed[i], num,
						 wants_locals) < 0)
			return -1;
	}
	return 0;
}

/* Why frames of such modules have none. */
static int note_split(struct snap_crash *crash, struct snap_error *err)
{
	enum { MAX_PATH_SHOWN = 300 };
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		const struct snap_candidate *missing = snap_candidates_split(module->candidates);
		const struct snap_bytes path = module->record.path;
		if (!missing || !module->has_frame)
			continue;
		const char *words = snap_crash_format(crash,
			"variables of %.*s are not known where its split debug information is "
			"missing: %.300s: %s",
			(int)(path.len < MAX_PATH_SHOWN ? path.len : MAX_PATH_SHOWN),
			path.len > 0 ? (const char *)path.data : "", missing->path,
			snap_candidate_fate_words(missing->fate));
		if (!words)
			return snap_error_no_memory(err);
		if (snap_crash_note(crash, snap_bytes_str(words), err) < 0)
			return -1;
	}
	return 0;
}

int snap_variables_read(
	struct snap_crash *crash, enum snap_variables_wanted wanted, struct snap_error *err)
{
	struct snap_views views;
	int r = 0;
	if (wanted == SNAP_VARIABLES_DEFAULT || wanted == SNAP_VARIABLES_NONE)
		return 0;
	snap_views_init(&views, crash);
	for (size_t i = 0; i < crash->num_threads && r == 0; i++)
		r = read_thread(&views, &crash->threads[i],
			wanted == SNAP_VARIABLES_ALL ||
				(wanted == SNAP_VARIABLES_CRASHED && crash->threads[i].crashed));
	const struct snap_variables_budget *left = &views.left;
	bool is_limited = left->entries == 0 || left->list_bytes == 0 || left->steps == 0 ||
			  left->text == 0 || left->variables == 0;
	if (r < 0)
		return snap_error_no_memory(err);
	if (note_split(crash, err) < 0)
		return -1;
	if (is_limited)
		return snap_crash_note(crash,
			snap_bytes_str("variables are not shown of all frames: they take too much "
				       "work"),
			err);
	return 0;
}
