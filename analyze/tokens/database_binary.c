#include "analyze/tokens/database_binary.h"

#define HEADER_LEN 16u
#define ENTRY_LEN  8u

static const uint8_t magic[8] = "TOKENS\0";

static uint32_t get_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

bool snap_tokens_is_binary(struct snap_bytes bytes)
{
	return bytes.len >= sizeof(magic) && memcmp(bytes.data, magic, sizeof(magic)) == 0;
}

/* What is no day is none: Pigweed writes all ones for "present". */
static uint32_t read_date(const uint8_t *p)
{
	uint32_t day = p[0], month = p[1], year = p[2] | (uint32_t)p[3] << 8;
	if (day < 1 || day > 31 || month < 1 || month > 12 || year < 1 || year > 9999)
		return SNAP_TOKEN_PRESENT;
	return year * 10000 + month * 100 + day;
}

int snap_tokens_add_binary(
	struct snap_tokens *tokens, struct snap_bytes bytes, struct snap_error *err)
{
	if (!snap_tokens_is_binary(bytes))
		return snap_error_set(err, SNAP_ERROR_MALFORMED, "no binary database of tokens");
	uint32_t num = bytes.len >= HEADER_LEN ? get_u32(bytes.data + 8) : 0;
	if (bytes.len < HEADER_LEN || num > (bytes.len - HEADER_LEN) / ENTRY_LEN)
		return snap_error_set(err, SNAP_ERROR_MALFORMED,
			"cut short: no room for the entries of %u tokens in %zu bytes", num,
			bytes.len);
	const uint8_t *entries = bytes.data + HEADER_LEN;
	size_t strings_off = HEADER_LEN + (size_t)num * ENTRY_LEN;
	size_t left = bytes.len - strings_off;
	uint8_t *string = snap_tokens_alloc(tokens, left, err);
	if (!string)
		return -1;
	if (left > 0)
		memcpy(string, bytes.data + strings_off, left);
	for (uint32_t i = 0; i < num; i++, entries += ENTRY_LEN) {
		const uint8_t *nul = left > 0 ? memchr(string, '\0', left) : NULL;
		if (!nul)
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				"cut short: %u of %u tokens have no string", num - i, num);
		const struct snap_token_entry entry = {
			.token = get_u32(entries),
			.removed = read_date(entries + 4),
			.string = snap_bytes(string, (size_t)(nul - string)),
		};
		if (snap_tokens_add(tokens, &entry, err) < 0)
			return -1;
		left -= entry.string.len + 1;
		string += entry.string.len + 1;
	}
	return 0;
}
