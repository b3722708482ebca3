/*
 * From a linker's name to the one in the source.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_DEMANGLE_H
#define SNAP_ANALYZE_SYMBOLS_DEMANGLE_H

#include <stdbool.h>

/*
 * The demangled form of a C++ (Itanium ABI) or Rust (legacy, v0) name, without the function's own
 * parameters and return type, a clone's mark ("[clone .cold]") kept: as debuggers name functions
 * in a backtrace; and of a Fortran module's procedure, as gfortran calls it: m::work for
 * __m_MOD_work. NULL if raw is no mangled name; else the caller frees it.
 */
char *snap_demangle(const char *raw);

/* The same with parameters and return type, as addr2line -C and c++filt have it: not Fortran's. */
char *snap_demangle_whole(const char *raw);

/* Whether raw is what gfortran calls something of a module. */
bool snap_demangle_is_fortran(const char *raw);

#endif
