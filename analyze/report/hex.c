#include "analyze/report/hex.h"

#include <inttypes.h>

#define PER_LINE 16

/* bytes.len <= PER_LINE; column: where in the line addr stands. */
static void print_line(FILE *out, const char *indent, uint64_t addr, struct snap_bytes bytes)
{
	(void)fprintf(out, "%s%016" PRIx64 " ", indent, addr);
	for (size_t i = 0; i < PER_LINE; i++) {
		if (i == PER_LINE / 2)
			(void)fputc(' ', out);
		if (i < bytes.len)
			(void)fprintf(out, " %02x", bytes.data[i]);
		else
			(void)fputs("   ", out);
	}
	(void)fputs("  |", out);
	for (size_t i = 0; i < bytes.len; i++)
		(void)fputc(
			bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f ? bytes.data[i] : '.', out);
	(void)fputs("|\n", out);
}

void snap_hex_print(
	FILE *out, const char *indent, uint64_t addr, struct snap_bytes bytes, size_t limit)
{
	size_t shown = bytes.len < limit ? bytes.len : limit;
	for (size_t i = 0; i < shown && !ferror(out); i += PER_LINE)
		print_line(out, indent, addr + i,
			snap_bytes(bytes.data + i, shown - i < PER_LINE ? shown - i : PER_LINE));
	if (shown < bytes.len)
		(void)fprintf(out, "%s... %zu more bytes\n", indent, bytes.len - shown);
}

/* The start of the first range at addr or above; false: none. */
static bool next_range(const struct snap_memory *memory, uint64_t addr, uint64_t *ret)
{
	size_t low = 0, high = memory->num_segments;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (memory->segments[mid].start < addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == memory->num_segments)
		return false;
	*ret = memory->segments[low].start;
	return true;
}

static void print_gap(FILE *out, uint64_t start, uint64_t last)
{
	uint64_t len = last - start + 1;
	(void)fprintf(out, "%016" PRIx64 "  ... not captured: %" PRIu64 " byte%s\n", start, len,
		len == 1 ? "" : "s");
}

int64_t snap_hex_print_memory(FILE *out, struct snap_memory *memory, uint64_t addr, uint64_t len)
{
	int64_t num = 0;
	/* By the last byte, for ranges that end at the top of the address space. */
	uint64_t last = len - 1 > UINT64_MAX - addr ? UINT64_MAX : addr + (len - 1);
	while (!ferror(out)) {
		uint8_t bytes[PER_LINE];
		size_t want = last - addr < PER_LINE ? (size_t)(last - addr) + 1 : PER_LINE;
		ssize_t got = snap_memory_read(memory, addr, bytes, want);
		if (got < 0)
			return got;
		uint64_t done = (uint64_t)got;
		if (got > 0) {
			print_line(out, "", addr, snap_bytes(bytes, (size_t)got));
			num += got;
		} else {
			uint64_t next;
			if (!next_range(memory, addr, &next) || next > last || next == addr) {
				print_gap(out, addr, last);
				break;
			}
			print_gap(out, addr, next - 1);
			done = next - addr;
		}
		if (done > last - addr)
			break;
		addr += done;
	}
	return num;
}
