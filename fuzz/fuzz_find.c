/*
 * The search for what belongs to an ELF file: its debug file by build ID and by .gnu_debuglink, the
 * alternate one, MiniDebugInfo. The input is the file; copies of it lie wherever one is looked for, so
 * that those are opened, too.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/analysis.h"
#include "analyze/find/links.h"
#include "analyze/find/places.h"
#include "analyze/find/store.h"
#include "analyze/sandbox/policy.h"
#include "common/escape.h"
#include "fuzz/fuzz.h"

static char top[256];

static const char *in_top(const char *name)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];
	(void)snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static void begin(void)
{
	static const char *const dirs[] = {"lib", "lib/.debug", "symbols", "debug", "debug/.build-id", "debug/lib"};
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(top, sizeof(top), "%s/snapcrash-find.XXXXXX", tmp ? tmp : "/dev/shm");
	FUZZ_REQUIRE(strlen(top) < 100 && mkdtemp(top));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		FUZZ_REQUIRE(mkdir(in_top(dirs[i]), 0700) == 0);
}

static void write_file(const char *path, const uint8_t *data, size_t len)
{
	FILE *file = fopen(path, "we");
	FUZZ_REQUIRE(file && fwrite(data, 1, len, file) == len && fclose(file) == 0);
}

/* Where the broker of a sandbox lets a link lead to: nowhere but below the trees. */
static void check_policy(const struct snap_options *options, char *file, const char *name)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_policy policy;
	static char path[SNAP_MAX_PATH_BYTES], allowed[SNAP_MAX_PATH_BYTES];
	FUZZ_REQUIRE(snap_policy_init(&policy, options, &file, 1, true, &err) == 0);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			(void)snprintf(path, sizeof(path), "%s", name);
		else if (!snap_path_join(path, in_top("lib"), name))
			continue;
		if (snap_policy_path(&policy, path, allowed, &err) < 0)
			continue;
		FUZZ_REQUIRE(strcmp(allowed, file) == 0 || strncmp(allowed, top, strlen(top)) == 0);
		FUZZ_REQUIRE(strcmp(allowed, file) == 0 || !strstr(allowed, "/../"));
	}
	snap_policy_deinit(&policy);
}

static void read_links(const struct snap_options *options, char *path, const uint8_t *data, size_t len, char debug[512],
	char build_id[512])
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_elf_file file;
	struct snap_debuglink link;
	struct snap_altlink alternate;
	if (snap_elf_file_from_memory(fuzz_copy(snap_bytes(data, len)), len, "fuzz", &file, &err) < 0)
		return;
	if (snap_debuglink_read(&file, &link, &err) == 1) {
		FUZZ_REQUIRE(*link.name && !strchr(link.name, '/') && strcmp(link.name, ".") != 0 &&
			     strcmp(link.name, "..") != 0);
		if (strlen(link.name) < 200)
			(void)snprintf(debug, 512, "%s/lib/.debug/%s", top, link.name);
		check_policy(options, path, link.name);
	}
	if (snap_altlink_read(&file, &alternate, &err) == 1)
		check_policy(options, path, alternate.name);
	if (file.build_id.len > 1 && file.build_id.len <= SNAP_MAX_BUILD_ID) {
		char hex[2 * SNAP_MAX_BUILD_ID + 1];
		snap_hex(file.build_id, hex);
		(void)snprintf(build_id, 512, "%s/debug/.build-id/%.2s", top, hex);
		(void)mkdir(build_id, 0700);
		(void)snprintf(build_id, 512, "%s/debug/.build-id/%.2s/%s.debug", top, hex, hex + 2);
	}
	snap_elf_file_deinit(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char debug[512] = "", build_id[512] = "", path[512];
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store;
	struct snap_object *object;
	if (!top[0])
		begin();
	const char *symbol_dirs[] = {in_top("symbols")}, *debug_dirs[] = {in_top("debug")};
	char symbols[512], debugs[512];
	(void)snprintf(symbols, sizeof(symbols), "%s", symbol_dirs[0]);
	(void)snprintf(debugs, sizeof(debugs), "%s", debug_dirs[0]);
	symbol_dirs[0] = symbols;
	debug_dirs[0] = debugs;
	const struct snap_options options = {
		.symbol_dirs = symbol_dirs,
		.num_symbol_dirs = len % 2,
		.debug_dirs = debug_dirs,
		.num_debug_dirs = 1,
		.no_local = true,
		.num_jobs = 1,
		.max_frames = 100,
	};
	(void)snprintf(path, sizeof(path), "%s", in_top("lib/x.so"));
	write_file(path, data, len);
	read_links(&options, path, data, len, debug, build_id);
	if (debug[0])
		write_file(debug, data, len);
	if (build_id[0])
		write_file(build_id, data, len);
	if (len % 2)
		write_file(in_top("symbols/x.debug"), data, len);
	FUZZ_REQUIRE(snap_store_create(&options, &store, &err) == 0);
	if (snap_store_open(store, path, &object, &err) < 0)
		FUZZ_REQUIRE(err.text[0]);
	snap_store_destroy(store);
	if (debug[0])
		(void)unlink(debug);
	if (build_id[0]) {
		(void)unlink(build_id);
		*strrchr(build_id, '/') = '\0';
		(void)rmdir(build_id);
	}
	return 0;
}

/* One section's contents or its header, so that the rest still fits together. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed)
{
	return fuzz_mutate_elf(data, len, max_len, seed);
}
