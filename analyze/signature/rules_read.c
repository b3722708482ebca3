/*
 * Reads rules, the built-in ones and those of a file that the user wrote.
 */
#include "analyze/signature/rules.h"

#include <ctype.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/signature/levels.h"
#include "analyze/signature/rule_set.h"
#include "analyze/user_text.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SPACES	     " \t"

static const char builtin[] =
#include "analyze/signature/builtin_rules.h"
	;

struct reading {
	struct snap_rules *rules;
	const char *file; /* NULL: the built-in ones */
	size_t line;
	struct snap_error *err;
};

static int fault(const struct reading *r, const char *what, const char *word)
{
	char shown[96], text[256];
	(void)snap_escape(snap_bytes_str(word), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
	(void)snprintf(text, sizeof(text), "%s%s%s%s", what, word[0] ? " '" : "", shown,
		word[0] ? "'" : "");
	return snap_user_text_fault(r->file ? r->file : "built-in rules", r->line, text, r->err);
}

/* The word at *at, ended there; *at is moved behind it and the spaces that follow. NULL: none. */
static char *take_word(char **at)
{
	char *word = *at;
	if (*word == '\0')
		return NULL;
	word += strspn(word, SPACES);
	char *end = word + strcspn(word, SPACES);
	*at = end + strspn(end, SPACES);
	*end = '\0';
	return word;
}

/*
 * What follows the last " = ", at which the text is ended: there may be others within names. Nothing
 * may follow. NULL: there is none.
 */
static char *cut_at_equals(char *text)
{
	static const char sign[] = " =";
	char *at = NULL;
	for (char *p = text; (p = strstr(p, sign)); p++)
		if (p[2] == ' ' || p[2] == '\0')
			at = p;
	if (!at)
		return NULL;
	*at = '\0';
	return at[2] == ' ' ? at + 3 : at + 2;
}

static struct snap_rules_library *find_library(struct snap_rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->num_libraries; i++)
		if (strcmp(rules->libraries[i].name, name) == 0)
			return &rules->libraries[i];
	return NULL;
}

/* A library that is named again gets more modules. */
static int take_library(const struct reading *r, char *rest)
{
	struct snap_rules *rules = r->rules;
	const char *name = take_word(&rest);
	if (!name || *rest == '\0')
		return fault(r, "a library takes a name and modules", "");
	struct snap_rules_library *library = find_library(rules, name);
	if (!library) {
		if (rules->num_libraries == SNAP_RULES_MAX_LIBRARIES)
			return fault(r, "too many libraries:", name);
		library = &rules->libraries[rules->num_libraries++];
		library->name = name;
	}
	for (char *pattern = take_word(&rest); pattern; pattern = take_word(&rest)) {
		const char **patterns = snap_arena_grow(&rules->arena, library->patterns,
			library->num_patterns, &library->capacity, sizeof(patterns[0]));
		if (!patterns)
			return snap_error_no_memory(r->err);
		library->patterns = patterns;
		patterns[library->num_patterns++] = pattern;
	}
	return 0;
}

/* The modules that a rule is for. */
static int read_modules(const struct reading *r, const char *modules, struct snap_rule *rule)
{
	rule->modules = modules;
	if (modules[0] != '@')
		return 0;
	const struct snap_rules_library *library = find_library(r->rules, modules + 1);
	if (!library)
		return fault(r, "no library is called", modules + 1);
	rule->library = UINT32_C(1) << (library - r->rules->libraries);
	return 0;
}

static struct snap_rule begin_rule(const struct reading *r, enum snap_rule_action action)
{
	return (struct snap_rule){.action = action, .is_builtin = !r->file, .line = r->line};
}

/* Modules and a function, to the end of the line. */
static int read_rule(const struct reading *r, char *rest, struct snap_rule *rule)
{
	const char *modules = take_word(&rest);
	rule->function = rest;
	if (!modules || *rest == '\0')
		return fault(r, "a rule takes modules and a function", "");
	return read_modules(r, modules, rule);
}

static int add_rule(struct snap_rules *rules, struct snap_rule_list *list,
	const struct snap_rule *rule, struct snap_error *err)
{
	struct snap_rule *array = snap_arena_grow(
		&rules->arena, list->rules, list->num, &list->capacity, sizeof(*rule));
	if (!array)
		return snap_error_no_memory(err);
	list->rules = array;
	array[list->num++] = *rule;
	return 0;
}

static int take_rename(const struct reading *r, char *rest)
{
	struct snap_rule rule = begin_rule(r, SNAP_RULE_RENAME);
	char *to = cut_at_equals(rest);
	if (!to || *to == '\0')
		return fault(r, "a name and another are told as in 'rename MODULES NAME = NAME'", "");
	rule.to = to;
	if (read_rule(r, rest, &rule) < 0)
		return -1;
	const char *star = strchr(rule.function, '*'), *to_star = strchr(rule.to, '*');
	if ((star && strchr(star + 1, '*')) || (to_star && (!star || strchr(to_star + 1, '*'))))
		return fault(r, "in names that are changed, one * stands for the same in both", "");
	return add_rule(r->rules, &r->rules->renames, &rule, r->err);
}

static int take_rule(const struct reading *r, enum snap_rule_action action, char *rest)
{
	struct snap_rule rule = begin_rule(r, action);
	if (read_rule(r, rest, &rule) < 0)
		return -1;
	return add_rule(r->rules, &r->rules->frames, &rule, r->err);
}

/* ---------------------------------------------------------------- parts of names */

/* Of a suffix with a class: which, and what stands before it. */
static int read_class(const struct reading *r, struct snap_rule *rule)
{
	const char *percent = strchr(rule->function, '%');
	if (!percent)
		return 0;
	rule->class = strcmp(percent, "%n") == 0   ? SNAP_RULE_NUMBER
		      : strcmp(percent, "%h") == 0 ? SNAP_RULE_HASH
						   : SNAP_RULE_LITERAL;
	if (rule->class == SNAP_RULE_LITERAL)
		return fault(r, "a suffix may end with %n or %h, and has no other %:", rule->function);
	rule->text.len = (size_t)(percent - rule->function);
	/* Which would be part of the number. */
	if (rule->text.len == 0 || isxdigit((unsigned char)percent[-1]))
		return fault(r, "before %n and %h stands what is no hexadecimal digit:", rule->function);
	return 0;
}

static int check_part(const struct reading *r, struct snap_rule *rule)
{
	const char *part = rule->function;
	if (rule->action != SNAP_RULE_SYNONYM &&
		(strchr(part, '*') || (rule->whole && strchr(rule->whole, '*'))))
		return fault(r, "parts of names have no *:", part);
	if (rule->action == SNAP_RULE_VARIANT && strchr(part, '_'))
		return fault(r, "a variant has no _:", part);
	if (rule->action == SNAP_RULE_FAMILY && part[0] == '_')
		return fault(r, "a family begins behind the _ of its functions:", part);
	if (rule->text.len > SNAP_RULES_MAX_TEXT)
		return fault(r, "more than 63 bytes:", part);
	if (rule->to && strlen(rule->to) > SNAP_RULES_MAX_TEXT)
		return fault(r, "more than 63 bytes:", rule->to);
	return 0;
}

static int add_part(const struct reading *r, struct snap_rule rule)
{
	struct snap_rules *rules = r->rules;
	rule.text = snap_bytes_str(rule.function);
	if (rule.whole) {
		size_t len = rule.text.len;
		char *text = snap_arena_alloc(&rules->arena, len + strlen(rule.whole) + 1);
		if (!text)
			return snap_error_no_memory(r->err);
		(void)strcpy(mempcpy(text, rule.function, len), rule.whole);
		rule.text = snap_bytes_str(text);
	}
	if (rule.action == SNAP_RULE_SUFFIX && read_class(r, &rule) < 0)
		return -1;
	if (check_part(r, &rule) < 0)
		return -1;
	if (rules->parts.num == SNAP_RULES_MAX_PARTS)
		return fault(r, "too many rules for parts of names, of which there may be 4096:",
			rule.function);
	return add_rule(rules, &rules->parts, &rule, r->err);
}

static int take_synonym(const struct reading *r, struct snap_rule *rule, char *rest)
{
	if (!rule->is_not && !(rule->to = cut_at_equals(rest)))
		return fault(r, "a part of names and what it means are told as in 'synonym MODULES PART = PART'", "");
	rule->function = rest;
	return *rest == '\0' ? fault(r, "a rule takes modules and parts of names", "")
			     : add_part(r, *rule);
}

static int take_parts(
	const struct reading *r, enum snap_rule_action action, bool is_not, char *rest)
{
	struct snap_rule rule = begin_rule(r, action);
	const char *modules = take_word(&rest);
	rule.is_not = is_not;
	if (!modules || *rest == '\0')
		return fault(r, "a rule takes modules and parts of names", "");
	if (read_modules(r, modules, &rule) < 0)
		return -1;
	if (action == SNAP_RULE_SYNONYM)
		return take_synonym(r, &rule, rest);
	rule.function = take_word(&rest);
	bool is_of_some = action == SNAP_RULE_STRIP && *rest != '\0';
	if (!is_of_some && add_part(r, rule) < 0)
		return -1;
	for (const char *word = take_word(&rest); word; word = take_word(&rest)) {
		if (is_of_some)
			rule.whole = word;
		else
			rule.function = word;
		if (add_part(r, rule) < 0)
			return -1;
	}
	return 0;
}

static struct snap_rule_table *table_of(struct snap_rules *rules, const struct snap_rule *rule)
{
	switch (rule->action) {
	case SNAP_RULE_SUFFIX:
		return &rules->suffixes[rule->class];
	case SNAP_RULE_SYNONYM:
		return &rules->synonyms;
	case SNAP_RULE_FAMILY:
		return &rules->families;
	case SNAP_RULE_VARIANT:
		return &rules->variants;
	default:
		return rule->whole ? &rules->whole_strips : &rules->strips;
	}
}

/* How many of these rules are in that table. */
static size_t count_in(struct snap_rules *rules, const struct snap_rule_table *table)
{
	size_t num = 0;
	for (size_t i = 0; i < rules->parts.num; i++)
		num += table_of(rules, &rules->parts.rules[i]) == table;
	return num;
}

/* When all are read: in which order they count is known, and they stay where they are. */
static int make_tables(struct snap_rules *rules, const char *file, struct snap_error *err)
{
	struct snap_rule_table *tables[] = {&rules->strips, &rules->whole_strips,
		&rules->synonyms, &rules->families, &rules->variants, &rules->suffixes[0],
		&rules->suffixes[1], &rules->suffixes[2]};
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (snap_rule_table_init(tables[i], count_in(rules, tables[i]), i >= 5,
			    &rules->arena) < 0)
			return snap_error_no_memory(err);
	rules->growth = 1;
	for (size_t i = 0; i < rules->parts.num; i++) {
		const struct snap_rule *rule = &rules->parts.rules[i], *before;
		if (snap_rule_table_add(table_of(rules, rule), rule, &rules->arena, &before) < 0)
			return snap_error_no_memory(err);
		if (before) {
			const struct reading r = {.rules = rules,
				.file = rule->is_builtin ? NULL : file,
				.line = rule->line,
				.err = err};
			char text[64];
			(void)snprintf(text, sizeof(text), "stands in line %zu already:", before->line);
			return fault(&r, text, rule->function);
		}
		size_t growth = rule->to ? (strlen(rule->to) + rule->text.len - 1) / rule->text.len : 0;
		if (growth > rules->growth)
			rules->growth = growth;
	}
	return 0;
}

/* ---------------------------------------------------------------- the whole */

static int take_reset(const struct reading *r, const char *what)
{
	struct snap_rules *rules = r->rules;
	if (strcmp(what, "names") == 0) {
		rules->parts.num = 0;
		rules->is_parts_reset = true;
	} else if (*what == '\0') {
		rules->frames.num = rules->renames.num = 0;
		rules->is_reset = true;
	} else {
		return fault(r, "only 'names' can be reset alone, not", what);
	}
	return 0;
}

static int take_action(const struct reading *r, const char *word, bool is_not, char *rest)
{
	for (int action = SNAP_RULE_KEEP; action <= SNAP_RULE_VARIANT; action++) {
		if (strcmp(word, snap_rule_action_name((enum snap_rule_action)action)) != 0)
			continue;
		if (action >= SNAP_RULE_STRIP)
			return take_parts(r, (enum snap_rule_action)action, is_not, rest);
		if (is_not)
			return fault(r, "'not' is for rules for parts of names:", word);
		return action == SNAP_RULE_RENAME
			       ? take_rename(r, rest)
			       : take_rule(r, (enum snap_rule_action)action, rest);
	}
	return fault(r, "unknown action", word);
}

static int take_depth(const struct reading *r, const char *name)
{
	for (int i = 0; i < SNAP_SIGNATURE_NUM_DEPTHS; i++)
		if (strcmp(name, snap_signature_depth_name((enum snap_signature_depth)i)) == 0) {
			r->rules->depth = (enum snap_signature_depth)i;
			return 0;
		}
	return fault(r, name[0] ? "depth takes 1, 2, 3, 5 or all, not" : "depth takes 1, 2, 3, 5 or all", name);
}

static int take_line(const struct reading *r, char *line)
{
	/* At the end nothing means anything: functions are told to the end of a line. */
	for (size_t len = strlen(line); len > 0 && strchr(SPACES "\r", line[len - 1]); len--)
		line[len - 1] = '\0';
	const char *word = take_word(&line);
	if (!word || word[0] == '#' || word[0] == '\0')
		return 0;
	if (strcmp(word, "library") == 0)
		return take_library(r, line);
	if (strcmp(word, "depth") == 0)
		return take_depth(r, line);
	if (strcmp(word, "reset") == 0)
		return take_reset(r, line);
	bool is_not = strcmp(word, "not") == 0;
	if (is_not && !(word = take_word(&line)))
		return fault(r, "'not' is for rules for parts of names", "");
	return take_action(r, word, is_not, line);
}

/* text: owned by the arena; is changed, and kept. */
static int take_text(struct reading *r, char *text)
{
	while (text) {
		char *end = strchr(text, '\n');
		if (end)
			*end++ = '\0';
		r->line++;
		if (take_line(r, text) < 0)
			return -1;
		text = end;
	}
	return 0;
}

static void digest_text(const char *text, char ret[2 * SHA256_DIGEST_LENGTH + 1])
{
	SHA2_CTX context;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256Init(&context);
	SHA256Update(&context, (const uint8_t *)text, strlen(text));
	SHA256Final(digest, &context);
	snap_hex(snap_bytes(digest, sizeof(digest)), ret);
}

static int read_file(struct snap_rules *rules, const char *file, struct snap_error *err)
{
	struct reading reading = {.rules = rules, .file = file, .err = err};
	char *text = snap_user_text_read(file, SNAP_RULES_MAX_BYTES, err);
	char *copy = text ? snap_arena_copy(&rules->arena, snap_bytes_str(text)) : NULL;
	if (text && !copy)
		(void)snap_error_no_memory(err);
	if (text)
		digest_text(text, rules->digest);
	free(text);
	return copy ? take_text(&reading, copy) : -1;
}

static int read_builtin(struct snap_rules *rules, struct snap_error *err)
{
	struct reading reading = {.rules = rules, .err = err};
	char *text = snap_arena_copy(&rules->arena, snap_bytes_str(builtin));
	return text ? take_text(&reading, text) : snap_error_no_memory(err);
}

/* Those of the other, whose strings are in the same arena, behind its own. */
static int append(struct snap_rules *rules, struct snap_rule_list *list,
	const struct snap_rule_list *other, struct snap_error *err)
{
	for (size_t i = 0; i < other->num; i++)
		if (add_rule(rules, list, &other->rules[i], err) < 0)
			return -1;
	return 0;
}

/*
 * The file's rules stand before the built-in ones, but can name their libraries: those are read
 * first.
 */
static int read_all(struct snap_rules *rules, const char *file, struct snap_error *err)
{
	if (read_builtin(rules, err) < 0)
		return -1;
	if (!file)
		return make_tables(rules, file, err);
	const struct snap_rule_list frames = rules->frames, renames = rules->renames,
				    parts = rules->parts;
	rules->frames = rules->renames = rules->parts = (struct snap_rule_list){.num = 0};
	if (read_file(rules, file, err) < 0 ||
		(!rules->is_reset && (append(rules, &rules->frames, &frames, err) < 0 ||
					     append(rules, &rules->renames, &renames, err) < 0)) ||
		(!rules->is_parts_reset && append(rules, &rules->parts, &parts, err) < 0))
		return -1;
	return make_tables(rules, file, err);
}

struct snap_rules *snap_rules_load(const char *file, struct snap_error *err)
{
	struct snap_rules *rules = calloc(1, sizeof(*rules));
	if (!rules) {
		(void)snap_error_no_memory(err);
		return NULL;
	}
	snap_arena_init(&rules->arena, SIZE_MAX);
	if (read_all(rules, file, err) == 0)
		return rules;
	snap_rules_free(rules);
	return NULL;
}
