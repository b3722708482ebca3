#include "analyze/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "analyze/find/debuginfod.h"
#include "analyze/find/store.h"
#include "analyze/report/fold.h"
#include "analyze/sandbox/pool.h"
#include "analyze/sandbox/remote.h"
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
	if (snap_remote_is_on()) {
		if (event != SNAP_PROGRESS_UPDATE || now - progress.last_ns >= PROGRESS_NS) {
			progress.last_ns = now;
			snap_remote_progress(event, text);
		}
		return;
	}
	if (event == SNAP_PROGRESS_END || event == SNAP_PROGRESS_HIDE) {
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
	if (snap_remote_is_on()) {
		snap_remote_complain(text);
		return;
	}
	erase_progress();
	(void)fprintf(stderr, "snapanalyze: %s\n", text);
}

/* What is fetched, as one line; on a terminal it grows and is rewritten. */
static void format_fetch(const struct snap_fetch *fetch, char *out, size_t size)
{
	static const char *const what[] = {
		"file of", "debug file of",
		"alternate debug file of", "debug file of", "debug file of", "source file"};
	char name[256], so_far[64] = "";
	(void)snap_escape(snap_bytes_str(fetch->name), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (fetch->all_len > 0)
		(void)snprintf(so_far, sizeof(so_far), ": %.1f of %.1f MB",
			(double)fetch->done_len / 1e6, (double)fetch->all_len / 1e6);
	(void)snprintf(out, size, "fetching %s '%s' (%s) from debuginfod%s", what[fetch->role],
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

const char *snap_head_begin(size_t num_before)
{
	return num_before > 0 && !snap_remote_is_on() ? "\n==> " : "==> ";
}

bool snap_use_color(const struct snap_arguments *arguments)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: present and not empty */
	if (arguments->color == SNAP_COLOR_AUTO)
		return isatty(STDOUT_FILENO) && !(no_color && *no_color);
	return arguments->color == SNAP_COLOR_ALWAYS;
}

size_t snap_output_columns(const struct snap_arguments *arguments)
{
	struct winsize size;
	const char *text = getenv("COLUMNS");
	unsigned long columns = SNAP_DEFAULT_COLUMNS;
	if (arguments->has_width)
		return arguments->width;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		columns = size.ws_col;
	else if (text && *text >= '1' && *text <= '9')
		columns = strtoul(text, NULL, 10);
	return columns < SNAP_MIN_COLUMNS   ? SNAP_MIN_COLUMNS
	       : columns > SNAP_MAX_COLUMNS ? SNAP_MAX_COLUMNS
					    : columns;
}

/* ---------------------------------------------------------------- work */

static enum snap_exit do_work_here(const struct snap_work *work)
{
	const struct snap_job *job = &work->job;
	int worst = SNAP_EXIT_DONE;
	if (job->start && (worst = job->start(job->data)) != SNAP_EXIT_DONE)
		return (enum snap_exit)worst;
	for (size_t i = 0; i < job->num_inputs && !ferror(stdout); i++) {
		int status = job->run(i, job->data);
		if (status > worst)
			worst = status;
	}
	(void)fflush(stdout); /* that it failed is found at the end */
	if (job->finish)
		job->finish(job->data);
	return (enum snap_exit)worst;
}

static void complain_text(const char *text)
{
	snap_complain("%s", text);
}

static void say_nothing(const char *text)
{
	(void)text;
}

static void take_result(size_t index, struct snap_bytes result, void *data)
{
	const struct snap_collector *collector = data;
	collector->take(index, result, collector->data);
}

enum snap_exit snap_do_work(
	const struct snap_arguments *arguments, const struct snap_work *work)
{
	if (arguments->no_sandbox) {
		snap_complain("--no-sandbox: what is wrong with a file may take over this process");
		return do_work_here(work);
	}
	const struct snap_broker_config broker = {
		.options = &arguments->options,
		.takes_symbols = work->takes_symbols,
		.takes_inputs = work->takes_inputs,
		.files = work->files,
		.num_files = work->files ? work->job.num_inputs : 0,
		.output = arguments->output,
		.symbol_dir = work->symbol_dir,
	};
	struct snap_pool_config config = {
		.job = &work->job,
		.limits = arguments->limits,
		.num_workers = work->num_workers,
		.is_unordered = arguments->unordered,
		.is_streaming = work->is_streaming,
		.is_interactive = work->is_interactive,
		.separates = work->is_separate && work->job.num_inputs > 1,
		.keeps_stdin = work->keeps_stdin,
		.may_fork = work->may_fork,
		.broker = &broker,
		.complain = work->collector && work->collector->is_quiet ? say_nothing
									 : complain_text,
		.progress = arguments->options.progress,
		.take = work->collector ? take_result : NULL,
		.take_data = work->collector,
	};
	/* What was read of a pipe can't be read again by another worker. */
	config.libraries[SNAP_LIBRARY_DEFLATE] = config.libraries[SNAP_LIBRARY_ZSTD] =
		work->unpacks || work->keeps_stdin;
	/* Loading it takes less than a replacement, and debug files are often compressed. */
	config.libraries[SNAP_LIBRARY_DEFLATE] |=
		arguments->options.variables > SNAP_VARIABLES_NONE;
	config.libraries[SNAP_LIBRARY_ARCHIVE] = config.libraries[SNAP_LIBRARY_CAPSTONE] =
		work->keeps_stdin && work->takes_inputs;
	if (work->is_streaming)
		config.limits.num_inputs = UINT64_MAX;
	return (enum snap_exit)snap_pool_run(&config);
}

/* ---------------------------------------------------------------- inputs */

struct inputs {
	const struct snap_arguments *arguments;
	unsigned int how;
	snap_input_fn *fn;
	void *data;
	struct snap_collector *collector; /* NULL */
	struct snap_store *store;
};

static int start_inputs(void *data)
{
	struct inputs *inputs = data;
	struct snap_error err = SNAP_ERROR_INIT;
	if (!(inputs->how & SNAP_INPUT_FULL) ||
		inputs->arguments->options.from != SNAP_TEXT_NONE ||
		snap_store_create(&inputs->arguments->options, &inputs->store, &err) == 0)
		return SNAP_EXIT_DONE;
	snap_complain("%s", err.text);
	return err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
}

void snap_complain_of_input(
	const struct snap_arguments *arguments, const char *file, const struct snap_error *err)
{
	char name[512];
	if (err->code != SNAP_ERROR_NO_MEMORY || strchr(err->text, '\'')) {
		snap_complain("%s", err->text);
		return;
	}
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (arguments->no_sandbox)
		snap_complain("cannot analyse '%s': %s", name, err->text);
	else
		snap_complain("cannot analyse '%s': %s: its worker may take %llu MiB "
			      "(--worker-memory)",
			name, err->text,
			(unsigned long long)(arguments->limits.memory_bytes >> 20));
}

/* Each backtrace of a text. */
static enum snap_exit run_text(struct inputs *inputs, const char *file)
{
	const struct snap_arguments *arguments = inputs->arguments;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_text *text;
	struct snap_crash crash;
	enum snap_exit worst = SNAP_EXIT_DONE;
	int r = snap_text_open(file, arguments->options.from, &text, &err);
	if (r == 0) {
		while (!ferror(stdout) &&
			(r = snap_analysis_text(text, &arguments->options, &crash, &err)) > 0) {
			enum snap_exit status = inputs->fn(&crash, arguments, inputs->data);
			snap_crash_deinit(&crash);
			if (status > worst)
				worst = status;
		}
		snap_text_close(text);
	}
	if (r >= 0)
		return worst;
	snap_complain_of_input(arguments, file, &err);
	return SNAP_EXIT_FAILED;
}

static void complain_of_unreadable(struct snap_crash *crash)
{
	char name[512];
	struct snap_error err = SNAP_ERROR_INIT;
	(void)snap_escape(snap_bytes_str(crash->file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (snap_crash_tell_unreadable(crash, &err) < 0)
		snap_complain("'%s': %s", name, err.text);
	else
		snap_complain("'%s': %s", name, crash->integrity_why);
}

enum snap_exit snap_check_input(struct snap_crash *crash, enum snap_exit status, bool is_quiet)
{
	/* What failed before the output was made is told there. */
	if (crash->memory.failed_errnum == 0 || crash->is_unreadable || status >= SNAP_EXIT_FAILED)
		return status;
	if (!is_quiet)
		complain_of_unreadable(crash);
	return SNAP_EXIT_PARTIAL;
}

static int run_input(size_t index, void *data)
{
	struct inputs *inputs = data;
	const struct snap_arguments *arguments = inputs->arguments;
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_crash crash;
	const char *file = arguments->files[index];
	if (inputs->collector)
		inputs->collector->current = index;
	if (arguments->options.from != SNAP_TEXT_NONE)
		return (int)run_text(inputs, file);
	int r = inputs->store ? snap_analysis_run(
					file, inputs->store, &arguments->options, &crash, &err)
			      : snap_analysis_load(file, &crash, &err);
	if (r < 0) {
		if (!inputs->collector || !inputs->collector->is_quiet)
			snap_complain_of_input(arguments, file, &err);
		return SNAP_EXIT_FAILED;
	}
	enum snap_exit status = inputs->fn(&crash, arguments, inputs->data);
	status = snap_check_input(
		&crash, status, inputs->collector && inputs->collector->is_quiet);
	snap_crash_deinit(&crash);
	return (int)status;
}

static void finish_inputs(void *data)
{
	struct inputs *inputs = data;
	if (!inputs->store)
		return;
	snap_store_keep(inputs->store);
	/* A worker ends anyway. */
	if (!snap_remote_is_on())
		snap_store_destroy(inputs->store);
}

static const char *input_name(size_t index, void *data)
{
	const struct inputs *inputs = data;
	return inputs->arguments->files[index];
}

static bool takes_stdin(const struct snap_arguments *arguments)
{
	for (int i = 0; i < arguments->num_files; i++)
		if (strcmp(arguments->files[i], "-") == 0)
			return true;
	return false;
}

/* Each reads the trees of --symbols, and whatever many inputs have in common, for itself. */
#define INPUTS_PER_WORKER 8

static size_t choose_num_workers(const struct snap_arguments *arguments, unsigned int how)
{
	size_t num_files = (size_t)arguments->num_files;
	size_t useful = arguments->has_jobs
				? num_files
				: (num_files + INPUTS_PER_WORKER - 1) / INPUTS_PER_WORKER;
	size_t num = arguments->options.num_jobs;
	if (how & SNAP_INPUT_STREAM)
		return 1;
	return useful < num ? useful : num;
}

static enum snap_exit do_inputs(const struct snap_arguments *arguments, unsigned int how,
	snap_input_fn *fn, void *data, struct snap_collector *collector)
{
	struct inputs inputs = {
		.arguments = arguments,
		.how = how,
		.fn = fn,
		.data = data,
		.collector = collector,
	};
	const struct snap_work work = {
		.job =
			{
				.num_inputs = (size_t)arguments->num_files,
				.start = start_inputs,
				.run = run_input,
				.finish = finish_inputs,
				.data = &inputs,
				.name = input_name,
			},
		.files = arguments->files,
		.takes_symbols = how & SNAP_INPUT_FULL,
		.takes_inputs = true,
		.is_separate = how & SNAP_INPUT_SEPARATE,
		.is_streaming = how & SNAP_INPUT_STREAM,
		.keeps_stdin = takes_stdin(arguments),
		.num_workers = choose_num_workers(arguments, how),
		.collector = collector,
	};
	return snap_do_work(arguments, &work);
}

enum snap_exit snap_for_each_input(const struct snap_arguments *arguments, unsigned int how,
	snap_input_fn *fn, void *data)
{
	return do_inputs(arguments, how, fn, data, NULL);
}

enum snap_exit snap_collect_inputs(const struct snap_arguments *arguments, unsigned int how,
	snap_input_fn *fn, struct snap_collector *collector)
{
	return do_inputs(arguments, how, fn, collector, collector);
}

void snap_collector_add(struct snap_collector *collector, struct snap_bytes bytes)
{
	if (snap_remote_is_on())
		(void)fwrite(bytes.data, 1, bytes.len, stdout); /* seen by who reads it */
	else
		collector->take(collector->current, bytes, collector->data);
}
