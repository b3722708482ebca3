/*
 * The server's log: the journal, syslog or standard error. One log for the process and the children
 * that it forks. Never blocks: what the receiver can't take at once is dropped and counted.
 */
#ifndef SNAP_CAPTURE_SERVER_LOG_H
#define SNAP_CAPTURE_SERVER_LOG_H

#include <stddef.h>

#include "capture/config.h"
#include "common/bytes.h"

/* syslog(3)'s severities. */
enum snap_log_level {
	SNAP_LOG_ERROR = 3,
	SNAP_LOG_WARNING = 4,
	SNAP_LOG_NOTICE = 5,
	SNAP_LOG_INFO = 6,
	SNAP_LOG_DEBUG = 7,
};

/*
 * Where messages go from now on; before, and where that place can't be reached, to standard error.
 * SNAP_CONFIG_LOG_AUTO: the journal if standard error is connected to it (systemd.exec(5),
 * $JOURNAL_STREAM), else standard error if it is open and not /dev/null, else syslog.
 */
void snap_log_open(enum snap_config_log where, const char *program);

/* One line, without a newline. Whatever is not fit to be shown in it is escaped. */
void snap_log(enum snap_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Text from outside, escaped and cut to fit, for a message; returns buf. */
const char *snap_log_text(struct snap_bytes text, char *buf, size_t size);

/* The descriptor that a child has to keep open to be heard, or -1. */
int snap_log_fd(void);

#endif
