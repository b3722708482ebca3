#include "common/crc32c.h"

#include <stdbool.h>
#include <string.h>

#ifdef __x86_64__
#include <cpuid.h>
#include <nmmintrin.h>
#include <wmmintrin.h>
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif
#endif

/* table[k][b]: the CRC of byte b followed by k zero bytes, so that eight bytes go at a time. */
static uint32_t table[8][256];
static bool table_made;

static void make_table(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
		table[0][b] = crc;
	}
	for (int k = 1; k < 8; k++)
		for (int b = 0; b < 256; b++)
			table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
	table_made = true;
}

uint32_t snap_crc32c_by_table(uint32_t crc, const void *data, size_t len)
{
	if (!table_made)
		make_table();
	const uint8_t *p = data;
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
					     (uint32_t)p[3] << 24);
		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
		      table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^ table[3][p[4]] ^
		      table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
	return ~crc;
}

#ifdef __x86_64__
/*
 * The instruction takes a word in each cycle, but has its result after three: so three strands are
 * summed at once, of so many bytes each, and what the first two are worth, with the strands behind
 * them, is added.
 */
#define STRAND_BYTES 512

/*
 * To go on with zeros multiplies by x^(8 * bytes). _mm_clmulepi64_si128 of two sums is their
 * product times x, as bits are in reverse order, and the instruction then multiplies by x^32: the
 * factor is x^(8 * bytes - 33) modulo the polynomial. Source: Intel, "Fast CRC Computation for
 * Generic Polynomials Using PCLMULQDQ Instruction" (2009).
 */
#define BEHIND_ONE 0xdd7e3b0cu /* one strand follows */
#define BEHIND_TWO 0x170076fau

__attribute__((target("sse4.2,pclmul"))) static uint64_t behind(uint64_t crc, uint32_t factor)
{
	const __m128i product = _mm_clmulepi64_si128(
		_mm_cvtsi64_si128((int64_t)crc), _mm_cvtsi64_si128((int64_t)factor), 0);
	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static uint64_t word_at(const uint8_t *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof(word));
	return word;
}

/* With the processor's own instructions: SSE4.2 has one for just this polynomial. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t by_instruction(
	uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide = (uint32_t)~crc;
	for (; len >= 3 * STRAND_BYTES; len -= 3 * STRAND_BYTES, p += 3 * STRAND_BYTES) {
		uint64_t second = 0, third = 0;
		for (size_t i = 0; i < STRAND_BYTES; i += 8) {
			wide = _mm_crc32_u64(wide, word_at(p + i));
			second = _mm_crc32_u64(second, word_at(p + STRAND_BYTES + i));
			third = _mm_crc32_u64(third, word_at(p + 2 * STRAND_BYTES + i));
		}
		wide = behind(wide, BEHIND_TWO) ^ behind(second, BEHIND_ONE) ^ third;
	}
	for (; len >= 8; len -= 8, p += 8)
		wide = _mm_crc32_u64(wide, word_at(p));
	crc = (uint32_t)wide;
	for (; len > 0; len--)
		crc = _mm_crc32_u8(crc, *p++);
	return ~crc;
}

/*
 * Not __builtin_cpu_supports(): for that a constructor asks the processor some twenty questions
 * whenever the program starts, and each takes several microseconds in a virtual machine. glibc has
 * the answers.
 */
static bool has_instructions(void)
{
#ifdef CPU_FEATURE_ACTIVE
	return CPU_FEATURE_ACTIVE(SSE4_2) && CPU_FEATURE_ACTIVE(PCLMULQDQ);
#else
	static bool asked, has;
	if (!asked) {
		unsigned int a, b, c, d;
		__cpuid(1, a, b, c, d);
		has = (c & bit_SSE4_2) && (c & bit_PCLMUL);
		asked = true;
	}
	return has;
#endif
}
#endif

uint32_t snap_crc32c(uint32_t crc, const void *data, size_t len)
{
#ifdef __x86_64__
	if (has_instructions())
		return by_instruction(crc, data, len);
#endif
	return snap_crc32c_by_table(crc, data, len);
}
