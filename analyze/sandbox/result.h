/*
 * What a worker has said of one input, kept until it is its turn to be printed: some of it in
 * memory, more in a temporary file. Bytes are passed on as they are; words for stderr stand where
 * they were said.
 */
#ifndef SNAP_ANALYZE_SANDBOX_RESULT_H
#define SNAP_ANALYZE_SANDBOX_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* So much of an input's output is kept in memory. */
#define SNAP_RESULT_MEMORY ((size_t)1 << 20)
/* An input has no more words for stderr; the rest is dropped, and that said. */
#define SNAP_RESULT_MAX_MESSAGES 1000

struct snap_result_message {
	uint64_t off; /* in the output */
	char *text;
};

/* Begins by snap_result_init(). */
struct snap_result {
	uint8_t *memory;
	size_t memory_len, memory_size;
	int file; /* what has no room in memory; -1: none */
	uint64_t len;
	struct snap_result_message *messages;
	size_t num_messages, num_dropped;
};

void snap_result_init(struct snap_result *result);
void snap_result_deinit(struct snap_result *result);

/* 0, or a negative errno if it can't be kept. */
int snap_result_add(struct snap_result *result, const void *bytes, size_t len);
/* text is copied; without memory it is dropped. */
void snap_result_complain(struct snap_result *result, const char *text);

/*
 * Print all of it to out, and the messages by complain in their places. Returns 0, or a negative
 * errno if it can't be read back; that out has failed is for the caller to see.
 */
int snap_result_print(
	const struct snap_result *result, FILE *out, void (*complain)(const char *text));

/* All of the output, which is at most max bytes, to be freed: NULL if it is more, can't be read back, or
 * without memory. */
uint8_t *snap_result_read(const struct snap_result *result, uint64_t max);

/* The same of the messages alone. */
void snap_result_print_messages(
	const struct snap_result *result, void (*complain)(const char *text));

#endif
