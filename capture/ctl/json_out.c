#include "capture/ctl/json_out.h"

#include <stdio.h>

#include "common/escape.h"

/* What comes before a value. */
static void lead_in(struct snap_json *json, const char *key)
{
	if (json->begun)
		fputs(", ", stdout);
	json->begun = true;
	if (key)
		printf("\"%s\": ", key);
}

void snap_json_object(struct snap_json *json, const char *key)
{
	lead_in(json, key);
	putchar('{');
	json->begun = false;
}

void snap_json_array(struct snap_json *json, const char *key)
{
	lead_in(json, key);
	putchar('[');
	json->begun = false;
}

void snap_json_end(struct snap_json *json, char bracket)
{
	putchar(bracket);
	json->begun = true;
}

/* Text as snap_escape() leaves it, by RFC 8259, section 7. What a terminal obeys is escaped, too.
 */
static void print_escaped(const char *text)
{
	struct snap_bytes rest = snap_bytes_str(text);
	while (rest.len > 0) {
		uint32_t code = 0;
		size_t len = snap_utf8_character(rest, &code);
		if (code == '"' || code == '\\')
			printf("\\%c", (int)code);
		else if (code > 0xffff && snap_character_is_unsafe(code))
			printf("\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
				0xdc00 + ((code - 0x10000) & 0x3ff));
		else if (snap_character_is_unsafe(code))
			printf("\\u%04x", code);
		else
			printf("%.*s", (int)len, (const char *)rest.data);
		rest = snap_bytes(rest.data + len, rest.len - len);
	}
}

void snap_json_bytes(struct snap_json *json, const char *key, struct snap_bytes bytes)
{
	if (!bytes.data) {
		snap_json_null(json, key);
		return;
	}
	lead_in(json, key);
	putchar('"');
	while (bytes.len > 0) {
		/* In pieces that fit when each byte takes four, and that end with a character. */
		char text[4 * 64 + 1];
		size_t len = 0;
		while (len < bytes.len && len < 60) {
			uint32_t code;
			size_t n = snap_utf8_character(
				snap_bytes(bytes.data + len, bytes.len - len), &code);
			len += n > 0 ? n : 1;
		}
		(void)snap_escape(
			snap_bytes(bytes.data, len), SNAP_ESCAPE_INVALID, text, sizeof(text));
		print_escaped(text);
		bytes = snap_bytes(bytes.data + len, bytes.len - len);
	}
	putchar('"');
}

void snap_json_string(struct snap_json *json, const char *key, const char *s)
{
	snap_json_bytes(json, key, snap_bytes_str(s));
}

void snap_json_number(struct snap_json *json, const char *key, uint64_t number)
{
	lead_in(json, key);
	printf("%llu", (unsigned long long)number);
}

void snap_json_bool(struct snap_json *json, const char *key, bool value)
{
	lead_in(json, key);
	fputs(value ? "true" : "false", stdout);
}

void snap_json_null(struct snap_json *json, const char *key)
{
	lead_in(json, key);
	fputs("null", stdout);
}

void snap_json_finish(struct snap_json *json)
{
	putchar('\n');
	json->begun = false;
}
