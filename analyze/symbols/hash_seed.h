/*
 * What hash tables whose keys a stranger chooses begin with: another number in each process, so
 * that nobody can choose keys that all fall into one place.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_HASH_SEED_H
#define SNAP_ANALYZE_SYMBOLS_HASH_SEED_H

#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static inline uint64_t snap_hash_seed(void)
{
	/* The kernel's random bytes for this process (getauxval(3)), to be had without a system
	 * call. libc takes the first eight for its own secrets. */
	uint64_t seed = 0;
	const char *random = (const char *)getauxval(AT_RANDOM);
	if (random)
		memcpy(&seed, random + 8, sizeof(seed));
	/* Whoever sees what the tables do shall not learn the bytes themselves. */
	return (seed ^ seed >> 31) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Of a number: every bit of it counts for every bit of the result (as in MurmurHash3's last step).
 */
static inline uint64_t snap_hash_number(uint64_t seed, uint64_t number)
{
	uint64_t hash = number ^ seed;
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

#endif
