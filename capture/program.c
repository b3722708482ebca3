#include "capture/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int snap_program_shown(const char *program)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_COMPLETE;
	fprintf(stderr, "%s: cannot write standard output: %s\n", program, strerror(errno));
	return EXIT_NOTHING;
}
