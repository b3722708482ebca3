/*
 * Databases of tokens, of each form, and what is made of texts with them: the form (a byte), the
 * database's length (2 bytes), the database, flags (a byte), then texts, each with its length (a
 * byte).
 */
#include <stdlib.h>

#include "analyze/tokens/apply.h"
#include "analyze/tokens/database_binary.h"
#include "analyze/tokens/database_csv.h"
#include "analyze/tokens/database_elf.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

#define MAX_TEXTS 64

static void add(struct snap_tokens *tokens, uint64_t form, struct snap_bytes bytes)
{
	struct snap_error err = SNAP_ERROR_INIT;
	uint8_t *copy = fuzz_copy(bytes);
	bytes = snap_bytes(copy, bytes.len);
	int r = form == 0   ? snap_tokens_add_csv(tokens, bytes, "database", &err)
		: form == 1 ? snap_tokens_add_binary(tokens, bytes, &err)
		: form == 2 ? snap_tokens_add_section(tokens, bytes, false, &err)
			    : snap_tokens_add_elf(tokens, bytes, &err);
	FUZZ_REQUIRE(r >= 0 || err.text[0]);
	FUZZ_REQUIRE(snap_escape_unneeded(snap_bytes_str(err.text), SNAP_ESCAPE_TERMINAL));
	free(copy);
	snap_tokens_finish(tokens);
}

static void check(const struct snap_detokenised *text, struct snap_bytes field)
{
	FUZZ_REQUIRE(text->kind != SNAP_TOKEN_NONE || snap_bytes_equal(text->text, field));
	FUZZ_REQUIRE(text->kind == SNAP_TOKEN_NONE || text->kind == SNAP_TOKEN_UNKNOWN ||
		     text->text.len <= SNAP_TOKENS_MAX_TEXT + 5);
	FUZZ_REQUIRE(text->num_others <= SNAP_TOKENS_MAX_OTHERS);
	FUZZ_REQUIRE(text->num_others == 0 || text->is_ambiguous);
	FUZZ_REQUIRE(text->has_token || text->kind == SNAP_TOKEN_NONE ||
		     text->kind == SNAP_TOKEN_NESTED || field.len < 4);
	for (size_t i = 0; i < text->num_others; i++)
		FUZZ_REQUIRE(text->others[i].len <= SNAP_TOKENS_MAX_TEXT);
}

/* Each text as a field, then all as a log. */
static void detokenise(
	const struct snap_tokens *tokens, uint64_t flags, const struct snap_bytes *texts, size_t num)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_log logs[MAX_TEXTS] = {0};
	struct snap_crash_thread thread = {.end = SNAP_END_UNAVAILABLE, .end_reason = ""};
	struct snap_crash crash;
	struct snap_detokeniser *detokeniser =
		snap_detokeniser_create(tokens, flags & 1 ? 64 : 32, flags & 2);
	FUZZ_REQUIRE(detokeniser);
	snap_crash_init(&crash, "file");
	for (size_t i = 0; i < num; i++) {
		struct snap_detokenised text;
		FUZZ_REQUIRE(snap_detokenise(detokeniser, texts[i], &crash.arena, &text, &err) == 0);
		check(&text, texts[i]);
		logs[i] = (struct snap_log){.message = texts[i], .module = texts[num - 1 - i],
			.has_timestamp = i % 3 == 0, .timestamp = INT64_MAX - (int64_t)flags,
			.has_time_since_last = true, .time_since_last = (int64_t)flags};
	}
	snap_detokeniser_destroy(detokeniser);
	thread.record.name = crash.metadata.reason = num > 0 ? texts[0] : snap_bytes(NULL, 0);
	crash.metadata.has_cpu_arch = true;
	crash.metadata.cpu_arch = flags & 7;
	crash.logs = logs;
	crash.num_logs = num;
	crash.threads = &thread;
	crash.num_threads = 1;
	FUZZ_REQUIRE(snap_detokenise_crash(&crash, flags & 4 ? tokens : NULL, &err) == 0);
	fuzz_print(&crash);
	snap_crash_deinit(&crash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	struct snap_tokens *tokens = snap_tokens_create(NULL), *both = snap_tokens_create(tokens);
	struct snap_bytes texts[MAX_TEXTS];
	size_t num = 0;
	FUZZ_REQUIRE(tokens && both);
	uint64_t form = fuzz_number(&input, 1);
	struct snap_bytes database = fuzz_bytes(&input, fuzz_number(&input, 2));
	add(tokens, form & 3, database);
	/* The same, read as another form, before it. */
	if (form & 4)
		add(both, form >> 3 & 3, database);
	uint64_t flags = fuzz_number(&input, 1);
	for (; input.len > 0 && num < MAX_TEXTS; num++) {
		struct snap_bytes text = fuzz_bytes(&input, fuzz_number(&input, 1));
		texts[num] = snap_bytes(fuzz_copy(text), text.len);
	}
	detokenise(both, flags, texts, num);
	for (size_t i = 0; i < num; i++)
		free((uint8_t *)(uintptr_t)texts[i].data);
	snap_tokens_destroy(both);
	snap_tokens_destroy(tokens);
	return 0;
}
