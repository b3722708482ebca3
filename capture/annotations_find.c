#include "capture/annotations_find.h"

#include <fcntl.h>
#include <unistd.h>

#include "capture/memory.h"
#include "common/areas.h"
#include "common/elf_image.h"

/* A process with more is a rarity, and has its executable and its libraries among the first. */
#define MAX_MAPS_BYTES (2u << 20)
#define MAX_LOOKS      1024u

struct search {
	struct snap_annotations *annotations;
	int mem_fd;
	unsigned int num_looks;
};

static void look(void *arg, const struct snap_mapping *mapping)
{
	struct search *s = arg;
	struct snap_elf_image image;
	snap_annotations_offer_mapping(s->annotations, mapping);
	if (mapping->file_offset != 0 || !(mapping->permissions & SNAP_MAPPING_READ) ||
		!snap_mapping_is_file(mapping) || s->num_looks == MAX_LOOKS)
		return;
	s->num_looks++;
	if (snap_elf_image_read(snap_memory_read, &s->mem_fd, mapping->start, &image) == 0)
		snap_annotations_offer_pointer(s->annotations, image.area_pointer_addr);
}

void snap_annotations_find(
	struct snap_annotations *a, int task_fd, int mem_fd, struct snap_maps_parser *parser)
{
	struct search search = {.annotations = a, .mem_fd = mem_fd};
	uint8_t buf[16384];
	size_t total = 0;
	ssize_t n;
	int fd = openat(task_fd, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	snap_maps_parser_init(parser);
	while (total < MAX_MAPS_BYTES && (n = read(fd, buf, sizeof(buf))) > 0) {
		snap_maps_parser_feed(parser, snap_bytes(buf, (size_t)n), look, &search);
		total += (size_t)n;
	}
	(void)close(fd); /* nothing was written */
}
