#include "analyze/signature/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/signature/rule_set.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const actions[] = {
	[SNAP_RULE_KEEP] = "keep",
	[SNAP_RULE_SKIP] = "skip",
	[SNAP_RULE_PREFIX] = "prefix",
	[SNAP_RULE_TAIL] = "tail",
	[SNAP_RULE_OUTER] = "outer",
	[SNAP_RULE_RENAME] = "rename",
	[SNAP_RULE_STRIP] = "strip",
	[SNAP_RULE_SUFFIX] = "suffix",
	[SNAP_RULE_SYNONYM] = "synonym",
	[SNAP_RULE_FAMILY] = "family",
	[SNAP_RULE_VARIANT] = "variant",
};

const char *snap_rules_digest(const struct snap_rules *rules)
{
	return rules->digest;
}

enum snap_signature_depth snap_rules_depth(const struct snap_rules *rules)
{
	return rules->depth;
}

const char *snap_rule_action_name(enum snap_rule_action action)
{
	return actions[action];
}

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
		const struct snap_rules_library *library = &rules->libraries[i];
		for (size_t j = 0; j < library->num_patterns; j++)
			if (matches(library->patterns[j], module.data, module.len))
				ret |= UINT32_C(1) << i;
	}
	return ret;
}

struct snap_rules_place snap_rules_place(
	const struct snap_rules *rules, struct snap_bytes module, uint32_t present)
{
	return (struct snap_rules_place){
		.module = module,
		.libraries = snap_rules_libraries(rules, module),
		.present = present,
	};
}

bool snap_rule_is_for(const struct snap_rule *rule, const struct snap_rules_place *place)
{
	if (rule->library == 0)
		return (rule->modules[0] == '*' && rule->modules[1] == '\0') ||
		       matches(rule->modules, place->module.data, place->module.len);
	/* Linked into others, it is no longer known which functions are the library's. */
	return place->libraries & rule->library ||
	       (!(place->present & rule->library) && strcmp(rule->function, "*") != 0);
}

void snap_rules_use(struct snap_rules_used *used, const struct snap_rule *rule)
{
	if (used && used->num < ARRAY_LEN(used->rules))
		used->rules[used->num++] = rule;
}

const struct snap_rule *snap_rules_find(const struct snap_rules *rules, const char *function,
	const struct snap_rules_place *place)
{
	size_t len = strlen(function);
	for (size_t i = 0; i < rules->frames.num; i++) {
		const struct snap_rule *rule = &rules->frames.rules[i];
		if (snap_rule_is_for(rule, place) &&
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
	const struct snap_rules_place *place, struct snap_arena *arena, struct snap_rules_used *used)
{
	for (size_t i = 0; i < rules->renames.num && name; i++) {
		const struct snap_rule *rule = &rules->renames.rules[i];
		if (!snap_rule_is_for(rule, place) ||
			!matches(rule->function, (const uint8_t *)name, strlen(name)))
			continue;
		name = substitute(rule->function, rule->to, name, arena);
		snap_rules_use(used, rule);
	}
	return name;
}

void snap_rules_free(struct snap_rules *rules)
{
	if (!rules)
		return;
	snap_arena_deinit(&rules->arena);
	free(rules);
}
