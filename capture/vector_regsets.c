#include "capture/vector_regsets.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

bool snap_vector_regsets_has(const struct snap_arch *arch, uint32_t type)
{
	if (type == NT_FPREGSET)
		return true;
	for (size_t i = 0; arch && i < arch->num_vector_regsets; i++)
		if (arch->vector_regsets[i] == type)
			return true;
	return false;
}

void snap_vector_regsets_keep(
	struct snap_vector_regsets *v, uint32_t type, struct snap_bytes desc, uint64_t len)
{
	if (len == 0)
		return;
	if (v->num == SNAP_VECTOR_MAX || desc.len < len || len > sizeof(v->data) - v->len) {
		v->num_left_out++;
		return;
	}
	memcpy(v->data + v->len, desc.data, desc.len);
	v->len += (uint32_t)desc.len;
	v->sets[v->num].type = type;
	v->sets[v->num].len = (uint32_t)desc.len;
	v->num++;
}

size_t snap_vector_regsets_list(const struct snap_vector_regsets *v, struct snap_regset *to)
{
	const uint8_t *at = v->data;
	for (uint32_t i = 0; i < v->num; i++) {
		to[i] = (struct snap_regset){v->sets[i].type, snap_bytes(at, v->sets[i].len)};
		at += v->sets[i].len;
	}
	return v->num;
}

size_t snap_vector_regsets_size(const struct snap_vector_regsets *v)
{
	return offsetof(struct snap_vector_regsets, data) + v->len;
}
