#include "capture/server/user.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PASSWD "/etc/passwd"

static bool parse_id(const char *text, uint32_t *ret)
{
	char *end;
	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	/* The last one means "no change" to setresuid(2). */
	if (errno != 0 || *end != '\0' || value >= UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* name:password:uid:gid:... in line, whose ':' are overwritten. Source: passwd(5). */
static bool is_entry(char *line, const char *name, bool numeric, struct snap_user *ret)
{
	char *field[4];
	for (size_t i = 0; i < 4; i++) {
		field[i] = line;
		line += strcspn(line, ":\n");
		if (*line != ':')
			return false;
		*line++ = '\0';
	}
	uint32_t uid, gid, wanted;
	if (!parse_id(field[2], &uid) || !parse_id(field[3], &gid))
		return false;
	if (numeric ? !parse_id(name, &wanted) || wanted != uid : strcmp(field[0], name) != 0)
		return false;
	*ret = (struct snap_user){uid, gid};
	return true;
}

int snap_user_find(const char *name, const char *file, struct snap_user *ret)
{
	uint32_t number;
	bool numeric = parse_id(name, &number);
	FILE *f = fopen(file ? file : PASSWD, "re");
	int r = f ? -ENOENT : -errno;
	char *line = NULL;
	size_t size = 0;
	while (r == -ENOENT && f && getline(&line, &size, f) > 0)
		if (is_entry(line, name, numeric, ret))
			r = 0;
	free(line);
	if (f)
		(void)fclose(f); /* only read from */
	if (r < 0 && numeric) {
		*ret = (struct snap_user){number, number};
		r = 0;
	}
	return r;
}

int snap_user_become(const struct snap_user *user)
{
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
		setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	/* setresuid(2) has taken root's capabilities away, unless a flag of the process says
	 * otherwise. */
	if (user->uid != 0 && setresuid(0, 0, 0) == 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}
