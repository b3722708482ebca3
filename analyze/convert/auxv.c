#include "analyze/convert/auxv.h"

#include <elf.h>

bool snap_auxv_find(const struct snap_crash *crash, uint64_t type, uint64_t *ret)
{
	struct snap_bytes auxv = crash->process.auxv;
	unsigned int word = snap_arch_word(crash->arch);
	for (size_t off = 0; off + 2 * word <= auxv.len; off += 2 * word) {
		uint64_t key = snap_arch_load(crash->arch, auxv.data + off, word);
		if (key == type) {
			*ret = snap_arch_load(crash->arch, auxv.data + off + word, word);
			return true;
		}
		if (key == AT_NULL)
			break;
	}
	return false;
}
