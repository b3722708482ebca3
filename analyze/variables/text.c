#include "analyze/variables/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char ellipsis[] = "...";

void snap_text_init(struct snap_text *text, char *data, size_t size)
{
	*text = (struct snap_text){.data = data, .size = size};
	data[0] = '\0';
}

static void add(struct snap_text *text, const char *s, size_t len)
{
	if (text->is_cut)
		return;
	size_t room = text->size - sizeof(ellipsis) - text->len;
	if (len <= room) {
		memcpy(text->data + text->len, s, len);
		text->len += len;
	} else {
		/* Not within a character. */
		while (room > 0 && ((unsigned char)s[room] & 0xc0) == 0x80)
			room--;
		memcpy(text->data + text->len, s, room);
		text->len += room;
		memcpy(text->data + text->len, ellipsis, sizeof(ellipsis) - 1);
		text->len += sizeof(ellipsis) - 1;
		text->is_cut = true;
	}
	text->data[text->len] = '\0';
}

void snap_text_add(struct snap_text *text, const char *s)
{
	add(text, s, strlen(s));
}

void snap_text_addf(struct snap_text *text, const char *format, ...)
{
	char buf[512];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(buf, sizeof(buf), format, args); /* cut to fit */
	va_end(args);
	if (n > 0)
		snap_text_add(text, buf);
}

void snap_text_rewind(struct snap_text *text, size_t len)
{
	if (text->is_cut || len > text->len)
		return;
	text->len = len;
	text->data[len] = '\0';
}
