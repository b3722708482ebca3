/* The driver library: pretends to read a bus, and calls back for every sample. */
#include "sensor.h"

static inline double read_register(unsigned *state)
{
	/* A congruential generator is noise enough for a demonstration. */
	*state = *state * 1103515245u + 12345u;
	return (*state >> 16 & 0x3ff) / 4.0;
}

static int deliver(const struct sample *sample, sample_handler handler, void *context)
{
	int status = handler(sample, context);

	return status ? -status : 0;
}

int sensor_read_batch(unsigned seed, size_t max, sample_handler handler, void *context)
{
	unsigned state = seed;

	for (size_t i = 0; i < max; i++) {
		struct sample sample = {
			.time_ms = i * 10,
			.channel = (int)(i % 3),
			.value = read_register(&state),
		};

		if (deliver(&sample, handler, context) < 0)
			return -1;
	}
	return (int)max;
}
