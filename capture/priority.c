#include "capture/priority.h"

#include <sys/resource.h>

/* Ten times the share of nice value 0 (the kernel's kernel/sched/core.c, sched_prio_to_weight), and
 * far from starving it. */
#define NICE_HURRY (-10)

int snap_priority_raise(void)
{
	int former = getpriority(PRIO_PROCESS, 0); /* can't fail for ourselves */
	if (former > NICE_HURRY)
		(void)setpriority(PRIO_PROCESS, 0, NICE_HURRY); /* only root may */
	return former;
}

void snap_priority_restore(int former)
{
	if (former > NICE_HURRY)
		(void)setpriority(PRIO_PROCESS, 0, former); /* anybody may */
}
