/*
 * Whether the program is built with a sanitizer, which takes address space without end.
 */
#ifndef SNAP_CAPTURE_SANITIZED_H
#define SNAP_CAPTURE_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SNAP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SNAP_SANITIZED 1
#endif
#endif
#ifndef SNAP_SANITIZED
#define SNAP_SANITIZED 0
#endif

#endif
