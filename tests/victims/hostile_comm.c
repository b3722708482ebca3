/* Gives itself the hostile name number argv[1] and a hostile command line, then crashes. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static const char *const names[] = {
	"a b  c --config",	  /* spaces and an option, for whoever splits arguments */
	"new\nline\n1 2",	  /* newlines, for whoever reads lines */
	"\xff\xfe\x80 bad utf8",  /* not UTF-8 */
	"\x1b[31mred\x1b]0;t\a", /* escape sequences, for whoever reads on a terminal */
	"../../../x/y",		  /* slashes, for whoever makes a file name of it */
	"x) R 1 1 1 (y",	  /* for whoever parses /proc/PID/stat from the left */
	"",			  /* nothing at all */
	"%s%n$(id)`id`",	  /* for whoever formats it or gives it to a shell */
};

__attribute__((noinline)) int crash_named(int *nothing)
{
	return *nothing + 1;
}

int main(int argc, char **argv)
{
	size_t i = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int *volatile nothing = NULL;

	if (i >= sizeof(names) / sizeof(names[0]))
		return 1;
	prctl(PR_SET_NAME, names[i]);
	/* What /proc/PID/cmdline shows is this very memory. */
	if (argc > 2)
		memset(argv[2], 0xfe, strlen(argv[2]));
	return crash_named(nothing) + 1;
}
