#include "common/stack_chain.h"

#include <elf.h>
#include <string.h>

/* ss_flags as they were set, or, before Linux 4.7, as they were then (include/uapi/linux/signal.h):
 * SS_ONSTACK, SS_AUTODISARM. A disabled stack has no size. */
#define ALTSTACK_FLAGS (1u | 1u << 31)

/* snap_arch_load() of a word, but of every word of a stack, while its process is held. */
static inline __attribute__((always_inline)) uint64_t load_word(
	const uint8_t *p, unsigned int word, bool swap)
{
	uint64_t wide;
	uint32_t narrow;
	if (word == 4) {
		memcpy(&narrow, p, sizeof(narrow));
		return swap ? __builtin_bswap32(narrow) : narrow;
	}
	memcpy(&wide, p, sizeof(wide));
	return swap ? __builtin_bswap64(wide) : wide;
}

/* Whether no stack with sp on it begins there: at 0, or above sp. A number, for what is joined by &
 * below. */
static inline unsigned int is_no_start(uint64_t word, uint64_t sp)
{
	return word - 1 >= sp;
}

/*
 * The first place from at on, every align bytes up to last, where a signal frame may say that its
 * stack begins at sp or below: most words of a stack are 0 or no such address, so four at a time.
 */
static inline __attribute__((always_inline)) size_t next_candidate(const uint8_t *buf, size_t at,
	size_t last, unsigned int align, uint64_t sp, const unsigned int word, const bool swap)
{
	const uint8_t *p = buf + 2 * word;
	while (at <= last && last - at >= 3 * align &&
		(is_no_start(load_word(p + at, word, swap), sp) &
			is_no_start(load_word(p + at + align, word, swap), sp) &
			is_no_start(load_word(p + at + 2 * align, word, swap), sp) &
			is_no_start(load_word(p + at + 3 * align, word, swap), sp)))
		at += 4 * align;
	while (at <= last && is_no_start(load_word(p + at, word, swap), sp))
		at += align;
	return at;
}

/* word and swap are constants where it is called: every word of a stack is looked at. */
static inline __attribute__((always_inline)) bool find_altstack(const struct snap_areas *areas,
	const struct snap_arch *arch, uint64_t sp, uint64_t addr, const uint8_t *buf, size_t len,
	const unsigned int word, const bool swap, struct snap_altstack *ret)
{
	const struct snap_area *area = snap_areas_find(areas, sp);
	size_t needed = arch->ucontext_sp_off + word;
	/* The kernel aligns signal frames like a stack, and all but i386's so that the context is
	 * aligned as well; there a word is enough (the machines' get_sigframe()). */
	unsigned int align = arch->stack_align;
	uint64_t first = sp > addr ? sp - addr : 0;
	if (!area || len < needed || first > len - needed)
		return false;
	size_t at = (size_t)first + (align - (addr + first) % align) % align, last = len - needed;
	bool found = false;
	/*
	 * unsigned long uc_flags; struct ucontext *uc_link (the kernel's is NULL); stack_t
	 * uc_stack: void *ss_sp; int ss_flags; size_t ss_size. Source:
	 * include/uapi/asm-generic/ucontext.h and signal.h, and the machines' own.
	 */
	while ((at = next_candidate(buf, at, last, align, sp, word, swap)) <= last) {
		const uint8_t *p = buf + at;
		at += align;
		uint64_t start = load_word(p + 2 * word, word, swap);
		uint64_t size = load_word(p + 4 * word, word, swap), end = start + size;
		uint64_t interrupted = load_word(p + arch->ucontext_sp_off, word, swap);
		if (load_word(p + word, word, swap) != 0 || end > area->end ||
			addr + (uint64_t)(p - buf) + needed > end ||
			(load_word(p + 3 * word, 4, swap) & ~(uint64_t)ALTSTACK_FLAGS) != 0 ||
			(interrupted >= start && interrupted <= end) ||
			!snap_areas_find(areas, start))
			continue;
		*ret = (struct snap_altstack){start, end, interrupted};
		found = true;
	}
	return found;
}

bool snap_altstack_find(const struct snap_areas *areas, const struct snap_arch *arch, uint64_t sp,
	uint64_t addr, const uint8_t *buf, size_t len, struct snap_altstack *ret)
{
	if (!arch || arch->ucontext_sp_off == 0)
		return false;
	unsigned int word = snap_arch_word(arch);
	bool swap = (arch->elf_data == ELFDATA2MSB) != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	return word == 8 && !swap ? find_altstack(areas, arch, sp, addr, buf, len, 8, false, ret)
				  : find_altstack(areas, arch, sp, addr, buf, len, word, swap, ret);
}

void snap_stack_chain_init(struct snap_stack_chain *chain, const struct snap_areas *areas,
	const struct snap_arch *arch, const struct snap_memory_thread *thread, uint64_t cap)
{
	*chain = (struct snap_stack_chain){
		.areas = areas,
		.arch = arch,
		.thread = *thread,
		.room = cap,
	};
}

static bool is_in_altstack(const struct snap_stack_chain *chain, uint64_t addr)
{
	for (unsigned int i = 0; i < chain->num_altstacks; i++)
		if (addr >= chain->altstacks[i].start && addr <= chain->altstacks[i].end)
			return true;
	return false;
}

/* The stack pointer of the stack that comes after the one planned. */
static bool find_next(const struct snap_stack_chain *chain, uint64_t *ret)
{
	if (chain->num == SNAP_STACK_CHAIN_MAX)
		return false;
	if (chain->is_altstack)
		*ret = chain->altstacks[chain->num_altstacks - 1].interrupted_sp;
	else if (chain->has_home_sp)
		*ret = chain->home_sp;
	else
		return false;
	return !is_in_altstack(chain, *ret);
}

bool snap_stack_chain_next(struct snap_stack_chain *chain)
{
	if (chain->num > 0) {
		if (!find_next(chain, &chain->thread.sp))
			return false;
		chain->room -= snap_memory_plan_len(&chain->plan);
	}
	chain->num++;
	chain->is_altstack = chain->has_home_sp = false;
	chain->away = chain->arch && snap_memory_is_away(chain->areas, &chain->thread);
	/* Half is kept for what is to come. */
	uint64_t cap =
		chain->away && chain->num < SNAP_STACK_CHAIN_MAX ? chain->room / 2 : chain->room;
	snap_memory_plan_stack(chain->areas, &chain->thread, cap, &chain->plan);
	/* Of one that has overflown, all there is. */
	uint64_t start = chain->plan.parts[0].addr;
	chain->sp = chain->thread.sp > start ? chain->thread.sp : start;
	return true;
}

void snap_stack_chain_look(
	struct snap_stack_chain *chain, uint64_t addr, const uint8_t *buf, size_t len)
{
	struct snap_altstack found;
	if (snap_altstack_find(chain->areas, chain->arch, chain->sp, addr, buf, len, &found)) {
		if (!chain->is_altstack)
			chain->num_altstacks++;
		chain->is_altstack = true;
		chain->altstacks[chain->num_altstacks - 1] = found;
		snap_memory_plan_shorten(&chain->plan, found.end);
	}
	/* At the other end there may be anything. */
	if (!chain->away || chain->is_altstack || addr != chain->plan.parts[0].addr)
		return;
	chain->has_home_sp = snap_memory_find_home(chain->areas, chain->arch, &chain->thread, addr,
		buf, len < SNAP_MEMORY_MAX ? len : SNAP_MEMORY_MAX, &chain->home_sp);
}
