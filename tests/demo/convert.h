/* From raw readings to physical values: small functions that the compiler inlines. */
#ifndef DEMO_CONVERT_H
#define DEMO_CONVERT_H

#include "sensor.h"

static inline double apply_calibration(const struct calibration *calibration, double raw)
{
	return (raw - calibration->offset) * calibration->gain;
}

static inline double smooth(double last, double now)
{
	return last + 0.25 * (now - last);
}

static inline double convert_sample(const struct channel *channel, const struct sample *sample)
{
	return smooth(channel->last, apply_calibration(channel->calibration, sample->value));
}

#endif
