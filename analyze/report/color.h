/*
 * What a terminal is told to emphasise: each member is an escape sequence, or "" without colours.
 */
#ifndef SNAP_ANALYZE_REPORT_COLOR_H
#define SNAP_ANALYZE_REPORT_COLOR_H

struct snap_colors {
	const char *alarm; /* what happened */
	const char *heading;
	const char *function;
	const char *doubt; /* what is guessed or missing */
	const char *faint;
	const char *end;
};

#define SNAP_COLORS_ON                                                                             \
	((struct snap_colors){                                                                     \
		"\033[1;31m", "\033[1m", "\033[36m", "\033[33m", "\033[2m", "\033[0m"})
#define SNAP_COLORS_OFF ((struct snap_colors){"", "", "", "", "", ""})

#endif
