/*
 * Giving up the rights that a capture does not take, before anything hostile is read.
 *
 * Crash-time: no allocation.
 */
#ifndef SNAP_CAPTURE_PRIVILEGES_H
#define SNAP_CAPTURE_PRIVILEGES_H

/*
 * Keep of the capabilities (capabilities(7)) only what reading another process takes, whoever it
 * belongs to (CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN for /proc/PID/stack, CAP_NET_ADMIN for
 * the names of many threads), and what gives a file to a group (CAP_CHOWN); and gain none by any program that may be started. The user
 * stays: the spool is root's. For good. What can't be given up is kept.
 */
void snap_privileges_drop(void);

#endif
