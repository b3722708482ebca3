#include "capture/ctl/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/escape.h"

#define SHOWN_MAX 8

int snap_kernel_log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 && lseek(fd, 0, SEEK_END) < 0) {
		(void)close(fd); /* nothing was written */
		fd = -1;
	}
	return fd;
}

static bool is_of_interest(const char *text)
{
	static const char *const words[] = {"core", "snapcrash"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(text, words[i]))
			return true;
	return false;
}

/* Each read(2) gives one record: "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n KEY=VALUE\n..." */
void snap_kernel_log_show(int fd, const char *prefix)
{
	char record[8192], shown[512];
	int num = 0;
	while (num < SHOWN_MAX) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue; /* some were overwritten meanwhile */
		if (n <= 0)
			return;
		record[n] = '\0';
		char *text = strchr(record, ';');
		if (!text)
			continue;
		text++;
		text[strcspn(text, "\n")] = '\0';
		if (!is_of_interest(text))
			continue;
		(void)snap_escape(snap_bytes_str(text), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
		fprintf(stderr, "%s%s\n", prefix, shown);
		num++;
	}
}
