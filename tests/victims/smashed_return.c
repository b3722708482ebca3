/* A buffer overflow overwrites the return address: with letters, with the address of data, or with
 * one where nothing is mapped. */
#include <stdint.h>
#include <string.h>

static char data[64];

/* As strcpy() would, but with bytes that may be zero. */
static void copy(volatile char *to, const char *from, size_t num)
{
	while (num--)
		*to++ = *from++;
}

__attribute__((noinline)) int overflows(const char *from, size_t num)
{
	volatile char buffer[16];
	/* Up to and with the return address, and nothing above it. */
	char *end = (char *)__builtin_frame_address(0) + 16;

	copy(end - num, from, num);
	return buffer[0];
}

int main(int argc, char **argv)
{
	union {
		char text[24];
		uintptr_t words[3];
	} from;

	memset(&from, 'A', sizeof(from));
	if (argc > 1 && !strcmp(argv[1], "data"))
		from.words[2] = (uintptr_t)data;
	if (argc > 1 && !strcmp(argv[1], "unmapped"))
		from.words[2] = 0x123456789000;
	return overflows(from.text, sizeof(from)) + 1;
}
