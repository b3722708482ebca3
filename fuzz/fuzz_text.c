/* Backtraces as text, of each format, and their signatures. The first byte says which format. */
#include <stdlib.h>
#include <string.h>

#include "analyze/analysis.h"
#include "analyze/signature/rules.h"
#include "analyze/signature/signature.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

static void check_thread(const struct snap_crash_thread *thread)
{
	size_t frame = 0;
	FUZZ_REQUIRE(thread->end_reason);
	for (size_t i = 0; i < thread->num_listed; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		FUZZ_REQUIRE(listed->frame == frame && frame < thread->num_frames);
		frame += !listed->is_inline;
	}
	FUZZ_REQUIRE(frame == thread->num_frames);
}

static void check_crash(struct snap_crash *crash, const struct snap_rules *rules)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_signature_reason *reasons;
	size_t num;
	const struct snap_signature *signature = &crash->signature;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (thread)
		check_thread(thread);
	FUZZ_REQUIRE((signature->id == NULL) == (signature->text == NULL));
	FUZZ_REQUIRE(!signature->text || snap_escape_unneeded(snap_bytes_str(signature->text),
						 SNAP_ESCAPE_INVALID));
	FUZZ_REQUIRE(snap_signature_explain(crash, rules, &reasons, &num, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* Once: they are the same for all. */
	static struct snap_rules *rules;
	if (!rules)
		rules = snap_rules_load(NULL, NULL);
	FUZZ_REQUIRE(rules);
	struct fuzz_input input = {data, len};
	const struct snap_options options = {
		.rules = rules,
		.from = (enum snap_text_format)(SNAP_TEXT_GDB + (fuzz_number(&input, 1) & 3)),
	};
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_text *text;
	struct snap_crash crash;
	if (snap_text_open(fuzz_file(input.data, input.len), options.from, &text, &err) < 0) {
		FUZZ_REQUIRE(err.text[0]);
		return 0;
	}
	size_t num = 0;
	int r;
	while ((r = snap_analysis_text(text, &options, &crash, &err)) > 0) {
		check_crash(&crash, rules);
		snap_crash_deinit(&crash);
		/* Each takes a byte at least. */
		FUZZ_REQUIRE(++num <= input.len);
	}
	FUZZ_REQUIRE(num > 0 || r < 0);
	snap_text_close(text);
	return 0;
}
