/*
 * The daemon: one worker thread reads sensors while the main thread waits and reports.
 *
 *     sensord [--calibrated]
 *
 * Its third channel has no calibration, which nobody checks: the worker thread crashes on its first
 * sample, in an inlined function, in a callback from the driver library. With --calibrated all is
 * well and it runs until it is stopped.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sensor.h"

static const struct calibration inside = {12.5, 0.1}, outside = {40.0, 0.2}, spare = {0.0, 1.0};

static struct channel channels[] = {
	{.number = 0, .name = "inside", .calibration = &inside},
	{.number = 1, .name = "outside", .calibration = &outside},
	{.number = 2, .name = "spare"},
};

static void supervise(const struct worker *worker)
{
	unsigned before = 0;

	for (;;) {
		unsigned now = __atomic_load_n(&worker->num_samples, __ATOMIC_RELAXED);

		if (now == before)
			fprintf(stderr, "sensord: no samples\n");
		before = now;
		sleep(1);
	}
}

int main(int argc, char **argv)
{
	struct worker worker = {channels, sizeof(channels) / sizeof(channels[0]), 0};
	pthread_t thread;

	if (argc > 1 && !strcmp(argv[1], "--calibrated"))
		channels[2].calibration = &spare;
	if (pthread_create(&thread, NULL, worker_run, &worker))
		return 1;
	supervise(&worker);
	return 0;
}
