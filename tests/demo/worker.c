/* The worker thread: reads batches and converts what comes. */
#include <unistd.h>

#include "convert.h"
#include "sensor.h"

static int on_sample(const struct sample *sample, void *context)
{
	struct worker *worker = context;
	struct channel *channel;

	if (sample->channel < 0 || (size_t)sample->channel >= worker->num_channels)
		return 1;
	channel = &worker->channels[sample->channel];
	channel->last = convert_sample(channel, sample);
	worker->num_samples++;
	return 0;
}

static int process_batch(struct worker *worker, unsigned batch)
{
	return sensor_read_batch(batch + 1, 16, on_sample, worker);
}

void *worker_run(void *argument)
{
	struct worker *worker = argument;

	for (unsigned batch = 0; process_batch(worker, batch) > 0; batch++)
		usleep(10000);
	return NULL;
}
