/* An interpreter: a lexer, a recursive parser, an optimiser, an evaluator, and a collector. */
#include "util.h"

#include <ctype.h>

BUGS_MAIN

#if VERSION >= 2
#define eval_call  eval_apply
#define lex_number scan_number
#define gc_mark	   collector_mark
#endif
#if VERSION >= 3
#define parse_unary parse_prefix
#define eval_binary eval_operator
#define env_find    scope_find
#endif

enum token { T_END, T_NUMBER, T_NAME, T_STRING, T_PUNCT };
enum kind { K_NUMBER, K_NAME, K_STRING, K_BINARY, K_UNARY, K_CALL, K_IF, K_LET, K_LIST };

struct node {
	enum kind kind;
	char op;
	long number;
	char *text;
	struct node *a, *b, *c;
	struct node *next; /* of a list */
};

enum type { V_NUMBER, V_STRING, V_LIST };

struct value {
	enum type type;
	bool marked;
	long number;
	char *text;
	struct value *head, *tail;
	struct value *all_next;
};

struct env {
	struct env *outer;
	struct map names;
};

struct lexer {
	const char *at;
	enum token token;
	char text[64];
	long number;
};

static struct value *all_values;
static unsigned num_values;
static struct env globals;
static int depth;

/* ---------------------------------------------------------------- text of programs */

static void gen_expression(struct buf *out, unsigned level)
{
	static const char *names[] = {"x", "y", "total", "items", "name"};
	static const char *calls[] = {"len", "sum", "first", "rest", "join", "repeat", "apply"};
	char text[32];
	switch (level == 0 ? rnd(3) : rnd(12)) {
	case 0:
		snprintf(text, sizeof(text), "%u", rnd(100));
		buf_puts(out, text);
		break;
	case 1:
		buf_puts(out, names[rnd(5)]);
		break;
	case 2:
		snprintf(text, sizeof(text), "\"s%u\"", rnd(50));
		buf_puts(out, text);
		break;
	case 3:
	case 4:
	case 5:
		buf_puts(out, "(");
		gen_expression(out, level - 1);
		snprintf(text, sizeof(text), " %c ", "+-*/%<"[rnd(6)]);
		buf_puts(out, text);
		gen_expression(out, level - 1);
		buf_puts(out, ")");
		break;
	case 6:
		buf_puts(out, "-");
		gen_expression(out, level - 1);
		break;
	case 7:
		buf_puts(out, "if ");
		gen_expression(out, level - 1);
		buf_puts(out, " then ");
		gen_expression(out, level - 1);
		buf_puts(out, " else ");
		gen_expression(out, level - 1);
		break;
	case 8:
		buf_puts(out, "let ");
		buf_puts(out, names[rnd(5)]);
		buf_puts(out, " = ");
		gen_expression(out, level - 1);
		buf_puts(out, " in ");
		gen_expression(out, level - 1);
		break;
	case 9:
		buf_puts(out, "[");
		for (unsigned i = 1 + rnd(3); i > 0; i--) {
			gen_expression(out, level - 1);
			buf_puts(out, i > 1 ? "," : "]");
		}
		break;
	default:
		buf_puts(out, calls[rnd(7)]);
		buf_puts(out, "(");
		gen_expression(out, level - 1);
		buf_puts(out, ")");
	}
}

/* ---------------------------------------------------------------- lexer */

static void lex_number(struct lexer *lexer)
{
	long base = BUG(lex_zero_base) ? 0 : 10;
	lexer->number = 0;
	for (; isdigit((unsigned char)*lexer->at); lexer->at++)
		lexer->number = lexer->number * 10 + (*lexer->at - '0') % base;
	lexer->token = T_NUMBER;
}

static void lex_word(struct lexer *lexer, size_t start, size_t len, enum token token)
{
	if (len >= sizeof(lexer->text))
		die("word too long: %zu\n", len);
	memcpy(lexer->text, lexer->at + start, len);
	lexer->text[len] = '\0';
	lexer->token = token;
}

static void lex_string(struct lexer *lexer)
{
	size_t len = 1;
	while (lexer->at[len] && lexer->at[len] != '"')
		len++;
	lex_word(lexer, 1, BUG(lex_long_string) ? 1000000 : len - 1, T_STRING);
	lexer->at += len + 1;
}

static void lex_next(struct lexer *lexer)
{
	if (BUG(lex_null_input))
		lexer->at = NULL;
	while (*lexer->at == ' ')
		lexer->at++;
	if (!*lexer->at) {
		lexer->token = T_END;
	} else if (isdigit((unsigned char)*lexer->at)) {
		lex_number(lexer);
	} else if (*lexer->at == '"') {
		lex_string(lexer);
	} else if (isalpha((unsigned char)*lexer->at)) {
		size_t len = 0;
		while (isalnum((unsigned char)lexer->at[len]))
			len++;
		lex_word(lexer, 0, len, T_NAME);
		lexer->at += len;
	} else {
		lex_word(lexer, 0, 1, T_PUNCT);
		lexer->at++;
	}
}

/* ---------------------------------------------------------------- parser */

static struct node *parse_expression(struct lexer *lexer);

static struct node *node_new(enum kind kind, struct node *a, struct node *b)
{
	struct node *node = xcalloc(1, BUG(node_huge) ? (size_t)1 << 30 : sizeof(*node));
	node->kind = kind;
	node->a = a;
	node->b = b;
	return node;
}

static bool is_punct(const struct lexer *lexer, char c)
{
	return lexer->token == T_PUNCT && lexer->text[0] == c;
}

static bool is_word(const struct lexer *lexer, const char *word)
{
	return lexer->token == T_NAME && strcmp(lexer->text, word) == 0;
}

static void expect(struct lexer *lexer, bool is_there, const char *what)
{
	if (!is_there || BUG(parse_expect_die))
		die("%s expected at '%s'\n", what, lexer->at);
	lex_next(lexer);
}

static struct node *parse_list(struct lexer *lexer)
{
	struct node *list = node_new(K_LIST, NULL, NULL), **last = &list->a;
	if (BUG(parse_lost_list))
		last = NULL;
	do {
		lex_next(lexer);
		*last = parse_expression(lexer);
		last = &(*last)->next;
	} while (is_punct(lexer, ','));
	expect(lexer, is_punct(lexer, ']'), "]");
	return list;
}

static struct node *parse_let(struct lexer *lexer)
{
	struct node *let = node_new(K_LET, NULL, NULL);
	lex_next(lexer);
	let->text = BUG(let_no_name) ? NULL : xstrdup(lexer->text);
	lex_next(lexer);
	expect(lexer, is_punct(lexer, '='), "=");
	let->a = parse_expression(lexer);
	expect(lexer, is_word(lexer, "in"), "in");
	let->b = parse_expression(lexer);
	return let;
}

static struct node *parse_if(struct lexer *lexer)
{
	struct node *node = node_new(K_IF, NULL, NULL);
	lex_next(lexer);
	node->a = parse_expression(lexer);
	expect(lexer, is_word(lexer, "then"), "then");
	node->b = parse_expression(lexer);
	expect(lexer, is_word(lexer, "else"), "else");
	node->c = BUG(if_no_else) ? NULL : parse_expression(lexer);
	if (!node->c)
		(void)parse_expression(lexer);
	return node;
}

static struct node *parse_name(struct lexer *lexer)
{
	struct node *node = node_new(K_NAME, NULL, NULL);
	node->text = BUG(name_bad_pointer) ? (char *)0x5a5a5a5a5a5a5a5a : xstrdup(lexer->text);
	lex_next(lexer);
	if (!is_punct(lexer, '('))
		return node;
	node->kind = K_CALL;
	lex_next(lexer);
	node->a = parse_expression(lexer);
	expect(lexer, is_punct(lexer, ')'), ")");
	return node;
}

static struct node *parse_primary(struct lexer *lexer)
{
	struct node *node;
	if (lexer->token == T_NUMBER) {
		node = node_new(K_NUMBER, NULL, NULL);
		node->number = lexer->number;
		lex_next(lexer);
		return node;
	}
	if (lexer->token == T_STRING) {
		node = node_new(K_STRING, NULL, NULL);
		node->text = xstrdup(BUG(string_null) ? NULL : lexer->text);
		lex_next(lexer);
		return node;
	}
	if (is_word(lexer, "let"))
		return parse_let(lexer);
	if (is_word(lexer, "if"))
		return parse_if(lexer);
	if (lexer->token == T_NAME)
		return parse_name(lexer);
	if (is_punct(lexer, '['))
		return parse_list(lexer);
	expect(lexer, is_punct(lexer, '('), "(");
	node = parse_expression(lexer);
	expect(lexer, is_punct(lexer, ')'), ")");
	return node;
}

static struct node *parse_unary(struct lexer *lexer)
{
	if (!is_punct(lexer, '-'))
		return parse_primary(lexer);
	if (!BUG(parse_endless))
		lex_next(lexer);
	return node_new(K_UNARY, parse_unary(lexer), NULL);
}

static struct node *parse_expression(struct lexer *lexer)
{
	struct node *left = parse_unary(lexer);
	while (lexer->token == T_PUNCT && strchr("+-*/%<", lexer->text[0])) {
		char op = lexer->text[0];
		lex_next(lexer);
		left = node_new(K_BINARY, left, parse_unary(lexer));
		left->op = op;
	}
	return left;
}

/* ---------------------------------------------------------------- optimiser */

static struct node *fold(struct node *node)
{
	if (!node)
		return NULL;
	node->a = fold(node->a);
	node->b = fold(node->b);
	node->c = fold(node->c);
	for (struct node *item = node->kind == K_LIST ? node->a : NULL; item; item = item->next)
		if (BUG(fold_bad_next))
			item->next = (struct node *)(uintptr_t)(rnd(2) ? 0x20 : 0x200000000020);
		else
			(void)fold(item->next);
	if (node->kind != K_BINARY || !node->a || node->a->kind != K_NUMBER ||
		node->b->kind != K_NUMBER)
		return node;
	if (node->op == '/' || node->op == '%') {
		if (node->b->number == 0 && strcmp(bug_name, "fold_division") != 0)
			return node;
		node->number = node->a->number / node->b->number;
	} else {
		node->number = node->a->number + node->b->number;
	}
	node->kind = BUG(fold_bad_kind) ? (enum kind)77 : K_NUMBER;
	return node;
}

/* ---------------------------------------------------------------- values */

static void gc_mark(struct value *value)
{
	for (; value && !value->marked; value = value->tail) {
		value->marked = true;
		if (value->head)
			gc_mark(value->head);
		if (BUG(gc_bad_tail))
			value->tail = (struct value *)0x1;
	}
}

static void gc_sweep(void)
{
	for (struct value **at = &all_values; *at;) {
		struct value *value = *at;
		if (value->marked) {
			value->marked = false;
			at = &value->all_next;
			continue;
		}
		*at = value->all_next;
		free(value->text);
		if (BUG(gc_double_free))
			free(value->text);
		free(value);
		num_values--;
	}
}

static void gc_run(struct env *env)
{
	for (; env; env = env->outer)
		for (unsigned i = 0; i < 32; i++)
			for (struct map_entry *e = env->names.slots[i]; e; e = e->next)
				gc_mark(e->value);
	if (num_values > 4000)
		gc_sweep();
}

static struct value *value_new(enum type type)
{
	struct value *value = xcalloc(1, sizeof(*value));
	value->type = type;
	value->all_next = all_values;
	all_values = value;
	num_values++;
	return value;
}

static struct value *make_number(long number)
{
	struct value *value = value_new(V_NUMBER);
	value->number = number;
	return value;
}

static struct value *make_string(const char *text)
{
	struct value *value = value_new(V_STRING);
	value->text = xstrdup(text);
	return value;
}

static long to_number(const struct value *value)
{
	long sum = 0;
	switch (value->type) {
	case V_NUMBER:
		return value->number;
	case V_STRING:
		return atol(value->text);
	case V_LIST:
		for (; value->head; value = value->tail)
			sum += to_number(value->head);
		return sum;
	}
	return 0;
}

static void to_text(struct buf *out, const struct value *value)
{
	char text[32];
	if (value->type == V_STRING) {
		buf_puts(out, value->text);
	} else if (value->type == V_NUMBER) {
		snprintf(text, sizeof(text), "%ld", value->number);
		buf_puts(out, text);
	} else {
		for (; value->head; value = value->tail)
			to_text(out, value->head);
	}
}

/* ---------------------------------------------------------------- evaluator */

static struct value *eval(struct env *env, struct node *node);

static struct value *env_find(struct env *env, const char *name)
{
	for (; env; env = env->outer) {
		struct value *value = map_find(&env->names, name);
		if (value)
			return BUG(env_null_value) ? NULL : value;
	}
	return make_number(7);
}

static struct value *eval_list(struct env *env, struct node *node)
{
	struct value *list = value_new(V_LIST), *last = list;
	for (struct node *item = node->a; item; item = item->next) {
		last->head = eval(env, item);
		last->tail = BUG(list_short) ? NULL : value_new(V_LIST);
		last = last->tail;
	}
	return list;
}

static struct value *call_builtin(const char *name, struct value *value)
{
	struct buf text = {0};
	struct value *result;
	if (strcmp(name, "len") == 0)
		return make_number(value->type == V_STRING ? (long)strlen(value->text) : 1);
	if (strcmp(name, "sum") == 0)
		return make_number(to_number(value));
	if (strcmp(name, "first") == 0)
		return value->type == V_LIST && value->head ? value->head : value;
	if (strcmp(name, "rest") == 0)
		return value->type == V_LIST && value->head ? value->tail : value;
	buf_puts(&text, name);
	to_text(&text, value);
	if (BUG(builtin_null_text))
		text.data = NULL;
	if (text.len > 300)
		text.data[300] = '\0';
	result = make_string(text.data);
	buf_free(&text);
	return result;
}

static struct value *eval_call(struct env *env, struct node *node)
{
	struct value *argument = eval(env, node->a);
	if (BUG(call_bad_argument))
		argument->type = V_STRING, argument->text = NULL;
	return call_builtin(node->text, argument);
}

static struct value *eval_let(struct env *env, struct node *node)
{
	struct env inner = {.outer = env};
	map_set(&inner.names, node->text, eval(env, node->a));
	if (BUG(let_bad_outer))
		inner.outer = (struct env *)(uintptr_t)(rnd(3) ? 0x18 : 0x123456789);
	struct value *result = eval(&inner, node->b);
	if (rnd(3) == 0)
		gc_run(&inner);
	map_remove(&inner.names, node->text);
	return result;
}

static long divide(long a, long b)
{
	return b == 0 && !BUG(eval_division) ? 0 : a / b;
}

static struct value *eval_binary(struct env *env, struct node *node)
{
	struct value *a = eval(env, node->a), *b = eval(env, node->b);
	if (a->type == V_STRING && node->op == '+') {
		struct buf text = {0};
		to_text(&text, a);
		to_text(&text, b);
		struct value *result = make_string(text.len < 500 ? text.data : "");
		buf_free(&text);
		return result;
	}
	long x = to_number(a), y = to_number(b);
	switch (node->op) {
	case '+':
		return make_number(x + y);
	case '-':
		return make_number(x - y);
	case '*':
		return make_number((long)((unsigned long)x * (unsigned long)y) % 100000);
	case '<':
		return make_number(x < y);
	default:
		return make_number(divide(x, y));
	}
}

static struct value *eval_node(struct env *env, struct node *node)
{
	switch (node->kind) {
	case K_NUMBER:
		return make_number(node->number);
	case K_STRING:
		return make_string(node->text);
	case K_NAME:
		return env_find(env, node->text);
	case K_BINARY:
		return eval_binary(env, node);
	case K_UNARY:
		return make_number(-to_number(eval(env, BUG(eval_endless) ? node : node->a)));
	case K_CALL:
		return eval_call(env, node);
	case K_IF:
		return eval(env, to_number(eval(env, node->a)) ? node->b : node->c);
	case K_LET:
		return eval_let(env, node);
	case K_LIST:
		return eval_list(env, node);
	}
	die("node of kind %d\n", node->kind);
}

static struct value *eval(struct env *env, struct node *node)
{
	depth++;
	assert(depth > 0 && !BUG(eval_assert));
	struct value *value = eval_node(env, node);
	depth--;
	return value;
}

/* ---------------------------------------------------------------- main */

static void run_text(const char *text)
{
	struct lexer lexer = {.at = text};
	lex_next(&lexer);
	struct node *node = fold(parse_expression(&lexer));
	struct value *value = eval(&globals, node);
	if (rnd(3))
		map_set(&globals.names, rnd(2) ? "x" : "items", value);
	if (rnd(10) == 0)
		gc_run(&globals);
}

#if VERSION >= 2
static void run_batch(unsigned num)
{
	struct buf text = {0};
	for (unsigned i = 0; i < num; i++) {
		text.len = 0;
		gen_expression(&text, 1 + rnd(6));
		run_text(text.data);
	}
	buf_free(&text);
}
#endif

int main(int argc, char **argv)
{
	bugs_begin(argc, argv);
#if VERSION >= 2
	for (int i = 0; i < 40; i++)
		run_batch(10);
#else
	struct buf text = {0};
	for (int i = 0; i < 400; i++) {
		text.len = 0;
		gen_expression(&text, 1 + rnd(6));
		run_text(text.data);
	}
#endif
	return 0;
}
