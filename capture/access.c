#include "capture/access.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/elf_load.h"

/* ---------------------------------------------------------------- the group */

static bool parse_id(struct snap_bytes digits, uint32_t *ret)
{
	uint64_t id = 0;
	if (digits.len == 0 || digits.len > 10)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		id = id * 10 + (uint64_t)(digits.data[i] - '0');
	}
	/* The last one means "none" to chown(2). */
	if (id >= UINT32_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
}

/* A line of group(5): name:password:gid:members. */
static bool take_group_line(struct snap_bytes line, const char *name, uint32_t *ret)
{
	struct snap_bytes fields[3];
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *end = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
		if (!end)
			return false;
		fields[i] = snap_bytes(line.data, (size_t)(end - line.data));
		line = snap_bytes(end + 1, line.len - fields[i].len - 1);
	}
	return snap_bytes_equal_str(fields[0], name) && parse_id(fields[2], ret);
}

int snap_access_group(const char *name, const char *file, gid_t *ret)
{
	uint32_t id;
	if (parse_id(snap_bytes_str(name), &id)) {
		*ret = id;
		return 0;
	}
	int fd = open(file ? file : "/etc/group", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;

	/* Members make lines long: of one only the beginning matters. */
	uint8_t line[512], buf[4096];
	size_t line_len = 0;
	bool found = false;
	ssize_t n;
	while (!found && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n && !found; i++) {
			if (buf[i] != '\n') {
				if (line_len < sizeof(line))
					line[line_len++] = buf[i];
				continue;
			}
			found = take_group_line(snap_bytes(line, line_len), name, &id);
			line_len = 0;
		}
	}
	int r = !found && n < 0 ? -errno : 0;
	(void)close(fd); /* nothing was written */
	if (r == 0 && !found && !take_group_line(snap_bytes(line, line_len), name, &id))
		r = -ENOENT;
	if (r == 0)
		*ret = id;
	return r;
}

/* ---------------------------------------------------------------- the user */

bool snap_access_owner_allowed(const struct snap_access_facts *facts)
{
	enum { UID, EUID, GID, EGID, SECURE, NUM };
	static const uint64_t types[NUM] = {AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE};
	uint64_t values[NUM];
	unsigned int seen = 0;
	unsigned int word = facts->elf_class == ELFCLASS64 ? 8 : 4;
	if ((facts->elf_class != ELFCLASS64 && facts->elf_class != ELFCLASS32) ||
		(facts->elf_data != ELFDATA2LSB && facts->elf_data != ELFDATA2MSB))
		return false;

	const uint8_t *p = facts->auxv.data;
	for (size_t left = facts->auxv.data ? facts->auxv.len : 0; left >= 2 * word;
		left -= 2 * word, p += 2 * word) {
		uint64_t type = snap_elf_load(p, word, facts->elf_data);
		if (type == AT_NULL)
			break;
		for (unsigned int i = 0; i < NUM; i++) {
			if (type != types[i])
				continue;
			if (seen & 1u << i)
				return false; /* the kernel writes each once */
			seen |= 1u << i;
			values[i] = snap_elf_load(p + word, word, facts->elf_data);
		}
	}
	return seen == (1u << NUM) - 1 && facts->identity_verified && facts->dumpable == 1 &&
	       values[SECURE] == 0 && values[UID] == facts->uid && values[EUID] == facts->uid &&
	       values[GID] == facts->gid && values[EGID] == facts->gid;
}

/* ---------------------------------------------------------------- rights */

/*
 * The extended attribute in which the kernel takes an access control list, all of it little-endian.
 * Source: the kernel's include/uapi/linux/posix_acl_xattr.h and posix_acl.h.
 */
#define ACL_ATTRIBUTE  "system.posix_acl_access"
#define ACL_VERSION    2
#define ACL_USER_OBJ   0x01
#define ACL_USER       0x02
#define ACL_GROUP_OBJ  0x04
#define ACL_MASK       0x10
#define ACL_OTHER      0x20
#define ACL_ANYBODY    UINT32_MAX
#define ACL_READ       4
#define ACL_WRITE      2
#define ACL_HEADER_LEN 4
#define ACL_ENTRY_LEN  8

static uint8_t *put_le(uint8_t *p, uint32_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*p++ = (uint8_t)(value >> (8 * i));
	return p;
}

static int set_acl(int fd, uid_t reader, bool group_reads)
{
	const struct {
		uint16_t tag, rights;
		uint32_t id;
	} entries[] = {
		{ACL_USER_OBJ, ACL_READ | ACL_WRITE, ACL_ANYBODY},
		{ACL_USER, ACL_READ, reader},
		{ACL_GROUP_OBJ, group_reads ? ACL_READ : 0, ACL_ANYBODY},
		{ACL_MASK, ACL_READ, ACL_ANYBODY},
		{ACL_OTHER, 0, ACL_ANYBODY},
	};
	enum { NUM = sizeof(entries) / sizeof(entries[0]) };
	uint8_t acl[ACL_HEADER_LEN + NUM * ACL_ENTRY_LEN];
	uint8_t *p = put_le(acl, ACL_VERSION, 4);
	for (size_t i = 0; i < NUM; i++) {
		p = put_le(p, entries[i].tag, 2);
		p = put_le(p, entries[i].rights, 2);
		p = put_le(p, entries[i].id, 4);
	}
	return fsetxattr(fd, ACL_ATTRIBUTE, acl, sizeof(acl), 0) < 0 ? -errno : 0;
}

int snap_access_set_file(int fd, const struct snap_access *access)
{
	if (access->has_group) {
		if (fchown(fd, (uid_t)-1, access->group) < 0 || fchmod(fd, 0640) < 0)
			return -errno;
	}
	/* Root reads it anyway. */
	if (access->owner_access && access->has_owner && access->owner != 0)
		return set_acl(fd, access->owner, access->has_group);
	return 0;
}

int snap_access_set_directory(int dir_fd, const struct snap_access *access)
{
	struct stat st;
	mode_t more = (access->has_group ? 0050 : 0) | (access->owner_access ? 0001 : 0);
	if (more == 0)
		return 0;
	if (fstat(dir_fd, &st) < 0)
		return -errno;
	if (access->has_group && st.st_gid != access->group &&
		fchown(dir_fd, (uid_t)-1, access->group) < 0)
		return -errno;
	if ((st.st_mode & more) != more && fchmod(dir_fd, (st.st_mode | more) & 07777) < 0)
		return -errno;
	return 0;
}
