/*
 * How full the spool is, and what has to go so that it keeps its limits.
 *
 * Only snapshots count, and are removed: regular files with a published name (capture/spool_name.h)
 * in the spool itself. Links, pipes and whatever else somebody put there are counted as foreign and
 * left alone; so are the .part files, which are being written or wait for adoption.
 *
 * Which snapshots go: never the newest one of an executable, but for the one of whose crash room is
 * made, and that as the last resort; of the others, first the oldest of the user who has most
 * bytes. A program that crashes all the time so displaces its own snapshots, and nobody's last.
 * Snapshots on demand count as of an executable of their own: who takes one displaces no crash.
 *
 * Whose a snapshot is and of which executable says its origin (capture/origin.h), or, where there
 * is none, the comm in its name and no user.
 *
 * Crash-time: no allocation, bounded memory whatever the directory holds, negative errno. All by
 * descriptor; nothing is opened but regular files, for their attribute.
 */
#ifndef SNAP_CAPTURE_SPOOL_USAGE_H
#define SNAP_CAPTURE_SPOOL_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/config.h"
#include "capture/origin.h"
#include "capture/spool.h"

struct snap_spool_usage {
	uint64_t num_files, bytes; /* snapshots; bytes on disk */
	uint64_t num_foreign;
	/* Of the file system, for us. */
	bool counts_bytes, counts_inodes; /* not every one does */
	uint64_t free_bytes, free_inodes;
	uint64_t total_bytes, total_inodes;
};

/* Returns 0 or a negative errno. */
int snap_spool_usage_read(int dir_fd, struct snap_spool_usage *ret);

/* The same of one user's snapshots on demand: number and bytes. */
int snap_spool_usage_on_demand(int dir_fd, uint32_t uid, uint64_t *ret_num, uint64_t *ret_bytes);

struct snap_spool_limits {
	uint64_t max_files, max_bytes;
	/* SNAP_CONFIG_AUTO: 16 MiB and 100, but no more than a 64th of the file system. */
	uint64_t min_free_bytes, min_free_inodes;
};
/* As configured. */
struct snap_spool_limits snap_spool_limits_of(const struct snap_config *config);

/*
 * Whether the file system has as much free as it is to keep. Takes a microsecond, however many
 * files there are. Returns 0, -ENOSPC, or another negative errno.
 */
int snap_spool_check_free(int dir_fd, const struct snap_spool_limits *limits);

/* Candidates for removal that are looked at together: the oldest so many. */
#define SNAP_SPOOL_EVICT_MAX 2048

struct snap_spool_candidate {
	int64_t time_s;
	uint64_t bytes;
	uint64_t exe_hash;
	uint32_t owner, exe; /* places in the tables below */
	enum { SNAP_SPOOL_MAY_GO, SNAP_SPOOL_LAST_RESORT, SNAP_SPOOL_STAYS } fate;
	char name[SNAP_SPOOL_NAME_MAX];
};

/* Room to work in. Large (some 800 KiB, touched as far as there are files): static. */
struct snap_spool_evict {
	/* Results. */
	struct snap_spool_usage usage; /* as it is afterwards */
	uint64_t num_evicted;

	const char *fresh; /* the one just published, or NULL */
	uint64_t hash_key; /* of this run: nobody can make a name that is taken for another's */
	/* Those that are not newer than this one have been looked at already. */
	bool has_floor;
	struct snap_spool_candidate floor;
	size_t num;
	uint16_t order[SNAP_SPOOL_EVICT_MAX];
	struct snap_spool_candidate candidates[SNAP_SPOOL_EVICT_MAX];
	/* Hash tables with open addressing, twice as large as there can be entries. */
	struct {
		bool used;
		uint64_t id; /* the uid; 2^32 for those without one */
		uint64_t bytes;
	} owners[2 * SNAP_SPOOL_EVICT_MAX];
	struct {
		bool used;
		bool has_newer; /* than all candidates */
		uint64_t hash;
		uint16_t newest;
	} exes[2 * SNAP_SPOOL_EVICT_MAX];
};

/*
 * Before a snapshot is written: remove what has to go for the limits to hold, and hold with
 * num_more files more. exe: the executable whose last snapshot may go as a last resort (NULL:
 * none's). Returns 0 if the limits then hold; -EDQUOT if nothing more may go and there are too many
 * files or bytes, -ENOSPC if the file system has too little free; or another negative errno.
 */
int snap_spool_make_room(int dir_fd, const struct snap_spool_limits *limits, uint64_t num_more,
	const struct snap_origin *exe, struct snap_spool_evict *work);

/*
 * The same when it was published. name: the new one's, which is the newest, whatever the time in
 * its name (a clock may have been set back), and stays. -EDQUOT: it is what does not fit.
 */
int snap_spool_keep_limits(int dir_fd, const struct snap_spool_limits *limits, const char *name,
	struct snap_spool_evict *work);

#endif
