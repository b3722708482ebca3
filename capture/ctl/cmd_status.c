/*
 * snapcrashctl status: what would happen at the next crash, and why.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "capture/ctl/checks.h"
#include "capture/ctl/ctl.h"
#include "capture/ctl/json_out.h"

void snap_checks_add(struct snap_checks *checks, enum snap_check_state state, const char *about,
	const char *format, ...)
{
	if (state > checks->worst)
		checks->worst = state;
	if (checks->num == SNAP_CHECKS_MAX)
		return;
	struct snap_check *check = &checks->list[checks->num++];
	va_list args;
	check->about = about;
	check->state = state;
	va_start(args, format);
	(void)vsnprintf(check->text, sizeof(check->text), format, args); /* cut to fit */
	va_end(args);
}

const char *snap_check_state_name(enum snap_check_state state)
{
	static const char *const names[] = {
		[SNAP_CHECK_OK] = "ok",
		[SNAP_CHECK_NOTE] = "note",
		[SNAP_CHECK_WARN] = "warn",
		[SNAP_CHECK_BAD] = "bad",
	};
	return names[state];
}

static void check_config(const struct snap_ctl *ctl, struct snap_checks *checks)
{
	const struct snap_config *config = &ctl->config;
	if (ctl->config_error.text[0] != '\0')
		snap_checks_add(checks, SNAP_CHECK_WARN, "configuration",
			"%s: the client takes the default, and the server does not start",
			ctl->config_error.text);
	if (config->ignore.num > 0 || config->only.num > 0)
		snap_checks_add(checks, SNAP_CHECK_NOTE, "filters",
			"not every crash is wanted: the configuration has %zu 'ignore' and %zu "
			"'only' line%s",
			config->ignore.num, config->only.num, config->only.num == 1 ? "" : "s");
}

static void print_text(const struct snap_checks *checks)
{
	puts(checks->worst == SNAP_CHECK_BAD	   ? "The next crash will NOT be captured."
		: checks->worst == SNAP_CHECK_WARN ? "The next crash will be captured, but not all "
						     "is as it should be."
						   : "The next crash will be captured.");
	putchar('\n');
	for (size_t i = 0; i < checks->num; i++) {
		const struct snap_check *check = &checks->list[i];
		printf("%-4s  %s\n",
			check->state == SNAP_CHECK_BAD ? "BAD"
						       : snap_check_state_name(check->state),
			check->text);
	}
}

static void print_json(const struct snap_ctl *ctl, const struct snap_checks *checks)
{
	struct snap_json json = SNAP_JSON_INIT;
	snap_json_object(&json, NULL);
	snap_json_bool(&json, "captured", checks->worst != SNAP_CHECK_BAD);
	snap_json_string(&json, "state", snap_check_state_name(checks->worst));
	snap_json_string(
		&json, "core_pattern", checks->has_settings ? checks->settings.pattern : NULL);
	if (checks->has_settings)
		snap_json_number(&json, "core_pipe_limit", checks->settings.pipe_limit);
	else
		snap_json_null(&json, "core_pipe_limit");
	snap_json_bool(&json, "server", checks->server_listens);
	snap_json_object(&json, "spool");
	snap_json_string(&json, "path", ctl->config.spool);
	if (checks->has_usage) {
		snap_json_number(&json, "files", checks->num_files);
		snap_json_number(&json, "bytes", checks->bytes);
		snap_json_number(&json, "free_bytes", checks->free_bytes);
	}
	snap_json_number(&json, "max_files", ctl->config.max_files);
	snap_json_number(&json, "max_bytes", ctl->config.max_bytes);
	snap_json_number(&json, "writing", checks->num_writing);
	snap_json_number(&json, "abandoned", checks->num_abandoned);
	snap_json_number(&json, "skipped", checks->num_skipped);
	snap_json_end(&json, '}');
	snap_json_array(&json, "checks");
	for (size_t i = 0; i < checks->num; i++) {
		snap_json_object(&json, NULL);
		snap_json_string(&json, "about", checks->list[i].about);
		snap_json_string(&json, "state", snap_check_state_name(checks->list[i].state));
		snap_json_string(&json, "text", checks->list[i].text);
		snap_json_end(&json, '}');
	}
	snap_json_end(&json, ']');
	snap_json_end(&json, '}');
	snap_json_finish(&json);
}

static int run(struct snap_ctl *ctl)
{
	static struct snap_checks checks;
	snap_check_kernel(ctl, &checks);
	check_config(ctl, &checks);
	snap_check_spool(ctl, &checks);
	snap_check_server(ctl, &checks);
	if (ctl->arguments.json)
		print_json(ctl, &checks);
	else
		print_text(&checks);
	return checks.worst == SNAP_CHECK_BAD	 ? EXIT_NOTHING
	       : checks.worst == SNAP_CHECK_WARN ? EXIT_PARTIAL
						 : EXIT_COMPLETE;
}

const struct snap_ctl_verb snap_ctl_status = {
	.name = "status",
	.arguments = "[--json]",
	.summary = "what would happen at the next crash, and why",
	.text = "Tell whether the next crash would be captured, and what speaks for and against "
		"it.\n"
		"Changes nothing. Exits with 0 if it would be captured, with 1 if it would but\n"
		"something is not as it should be, with 2 if it would not.\n",
	.takes = SNAP_CTL_TAKES_JSON | SNAP_CTL_TAKES_ANY_CONFIG,
	.run = run,
};
