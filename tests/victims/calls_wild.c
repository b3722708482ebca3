/* Calls or jumps to where no code is: argv[1] says how and where. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef int function(int);

__attribute__((noinline)) int calls(function *wild, int x)
{
	return wild(x) + 1;
}

/* Leaves by a jump: nothing of it is left on the stack. */
__asm__("	.text\n"
	"	.type jumps, @function\n"
	"jumps:\n"
	"	.cfi_startproc\n"
	"	jmp *%rdi\n"
	"	.cfi_endproc\n"
	"	.size jumps, . - jumps\n");
int jumps(function *wild);

static void *worker(void *arg)
{
	return calls((function *)arg, 1) ? arg : NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char local[64] = {1};
	pthread_t thread;

	function *wild = (function *)0x123456789000;

	if (!strcmp(what, "noncanonical"))
		wild = (function *)0x4141414141414141;
	else if (!strcmp(what, "stack"))
		wild = (function *)(void *)local;
	else if (!strcmp(what, "heap"))
		wild = (function *)calloc(1, 4096);
	if (!strcmp(what, "jump"))
		return jumps(NULL) + 1;
	if (!strcmp(what, "thread")) {
		if (pthread_create(&thread, NULL, worker, NULL))
			return 1;
		pthread_join(thread, NULL);
		return 1;
	}
	return calls(wild, argc) + 1;
}
