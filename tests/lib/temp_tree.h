/*
 * A directory of a test's own, below /tmp.
 */
#ifndef SNAP_TESTS_LIB_TEMP_TREE_H
#define SNAP_TESTS_LIB_TEMP_TREE_H

/* What mkdtemp() is to be given, once; afterwards its name. */
extern char top[sizeof("/tmp/snap-test-XXXXXX")];

/* A group's setup, which makes it, and teardown, which removes it with all that is in it. */
int make_top(void **state);
int remove_top(void **state);

/* A path in it. In one of four static buffers, which take turns; of at most 511 bytes. */
const char *in_top(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A file of that path in it; the test fails if that can't be. */
void put_file(const char *name, const char *text);

/* A directory with all that is below it, symbolic links not followed. What can't be removed stays.
 */
void remove_tree(const char *path);

#endif
