/*
 * An example of firmware with Snapcrash: three threads, of which one runs into the fault that the
 * command line names, and a snapshot that leaves the device by semihosting or UART.
 */
#ifndef SNAPCRASH_EXAMPLE_FIRMWARE_H
#define SNAPCRASH_EXAMPLE_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/device/snapcrash_device.h"

/* What the command line said: "FIRMWARE FAULT SINK [FILE]". */
struct options {
	const char *fault;
	const char *sink; /* "file", "uart", "uart-hex" or "pigweed" (file, without our header) */
	const char *file;
};

extern struct options options;
void options_read(void);

bool text_equal(const char *a, const char *b);

/* The build ID that the linker put into the image. */
extern const uint8_t build_id_note[];
struct snapcrash_device_bytes build_id_find(void);

/* "FILE:LINE: assertion failed: MESSAGE", in a static buffer. */
struct snapcrash_device_bytes assertion_text(const char *file, uint32_t line, const char *message);

/* The number in eight digits. */
struct snapcrash_device_bytes hex_text(uint32_t number, char hex[8]);

void firmware_main(void);

/* Interrupts 0 and 1, the second of which may interrupt the first. */
void adc_handler(void);
void dma_handler(void);

/* The faults (faults.c): false if there is none of that name. */
bool fault_happen(const char *name);
/* Before there are threads, if the name is one of those. */
void fault_happen_early(const char *name);
/* For tests: where the stack pointer was when the fault happened, as far as a scenario knows. */
extern volatile uint32_t fault_stack_pointer;

/* The newest lines that the program logged (log.c). */
#define LOG_LINES 8
enum log_level {
	LOG_INFO = 2,
	LOG_WARNING = 3,
	LOG_ERROR = 4,
};
struct log_line {
	const char *text; /* constants alone: nothing is copied */
	uint32_t line;
	uint32_t level;
	uint32_t ticks;
};
extern struct log_line log_lines[LOG_LINES];
extern uint32_t log_num; /* so many were written since the start */
void log_write(enum log_level level, uint32_t line, const char *text);
#define LOG(level, text) log_write(LOG_##level, __LINE__, text)

/* Where the snapshot goes (sinks.c): by the options, and with a header unless it is to be as Pigweed
 * writes it. Ends the firmware if it can't be opened. */
void sink_begin(struct snapcrash_device_writer *writer);
void sink_close(void);

/* The board's (startup.c, riscv.c). */
uint32_t board_semihosting(uint32_t call, const void *argument);
void board_uart_start(void);
void board_uart_put(char c); /* waits until there is room */

/* Arm's semihosting: what the debugger, here QEMU, does for the program. */
bool semihosting_command_line(char *line, uint32_t size);
void semihosting_print(const char *text);
__attribute__((noreturn)) void semihosting_exit(bool well);

#endif
