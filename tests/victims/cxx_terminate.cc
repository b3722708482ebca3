// Exceptions that end the process: through noexcept, out of a destructor, out of a thread, rethrown.
#include <pthread.h>
#include <string.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int throws(int x)
{
	if (x)
		throw x;
	return x;
}

__attribute__((noinline)) int promises(int x) noexcept
{
	return throws(x) + 1;
}

struct Throws {
	~Throws() noexcept(false) { throws(1); }
};

struct Crashes {
	~Crashes() { *nothing = 1; }
};

__attribute__((noinline)) int unwinds(int x)
{
	Throws guard;

	return throws(x) + 1;
}

__attribute__((noinline)) int cleans(int x)
{
	Crashes guard;

	return throws(x) + 1;
}

__attribute__((noinline)) int rethrows()
{
	throw;
}

static void *worker(void *arg)
{
	return throws(1) ? arg : nullptr;
}

__attribute__((noinline)) int dispatch(const char *what)
{
	pthread_t thread;

	if (!strcmp(what, "noexcept"))
		return promises(1);
	if (!strcmp(what, "destructor") || !strcmp(what, "cleanup")) {
		try {
			return what[0] == 'd' ? unwinds(1) : cleans(2);
		} catch (int) {
			return 1;
		}
	}
	if (!strcmp(what, "rethrow"))
		return rethrows();
	if (pthread_create(&thread, nullptr, worker, nullptr))
		return 1;
	return pthread_join(thread, nullptr);
}

int main(int argc, char **argv)
{
	return argc < 2 || dispatch(argv[1]) + 1;
}
