// Crashes in a static object's constructor or destructor, or in that of a thread_local one.
#include <cstring>
#include <pthread.h>
#include <unistd.h>
#include <fcntl.h>

static volatile int *volatile nothing;

__attribute__((noinline)) static bool asked(const char *what)
{
	// Before main there is no argv.
	char line[256] = "";
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t num = read(fd, line, sizeof(line) - 1);

	close(fd);
	return num > 0 && !strcmp(line + strlen(line) + 1, what);
}

struct Static {
	__attribute__((noinline)) Static()
	{
		if (asked("constructor"))
			*nothing = 1;
	}
	__attribute__((noinline)) ~Static()
	{
		if (asked("destructor"))
			*nothing = 1;
	}
};

struct Local {
	int value = 0;
	__attribute__((noinline)) ~Local()
	{
		if (asked("thread_local"))
			*nothing = value;
	}
};

static Static object;
static thread_local Local local;

static void *worker(void *arg)
{
	local.value++;
	return arg;
}

int main(int argc, char **)
{
	pthread_t thread;

	if (pthread_create(&thread, nullptr, worker, nullptr))
		return 1;
	pthread_join(thread, nullptr);
	return argc;
}
