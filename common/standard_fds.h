/*
 * The standard descriptors of a program that was started without some of them.
 */
#ifndef SNAP_COMMON_STANDARD_FDS_H
#define SNAP_COMMON_STANDARD_FDS_H

#include <stdio.h>

/*
 * To be called before anything is opened: a file that gets the number of a closed standard
 * descriptor would be read as input, or have printed into it what is meant for whoever started the
 * program. Standard input and output stay as good as closed (EBADF). Standard error becomes
 * /dev/null, and words, a path that stays valid, when something is to be said.
 */
void snap_standard_fds_bind(const char *words);

/*
 * stderr, for a program that gave words. They are opened now, if they can be: the kernel's log, of
 * a machine where much was logged, takes as long as a tenth of a small crash.
 */
FILE *snap_standard_error(void);

#endif
