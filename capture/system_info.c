#include "capture/system_info.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/proc_info.h"

/* The value of PRETTY_NAME, unquoted in place. Source: os-release(5). */
static struct snap_bytes pretty_name(char *text)
{
	static const char key[] = "PRETTY_NAME=";
	char *p = text;
	while (strncmp(p, key, sizeof(key) - 1) != 0) {
		p = strchr(p, '\n');
		if (!p)
			return snap_bytes(NULL, 0);
		p++;
	}
	p += sizeof(key) - 1;
	char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
	char *start = p, *to = p;
	while (*p != '\0' && *p != '\n' && *p != quote) {
		if (quote == '"' && *p == '\\' && p[1] != '\0')
			p++;
		*to++ = *p++;
	}
	return snap_bytes(start, (size_t)(to - start));
}

void snap_system_parse_loads(const char *text, struct snap_system *ret)
{
	ret->num_loads = 0;
	for (size_t i = 0; i < SNAP_LOADS; i++) {
		uint64_t whole, hundredths;
		size_t digits;
		if (!snap_proc_number(text, &whole) || whole > UINT32_MAX / 100 - 1)
			return;
		text += strspn(text, " ");
		text += strspn(text, "0123456789");
		/* The kernel prints two digits behind the point (fs/proc/loadavg.c). */
		if (text[0] != '.' || !snap_proc_number(text + 1, &hundredths))
			return;
		digits = strspn(text + 1, "0123456789");
		if (digits != 2)
			return;
		text += 1 + digits;
		ret->load_hundredths[i] = (uint32_t)(whole * 100 + hundredths);
		ret->num_loads++;
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool snap_system_parse_uuid(const char *text, uint8_t ret[static 16])
{
	uint8_t uuid[16];
	for (size_t i = 0; i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		uuid[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	memcpy(ret, uuid, sizeof(uuid));
	return true;
}

uint32_t snap_system_parse_cpus(const char *text)
{
	uint64_t num = 0;
	for (;;) {
		uint64_t first, last;
		if (!snap_proc_number(text, &first))
			return 0;
		text += strspn(text, "0123456789");
		last = first;
		if (*text == '-') {
			if (!snap_proc_number(++text, &last))
				return 0;
			text += strspn(text, "0123456789");
		}
		/* No kernel has as many. */
		if (last < first || last > 1u << 20)
			return 0;
		num += last - first + 1;
		if (*text != ',')
			break;
		text++;
	}
	return (*text == '\n' || *text == '\0') && num <= 1u << 20 ? (uint32_t)num : 0;
}

void snap_system_parse_meminfo(const char *line, struct snap_system *ret)
{
	const struct {
		const char *key;
		bool *has;
		uint64_t *to;
	} wanted[] = {
		{"MemTotal:", &ret->has_memory_total, &ret->memory_total},
		{"MemFree:", &ret->has_memory_free, &ret->memory_free},
		{"MemAvailable:", &ret->has_memory_available, &ret->memory_available},
		{"SwapTotal:", &ret->has_swap_total, &ret->swap_total},
		{"SwapFree:", &ret->has_swap_free, &ret->swap_free},
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		size_t len = strlen(wanted[i].key);
		uint64_t kib;
		if (strncmp(line, wanted[i].key, len) != 0)
			continue;
		if (snap_proc_number(line + len, &kib) && kib <= UINT64_MAX / 1024) {
			*wanted[i].has = true;
			*wanted[i].to = kib * 1024;
		}
		return;
	}
}

static void take_meminfo(void *arg, const char *line, size_t len)
{
	(void)len;
	snap_system_parse_meminfo(line, arg);
}

/* A link into /usr/lib on most systems: opened here, for _proc_read() follows none. */
static void read_os_release(struct snap_system_buf *buf, struct snap_system *ret)
{
	int fd = open("/etc/os-release", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	ssize_t n = read(fd, buf->os_release, sizeof(buf->os_release) - 1);
	(void)close(fd);
	if (n > 0) {
		buf->os_release[n] = '\0';
		ret->os = pretty_name(buf->os_release);
	}
}

void snap_system_read(struct snap_system_buf *buf, struct snap_system *ret)
{
	char text[256];
	struct timespec now;
	*ret = (struct snap_system){0};
	if (uname(&buf->uts) == 0) {
		ret->sysname = snap_bytes_str(buf->uts.sysname);
		ret->release = snap_bytes_str(buf->uts.release);
		ret->version = snap_bytes_str(buf->uts.version);
		ret->machine = snap_bytes_str(buf->uts.machine);
		ret->hostname = snap_bytes_str(buf->uts.nodename);
	}
	/* Soon, for a process that was let go is giving back its memory. */
	(void)snap_proc_lines(AT_FDCWD, "/proc/meminfo", take_meminfo, ret); /* else absent */
	if (snap_proc_read(AT_FDCWD, "/proc/loadavg", text, sizeof(text)) > 0)
		snap_system_parse_loads(text, ret);
	if (clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
		ret->has_uptime = true;
		ret->uptime_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	}
	if (snap_proc_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) > 0 &&
		snap_system_parse_uuid(text, buf->boot_id))
		ret->boot_id = snap_bytes(buf->boot_id, sizeof(buf->boot_id));
	if (snap_proc_read(AT_FDCWD, "/sys/devices/system/cpu/online", text, sizeof(text)) > 0) {
		ret->num_cpus = snap_system_parse_cpus(text);
		ret->has_num_cpus = ret->num_cpus > 0;
	}
	read_os_release(buf, ret);
}
