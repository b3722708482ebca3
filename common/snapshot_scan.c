#include "common/snapshot_scan.h"

#include <errno.h>
#include <stdio.h>

#include "common/crc32c.h"
#include "common/snapshot.h"
#include "common/wire.h"

/* SNAP_MAX_THREADS threads with registers and stacks fit. */
#define MAX_RECORDS 262144

const char *snap_integrity_name(enum snap_integrity integrity)
{
	static const char *const names[] = {"complete", "truncated", "corrupt", "unmarked"};
	return names[integrity];
}

/* Whether the number is one that another writer's snapshot may have on top level. */
static bool is_pigweed_number(uint32_t number)
{
	return number == 1 || (number >= SNAP_RECORD_METADATA && number <= 22);
}

/* Where the zeros at the end of the file start; its length if there are none. */
static size_t zeros_start(struct snap_bytes file)
{
	size_t off = file.len;
	while (off > 0 && file.data[off - 1] == 0)
		off--;
	return off;
}

static bool decode_checkpoint(
	struct snap_bytes payload, uint64_t *ret_off, uint32_t *ret_crc, bool *ret_final)
{
	struct snap_wire_field field;
	size_t off = 0;
	bool has_off = false, has_crc = false;
	int r;
	*ret_final = false;
	while ((r = snap_wire_next(payload, &off, &field)) > 0) {
		if (field.number == 1 && field.type == SNAP_WIRE_FIXED64) {
			*ret_off = field.value;
			has_off = true;
		} else if (field.number == 2 && field.type == SNAP_WIRE_FIXED32) {
			*ret_crc = (uint32_t)field.value;
			has_crc = true;
		} else if (field.number == 3 && field.type == SNAP_WIRE_VARINT) {
			/* Nothing vouches for this record itself: no other content is right. */
			if (field.value > 1)
				return false;
			*ret_final = field.value == 1;
		} else {
			return false;
		}
	}
	return r == 0 && has_off && has_crc;
}

/* Returns the version, 0 if the payload is no Header of ours. */
static uint32_t decode_header_version(struct snap_bytes payload)
{
	struct snap_wire_field field;
	size_t off = 0;
	bool has_magic = false;
	uint64_t version = 0;
	while (snap_wire_next(payload, &off, &field) > 0) {
		if (field.number == 1 && field.type == SNAP_WIRE_FIXED64)
			has_magic = field.value == SNAP_FORMAT_MAGIC;
		else if (field.number == 2 && field.type == SNAP_WIRE_VARINT)
			version = field.value;
	}
	return has_magic && version <= UINT32_MAX ? (uint32_t)version : 0;
}

struct scanner {
	struct snap_bytes file;
	struct snap_scan scan;
	size_t records_at_checkpoint;
	size_t last_off;  /* of the last readable record */
	size_t zeros_off; /* the file is all zeros from there on */
	size_t crc_off;	  /* crc is that of [0, crc_off) */
	uint32_t crc;
	size_t num_threads;
	bool plausible; /* a record seen that belongs into a snapshot */
};

static void fault(struct scanner *s, enum snap_integrity integrity, size_t off, const char *why)
{
	s->scan.integrity = integrity;
	s->scan.fault_off = off;
	(void)snprintf(s->scan.why, sizeof(s->scan.why), "%s", why);
	/* Of a damaged file only what a checkpoint vouches for is believed. */
	if (integrity == SNAP_INTEGRITY_CORRUPT && s->scan.has_header) {
		s->scan.readable_len = s->scan.checked_len;
		s->scan.num_records = s->records_at_checkpoint;
	}
}

/* The record in [off, end) is wrong: damaged, or never written to its end. */
static void fault_in_record(struct scanner *s, size_t off, size_t end, const char *why)
{
	if (end > s->zeros_off)
		fault(s, SNAP_INTEGRITY_TRUNCATED, off, "a tail of zeros");
	else
		fault(s, SNAP_INTEGRITY_CORRUPT, off, why);
}

static void accept(struct scanner *s, const struct snap_wire_field *field)
{
	s->scan.num_records++;
	s->scan.readable_len = field->end;
	s->last_off = field->off;
}

/* Returns true when the scan is over. */
static bool scan_checkpoint(struct scanner *s, const struct snap_wire_field *field)
{
	uint64_t off = 0;
	uint32_t crc = 0;
	bool final = false;
	if (field->type != SNAP_WIRE_BYTES ||
		!decode_checkpoint(field->payload, &off, &crc, &final)) {
		fault_in_record(s, field->off, field->end, "broken checkpoint");
		return true;
	}
	s->crc = snap_crc32c(s->crc, s->file.data + s->crc_off, field->off - s->crc_off);
	s->crc_off = field->off;
	if (off != field->off || crc != s->crc) {
		fault_in_record(s, field->off, field->end,
			off != field->off ? "checkpoint of another place" : "wrong checksum");
		return true;
	}
	accept(s, field);
	s->scan.num_checkpoints++;
	s->scan.checked_len = field->end;
	s->records_at_checkpoint = s->scan.num_records;
	if (!final)
		return false;
	if (field->end == s->file.len) {
		s->scan.integrity = SNAP_INTEGRITY_COMPLETE;
		s->scan.why[0] = '\0';
	} else {
		fault(s, SNAP_INTEGRITY_CORRUPT, field->end, "data after the final checkpoint");
	}
	return true;
}

/* No valid field at off. */
static void scan_no_field(struct scanner *s, size_t off)
{
	/* A tag has at most 5 bytes; one of which the rest is zeros may have been any. */
	size_t tag_end = s->file.len - off < 5 ? s->file.len : off + 5;
	fault_in_record(s, off, tag_end, "no valid record");
	/* The zeros may have begun within the record before: then that one isn't whole. */
	if (s->scan.integrity == SNAP_INTEGRITY_TRUNCATED && s->scan.readable_len == off &&
		off > s->zeros_off && off > s->scan.checked_len) {
		s->scan.readable_len = s->scan.fault_off = s->last_off;
		s->scan.num_records--;
	}
}

/*
 * Whether a checkpoint stands where no record starts: a wrong length has led the scan over it, so
 * what looks like records since the last valid one may be the insides of others. A checkpoint tells
 * its own place, so that no other bytes can be taken for one but on purpose. (Looked at without its
 * tag, which may be what is wrong; ours have a fixed size.)
 */
static bool find_skipped_checkpoint(const struct scanner *s, size_t *ret)
{
	enum { OFFSET = 4, CRC = 12 };
	const uint8_t *data = s->file.data, *found;
	size_t at = s->scan.checked_len + OFFSET - 1;
	while (at + CRC < s->file.len &&
		(found = memchr(data + at, 0x09, s->file.len - CRC - at)) != NULL) {
		size_t start = (size_t)(found - data) - (OFFSET - 1);
		uint64_t off = 0;
		for (size_t i = 8; i-- > 0;)
			off = off << 8 | found[1 + i];
		if (off == start && found[9] == 0x15 && start != s->scan.fault_off) {
			*ret = start;
			return true;
		}
		at = (size_t)(found - data) + 1;
	}
	return false;
}

static int scan_records(struct scanner *s, struct snap_error *err)
{
	struct snap_wire_field field;
	size_t off = 0;
	int r;

	while ((r = snap_wire_next(s->file, &off, &field)) > 0) {
		if (field.end - field.off > SNAP_MAX_RECORD_BYTES)
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"record at offset %zu has %zu bytes, more than %u", field.off,
				field.end - field.off, SNAP_MAX_RECORD_BYTES);
		if (s->scan.num_records == MAX_RECORDS)
			return snap_error_set(
				err, SNAP_ERROR_LIMIT, "more than %d records", MAX_RECORDS);
		if (field.number == SNAP_RECORD_THREAD && ++s->num_threads > SNAP_MAX_THREADS)
			return snap_error_set(
				err, SNAP_ERROR_LIMIT, "more than %d threads", SNAP_MAX_THREADS);
		if (field.off == 0 && field.number == SNAP_RECORD_HEADER &&
			field.type == SNAP_WIRE_BYTES) {
			uint32_t version = decode_header_version(field.payload);
			if (version > SNAP_FORMAT_VERSION)
				return snap_error_set(err, SNAP_ERROR_UNSUPPORTED,
					"format version %u is newer than %d, the latest known",
					version, SNAP_FORMAT_VERSION);
			s->scan.has_header = version != 0;
			s->plausible = true;
			if (version == 0) {
				fault_in_record(s, 0, field.end, "broken header");
				return 0;
			}
		} else if (field.number == SNAP_RECORD_HEADER) {
			fault_in_record(s, field.off, field.end, "header in the middle");
			return 0;
		} else if (field.number == SNAP_RECORD_CHECKPOINT) {
			if (!s->scan.has_header) {
				s->scan.readable_len = s->scan.num_records = 0;
				fault(s, SNAP_INTEGRITY_CORRUPT, 0, "checkpoint without a header");
				s->plausible = true;
				return 0;
			}
			if (scan_checkpoint(s, &field))
				return 0;
			continue;
		} else if (is_pigweed_number(field.number) && field.type == SNAP_WIRE_BYTES) {
			s->plausible = true;
		}
		accept(s, &field);
	}

	if (r == -EBADMSG)
		scan_no_field(s, off);
	else if (r == -ENODATA)
		fault(s, SNAP_INTEGRITY_TRUNCATED, off, "the file ends within a record");
	else if (s->scan.has_header)
		fault(s, SNAP_INTEGRITY_TRUNCATED, s->file.len, "no final checkpoint");
	else
		fault(s, SNAP_INTEGRITY_UNMARKED, 0,
			"another program wrote it, without checksums that would tell whether it is whole");
	size_t skipped;
	if (find_skipped_checkpoint(s, &skipped)) {
		s->scan.readable_len = s->scan.checked_len;
		s->scan.num_records = s->records_at_checkpoint;
		fault(s, SNAP_INTEGRITY_CORRUPT, skipped, "a checkpoint inside of another record");
	}
	return 0;
}

int snap_snapshot_scan(struct snap_bytes file, struct snap_scan *ret, struct snap_error *err)
{
	struct scanner s = {.file = file, .zeros_off = file.len};
	if (file.len > SNAP_MAX_FILE_BYTES)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"%zu bytes, more than the %u that a snapshot may have", file.len,
			SNAP_MAX_FILE_BYTES);
	s.zeros_off = zeros_start(file);
	if (scan_records(&s, err) < 0)
		return -1;
	/* A file cut within its header still has the header's tag. */
	static const uint8_t header_tag[] = {0xc2, 0x40};
	if (!s.plausible &&
		(file.len == 0 || memcmp(file.data, header_tag, file.len < 2 ? file.len : 2) != 0))
		return snap_error_set(
			err, SNAP_ERROR_MALFORMED, "it is neither a snapshot nor an ELF core");
	*ret = s.scan;
	return 0;
}
