#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "analyze/analysis.h"
#include "analyze/crash.h"
#include "analyze/fields/overlay.h"
#include "analyze/find/store.h"
#include "analyze/report/json.h"
#include "analyze/report/text.h"
#include "analyze/signature/rules.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

static void check_text(const char *text, size_t len)
{
	struct snap_bytes rest = {(const uint8_t *)text, len};
	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t line_len = end ? (size_t)(end - rest.data) : rest.len;
		struct snap_bytes line = {rest.data, line_len};
		FUZZ_REQUIRE(line_len == 0 || snap_escape_unneeded(line, SNAP_ESCAPE_TERMINAL));
		line_len += end != NULL;
		rest.data += line_len;
		rest.len -= line_len;
	}
}

static void check_json(const char *text, size_t len)
{
	json_error_t error;
	FUZZ_REQUIRE(len > 0 && memchr(text, '\n', len) == text + len - 1);
	json_t *value = json_loadb(text, len, JSON_ALLOW_NUL, &error);
	if (!value)
		(void)fprintf(stderr, "%s at byte %d\n", error.text, error.position);
	FUZZ_REQUIRE(value);
	json_decref(value);
}

/* Once: they are the same for all. */
static const struct snap_rules *built_in_rules(void)
{
	static struct snap_rules *rules;
	if (!rules)
		rules = snap_rules_load(NULL, NULL);
	FUZZ_REQUIRE(rules);
	return rules;
}

void fuzz_print(const struct snap_crash *crash)
{
	char *text = NULL;
	size_t len = 0;
	struct snap_error err = SNAP_ERROR_INIT;
	FILE *out = open_memstream(&text, &len);
	FUZZ_REQUIRE(out);
	(void)snap_report_text(crash,
		&(struct snap_text_style){.rules = built_in_rules(),
			.sections = SNAP_ALL_SECTIONS,
			.columns = 60},
		out);
	FUZZ_REQUIRE(fclose(out) == 0);
	check_text(text, len);
	free(text);

	out = open_memstream(&text, &len);
	FUZZ_REQUIRE(out);
	FUZZ_REQUIRE(snap_report_json(
			     crash, &(struct snap_json_style){.pretty = false}, out, &err) == 0);
	FUZZ_REQUIRE(fclose(out) == 0);
	check_json(text, len);
	free(text);
}

void fuzz_analyse(const char *file)
{
	/* As the rules. */
	static struct snap_overlays *overlays;
	if (!overlays)
		overlays = snap_overlays_create(NULL);
	FUZZ_REQUIRE(overlays);
	const struct snap_options options = {
		.rules = built_in_rules(),
		.overlays = overlays,
		.no_local = true,
		.no_cache = true,
		.num_jobs = 1,
		.max_frames = 200,
	};
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store;
	struct snap_crash crash;
	FUZZ_REQUIRE(snap_store_create(&options, &store, &err) == 0);
	if (snap_analysis_run(file, store, &options, &crash, &err) == 0) {
		fuzz_print(&crash);
		snap_crash_deinit(&crash);
	} else {
		/* One clear line. */
		FUZZ_REQUIRE(err.text[0]);
		FUZZ_REQUIRE(snap_escape_unneeded(snap_bytes_str(err.text), SNAP_ESCAPE_TERMINAL));
	}
	snap_store_destroy(store);
}
