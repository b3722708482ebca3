/*
 * Function names in the form that signatures use: what differs between builds of the same source
 * is taken off.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_NAME_H
#define SNAP_ANALYZE_SIGNATURE_NAME_H

#include "analyze/signature/rules.h"

/*
 * Template arguments become "<T>" (a Rust "<X as Trait>" stays), lambdas "{lambda}"; "[clone .cold]" and
 * symbol versions ("@GLIBC_2.2.5") go; and what rules for parts of names say, of a function that is there: what
 * it begins with ("__GI_") and ends with (".constprop.0"), what is written in several ways
 * ("{anonymous}"), and what kind of processor it is for ("__strlen_avx2"). Valid UTF-8 whatever
 * name holds. used: the rules that changed it are added; or NULL. Free the result; NULL if memory is
 * exhausted.
 */
char *snap_signature_name(const char *name, const struct snap_rules *rules,
	const struct snap_rules_place *place, struct snap_rules_used *used);

#endif
