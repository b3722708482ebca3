/* A thread crashes on its way out: in a cleanup handler (cancelled, exited) or a key's destructor.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static volatile int *volatile nothing;
static const char *what;
static pthread_key_t key;

__attribute__((noinline)) void cleans(void *arg)
{
	*nothing = arg != NULL;
}

static void destroys(void *arg)
{
	*nothing = arg != NULL;
}

static void *worker(void *arg)
{
	if (!strcmp(what, "key")) {
		pthread_setspecific(key, &key);
		return arg;
	}
	pthread_cleanup_push(cleans, &key);
	if (!strcmp(what, "exit"))
		pthread_exit(NULL);
	for (;;)
		pause();
	pthread_cleanup_pop(0);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	what = argc > 1 ? argv[1] : "cancel";
	pthread_key_create(&key, destroys);
	if (pthread_create(&thread, NULL, worker, NULL))
		return 1;
	usleep(100000);
	if (!strcmp(what, "cancel"))
		pthread_cancel(thread);
	pthread_join(thread, NULL);
	return 1;
}
