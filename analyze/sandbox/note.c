#include "analyze/sandbox/note.h"

#include <string.h>
#include <sys/mman.h>

static struct snap_note_page *page; /* the worker's own */
static struct snap_quarantined quarantined[SNAP_MAX_QUARANTINED];
static size_t num_quarantined;

struct snap_note_page *snap_note_page_create(void)
{
	void *p = mmap(NULL, sizeof(struct snap_note_page), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void snap_note_page_destroy(struct snap_note_page *p)
{
	if (p)
		(void)munmap(p, sizeof(*p)); /* as it was mapped */
}

bool snap_note_page_read(const struct snap_note_page *p, struct snap_note *ret)
{
	uint32_t current = __atomic_load_n(&p->current, __ATOMIC_ACQUIRE);
	if (current == 0 || current >= SNAP_NOTE_SLOTS)
		return false;
	*ret = p->slots[current];
	return ret->build_id_len > 0 && ret->build_id_len <= SNAP_MAX_BUILD_ID &&
	       ret->name_len <= SNAP_NOTE_NAME;
}

/* ---------------------------------------------------------------- in a worker */

void snap_note_start(struct snap_note_page *p)
{
	page = p;
	page->num = 1; /* slot 0 stands for no module */
}

void snap_note_set_quarantined(const struct snap_quarantined *list, size_t num)
{
	num_quarantined = num < SNAP_MAX_QUARANTINED ? num : SNAP_MAX_QUARANTINED;
	memcpy(quarantined, list, num_quarantined * sizeof(*list));
}

const char *snap_note_quarantined(struct snap_bytes build_id)
{
	for (size_t i = 0; i < num_quarantined; i++)
		if (snap_bytes_equal(
			    snap_bytes(quarantined[i].build_id, quarantined[i].len), build_id))
			return quarantined[i].why;
	return NULL;
}

uint32_t snap_note_slot(struct snap_bytes build_id, struct snap_bytes name)
{
	if (!page || build_id.len == 0 || build_id.len > SNAP_MAX_BUILD_ID)
		return 0;
	for (uint32_t i = 1; i < page->num; i++)
		if (page->slots[i].build_id_len == build_id.len &&
			memcmp(page->slots[i].build_id, build_id.data, build_id.len) == 0)
			return i;
	if (page->num == SNAP_NOTE_SLOTS)
		return 0;
	struct snap_note *note = &page->slots[page->num];
	note->build_id_len = (uint32_t)build_id.len;
	memcpy(note->build_id, build_id.data, build_id.len);
	/* The end of a path tells most. */
	size_t skip = name.len > SNAP_NOTE_NAME ? name.len - SNAP_NOTE_NAME : 0;
	note->name_len = (uint32_t)(name.len - skip);
	if (name.len > 0)
		memcpy(note->name, name.data + skip, name.len - skip);
	return page->num++;
}

uint32_t snap_note_current(void)
{
	return page ? page->current : 0;
}

uint32_t snap_note_enter(uint32_t slot)
{
	if (!page)
		return 0;
	uint32_t before = page->current;
	__atomic_store_n(&page->current, slot, __ATOMIC_RELEASE);
	return before;
}
