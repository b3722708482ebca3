/*
 * What hash tables whose keys a stranger chooses are hashed by: other numbers in each process, so
 * that nobody can choose keys that all fall into one place.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_HASH_SEED_H
#define SNAP_ANALYZE_SYMBOLS_HASH_SEED_H

#include <stddef.h>
#include <stdint.h>

/* Random, and the same all the time of this process. */
uint64_t snap_hash_seed(void);

/*
 * Of a string, with its end. A hash that is only begun with the seed (as FNV-1a) does not do: strings
 * are known that fall together whatever it begins with. This is SipHash-1-3 (Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", 2012), keyed by the process and by seed.
 */
uint64_t snap_hash_string(uint64_t seed, const char *s);

/* Of a number: every bit of it counts for every bit of the result (as in MurmurHash3's last step).
 * For several of them, the result for one is the seed for the next. */
static inline uint64_t snap_hash_number(uint64_t seed, uint64_t number)
{
	uint64_t hash = number ^ seed;
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

#endif
