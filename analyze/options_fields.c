/*
 * --proto: read before there are workers, who can neither open files nor run protoc.
 */
#include "analyze/fields/overlay.h"
#include "analyze/option_parser.h"
#include "analyze/report/sections.h"

bool snap_option_read_protos(struct snap_option_parser *p, enum snap_exit *ret_status)
{
	struct snap_arguments *a = &p->arguments;
	struct snap_error err = SNAP_ERROR_INIT;
	a->overlays = snap_overlays_create(&err);
	bool ok = a->overlays != NULL;
	for (size_t i = 0; i < a->num_protos && ok; i++)
		ok = snap_overlays_load(a->overlays, a->protos[i], a->proto_dirs, a->num_proto_dirs,
			     &err) == 0;
	/* What no section shows is not looked for. */
	if (!a->brief && a->sections & 1u << SNAP_SECTION_FIELDS)
		a->options.overlays = a->overlays;
	if (ok)
		return true;
	snap_complain("%s", err.text);
	*ret_status = err.code == SNAP_ERROR_NO_MEMORY ? SNAP_EXIT_FAILED : SNAP_EXIT_USAGE;
	return false;
}
