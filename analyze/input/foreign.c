#include "analyze/input/foreign.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static bool begins_with(struct snap_bytes bytes, struct snap_bytes with)
{
	return bytes.len >= with.len && memcmp(bytes.data, with.data, with.len) == 0;
}

#define MACH_O	 "is a Mach-O file (of macOS), not an ELF core"
#define MINIDUMP "is a minidump (of Windows, Breakpad or Crashpad), not an ELF core"
#define VMCORE	 "is a kernel's memory dump (vmcore), not a process's core"
#define MAGIC(text, words)                                                                         \
	{                                                                                          \
		{(const uint8_t *)(text), sizeof(text) - 1}, words                                 \
	}

const char *snap_foreign_file(struct snap_bytes start)
{
	static const struct {
		struct snap_bytes magic;
		const char *words;
	} known[] = {
		MAGIC("MDMP\x93\xa7", MINIDUMP),
		MAGIC("PAGEDU64", "is a memory dump of Windows, not an ELF core"),
		MAGIC("PAGEDUMP", "is a memory dump of Windows, not an ELF core"),
		/* <mach-o/loader.h>: both byte orders of 32 and 64 bits; <mach-o/fat.h>. */
		MAGIC("\xfe\xed\xfa\xce", MACH_O),
		MAGIC("\xce\xfa\xed\xfe", MACH_O),
		MAGIC("\xfe\xed\xfa\xcf", MACH_O),
		MAGIC("\xcf\xfa\xed\xfe", MACH_O),
		MAGIC("\xca\xfe\xba\xbe", MACH_O),
		/* As makedumpfile writes them. */
		MAGIC("KDUMP   ", VMCORE),
		MAGIC("makedumpfile", VMCORE),
		MAGIC("*** *** *** ***", "is a tombstone of Android (text), not an ELF core"),
		MAGIC("ProblemType: ", "is an apport report (text), not the core within it"),
		MAGIC("JAVA PROFILE ", "is a heap dump of a Java machine, not an ELF core"),
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (begins_with(start, known[i].magic))
			return known[i].words;
	return NULL;
}

const char *snap_foreign_osabi(uint8_t osabi)
{
	switch (osabi) {
	case ELFOSABI_HPUX:
		return "is a core of HP-UX, not of Linux";
	case ELFOSABI_NETBSD:
		return "is a core of NetBSD, not of Linux";
	case ELFOSABI_SOLARIS:
		return "is a core of Solaris, not of Linux";
	case ELFOSABI_AIX:
		return "is a core of AIX, not of Linux";
	case ELFOSABI_IRIX:
		return "is a core of IRIX, not of Linux";
	case ELFOSABI_FREEBSD:
		return "is a core of FreeBSD, not of Linux";
	case ELFOSABI_TRU64:
		return "is a core of Tru64, not of Linux";
	case ELFOSABI_OPENBSD:
		return "is a core of OpenBSD, not of Linux";
	default:
		/* Many machines put numbers of their own here. */
		return NULL;
	}
}

const char *snap_foreign_note(struct snap_bytes name, uint32_t type)
{
	/* Threads have theirs appended, as in "NetBSD-CORE@2". */
	static const struct {
		struct snap_bytes name;
		const char *words;
	} known[] = {
		MAGIC("FreeBSD", "is a core of FreeBSD, not of Linux"),
		MAGIC("DragonFly", "is a core of DragonFly BSD, not of Linux"),
		MAGIC("NetBSD-CORE", "is a core of NetBSD, not of Linux"),
		MAGIC("OpenBSD", "is a core of OpenBSD, not of Linux"),
		MAGIC("QNX", "is a core of QNX, not of Linux"),
		MAGIC("Haiku", "is a core of Haiku, not of Linux"),
		MAGIC("VMCOREINFO", VMCORE),
		MAGIC("QEMU", "is a virtual machine's memory dump, not a process's core"),
		MAGIC("Xen", "is a virtual machine's memory dump, not a process's core"),
		MAGIC(".note.Xen", "is a virtual machine's memory dump, not a process's core"),
	};
	/* Solaris has Linux's name, and types that Linux never writes (core(5) there). */
	if (snap_bytes_equal_str(name, "CORE") &&
		(type == NT_PSTATUS || type == NT_PSINFO || type == NT_LWPSTATUS))
		return snap_foreign_osabi(ELFOSABI_SOLARIS);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (begins_with(name, known[i].name))
			return known[i].words;
	return NULL;
}
