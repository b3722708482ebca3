/*
 * Source paths as the reader has them, not as the build machine had them: --path-map FROM=TO.
 */
#ifndef SNAP_ANALYZE_PATH_MAP_H
#define SNAP_ANALYZE_PATH_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct snap_path_map {
	const char **maps; /* "FROM=TO", as given; the array is owned */
	size_t num;
};

/* Whether text can be a map: FROM is not empty, and there is a "=". */
bool snap_path_map_is_valid(const char *text);

/*
 * The path with FROM, where it begins with it (whole components only), replaced by TO; the first
 * map that fits counts, of the last given first. path itself if none fits, or if the result does
 * not fit into buf.
 */
const char *snap_path_map_apply(
	const struct snap_path_map *map, const char *path, char *buf, size_t size);

#endif
