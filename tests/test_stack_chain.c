/* common/stack_chain: alternate signal stacks are known by what the kernel writes there, on every
 * machine, and whatever else stands there. */
#include "common/stack_chain.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define KIB 1024u

/* A thread's own stack, and memory that alternate stacks are in. Addresses of 32 bits. */
#define HOME	 0x70000000u
#define HOME_END (HOME + (1u << 20))
#define TP	 (HOME_END - 0x900)
#define HEAP	 0x80000000u
#define HEAP_END (HEAP + 256 * KIB)
/* An alternate stack, and a stack pointer on it. */
#define ALT	0x80004000u
#define ALT_END (ALT + 16 * KIB)
#define SP	(ALT_END - 6 * KIB)
/* Where the kernel put the context, and what it interrupted. */
#define CONTEXT	    (ALT_END - 4 * KIB)
#define INTERRUPTED (HOME_END - 0x3000)

static const struct machine {
	uint32_t machine, elf_class;
	size_t sp_off; /* asm/ucontext.h, asm/sigcontext.h */
} machines[] = {
	{EM_X86_64, ELFCLASS64, 160},
	{EM_AARCH64, ELFCLASS64, 432},
	{EM_RISCV, ELFCLASS64, 192},
	{EM_386, ELFCLASS32, 48},
	{EM_ARM, ELFCLASS32, 84},
	{EM_X86_64, ELFCLASS32, 144},
};

static struct snap_areas areas;
/* All that is in HEAP. */
static uint8_t heap[HEAP_END - HEAP];
static const struct machine *machine = &machines[0];

static const struct snap_arch *arch_of(const struct machine *m)
{
	return snap_arch_find(m->machine, m->elf_class, ELFDATA2LSB);
}

static void add(uint64_t start, uint64_t end, uint32_t permissions)
{
	const struct snap_mapping mapping = {
		.start = start, .end = end, .permissions = permissions};
	snap_areas_add(&areas, &mapping);
}

static int set_up(void **state)
{
	(void)state;
	snap_areas_init(&areas);
	add(HOME - 0x1000, HOME, 0);
	add(HOME, HOME_END, SNAP_MAPPING_READ | SNAP_MAPPING_WRITE);
	add(HEAP, HEAP_END, SNAP_MAPPING_READ | SNAP_MAPPING_WRITE);
	memset(heap, 0, sizeof(heap));
	machine = &machines[0];
	return 0;
}

static void put(uint64_t addr, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		heap[addr - HEAP + i] = (uint8_t)(value >> 8 * i);
}

static size_t word(void)
{
	return machine->elf_class == ELFCLASS64 ? 8 : 4;
}

/* As the kernel does: flags, link, ss_sp, ss_flags (an int), ss_size, ..., sp. */
static void put_context(uint64_t at, uint64_t start, uint64_t size, uint64_t sp)
{
	size_t w = word();
	put(at, 7, w);
	put(at + w, 0, w);
	put(at + 2 * w, start, w);
	put(at + 3 * w, 0, 4);
	put(at + 4 * w, size, w);
	put(at + machine->sp_off, sp, w);
}

static bool find(uint64_t sp, struct snap_altstack *ret)
{
	uint64_t addr = sp - 256;
	return snap_altstack_find(
		&areas, arch_of(machine), sp, addr, heap + (addr - HEAP), HEAP_END - addr, ret);
}

static bool finds(uint64_t sp)
{
	struct snap_altstack found;
	return find(sp, &found);
}

static void test_an_alternate_stack_is_found_on_every_machine(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct snap_altstack found = {0};
		set_up(state);
		machine = &machines[i];
		/* Whatever else is there. */
		memset(heap, (int)(0x11 * i), sizeof(heap));
		put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
		assert_true(find(SP, &found));
		assert_int_equal(found.start, ALT);
		assert_int_equal(found.end, ALT_END);
		assert_int_equal(found.interrupted_sp, INTERRUPTED);
		/* A word further, it is none. */
		put(CONTEXT + machine->sp_off, ALT + 8, word());
		assert_false(finds(SP));
	}
}

/* Places are looked at several at a time, from the stack pointer on. */
static void test_an_alternate_stack_is_found_at_any_distance(void **state)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		set_up(state);
		machine = &machines[i];
		put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
		for (uint64_t k = 0; k < 12; k++)
			assert_true(finds(CONTEXT - k * 16));
		/* Another one before it, of which all but one word says the same. */
		for (uint64_t k = 1; k < 12; k++) {
			set_up(state);
			machine = &machines[i];
			put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
			put(CONTEXT - k * 16 + 2 * word(), ALT, word());
			put(CONTEXT - k * 16 + word(), 1, word());
			if (k * 16 > machine->sp_off + word())
				assert_true(finds(CONTEXT - 192));
		}
	}
}

static void test_all_of_the_context_must_be_there(void **state)
{
	(void)state;
	struct snap_altstack found;
	const uint8_t *bytes = heap + (SP - HEAP);
	put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
	const struct snap_arch *arch = arch_of(machine);
	size_t needed = CONTEXT - SP + 168;
	for (size_t len = 0; len < needed; len++)
		assert_false(snap_altstack_find(&areas, arch, SP, SP, bytes, len, &found));
	assert_true(snap_altstack_find(&areas, arch, SP, SP, bytes, needed, &found));
	assert_false(snap_altstack_find(&areas, NULL, SP, SP, bytes, needed, &found));
	/* A machine without a table of contexts. */
	arch = snap_arch_find(EM_S390, ELFCLASS64, ELFDATA2MSB);
	assert_false(snap_altstack_find(&areas, arch, SP, SP, bytes, needed, &found));
}

static void test_flags_are_the_kernels(void **state)
{
	(void)state;
	static const struct {
		uint32_t flags;
		bool valid;
	} cases[] = {{0, true}, {1, true}, {1u << 31, true}, {1u << 31 | 1, true}, {2, false},
		{4, false}, {1u << 30, false}, {UINT32_MAX, false}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
		put(CONTEXT + 24, cases[i].flags, 4);
		/* No member, and not always zero. */
		put(CONTEXT + 28, 0x55555555, 4);
		assert_int_equal(finds(SP), cases[i].valid);
	}
	put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
	put(CONTEXT + 8, CONTEXT, 8); /* the kernel links nothing */
	assert_false(finds(SP));
}

static void test_what_is_no_alternate_stack_in_use(void **state)
{
	(void)state;
	static const struct {
		uint64_t start, size, interrupted;
	} cases[] = {
		{0, 0, INTERRUPTED},
		{ALT, 0, INTERRUPTED},
		{0, UINT64_MAX, INTERRUPTED},
		{0, ALT_END, INTERRUPTED + HEAP},
		{ALT, UINT64_MAX, INTERRUPTED},
		{ALT, UINT64_MAX - ALT + 1, INTERRUPTED},
		{ALT, HEAP_END - ALT + 1, INTERRUPTED}, /* beyond what is mapped */
		{HEAP - 0x100000, 0x100000 + ALT_END - HEAP, INTERRUPTED}, /* begins in no area */
		{SP + 8, ALT_END - SP - 8, INTERRUPTED}, /* sp is not on it: an old one */
		{ALT, SP - ALT, INTERRUPTED},		 /* it ends at sp */
		{ALT, CONTEXT - ALT, INTERRUPTED},	 /* the context is not on it */
		{ALT, CONTEXT + 160 - ALT, INTERRUPTED}, /* not all of it */
		{ALT, ALT_END - ALT, ALT},		 /* it interrupts itself */
		{ALT, ALT_END - ALT, SP + 0x100},
		{ALT, ALT_END - ALT, ALT_END},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_context(CONTEXT, cases[i].start, cases[i].size, cases[i].interrupted);
		assert_false(finds(SP));
	}
	put_context(CONTEXT, ALT, CONTEXT + 168 - ALT, INTERRUPTED);
	assert_true(finds(SP));
	/* Below sp nothing is alive, and where no memory is nothing is found. */
	assert_false(finds(CONTEXT + 8));
	assert_true(finds(CONTEXT));
	struct snap_altstack found;
	assert_false(snap_altstack_find(
		&areas, arch_of(machine), HEAP_END + 8, HEAP_END + 8, heap, sizeof(heap), &found));
}

static void test_the_highest_context_counts(void **state)
{
	(void)state;
	struct snap_altstack found = {0};
	/* A handler's copy, changed; one interrupted on the same stack; the kernel's. */
	put_context(CONTEXT - 0x400, ALT, ALT_END - ALT, INTERRUPTED + 64);
	put_context(CONTEXT - 0x200, ALT, ALT_END - ALT, CONTEXT - 0x800);
	put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
	assert_true(find(SP, &found));
	assert_int_equal(found.interrupted_sp, INTERRUPTED);
}

/* ---------------------------------------------------------------- chains */

static struct snap_stack_chain chain;

static void begin(uint64_t sp, uint64_t tp, uint64_t cap)
{
	const struct snap_memory_thread thread = {.tid = 7, .sp = sp, .tp = tp};
	snap_stack_chain_init(&chain, &areas, arch_of(machine), &thread, cap);
}

/* The next stack, of whose memory that in HEAP is looked at. */
static bool next(void)
{
	if (!snap_stack_chain_next(&chain))
		return false;
	assert_int_equal(chain.plan.reason, SNAP_MEMORY_STACK);
	assert_int_equal(chain.plan.tid, 7);
	for (size_t i = 0; i < 2; i++) {
		struct snap_extent part = chain.plan.parts[i];
		if (part.addr >= HEAP && part.addr < HEAP_END)
			snap_stack_chain_look(
				&chain, part.addr, heap + (part.addr - HEAP), part.len);
	}
	return true;
}

static void assert_part(size_t index, uint64_t start, uint64_t end)
{
	assert_int_equal(chain.plan.parts[index].addr, start);
	assert_int_equal(chain.plan.parts[index].addr + chain.plan.parts[index].len, end);
}

static void test_handler_on_an_alternate_stack(void **state)
{
	(void)state;
	/* With the thread's stack known or not. */
	for (uint64_t tp = 0; tp <= TP; tp += TP) {
		put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
		begin(SP, tp, 64 * KIB);
		assert_true(next());
		assert_part(0, SP - SNAP_STACK_BELOW, ALT_END);
		assert_int_equal(chain.plan.parts[1].len, 0);
		assert_int_equal(chain.plan.cuts[0].len, 0);
		assert_int_equal(chain.plan.cuts[1].len, 0);
		assert_true(next());
		assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
		assert_false(next());
	}
}

static void test_what_was_interrupted_is_long(void **state)
{
	(void)state;
	uint64_t deep = HOME + 0x800, used = ALT_END - SP + SNAP_STACK_BELOW;
	struct snap_omission omission;
	put_context(CONTEXT, ALT, ALT_END - ALT, deep);
	begin(SP, TP, 64 * KIB);
	assert_true(next());
	assert_true(next());
	assert_int_equal(snap_memory_plan_len(&chain.plan), 64 * KIB - used);
	assert_int_equal(chain.plan.parts[1].addr + chain.plan.parts[1].len, TP);
	assert_true(snap_memory_plan_cut(&chain.plan, 0, &omission));
	assert_int_equal(omission.why, SNAP_OMITTED_CAP);
	assert_int_equal(omission.tid, 7);

	/* It overflowed: what there is begins in a guard page. */
	put_context(CONTEXT, ALT, ALT_END - ALT, HOME - 0x10);
	begin(SP, TP, 64 * KIB);
	assert_true(next());
	assert_true(next());
	assert_int_equal(chain.plan.parts[0].addr, HOME);
}

static void test_an_alternate_stack_that_is_long_or_full(void **state)
{
	(void)state;
	/* Its context is only at the other end. */
	uint64_t at = HEAP_END - 0x400;
	put_context(at, HEAP, HEAP_END - HEAP, INTERRUPTED);
	put_context(at - 0x200, HEAP, HEAP_END - HEAP, at - 0x800);
	begin(HEAP + 0x800, TP, 64 * KIB);
	assert_true(next());
	assert_int_equal(snap_memory_plan_len(&chain.plan), 32 * KIB);
	assert_true(next());
	assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
	/* At both ends there is one. */
	put_context(HEAP + 0x2000, HEAP, HEAP_END - HEAP, INTERRUPTED - 0x40);
	begin(HEAP + 0x800, TP, 64 * KIB);
	assert_true(next());
	assert_int_equal(chain.num_altstacks, 1);
	assert_true(next());
	assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
	assert_false(next());
	/* The handler overflowed it. */
	memset(heap, 0, sizeof(heap));
	put_context(HEAP + 0x1000, HEAP, 0x2000, INTERRUPTED);
	begin(HEAP - 0x20, TP, 64 * KIB);
	assert_true(next());
	assert_part(0, HEAP, HEAP + 0x2000);
	assert_true(next());
	assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
}

static void test_nested_alternate_stacks(void **state)
{
	(void)state;
	/* Each is interrupted by the one above; the last one's turn is not any more. */
	const unsigned int num = SNAP_STACK_CHAIN_MAX + 1;
	for (unsigned int i = 0; i < num; i++) {
		uint64_t start = HEAP + i * 16 * KIB;
		put_context(start + 12 * KIB, start, 16 * KIB,
			i + 1 < num ? start + 16 * KIB + 11 * KIB : INTERRUPTED);
	}
	uint64_t total = 0;
	begin(HEAP + 11 * KIB, TP, 64 * KIB);
	for (unsigned int i = 0; i < SNAP_STACK_CHAIN_MAX; i++) {
		uint64_t start = HEAP + i * 16 * KIB;
		assert_true(next());
		assert_part(0, start + 11 * KIB - SNAP_STACK_BELOW, start + 16 * KIB);
		total += snap_memory_plan_len(&chain.plan);
	}
	assert_false(next());
	assert_true(total <= 64 * KIB);
	/* From the second on, there are few enough. */
	begin(HEAP + 27 * KIB, 0, 64 * KIB);
	for (unsigned int i = 1; i < num; i++)
		assert_true(next());
	assert_false(next());
}

static void test_stacks_that_interrupt_one_another(void **state)
{
	(void)state;
	/* Two, in a circle. */
	put_context(HEAP + 12 * KIB, HEAP, 16 * KIB, HEAP + 27 * KIB);
	put_context(HEAP + 28 * KIB, HEAP + 16 * KIB + 1, 16 * KIB - 1, HEAP + 11 * KIB);
	begin(HEAP + 11 * KIB, 0, 64 * KIB);
	assert_true(next());
	assert_true(next());
	assert_false(next());
	/* One that has wandered: each claims to be another stack, and the same again. */
	set_up(state);
	for (unsigned int i = 1; i < 10; i++)
		put_context(ALT + i * KIB, ALT + (i - 1) * KIB + 16, KIB + 512,
			ALT + (i + 1) * KIB - 64);
	begin(ALT + 64, 0, 64 * KIB);
	unsigned int num = 0;
	uint64_t total = 0;
	while (next()) {
		num++;
		total += snap_memory_plan_len(&chain.plan);
	}
	assert_in_range(num, 1, SNAP_STACK_CHAIN_MAX);
	assert_in_range(total, 1, 64 * KIB);
}

static void test_an_interrupted_sp_in_no_area(void **state)
{
	(void)state;
	static const uint64_t wild[] = {0, 8, HOME_END + 8, UINT64_MAX, UINT64_MAX - 7, 1ull << 63};
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		struct snap_omission omission;
		put_context(CONTEXT, ALT, ALT_END - ALT, wild[i]);
		begin(SP, TP, 64 * KIB);
		assert_true(next());
		assert_part(0, SP - SNAP_STACK_BELOW, ALT_END);
		assert_true(next());
		assert_int_equal(snap_memory_plan_len(&chain.plan), 0);
		assert_true(snap_memory_plan_cut(&chain.plan, 0, &omission));
		assert_int_equal(omission.why, SNAP_OMITTED_UNREADABLE);
		assert_int_equal(omission.address, wild[i]);
		assert_false(next());
	}
}

static void test_hardly_any_bytes_to_give(void **state)
{
	(void)state;
	put_context(CONTEXT, ALT, ALT_END - ALT, INTERRUPTED);
	for (uint64_t cap = 0; cap < 20 * KIB; cap += 100) {
		uint64_t total = 0;
		begin(SP, TP, cap);
		while (next())
			total += snap_memory_plan_len(&chain.plan);
		assert_in_range(total, 0, cap);
	}
}

static void test_a_coroutine(void **state)
{
	(void)state;
	/* Not interrupted, but entered: the lowest address of the thread's stack that it has. */
	put(SP + 0x100, INTERRUPTED + 0x200, 8);
	put(SP + 0x200, INTERRUPTED, 8);
	begin(SP, TP, 64 * KIB);
	assert_true(next());
	assert_int_equal(snap_memory_plan_len(&chain.plan), 32 * KIB);
	assert_true(next());
	assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
	assert_false(next());
	/* And one that was interrupted by a handler. */
	uint64_t other = HEAP + 128 * KIB;
	put_context(other + 0x2000, other, 0x4000, SP);
	begin(other + 0x1000, TP, 64 * KIB);
	assert_true(next());
	assert_part(0, other + 0x1000 - SNAP_STACK_BELOW, other + 0x4000);
	assert_true(next());
	assert_int_equal(chain.plan.parts[0].addr, SP - SNAP_STACK_BELOW);
	assert_true(next());
	assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
	assert_false(next());
}

static void test_a_thread_at_home_has_one_stack(void **state)
{
	(void)state;
	begin(INTERRUPTED, TP, 64 * KIB);
	assert_true(next());
	assert_part(0, INTERRUPTED - SNAP_STACK_BELOW, HOME_END);
	assert_false(next());
	begin(8, TP, 64 * KIB);
	assert_true(next());
	assert_int_equal(snap_memory_plan_len(&chain.plan), 0);
	assert_false(next());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_an_alternate_stack_is_found_on_every_machine, set_up),
		cmocka_unit_test_setup(test_an_alternate_stack_is_found_at_any_distance, set_up),
		cmocka_unit_test_setup(test_all_of_the_context_must_be_there, set_up),
		cmocka_unit_test_setup(test_flags_are_the_kernels, set_up),
		cmocka_unit_test_setup(test_what_is_no_alternate_stack_in_use, set_up),
		cmocka_unit_test_setup(test_the_highest_context_counts, set_up),
		cmocka_unit_test_setup(test_handler_on_an_alternate_stack, set_up),
		cmocka_unit_test_setup(test_what_was_interrupted_is_long, set_up),
		cmocka_unit_test_setup(test_an_alternate_stack_that_is_long_or_full, set_up),
		cmocka_unit_test_setup(test_nested_alternate_stacks, set_up),
		cmocka_unit_test_setup(test_stacks_that_interrupt_one_another, set_up),
		cmocka_unit_test_setup(test_an_interrupted_sp_in_no_area, set_up),
		cmocka_unit_test_setup(test_hardly_any_bytes_to_give, set_up),
		cmocka_unit_test_setup(test_a_coroutine, set_up),
		cmocka_unit_test_setup(test_a_thread_at_home_has_one_stack, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
