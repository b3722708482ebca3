#include "capture/origin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/xattr.h>

#define ATTRIBUTE "user.snapcrash"

static const char on_demand_mark[] = ":app";

void snap_origin_init(struct snap_origin *origin, uint32_t uid, struct snap_bytes exe)
{
	memset(origin, 0, sizeof(*origin));
	origin->has_uid = true;
	origin->uid = uid;
	if (exe.len > sizeof(origin->exe))
		exe = snap_bytes(exe.data + exe.len - sizeof(origin->exe), sizeof(origin->exe));
	origin->exe_len = exe.len;
	if (exe.len > 0)
		memcpy(origin->exe, exe.data, exe.len);
}

bool snap_origin_same_exe(const struct snap_origin *a, const struct snap_origin *b)
{
	return snap_bytes_equal(snap_bytes(a->exe, a->exe_len), snap_bytes(b->exe, b->exe_len));
}

bool snap_origin_equal(const struct snap_origin *a, const struct snap_origin *b)
{
	return a->has_uid == b->has_uid && (!a->has_uid || a->uid == b->uid) &&
	       a->on_demand == b->on_demand && snap_origin_same_exe(a, b);
}

int snap_origin_write(int fd, const struct snap_origin *origin)
{
	char value[16 + sizeof(on_demand_mark) + SNAP_ORIGIN_EXE_MAX];
	int len = snprintf(value, sizeof(value), "%lu%s ", (unsigned long)origin->uid,
		origin->on_demand ? on_demand_mark : "");
	memcpy(value + len, origin->exe, origin->exe_len);
	return fsetxattr(fd, ATTRIBUTE, value, (size_t)len + origin->exe_len, 0) < 0 ? -errno : 0;
}

int snap_origin_read(int fd, struct snap_origin *ret)
{
	/* One longer than ours is not ours: ERANGE. */
	char value[16 + sizeof(on_demand_mark) + SNAP_ORIGIN_EXE_MAX];
	ssize_t n = fgetxattr(fd, ATTRIBUTE, value, sizeof(value));
	if (n < 0)
		return errno == ERANGE ? -ENODATA : -errno;
	size_t len = (size_t)n, at = 0;
	uint64_t uid = 0;
	for (; at < len && value[at] >= '0' && value[at] <= '9' && at < 10; at++)
		uid = uid * 10 + (uint64_t)(value[at] - '0');
	const size_t mark_len = sizeof(on_demand_mark) - 1;
	bool on_demand =
		at > 0 && len - at >= mark_len && memcmp(value + at, on_demand_mark, mark_len) == 0;
	size_t digits = at;
	if (on_demand)
		at += mark_len;
	if (digits == 0 || uid > UINT32_MAX || at == len || value[at] != ' ' ||
		len - at - 1 > SNAP_ORIGIN_EXE_MAX)
		return -ENODATA;
	at++;
	snap_origin_init(ret, (uint32_t)uid, snap_bytes(value + at, len - at));
	ret->on_demand = on_demand;
	return 0;
}
