/* A sensor daemon in small: what its parts share. */
#ifndef DEMO_SENSOR_H
#define DEMO_SENSOR_H

#include <stddef.h>
#include <stdint.h>

struct sample {
	uint64_t time_ms;
	int channel;
	double value;
};

struct calibration {
	double offset;
	double gain;
};

struct channel {
	int number;
	const char *name;
	/* Absent until the channel has been calibrated. */
	const struct calibration *calibration;
	double last;
};

/* Called for every sample of a batch; not 0 ends the batch. */
typedef int (*sample_handler)(const struct sample *sample, void *context);

/* libsensor.so: the driver. Reads up to max samples and hands each to handler. */
int sensor_read_batch(unsigned seed, size_t max, sample_handler handler, void *context);

/* worker.c */
struct worker {
	struct channel *channels;
	size_t num_channels;
	unsigned num_samples;
};

void *worker_run(void *worker);

#endif
