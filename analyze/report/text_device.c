/*
 * What only microcontrollers' reports have: the fault, and the registers that tell of it.
 */
#include "analyze/report/text_device.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/report/words.h"

static void print_device(const struct snap_text *p)
{
	const struct snap_metadata *metadata = &p->crash->metadata;
	struct snap_bytes device = metadata->device_name, project = metadata->project_name;
	struct snap_bytes version = metadata->software_version;
	if (device.len > 0)
		snap_print(p->out, device);
	else if (project.len > 0)
		snap_print(p->out, project);
	else
		(void)fputs("a device of unknown name", p->out);
	/* A project that stands there already is not repeated. */
	if (device.len == 0)
		project.len = 0;
	if (project.len == 0 && version.len == 0)
		return;
	(void)fputs(" (", p->out);
	snap_print(p->out, project);
	(void)fputs(project.len > 0 && version.len > 0 ? " " : "", p->out);
	snap_print(p->out, version);
	(void)fputc(')', p->out);
}

/* "UsageFault (divide by zero)". */
static void print_what(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_device *device = &crash->device;
	const char *name = device->fault_name, *title = device->fault_title;
	switch (crash->cause.kind) {
	case SNAP_KIND_NONE:
		(void)fputs("Snapshot of ", p->out);
		return;
	case SNAP_KIND_UNKNOWN:
		(void)fputs("Unknown event in ", p->out);
		return;
	case SNAP_KIND_STACK_OVERFLOW:
		(void)fputs("Stack overflow", p->out);
		if (name && title && strcmp(title, "stack overflow") != 0)
			(void)fprintf(p->out, " (%s: %s)", name, title);
		else if (name)
			(void)fprintf(p->out, " (%s)", name);
		break;
	case SNAP_KIND_ASSERT:
		(void)fputs(crash->cause.failure == SNAP_FAILURE_ASSERTION ? "Assertion failed"
									   : "Fatal error",
			p->out);
		break;
	case SNAP_KIND_ABORT:
		(void)fputs("Abort", p->out);
		break;
	default:
		(void)fputs(name ? name : "Fault", p->out);
		if (title)
			(void)fprintf(p->out, " (%s)", title);
		break;
	}
	if (crash->cause.has_address)
		(void)fprintf(p->out, " at address 0x%" PRIx64, crash->cause.address);
	(void)fputs(" in ", p->out);
}

void snap_text_device_headline(const struct snap_text *p)
{
	const struct snap_crash *crash = p->crash;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	(void)fputs(p->colors.alarm, p->out);
	print_what(p);
	print_device(p);
	if (thread && thread->record.name.len > 0) {
		(void)fputs(", thread ", p->out);
		snap_text_quoted(p, thread->record.name);
	} else if (thread && thread->record.has_tid) {
		(void)fputs(", thread ", p->out);
		snap_text_thread_id(p, thread);
	}
	if (crash->num_threads > 0)
		(void)fprintf(p->out, ", %zu thread%s", crash->num_threads,
			crash->num_threads == 1 ? "" : "s");
	(void)fprintf(p->out, "%s\n", p->colors.end);
}

static void field(const struct snap_text *p, const char *name, const char *value)
{
	(void)fprintf(p->out, "  %-10s ", name);
	snap_print_str(p->out, value);
}

/* What the register's value is of no use for, is said. */
static const char *doubt_about(const struct snap_device *device, const char *name)
{
	static const struct {
		const char *name, *bit;
	} validity[] = {{"mmfar", "MMARVALID"}, {"bfar", "BFARVALID"}};
	for (size_t i = 0; i < sizeof(validity) / sizeof(validity[0]); i++) {
		if (strcmp(name, validity[i].name) != 0)
			continue;
		for (size_t j = 0; j < device->num_fault_bits; j++)
			if (strcmp(device->fault_bits[j].name, validity[i].bit) == 0)
				return "";
		return "  not valid";
	}
	return "";
}

static void print_bits(const struct snap_text *p, const char *name)
{
	const struct snap_device *device = &p->crash->device;
	for (size_t i = 0; i < device->num_fault_bits; i++) {
		const struct snap_fault_bit *bit = &device->fault_bits[i];
		if (strcasecmp(bit->reg, name) == 0)
			(void)fprintf(p->out, "    %-17s  %s\n", bit->name, bit->words);
	}
}

void snap_text_fault(const struct snap_text *p)
{
	const struct snap_device *device = &p->crash->device;
	if (!device->is_device || !device->has_state || device->family == SNAP_CPU_NONE)
		return;
	snap_text_heading(p, "Fault status");
	if (device->exception) {
		field(p, "Exception", device->exception);
		(void)fputc('\n', p->out);
	}
	if (device->handler) {
		field(p, "Handler", device->handler);
		(void)fputs(device->is_default_handler ? " (default handler)\n" : "\n", p->out);
	}
	if (device->mode) {
		field(p, "Mode", device->mode);
		(void)fputc('\n', p->out);
	}
	for (unsigned int i = 0; i < SNAP_CPU_STATE_FIELDS; i++) {
		const char *name = snap_cpu_state_name(device->family, i);
		if (!name || !snap_cpu_state_is_status(device->family, i) ||
			!snap_cpu_state_has(&device->state, i))
			continue;
		(void)fprintf(p->out, "  %-10s 0x%08" PRIx64 "%s\n", name, device->state.values[i],
			doubt_about(device, name));
		print_bits(p, name);
	}
}
