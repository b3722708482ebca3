#include "capture/privileges.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void snap_privileges_drop(void)
{
	static const unsigned int kept[] = {
		CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_PTRACE};
	uint64_t mask = 0;
	for (unsigned int i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		mask |= (uint64_t)1 << kept[i];

	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* can't fail since Linux 3.5 */
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t word = (uint32_t)(mask >> (32 * i));
		data[i].effective &= word;
		data[i].permitted &= word;
		data[i].inheritable = 0;
	}
	(void)syscall(SYS_capset, &header, data); /* to have less is always allowed */
}
