/* What the firmware of all boards needs, and what compilers call by themselves. */
#include "capture/device/example/firmware.h"

struct options options;
static char command_line[256];

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int byte, size_t len);

void *memcpy(void *to, const void *from, size_t len)
{
	uint8_t *out = to;
	const uint8_t *in = from;
	while (len-- > 0)
		*out++ = *in++;
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	uint8_t *out = to;
	while (len-- > 0)
		*out++ = (uint8_t)byte;
	return to;
}

bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void options_read(void)
{
	const char **words[] = {&options.fault, &options.sink, &options.file};
	options = (struct options){"", "file", ""};
	if (!semihosting_command_line(command_line, sizeof(command_line)))
		return;
	char *p = command_line;
	while (*p && *p != ' ')
		p++;
	for (uint32_t i = 0; i < 3 && *p; i++) {
		*p++ = '\0';
		*words[i] = p;
		while (*p && *p != ' ')
			p++;
	}
}

/* An ELF note (gABI, "Note Section"): name size 4, description size, type 3, "GNU", the build ID.
 */
struct snapcrash_device_bytes build_id_find(void)
{
	enum { HEAD = 16 };
	uint32_t len;
	__builtin_memcpy(&len, build_id_note + 4, sizeof(len));
	return (struct snapcrash_device_bytes){build_id_note + HEAD, len};
}

static char *append(char *p, const char *end, const char *text)
{
	while (*text && p < end)
		*p++ = *text++;
	return p;
}

static char *append_number(char *p, const char *end, uint32_t value)
{
	char digits[11];
	char *digit = digits + sizeof(digits);
	*--digit = '\0';
	do
		*--digit = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return append(p, end, digit);
}

struct snapcrash_device_bytes assertion_text(const char *file, uint32_t line, const char *message)
{
	static char text[256];
	const char *end = text + sizeof(text);
	char *p = text;
	if (file) {
		p = append(append(p, end, file), end, ":");
		p = append(append_number(p, end, line), end, ": ");
	}
	p = append(append(p, end, "assertion failed: "), end, message ? message : "");
	return (struct snapcrash_device_bytes){text, (size_t)(p - text)};
}

struct snapcrash_device_bytes hex_text(uint32_t number, char hex[8])
{
	static const char digits[] = "0123456789abcdef";
	for (uint32_t i = 0; i < 8; i++)
		hex[i] = digits[number >> (28 - 4 * i) & 15];
	return (struct snapcrash_device_bytes){hex, 8};
}
