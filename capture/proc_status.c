#include "capture/proc_status.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "capture/proc_info.h"

/* ---------------------------------------------------------------- status */

/* Where a line's number goes, as an offset into struct snap_proc_status. */
#define TO(member) offsetof(struct snap_proc_status, member)

/* Of the lines whose value is one decimal number. */
static const struct {
	const char *key;
	size_t to;
} numbers[] = {
	{"Tgid:", TO(tgid)},
	{"Pid:", TO(pid)},
	{"PPid:", TO(ppid)},
	{"TracerPid:", TO(tracer_pid)},
	{"Threads:", TO(num_threads)},
	{"CoreDumping:", TO(core_dumping)},
	{"Kthread:", TO(kthread)},
	{"NSpgid:", TO(pgid)},
	{"NSsid:", TO(sid)},
	{"VmPeak:", TO(vm_peak_kib)},
	{"VmSize:", TO(vm_kib)},
	{"VmHWM:", TO(rss_peak_kib)},
	{"VmRSS:", TO(rss_kib)},
	{"VmSwap:", TO(swap_kib)},
	{"Seccomp:", TO(seccomp)},
	{"NoNewPrivs:", TO(no_new_privs)},
};

static const char *skip_number(const char *p)
{
	p += strspn(p, " \t");
	return p + strspn(p, "0123456789");
}

/* The last of several numbers. Returns how many there are. */
static uint64_t last_number(const char *p, uint64_t *ret)
{
	uint64_t num = 0;
	for (; snap_proc_number(p, ret); p = skip_number(p))
		num++;
	return num;
}

static void four_numbers(const char *p, uint64_t *const to[4])
{
	for (size_t i = 0; i < 4 && snap_proc_number(p, to[i]); i++)
		p = skip_number(p);
}

static bool hex_number(const char *p, uint64_t *ret)
{
	uint64_t value = 0;
	p += strspn(p, " \t");
	size_t len = strspn(p, "0123456789abcdef");
	if (len == 0 || len > 16)
		return false;
	for (; len > 0; len--, p++)
		value = value << 4 | (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	*ret = value;
	return true;
}

static bool starts_with(const char *line, const char *key, const char **ret_rest)
{
	size_t len = strlen(key);
	if (strncmp(line, key, len) != 0)
		return false;
	*ret_rest = line + len;
	return true;
}

static void take_line(void *arg, const char *line, size_t len)
{
	struct snap_proc_status *s = arg;
	const char *rest;
	(void)len;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].key[0] == line[0] && starts_with(line, numbers[i].key, &rest)) {
			/* Else it stays unknown. */
			(void)snap_proc_number(rest, (uint64_t *)((char *)s + numbers[i].to));
			return;
		}
	if (starts_with(line, "State:", &rest))
		s->state = rest[strspn(rest, " \t")];
	else if (starts_with(line, "Uid:", &rest))
		four_numbers(rest, (uint64_t *[]){&s->uid, &s->euid, &s->suid, &s->fsuid});
	else if (starts_with(line, "Gid:", &rest))
		four_numbers(rest, (uint64_t *[]){&s->gid, &s->egid, &s->sgid, &s->fsgid});
	else if (starts_with(line, "NStgid:", &rest))
		(void)last_number(rest, &s->ns_tgid);
	else if (starts_with(line, "NSpid:", &rest))
		s->num_pid_namespaces = last_number(rest, &s->ns_pid);
	else if (starts_with(line, "CapEff:", &rest))
		s->has_capabilities = hex_number(rest, &s->capabilities);
}

static void unknown_status(struct snap_proc_status *s)
{
	*s = (struct snap_proc_status){
		.tgid = SNAP_PROC_UNKNOWN,
		.pid = SNAP_PROC_UNKNOWN,
		.ppid = SNAP_PROC_UNKNOWN,
		.tracer_pid = SNAP_PROC_UNKNOWN,
		.num_threads = SNAP_PROC_UNKNOWN,
		.core_dumping = SNAP_PROC_UNKNOWN,
		.kthread = SNAP_PROC_UNKNOWN,
		.uid = SNAP_PROC_UNKNOWN,
		.euid = SNAP_PROC_UNKNOWN,
		.suid = SNAP_PROC_UNKNOWN,
		.fsuid = SNAP_PROC_UNKNOWN,
		.gid = SNAP_PROC_UNKNOWN,
		.egid = SNAP_PROC_UNKNOWN,
		.sgid = SNAP_PROC_UNKNOWN,
		.fsgid = SNAP_PROC_UNKNOWN,
		.ns_pid = SNAP_PROC_UNKNOWN,
		.ns_tgid = SNAP_PROC_UNKNOWN,
		.pgid = SNAP_PROC_UNKNOWN,
		.sid = SNAP_PROC_UNKNOWN,
		.vm_kib = SNAP_PROC_UNKNOWN,
		.vm_peak_kib = SNAP_PROC_UNKNOWN,
		.rss_kib = SNAP_PROC_UNKNOWN,
		.rss_peak_kib = SNAP_PROC_UNKNOWN,
		.swap_kib = SNAP_PROC_UNKNOWN,
		.seccomp = SNAP_PROC_UNKNOWN,
		.no_new_privs = SNAP_PROC_UNKNOWN,
	};
}

/*
 * Line by line: with tens of thousands of supplementary groups the file is far larger than what
 * is wanted of it. The process's name comes escaped, and so can't forge a line.
 */
int snap_proc_status_read(int dir_fd, const char *name, struct snap_proc_status *ret)
{
	struct snap_proc_status status;
	unknown_status(&status);
	int r = snap_proc_lines(dir_fd, name, take_line, &status);
	if (r == 0)
		*ret = status;
	return r;
}

/* ---------------------------------------------------------------- what it tells of the process */

/* False for unknown ones, and for what no 32-bit field can have. */
static bool number32(uint64_t value, uint32_t *ret)
{
	if (value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool kib(uint64_t value, uint64_t *ret)
{
	if (value > UINT64_MAX / 1024)
		return false;
	*ret = value * 1024;
	return true;
}

void snap_proc_status_facts(const struct snap_proc_status *s, struct snap_process *p)
{
	p->has_ppid = number32(s->ppid, &p->ppid);
	p->has_pgid = number32(s->pgid, &p->pgid);
	p->has_sid = number32(s->sid, &p->sid);
	p->has_euid = number32(s->euid, &p->euid);
	p->has_suid = number32(s->suid, &p->suid);
	p->has_fsuid = number32(s->fsuid, &p->fsuid);
	p->has_egid = number32(s->egid, &p->egid);
	p->has_sgid = number32(s->sgid, &p->sgid);
	p->has_fsgid = number32(s->fsgid, &p->fsgid);
	p->has_ns_pid = s->num_pid_namespaces > 1 && number32(s->ns_tgid, &p->ns_pid);
	p->has_tracer_pid = number32(s->tracer_pid, &p->tracer_pid);
	p->has_vm_bytes = kib(s->vm_kib, &p->vm_bytes);
	p->has_vm_peak_bytes = kib(s->vm_peak_kib, &p->vm_peak_bytes);
	p->has_rss_bytes = kib(s->rss_kib, &p->rss_bytes);
	p->has_rss_peak_bytes = kib(s->rss_peak_kib, &p->rss_peak_bytes);
	p->has_swap_bytes = kib(s->swap_kib, &p->swap_bytes);
	p->has_seccomp = number32(s->seccomp, &p->seccomp);
	p->has_no_new_privs = s->no_new_privs != SNAP_PROC_UNKNOWN;
	p->no_new_privs = s->no_new_privs == 1;
	p->has_capabilities = s->has_capabilities;
	p->capabilities = s->capabilities;
}

/* ---------------------------------------------------------------- stat */

int snap_proc_stat_read(int dir_fd, const char *name, struct snap_proc_stat *ret)
{
	char buf[1536];
	ssize_t n = snap_proc_read(dir_fd, name, buf, sizeof(buf));
	if (n < 0)
		return (int)n;
	/* The comm in between may hold anything, parentheses included. */
	const char *start = strchr(buf, '('), *p = strrchr(buf, ')');
	if (!start || !p || p < start || p[1] != ' ' || p[2] == '\0')
		return -EBADMSG;
	struct snap_proc_stat stat = {.comm_len = (size_t)(p - start) - 1};
	if (stat.comm_len > sizeof(stat.comm))
		stat.comm_len = sizeof(stat.comm);
	memcpy(stat.comm, start + 1, stat.comm_len);
	p += 2;
	stat.state = *p;
	const struct {
		unsigned int field;
		uint64_t *to;
	} wanted[] = {
		{9, &stat.flags},
		{14, &stat.user_ticks},
		{15, &stat.system_ticks},
		{20, &stat.num_threads},
		{22, &stat.start_time},
		{28, &stat.start_stack},
		{29, &stat.sp},
		{30, &stat.pc},
		{39, &stat.cpu},
	};
	size_t next = 0;
	for (unsigned int field = 3; *p != '\0' && next < sizeof(wanted) / sizeof(wanted[0]);
		field++) {
		if (field == wanted[next].field)
			(void)snap_proc_number(p, wanted[next++].to);
		p += strcspn(p, " \n");
		p += strspn(p, " \n");
	}
	*ret = stat;
	return 0;
}

uint64_t snap_proc_ticks_ms(uint64_t ticks)
{
	long hz = sysconf(_SC_CLK_TCK);
	if (hz <= 0)
		hz = 100; /* USER_HZ of all machines that we know */
	return ticks / (uint64_t)hz * 1000 + ticks % (uint64_t)hz * 1000 / (uint64_t)hz;
}
