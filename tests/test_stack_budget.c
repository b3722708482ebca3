/* common/stack_budget: whatever the number of threads, however deep their stacks, a snapshot stays
 * below its limit, and who comes first has most. */
#include "common/stack_budget.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define KIB 1024u
#define MIB (1024u * KIB)

struct sum {
	uint64_t stacks, bytes; /* of stacks; of all */
	uint64_t num_registers, num_stacks;
	uint64_t first, second, last; /* caps of thread 0, 1, and the last that had one */
};

/* Each thread gives at most used bytes of its stack. */
static struct sum run(const struct snap_memory_limits *limits, uint64_t num, uint64_t used,
	const struct snap_arch *arch, uint64_t extra)
{
	struct snap_stack_budget budget;
	struct sum sum = {0};
	uint64_t former = UINT64_MAX - 16;
	snap_stack_budget_init(&budget, limits, num, arch, extra);
	for (uint64_t i = 0; i < num; i++) {
		bool registers;
		uint64_t cap = snap_stack_budget_next(&budget, &registers);
		uint64_t len = cap < used ? cap : used;
		snap_stack_budget_spend(&budget, len);
		sum.stacks += len;
		sum.bytes += len + (registers ? budget.thread_bytes : SNAP_THREAD_LISTED_BYTES);
		sum.num_registers += registers;
		sum.num_stacks += cap > 0;
		assert_int_equal(cap % 16, 0);
		assert_true(registers || cap == 0);
		/* But for what rounding leaves. */
		assert_true(cap <= former + 16 || used < UINT64_MAX);
		assert_true(
			cap <= (i == 0 ? limits->stack_first_bytes : limits->stack_second_bytes));
		assert_true(cap == 0 || i < limits->stack_threads);
		if (i == 0)
			sum.first = cap;
		if (i == 1)
			sum.second = cap;
		if (cap > 0)
			sum.last = cap;
		former = cap;
	}
	return sum;
}

static void test_the_limit_holds_for_any_number_of_threads(void **state)
{
	(void)state;
	static const uint64_t nums[] = {1, 2, 8, 64, 65, 100, 512, 1024, 1025, 2000, 10000, 65536};
	static const uint32_t machines[] = {EM_X86_64, EM_386, EM_AARCH64};
	static const uint64_t maxima[] = {64 * KIB, 256 * KIB, 2 * MIB, 16 * MIB};
	for (size_t m = 0; m < 3; m++)
		for (size_t j = 0; j < sizeof(maxima) / sizeof(maxima[0]); j++)
			for (size_t i = 0; i < sizeof(nums) / sizeof(nums[0]); i++) {
				struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
				limits.max_bytes = maxima[j];
				const struct snap_arch *arch = snap_arch_find(machines[m],
					machines[m] == EM_386 ? ELFCLASS32 : ELFCLASS64,
					ELFDATA2LSB);
				struct sum sum = run(&limits, nums[i], UINT64_MAX, arch, 0);
				/* Listing them all may take more than a small limit has. */
				if (nums[i] * SNAP_THREAD_LISTED_BYTES < limits.max_bytes / 2)
					assert_in_range(sum.bytes, 0, limits.max_bytes / 8 * 7);
				assert_true(sum.first >= sum.second);
				assert_true(sum.num_registers > 0);
			}
}

static void test_few_threads_have_what_is_configured(void **state)
{
	(void)state;
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	for (uint64_t num = 1; num <= 64; num++) {
		struct sum sum = run(&limits, num, UINT64_MAX, NULL, 0);
		assert_int_equal(sum.first, 64 * KIB);
		assert_int_equal(sum.stacks, 64 * KIB + (num - 1) * 16 * KIB);
	}
	/* Up to 1024 all have some. */
	struct sum sum = run(&limits, 1024, UINT64_MAX, NULL, 0);
	assert_int_equal(sum.num_stacks, 1024);
	assert_in_range(sum.second, 12 * KIB, 16 * KIB);
	assert_in_range(sum.last, 512, 1024);
	/* Beyond, no stack, but registers. */
	sum = run(&limits, 2000, UINT64_MAX, NULL, 0);
	assert_int_equal(sum.num_stacks, 1024);
	assert_int_equal(sum.num_registers, 2000);
	/* Far beyond, not even those. */
	sum = run(&limits, 10000, UINT64_MAX, NULL, 0);
	assert_in_range(sum.num_registers, 1024, 9000);
	assert_int_equal(sum.first, 64 * KIB);
	assert_true(sum.second >= 2 * KIB);
}

static void test_what_some_do_not_need_others_have(void **state)
{
	(void)state;
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	struct sum deep = run(&limits, 1024, UINT64_MAX, NULL, 0);
	struct sum shallow = run(&limits, 1024, 1 * KIB, NULL, 0);
	assert_in_range(deep.last, 512, 1 * KIB - 1);
	assert_int_equal(shallow.stacks, 1024 * KIB);
	/* Idle pools of many threads: all their registers. */
	assert_true(run(&limits, 6000, 256, NULL, 0).num_registers >
		    run(&limits, 6000, UINT64_MAX, NULL, 0).num_registers);
}

static void test_limits_are_the_configurations(void **state)
{
	(void)state;
	struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	limits.stack_first_bytes = 1 * MIB;
	limits.stack_second_bytes = 4 * KIB;
	limits.stack_second_threads = 2;
	limits.stack_threads = 5;
	struct sum sum = run(&limits, 8, UINT64_MAX, NULL, 0);
	assert_in_range(sum.first, 768 * KIB, 1 * MIB);
	assert_int_equal(sum.second, 4 * KIB);
	assert_int_equal(sum.num_stacks, 5);
	assert_int_equal(run(&limits, 1, UINT64_MAX, NULL, 0).first, 1 * MIB);
	limits.stack_first_bytes = 64 * MIB;
	assert_in_range(run(&limits, 1, UINT64_MAX, NULL, 0).first, 1 * MIB, 2 * MIB);
	limits.stack_threads = 1;
	assert_int_equal(run(&limits, 8, UINT64_MAX, NULL, 0).num_stacks, 1);
	limits.stack_first_bytes = limits.stack_second_bytes = 0;
	limits.stack_threads = 1024;
	sum = run(&limits, 8, UINT64_MAX, NULL, 0);
	assert_int_equal(sum.stacks, 0);
	assert_int_equal(sum.num_registers, 8);
	/* Large register sets count. */
	const struct snap_memory_limits usual = SNAP_MEMORY_LIMITS_DEFAULT;
	sum = run(&usual, 512, UINT64_MAX, NULL, 11008);
	assert_in_range(sum.bytes, 0, usual.max_bytes / 8 * 7);
	assert_in_range(sum.num_registers, 64, 511);
}

static void test_what_others_took_is_not_there(void **state)
{
	(void)state;
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	struct snap_stack_budget budget;
	uint64_t total = 0;
	bool registers;
	snap_stack_budget_init(&budget, &limits, 513, NULL, 0);
	snap_stack_budget_spend(&budget, snap_stack_budget_next(&budget, &registers));
	snap_stack_budget_limit(&budget, UINT64_MAX);
	snap_stack_budget_limit(&budget, 512 * KIB);
	for (int i = 0; i < 512; i++) {
		uint64_t cap = snap_stack_budget_next(&budget, &registers);
		snap_stack_budget_spend(&budget, cap);
		total += cap + (registers ? budget.thread_bytes : SNAP_THREAD_LISTED_BYTES);
	}
	assert_in_range(total, 256 * KIB, 512 * KIB);
}

static void test_more_threads_than_were_told_of(void **state)
{
	(void)state;
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	struct snap_stack_budget budget;
	uint64_t total = 0;
	snap_stack_budget_init(&budget, &limits, 1, NULL, 0);
	for (uint64_t i = 0; i < 100000; i++) {
		bool registers;
		uint64_t cap = snap_stack_budget_next(&budget, &registers);
		snap_stack_budget_spend(&budget, cap);
		total += cap + (registers ? budget.thread_bytes : 0);
	}
	assert_in_range(total, 0, limits.max_bytes);
}

/* What was planned, but given back, is as if it had not been planned, in each tier. */
static void test_what_is_returned_is_for_the_next_ones(void **state)
{
	(void)state;
	const struct snap_arch *arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	struct snap_stack_budget exact, returned;
	snap_stack_budget_init(&exact, &limits, 200, arch, 0);
	snap_stack_budget_init(&returned, &limits, 200, arch, 0);
	for (uint64_t i = 0; i < 200; i++) {
		bool registers;
		uint64_t cap = snap_stack_budget_next(&exact, &registers);
		assert_int_equal(snap_stack_budget_next(&returned, &registers), cap);
		snap_stack_budget_spend(&exact, cap / 3);
		snap_stack_budget_spend(&returned, cap);
		snap_stack_budget_return(&returned, cap - cap / 3);
	}
	assert_int_equal(returned.room, exact.room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_limit_holds_for_any_number_of_threads),
		cmocka_unit_test(test_few_threads_have_what_is_configured),
		cmocka_unit_test(test_what_some_do_not_need_others_have),
		cmocka_unit_test(test_limits_are_the_configurations),
		cmocka_unit_test(test_what_others_took_is_not_there),
		cmocka_unit_test(test_more_threads_than_were_told_of),
		cmocka_unit_test(test_what_is_returned_is_for_the_next_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
