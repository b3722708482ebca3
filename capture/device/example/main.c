/* The program: threads that measure, wait and idle. */
#include "capture/device/cortex_m.h"
#include "capture/device/example/firmware.h"
#include "capture/device/example/kernel.h"

#define APART __attribute__((noipa))

static struct kernel_thread sensor, radio, idle;
static uint8_t sensor_stack[1024] __attribute__((aligned(KERNEL_GUARD_BYTES)));
static uint8_t radio_stack[512] __attribute__((aligned(KERNEL_GUARD_BYTES)));
static uint8_t idle_stack[512] __attribute__((aligned(KERNEL_GUARD_BYTES)));

static volatile uint32_t samples;

static APART void sensor_sample(void)
{
	samples++;
	if (samples == 5) {
		LOG(ERROR, "sample 5 is out of range");
		if (!fault_happen(options.fault)) {
			semihosting_print("no such fault\n");
			semihosting_exit(false);
		}
	}
	kernel_yield();
}

static APART void sensor_poll(void)
{
	sensor_sample();
	samples = samples + 0;
}

static void sensor_main(void)
{
	LOG(INFO, "sensor started");
	for (;;)
		sensor_poll();
}

static APART void radio_wait_packet(uint32_t channel)
{
	kernel_block();
	samples = samples + channel;
}

static APART void radio_receive(void)
{
	radio_wait_packet(3);
	samples = samples + 1;
}

static void radio_main(void)
{
	LOG(WARNING, "no packet yet");
	for (;;)
		radio_receive();
}

static void idle_main(void)
{
	for (;;)
		kernel_yield();
}

void firmware_main(void)
{
	options_read();
	LOG(INFO, "reset");
	fault_happen_early(options.fault);
	kernel_thread_create(&sensor, "sensor", sensor_main, sensor_stack, sizeof(sensor_stack));
	kernel_thread_create(&radio, "radio", radio_main, radio_stack, sizeof(radio_stack));
	kernel_thread_create(&idle, "idle", idle_main, idle_stack, sizeof(idle_stack));
	kernel_start();
}
