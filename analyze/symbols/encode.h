/*
 * Bytes that grow as numbers are put behind them, little-endian: what tables and images are made
 * of.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_ENCODE_H
#define SNAP_ANALYZE_SYMBOLS_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as {0}. Once something has failed nothing more is put: look at it at the end. */
struct snap_encoded {
	uint8_t *data; /* owned: whoever began it frees it */
	size_t len, capacity;
	bool failed; /* no memory */
};

/* Room for len bytes, to be filled in; NULL if it has failed. Valid until the next call. */
uint8_t *snap_encode_reserve(struct snap_encoded *out, size_t len);
void snap_encode_bytes(struct snap_encoded *out, const void *bytes, size_t len);
void snap_encode_u32(struct snap_encoded *out, uint32_t v);
void snap_encode_u64(struct snap_encoded *out, uint64_t v);
/* As DWARF has them: ULEB128 and SLEB128 (DWARF 5, section 7.6). */
void snap_encode_uleb(struct snap_encoded *out, uint64_t v);
void snap_encode_sleb(struct snap_encoded *out, int64_t v);

#endif
