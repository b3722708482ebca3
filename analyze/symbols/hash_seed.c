#include "analyze/symbols/hash_seed.h"

#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

static const uint64_t *get_key(void)
{
	static uint64_t key[2];
	static bool is_made;
	if (is_made)
		return key;
	/* As long as the kernel has no random bytes yet, those that it gave this process. */
	const void *given = (const void *)getauxval(AT_RANDOM);
	if (getrandom(key, sizeof(key), GRND_NONBLOCK) != (ssize_t)sizeof(key) && given)
		memcpy(key, given, sizeof(key));
	is_made = true;
	return key;
}

uint64_t snap_hash_seed(void)
{
	return get_key()[0];
}

/* ---------------------------------------------------------------- SipHash */

static uint64_t rotate(uint64_t x, unsigned int by)
{
	return x << by | x >> (64 - by);
}

static void step(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

static void take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	step(v);
	v[0] ^= word;
}

uint64_t snap_hash_string(uint64_t seed, const char *s)
{
	const uint64_t *key = get_key();
	uint64_t k0 = key[0] ^ seed, k1 = key[1], word = 0;
	uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
	size_t len = strlen(s), off = 0;
	/* Words as the machine has them: the hash leaves this process nowhere. */
	for (; len - off >= sizeof(word); off += sizeof(word)) {
		memcpy(&word, s + off, sizeof(word));
		take(v, word);
	}
	word = 0;
	memcpy(&word, s + off, len - off);
	take(v, word ^ (uint64_t)len << 56);
	v[2] ^= 0xff;
	step(v);
	step(v);
	step(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
