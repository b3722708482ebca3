#include "analyze/file_read.h"

#include <errno.h>
#include <unistd.h>

ssize_t snap_file_read_at(int fd, void *buf, size_t len, uint64_t off)
{
	size_t done = 0;
	if (off > INT64_MAX || len > INT64_MAX - off)
		return -EOVERFLOW;
	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(off + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && done == 0)
			return -errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
