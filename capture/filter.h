/*
 * Which crashes are captured at all: the `ignore` and `only` lines of the configuration.
 *
 * Crash-time: no allocation. The executable's path is the target's: matching takes time in
 * proportion to pattern times path, whatever they hold.
 */
#ifndef SNAP_CAPTURE_FILTER_H
#define SNAP_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/config.h"
#include "common/bytes.h"

/*
 * Whether a crash is to be captured: if there are `only` rules one of them matches, and no `ignore`
 * rule does. exe: a path without " (deleted)", or a mere name where the path is not known.
 */
bool snap_filter_wants(const struct snap_config_rules *ignore, const struct snap_config_rules *only,
	struct snap_bytes exe, uint32_t uid);

/*
 * Whether the whole text matches the pattern as of fnmatch(3) without flags: `*`, `?`, `[a-z]`,
 * `[!a-z]`, and `\` before one that is meant. A '/' is a character as any other. Bytes, not
 * characters of a locale.
 */
bool snap_filter_match(const char *pattern, struct snap_bytes text);

#endif
