#include "analyze/convert/start_stack.h"

#include <elf.h>
#include <string.h>

#include "analyze/convert/auxv.h"

/* What may stand between the vector and AT_RANDOM's bytes: padding, and qemu-user's strings. */
#define MAX_PADDING 512
#define MAX_AUXV    4096
/* Of pointers; the strings may take a quarter of the stack's limit, one byte each. */
#define MAX_POINTERS (1u << 20)

/* Words below an address, read downwards. */
struct down {
	struct snap_crash *crash;
	unsigned int word;
	uint64_t addr;	   /* of the word read last */
	uint64_t buf_addr; /* of buf */
	uint8_t buf[4096];
};

static bool next_below(struct down *d, uint64_t *ret)
{
	if (d->addr == d->buf_addr) {
		if (d->buf_addr < sizeof(d->buf) ||
			!snap_memory_read_all(&d->crash->memory, d->buf_addr - sizeof(d->buf),
				d->buf, sizeof(d->buf)))
			return false;
		d->buf_addr -= sizeof(d->buf);
	}
	d->addr -= d->word;
	*ret = snap_arch_load(d->crash->arch, d->buf + (d->addr - d->buf_addr), d->word);
	return true;
}

/* The address of the vector itself, which the core has a copy of. */
static bool find_auxv(struct snap_crash *crash, unsigned int word, uint64_t *ret)
{
	uint8_t window[MAX_AUXV + MAX_PADDING];
	struct snap_bytes auxv = crash->process.auxv;
	uint64_t random;
	if (auxv.len < 2 * word || auxv.len > MAX_AUXV || auxv.len % word != 0 ||
		!snap_auxv_find(crash, AT_RANDOM, &random))
		return false;
	random -= random % word;
	size_t len = auxv.len + MAX_PADDING;
	if (random < len || !snap_memory_read_all(&crash->memory, random - len, window, len))
		return false;
	for (size_t at = MAX_PADDING;; at -= word) {
		if (memcmp(window + at, auxv.data, auxv.len) == 0) {
			*ret = random - len + at;
			return true;
		}
		if (at < word)
			return false;
	}
}

uint64_t snap_start_stack_find(struct snap_crash *crash)
{
	struct down d = {.crash = crash};
	uint64_t value, num_pointers = 0;
	if (!crash->arch)
		return 0;
	d.word = snap_arch_word(crash->arch);
	if (!find_auxv(crash, d.word, &d.addr))
		return 0;
	d.buf_addr = d.addr;
	if (!next_below(&d, &value) || value != 0)
		return 0;
	/* Pointers back to the NULL before them, until one "pointer" is their number: no address
	 * is as small. unsetenv(3) leaves further NULLs behind. */
	for (uint64_t i = 0; i < MAX_POINTERS && next_below(&d, &value); i++) {
		if (value == 0)
			num_pointers = 0;
		else if (value == num_pointers)
			return d.addr;
		else
			num_pointers++;
	}
	return 0;
}
