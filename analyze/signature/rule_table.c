#include "analyze/signature/rule_table.h"

#include <string.h>

#include "analyze/signature/rule_set.h"

struct snap_rule_entry {
	const struct snap_rule *rule;
	struct snap_rule_entry *next; /* of the same text, behind it */
	uint32_t hash;
};

/* FNV-1a, which grows with the text: all lengths of a name's beginning are hashed in one pass. */
#define HASH_START 2166136261u
#define HASH_PRIME 16777619u

static uint32_t hash_byte(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * HASH_PRIME;
}

/* The i-th byte in the order in which texts are hashed. */
static char byte_at(const struct snap_rule_table *table, const char *s, size_t len, size_t i)
{
	return table->from_end ? s[len - 1 - i] : s[i];
}

static uint32_t hash_text(const struct snap_rule_table *table, const char *s, size_t len)
{
	uint32_t hash = HASH_START;
	for (size_t i = 0; i < len; i++)
		hash = hash_byte(hash, byte_at(table, s, len, i));
	return hash;
}

/* Where the entries of this text hang, or would. There is always a free slot. */
static struct snap_rule_entry **find_slot(
	const struct snap_rule_table *table, uint32_t hash, const char *s, size_t len)
{
	for (uint32_t i = hash ^ hash >> 16;; i++) {
		struct snap_rule_entry **slot = &table->slots[i & table->mask];
		const struct snap_rule_entry *entry = *slot;
		if (!entry || (entry->hash == hash && entry->rule->text.len == len &&
				      memcmp(entry->rule->text.data, s, len) == 0))
			return slot;
	}
}

int snap_rule_table_init(
	struct snap_rule_table *table, size_t num, bool from_end, struct snap_arena *arena)
{
	size_t slots = 2;
	while (slots < 2 * num)
		slots *= 2;
	*table = (struct snap_rule_table){
		.slots = snap_arena_alloc(arena, slots * sizeof(table->slots[0])),
		.mask = (uint32_t)(slots - 1),
		.from_end = from_end,
	};
	return table->slots ? 0 : -1;
}

int snap_rule_table_add(struct snap_rule_table *table, const struct snap_rule *rule,
	struct snap_arena *arena, const struct snap_rule **ret_before)
{
	const char *s = (const char *)rule->text.data;
	size_t len = rule->text.len;
	struct snap_rule_entry *entry = snap_arena_alloc(arena, sizeof(*entry));
	if (!entry)
		return -1;
	*entry = (struct snap_rule_entry){.rule = rule, .hash = hash_text(table, s, len)};
	*ret_before = NULL;
	struct snap_rule_entry **at = find_slot(table, entry->hash, s, len);
	for (; *at; at = &(*at)->next)
		if ((*at)->rule->is_builtin == rule->is_builtin &&
			strcmp((*at)->rule->modules, rule->modules) == 0)
			*ret_before = (*at)->rule;
	*at = entry;
	uint8_t byte = (uint8_t)byte_at(table, s, len, 0);
	table->lengths |= UINT64_C(1) << len;
	table->bytes[byte / 64] |= UINT64_C(1) << byte % 64;
	return 0;
}

static const struct snap_rule *first_there(
	const struct snap_rule_entry *entry, const struct snap_rules_place *place)
{
	for (; entry; entry = entry->next)
		if (snap_rule_is_for(entry->rule, place))
			return entry->rule;
	return NULL;
}

static bool may_begin(const struct snap_rule_table *table, const char *s, size_t len)
{
	if (len == 0)
		return false;
	uint8_t byte = (uint8_t)byte_at(table, s, len, 0);
	return table->bytes[byte / 64] >> byte % 64 & 1;
}

const struct snap_rule *snap_rule_table_find(const struct snap_rule_table *table, const char *s,
	size_t len, const struct snap_rules_place *place)
{
	const struct snap_rule *ret = NULL;
	uint32_t hash = HASH_START;
	if (!may_begin(table, s, len))
		return NULL;
	/* Bit 0 is that of the texts of i + 1 bytes. */
	uint64_t lengths = table->lengths >> 1;
	for (size_t i = 0; i < len && lengths != 0; i++, lengths >>= 1) {
		hash = hash_byte(hash, byte_at(table, s, len, i));
		if (!(lengths & 1))
			continue;
		const char *text = table->from_end ? s + len - 1 - i : s;
		const struct snap_rule *rule =
			first_there(*find_slot(table, hash, text, i + 1), place);
		if (rule)
			ret = rule;
	}
	return ret;
}

const struct snap_rule *snap_rule_table_find_whole(const struct snap_rule_table *table,
	const char *s, size_t len, const struct snap_rules_place *place)
{
	if (len > SNAP_RULES_MAX_TEXT || !(table->lengths >> len & 1) || !may_begin(table, s, len))
		return NULL;
	return first_there(*find_slot(table, hash_text(table, s, len), s, len), place);
}
