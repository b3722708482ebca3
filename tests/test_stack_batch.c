/* capture/stack_batch: stacks that are read together are those that are read one by one, and take
 * no more than the threads may give. */
#include "capture/stack_batch.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/memory.h"

#define STACK_BYTES (32u << 10)
#define NUM	    300u

static uint8_t *stacks; /* NUM of them, each behind a page that nobody may read */
static struct snap_areas areas;
static const struct snap_arch *arch;
static int mem_fd;
static uint8_t buf[SNAP_MEMORY_MAX];
static struct snap_stack_batch batch;

static uint8_t *stack_at(size_t index)
{
	return stacks + index * 2 * STACK_BYTES + STACK_BYTES;
}

static int start(void **state)
{
	(void)state;
	arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
	stacks = mmap(NULL, NUM * 2 * STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mem_fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	if (stacks == MAP_FAILED || mem_fd < 0)
		return -1;
	snap_areas_init(&areas);
	for (size_t i = 0; i < NUM; i++) {
		const struct snap_mapping mapping = {
			.start = (uintptr_t)stack_at(i),
			.end = (uintptr_t)stack_at(i) + STACK_BYTES,
			.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE,
		};
		if (mprotect(stack_at(i), STACK_BYTES, PROT_READ | PROT_WRITE) < 0)
			return -1;
		memset(stack_at(i), (int)i, STACK_BYTES);
		snap_areas_add(&areas, &mapping);
	}
	return 0;
}

static struct snap_memory_thread thread_of(size_t index)
{
	/* Some are short, some longer than a thread may give. */
	size_t used = 512 + index * 977 % (STACK_BYTES - 2048);
	return (struct snap_memory_thread){
		.tid = 1000 + index,
		.pc = 1,
		.sp = ((uintptr_t)stack_at(index) + STACK_BYTES - used) & ~(uintptr_t)15,
	};
}

/* What a sink got, of which the order counts. */
struct got {
	uint64_t sum;
	uint64_t bytes, omissions;
};

static void mix(struct got *got, uint64_t value)
{
	got->sum = (got->sum ^ value) * 0x100000001b3u;
}

static void take_range(void *arg, const struct snap_memory_range *range)
{
	struct got *got = arg;
	mix(got, range->address);
	mix(got, range->tid);
	for (size_t i = 0; i < range->data.len; i++)
		mix(got, range->data.data[i]);
	got->bytes += range->data.len;
}

static void take_omission(void *arg, const struct snap_omission *omission)
{
	struct got *got = arg;
	mix(got, omission->address);
	mix(got, omission->bytes);
	got->omissions++;
}

static struct snap_stack_source source_of(struct snap_stack_budget *budget)
{
	return (struct snap_stack_source){
		.areas = &areas,
		.arch = arch,
		.budget = budget,
		.mem_fd = mem_fd,
		.pid = getpid(),
		.buf = buf,
	};
}

/* All threads, so many at a time. */
static struct got take_all(size_t at_once, struct snap_stack_budget *budget)
{
	struct got got = {.sum = 1};
	const struct snap_memory_sink sink = {take_range, take_omission, &got};
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	const struct snap_stack_source source = source_of(budget);
	snap_stack_budget_init(budget, &limits, NUM, arch, 0);
	for (size_t i = 0; i < NUM; i += at_once) {
		snap_stack_batch_begin(&batch);
		for (size_t j = i; j < i + at_once && j < NUM; j++) {
			bool registers;
			uint64_t cap = snap_stack_budget_next(budget, &registers);
			assert_true(registers);
			const struct snap_memory_thread thread = thread_of(j);
			snap_stack_batch_add(&batch, &source, j, cap, &thread);
		}
		for (size_t j = 0; j < batch.num; j++)
			(void)snap_stack_batch_take(&batch, &source, j, &sink);
	}
	return got;
}

static void test_the_same_together_as_one_by_one(void **state)
{
	(void)state;
	struct snap_stack_budget one_by_one, together;
	struct got expected = take_all(1, &one_by_one);
	assert_true(expected.bytes > (1u << 20) && expected.bytes < (2u << 20));
	assert_true(expected.omissions > NUM / 2);
	for (size_t at_once = 2; at_once <= SNAP_STACK_BATCH_MAX; at_once += 7) {
		struct got got = take_all(at_once, &together);
		assert_false(batch.ahead.refused);
		assert_int_equal(got.bytes, expected.bytes);
		assert_int_equal(got.omissions, expected.omissions);
		assert_true(got.sum == expected.sum);
		assert_int_equal(together.room, one_by_one.room);
		assert_int_equal(together.third_room, one_by_one.third_room);
	}
}

/* Without a mem file there is nothing else to read them by: as many at a time as there is room for,
 * then the next ones. */
static void test_all_are_read_together(void **state)
{
	(void)state;
	for (size_t each = SNAP_MEMORY_AHEAD_BYTES / SNAP_STACK_BATCH_MAX; each <= STACK_BYTES / 4;
		each *= 2) {
		struct snap_stack_budget budget;
		struct got got = {.sum = 1};
		const struct snap_memory_sink sink = {take_range, take_omission, &got};
		const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
		struct snap_stack_source source = source_of(&budget);
		source.mem_fd = -1;
		snap_stack_budget_init(&budget, &limits, NUM, arch, 0);
		snap_stack_batch_begin(&batch);
		for (size_t i = 0; i < SNAP_STACK_BATCH_MAX; i++) {
			const struct snap_memory_thread thread = {.tid = 1000 + i,
				.pc = 1,
				.sp = (uintptr_t)stack_at(i + 16) + STACK_BYTES / 4};
			snap_stack_batch_add(&batch, &source, i, each, &thread);
		}
		for (size_t i = 0; i < SNAP_STACK_BATCH_MAX; i++)
			(void)snap_stack_batch_take(&batch, &source, i, &sink);
		assert_int_equal(got.bytes, SNAP_STACK_BATCH_MAX * each);
	}
}

/* Each runs on a stack that leads to the one it was started on: together they may give no more than
 * one by one, and the last ones as much as the first ones. */
static void test_stacks_that_lead_to_others(void **state)
{
	(void)state;
	const struct snap_memory_limits limits = {
		.max_bytes = 256u << 10,
		.stack_first_bytes = 64u << 10,
		.stack_second_bytes = 16u << 10,
		.stack_second_threads = 63,
		.stack_threads = 64,
	};
	struct snap_stack_budget budget;
	struct got got = {.sum = 1};
	const struct snap_memory_sink sink = {take_range, take_omission, &got};
	const struct snap_stack_source source = source_of(&budget);
	uint64_t least = UINT64_MAX, most = 0;
	snap_stack_budget_init(&budget, &limits, 64, arch, 0);
	for (size_t i = 0; i < 64;) {
		/* The first one decides what the others may give. */
		size_t end = i == 0 ? 1 : i + SNAP_STACK_BATCH_MAX;
		snap_stack_batch_begin(&batch);
		for (; i < end && i < 64; i++) {
			bool registers;
			uint64_t cap = snap_stack_budget_next(&budget, &registers);
			uint8_t *on = stack_at(2 * i) + STACK_BYTES - 256;
			uint64_t home = (uintptr_t)stack_at(2 * i + 1);
			const uint64_t left_at = home + 512;
			const struct snap_memory_thread thread = {.tid = 1000 + i,
				.pc = 1,
				.sp = (uintptr_t)on,
				.tp = home + STACK_BYTES - 1024};
			assert_true(registers);
			memcpy(on, &left_at, sizeof(left_at));
			snap_stack_batch_add(&batch, &source, i, cap, &thread);
		}
		for (size_t j = 0; j < batch.num; j++) {
			uint64_t taken = snap_stack_batch_take(&batch, &source, j, &sink);
			least = taken < least ? taken : least;
			if (batch.stacks[j].index > 0)
				most = taken > most ? taken : most;
		}
	}
	assert_true(got.bytes > limits.max_bytes / 2);
	assert_true(least > most * 3 / 4);
}

/* One that can't be read at all does not keep the others from it. */
static void test_a_stack_that_is_gone(void **state)
{
	(void)state;
	struct snap_stack_budget budget;
	struct got got = {.sum = 1};
	const struct snap_memory_sink sink = {take_range, take_omission, &got};
	const struct snap_stack_source source = source_of(&budget);
	const struct snap_memory_limits limits = SNAP_MEMORY_LIMITS_DEFAULT;
	snap_stack_budget_init(&budget, &limits, 4, arch, 0);
	snap_stack_batch_begin(&batch);
	for (size_t i = 0; i < 4; i++) {
		const struct snap_memory_thread thread = thread_of(i);
		snap_stack_batch_add(&batch, &source, i, 4096, &thread);
	}
	assert_int_equal(munmap(stack_at(1), STACK_BYTES), 0);
	for (size_t i = 0; i < 4; i++) {
		struct got before = got;
		uint64_t planned = snap_stack_batch_take(&batch, &source, i, &sink);
		assert_true(planned > 0);
		assert_int_equal(got.bytes - before.bytes, i == 1 ? 0 : planned);
		assert_true(i != 1 || got.omissions > before.omissions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_together_as_one_by_one),
		cmocka_unit_test(test_all_are_read_together),
		cmocka_unit_test(test_stacks_that_lead_to_others),
		cmocka_unit_test(test_a_stack_that_is_gone),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
