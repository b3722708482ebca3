#include "analyze/explain/heap.h"

#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Functions of glibc's allocator that go by what it keeps beside the blocks. */
static const char *const inner[] = {"_int_free", "_int_free_chunk", "_int_free_create_chunk",
	"_int_free_maybe_consolidate", "_int_free_merge_chunk", "_int_malloc", "_int_memalign",
	"_int_realloc", "malloc_consolidate", "sysmalloc", "systrim", "tcache_get", "tcache_get_n",
	"tcache_put", "unlink_chunk", "heap_trim"};
/* And those that begin with what the program gives them: a block's address. */
static const char *const outer[] = {"free", "cfree", "realloc", "malloc_usable_size"};

static bool is_among(const char *const *names, size_t num, const char *name)
{
	for (size_t i = 0; i < num; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Without what glibc's own names of public functions begin with. */
static const char *public_name(const char *name)
{
	static const char *const prefixes[] = {"__GI_", "__libc_"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			name += strlen(prefixes[i]);
	return name;
}

void snap_heap_find(struct snap_evidence *e)
{
	const struct snap_crash_thread *thread = e->thread;
	if (!thread || e->is_misaligned)
		return;
	/* The innermost frame with what is inlined into it. */
	for (size_t i = 0; i < thread->num_listed && thread->listed[i].frame == 0; i++) {
		const char *name = thread->listed[i].function;
		if (!name)
			continue;
		name = public_name(name);
		if (is_among(inner, ARRAY_LEN(inner), name))
			e->heap = SNAP_HEAP_BOOKS;
		else if (is_among(outer, ARRAY_LEN(outer), name))
			e->heap = SNAP_HEAP_BAD_FREE;
		else
			continue;
		e->heap_function = name;
		return;
	}
}

const char *snap_heap_words(const struct snap_evidence *e)
{
	switch (e->heap) {
	case SNAP_HEAP_PLAIN:
		break;
	case SNAP_HEAP_BOOKS:
		return snap_crash_format(e->crash,
			"; the allocator itself (%s) went astray: most likely the program "
			"overwrote "
			"what it keeps beside the blocks of the heap or in freed ones",
			e->heap_function);
	case SNAP_HEAP_BAD_FREE:
		return snap_crash_format(e->crash,
			"; %s() was most likely given a pointer that is none of the allocator's",
			e->heap_function);
	}
	return "";
}
