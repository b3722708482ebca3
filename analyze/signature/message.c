#include "analyze/signature/message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"

/* Of a text, what is read: hostile ones are long. */
#define MAX_READ 1024

static bool is_word(uint8_t c)
{
	return isalnum(c) || c == '_' || c >= 0x80;
}

/* Characters of paths as they stand in messages. */
static bool is_path(uint8_t c)
{
	return is_word(c) || c == '/' || c == '.' || c == '-' || c == '+';
}

/* The length of "0x7ffc12" or of digits at s; 0: none. Within a word, digits are part of a name. */
static size_t number_len(const uint8_t *s, const uint8_t *end, bool *ret_is_address)
{
	const uint8_t *p = s;
	*ret_is_address =
		end - s > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && isxdigit(s[2]);
	if (*ret_is_address)
		p += 2;
	while (p < end && (*ret_is_address ? isxdigit(*p) : isdigit(*p)))
		p++;
	return p < end && is_word(*p) ? 0 : (size_t)(p - s);
}

/* Append [text, end) to out, which has room for it thrice. */
static uint8_t *normalise(const uint8_t *text, const uint8_t *end, uint8_t *out)
{
	const uint8_t *start = text;
	while (text < end) {
		bool begins = text == start || !is_word(text[-1]), is_address;
		size_t len = begins ? number_len(text, end, &is_address) : 0;
		if (len > 0) {
			out = mempcpy(out, is_address ? "ADDR" : "N", is_address ? 4 : 1);
			text += len;
		} else if (*text == '/' && begins) {
			/* The directories of a path differ between machines and builds. */
			const uint8_t *p = text, *slash = text;
			for (; p < end && is_path(*p); p++)
				if (*p == '/')
					slash = p;
			if (slash == text)
				*out++ = *text++;
			else
				text = slash + 1;
		} else if (isspace(*text)) {
			/* Also line ends. */
			*out++ = ' ';
			while (text < end && isspace(*text))
				text++;
		} else {
			*out++ = *text++;
		}
	}
	return out;
}

const char *snap_signature_message_text(struct snap_bytes text, struct snap_arena *arena)
{
	uint8_t buf[3 * MAX_READ];
	if (text.len > MAX_READ)
		text.len = MAX_READ;
	const uint8_t *end = text.len > 0 ? normalise(text.data, text.data + text.len, buf) : buf;
	while (end > buf && end[-1] == ' ')
		end--;
	struct snap_bytes bytes = snap_bytes(buf, (size_t)(end - buf));
	size_t size = snap_escape(bytes, SNAP_ESCAPE_INVALID, NULL, 0) + 1;
	char *ret = snap_arena_alloc(arena, size);
	if (!ret)
		return NULL;
	(void)snap_escape(bytes, SNAP_ESCAPE_INVALID, ret, size); /* fits */
	/* Between characters. */
	size_t len = 0, num = 0;
	for (; ret[len] != '\0'; len++)
		if (((uint8_t)ret[len] & 0xc0) != 0x80 && ++num > SNAP_SIGNATURE_MESSAGE_MAX)
			break;
	ret[len] = '\0';
	return ret;
}

/* "what 'which'": which as it stands in a signature. */
static int quote(struct snap_arena *arena, const char *what, const char *which, const char **ret)
{
	const char *text = snap_signature_message_text(snap_bytes_str(which), arena);
	char *quoted = text ? snap_arena_alloc(arena, strlen(what) + strlen(text) + 4) : NULL;
	if (!quoted)
		return -1;
	(void)stpcpy(stpcpy(stpcpy(stpcpy(quoted, what), " '"), text), "'");
	*ret = quoted;
	return 0;
}

int snap_signature_message(
	const struct snap_crash *crash, struct snap_arena *arena, const char **ret)
{
	const struct snap_cause *cause = &crash->cause;
	*ret = NULL;
	bool is_said = cause->kind == SNAP_KIND_ABORT || cause->kind == SNAP_KIND_ASSERT ||
		       cause->kind == SNAP_KIND_SANITIZER;
	if (!is_said || crash->abort_message.text.len == 0)
		return 0;
	if (cause->has_assertion)
		return cause->assertion.expression
			       ? quote(arena, "assertion", cause->assertion.expression, ret)
			       : 0;
	const char *text = snap_signature_message_text(crash->abort_message.text, arena);
	if (!text)
		return -1;
	*ret = text[0] ? text : NULL;
	return 0;
}
