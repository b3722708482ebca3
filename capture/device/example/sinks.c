/*
 * Ways out of the device. Semihosting: "Semihosting for AArch32 and AArch64", release 2.0,
 * section 5. Crash-time: no buffers but on the stack, polled output.
 */
#include "capture/device/example/firmware.h"

enum semihosting_call {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_WRITE0 = 0x04,
	SYS_WRITE = 0x05,
	SYS_GET_CMDLINE = 0x15,
	SYS_EXIT_EXTENDED = 0x20,
};
#define OPEN_WB		 5u /* fopen(3)'s "wb" */
#define EXIT_APPLICATION 0x20026u

bool semihosting_command_line(char *line, uint32_t size)
{
	uint32_t block[2] = {(uint32_t)line, size};
	return board_semihosting(SYS_GET_CMDLINE, block) == 0;
}

void semihosting_print(const char *text)
{
	(void)board_semihosting(SYS_WRITE0, text); /* says nothing */
}

void semihosting_exit(bool well)
{
	const uint32_t block[2] = {EXIT_APPLICATION, well ? 0 : 1};
	for (;;)
		(void)board_semihosting(SYS_EXIT_EXTENDED, block); /* does not return */
}

/* As snapcrash_device_init() takes it. */
typedef int sink_fn(void *context, const void *bytes, size_t len);

static uint32_t file_handle;

static int file_write(void *context, const void *bytes, size_t len)
{
	(void)context;
	const uint32_t block[3] = {file_handle, (uint32_t)bytes, len};
	return board_semihosting(SYS_WRITE, block) == 0 ? 0 : -1; /* how many were not written */
}

static sink_fn *file_open(const char *name)
{
	uint32_t len = 0;
	while (name && name[len])
		len++;
	const uint32_t block[3] = {(uint32_t)name, OPEN_WB, len};
	if (len == 0)
		return NULL;
	file_handle = board_semihosting(SYS_OPEN, block);
	return file_handle == UINT32_MAX ? NULL : file_write;
}

static int uart_write(void *context, const void *bytes, size_t len)
{
	(void)context;
	for (const char *p = bytes; len > 0; len--)
		board_uart_put(*p++);
	return 0;
}

/* Text, for a console that carries other output too: docs/device.rst says how to turn it back. */
static const char hex_begin[] = "\n-----BEGIN SNAPCRASH-----\n";
static const char hex_end[] = "\n-----END SNAPCRASH-----\n";
#define HEX_LINE_BYTES 32
static uint32_t hex_in_line;

static int hex_write(void *context, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";
	(void)context;
	for (const uint8_t *p = bytes; len > 0; len--, p++) {
		if (hex_in_line++ == HEX_LINE_BYTES) {
			board_uart_put('\n');
			hex_in_line = 1;
		}
		board_uart_put(digits[*p >> 4]);
		board_uart_put(digits[*p & 15]);
	}
	return 0;
}

/* By the name of a sink; NULL if there is none of that name or it can't be opened. */
static sink_fn *sink_open(const char *name, const char *file)
{
	if (text_equal(name, "file") || text_equal(name, "pigweed"))
		return file_open(file);
	board_uart_start();
	if (text_equal(name, "uart"))
		return uart_write;
	if (text_equal(name, "uart-hex")) {
		(void)uart_write(NULL, hex_begin, sizeof(hex_begin) - 1);
		return hex_write;
	}
	return NULL;
}

void sink_begin(struct snapcrash_device_writer *writer)
{
	static uint8_t scratch[128];
	sink_fn *write = sink_open(options.sink, options.file);
	if (!write) {
		semihosting_print("cannot open the sink\n");
		semihosting_exit(false);
	}
	snapcrash_device_init(writer, write, NULL, scratch, sizeof(scratch));
	if (!text_equal(options.sink, "pigweed"))
		snapcrash_device_header(writer, "snapcrash-example 1.0.3");
}

void sink_close(void)
{
	if (text_equal(options.sink, "uart-hex"))
		(void)uart_write(NULL, hex_end, sizeof(hex_end) - 1);
	else if (!text_equal(options.sink, "uart"))
		(void)board_semihosting(SYS_CLOSE, &file_handle); /* all is written */
}
