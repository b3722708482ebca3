#include "capture/device/example/firmware.h"
#include "capture/device/example/kernel.h"

struct log_line log_lines[LOG_LINES];
uint32_t log_num;

void log_write(enum log_level level, uint32_t line, const char *text)
{
	log_lines[log_num++ % LOG_LINES] = (struct log_line){
		.text = text,
		.line = line,
		.level = (uint32_t)level,
		.ticks = kernel_ticks,
	};
}
