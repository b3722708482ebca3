#include "capture/lib/own_area.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* <linux/prctl.h> since 5.17. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
#ifndef PR_SET_VMA_ANON_NAME
#define PR_SET_VMA_ANON_NAME 0
#endif

#define LOCK_WAIT_NS 100000000

static struct snap_lib_area *own;
static uint32_t lock;

/* What the note leads to: as wide on machines of 32 bits. */
__attribute__((visibility("hidden"), used)) uint64_t snap_own_area_addr;

/* See area.h. gas takes %note on every machine; the distance needs no relocation at run time. */
__asm__(".pushsection .note.snapcrash, \"a\", %note\n"
	".balign 4\n"
	".long 10, 4, 1\n"
	".asciz \"Snapcrash\"\n"
	".balign 4\n"
	".long snap_own_area_addr - .\n"
	".popsection\n");

struct snap_lib_area *snap_own_area(void)
{
	return __atomic_load_n(&own, __ATOMIC_ACQUIRE);
}

struct snap_lib_area *snap_own_area_make(void)
{
	struct snap_lib_area *area = snap_own_area();
	if (area)
		return area;
	void *memory = mmap(
		NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return NULL;
	/* Without the name there is still the note. */
	(void)prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, memory, sizeof(*area), SNAP_LIB_AREA_NAME);
	area = memory;
	area->version = SNAP_LIB_AREA_VERSION;
	area->size = sizeof(*area);
	area->log_next = 1;
	area->magic = SNAP_LIB_AREA_MAGIC;

	struct snap_lib_area *none = NULL;
	if (!__atomic_compare_exchange_n(
		    &own, &none, area, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		(void)munmap(memory, sizeof(*area)); /* another thread was first */
		return none;
	}
	snap_own_area_addr = (uintptr_t)area;
	return area;
}

static int64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int snap_own_area_lock(void)
{
	int64_t begun = 0;
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
		int64_t now = now_ns();
		if (begun == 0)
			begun = now;
		else if (now - begun > LOCK_WAIT_NS)
			return EBUSY;
		(void)nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
	}
	return 0;
}

void snap_own_area_unlock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

void snap_own_area_begin(uint32_t *state)
{
	__atomic_store_n(state, *state | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void snap_own_area_end(uint32_t *state)
{
	__atomic_store_n(state, (*state | 1) + 1, __ATOMIC_RELEASE);
}

void snap_own_area_forked(void)
{
	struct snap_lib_area *area = snap_own_area();
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	if (!area)
		return;
	snap_own_area_not_captured();
	for (size_t i = 0; i < SNAP_LIB_TAGS; i++)
		if (area->tags[i].state & 1) {
			area->tags[i].key_len = 0;
			snap_own_area_end(&area->tags[i].state);
		}
	for (size_t i = 0; i < SNAP_LIB_RANGES; i++)
		if (area->ranges[i].state & 1) {
			area->ranges[i].len = 0;
			snap_own_area_end(&area->ranges[i].state);
		}
	for (size_t i = 0; i < SNAP_LIB_LOGS; i++)
		if (area->logs[i].state & 1)
			area->logs[i].state = 0;
}

void snap_own_area_captured(uint32_t tid, int signo, const uint8_t uuid[static 16])
{
	struct snap_lib_area *area = snap_own_area();
	if (!area)
		return;
	memcpy(area->captured_uuid, uuid, 16);
	area->captured_pid = (uint32_t)getpid();
	area->captured_tid = tid;
	area->captured_signo = (uint32_t)signo;
	__atomic_store_n(&area->captured, SNAP_LIB_CAPTURED, __ATOMIC_RELEASE);
}

void snap_own_area_not_captured(void)
{
	struct snap_lib_area *area = snap_own_area();
	if (area)
		__atomic_store_n(&area->captured, SNAP_LIB_NOT_CAPTURED, __ATOMIC_RELEASE);
}
