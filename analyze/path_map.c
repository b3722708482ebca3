#include "analyze/path_map.h"

#include <stdio.h>
#include <string.h>

bool snap_path_map_is_valid(const char *text)
{
	const char *equals = strchr(text, '=');
	return equals && equals != text;
}

const char *snap_path_map_apply(
	const struct snap_path_map *map, const char *path, char *buf, size_t size)
{
	for (size_t i = map->num; i > 0; i--) {
		const char *from = map->maps[i - 1], *equals = strchr(from, '=');
		size_t len = (size_t)(equals - from);
		if (strncmp(path, from, len) != 0 ||
			(from[len - 1] != '/' && path[len] != '/' && path[len] != '\0'))
			continue;
		int n = snprintf(buf, size, "%s%s", equals + 1, path + len);
		return n >= 0 && (size_t)n < size ? buf : path;
	}
	return path;
}
