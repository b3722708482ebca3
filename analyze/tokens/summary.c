#include "analyze/tokens/summary.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void name(struct snap_token_summary *summary, uint32_t token)
{
	for (size_t i = 0; i < summary->num_named; i++)
		if (summary->unknown[i] == token)
			return;
	if (summary->num_named < SNAP_TOKENS_NAMED)
		summary->unknown[summary->num_named++] = token;
}

void snap_token_summary_add(struct snap_token_summary *summary, const struct snap_detokenised *text)
{
	summary->num_left += text->is_left;
	summary->num_unknown += text->kind == SNAP_TOKEN_UNKNOWN;
	summary->num_ambiguous += text->is_ambiguous;
	summary->num_faulty += text->num_errors > 0 || text->num_left_over > 0;
	summary->num_cut += text->is_cut;
	if (text->kind == SNAP_TOKEN_UNKNOWN && text->has_token)
		name(summary, text->token);
}

/* "3 texts are ...", if there are any. */
static int note(struct snap_crash *crash, size_t num, const char *what, struct snap_error *err)
{
	if (num == 0)
		return 0;
	const char *text =
		snap_crash_format(crash, "%zu text%s %s", num, num == 1 ? "" : "s", what);
	return text ? snap_crash_note(crash, snap_bytes_str(text), err) : snap_error_no_memory(err);
}

static int note_unknown(const struct snap_token_summary *summary, bool has_database,
	struct snap_crash *crash, struct snap_error *err)
{
	char what[80 + 12 * SNAP_TOKENS_NAMED];
	size_t len = (size_t)snprintf(what, sizeof(what), "%s",
		has_database ? "of no token that is known: shown as base64"
			     : "tokenised, shown as base64 without a database (--tokens)");
	for (size_t i = 0; i < summary->num_named; i++)
		len += (size_t)snprintf(what + len, sizeof(what) - len, "%s0x%08" PRIx32,
			i == 0 ? ": " : ", ", summary->unknown[i]);
	if (summary->num_named == SNAP_TOKENS_NAMED)
		(void)snprintf(what + len, sizeof(what) - len, ", ...");
	const char *text = snap_crash_format(crash, "%zu text%s %s %s", summary->num_unknown,
		summary->num_unknown == 1 ? "" : "s", summary->num_unknown == 1 ? "is" : "are",
		what);
	return text ? snap_crash_note(crash, snap_bytes_str(text), err) : snap_error_no_memory(err);
}

int snap_token_summary_note(const struct snap_token_summary *summary, bool has_database,
	struct snap_crash *crash, struct snap_error *err)
{
	if ((summary->num_unknown > 0 && note_unknown(summary, has_database, crash, err) < 0) ||
		note(crash, summary->num_ambiguous,
			"can mean something else: a token has several strings that fit", err) < 0 ||
		note(crash, summary->num_faulty,
			"can't be put together wholly: arguments of tokens are missing, broken or "
			"too "
			"many",
			err) < 0 ||
		note(crash, summary->num_cut, "got too long with its tokens replaced, and was cut",
			err) < 0 ||
		note(crash, summary->num_left,
			"may have tokens: to replace those in others was work enough", err) < 0)
		return -1;
	return 0;
}
