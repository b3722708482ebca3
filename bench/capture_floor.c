/*
 * The least that a program can do where Snapcrash works: what it takes longer is what the rest
 * costs.
 *
 * capture_floor pipe PID TID FILE TIERS: as the kernel's core_pattern handler. Reads the core's notes
 * from standard input, takes of each thread its registers and some of its stack through
 * /proc/PID/task/TID/mem, writes them to FILE, and ends.
 *
 * capture_floor socket PATH FILE TIERS: likewise, but as a program that stays and has the cores sent to
 * it: listens on PATH for the kernel's coredump socket, one core at a time.
 *
 * capture_floor live PID TIERS [FILE]: seizes and interrupts all threads, waits for each, reads its
 * registers and some of its stack, and lets them go. Writes nothing, but into FILE how many bytes of
 * stacks there were.
 *
 * TIERS says how many bytes of stack, so that both sides take the same:
 * FIRST,SECOND,NUM,THIRD,TAKEN is FIRST of the first thread, SECOND of NUM more, THIRD of the next
 * ones up to TAKEN threads, and nothing of the rest. To be linked statically. x86-64 and aarch64.
 */
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS 65536

#if defined(__x86_64__)
#define SP_OF(regs) ((regs).rsp)
#elif defined(__aarch64__)
#define SP_OF(regs) ((regs).sp)
#else
#error "where is the stack pointer?"
#endif

struct tiers {
	unsigned int first, second, num_second, third, num_taken;
};

static char stream[64 << 10];
static char out[1 << 20];
static size_t out_size = sizeof(out); /* of a crash less, so that few pages are touched */
static size_t out_len;
static int out_fd = -1;
static size_t stack_len;

static struct tiers parse_tiers(const char *text)
{
	struct tiers t = {0};
	if (sscanf(text, "%u,%u,%u,%u,%u", &t.first, &t.second, &t.num_second, &t.third,
		    &t.num_taken) != 5)
		exit(64);
	return t;
}

static size_t cap_of(const struct tiers *t, unsigned int index)
{
	if (index == 0)
		return t->first;
	if (index <= t->num_second)
		return t->second;
	return index < t->num_taken ? t->third : 0;
}

/* Registers and stack to the output, or nowhere if there is none. */
static void take(int mem, const struct user_regs_struct *regs, size_t cap)
{
	if (out_size - out_len < sizeof(*regs) + cap) {
		if (out_fd >= 0 && write(out_fd, out, out_len) != (ssize_t)out_len)
			exit(1);
		out_len = 0;
	}
	memcpy(out + out_len, regs, sizeof(*regs));
	out_len += sizeof(*regs);
	ssize_t n = cap > 0 ? pread(mem, out + out_len, cap, (off_t)SP_OF(*regs)) : 0;
	out_len += n > 0 ? (size_t)n : 0;
	stack_len += n > 0 ? (size_t)n : 0;
}

/* ---------------------------------------------------------------- a crash */

static size_t at, filled;
static int in_fd, mem_fd;

static void get(void *to, size_t len)
{
	while (len > 0) {
		if (at == filled) {
			ssize_t n = read(in_fd, stream, sizeof(stream));
			if (n <= 0)
				exit(1);
			at = 0;
			filled = (size_t)n;
		}
		size_t n = len < filled - at ? len : filled - at;
		if (to) {
			memcpy(to, stream + at, n);
			to = (char *)to + n;
		}
		at += n;
		len -= n;
	}
}

static int take_crash(const char *pid, const char *tid, const char *file, const struct tiers *tiers)
{
	char path[64];
	out_size = 128 << 10;
	snprintf(path, sizeof(path), "/proc/%s/task/%s/mem", pid, tid);
	int mem = mem_fd = open(path, O_RDONLY);
	out_fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (mem < 0 || out_fd < 0)
		return 1;
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr; /* the first is the notes' */
	get(&ehdr, sizeof(ehdr));
	get(&phdr, sizeof(phdr));
	get(NULL, phdr.p_offset - sizeof(ehdr) - sizeof(phdr));
	unsigned int index = 0;
	for (size_t done = 0; done < phdr.p_filesz;) {
		Elf64_Nhdr nhdr;
		get(&nhdr, sizeof(nhdr));
		size_t name_len = (nhdr.n_namesz + 3u) & ~3u, desc_len = (nhdr.n_descsz + 3u) & ~3u;
		get(NULL, name_len);
		if (nhdr.n_type == NT_PRSTATUS && desc_len >= sizeof(struct elf_prstatus)) {
			struct elf_prstatus status;
			struct user_regs_struct regs;
			get(&status, sizeof(status));
			get(NULL, desc_len - sizeof(status));
			memcpy(&regs, &status.pr_reg, sizeof(regs));
			take(mem, &regs, cap_of(tiers, index++));
		} else {
			get(NULL, desc_len);
		}
		done += sizeof(nhdr) + name_len + desc_len;
	}
	return write(out_fd, out, out_len) != (ssize_t)out_len;
}

/* As in the kernel's include/uapi/linux/coredump.h: the kernel writes the core, and waits. */
static int agree(void)
{
	struct {
		uint32_t size, size_ack;
		uint64_t mask;
	} request;
	const struct {
		uint32_t size, spare;
		uint64_t mask;
	} ack = {sizeof(ack), 0, 1u << 0 | 1u << 3};
	uint32_t mark;
	if (recv(in_fd, &request, sizeof(request), MSG_WAITALL) != sizeof(request) ||
		request.size != sizeof(request) || send(in_fd, &ack, sizeof(ack), 0) != sizeof(ack) ||
		recv(in_fd, &mark, sizeof(mark), MSG_WAITALL) != sizeof(mark))
		return 1;
	return mark != 0;
}

static int serve(const char *path, const char *file, const struct tiers *tiers)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (strlen(path) >= sizeof(address.sun_path))
		return 64;
	strcpy(address.sun_path, path);
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(listener, 16) < 0)
		return 1;
	for (;;) {
		struct ucred peer;
		socklen_t len = sizeof(peer);
		char pid[16];
		in_fd = accept(listener, NULL, NULL);
		if (in_fd < 0 || getsockopt(in_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || agree())
			return 1;
		snprintf(pid, sizeof(pid), "%d", (int)peer.pid);
		at = filled = out_len = 0;
		if (take_crash(pid, pid, file, tiers))
			return 1;
		close(in_fd);
		close(mem_fd);
		close(out_fd);
	}
}

/* ---------------------------------------------------------------- a live process */

static pid_t tids[MAX_THREADS];

static int take_live(const char *pid, const struct tiers *tiers)
{
	char path[64];
	unsigned int num = 0;
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	int tasks = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	int mem = open(path, O_RDONLY);
	_Alignas(struct dirent64) static char entries[32 << 10];
	long n;
	while ((n = syscall(SYS_getdents64, tasks, entries, sizeof(entries))) > 0) {
		for (long i = 0; i < n;) {
			const struct dirent64 *entry = (const void *)(entries + i);
			i += entry->d_reclen;
			pid_t tid = atoi(entry->d_name);
			if (tid > 0 && num < MAX_THREADS &&
				ptrace(PTRACE_SEIZE, tid, NULL, NULL) == 0)
				tids[num++] = tid;
		}
	}
	for (unsigned int i = 0; i < num; i++)
		ptrace(PTRACE_INTERRUPT, tids[i], NULL, NULL);
	for (unsigned int i = 0; i < num; i++) {
		int status;
		waitpid(tids[i], &status, __WALL);
	}
	for (unsigned int i = 0; i < num; i++) {
		struct user_regs_struct regs;
		struct iovec iov = {&regs, sizeof(regs)};
		if (ptrace(PTRACE_GETREGSET, tids[i], NT_PRSTATUS, &iov) == 0)
			take(mem, &regs, cap_of(tiers, i));
	}
	for (unsigned int i = 0; i < num; i++)
		ptrace(PTRACE_DETACH, tids[i], NULL, NULL);
	return num == 0;
}

int main(int argc, char **argv)
{
	struct tiers tiers;
	if (argc == 6 && strcmp(argv[1], "pipe") == 0) {
		tiers = parse_tiers(argv[5]);
		return take_crash(argv[2], argv[3], argv[4], &tiers);
	}
	if (argc == 5 && strcmp(argv[1], "socket") == 0) {
		tiers = parse_tiers(argv[4]);
		return serve(argv[2], argv[3], &tiers);
	}
	if ((argc == 4 || argc == 5) && strcmp(argv[1], "live") == 0) {
		tiers = parse_tiers(argv[3]);
		int status = take_live(argv[2], &tiers);
		FILE *count = argc == 5 ? fopen(argv[4], "w") : NULL;
		if (count && (fprintf(count, "%zu\n", stack_len) < 0 || fclose(count) != 0))
			return 1;
		return status;
	}
	return 64;
}
