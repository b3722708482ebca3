#include "planted.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sink {
	char *at;
	size_t len;
};

static void sink_put(struct sink *sink, const char *text, size_t len)
{
	memcpy(sink->at + sink->len, text, len);
	sink->len += len;
}

static void write_header(struct sink *sink, const char *text)
{
	sink_put(sink, text, strlen(text));
}

int planted_far(const char *text)
{
	char *volatile nowhere = (char *)(uintptr_t)0x123456789000;
	struct sink sink = {nowhere, 0};
	write_header(&sink, text);
	return (int)sink.len;
}
