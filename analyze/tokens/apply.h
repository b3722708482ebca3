/*
 * The stage "detokenise": a microcontroller's texts in the model become what they say, and the times
 * of its log are added up.
 */
#ifndef SNAP_ANALYZE_TOKENS_APPLY_H
#define SNAP_ANALYZE_TOKENS_APPLY_H

#include "analyze/crash.h"
#include "analyze/tokens/database.h"
#include "common/error.h"

/*
 * Messages, modules, files and threads of the log; and, of a snapshot that is no Linux process's, its
 * reason, project and device and the names of its threads, also by the tokens in the firmware's files,
 * once these are found. Of a Linux process nothing is replaced but
 * known tokens in the log, and these only if there are tokens (which may be NULL). What is to be said
 * of it stands in crash.log_facts and in the notes. 0, or -1 and *err: no memory.
 */
int snap_detokenise_crash(
	struct snap_crash *crash, const struct snap_tokens *tokens, struct snap_error *err);

/* For single texts of the crash: by its machine, and careful with those of a Linux process. NULL
 * without memory. */
struct snap_detokeniser *snap_detokeniser_create_for(
	const struct snap_crash *crash, const struct snap_tokens *tokens);

#endif
