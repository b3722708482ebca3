#include "analyze/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "analyze/find/debuginfod.h"
#include "analyze/find/store.h"
#include "common/escape.h"

/* ---------------------------------------------------------------- progress */

/* How often the line changes, and how long nothing is said. */
#define PROGRESS_NS 100000000

static struct {
	bool shown; /* a line that is to be erased */
	int64_t last_ns;
} progress;

static int64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* there is such a clock */
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void erase_progress(void)
{
	if (progress.shown)
		(void)fputs("\r\033[K", stderr);
	progress.shown = false;
}

void snap_show_progress(enum snap_progress_event event, const char *text, void *data)
{
	(void)data;
	int64_t now = now_ns();
	if (event == SNAP_PROGRESS_END) {
		erase_progress();
	} else if (event == SNAP_PROGRESS_BEGIN) {
		progress.last_ns = now;
	} else if (now - progress.last_ns >= PROGRESS_NS && isatty(STDERR_FILENO)) {
		/* A line that wraps could not be erased. */
		(void)fprintf(stderr, "\r%.78s\033[K", text);
		progress.shown = true;
		progress.last_ns = now;
	}
}

/* ---------------------------------------------------------------- messages */

void snap_complain(const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut to fit */
	va_end(args);
	(void)fflush(stdout); /* that it failed is found at the end */
	erase_progress();
	(void)fprintf(stderr, "snapanalyze: %s\n", text);
}

/* What is fetched, as one line; on a terminal it grows and is rewritten. */
static void format_fetch(const struct snap_fetch *fetch, char *out, size_t size)
{
	static const char *const what[] = {
		"file", "debug file", "alternate debug file", "debug file", "debug file"};
	char name[256], so_far[64] = "";
	(void)snap_escape(snap_bytes_str(fetch->name), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (fetch->all_len > 0)
		(void)snprintf(so_far, sizeof(so_far), ": %.1f of %.1f MB",
			(double)fetch->done_len / 1e6, (double)fetch->all_len / 1e6);
	(void)snprintf(out, size, "fetching %s of '%s' (%s) from debuginfod%s", what[fetch->role],
		name, fetch->build_id, so_far);
}

void snap_show_fetch(const struct snap_fetch *fetch, void *data)
{
	(void)data;
	char line[1024];
	bool is_terminal = isatty(STDERR_FILENO);
	switch (fetch->event) {
	case SNAP_FETCH_BEGIN:
	case SNAP_FETCH_PROGRESS:
		format_fetch(fetch, line, sizeof(line));
		if (is_terminal) {
			(void)fflush(stdout); /* that it failed is found at the end */
			(void)fprintf(stderr, "\rsnapanalyze: %s\033[K", line);
		} else if (fetch->event == SNAP_FETCH_BEGIN) {
			snap_complain("%s", line);
		}
		break;
	case SNAP_FETCH_END:
		if (is_terminal)
			(void)fputc('\n', stderr);
		break;
	case SNAP_FETCH_GIVE_UP:
		snap_complain("debuginfod is not asked any more in this run: %s", fetch->text);
		break;
	}
}

bool snap_integrity_is_partial(enum snap_integrity integrity)
{
	/* Nothing vouches for an unmarked file, but nothing is known to be missing. */
	return integrity == SNAP_INTEGRITY_TRUNCATED || integrity == SNAP_INTEGRITY_CORRUPT;
}

bool snap_crash_is_partial(const struct snap_crash *crash)
{
	if (snap_integrity_is_partial(crash->integrity))
		return true;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (thread && thread->end != SNAP_END_COMPLETE)
		return true;
	for (size_t i = 0; i < crash->num_modules; i++) {
		const struct snap_crash_module *module = &crash->modules[i];
		if (module->has_crashed_frame && (module->symbols == SNAP_SYMBOLS_NONE ||
							 module->symbols == SNAP_SYMBOLS_MISMATCH))
			return true;
	}
	return false;
}

bool snap_use_color(const struct snap_arguments *arguments)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: present and not empty */
	if (arguments->color == SNAP_COLOR_AUTO)
		return isatty(STDOUT_FILENO) && !(no_color && *no_color);
	return arguments->color == SNAP_COLOR_ALWAYS;
}

enum snap_exit snap_for_each_input(
	const struct snap_arguments *arguments, bool full, snap_input_fn *fn, void *data)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_store *store = NULL;
	enum snap_exit worst = SNAP_EXIT_DONE;

	if (full && snap_store_create(&arguments->options, &store, &err) < 0) {
		snap_complain("%s", err.text);
		return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	}
	for (int i = 0; i < arguments->num_files && !ferror(stdout); i++) {
		struct snap_crash crash;
		enum snap_exit status = SNAP_EXIT_FAILED;
		const char *file = arguments->files[i];
		int r = full ? snap_analysis_run(file, store, &arguments->options, &crash, &err)
			     : snap_analysis_load(file, &crash, &err);
		if (r < 0) {
			snap_complain("%s", err.text);
		} else {
			status = fn(&crash, arguments, data);
			snap_crash_deinit(&crash);
		}
		if (status > worst)
			worst = status;
	}
	(void)fflush(stdout); /* that it failed is found at the end */
	if (store)
		snap_store_keep(store);
	snap_store_destroy(store);
	return worst;
}
