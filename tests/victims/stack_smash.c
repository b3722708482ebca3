/* An overflow is detected by the canary (-fstack-protector-all): "stack smashing detected". */
#include <string.h>

__attribute__((noinline)) int overflows(const char *from)
{
	char buffer[16];
	char *volatile to = buffer;

	for (size_t i = 0; i <= strlen(from); i++)
		to[i] = from[i];
	return to[0];
}

int main(void)
{
	return overflows("AAAAAAAAAAAAAAAAAAAAAAAAAAAA") + 1;
}
