/*
 * The standard descriptors of a program that was started without some of them.
 */
#ifndef SNAP_COMMON_STANDARD_FDS_H
#define SNAP_COMMON_STANDARD_FDS_H

/*
 * To be called before anything is opened: a file that gets the number of a closed standard descriptor
 * would be read as input, or have printed into it what is meant for whoever started the program.
 * Standard input and output stay as good as closed (EBADF). Standard error becomes words, a path, or
 * where that is NULL or can't be opened, /dev/null.
 */
void snap_standard_fds_bind(const char *words);

#endif
