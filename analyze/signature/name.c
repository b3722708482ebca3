#include "analyze/signature/name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/signature/rule_set.h"
#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* "<A as B<C as D>>" can go on for ever in a hostile name, and so can brackets that none closes:
 * each of them is looked for once, to the end of the name. */
#define MAX_DEPTH    8
#define MAX_UNCLOSED 8

/* Where a name is looked at, and which rules took something off. */
struct cleaning {
	const struct snap_rules *rules;
	const struct snap_rules_place *place;
	struct snap_rules_used *used; /* or NULL */
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool starts_with(const char *s, const char *end, const char *prefix)
{
	size_t len = strlen(prefix);
	return (size_t)(end - s) >= len && memcmp(s, prefix, len) == 0;
}

/* The length of "operator<<" and its like at s, whose brackets are no brackets; 0: none. */
static size_t operator_len(const char *start, const char *s, const char *end)
{
	/* The longer ones first. */
	static const char *const operators[] = {
		"<=>", "->*", "<<=", ">>=", "<<", ">>", "<=", ">=", "->", "<", ">", "()", "[]"};
	if (!starts_with(s, end, "operator") || (s > start && is_word(s[-1])))
		return 0;
	const char *p = s + strlen("operator");
	while (p < end && *p == ' ')
		p++;
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (starts_with(p, end, operators[i]))
			return (size_t)(p - s) + strlen(operators[i]);
	return 0;
}

/* The bracket that closes the one at s, or NULL. */
static const char *closing(const char *s, const char *end, char open, char close)
{
	size_t depth = 0;
	for (const char *p = s; p < end; p++) {
		if (*p == open)
			depth++;
		else if (*p == close && !(close == '>' && p > s && p[-1] == '-') && --depth == 0)
			return p;
	}
	return NULL;
}

/* Rust's "<X as Trait>": " as " in the brackets themselves. */
static bool has_as(const char *s, const char *end)
{
	size_t depth = 0;
	for (const char *p = s; p < end; p++) {
		if (*p == '<')
			depth++;
		else if (*p == '>' && depth > 0 && p[-1] != '-')
			depth--;
		else if (depth == 0 && starts_with(p, end, " as "))
			return true;
	}
	return false;
}

/* The rule for what [s, end) begins with; NULL: it stays. */
static const struct snap_rule *find_synonym(
	const struct cleaning *c, const char *s, const char *end)
{
	const struct snap_rule *rule =
		snap_rule_table_find(&c->rules->synonyms, s, (size_t)(end - s), c->place);
	return rule && !rule->is_not ? rule : NULL;
}

/* The length of clang's "$_0" or "'lambda0'(int)" at s; 0: it is none. */
static size_t lambda_len(const char *start, const char *s, const char *end)
{
	static const char quoted[] = "'lambda";
	const char *p = s;
	if (starts_with(s, end, "$_") && (s == start || !is_word(s[-1]))) {
		p += 2;
		while (p < end && isdigit((unsigned char)*p))
			p++;
		/* Room for what it becomes. */
		return p > s + 2 && (p == end || !is_word(*p)) ? (size_t)(p - s) : 0;
	}
	if (!starts_with(s, end, quoted))
		return 0;
	p += sizeof(quoted) - 1;
	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p == end || *p != '\'')
		return 0;
	p++;
	const char *close = p < end && *p == '(' ? closing(p, end, '(', ')') : NULL;
	return (size_t)((close ? close + 1 : p) - s);
}

/* Of what "$_0" becomes, "{lambda}". */
#define MIN_GROWTH 3

/* Append [s, end) to out, which has room for it as often as growth() says. */
static char *simplify(const struct cleaning *c, const char *s, const char *end, unsigned int depth,
	char *out)
{
	const char *start = s;
	unsigned int unclosed = 0;
	while (s < end) {
		size_t len = operator_len(start, s, end);
		size_t clang = len == 0 ? lambda_len(start, s, end) : 0;
		const struct snap_rule *synonym = len + clang == 0 ? find_synonym(c, s, end) : NULL;
		const char *close = NULL;
		bool angle = *s == '<', lambda = starts_with(s, end, "{lambda(");
		if (len == 0 && (angle || lambda) && unclosed < MAX_UNCLOSED) {
			close = closing(s, end, *s, angle ? '>' : '}');
			unclosed += close == NULL;
		}
		if (len > 0) {
			memcpy(out, s, len);
			out += len;
			s += len;
		} else if (clang > 0) {
			out = mempcpy(out, "{lambda}", 8);
			s += clang;
		} else if (synonym) {
			out = mempcpy(out, synonym->to, strlen(synonym->to));
			s += synonym->text.len;
			snap_rules_use(c->used, synonym);
		} else if (close && angle) {
			*out++ = '<';
			if (depth < MAX_DEPTH && has_as(s + 1, close))
				out = simplify(c, s + 1, close, depth + 1, out);
			else if (close > s + 1)
				*out++ = 'T';
			*out++ = '>';
			s = close + 1;
		} else if (close) {
			out = mempcpy(out, "{lambda}", 8);
			s = close + 1;
		} else {
			*out++ = *s++;
		}
	}
	return out;
}

/* The length of what of that class [name, name + len) ends with; 0: it does not. */
static size_t class_len(enum snap_rule_class class, const char *name, size_t len)
{
	enum { HASH = 16 };
	size_t at = len;
	switch (class) {
	case SNAP_RULE_LITERAL:
		break;
	case SNAP_RULE_NUMBER:
		while (at > 0 && isxdigit((unsigned char)name[at - 1]))
			at--;
		return at < len && isdigit((unsigned char)name[at]) ? len - at : 0;
	case SNAP_RULE_HASH:
		while (at > 0 && len - at < HASH &&
			(isdigit((unsigned char)name[at - 1]) ||
				(name[at - 1] >= 'a' && name[at - 1] <= 'f')))
			at--;
		return len - at == HASH ? HASH : 0;
	}
	return 0;
}

/* Where the suffixes of a name begin: ".constprop.0.isra.1", ".cold", "::h0123456789abcdef". What is
 * nothing else is a name. */
static size_t without_suffixes(const struct cleaning *c, const char *name, size_t len)
{
	for (int class = SNAP_RULE_LITERAL; class <= SNAP_RULE_HASH; class++) {
		size_t differs = class_len((enum snap_rule_class)class, name, len);
		const struct snap_rule *rule = NULL;
		if (class == SNAP_RULE_LITERAL || differs > 0)
			rule = snap_rule_table_find(
				&c->rules->suffixes[class], name, len - differs, c->place);
		if (!rule || rule->is_not || differs + rule->text.len == len)
			continue;
		len -= differs + rule->text.len;
		snap_rules_use(c->used, rule);
		class = SNAP_RULE_LITERAL - 1; /* what stands before it may end with another */
	}
	return len;
}

/*
 * glibc has its functions of strings once for each kind of processor: "__strlen_avx2_rtm". The
 * length of "strlen" in [s, s + len), *ret_skip being what stands before it; 0: it is none of them.
 */
static size_t without_processor(
	const struct cleaning *c, const char *s, size_t len, size_t *ret_skip)
{
	const char *end = s + len, *p = s;
	while (p < end && *p == '_')
		p++;
	if (p == s)
		return 0;
	const struct snap_rule *family =
		snap_rule_table_find(&c->rules->families, p, (size_t)(end - p), c->place);
	if (!family || family->is_not)
		return 0;
	*ret_skip = (size_t)(p - s);
	for (const char *q = memchr(p, '_', (size_t)(end - p)); q;
		q = memchr(q + 1, '_', (size_t)(end - q - 1))) {
		const char *word = q + 1, *stop = word;
		while (stop < end && *stop != '_')
			stop++;
		const struct snap_rule *variant = snap_rule_table_find_whole(
			&c->rules->variants, word, (size_t)(stop - word), c->place);
		if (!variant || variant->is_not)
			continue;
		snap_rules_use(c->used, family);
		snap_rules_use(c->used, variant);
		return (size_t)(q - p);
	}
	return 0;
}

/* Without what names begin with for a library's own calls: "__GI_raise", "__libc_free". */
static const char *without_prefixes(const struct cleaning *c, const char *name, size_t len)
{
	const struct snap_rules *rules = c->rules;
	for (;;) {
		const struct snap_rule *rule =
			snap_rule_table_find_whole(&rules->whole_strips, name, len, c->place);
		if (!rule)
			rule = snap_rule_table_find(&rules->strips, name, len, c->place);
		size_t prefix = rule ? strlen(rule->function) : 0;
		if (!rule || rule->is_not || prefix == len)
			return name;
		snap_rules_use(c->used, rule);
		name += prefix;
		len -= prefix;
	}
}

static size_t growth(const struct snap_rules *rules)
{
	return rules->growth > MIN_GROWTH ? rules->growth : MIN_GROWTH;
}

char *snap_signature_name(const char *name, const struct snap_rules *rules,
	const struct snap_rules_place *place, struct snap_rules_used *used)
{
	const struct cleaning c = {.rules = rules, .place = place, .used = used};
	name = without_prefixes(&c, name, strlen(name));
	size_t len = strlen(name);
	const char *clone = strstr(name, " [clone ");
	if (clone)
		len = (size_t)(clone - name);
	/* A stub of the procedure linkage table is not the function: that was not reached. */
	const char *version = memchr(name, '@', len);
	if (version && version > name && strcmp(version, "@plt") != 0)
		len = (size_t)(version - name);
	len = without_suffixes(&c, name, len);
	size_t skip = 0, kept = without_processor(&c, name, len, &skip);
	if (kept > 0) {
		name += skip;
		len = kept;
	}

	char *simple = malloc(growth(rules) * len + 1);
	if (!simple)
		return NULL;
	struct snap_bytes bytes = snap_bytes(
		simple, (size_t)(simplify(&c, name, name + len, 0, simple) - simple));
	size_t size = snap_escape(bytes, SNAP_ESCAPE_INVALID, NULL, 0) + 1;
	char *ret = malloc(size);
	if (ret)
		(void)snap_escape(bytes, SNAP_ESCAPE_INVALID, ret, size); /* fits */
	free(simple);
	return ret;
}
