/*
 * --elf, parsed, and whether it was of use.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/file_open.h"
#include "analyze/option_parser.h"
#include "analyze/sandbox/policy.h"
#include "common/escape.h"

/* So many files have a mark; whether others were of use is not told. */
#define MARKS_BYTES 4096

/* Whether the file is there, and an executable. */
static bool check_file(const struct snap_option_parser *p, const char *path)
{
	struct snap_error err = SNAP_ERROR_INIT;
	int fd = snap_file_open(path, NULL, &err);
	bool is_good = fd >= 0 && snap_policy_check_elf(fd, &err) == 0;
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (is_good)
		return true;
	char name[1024];
	(void)snap_escape(snap_bytes_str(path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	snap_complain("--elf '%s': %s (see 'snapanalyze %s --help')", name, err.text, p->verb->name);
	return false;
}

bool snap_option_add_elf(
	struct snap_option_parser *p, const char *text, enum snap_exit *ret_status)
{
	struct snap_options *options = &p->arguments.options;
	struct snap_elf_option elf = {.path = text};
	size_t len = strcspn(text, "=/");
	if (text[len] == '=') {
		elf.device = len > 0 ? snap_bytes((const uint8_t *)text, len) : snap_bytes(NULL, 0);
		elf.path = text + len + 1;
	}
	if (!check_file(p, elf.path))
		return false;
	/* Workers set the marks, too. */
	if (!options->elf_marks) {
		void *marks = mmap(NULL, MARKS_BYTES, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (marks != MAP_FAILED)
			options->elf_marks = marks;
	}
	struct snap_elf_option *grown =
		reallocarray(p->arguments.elfs, options->num_elfs + 1, sizeof(*grown));
	if (grown)
		options->elfs = p->arguments.elfs = grown;
	if (!grown || !options->elf_marks) {
		snap_complain("out of memory");
		*ret_status = SNAP_EXIT_FAILED;
		return false;
	}
	if (options->num_elfs + 1 < MARKS_BYTES)
		elf.mark = &options->elf_marks[options->num_elfs + 1];
	grown[options->num_elfs++] = elf;
	return true;
}

void snap_elf_options_tell_unused(const struct snap_arguments *arguments)
{
	const struct snap_options *options = &arguments->options;
	/* With an index, what was analysed before is not analysed again. */
	if (options->num_elfs == 0 || !options->elf_marks[0] || arguments->grouping.index)
		return;
	for (size_t i = 0; i < options->num_elfs; i++) {
		const struct snap_elf_option *elf = &options->elfs[i];
		char path[1024], device[1024];
		if (!elf->mark || *elf->mark)
			continue;
		(void)snap_escape(
			snap_bytes_str(elf->path), SNAP_ESCAPE_TERMINAL, path, sizeof(path));
		(void)snap_escape(elf->device, SNAP_ESCAPE_TERMINAL, device, sizeof(device));
		if (elf->device.len > 0)
			snap_complain("--elf '%s=%s' is of no use: no input is of a device of this "
				      "name",
				device, path);
		else
			snap_complain("--elf '%s' is of no use: no input is a microcontroller's "
				      "snapshot",
				path);
	}
}

void snap_elf_options_deinit(struct snap_arguments *arguments)
{
	free(arguments->elfs);
	if (arguments->options.elf_marks)
		(void)munmap(arguments->options.elf_marks, MARKS_BYTES); /* it was mapped so */
}
