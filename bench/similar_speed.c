/*
 * How long it takes to find the stacks that are most similar to one: similar_speed [STACKS
 * [FRAMES]]
 *
 * The stacks are ways through made call graphs, in which a function is called by few others and
 * some helpers by many: "flat" begins every stack with the same five functions, "crowded" has all
 * bugs in one program of 300 functions, so that most stacks share something that is not so rare.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analyze/dedup/similar.h"

#define QUERIES	   1000
#define MAX_FRAMES 300
#define HITS	   10

static uint64_t seed = 1;

static unsigned below(unsigned limit)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (unsigned)(seed >> 33) % limit;
}

/* Of the processor: others may be at work, too. */
static double seconds(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* From main() down: who is called depends on the caller, four of them, or is a helper. */
static void make(const char **functions, unsigned num, char (*names)[12], unsigned num_names)
{
	unsigned at = 0;
	for (unsigned depth = 0; depth < num; depth++) {
		if (depth < 5)
			at = depth;
		else if (below(10) == 0)
			at = 5 + below(20);
		else
			at = 25 +
			     (at * 2654435761u + depth * 97 + below(4) * 40503u) % (num_names - 25);
		functions[num - 1 - depth] = names[at];
	}
}

static void measure(const char *name, unsigned num_stacks, unsigned num_frames, unsigned num_names)
{
	static const double mins[] = {SNAP_SIMILAR_THRESHOLD, -1};
	const struct snap_similar_weights weights = SNAP_SIMILAR_WEIGHTS;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_similar *similar = snap_similar_create(&weights, &err);
	char(*names)[12] = calloc(num_names, sizeof(names[0]));
	const char *functions[MAX_FRAMES];
	struct snap_similar_stack stack = {"segv", functions, num_frames};
	struct snap_similar_hit hits[HITS];
	double times[QUERIES];
	uint32_t number;
	if (!similar || !names)
		exit(1);
	for (unsigned i = 0; i < num_names; i++)
		(void)snprintf(names[i], sizeof(names[i]), "f%u", i);
	double start = seconds();
	for (unsigned i = 0; i < num_stacks; i++) {
		make(functions, num_frames, names, num_names);
		if (snap_similar_add(similar, &stack, &number, &err) < 0)
			exit(1);
	}
	(void)printf("%s: %u stacks of %u functions, %.2f us to add one\n", name, num_stacks,
		num_frames, 1e6 * (seconds() - start) / num_stacks);
	for (size_t m = 0; m < 2; m++) {
		double sum = 0;
		size_t num_hits = 0;
		for (size_t i = 0; i < QUERIES; i++) {
			make(functions, num_frames, names, num_names);
			start = seconds();
			num_hits += snap_similar_query(similar, &stack, mins[m], hits, HITS);
			sum += times[i] = seconds() - start;
		}
		qsort(times, QUERIES, sizeof(times[0]), compare);
		(void)printf(
			"  similarity from %5.2f: mean %.3f ms, 99 %% %.3f ms, longest %.3f ms; "
			"%.1f hits\n",
			mins[m], 1e3 * sum / QUERIES, 1e3 * times[QUERIES * 99 / 100],
			1e3 * times[QUERIES - 1], (double)num_hits / QUERIES);
	}
	snap_similar_destroy(similar);
	free(names);
}

int main(int argc, char **argv)
{
	unsigned num_stacks = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
	unsigned num_frames = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	if (num_frames < 6 || num_frames > MAX_FRAMES)
		return 64;
	measure("flat", num_stacks, num_frames, 50000);
	measure("crowded", num_stacks, num_frames, 300);
	return 0;
}
