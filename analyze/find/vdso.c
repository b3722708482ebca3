#include "analyze/find/vdso.h"

#include <stdlib.h>

/* No vDSO is larger; the capture half takes no more either. */
#define MAX_VDSO_BYTES (64u << 10)

bool snap_vdso_is(const struct snap_module *module)
{
	return snap_bytes_equal_str(module->path, "[vdso]");
}

static int note(struct snap_search *search, enum snap_candidate_fate fate, const char *why,
	struct snap_error *err)
{
	const struct snap_candidate candidate = {
		SNAP_WHERE_MEMORY, SNAP_ROLE_EXECUTABLE, fate, "[vdso]", why};
	search->why = fate == SNAP_FATE_OK ? NULL : why;
	return snap_search_note(search, &candidate, err);
}

int snap_vdso_search(struct snap_search *search, struct snap_crash *crash,
	const struct snap_module *module, struct snap_error *err)
{
	uint64_t len = module->end - module->start;
	if (len == 0 || len > MAX_VDSO_BYTES)
		return note(search, SNAP_FATE_MALFORMED, "its size is not that of a vDSO", err);
	uint8_t *image = malloc(len);
	struct snap_elf_file *file = malloc(sizeof(*file));
	if (!image || !file) {
		free(image);
		free(file);
		return snap_error_no_memory(err);
	}
	struct snap_error why = SNAP_ERROR_INIT;
	ssize_t n = snap_memory_read(&crash->memory, module->start, image, len);
	if (n <= 0) {
		free(image);
		free(file);
		return note(search, SNAP_FATE_NOT_FOUND, "its memory was not captured", err);
	}
	if (snap_elf_file_from_memory(image, (size_t)n, "[vdso]", file, &why) < 0) {
		free(file);
		return note(search, SNAP_FATE_MALFORMED,
			snap_search_format(search, "its captured memory: %s", why.text), err);
	}
	search->files.main = file;
	return note(search, SNAP_FATE_OK, NULL, err);
}
