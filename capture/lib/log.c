#include "capture/lib/log.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/lib/own_area.h"
#include "capture/lib/snapcrash.h"

_Static_assert(SNAPCRASH_MAX_LOG_LINE == SNAP_LIB_MAX_TEXT, "a slot holds what is promised");
_Static_assert(SNAPCRASH_MAX_LOG_LINES == SNAP_LIB_LOGS, "as many slots as are promised");

void snap_lib_log_put(int level, const char *text, size_t len, bool cut)
{
	int saved_errno = errno;
	struct snap_lib_area *area = snap_own_area_make();
	if (area) {
		uint32_t number = __atomic_fetch_add(&area->log_next, 1, __ATOMIC_RELAXED);
		struct snap_lib_log *slot = &area->logs[number % SNAP_LIB_LOGS];
		uint32_t state = __atomic_load_n(&slot->state, __ATOMIC_RELAXED);
		/* Who is being written, or newer already, stays: that this one is missing shows in
		 * the numbers of the others. */
		bool free_slot = !(state & 1) &&
				 (state == 0 || (int32_t)(2 * number - state) > 0) &&
				 __atomic_compare_exchange_n(&slot->state, &state, 2 * number | 1,
					 false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
		if (free_slot) {
			struct timespec now;
			(void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail */
			slot->tid = (uint32_t)syscall(SYS_gettid);
			slot->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
			slot->level = (uint8_t)(level < 0 ? 0 : level > 7 ? 7 : level);
			slot->cut = cut || len > SNAP_LIB_MAX_TEXT;
			slot->len = (uint16_t)(len < SNAP_LIB_MAX_TEXT ? len : SNAP_LIB_MAX_TEXT);
			memcpy(slot->text, text, slot->len);
			__atomic_store_n(&slot->state, 2 * number, __ATOMIC_RELEASE);
		}
	}
	errno = saved_errno;
}

void snapcrash_log_text(int level, const char *text, size_t len)
{
	snap_lib_log_put(level, text, len, false);
}
