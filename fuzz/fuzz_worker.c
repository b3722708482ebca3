/* What a worker that was taken over tells its parent: requests, and what it is reading. */
#include <string.h>

#include "analyze/sandbox/note.h"
#include "analyze/sandbox/policy.h"
#include "analyze/sandbox/protocol.h"
#include "fuzz/fuzz.h"

static void check_request(const uint8_t *data, size_t len)
{
	static struct snap_request request;
	static struct snap_request_view view;
	memset(&request, 0xa5, sizeof(request));
	memcpy(&request, data, len < sizeof(request) ? len : sizeof(request));
	if (!snap_request_read(&request, len < sizeof(request) ? len : sizeof(request), &view))
		return;
	FUZZ_REQUIRE(view.op > 0 && view.op < SNAP_NUM_REQUESTS);
	for (size_t i = 0; i < SNAP_REQUEST_STRINGS; i++) {
		FUZZ_REQUIRE(view.len[i] <= SNAP_MAX_STRING && view.text[i][view.len[i]] == 0);
		if (view.op != SNAP_REQUEST_FETCH || i > 0)
			FUZZ_REQUIRE(strlen(view.text[i]) == view.len[i]);
	}
	if (view.op == SNAP_REQUEST_CACHE_BEGIN && snap_policy_is_cache_kind(view.text[0]))
		FUZZ_REQUIRE(!strchr(view.text[0], '/') && view.text[0][0] != '.');
}

static void check_note(const uint8_t *data, size_t len)
{
	static struct snap_note_page *page;
	struct snap_note note;
	if (!page)
		page = snap_note_page_create();
	FUZZ_REQUIRE(page);
	memcpy(page, data, len < sizeof(*page) ? len : sizeof(*page));
	if (!snap_note_page_read(page, &note))
		return;
	FUZZ_REQUIRE(note.build_id_len > 0 && note.build_id_len <= sizeof(note.build_id));
	FUZZ_REQUIRE(note.name_len <= sizeof(note.name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	if (fuzz_number(&input, 1) & 1)
		check_request(input.data, input.len);
	else
		check_note(input.data, input.len);
	return 0;
}
