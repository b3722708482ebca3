/* Calls a null function pointer: the pc itself is bad, and its caller must not be lost. */
#include <stddef.h>

struct operations {
	int (*open)(int);
	int (*close)(int);
};

__attribute__((noinline)) int device_close(const struct operations *ops, int fd)
{
	return ops->close(fd) + 1;
}

int main(int argc, char **argv)
{
	static struct operations ops;

	(void)argv;
	return device_close(&ops, argc) + 1;
}
