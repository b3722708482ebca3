#include "analyze/symbols/static_memory.h"

#include <string.h>

#include "analyze/symbols/object.h"

/* No text that is quoted in a sentence is longer. */
#define MAX_TEXT 4096u

static const struct snap_crash_module *module_with_file(
	const struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(crash, addr);
	return module && module->object && module->record.has_load_bias ? module : NULL;
}

static size_t read_constant(const struct snap_crash *crash, uint64_t addr, uint8_t *buf, size_t len)
{
	const struct snap_crash_module *module = module_with_file(crash, addr);
	if (!module)
		return 0;
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	uint64_t vaddr = addr - module->record.load_bias;
	if ((mapping && mapping->has_permissions && mapping->permissions & SNAP_MAPPING_WRITE) ||
		!snap_object_is_constant(module->object, vaddr))
		return 0;
	if (len > module->record.end - addr)
		len = (size_t)(module->record.end - addr);
	return snap_object_read(module->object, vaddr, buf, len);
}

size_t snap_static_read(struct snap_crash *crash, uint64_t addr, void *buf, size_t len)
{
	uint8_t *to = buf;
	size_t done = 0;
	while (done < len && addr + done >= addr) {
		ssize_t n = snap_memory_read(&crash->memory, addr + done, to + done, len - done);
		size_t more = n > 0 ? (size_t)n
				    : read_constant(crash, addr + done, to + done, len - done);
		if (more == 0)
			break;
		done += more;
	}
	return done;
}

bool snap_static_protected(struct snap_crash *crash, uint64_t addr, void *buf, size_t len)
{
	if (snap_static_read(crash, addr, buf, len) == len)
		return true;
	const struct snap_crash_module *module = module_with_file(crash, addr);
	const struct snap_mapping *mapping = snap_crash_mapping_at(crash, addr);
	if (!module || !mapping || !mapping->has_permissions ||
		mapping->permissions & SNAP_MAPPING_WRITE || len > mapping->end - addr)
		return false;
	uint64_t vaddr = addr - module->record.load_bias;
	return snap_object_is_relro(module->object, vaddr, len) &&
	       snap_object_read(module->object, vaddr, buf, len) == len;
}

bool snap_static_word(struct snap_crash *crash, uint64_t addr, uint64_t *ret)
{
	uint8_t bytes[8];
	unsigned int word = snap_arch_word(crash->arch);
	if (snap_static_read(crash, addr, bytes, word) != word)
		return false;
	*ret = snap_arch_load(crash->arch, bytes, word);
	return true;
}

bool snap_static_pointer(struct snap_crash *crash, uint64_t addr, struct snap_static_pointer *ret)
{
	*ret = (struct snap_static_pointer){0};
	if (snap_static_word(crash, addr, &ret->address)) {
		ret->has_address = true;
		return true;
	}
	const struct snap_crash_module *module = module_with_file(crash, addr);
	struct snap_relocated relocated;
	if (!module ||
		!snap_object_relocated(module->object, addr - module->record.load_bias, &relocated))
		return false;
	ret->has_address = relocated.has_vaddr;
	ret->address = relocated.vaddr + module->record.load_bias;
	ret->symbol = relocated.symbol;
	return true;
}

/* ---------------------------------------------------------------- text */

/* Text of people, in whatever language. */
static bool is_text(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((p[i] < ' ' && p[i] != '\n' && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

const char *snap_static_text_of(struct snap_crash *crash, uint64_t addr, size_t len)
{
	uint8_t buf[MAX_TEXT];
	if (len > sizeof(buf) || snap_static_read(crash, addr, buf, len) != len ||
		!is_text(buf, len))
		return NULL;
	return snap_crash_format(crash, "%.*s", (int)len, (const char *)buf);
}

const char *snap_static_text(struct snap_crash *crash, uint64_t addr, size_t max)
{
	uint8_t buf[MAX_TEXT];
	size_t len = snap_static_read(crash, addr, buf, max < sizeof(buf) ? max : sizeof(buf));
	const uint8_t *nul = len > 0 ? memchr(buf, '\0', len) : NULL;
	if (!nul || !is_text(buf, (size_t)(nul - buf)))
		return NULL;
	return snap_crash_format(crash, "%.*s", (int)(nul - buf), (const char *)buf);
}

const char *snap_static_symbol(struct snap_crash *crash, uint64_t addr)
{
	const struct snap_crash_module *module = module_with_file(crash, addr);
	const char *name;
	uint64_t start, vaddr = module ? addr - module->record.load_bias : 0;
	return module && snap_object_data_at(module->object, vaddr, &name, &start) && start == vaddr
		       ? name
		       : NULL;
}
