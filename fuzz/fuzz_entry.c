/* What a worker that was taken over may tell of its inputs: entries of the index. */
#include "analyze/dedup/entry.h"

#include <string.h>

#include "analyze/dedup/entry_stream.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

static void require_text(const char *text)
{
	FUZZ_REQUIRE(!text || strlen(text) <= SNAP_ENTRY_MAX_STRING);
	FUZZ_REQUIRE(!text || snap_escape_unneeded(snap_bytes_str(text), SNAP_ESCAPE_INVALID));
}

static void check(const struct snap_entry *entry)
{
	const struct snap_evidence *evidence = &entry->evidence;
	FUZZ_REQUIRE(entry->kind);
	FUZZ_REQUIRE(!entry->id == !entry->text && !entry->id == !entry->physical_id);
	require_text(entry->id);
	require_text(entry->text);
	require_text(entry->project);
	FUZZ_REQUIRE(entry->num_tags <= SNAP_ENTRY_MAX_TAGS);
	for (size_t i = 0; i < entry->num_tags; i++) {
		FUZZ_REQUIRE(entry->tags[i].key && entry->tags[i].value);
		require_text(entry->tags[i].value);
	}
	FUZZ_REQUIRE(evidence->num_frames <= SNAP_EVIDENCE_MAX_FRAMES);
	FUZZ_REQUIRE(evidence->num_decisive <= evidence->num_frames);
	FUZZ_REQUIRE(evidence->num_telling <= evidence->num_frames);
	FUZZ_REQUIRE(evidence->num_functions <= SNAP_EVIDENCE_MAX_FUNCTIONS);
	for (size_t i = 0; i < evidence->num_functions; i++)
		require_text(evidence->functions[i]);
	FUZZ_REQUIRE(evidence->num_kept <= SNAP_EVIDENCE_MAX_KEPT);
	for (size_t i = 0; i < evidence->num_kept; i++)
		FUZZ_REQUIRE(evidence->kept[i].function);
}

/* What was understood can be packed, and is the same then. */
static void check_again(const struct snap_entry *entry, struct snap_arena *arena)
{
	struct snap_bytes packed;
	struct snap_entry again;
	FUZZ_REQUIRE(snap_entry_pack(entry, arena, &packed, NULL) == 0);
	FUZZ_REQUIRE(snap_entry_unpack(packed, arena, &again, NULL) == 0);
	FUZZ_REQUIRE(again.evidence.num_functions == entry->evidence.num_functions);
	FUZZ_REQUIRE(again.captured_ns == entry->captured_ns);
	FUZZ_REQUIRE(!entry->text || strcmp(again.text, entry->text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct snap_bytes stream = snap_bytes(data, len), packed;
	while (snap_entry_stream_next(&stream, &packed)) {
		struct snap_arena arena;
		struct snap_entry entry;
		snap_arena_init(&arena, 4 * (size_t)SNAP_ENTRY_MAX_BYTES);
		if (snap_entry_unpack(packed, &arena, &entry, NULL) == 0) {
			check(&entry);
			check_again(&entry, &arena);
		}
		snap_arena_deinit(&arena);
	}
	return 0;
}
