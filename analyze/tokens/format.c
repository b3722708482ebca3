#include "analyze/tokens/format.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyze/tokens/arguments.h"
#include "analyze/tokens/conversion.h"
#include "common/escape.h"

/* What an argument is taken for. */
enum kind {
	KIND_NONE,
	KIND_INTEGER,
	KIND_CHARACTER,
	KIND_REAL,
	KIND_STRING,
};

struct argument {
	enum kind kind;
	enum snap_argument_status status; /* the worst of it, its width and its precision */
	bool has_value;			  /* perhaps of a part of it */
	int64_t integer;
	double real;
	struct snap_bytes string;
	bool is_cut;
};

static enum kind kind_of(char type)
{
	switch (type) {
	case '%':
	case 'n': /* the device can't be told how much it printed */
		return KIND_NONE;
	case 'c':
		return KIND_CHARACTER;
	case 's':
		return KIND_STRING;
	case 'd':
	case 'i':
	case 'o':
	case 'u':
	case 'x':
	case 'X':
	case 'p':
		return KIND_INTEGER;
	default:
		return KIND_REAL;
	}
}

static bool is_utf8(struct snap_bytes text)
{
	/* NUL is a character here. */
	for (size_t off = 0, len; off < text.len; off += len) {
		uint32_t code;
		len = snap_utf8_character(snap_bytes(text.data + off, text.len - off), &code);
		if (len == 0 && text.data[off] != '\0')
			return false;
		len += len == 0;
	}
	return true;
}

static void merge_status(struct argument *argument, enum snap_argument_status status)
{
	if (argument->status == SNAP_ARGUMENT_OK)
		argument->status = status;
}

/* A width or precision. */
static bool take_number(struct argument *argument, struct snap_bytes *arguments, int64_t *ret)
{
	enum snap_argument_status status = snap_argument_integer(arguments, ret);
	merge_status(argument, status);
	return status == SNAP_ARGUMENT_OK;
}

static void take(
	struct snap_conversion *conversion, struct snap_bytes *arguments, struct argument *ret)
{
	enum snap_argument_status status = SNAP_ARGUMENT_OK;
	int64_t number;
	*ret = (struct argument){.kind = kind_of(conversion->type)};
	if (conversion->width_is_argument && take_number(ret, arguments, &number))
		snap_conversion_set_width(conversion, number);
	if (conversion->precision_is_argument && take_number(ret, arguments, &number))
		snap_conversion_set_precision(conversion, number);
	switch (ret->kind) {
	case KIND_NONE:
		break;
	case KIND_INTEGER:
	case KIND_CHARACTER:
		status = snap_argument_integer(arguments, &ret->integer);
		ret->has_value = status == SNAP_ARGUMENT_OK;
		break;
	case KIND_REAL:
		status = snap_argument_real(arguments, &ret->real);
		ret->has_value = status == SNAP_ARGUMENT_OK;
		break;
	case KIND_STRING:
		status = snap_argument_string(arguments, &ret->string, &ret->is_cut);
		ret->has_value = status != SNAP_ARGUMENT_MISSING && ret->string.len > 0;
		if (status == SNAP_ARGUMENT_OK && !is_utf8(ret->string))
			status = SNAP_ARGUMENT_BROKEN;
		break;
	}
	merge_status(ret, status);
	if (conversion->type == 'n' || !snap_conversion_is_allowed(conversion))
		merge_status(ret, SNAP_ARGUMENT_BROKEN);
}

/* "<[%d ERROR (12)]>" */
static void put_error(const struct snap_conversion *conversion, const struct argument *argument,
	const char *what, struct snap_token_text *out)
{
	char number[64];
	snap_token_text_put_str(out, "<[");
	snap_token_text_put(out, conversion->text);
	snap_token_text_put_str(out, what);
	if (argument->has_value) {
		snap_token_text_put_str(out, " (");
		if (argument->kind == KIND_STRING) {
			snap_token_text_put(out, argument->string);
		} else {
			if (argument->kind == KIND_REAL)
				(void)snprintf(number, sizeof(number), "%.9g", argument->real);
			else
				(void)snprintf(
					number, sizeof(number), "%" PRId64, argument->integer);
			snap_token_text_put_str(out, number);
		}
		snap_token_text_put_str(out, ")");
	}
	snap_token_text_put_str(out, "]>");
}

/* False: it can't be printed. Nothing was, then. */
static bool put_value(const struct snap_conversion *conversion, const struct argument *argument,
	unsigned int word_bits, struct snap_token_text *out)
{
	/* Nobody sees it: spare the work. But whether a character can be printed is to be known. */
	if (out->len == out->size && argument->kind != KIND_CHARACTER) {
		out->is_cut = true;
		return true;
	}
	switch (argument->kind) {
	case KIND_NONE:
		snap_token_text_put_str(out, "%");
		break;
	case KIND_INTEGER:
		snap_conversion_put_integer(conversion, argument->integer, word_bits, out);
		break;
	case KIND_CHARACTER:
		return snap_conversion_put_character(conversion, argument->integer, out);
	case KIND_REAL:
		snap_conversion_put_real(conversion, argument->real, out);
		break;
	case KIND_STRING:
		snap_conversion_put_string(conversion, argument->string, argument->is_cut, out);
		break;
	}
	return true;
}

void snap_token_format(struct snap_bytes format, struct snap_bytes arguments,
	unsigned int word_bits, struct snap_token_text *out, struct snap_format_result *ret)
{
	struct snap_token_text nowhere = {0};
	bool is_lost = false; /* where the next argument begins */
	*ret = (struct snap_format_result){0};
	if (!out)
		out = &nowhere;
	for (size_t off = 0; off < format.len;) {
		struct snap_bytes rest = snap_bytes(format.data + off, format.len - off);
		const uint8_t *percent = memchr(rest.data, '%', rest.len);
		size_t len = percent ? (size_t)(percent - rest.data) : rest.len;
		struct snap_conversion conversion;
		snap_token_text_put(out, snap_bytes(rest.data, len));
		off += len;
		if (off == format.len)
			break;
		rest = snap_bytes(format.data + off, format.len - off);
		if (!snap_conversion_parse(rest, &conversion)) {
			snap_token_text_put(out, snap_bytes(rest.data, 1));
			off++;
			continue;
		}
		off += conversion.text.len;
		ret->num_conversions++;
		struct argument argument;
		take(&conversion, &arguments, &argument);
		/* "%%" takes nothing, and so is right in any case. */
		if (argument.status == SNAP_ARGUMENT_OK && (!is_lost || conversion.type == '%') &&
			put_value(&conversion, &argument, word_bits, out))
			continue;
		put_error(&conversion, &argument,
			is_lost					   ? " SKIPPED"
			: argument.status == SNAP_ARGUMENT_MISSING ? " MISSING"
								   : " ERROR",
			out);
		is_lost = true;
		ret->num_errors++;
	}
	ret->num_left_over = arguments.len;
}
