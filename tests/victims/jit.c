/* Code made at run time, which nobody describes, calls back into a crash, or crashes itself. */
#include <string.h>
#include <sys/mman.h>

static volatile int *volatile nothing;

/* push rbp; mov rbp, rsp; call rdi; pop rbp; ret */
static const unsigned char with_fp[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
/* push 0 (three times); call rdi; add rsp, 24; ret */
static const unsigned char without_fp[] = {
	0x6a, 0, 0x6a, 0, 0x6a, 0, 0xff, 0xd7, 0x48, 0x83, 0xc4, 24, 0xc3};
/* push rbp; mov rbp, rsp; ud2 */
static const unsigned char traps[] = {0x55, 0x48, 0x89, 0xe5, 0x0f, 0x0b};

__attribute__((noinline)) int crashes(void)
{
	return *nothing + 1;
}

__attribute__((noinline)) int runs(void *code)
{
	int (*made)(int (*)(void)) = (int (*)(int (*)(void)))code;

	return made(crashes) + 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "fp";
	/* The linker was told that the stack be executable, for this one. */
	unsigned char local[64];
	void *code = local;

	if (strcmp(what, "stack"))
		code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!strcmp(what, "nofp"))
		memcpy(code, without_fp, sizeof(without_fp));
	else if (!strcmp(what, "fp"))
		memcpy(code, with_fp, sizeof(with_fp));
	else
		memcpy(code, traps, sizeof(traps));
	return runs(code) + 1;
}
