#include "analyze/signature/rules.h"

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/user_text.h"
#include "common/arena.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SPACES	     " \t"

static const char builtin[] =
#include "analyze/signature/builtin_rules.h"
	;

struct library {
	const char *name;
	const char **patterns;
	size_t num_patterns, capacity;
};

/* A function of one name gets another; a "*" stands for the same in both. */
struct rename {
	struct snap_rule rule; /* function: the name that it has */
	const char *to;
};

struct snap_rules {
	struct snap_arena arena;
	struct library libraries[SNAP_RULES_MAX_LIBRARIES];
	size_t num_libraries;
	struct snap_rule *rules;
	size_t num_rules, capacity;
	struct rename *renames;
	size_t num_renames, renames_capacity;
	char digest[2 * SHA256_DIGEST_LENGTH + 1]; /* of the file's text */
	bool is_reset; /* the built-in ones are not wanted */
};

static const char *const actions[] = {
	[SNAP_RULE_KEEP] = "keep",
	[SNAP_RULE_SKIP] = "skip",
	[SNAP_RULE_PREFIX] = "prefix",
	[SNAP_RULE_TAIL] = "tail",
	[SNAP_RULE_OUTER] = "outer",
};

const char *snap_rules_digest(const struct snap_rules *rules)
{
	return rules->digest;
}

const char *snap_rule_action_name(enum snap_rule_action action)
{
	return actions[action];
}

/* ---------------------------------------------------------------- matching */

/* "*" stands for any characters. Takes at most len * strlen(pattern) steps. */
static bool matches(const char *pattern, const uint8_t *text, size_t len)
{
	const char *star = NULL;
	size_t at = 0, star_at = 0;
	while (at < len) {
		if (*pattern == '*') {
			star = ++pattern;
			star_at = at;
		} else if (*pattern != '\0' && (uint8_t)*pattern == text[at]) {
			pattern++;
			at++;
		} else if (star) {
			pattern = star;
			at = ++star_at;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

uint32_t snap_rules_libraries(const struct snap_rules *rules, struct snap_bytes module)
{
	uint32_t ret = 0;
	for (size_t i = 0; i < rules->num_libraries; i++) {
		const struct library *library = &rules->libraries[i];
		for (size_t j = 0; j < library->num_patterns; j++)
			if (matches(library->patterns[j], module.data, module.len))
				ret |= UINT32_C(1) << i;
	}
	return ret;
}

static bool is_in(const struct snap_rule *rule, struct snap_bytes module, uint32_t of_module,
	uint32_t present)
{
	if (rule->library == 0)
		return matches(rule->modules, module.data, module.len);
	/* Linked into others, it is no longer known which functions are the library's. */
	return of_module & rule->library ||
	       (!(present & rule->library) && strcmp(rule->function, "*") != 0);
}

const struct snap_rule *snap_rules_find(const struct snap_rules *rules, const char *function,
	struct snap_bytes module, uint32_t present)
{
	uint32_t of_module = snap_rules_libraries(rules, module);
	size_t len = strlen(function);
	for (size_t i = 0; i < rules->num_rules; i++) {
		const struct snap_rule *rule = &rules->rules[i];
		if (is_in(rule, module, of_module, present) &&
			matches(rule->function, (const uint8_t *)function, len))
			return rule;
	}
	return NULL;
}

/* name with what stands for the "*" of from, of which there is one at most, in to. */
static const char *substitute(
	const char *from, const char *to, const char *name, struct snap_arena *arena)
{
	const char *star = strchr(from, '*'), *to_star = strchr(to, '*');
	if (!star || !to_star)
		return snap_arena_copy(arena, snap_bytes_str(to));
	size_t before = (size_t)(star - from), behind = strlen(star + 1);
	size_t len = strlen(name) - before - behind;
	char *ret = snap_arena_alloc(arena, strlen(to) + len);
	if (!ret)
		return NULL;
	char *p = mempcpy(ret, to, (size_t)(to_star - to));
	p = mempcpy(p, name + before, len);
	(void)strcpy(p, to_star + 1);
	return ret;
}

const char *snap_rules_rename(const struct snap_rules *rules, const char *name,
	struct snap_bytes module, uint32_t present, struct snap_arena *arena)
{
	uint32_t of_module = snap_rules_libraries(rules, module);
	for (size_t i = 0; i < rules->num_renames && name; i++) {
		const struct rename *rename = &rules->renames[i];
		const char *from = rename->rule.function;
		if (is_in(&rename->rule, module, of_module, present) &&
			matches(from, (const uint8_t *)name, strlen(name)))
			name = substitute(from, rename->to, name, arena);
	}
	return name;
}

/* ---------------------------------------------------------------- reading */

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

static struct library *find_library(struct snap_rules *rules, const char *name)
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
	struct library *library = find_library(rules, name);
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

/* Modules and a function, to the end of the line. */
static int read_rule(const struct reading *r, enum snap_rule_action action, char *rest,
	struct snap_rule *ret)
{
	struct snap_rules *rules = r->rules;
	*ret = (struct snap_rule){.action = action, .is_builtin = !r->file, .line = r->line};
	ret->modules = take_word(&rest);
	ret->function = rest;
	if (!ret->modules || *rest == '\0')
		return fault(r, "a rule takes modules and a function", "");
	if (ret->modules[0] == '@') {
		const struct library *library = find_library(rules, ret->modules + 1);
		if (!library)
			return fault(r, "no library is called", ret->modules + 1);
		ret->library = UINT32_C(1) << (library - rules->libraries);
	}
	return 0;
}

static int take_rename(const struct reading *r, char *rest)
{
	static const char sign[] = " = ";
	struct snap_rules *rules = r->rules;
	struct rename rename;
	/* The last one: there may be others within names. */
	char *at = NULL;
	for (char *p = rest; (p = strstr(p, sign)); p++)
		at = p;
	if (!at)
		return fault(r, "a name and another are told as in 'rename MODULES NAME = NAME'", "");
	*at = '\0';
	rename.to = at + strlen(sign);
	if (read_rule(r, SNAP_RULE_KEEP, rest, &rename.rule) < 0)
		return -1;
	const char *star = strchr(rename.rule.function, '*'), *to_star = strchr(rename.to, '*');
	if ((star && strchr(star + 1, '*')) || (to_star && (!star || strchr(to_star + 1, '*'))))
		return fault(r, "in names that are changed, one * stands for the same in both", "");
	struct rename *array = snap_arena_grow(&rules->arena, rules->renames, rules->num_renames,
		&rules->renames_capacity, sizeof(rename));
	if (!array)
		return snap_error_no_memory(r->err);
	rules->renames = array;
	array[rules->num_renames++] = rename;
	return 0;
}

static int take_rule(const struct reading *r, enum snap_rule_action action, char *rest)
{
	struct snap_rules *rules = r->rules;
	struct snap_rule rule;
	if (read_rule(r, action, rest, &rule) < 0)
		return -1;
	struct snap_rule *array = snap_arena_grow(
		&rules->arena, rules->rules, rules->num_rules, &rules->capacity, sizeof(rule));
	if (!array)
		return snap_error_no_memory(r->err);
	rules->rules = array;
	array[rules->num_rules++] = rule;
	return 0;
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
	if (strcmp(word, "rename") == 0)
		return take_rename(r, line);
	if (strcmp(word, "reset") == 0 && *line == '\0') {
		r->rules->num_rules = r->rules->num_renames = 0;
		r->rules->is_reset = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (strcmp(word, actions[i]) == 0)
			return take_rule(r, (enum snap_rule_action)i, line);
	return fault(r, "unknown action", word);
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
static int append_rules(
	struct snap_rules *rules, const struct snap_rules *other, struct snap_error *err)
{
	for (size_t i = 0; i < other->num_rules; i++) {
		struct snap_rule *array = snap_arena_grow(&rules->arena, rules->rules,
			rules->num_rules, &rules->capacity, sizeof(*array));
		if (!array)
			return snap_error_no_memory(err);
		rules->rules = array;
		array[rules->num_rules++] = other->rules[i];
	}
	for (size_t i = 0; i < other->num_renames; i++) {
		struct rename *array = snap_arena_grow(&rules->arena, rules->renames,
			rules->num_renames, &rules->renames_capacity, sizeof(*array));
		if (!array)
			return snap_error_no_memory(err);
		rules->renames = array;
		array[rules->num_renames++] = other->renames[i];
	}
	return 0;
}

/*
 * The file's rules stand before the built-in ones, but can name their libraries: those are read
 * first.
 */
struct snap_rules *snap_rules_load(const char *file, struct snap_error *err)
{
	struct snap_rules *rules = calloc(1, sizeof(*rules));
	if (!rules) {
		(void)snap_error_no_memory(err);
		return NULL;
	}
	snap_arena_init(&rules->arena, SIZE_MAX);
	int r = read_builtin(rules, err);
	if (r == 0 && file) {
		const struct snap_rules builtins = *rules;
		rules->rules = NULL;
		rules->renames = NULL;
		rules->num_rules = rules->capacity = 0;
		rules->num_renames = rules->renames_capacity = 0;
		r = read_file(rules, file, err);
		if (r == 0 && !rules->is_reset)
			r = append_rules(rules, &builtins, err);
	}
	if (r == 0)
		return rules;
	snap_rules_free(rules);
	return NULL;
}

void snap_rules_free(struct snap_rules *rules)
{
	if (!rules)
		return;
	snap_arena_deinit(&rules->arena);
	free(rules);
}
