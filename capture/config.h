/*
 * The configuration file that all capture programs share: `key = value` lines, `#` comments.
 *
 * A comment begins with a `#` that starts the line or follows a blank. Keys: spool (a directory),
 * socket (the server's). Values are absolute paths; of two lines with one key the later counts.
 */
#ifndef SNAP_CAPTURE_CONFIG_H
#define SNAP_CAPTURE_CONFIG_H

#include <limits.h>

#include "common/error.h"

#define SNAP_CONFIG_DEFAULT_FILE   "/etc/snapcrash.conf"
#define SNAP_CONFIG_DEFAULT_SPOOL  "/var/lib/snapcrash"
#define SNAP_CONFIG_DEFAULT_SOCKET "/run/snapcrash/server.sock"

/* Bytes of a line, without its newline, and of the whole file. */
#define SNAP_CONFIG_MAX_LINE 4096
#define SNAP_CONFIG_MAX_FILE (64u << 10)

struct snap_config {
	char spool[PATH_MAX];
	char socket[108]; /* sizeof(sockaddr_un.sun_path) */
};

/*
 * Read the file (NULL: the default one, which may be missing). Returns 0, or -1 with the first
 * thing wrong as "FILE:LINE: what" in *err. *ret is usable in both cases: what is wrong is left
 * out, and what is left out has its default.
 */
int snap_config_read(const char *file, struct snap_config *ret, struct snap_error *err);

#endif
