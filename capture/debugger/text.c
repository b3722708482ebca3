#include "capture/debugger/text.h"

#include <inttypes.h>
#include <string.h>

#include "capture/debugger/text_parts.h"
#include "capture/debugger/text_view.h"
#include "common/escape.h"
#include "common/words.h"

/* Bytes that are escaped at a time. */
#define CHUNK 1024

void snap_text_string(FILE *out, struct snap_bytes text)
{
	char escaped[4 * CHUNK + 1];
	while (text.len > 0) {
		size_t len = text.len < CHUNK ? text.len : CHUNK;
		/* Not within a character: back over its continuation bytes, at most three. */
		for (int i = 0; i < 3 && len < text.len && (text.data[len] & 0xc0) == 0x80; i++)
			len--;
		(void)snap_escape(
			snap_bytes(text.data, len), SNAP_ESCAPE_TERMINAL, escaped, sizeof(escaped));
		fputs(escaped, out);
		text = snap_bytes(text.data + len, text.len - len);
	}
}

bool snap_text_place(FILE *out, const struct snap_text_view *v, uint64_t addr)
{
	const struct snap_module *module = snap_text_module(v, addr);
	const struct snap_mapping *mapping = snap_text_mapping(v, addr);
	if (module) {
		snap_text_string(out, snap_base_name(module->path));
		fprintf(out, "+0x%" PRIx64,
			addr - (module->has_load_bias ? module->load_bias : module->start));
	} else if (mapping && mapping->path.len > 0) {
		snap_text_string(out, snap_base_name(mapping->path));
		fprintf(out, "+0x%" PRIx64, addr - mapping->start);
	} else if (mapping) {
		fprintf(out, "[anonymous]+0x%" PRIx64, addr - mapping->start);
	}
	return module || mapping;
}

/* ---------------------------------------------------------------- the process */

/* "key:" and blanks to the column of values. */
static void key(FILE *out, const char *name)
{
	fprintf(out, "%s:%*s", name, (int)(14 - strlen(name)), "");
}

static void string_line(FILE *out, const char *name, struct snap_bytes value)
{
	if (!value.data)
		return;
	key(out, name);
	snap_text_string(out, value);
	fputc('\n', out);
}

/* Quoted where it would not be one word to a shell; what is escaped stays as it is shown. */
static void print_argument(FILE *out, struct snap_bytes argument)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "%+,-./:=@_";
	bool quoted = argument.len == 0;
	for (size_t i = 0; i < argument.len; i++)
		quoted |= argument.data[i] == '\0' || !strchr(plain, argument.data[i]);
	if (quoted)
		fputc('\'', out);
	snap_text_string(out, argument);
	if (quoted)
		fputc('\'', out);
}

static void print_cmdline(FILE *out, struct snap_bytes cmdline)
{
	if (!cmdline.data)
		return;
	key(out, "command line");
	while (cmdline.len > 0) {
		const uint8_t *end = memchr(cmdline.data, '\0', cmdline.len);
		size_t len = end ? (size_t)(end - cmdline.data) : cmdline.len;
		print_argument(out, snap_bytes(cmdline.data, len));
		len += end ? 1 : 0;
		cmdline = snap_bytes(cmdline.data + len, cmdline.len - len);
		if (cmdline.len > 0)
			fputc(' ', out);
	}
	fputc('\n', out);
}

static void print_ids(FILE *out, const struct snap_process *p)
{
	key(out, "ids");
	if (p->has_uid)
		fprintf(out, "user %" PRIu32, p->uid);
	if (p->has_euid && p->euid != p->uid)
		fprintf(out, " (effective %" PRIu32 ")", p->euid);
	if (p->has_gid)
		fprintf(out, ", group %" PRIu32, p->gid);
	if (p->has_egid && p->egid != p->gid)
		fprintf(out, " (effective %" PRIu32 ")", p->egid);
	if (p->has_ppid)
		fprintf(out, ", parent %" PRIu32, p->ppid);
	if (p->has_ns_pid && p->ns_pid != p->pid)
		fprintf(out, ", pid %" PRIu32 " in its own namespace", p->ns_pid);
	fputc('\n', out);
}

static void print_process(FILE *out, const struct snap_text_view *v)
{
	const struct snap_process *p = &v->process;
	fprintf(out, "process %" PRIu32, p->pid);
	if (p->comm.data) {
		fputs(" (", out);
		snap_text_string(out, p->comm);
		fputc(')', out);
	}
	if (p->has_num_threads)
		fprintf(out, ", %" PRIu32 " %s", p->num_threads,
			p->num_threads == 1 ? "thread" : "threads");
	fputc('\n', out);
	if (p->exe.data) {
		key(out, "executable");
		snap_text_string(out, p->exe);
		fputs(p->has_exe_deleted && p->exe_deleted ? " (deleted)\n" : "\n", out);
	}
	print_cmdline(out, p->cmdline);
	print_ids(out, p);
	if (p->has_uptime) {
		key(out, "runs for");
		fprintf(out, "%" PRIu64 ".%03u s\n", p->uptime_ms / 1000,
			(unsigned int)(p->uptime_ms % 1000));
	}
	if (p->has_rss_bytes) {
		key(out, "memory");
		fprintf(out, "%" PRIu64 " KiB resident", p->rss_bytes / 1024);
		if (p->has_vm_bytes)
			fprintf(out, " of %" PRIu64 " KiB", p->vm_bytes / 1024);
		fputc('\n', out);
	}
	string_line(out, "directory", p->cwd);
	string_line(out, "root", p->root);
	string_line(out, "control group", p->cgroup);
	string_line(out, "unit", p->unit);
	string_line(out, "container", p->container_id);
}

static void print_machine(FILE *out, const struct snap_text_view *v)
{
	const struct snap_system *s = &v->system;
	const struct snap_capture *c = &v->capture;
	char time[40];
	if (c->has_time) {
		snap_time_words(c->time_s, c->time_ns, time);
		key(out, "captured");
		fputs(time, out);
		if (c->has_pause_time)
			fprintf(out, ", stood still for %" PRIu64 ".%03u ms",
				c->pause_time_ns / 1000000,
				(unsigned int)(c->pause_time_ns / 1000 % 1000));
		fputc('\n', out);
	}
	key(out, "kernel");
	snap_text_string(out, s->sysname);
	fputc(' ', out);
	snap_text_string(out, s->release);
	fputs(", ", out);
	snap_text_string(out, s->version);
	fputs(", ", out);
	snap_text_string(out, s->machine);
	fputc('\n', out);
	string_line(out, "system", s->os);
	string_line(out, "host", s->hostname);
	key(out, "registers of");
	fprintf(out, "%s\n", v->arch ? v->arch->name : "a machine that is not known");
	for (size_t i = 0; i < v->tags.num; i++) {
		key(out, "tag");
		snap_text_string(out, v->tags.items[i].key);
		fputs(" = ", out);
		snap_text_string(out, v->tags.items[i].value);
		fputc('\n', out);
	}
}

/* ---------------------------------------------------------------- lists */

static void print_mappings(FILE *out, const struct snap_text_view *v)
{
	if (v->mappings.num == 0)
		return;
	fprintf(out, "\n%zu mappings\n", v->mappings.num);
	for (size_t i = 0; i < v->mappings.num; i++) {
		const struct snap_mapping *m = &v->mappings.items[i];
		uint32_t p = m->permissions;
		fprintf(out, "  %012" PRIx64 "-%012" PRIx64 " %c%c%c%c %8" PRIx64, m->start, m->end,
			p & SNAP_MAPPING_READ ? 'r' : '-', p & SNAP_MAPPING_WRITE ? 'w' : '-',
			p & SNAP_MAPPING_EXEC ? 'x' : '-', p & SNAP_MAPPING_SHARED ? 's' : 'p',
			m->file_offset);
		if (m->path.len > 0) {
			fputs("  ", out);
			snap_text_string(out, m->path);
		}
		fputs(m->deleted ? " (deleted)\n" : "\n", out);
	}
}

static void print_modules(FILE *out, const struct snap_text_view *v)
{
	if (v->modules.num == 0)
		return;
	fprintf(out, "\n%zu modules and their build IDs\n", v->modules.num);
	for (size_t i = 0; i < v->modules.num; i++) {
		const struct snap_module *m = &v->modules.items[i];
		char id[2 * SNAP_MAX_BUILD_ID + 1] = "";
		fprintf(out, "  %012" PRIx64 "-%012" PRIx64 "  ", m->start, m->end);
		if (m->build_id.len > 0 && m->build_id.len <= SNAP_MAX_BUILD_ID) {
			snap_hex(m->build_id, id);
			fprintf(out, "%-40s", id);
		} else {
			const char *why = snap_build_id_status_words(m->build_id_status);
			fprintf(out, "%-40s", why ? why : "none");
		}
		fputs("  ", out);
		snap_text_string(out, m->path);
		fputs(m->deleted ? " (deleted)\n" : "\n", out);
	}
}

static void print_open_files(FILE *out, const struct snap_text_view *v)
{
	/* O_ACCMODE has these values on all machines. */
	static const char *const modes[] = {"r", "w", "rw", "-"};
	if (v->open_files.num == 0)
		return;
	fprintf(out, "\n%zu open files", v->open_files.num);
	if (v->process.has_num_open_files && v->process.num_open_files > v->open_files.num)
		fprintf(out, " of %" PRIu64, v->process.num_open_files);
	fputc('\n', out);
	for (size_t i = 0; i < v->open_files.num; i++) {
		const struct snap_open_file *f = &v->open_files.items[i];
		fprintf(out, "  %4" PRIu32 "  %-2s  ", f->fd,
			f->has_flags ? modes[f->flags & 3] : "");
		snap_text_string(out, f->path);
		if (f->deleted)
			fputs(" (deleted)", out);
		if (f->has_position && f->position > 0)
			fprintf(out, ", at %" PRIu64, f->position);
		fputc('\n', out);
	}
}

static void print_missing(FILE *out, const struct snap_text_view *v)
{
	if (v->omissions.num + v->notes.num + v->faults.num == 0)
		return;
	fputs("\nwhat is not there, and notes\n", out);
	for (size_t i = 0; i < v->notes.num; i++) {
		fputs("  ", out);
		snap_text_string(out, v->notes.items[i]);
		fputc('\n', out);
	}
	for (size_t i = 0; i < v->omissions.num; i++) {
		char words[256];
		snap_omission_words(&v->omissions.items[i], words, sizeof(words));
		fprintf(out, "  %s\n", words);
	}
	for (size_t i = 0; i < v->faults.num; i++) {
		fputs("  a record can't be read: ", out);
		snap_text_string(out, v->faults.items[i]);
		fputc('\n', out);
	}
}

int snap_text_print(struct snap_bytes file, FILE *out, struct snap_error *err)
{
	struct snap_text_view view;
	int r = snap_text_view_init(&view, file, err);
	if (r == 0) {
		print_process(out, &view);
		print_machine(out, &view);
		snap_text_threads(out, &view);
		print_mappings(out, &view);
		print_modules(out, &view);
		print_open_files(out, &view);
		print_missing(out, &view);
	}
	snap_text_view_deinit(&view);
	return r;
}
