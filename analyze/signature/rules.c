#include "analyze/signature/rules.h"

#include <stddef.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum library {
	LIBC, /* glibc, with libpthread as it was until 2.34 */
	LIBSTDCXX,
};

/* Name and library together: a program may have an abort() or raise() of its own. */
static const struct {
	enum library library;
	const char *function;
} skipped[] = {
	{LIBC, "__pthread_kill_implementation"},
	{LIBC, "__pthread_kill_internal"},
	{LIBC, "__pthread_kill"},
	{LIBC, "___pthread_kill"},
	{LIBC, "pthread_kill"},
	{LIBC, "raise"},
	{LIBC, "gsignal"},
	{LIBC, "kill"},
	{LIBC, "__kill"},
	{LIBC, "tgkill"},
	{LIBC, "__tgkill"},
	{LIBC, "abort"},
	{LIBC, "__assert"},
	{LIBC, "__assert_fail"},
	{LIBC, "__assert_fail_base"},
	{LIBC, "__assert_perror_fail"},
	{LIBC, "__libc_fatal"},
	{LIBC, "__libc_message"},
	{LIBC, "__libc_message_impl"},
	{LIBC, "__fortify_fail"},
	{LIBC, "__fortify_fail_abort"},
	{LIBC, "__chk_fail"},
	{LIBC, "__stack_chk_fail"},
	{LIBC, "__stack_chk_fail_local"},
	{LIBC, "malloc_printerr"},
	{LIBC, "malloc_printerr_tail"},
	{LIBC, "malloc_consolidate"},
	{LIBC, "_int_free"},
	{LIBC, "_int_free_check"},
	{LIBSTDCXX, "__gnu_cxx::__verbose_terminate_handler"},
	{LIBSTDCXX, "__cxxabiv1::__terminate"},
	{LIBSTDCXX, "std::terminate"},
	{LIBSTDCXX, "__cxa_throw"},
	{LIBSTDCXX, "__cxxabiv1::__cxa_throw"},
	{LIBSTDCXX, "__cxa_rethrow"},
	{LIBSTDCXX, "__cxxabiv1::__cxa_rethrow"},
	{LIBSTDCXX, "__cxa_pure_virtual"},
	{LIBSTDCXX, "__cxxabiv1::__cxa_pure_virtual"},
};

static bool starts_with(struct snap_bytes bytes, const char *prefix)
{
	size_t len = strlen(prefix);
	return bytes.len >= len && memcmp(bytes.data, prefix, len) == 0;
}

bool snap_signature_is_libc(struct snap_bytes module)
{
	/* Before 2.34 the file was called libc-2.31.so, and libpthread was separate. */
	return starts_with(module, "libc.so") || starts_with(module, "libc-2.");
}

static bool is_of(struct snap_bytes module, enum library library)
{
	if (library == LIBSTDCXX)
		return starts_with(module, "libstdc++.so");
	return snap_signature_is_libc(module) || starts_with(module, "libpthread");
}

bool snap_signature_skips(const char *function, struct snap_bytes module, bool has_libc)
{
	for (size_t i = 0; i < ARRAY_LEN(skipped); i++)
		if (strcmp(function, skipped[i].function) == 0)
			return !has_libc || is_of(module, skipped[i].library);
	return false;
}

bool snap_signature_may_skip(struct snap_bytes module, bool has_libc)
{
	return !has_libc || is_of(module, LIBC) || is_of(module, LIBSTDCXX);
}

bool snap_signature_drops(const char *function)
{
	static const char *const names[] = {"_start", "start_thread", "clone", "clone3", "__clone",
		"__clone3", "__clone_internal"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(function, names[i]) == 0)
			return true;
	return strncmp(function, "__libc_start_", strlen("__libc_start_")) == 0;
}
