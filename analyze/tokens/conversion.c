#include "analyze/tokens/conversion.h"

#include <math.h>
#include <stdio.h>

#include "common/escape.h"

/* ---------------------------------------------------------------- finding them */

static bool peek(struct snap_bytes format, size_t off, char c)
{
	return off < format.len && format.data[off] == (uint8_t)c;
}

static size_t parse_flags(struct snap_bytes format, size_t off, struct snap_conversion *c)
{
	for (; off < format.len; off++)
		switch (format.data[off]) {
		case '-':
			c->left = true;
			break;
		case '+':
			c->plus = true;
			break;
		case ' ':
			c->space = true;
			break;
		case '#':
			c->alternative = true;
			break;
		case '0':
			c->zero = true;
			break;
		default:
			return off;
		}
	return off;
}

static size_t parse_number(struct snap_bytes format, size_t off, int *ret)
{
	int value = 0;
	for (; off < format.len && format.data[off] >= '0' && format.data[off] <= '9'; off++)
		if (value <= SNAP_CONVERSION_MAX_WIDTH)
			value = 10 * value + (format.data[off] - '0');
	*ret = value <= SNAP_CONVERSION_MAX_WIDTH ? value : SNAP_CONVERSION_MAX_WIDTH + 1;
	return off;
}

static size_t parse_length(struct snap_bytes format, size_t off, enum snap_conversion_length *ret)
{
	static const struct {
		const char *text;
		enum snap_conversion_length length;
	} lengths[] = {
		{"hh", SNAP_LENGTH_CHAR},
		{"h", SNAP_LENGTH_SHORT},
		{"ll", SNAP_LENGTH_LONG_LONG},
		{"l", SNAP_LENGTH_LONG},
		{"j", SNAP_LENGTH_MAX},
		{"z", SNAP_LENGTH_SIZE},
		{"t", SNAP_LENGTH_PTRDIFF},
		{"L", SNAP_LENGTH_LONG_DOUBLE},
	};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t len = strlen(lengths[i].text);
		if (format.len - off >= len &&
			memcmp(format.data + off, lengths[i].text, len) == 0) {
			*ret = lengths[i].length;
			return off + len;
		}
	}
	return off;
}

bool snap_conversion_parse(struct snap_bytes format, struct snap_conversion *ret)
{
	struct snap_conversion c = {0};
	size_t off = parse_flags(format, 1, &c);
	if (peek(format, off, '*')) {
		c.width_is_argument = true;
		off++;
	} else {
		off = parse_number(format, off, &c.width);
	}
	if (peek(format, off, '.')) {
		off++;
		c.has_precision = true;
		if (peek(format, off, '*')) {
			c.precision_is_argument = true;
			off++;
		} else {
			off = parse_number(format, off, &c.precision);
		}
	}
	off = parse_length(format, off, &c.length);
	if (off >= format.len || !format.data[off] ||
		!strchr("diouxXcsfFeEgGaApn%", format.data[off]))
		return false;
	c.type = (char)format.data[off];
	c.text = snap_bytes(format.data, off + 1);
	*ret = c;
	return true;
}

static int clamp(uint64_t value)
{
	return value > SNAP_CONVERSION_MAX_WIDTH ? SNAP_CONVERSION_MAX_WIDTH + 1 : (int)value;
}

void snap_conversion_set_width(struct snap_conversion *conversion, int64_t value)
{
	/* A negative one is taken as a flag "-" and the number. */
	if (value < 0)
		conversion->left = true;
	conversion->width = clamp(value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void snap_conversion_set_precision(struct snap_conversion *conversion, int64_t value)
{
	/* A negative one is taken as none. */
	conversion->has_precision = value >= 0;
	conversion->precision = value < 0 ? 0 : clamp((uint64_t)value);
}

bool snap_conversion_is_allowed(const struct snap_conversion *conversion)
{
	return conversion->width <= SNAP_CONVERSION_MAX_WIDTH &&
	       conversion->precision <= SNAP_CONVERSION_MAX_WIDTH;
}

unsigned int snap_conversion_bits(const struct snap_conversion *conversion, unsigned int word_bits)
{
	if (conversion->type == 'p')
		return word_bits;
	switch (conversion->length) {
	case SNAP_LENGTH_CHAR:
		return 8;
	case SNAP_LENGTH_SHORT:
		return 16;
	case SNAP_LENGTH_LONG:
	case SNAP_LENGTH_SIZE:
	case SNAP_LENGTH_PTRDIFF:
		return word_bits;
	case SNAP_LENGTH_LONG_LONG:
	case SNAP_LENGTH_MAX:
		return 64;
	case SNAP_LENGTH_NONE:
	case SNAP_LENGTH_LONG_DOUBLE:
		break;
	}
	return 32;
}

/* ---------------------------------------------------------------- printing values */

/* What stands in front ("-", "0x"), zeros, and the rest, in the conversion's width. */
static void put_padded(const struct snap_conversion *c, const char *prefix, size_t num_zeros,
	struct snap_bytes rest, bool pads_with_zeros, struct snap_token_text *out)
{
	size_t len = strlen(prefix) + num_zeros + rest.len;
	size_t padding = (size_t)c->width > len ? (size_t)c->width - len : 0;
	if (!c->left && !pads_with_zeros)
		snap_token_text_fill(out, ' ', padding);
	snap_token_text_put_str(out, prefix);
	snap_token_text_fill(out, '0', num_zeros + (!c->left && pads_with_zeros ? padding : 0));
	snap_token_text_put(out, rest);
	if (c->left)
		snap_token_text_fill(out, ' ', padding);
}

static const char *sign_of(const struct snap_conversion *c, bool is_negative)
{
	return is_negative ? "-" : c->plus ? "+" : c->space ? " " : "";
}

static void put_digits(const struct snap_conversion *c, const char *prefix, uint64_t value,
	unsigned int base, struct snap_token_text *out)
{
	const char *digits = c->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[24]; /* 22 octal ones are the most */
	size_t begin = sizeof(buf), wanted = c->has_precision ? (size_t)c->precision : 1;
	for (uint64_t rest = value; rest > 0; rest /= base)
		buf[--begin] = digits[rest % base];
	size_t len = sizeof(buf) - begin;
	if (c->type == 'o' && c->alternative && wanted <= len)
		wanted = len + 1;
	put_padded(c, prefix, wanted > len ? wanted - len : 0, snap_bytes(buf + begin, len),
		c->zero && !c->has_precision, out);
}

static int64_t cut_signed(int64_t value, unsigned int bits)
{
	return bits == 8 ? (int8_t)value : bits == 16 ? (int16_t)value : value;
}

void snap_conversion_put_integer(const struct snap_conversion *conversion, int64_t value,
	unsigned int word_bits, struct snap_token_text *out)
{
	unsigned int bits = snap_conversion_bits(conversion, word_bits);
	struct snap_conversion pointer = *conversion;
	if (conversion->type == 'd' || conversion->type == 'i') {
		value = cut_signed(value, bits);
		put_digits(conversion, sign_of(conversion, value < 0),
			value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, out);
		return;
	}
	uint64_t rest = (uint64_t)value;
	if (bits < 64)
		rest &= (UINT64_C(1) << bits) - 1;
	switch (conversion->type) {
	case 'o':
		put_digits(conversion, "", rest, 8, out);
		break;
	case 'x':
	case 'X':
		put_digits(conversion,
			!conversion->alternative || rest == 0 ? ""
			: conversion->type == 'x'	      ? "0x"
							      : "0X",
			rest, 16, out);
		break;
	case 'p':
		pointer.has_precision = true;
		pointer.precision = (int)(bits / 4);
		put_digits(&pointer, "0x", rest, 16, out);
		break;
	default:
		put_digits(conversion, "", rest, 10, out);
	}
}

bool snap_conversion_put_character(
	const struct snap_conversion *conversion, int64_t value, struct snap_token_text *out)
{
	uint8_t utf8[4];
	size_t len = 1;
	/* A char that has a sign: the byte of it. */
	if (value >= INT8_MIN && value < 0)
		utf8[0] = (uint8_t)value;
	else if (value < 0 || value > UINT32_MAX ||
		 (len = snap_utf8_encode((uint32_t)value, utf8)) == 0)
		return false;
	struct snap_conversion one = *conversion;
	if (one.width > 0 && len > 1)
		one.width += (int)len - 1; /* it counts as one */
	put_padded(&one, "", 0, snap_bytes(utf8, len), false, out);
	return true;
}

/* The number without its sign, into buf. */
static int print_real(const struct snap_conversion *c, double value, char *buf, size_t size)
{
	int precision = c->has_precision ? c->precision : 6;
	bool alternative = c->alternative;
	switch (c->type) {
	case 'f':
		return snprintf(buf, size, alternative ? "%#.*f" : "%.*f", precision, value);
	case 'F':
		return snprintf(buf, size, alternative ? "%#.*F" : "%.*F", precision, value);
	case 'e':
		return snprintf(buf, size, alternative ? "%#.*e" : "%.*e", precision, value);
	case 'E':
		return snprintf(buf, size, alternative ? "%#.*E" : "%.*E", precision, value);
	case 'G':
		return snprintf(buf, size, alternative ? "%#.*G" : "%.*G", precision, value);
	case 'a':
		if (!c->has_precision)
			return snprintf(buf, size, alternative ? "%#a" : "%a", value);
		return snprintf(buf, size, alternative ? "%#.*a" : "%.*a", precision, value);
	case 'A':
		if (!c->has_precision)
			return snprintf(buf, size, alternative ? "%#A" : "%A", value);
		return snprintf(buf, size, alternative ? "%#.*A" : "%.*A", precision, value);
	default:
		return snprintf(buf, size, alternative ? "%#.*g" : "%.*g", precision, value);
	}
}

void snap_conversion_put_real(
	const struct snap_conversion *conversion, double value, struct snap_token_text *out)
{
	/* 39 digits, a point, and as many as the precision may say; and some. */
	char buf[SNAP_CONVERSION_MAX_WIDTH + 64], prefix[4];
	int len = print_real(conversion, fabs(value), buf, sizeof(buf));
	if (len < 0)
		len = 0;
	struct snap_bytes rest =
		snap_bytes(buf, (size_t)len < sizeof(buf) ? (size_t)len : sizeof(buf) - 1);
	/* Zeros come between "0x" and the digits. */
	bool is_hex = isfinite(value) && (conversion->type == 'a' || conversion->type == 'A') &&
		      rest.len >= 2;
	if (is_hex)
		rest = snap_bytes(rest.data + 2, rest.len - 2);
	(void)snprintf(prefix, sizeof(prefix), "%s%s",
		sign_of(conversion, signbit(value) && !isnan(value)),
		!is_hex			  ? ""
		: conversion->type == 'a' ? "0x"
					  : "0X");
	put_padded(conversion, prefix, 0, rest, conversion->zero && isfinite(value), out);
}

/* Of at most max characters, how many there are, and bytes that they take. */
static size_t count_characters(struct snap_bytes text, size_t max, size_t *ret_num)
{
	size_t num = 0, off = 0;
	for (; off < text.len && num < max; num++) {
		uint32_t code;
		size_t len =
			snap_utf8_character(snap_bytes(text.data + off, text.len - off), &code);
		off += len > 0 ? len : 1;
	}
	*ret_num = num;
	return off;
}

void snap_conversion_put_string(const struct snap_conversion *conversion, struct snap_bytes value,
	bool is_cut, struct snap_token_text *out)
{
	static const char mark[] = "[...]";
	size_t max = conversion->has_precision ? (size_t)conversion->precision : SIZE_MAX, num;
	size_t len = count_characters(value, max, &num);
	/* Where the precision ends it, nothing more was wanted. */
	bool is_marked = is_cut && len == value.len && num < max;
	size_t shown = num + (is_marked ? sizeof(mark) - 1 : 0);
	size_t padding = (size_t)conversion->width > shown ? (size_t)conversion->width - shown : 0;
	if (!conversion->left)
		snap_token_text_fill(out, ' ', padding);
	snap_token_text_put(out, snap_bytes(value.data, len));
	if (is_marked)
		snap_token_text_put_str(out, mark);
	if (conversion->left)
		snap_token_text_fill(out, ' ', padding);
}
