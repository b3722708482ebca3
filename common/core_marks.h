/*
 * What an ELF core that was made of a snapshot says in terms of our own, which debuggers pass over.
 */
#ifndef SNAP_COMMON_CORE_MARKS_H
#define SNAP_COMMON_CORE_MARKS_H

/* The name of our notes. All numbers in them are of eight bytes, in the core's byte order. */
#define SNAP_NOTE_NAME "SNAPCRASH"

/*
 * Ranges of memory that were not captured: [start, end) of each. They were read from the modules'
 * files, or made up (the dynamic linker's list of modules, ELF headers that carry nothing but a
 * build ID).
 */
#define SNAP_NOTE_SYNTHETIC 0x534e4101u

/*
 * All mappings, whatever of them was captured: [start, end) and permissions (PF_R, PF_W, PF_X of
 * p_flags) of each, ascending. The core's PT_LOADs then only say which bytes there are.
 */
#define SNAP_NOTE_MAPPINGS 0x534e4102u

/*
 * As NT_FILE, but with all mappings of files: where a core has it, NT_FILE lacks those that a
 * reader should not look up in the file, since the process may have changed them.
 */
#define SNAP_NOTE_FILES 0x534e4103u

#endif
