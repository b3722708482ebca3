/*
 * Function names in the form that signatures use: what differs between builds of the same source
 * is taken off.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_NAME_H
#define SNAP_ANALYZE_SIGNATURE_NAME_H

/*
 * Template arguments become "<T>" (a Rust "<X as Trait>" stays), lambdas "{lambda}", anonymous
 * namespaces "(anonymous namespace)"; clone suffixes (".constprop.0", "[clone .cold]"), symbol
 * versions
 * ("@GLIBC_2.2.5"), "[abi:cxx11]", Rust's hashes and "__GI_" go, as does "__libc_" of the
 * allocator's functions, and what kind of processor a function of strings is for ("__strlen_avx2").
 * Valid UTF-8 whatever name holds. Free the result; NULL if memory is exhausted.
 */
char *snap_signature_name(const char *name);

#endif
