#include "capture/extra_regsets.h"

#include <string.h>

void snap_extra_regsets_keep(struct snap_extra_regsets *extra, const struct snap_arch *arch,
	uint32_t type, struct snap_bytes desc)
{
	for (size_t i = 0; arch && i < arch->num_extra_regsets; i++) {
		struct snap_extra_regset *set = &extra->sets[i];
		if (arch->extra_regsets[i] != type || desc.len > sizeof(set->data))
			continue;
		memcpy(set->data, desc.data, desc.len);
		set->len = (uint8_t)desc.len;
	}
}

size_t snap_extra_regsets_list(const struct snap_extra_regsets *extra, const struct snap_arch *arch,
	struct snap_regset *to)
{
	size_t num = 0;
	for (size_t i = 0; arch && i < arch->num_extra_regsets; i++) {
		const struct snap_extra_regset *set = &extra->sets[i];
		if (set->len > 0)
			to[num++] = (struct snap_regset){
				arch->extra_regsets[i], snap_bytes(set->data, set->len)};
	}
	return num;
}
