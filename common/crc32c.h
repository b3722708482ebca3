/*
 * CRC32C (Castagnoli), the checksum of RFC 3720 appendix B.4: polynomial 0x1edc6f41, reflected,
 * initial value and final complement 0xffffffff.
 */
#ifndef SNAP_COMMON_CRC32C_H
#define SNAP_COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of some bytes followed by data[0 .. len), crc being that of the former (0 for
 * none). No allocation; usable at crash time.
 */
uint32_t snap_crc32c(uint32_t crc, const void *data, size_t len);

/* The same where the processor has no instruction for it. */
uint32_t snap_crc32c_by_table(uint32_t crc, const void *data, size_t len);

#endif
