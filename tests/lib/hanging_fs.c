/*
 * A file system with one file, `file`, that can be opened and mapped, and whose bytes never come:
 * hanging_fs DIRECTORY mounts it there, prints "ready", and serves it until it is killed. Whoever
 * reads the file waits, in a way that only SIGKILL ends.
 *
 * Source: the kernel's include/uapi/linux/fuse.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILE_NODE 2
#define FILE_SIZE (64 * 1024)

static int device;

static void answer(uint64_t unique, int error, const void *data, size_t len)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + len),
		.error = -error,
		.unique = unique,
	};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)data, len}};
	(void)writev(device, parts, 2); /* a request that was given up: ENOENT */
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755,
		.nlink = 1,
		.size = node == FILE_NODE ? FILE_SIZE : 0,
		.blksize = 4096,
	};
}

static void serve(const struct fuse_in_header *in, const char *arg)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 65536,
		.max_write = 4096,
	};
	struct fuse_entry_out entry = {
		.nodeid = FILE_NODE,
		.entry_valid = 1000,
		.attr_valid = 1000,
		.attr = attributes(FILE_NODE),
	};
	struct fuse_attr_out attr = {.attr_valid = 1000, .attr = attributes(in->nodeid)};
	struct fuse_open_out opened = {.fh = 1};
	switch (in->opcode) {
	case FUSE_INIT:
		answer(in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		if (strcmp(arg, "file") == 0)
			answer(in->unique, 0, &entry, sizeof(entry));
		else
			answer(in->unique, ENOENT, NULL, 0);
		break;
	case FUSE_GETATTR:
		answer(in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
		answer(in->unique, 0, NULL, 0);
		break;
	default:
		answer(in->unique, ENOSYS, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	static _Alignas(8) char request[1 << 20];
	char options[128];
	if (argc != 2)
		return 64;
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	(void)snprintf(
		options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	if (device < 0 || mount("hanging", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		perror("hanging_fs");
		return 77;
	}
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		ssize_t n = read(device, request, sizeof(request));
		if (n < 0 && (errno == EINTR || errno == ENOENT))
			continue;
		if (n < (ssize_t)sizeof(struct fuse_in_header))
			return 0; /* unmounted */
		serve((const void *)request, request + sizeof(struct fuse_in_header));
	}
}
