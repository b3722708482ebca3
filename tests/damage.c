/*
 * damage FILE: what a reader makes of a snapshot that was cut short or changed.
 *
 * FILE is a complete snapshot, best a real one. It is read once as it is, once cut at every byte,
 * and twice with every byte changed in turn. Each time: no crash, never "complete", and whatever is
 * delivered is a beginning of what the whole file has. Prints what it did; exit status 1 if any of
 * that fails.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/crash.h"
#include "analyze/input/input.h"
#include "analyze/input/load.h"
#include "common/snapshot_read.h"

static struct snap_bytes whole;
/* Where the records of the whole file end. */
static size_t *ends;
static size_t num_ends;

static unsigned long num_failures;

static void fail(const char *how, size_t where, const char *what)
{
	if (num_failures++ < 20)
		printf("%s at byte %zu: %s\n", how, where, what);
}

/* Records are delivered in file order, so a beginning of the file it is if each is where the whole
 * file has one, with the same bytes. */
static void check_records(const char *how, size_t where, struct snap_bytes file)
{
	struct snap_scan scan;
	struct snap_error err = SNAP_ERROR_INIT;
	if (snap_snapshot_scan(file, &scan, &err) < 0)
		return;
	if (scan.integrity == SNAP_INTEGRITY_COMPLETE)
		fail(how, where, "called complete");
	if (scan.readable_len > file.len) {
		fail(how, where, "more is readable than there is");
		return;
	}
	struct snap_reader reader;
	struct snap_record record;
	size_t num = 0;
	int r;
	snap_reader_init(&reader, file, scan.readable_len);
	while ((r = snap_reader_next(&reader, &record, &err)) != 0) {
		/* Without its Header a file is not ours to judge. */
		if (!scan.has_header)
			continue;
		size_t len = record.end - record.off;
		/* The last checkpoint itself is covered by no other: it may claim to be final. */
		bool checkpoint = r > 0 && record.number == SNAP_RECORD_CHECKPOINT &&
				  record.end == scan.checked_len;
		bool changed = r < 0 || num >= num_ends || record.end != ends[num] ||
			       (!checkpoint && memcmp(file.data + record.off,
						       whole.data + record.off, len) != 0);
		/* Changes behind the last checkpoint of a file cut by its own damage are the one
		 * thing that nothing can tell. */
		if (changed && (r < 0 || record.end <= scan.checked_len))
			fail(how, where, "a record that the file never had was vouched for");
		num++;
	}
	snap_reader_deinit(&reader);
}

/* The whole loader, for what it may run into. */
static void check_load(const char *how, size_t where, struct snap_bytes file)
{
	struct snap_crash crash;
	struct snap_error err = SNAP_ERROR_INIT;
	snap_crash_init(&crash, "damaged");
	crash.input = calloc(1, sizeof(*crash.input));
	if (!crash.input)
		abort();
	crash.input->fd = -1;
	crash.input->data = file;
	if (snap_load_snapshot(&crash, &err) < 0) {
		if (err.text[0] == '\0')
			fail(how, where, "refused without a reason");
	} else if (crash.integrity == SNAP_INTEGRITY_COMPLETE) {
		fail(how, where, "loaded as complete");
	} else if (crash.integrity_why[0] == '\0') {
		fail(how, where, "not complete, and no reason given");
	}
	snap_crash_deinit(&crash);
}

static void check(const char *how, size_t where, struct snap_bytes file)
{
	check_records(how, where, file);
	check_load(how, where, file);
}

static void find_records(void)
{
	struct snap_reader reader;
	struct snap_record record;
	struct snap_error err = SNAP_ERROR_INIT;
	size_t capacity = 0;
	snap_reader_init(&reader, whole, whole.len);
	while (snap_reader_next(&reader, &record, &err) > 0) {
		if (num_ends == capacity) {
			capacity = capacity ? 2 * capacity : 256;
			ends = reallocarray(ends, capacity, sizeof(*ends));
			if (!ends)
				abort();
		}
		ends[num_ends++] = record.end;
	}
	snap_reader_deinit(&reader);
}

int main(int argc, char **argv)
{
	struct snap_input input;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_scan scan;
	if (argc != 2) {
		fputs("usage: damage SNAPSHOT\n", stderr);
		return 64;
	}
	if (snap_input_open(argv[1], &input, &err) < 0 ||
		snap_snapshot_scan(input.data, &scan, &err) < 0) {
		fprintf(stderr, "damage: %s\n", err.text);
		return 2;
	}
	if (scan.integrity != SNAP_INTEGRITY_COMPLETE) {
		fprintf(stderr, "damage: '%s' is not complete to begin with\n", argv[1]);
		return 2;
	}
	whole = input.data;
	find_records();

	/* A buffer of the very size, so that a sanitizer sees a read beyond the end. */
	for (size_t len = 0; len < whole.len; len++) {
		uint8_t *cut = malloc(len ? len : 1);
		if (!cut)
			abort();
		memcpy(cut, whole.data, len);
		check("cut", len, snap_bytes(cut, len));
		free(cut);
	}
	uint8_t *copy = malloc(whole.len);
	if (!copy)
		abort();
	memcpy(copy, whole.data, whole.len);
	for (size_t i = 0; i < whole.len; i++) {
		copy[i] ^= 0xff;
		check("all bits flipped", i, snap_bytes(copy, whole.len));
		copy[i] = whole.data[i] ^ (uint8_t)(1u << (i % 8));
		check("one bit flipped", i, snap_bytes(copy, whole.len));
		copy[i] = whole.data[i];
	}
	printf("%zu bytes, %zu records: %zu cuts, %zu changes, %lu failures\n", whole.len, num_ends,
		whole.len, 2 * whole.len, num_failures);
	free(copy);
	free(ends);
	snap_input_deinit(&input);
	return num_failures ? 1 : 0;
}
