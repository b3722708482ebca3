/*
 * What the programs of the corpus share: one of their bugs is there, named on the command line
 * ("PROGRAM BUG SEED"), and all that they do comes from the seed. A bug spoils data once in a
 * while; what becomes of it is up to the code that uses it.
 */
#ifndef CORPUS_BUGS_H
#define CORPUS_BUGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION 1
#endif

extern const char *bug_name;
extern int bug_left; /* so often it does not happen yet */
extern uint64_t seed;

static inline unsigned rnd(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(seed >> 33) % limit;
}

static inline bool bug_is_there(const char *name)
{
	return strcmp(bug_name, name) == 0 && --bug_left < 0;
}

/* make.py finds the names of all bugs by this word. */
#define BUG(name) bug_is_there(#name)

#define BUGS_MAIN                                                                                  \
	const char *bug_name;                                                                      \
	int bug_left;                                                                              \
	uint64_t seed;                                                                             \
	static void bugs_begin(int argc, char **argv)                                              \
	{                                                                                          \
		bug_name = argc > 1 ? argv[1] : "";                                                \
		seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;                                 \
		bug_left = (int)rnd(4);                                                            \
	}

#endif
