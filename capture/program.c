#include "capture/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Longer than what the programs say with a path in it. */
static char line[8192];

void snap_program_begin(void)
{
	(void)setvbuf(stderr, line, _IOLBF, sizeof(line)); /* valid arguments: can't fail */
}

int snap_program_shown(const char *program)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_COMPLETE;
	fprintf(stderr, "%s: cannot write standard output: %s\n", program, strerror(errno));
	return EXIT_NOTHING;
}
