#include "capture/cgroup_names.h"

#include <stdbool.h>

static bool ends_with(struct snap_bytes name, const char *suffix)
{
	size_t len = strlen(suffix);
	return name.len > len && memcmp(name.data + name.len - len, suffix, len) == 0;
}

static bool starts_with(struct snap_bytes name, const char *prefix)
{
	size_t len = strlen(prefix);
	return name.len > len && memcmp(name.data, prefix, len) == 0;
}

/* Units that processes run in. Source: systemd.unit(5). */
static bool is_unit(struct snap_bytes name)
{
	return ends_with(name, ".service") || ends_with(name, ".scope") ||
	       ends_with(name, ".socket") || ends_with(name, ".mount") || ends_with(name, ".swap");
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_separator(uint8_t c)
{
	return c == '-' || c == ':' || c == '.' || c == '_';
}

/*
 * The id that container engines give: 64 or 32 lower-case hex digits, alone or between the engine's
 * own words: "docker-ID.scope", "libpod-ID", "kubepods-...:cri-containerd:ID". The last one there
 * is, for a pod's stands before the container's.
 */
static struct snap_bytes hex_id(struct snap_bytes name)
{
	struct snap_bytes found = {0};
	for (size_t i = 0; i < name.len;) {
		size_t start = i;
		while (i < name.len && is_hex(name.data[i]))
			i++;
		size_t len = i - start;
		if ((len == 64 || len == 32) &&
			(start == 0 || is_separator(name.data[start - 1])) &&
			(i == name.len || is_separator(name.data[i])))
			found = snap_bytes(name.data + start, len);
		if (len == 0)
			i++;
	}
	return found;
}

static struct snap_bytes without(struct snap_bytes name, const char *prefix, const char *suffix)
{
	size_t start = strlen(prefix), end = strlen(suffix);
	if (name.len <= start + end)
		return snap_bytes(NULL, 0);
	return snap_bytes(name.data + start, name.len - start - end);
}

/* The name that engines without ids give. parent: the directory above. */
static struct snap_bytes container_name(struct snap_bytes name, struct snap_bytes parent)
{
	/* LXC; systemd-nspawn, whose machines may also be a service each. */
	if (starts_with(name, "lxc.payload."))
		return without(name, "lxc.payload.", "");
	if (snap_bytes_equal_str(parent, "lxc"))
		return name;
	if (starts_with(name, "machine-") && ends_with(name, ".scope"))
		return without(name, "machine-", ".scope");
	if (starts_with(name, "systemd-nspawn@") && ends_with(name, ".service"))
		return without(name, "systemd-nspawn@", ".service");
	return snap_bytes(NULL, 0);
}

void snap_cgroup_names(struct snap_bytes path, struct snap_cgroup_names *ret)
{
	struct snap_bytes parent = {0};
	*ret = (struct snap_cgroup_names){0};
	for (size_t i = 0; i < path.len;) {
		const uint8_t *slash = memchr(path.data + i, '/', path.len - i);
		size_t end = slash ? (size_t)(slash - path.data) : path.len;
		struct snap_bytes name = snap_bytes(path.data + i, end - i);
		i = end + 1;
		if (name.len == 0)
			continue;
		if (is_unit(name))
			ret->unit = name;
		struct snap_bytes id = hex_id(name);
		if (!id.data)
			id = container_name(name, parent);
		if (id.data)
			ret->container_id = id;
		parent = name;
	}
}
