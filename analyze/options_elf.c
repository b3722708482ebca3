/*
 * --elf, parsed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analyze/option_parser.h"
#include "common/escape.h"

bool snap_option_add_elf(
	struct snap_option_parser *p, const char *text, enum snap_exit *ret_status)
{
	struct snap_options *options = &p->arguments.options;
	struct snap_elf_option elf = {.path = text};
	size_t len = strcspn(text, "=/");
	struct stat st;
	if (text[len] == '=') {
		elf.device = len > 0 ? snap_bytes((const uint8_t *)text, len) : snap_bytes(NULL, 0);
		elf.path = text + len + 1;
	}
	int error = stat(elf.path, &st) < 0 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
	if (error) {
		char name[1024];
		(void)snap_escape(
			snap_bytes_str(elf.path), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		snap_complain("--elf '%s': %s (see 'snapanalyze %s --help')", name,
			error == EINVAL ? "not a regular file" : strerror(error), p->verb->name);
		return false;
	}
	struct snap_elf_option *grown =
		reallocarray(p->arguments.elfs, options->num_elfs + 1, sizeof(*grown));
	if (!grown) {
		snap_complain("out of memory");
		*ret_status = SNAP_EXIT_FAILED;
		return false;
	}
	options->elfs = p->arguments.elfs = grown;
	grown[options->num_elfs++] = elf;
	return true;
}
