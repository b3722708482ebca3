/*
 * planted.c's other half: -flto has something to do.
 */
#define NOINLINE __attribute__((noinline))

/* 16: a file's worth of layers, the last of which writes where nothing is. */
int planted_far(const char *text);
