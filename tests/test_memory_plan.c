/* common/memory_plan: how much of a stack is taken, where, and that every byte is accounted for. */
#include "common/memory_plan.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define KIB 1024u

/* A stack of 1 MiB above a guard page, and code. */
#define STACK	  0x7f0000001000u
#define STACK_END (STACK + (1u << 20))
#define CODE	  0x400000u

static struct snap_areas areas;

static void add(uint64_t start, uint64_t end, uint32_t permissions, const char *path)
{
	const struct snap_mapping mapping = {
		.start = start,
		.end = end,
		.permissions = permissions,
		.path = snap_bytes_str(path),
	};
	snap_areas_add(&areas, &mapping);
}

static int set_up(void **state)
{
	(void)state;
	snap_areas_init(&areas);
	add(CODE, CODE + 0x1000, SNAP_MAPPING_READ | SNAP_MAPPING_EXEC, "/bin/x");
	add(0x500000, 0x501000, SNAP_MAPPING_READ | SNAP_MAPPING_EXEC, NULL);
	add(STACK - 0x1000, STACK, 0, NULL);
	add(STACK, STACK_END, SNAP_MAPPING_READ | SNAP_MAPPING_WRITE, NULL);
	return 0;
}

/* Parts and cuts together are [start, end), each byte once. */
static void assert_covers(const struct snap_memory_plan *plan, uint64_t start, uint64_t end)
{
	struct snap_extent extents[4];
	size_t num = 0;
	for (size_t i = 0; i < 2; i++) {
		extents[num++] = plan->parts[i];
		extents[num++] = plan->cuts[i];
	}
	uint64_t at = start;
	for (size_t i = 0; i < num; i++) {
		if (extents[i].len == 0)
			continue;
		assert_int_equal(extents[i].addr, at);
		at += extents[i].len;
	}
	assert_int_equal(at, end);
}

static void assert_extent(struct snap_extent extent, uint64_t addr, uint64_t end)
{
	assert_int_equal(extent.addr, addr);
	assert_int_equal(extent.addr + extent.len, end);
}

static struct snap_memory_plan plan_stack(
	uint64_t sp, uint64_t tp, uint64_t start_stack, uint64_t cap)
{
	struct snap_memory_plan plan;
	const struct snap_memory_thread thread = {
		.tid = 7,
		.sp = sp,
		.tp = tp,
		.start_stack = start_stack,
	};
	snap_memory_plan_stack(&areas, &thread, cap, &plan);
	assert_int_equal(plan.reason, SNAP_MEMORY_STACK);
	assert_true(plan.has_tid);
	assert_int_equal(plan.tid, 7);
	return plan;
}

static void test_a_stack_that_fits_is_taken_whole(void **state)
{
	(void)state;
	uint64_t sp = STACK_END - 64 * KIB + SNAP_STACK_BELOW;
	struct snap_memory_plan plan = plan_stack(sp, STACK_END - 0x900, 0, 64 * KIB);
	struct snap_omission omission;
	assert_extent(plan.parts[0], STACK_END - 64 * KIB, STACK_END);
	assert_int_equal(plan.parts[1].len, 0);
	assert_false(snap_memory_plan_cut(&plan, 0, &omission));
}

static void test_where_sp_is_lost_the_frame_pointer_tells(void **state)
{
	(void)state;
	uint64_t fp = STACK_END - 4 * KIB;
	struct snap_memory_thread thread = {.tid = 7, .fp = fp};
	static const uint64_t lost[] = {0, 0x4141414141414140, CODE + 0x100};
	struct snap_memory_plan plan;
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		thread.sp = lost[i];
		snap_memory_plan_stack(&areas, &thread, 64 * KIB, &plan);
		assert_extent(plan.parts[0], fp - SNAP_STACK_BELOW, STACK_END);
		assert_false(plan.unmapped);
	}
	/* What is no stack either does not help; and a good sp needs no help. */
	thread = (struct snap_memory_thread){.tid = 7, .fp = CODE + 0x200};
	snap_memory_plan_stack(&areas, &thread, 64 * KIB, &plan);
	assert_true(plan.unmapped);
	thread = (struct snap_memory_thread){.tid = 7, .sp = fp + 0x100, .fp = STACK + 0x1000};
	snap_memory_plan_stack(&areas, &thread, 64 * KIB, &plan);
	assert_extent(plan.parts[0], fp + 0x100 - SNAP_STACK_BELOW, STACK_END);
	/* Nor does an overflow: sp is in the guard page, fp somewhere above. */
	thread = (struct snap_memory_thread){.tid = 7, .sp = STACK - 8, .fp = fp};
	snap_memory_plan_stack(&areas, &thread, 64 * KIB, &plan);
	assert_int_equal(plan.parts[0].addr, STACK);
}

static void test_a_main_stack_that_denies_itself_is_taken(void **state)
{
	(void)state;
	uint64_t sp = STACK - 0x800;
	struct snap_memory_thread thread = {
		.tid = 7, .sp = sp, .start_stack = STACK_END - 0x100, .is_main = true};
	struct snap_memory_plan plan;
	snap_memory_plan_stack(&areas, &thread, 64 * KIB, &plan);
	assert_extent(plan.parts[0], sp - SNAP_STACK_BELOW, sp - SNAP_STACK_BELOW + 48 * KIB);
	assert_int_equal(plan.parts[1].addr + plan.parts[1].len, STACK_END - 0x100);
	assert_false(snap_memory_is_away(&areas, &thread));
	/* Below another thread's stack it is a guard page. */
	thread.is_main = false;
	thread.tp = STACK_END - 0x900;
	snap_memory_plan_stack(&areas, &thread, 64 * KIB, &plan);
	assert_int_equal(plan.parts[0].addr, STACK);
	assert_false(snap_memory_is_away(&areas, &thread));
}

static void test_of_a_long_stack_both_ends_are_taken(void **state)
{
	(void)state;
	uint64_t sp = STACK + 0x1000;
	struct snap_memory_plan plan = plan_stack(sp, 0, 0, 64 * KIB);
	assert_extent(plan.parts[0], sp - SNAP_STACK_BELOW, sp - SNAP_STACK_BELOW + 48 * KIB);
	assert_extent(plan.parts[1], STACK_END - 16 * KIB, STACK_END);
	assert_int_equal(snap_memory_plan_len(&plan), 64 * KIB);
	assert_covers(&plan, sp - SNAP_STACK_BELOW, STACK_END);

	struct snap_omission omission;
	assert_true(snap_memory_plan_cut(&plan, 0, &omission));
	assert_int_equal(omission.what, SNAP_OMITTED_STACK);
	assert_int_equal(omission.why, SNAP_OMITTED_CAP);
	assert_int_equal(omission.tid, 7);
	assert_true(omission.has_range);
	assert_int_equal(omission.address, plan.parts[0].addr + plan.parts[0].len);
	assert_int_equal(omission.address + omission.bytes, plan.parts[1].addr);
	assert_false(omission.has_error);
	assert_false(snap_memory_plan_cut(&plan, 1, &omission));
}

static void test_the_base_is_where_the_frames_begin(void **state)
{
	(void)state;
	/* A thread: its control block and all above it have no frames. Another area's end lies
	 * behind where mappings were merged. */
	uint64_t sp = STACK + 0x1000, tp = STACK_END - 3 * 0x1000 - 0x8c0;
	struct snap_memory_plan plan = plan_stack(sp, tp, 0, 64 * KIB);
	assert_extent(plan.parts[1], tp - 16 * KIB, tp);
	assert_extent(plan.cuts[1], tp, STACK_END);
	assert_int_equal(snap_memory_plan_len(&plan), 64 * KIB);
	assert_covers(&plan, sp - SNAP_STACK_BELOW, STACK_END);
	struct snap_omission omission;
	assert_true(snap_memory_plan_cut(&plan, 1, &omission));
	assert_int_equal(omission.bytes, STACK_END - tp);
	assert_false(snap_memory_plan_cut(&plan, 2, &omission));

	/* The main thread: its strings, here 100 KiB of them, have none. */
	uint64_t argc = STACK_END - 100 * KIB;
	plan = plan_stack(sp, 0x1234, argc, 64 * KIB);
	assert_extent(plan.parts[1], argc - 16 * KIB, argc);
	/* Nor are they taken, or missed: they are no stack. */
	assert_covers(&plan, sp - SNAP_STACK_BELOW, argc);

	/* What fits below that is all of it. */
	sp = argc - 60 * KIB;
	plan = plan_stack(sp, 0, argc, 64 * KIB);
	assert_extent(plan.parts[0], sp - SNAP_STACK_BELOW, argc);
	assert_int_equal(plan.parts[1].len, 0);
	struct snap_omission none;
	assert_false(snap_memory_plan_cut(&plan, 0, &none));
	/* Unless that is where sp is. */
	plan = plan_stack(argc, 0, argc, 64 * KIB);
	assert_covers(&plan, argc - SNAP_STACK_BELOW, STACK_END);
}

static void test_a_split_stack_is_one(void **state)
{
	(void)state;
	/* The second page was made read-only, another one has a name, and all that is left is one
	 * page at the end, where the thread pointer is. */
	const uint32_t r = SNAP_MAPPING_READ, rw = r | SNAP_MAPPING_WRITE;
	const uint64_t at = STACK_END + 0x100000, end = at + 0x8000, tp = end - 0x900;
	add(at - 0x2000, at - 0x1000, rw, NULL); /* an alternate stack, say, and a guard */
	add(at - 0x1000, at, 0, NULL);
	add(at, at + 0x1000, rw, NULL);
	add(at + 0x1000, at + 0x2000, r, NULL);
	add(at + 0x2000, at + 0x7000, rw, "[anon:frames]");
	add(at + 0x7000, end, rw, NULL);
	add(end, end + 0x4000, rw, "[anon:not ours]");
	struct snap_memory_plan plan = plan_stack(at + 0x800, tp, 0, 64 * KIB);
	assert_extent(plan.parts[0], at + 0x800 - SNAP_STACK_BELOW, end);
	assert_int_equal(plan.parts[1].len, 0);
	/* Both ends of it, too. */
	plan = plan_stack(at + 0x800, tp, 0, 8 * KIB);
	assert_extent(plan.parts[1], tp / 16 * 16 - 2 * KIB, tp / 16 * 16);
	assert_covers(&plan, at + 0x800 - SNAP_STACK_BELOW, end);
	/* What is below the stack pointer may be in the part before. */
	plan = plan_stack(at + 0x2010, tp, 0, 64 * KIB);
	assert_extent(plan.parts[0], at + 0x2010 - SNAP_STACK_BELOW, end);
	/* Overflown. */
	plan = plan_stack(at - 8, tp, 0, 64 * KIB);
	assert_extent(plan.parts[0], at, end);
	/* Nothing tells that it is one stack. */
	plan = plan_stack(at + 0x800, 0, 0, 64 * KIB);
	assert_extent(plan.parts[0], at + 0x800 - SNAP_STACK_BELOW, at + 0x1000);

	struct snap_memory_thread thread = {.tid = 7, .sp = at + 0x800, .tp = tp};
	assert_false(snap_memory_is_away(&areas, &thread));
	thread.sp = at + 0x2800;
	assert_false(snap_memory_is_away(&areas, &thread));
	thread.sp = at - 0x1800;
	assert_true(snap_memory_is_away(&areas, &thread));
	/* It was left in a part below the one where it began. */
	const uint64_t words[] = {at - 0x10, at + 0x900, tp};
	const struct snap_arch *arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	uint64_t home;
	assert_true(snap_memory_find_home(
		&areas, arch, &thread, thread.sp, (const uint8_t *)words, sizeof(words), &home));
	assert_int_equal(home, at + 0x900);
}

static void test_a_base_that_can_not_be_is_no_base(void **state)
{
	(void)state;
	uint64_t sp = STACK + 0x8000;
	const uint64_t marks[] = {1, sp, sp - 16, STACK, STACK_END + 0x1000, UINT64_MAX};
	struct snap_memory_plan wanted = plan_stack(sp, 0, 0, 64 * KIB);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct snap_memory_plan plan = plan_stack(sp, marks[i], marks[i], 64 * KIB);
		assert_memory_equal(plan.parts, wanted.parts, sizeof(plan.parts));
		assert_memory_equal(plan.cuts, wanted.cuts, sizeof(plan.cuts));
	}
}

static void test_any_cap_and_base_account_for_every_byte(void **state)
{
	(void)state;
	static const uint64_t caps[] = {0, 1, 512, 1000, 1024, 2048, 4096, 8192, 16 * KIB,
		16 * KIB + 1, 32 * KIB, 64 * KIB, 1u << 20, UINT64_MAX};
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		for (uint64_t sp = STACK - 0x100; sp < STACK_END; sp += 0x777) {
			for (uint64_t mark = 0; mark < 4; mark++) {
				uint64_t tp = mark ? sp + mark * mark * 0x2345 : 0;
				struct snap_memory_plan plan = plan_stack(sp, tp, 0, caps[i]);
				uint64_t start = sp < STACK + SNAP_STACK_BELOW
							 ? STACK
							 : sp - SNAP_STACK_BELOW;
				assert_covers(&plan, start, STACK_END);
				uint64_t whole = STACK_END - start;
				assert_int_equal(snap_memory_plan_len(&plan),
					whole < caps[i] ? whole : caps[i]);
			}
		}
	}
}

static void test_how_much_is_for_the_base(void **state)
{
	(void)state;
	static const struct {
		uint64_t cap, known, unknown;
	} shares[] = {
		{64 * KIB, 16 * KIB, 16 * KIB},
		{16 * KIB, 4 * KIB, 8 * KIB},
		{16 * KIB - 16, 4 * KIB - 16, 0},
		{2 * KIB, 512, 0},
		{1024, 256, 0},
		{1023, 0, 0},
		{512, 0, 0},
	};
	uint64_t sp = STACK + 0x1000;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct snap_memory_plan plan = plan_stack(sp, STACK_END - 4096, 0, shares[i].cap);
		assert_int_equal(plan.parts[1].len, shares[i].known);
		plan = plan_stack(sp, 0, 0, shares[i].cap);
		assert_int_equal(plan.parts[1].len, shares[i].unknown);
	}
}

static void test_an_overflown_stack_begins_where_its_memory_does(void **state)
{
	(void)state;
	struct snap_memory_plan plan = plan_stack(STACK - 0x800, STACK_END - 0x900, 0, 64 * KIB);
	assert_extent(plan.parts[0], STACK, STACK + 48 * KIB);
	assert_extent(plan.parts[1], STACK_END - 0x900 - 16 * KIB, STACK_END - 0x900);
	assert_covers(&plan, STACK, STACK_END);
	/* Far below anything, or above all: nothing to take, and that is told. */
	for (int above = 0; above < 2; above++) {
		struct snap_omission omission;
		uint64_t sp = above ? STACK_END + 8 : STACK - SNAP_STACK_GAP - 0x1001;
		plan = plan_stack(sp, 0, 0, 64 * KIB);
		assert_int_equal(snap_memory_plan_len(&plan), 0);
		assert_true(snap_memory_plan_cut(&plan, 0, &omission));
		assert_int_equal(omission.why, SNAP_OMITTED_UNREADABLE);
		assert_int_equal(omission.error, EFAULT);
		assert_int_equal(omission.address, sp);
		assert_false(snap_memory_plan_cut(&plan, 1, &omission));
	}
}

/* One frame took the stack pointer past the guard. */
static void test_a_stack_that_one_frame_overflowed(void **state)
{
	(void)state;
	enum { GUARD = 4 * KIB };
	const uint64_t start = STACK, end = STACK_END;
	static const struct {
		uint64_t below; /* the stack's start */
		uint32_t flags; /* of what is below it */
		bool has_tp, is_found;
	} cases[] = {
		{GUARD + 16, 0, true, true},
		{GUARD + 16, 0, false, true},
		{SNAP_STACK_GAP, 0, false, true},
		{SNAP_STACK_GAP + 16, 0, false, false},
		{SNAP_STACK_GAP + 16, 0, true, true},
		{SNAP_STACK_GAP_HOME, 0, true, true},
		{SNAP_STACK_GAP_HOME + 16, 0, true, false},
		/* That is no guard. */
		{GUARD + 16, SNAP_MAPPING_READ, true, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snap_areas_init(&areas);
		add(start - GUARD, start, cases[i].flags, NULL);
		add(start, end, SNAP_MAPPING_READ | SNAP_MAPPING_WRITE, NULL);
		struct snap_memory_plan plan = plan_stack(start - cases[i].below,
			cases[i].has_tp ? end - 0x900 : 0, 0, 64 * KIB);
		if (plan.unmapped == cases[i].is_found)
			fail_msg("case %zu", i);
		if (!cases[i].is_found)
			continue;
		assert_int_equal(plan.parts[0].addr, start);
		uint64_t base = cases[i].has_tp ? end - 0x900 : end;
		assert_extent(plan.parts[1], base - 16 * KIB, base);
	}
}

static void test_a_plan_ends_where_the_stack_does(void **state)
{
	(void)state;
	struct snap_memory_plan plan,
		all = plan_stack(STACK + 0x1000, STACK_END - 0x900, 0, 8 * KIB);
	assert_true(all.parts[1].len > 0 && all.cuts[1].len > 0);
	for (uint64_t end = all.parts[0].addr; end <= STACK_END; end += 0x100) {
		plan = all;
		snap_memory_plan_shorten(&plan, end);
		assert_covers(&plan, all.parts[0].addr, end);
	}
}

static void test_where_a_thread_that_is_away_left_its_stack(void **state)
{
	(void)state;
	/* In a signal handler on a stack in some heap. */
	const uint64_t heap = STACK_END + 0x10000, tp = STACK_END - 0x900;
	add(heap, heap + 0x20000, SNAP_MAPPING_READ | SNAP_MAPPING_WRITE, NULL);
	struct snap_memory_thread thread = {.tid = 7, .sp = heap + 0x8000, .tp = tp};
	const struct snap_arch *arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	uint64_t left = STACK_END - 0x3000;
	const uint64_t words[] = {0, 1, tp, tp + 8, STACK_END - 0x100, left + 0x20, STACK - 8, left,
		heap, UINT64_MAX, left + 8};
	uint64_t home = 0;
	assert_true(snap_memory_is_away(&areas, &thread));
	assert_true(snap_memory_find_home(
		&areas, arch, &thread, thread.sp, (const uint8_t *)words, sizeof(words), &home));
	assert_int_equal(home, left);
	/* Nothing speaks of it. */
	assert_false(snap_memory_find_home(&areas, arch, &thread, thread.sp, (const uint8_t *)words,
		4 * sizeof(words[0]), &home));
	/* The main thread's is where argc is, not where its thread pointer points. */
	thread.tp = heap + 0x1000;
	thread.is_main = true;
	assert_false(snap_memory_is_away(&areas, &thread));
	thread.start_stack = STACK_END - 0x2000;
	assert_true(snap_memory_is_away(&areas, &thread));
	/* At home: also when it is full. */
	thread.sp = left;
	assert_false(snap_memory_is_away(&areas, &thread));
	thread.sp = STACK - 8;
	assert_false(snap_memory_is_away(&areas, &thread));
	thread.sp = 8;
	assert_false(snap_memory_is_away(&areas, &thread));
}

static void test_code(void **state)
{
	(void)state;
	struct snap_memory_plan plan;
	struct snap_memory_thread thread = {.tid = 7, .pc = CODE + 0x10};
	snap_memory_plan_code(&areas, &thread, &plan);
	assert_extent(plan.parts[0], CODE, CODE + 0x10 + SNAP_CODE_AFTER);
	thread.pc = CODE + 0xff0;
	snap_memory_plan_code(&areas, &thread, &plan);
	assert_extent(plan.parts[0], CODE + 0xff0 - SNAP_CODE_BEFORE, CODE + 0x1000);
	thread.pc = 0;
	snap_memory_plan_code(&areas, &thread, &plan);
	struct snap_omission omission;
	assert_int_equal(snap_memory_plan_len(&plan), 0);
	assert_true(snap_memory_plan_cut(&plan, 0, &omission));
	assert_int_equal(omission.what, SNAP_OMITTED_CODE);
	/* Whose is taken: the first thread's, and what stands in no file. */
	assert_true(snap_memory_wants_code(&areas, 0, 0, 0));
	assert_false(snap_memory_wants_code(&areas, 1, 512, 0));
	assert_false(snap_memory_wants_code(&areas, 1, 512, CODE));
	assert_true(snap_memory_wants_code(&areas, 1, 512, 0x500000));
	assert_false(snap_memory_wants_code(&areas, 2000, 0, 0x500000));
}

static void test_vdso_is_bounded(void **state)
{
	(void)state;
	struct snap_memory_plan plan;
	snap_memory_plan_vdso(STACK, SNAP_VDSO_MAX + 5, &plan);
	assert_extent(plan.parts[0], STACK, STACK + SNAP_VDSO_MAX);
	struct snap_omission omission;
	assert_true(snap_memory_plan_cut(&plan, 0, &omission));
	assert_int_equal(omission.what, SNAP_OMITTED_VDSO);
	assert_int_equal(omission.bytes, 5);
	assert_false(omission.has_tid);
}

static void test_trampolines(void **state)
{
	(void)state;
	const uint32_t rx = SNAP_MAPPING_READ | SNAP_MAPPING_EXEC;
	const uint64_t at = STACK_END;
	add(at + 0x1000, at + 0x2000, rx, "[sigpage]");
	add(at + 0x2000, at + 0x3000, rx, "[vdso]");
	add(at + 0x3000, at + 0x4000, rx, "/bin/y");
	add(at + 0x4000, at + 0x6000, rx, NULL); /* rather a compiler's output */
	add(at + 0x6000, at + 0x7000, SNAP_MAPPING_EXEC, "[vsyscall]");
	struct snap_memory_plan plan;
	size_t position = 0;
	assert_true(snap_memory_plan_trampoline(&areas, &position, &plan));
	assert_extent(plan.parts[0], 0x500000, 0x501000);
	assert_int_equal(plan.reason, SNAP_MEMORY_CODE);
	assert_false(plan.has_tid);
	assert_true(snap_memory_plan_trampoline(&areas, &position, &plan));
	assert_extent(plan.parts[0], at + 0x1000, at + 0x2000);
	assert_false(snap_memory_plan_trampoline(&areas, &position, &plan));
}

static void test_registers_of_a_thread(void **state)
{
	(void)state;
	struct snap_memory_thread thread = {0};
	uint64_t x86[27] = {[16] = 0x1111, [19] = 0x2222, [21] = 0x3333};
	struct snap_regset sets[2] = {{NT_PRSTATUS, snap_bytes(x86, sizeof(x86))}};
	const struct snap_arch *arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	assert_true(snap_memory_thread_registers(arch, sets, 1, &thread));
	assert_int_equal(thread.pc, 0x1111);
	assert_int_equal(thread.sp, 0x2222);
	assert_int_equal(thread.tp, 0x3333);
	assert_false(snap_memory_thread_registers(NULL, sets, 1, &thread));
	assert_false(snap_memory_thread_registers(arch, sets, 0, &thread));
	sets[0].data.len = 19 * 8; /* ends before the stack pointer */
	assert_false(snap_memory_thread_registers(arch, sets, 1, &thread));

	/* Where the thread pointer has a register set of its own. */
	uint64_t arm64[34] = {[31] = 0x4444, [32] = 0x5555}, tls[1] = {0x6666};
	sets[0] = (struct snap_regset){NT_PRSTATUS, snap_bytes(arm64, sizeof(arm64))};
	sets[1] = (struct snap_regset){NT_ARM_TLS, snap_bytes(tls, sizeof(tls))};
	arch = snap_arch_find(EM_AARCH64, ELFCLASS64, ELFDATA2LSB);
	assert_true(snap_memory_thread_registers(arch, sets, 2, &thread));
	assert_int_equal(thread.sp, 0x4444);
	assert_int_equal(thread.pc, 0x5555);
	assert_int_equal(thread.tp, 0x6666);
	assert_true(snap_memory_thread_registers(arch, sets, 1, &thread));
	assert_int_equal(thread.tp, 0);

	/* Where it is a segment's base: of the one that gs selects. */
	uint32_t i386[17] = {[12] = 0x7777, [15] = 0x8888, [9] = 12 << 3 | 3, [10] = 13 << 3 | 3};
	uint32_t segments[12] = {12, 0x1111, 0xfffff, 0, 13, 0xf7ff0b40, 0xfffff, 0, 14, 0, 0, 0};
	sets[0] = (struct snap_regset){NT_PRSTATUS, snap_bytes(i386, sizeof(i386))};
	sets[1] = (struct snap_regset){NT_386_TLS, snap_bytes(segments, sizeof(segments))};
	arch = snap_arch_find(EM_386, ELFCLASS32, ELFDATA2LSB);
	assert_true(snap_memory_thread_registers(arch, sets, 2, &thread));
	assert_int_equal(thread.pc, 0x7777);
	assert_int_equal(thread.sp, 0x8888);
	assert_int_equal(thread.tp, 0xf7ff0b40);
	sets[1].data.len = 31; /* ends within it */
	assert_true(snap_memory_thread_registers(arch, sets, 2, &thread));
	assert_int_equal(thread.tp, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_stack_that_fits_is_taken_whole, set_up),
		cmocka_unit_test_setup(test_of_a_long_stack_both_ends_are_taken, set_up),
		cmocka_unit_test_setup(test_where_sp_is_lost_the_frame_pointer_tells, set_up),
		cmocka_unit_test_setup(test_a_main_stack_that_denies_itself_is_taken, set_up),
		cmocka_unit_test_setup(test_the_base_is_where_the_frames_begin, set_up),
		cmocka_unit_test_setup(test_a_split_stack_is_one, set_up),
		cmocka_unit_test_setup(test_a_base_that_can_not_be_is_no_base, set_up),
		cmocka_unit_test_setup(test_any_cap_and_base_account_for_every_byte, set_up),
		cmocka_unit_test_setup(test_how_much_is_for_the_base, set_up),
		cmocka_unit_test_setup(
			test_an_overflown_stack_begins_where_its_memory_does, set_up),
		cmocka_unit_test_setup(test_a_stack_that_one_frame_overflowed, set_up),
		cmocka_unit_test_setup(test_a_plan_ends_where_the_stack_does, set_up),
		cmocka_unit_test_setup(test_where_a_thread_that_is_away_left_its_stack, set_up),
		cmocka_unit_test_setup(test_code, set_up),
		cmocka_unit_test_setup(test_vdso_is_bounded, set_up),
		cmocka_unit_test_setup(test_trampolines, set_up),
		cmocka_unit_test_setup(test_registers_of_a_thread, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
