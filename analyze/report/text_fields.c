#include "analyze/report/text_fields.h"

#include <inttypes.h>

#include "analyze/report/text_parts.h"
#include "analyze/report/words.h"
#include "common/escape.h"

/* Of a string, or bytes: what people read of it. JSON has more. */
#define SHOWN_BYTES 1024

struct printer {
	FILE *out;
	const char *indent;
	unsigned int depth;
};

static void begin_line(const struct printer *p)
{
	(void)fprintf(p->out, "%s%*s", p->indent, 2 * (int)p->depth, "");
}

/* ---------------------------------------------------------------- values */

/* As protoc escapes: in C's way, bytes that are no characters in octal digits. */
static void print_quoted(FILE *out, struct snap_bytes bytes, bool is_text)
{
	static const char named[] = "\n\r\t\"\\", names[] = "nrt\"\\";
	(void)fputc('"', out);
	while (bytes.len > 0) {
		uint32_t code;
		size_t len = snap_utf8_character(bytes, &code);
		const char *name = len == 1 ? strchr(named, (int)code) : NULL;
		bool is_plain =
			len > 0 && (is_text || code < 0x80) && !snap_character_is_unsafe(code);
		if (len == 0 || !is_text)
			len = 1;
		if (name)
			(void)fprintf(out, "\\%c", names[name - named]);
		else if (is_plain)
			(void)fwrite(bytes.data, 1, len, out);
		else
			for (size_t i = 0; i < len; i++)
				(void)fprintf(out, "\\%03o", bytes.data[i]);
		bytes.data += len;
		bytes.len -= len;
	}
	(void)fputc('"', out);
}

static void print_bytes(const struct printer *p, const struct snap_value *value)
{
	size_t len = value->bytes.len < SHOWN_BYTES ? value->bytes.len : SHOWN_BYTES;
	size_t left_out = value->left_out + value->bytes.len - len;
	print_quoted(p->out, snap_bytes(value->bytes.data, len), value->kind == SNAP_VALUE_TEXT);
	if (left_out > 0)
		(void)fprintf(p->out, "  # and %zu more bytes", left_out);
}

static void print_scalar(const struct printer *p, const struct snap_value *value)
{
	char words[32];
	switch (value->kind) {
	case SNAP_VALUE_SIGNED:
		(void)fprintf(p->out, "%" PRId64, (int64_t)value->number);
		break;
	case SNAP_VALUE_UNSIGNED:
		(void)fprintf(p->out, "%" PRIu64, value->number);
		break;
	case SNAP_VALUE_FLOAT:
	case SNAP_VALUE_DOUBLE:
		(void)fputs(snap_real_words(value->real, value->kind == SNAP_VALUE_FLOAT, words),
			p->out);
		break;
	case SNAP_VALUE_BOOL:
		(void)fputs(value->number ? "true" : "false", p->out);
		break;
	case SNAP_VALUE_ENUM:
		if (value->name)
			(void)fputs(value->name, p->out);
		else
			(void)fprintf(p->out, "%" PRId64, (int64_t)value->number);
		break;
	case SNAP_VALUE_FIXED32:
		(void)fprintf(p->out, "0x%08" PRIx64, value->number);
		break;
	case SNAP_VALUE_FIXED64:
		(void)fprintf(p->out, "0x%016" PRIx64, value->number);
		break;
	case SNAP_VALUE_TEXT:
	case SNAP_VALUE_BYTES:
		print_bytes(p, value);
		break;
	case SNAP_VALUE_MESSAGE:
		break;
	}
}

/* ---------------------------------------------------------------- messages */

static void print_message(const struct printer *p, const struct snap_message *message);

static void print_name(const struct printer *p, const struct snap_member *member)
{
	begin_line(p);
	if (member->field)
		(void)fputs(member->field->name, p->out);
	else
		(void)fprintf(p->out, "%" PRIu32, member->number);
}

static void print_value(
	const struct printer *p, const struct snap_member *member, const struct snap_value *value)
{
	print_name(p, member);
	if (value->kind == SNAP_VALUE_MESSAGE) {
		const struct printer inner = {p->out, p->indent, p->depth + 1};
		(void)fputs(" {\n", p->out);
		print_message(&inner, value->message);
		begin_line(p);
		(void)fputc('}', p->out);
	} else {
		(void)fputs(": ", p->out);
		print_scalar(p, value);
	}
	if (member->declared)
		(void)fprintf(p->out, "  # %s, but declared as %s %s",
			snap_raw_wire_name(value->wire), member->declared->type_name,
			member->declared->name);
	(void)fputc('\n', p->out);
}

/* Numbers stand on one line. */
static bool is_short_list(const struct snap_member *member)
{
	enum snap_value_kind kind = member->values[0].kind;
	return member->field && member->num_values > 1 && kind != SNAP_VALUE_TEXT &&
	       kind != SNAP_VALUE_BYTES && kind != SNAP_VALUE_MESSAGE;
}

static void print_member(const struct printer *p, const struct snap_member *member)
{
	if (!is_short_list(member)) {
		for (size_t i = 0; i < member->num_values && !ferror(p->out); i++)
			print_value(p, member, &member->values[i]);
		return;
	}
	print_name(p, member);
	for (size_t i = 0; i < member->num_values && !ferror(p->out); i++) {
		(void)fputs(i == 0 ? ": [" : ", ", p->out);
		print_scalar(p, &member->values[i]);
	}
	(void)fputs("]\n", p->out);
}

static void print_message(const struct printer *p, const struct snap_message *message)
{
	for (size_t i = 0; i < message->num_members && !ferror(p->out); i++)
		print_member(p, &message->members[i]);
	if (message->left_out > 0) {
		begin_line(p);
		(void)fprintf(
			p->out, "# and %" PRIu64 " values beyond the limit\n", message->left_out);
	}
	if (message->trouble) {
		begin_line(p);
		(void)fprintf(p->out, "# %s\n", message->trouble);
	}
}

/* ---------------------------------------------------------------- the list */

static void print_found(const struct printer *p, const struct snap_field_found *found)
{
	const struct printer inner = {p->out, p->indent, p->depth + 1};
	if (!found->within) {
		print_message(p, &found->message);
		return;
	}
	begin_line(p);
	(void)fputs(found->within, p->out);
	if (found->has_tid)
		(void)fprintf(p->out, ", thread %" PRIu64, found->tid);
	(void)fputs(":\n", p->out);
	print_message(&inner, &found->message);
}

static void print_field(const struct printer *p, const struct snap_unknown_field *field)
{
	const struct printer inner = {p->out, p->indent, p->depth + 1};
	begin_line(p);
	(void)fputs(field->path, p->out);
	if (field->name)
		(void)fprintf(p->out, " %s", field->name);
	if (field->declared)
		(void)fprintf(p->out, " (%s)", field->declared->type_name);
	(void)fprintf(p->out, ": %s, %" PRIu64 " time%s, %" PRIu64 " byte%s\n",
		field->is_mixed ? "mixed" : snap_raw_wire_name(field->wire), field->count,
		field->count == 1 ? "" : "s", field->bytes, field->bytes == 1 ? "" : "s");
	for (size_t i = 0; i < field->num_found && !ferror(p->out); i++)
		print_found(&inner, &field->found[i]);
}

void snap_text_field_list(const struct snap_fields *fields, const char *indent, FILE *out)
{
	const struct printer p = {.out = out, .indent = indent};
	for (size_t i = 0; i < fields->num && !ferror(out); i++)
		print_field(&p, &fields->list[i]);
	if (fields->left_out > 0)
		(void)fprintf(out, "%s%" PRIu64 " more, of other numbers: %" PRIu64 " bytes\n",
			indent, fields->left_out, fields->bytes_left_out);
}

void snap_text_fields(const struct snap_text *p)
{
	const struct snap_fields *fields = p->crash->fields;
	if (!fields || fields->num == 0)
		return;
	snap_text_heading(p, "Other fields");
	snap_text_field_list(fields, "  ", p->out);
}
