#include "common/snapshot_read.h"

#include <errno.h>
#include <stdio.h>

#include "common/crc32c.h"
#include "common/wire.h"
#include "proto/snapshot.pb-c.h"

/* Records of one file, and bytes that unpacking them may take beyond the file's own size (their
 * bytes are copied): SNAP_MAX_THREADS threads with registers and stacks fit, and a hostile file of
 * a few MiB can't take more. */
#define MAX_RECORDS	 262144
#define MAX_UNPACK_BYTES (48u << 20)

const char *snap_integrity_name(enum snap_integrity integrity)
{
	static const char *const names[] = {"complete", "truncated", "corrupt", "unmarked"};
	return names[integrity];
}

/* ---------------------------------------------------------------- integrity */

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
			"no header: not written by Snapcrash, nothing vouches for it");
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

/* ---------------------------------------------------------------- records */

void snap_reader_init(struct snap_reader *reader, struct snap_bytes file, size_t len)
{
	reader->file = snap_bytes(file.data, len);
	reader->off = 0;
	snap_arena_init(&reader->arena, MAX_UNPACK_BYTES + len);
}

void snap_reader_deinit(struct snap_reader *reader)
{
	snap_arena_deinit(&reader->arena);
}

/* protobuf-c unpacks nested messages by recursion without a limit: look before it does. */
static bool nesting_allowed(
	struct snap_bytes message, const ProtobufCMessageDescriptor *descriptor, unsigned int depth)
{
	struct snap_wire_field field;
	size_t off = 0;
	while (snap_wire_next(message, &off, &field) > 0) {
		const ProtobufCFieldDescriptor *known =
			protobuf_c_message_descriptor_get_field(descriptor, field.number);
		if (!known || known->type != PROTOBUF_C_TYPE_MESSAGE ||
			field.type != SNAP_WIRE_BYTES)
			continue;
		if (depth + 1 > SNAP_MAX_NESTING ||
			!nesting_allowed(field.payload, known->descriptor, depth + 1))
			return false;
	}
	return true;
}

static void *arena_alloc(void *arena, size_t len)
{
	return snap_arena_alloc(arena, len);
}

static void arena_free(void *arena, void *pointer)
{
	/* It all ends with the arena. */
	(void)arena;
	(void)pointer;
}

static struct snap_bytes from_string(const char *s)
{
	return snap_bytes_str(s);
}

#define FROM_BYTES(m, field)                                                                       \
	((m)->has_##field ? snap_bytes((m)->field.data ? (const void *)(m)->field.data : "",       \
				    (m)->field.len)                                                \
			  : snap_bytes(NULL, 0))

#define GET(out, field, m, source)                                                                 \
	do {                                                                                       \
		(out)->has_##field = (m)->has_##source;                                            \
		(out)->field = (m)->source;                                                        \
	} while (0)

static void from_header(const Snapcrash__Header *m, struct snap_header *out)
{
	out->format_version = m->format_version;
	out->writer = from_string(m->writer);
}

static void from_metadata(const Snapcrash__Metadata *m, struct snap_metadata *out)
{
	out->reason = FROM_BYTES(m, reason);
	GET(out, fatal, m, fatal);
	out->project_name = FROM_BYTES(m, project_name);
	out->software_version = from_string(m->software_version);
	out->software_build_uuid = FROM_BYTES(m, software_build_uuid);
	out->device_name = FROM_BYTES(m, device_name);
	out->snapshot_uuid = FROM_BYTES(m, snapshot_uuid);
	out->has_cpu_arch = m->has_cpu_arch;
	out->cpu_arch = (uint32_t)m->cpu_arch;
}

static void from_tag(const Snapcrash__Snapshot__TagsEntry *m, struct snap_tag *out)
{
	out->key = from_string(m->key ? m->key : "");
	out->value = from_string(m->value ? m->value : "");
}

static void from_raw_tag(const Snapcrash__RawTag *m, struct snap_tag *out)
{
	out->key = FROM_BYTES(m, key);
	out->value = FROM_BYTES(m, value);
}

static bool from_thread(
	const Snapcrash__Thread *m, struct snap_arena *arena, struct snap_thread *out)
{
	out->has_tid = m->has_id;
	out->tid = m->id;
	out->name = FROM_BYTES(m, name);
	out->has_state = m->has_state;
	out->state = (uint32_t)m->state;
	const Snapcrash__LinuxThread *l = m->linux_thread;
	if (!l)
		return true;
	if (l->has_comm)
		out->name = FROM_BYTES(l, comm);
	struct snap_regset *regsets = snap_arena_alloc(arena, l->n_regsets * sizeof(*regsets));
	if (!regsets)
		return false;
	for (size_t i = 0; i < l->n_regsets; i++) {
		regsets[i].type = l->regsets[i]->type;
		regsets[i].data = FROM_BYTES(l->regsets[i], data);
	}
	out->regsets = regsets;
	out->num_regsets = l->n_regsets;
	return true;
}

static void from_process(const Snapcrash__Process *m, struct snap_process *out)
{
	GET(out, pid, m, pid);
	GET(out, uid, m, uid);
	GET(out, gid, m, gid);
	out->comm = FROM_BYTES(m, comm);
	out->exe = FROM_BYTES(m, exe);
	GET(out, exe_deleted, m, exe_deleted);
	out->cmdline = FROM_BYTES(m, cmdline);
	out->has_uptime = m->has_uptime_ms;
	out->uptime_ms = m->uptime_ms;
	GET(out, dumpable, m, dumpable);
	GET(out, rlimit_core, m, rlimit_core);
	out->has_elf = m->has_elf_machine && m->has_elf_class && m->has_elf_data;
	out->elf_machine = m->elf_machine;
	out->elf_class = m->elf_class;
	out->elf_data = m->elf_data;
	out->auxv = FROM_BYTES(m, auxv);
	GET(out, identity_unverified, m, identity_unverified);
	GET(out, num_threads, m, num_threads);
}

static void from_signal(const Snapcrash__Signal *m, struct snap_signal *out)
{
	GET(out, signo, m, signo);
	GET(out, code, m, code);
	GET(out, tid, m, tid);
	GET(out, address, m, address);
	out->has_sender = m->has_sender_pid && m->has_sender_uid;
	out->sender_pid = m->sender_pid;
	out->sender_uid = m->sender_uid;
	out->siginfo = FROM_BYTES(m, siginfo);
}

static void from_mapping(const Snapcrash__Mapping *m, struct snap_mapping *out)
{
	out->start = m->start;
	out->end = m->end;
	out->file_offset = m->file_offset;
	GET(out, permissions, m, permissions);
	out->path = FROM_BYTES(m, path);
	out->deleted = m->deleted;
	out->has_device = m->has_device_major && m->has_device_minor && m->has_inode;
	out->device_major = m->device_major;
	out->device_minor = m->device_minor;
	out->inode = m->inode;
}

static void from_module(const Snapcrash__Module *m, struct snap_module *out)
{
	out->start = m->start;
	out->end = m->end;
	if (m->has_build_id && m->build_id.len > 0 && m->build_id.len <= SNAP_MAX_BUILD_ID)
		out->build_id = FROM_BYTES(m, build_id);
	else if (m->has_build_id)
		out->build_id_status = SNAP_BUILD_ID_MALFORMED;
	else
		out->build_id_status = m->has_build_id_status ? (uint32_t)m->build_id_status
							      : SNAP_BUILD_ID_NO_NOTE;
	GET(out, load_bias, m, load_bias);
	out->path = FROM_BYTES(m, path);
	out->deleted = m->deleted;
}

static void from_system(const Snapcrash__System *m, struct snap_system *out)
{
	out->sysname = from_string(m->sysname);
	out->release = from_string(m->release);
	out->version = from_string(m->version);
	out->machine = from_string(m->machine);
	out->os = from_string(m->os);
}

static void from_capture(const Snapcrash__Capture *m, struct snap_capture *out)
{
	out->has_method = m->has_method;
	out->method = (uint32_t)m->method;
	out->has_time = m->has_time_s;
	out->time_s = m->time_s;
	out->time_ns = m->time_ns;
	out->has_hold_time = m->has_hold_time_ns;
	out->hold_time_ns = m->hold_time_ns;
	out->has_pause_time = m->has_pause_time_ns;
	out->pause_time_ns = m->pause_time_ns;
}

static void from_omission(const Snapcrash__Omission *m, struct snap_omission *out)
{
	out->what = (uint32_t)m->what;
	out->why = (uint32_t)m->why;
	GET(out, tid, m, tid);
	out->has_range = m->has_address && m->has_bytes;
	out->address = m->address;
	out->bytes = m->bytes;
	GET(out, count, m, count);
	GET(out, error, m, error);
}

/* By hand, because unpacking would copy the bytes: they are most of the file. */
static bool decode_memory(struct snap_bytes payload, struct snap_memory_range *out)
{
	struct snap_wire_field field;
	size_t off = 0;
	int r;
	while ((r = snap_wire_next(payload, &off, &field)) > 0) {
		if (field.number == 2 && field.type == SNAP_WIRE_BYTES)
			out->data = field.payload;
		if (field.type != SNAP_WIRE_VARINT)
			continue;
		if (field.number == 1)
			out->address = field.value;
		else if (field.number == 3)
			out->reason = (uint32_t)field.value;
		else if (field.number == 4) {
			out->has_tid = true;
			out->tid = field.value;
		}
	}
	/* A range may end at the very top of the address space, but not go round it. */
	return r == 0 && (out->data.len == 0 || out->data.len - 1 <= UINT64_MAX - out->address);
}

/* The message type of the records that are unpacked. */
static const ProtobufCMessageDescriptor *record_descriptor(uint32_t number)
{
	switch (number) {
	case SNAP_RECORD_METADATA:
		return &snapcrash__metadata__descriptor;
	case SNAP_RECORD_TAG:
		return &snapcrash__snapshot__tags_entry__descriptor;
	case SNAP_RECORD_THREAD:
		return &snapcrash__thread__descriptor;
	case SNAP_RECORD_HEADER:
		return &snapcrash__header__descriptor;
	case SNAP_RECORD_PROCESS:
		return &snapcrash__process__descriptor;
	case SNAP_RECORD_SIGNAL:
		return &snapcrash__signal__descriptor;
	case SNAP_RECORD_MAPPING:
		return &snapcrash__mapping__descriptor;
	case SNAP_RECORD_MODULE:
		return &snapcrash__module__descriptor;
	case SNAP_RECORD_SYSTEM:
		return &snapcrash__system__descriptor;
	case SNAP_RECORD_CAPTURE:
		return &snapcrash__capture__descriptor;
	case SNAP_RECORD_OMISSION:
		return &snapcrash__omission__descriptor;
	case SNAP_RECORD_RAW_TAG:
		return &snapcrash__raw_tag__descriptor;
	default:
		return NULL;
	}
}

static bool convert(const ProtobufCMessage *m, struct snap_arena *arena, struct snap_record *record)
{
	switch (record->number) {
	case SNAP_RECORD_METADATA:
		from_metadata((const Snapcrash__Metadata *)m, &record->u.metadata);
		break;
	case SNAP_RECORD_TAG:
		from_tag((const Snapcrash__Snapshot__TagsEntry *)m, &record->u.tag);
		break;
	case SNAP_RECORD_THREAD:
		return from_thread((const Snapcrash__Thread *)m, arena, &record->u.thread);
	case SNAP_RECORD_HEADER:
		from_header((const Snapcrash__Header *)m, &record->u.header);
		break;
	case SNAP_RECORD_PROCESS:
		from_process((const Snapcrash__Process *)m, &record->u.process);
		break;
	case SNAP_RECORD_SIGNAL:
		from_signal((const Snapcrash__Signal *)m, &record->u.signal);
		break;
	case SNAP_RECORD_MAPPING:
		from_mapping((const Snapcrash__Mapping *)m, &record->u.mapping);
		break;
	case SNAP_RECORD_MODULE:
		from_module((const Snapcrash__Module *)m, &record->u.module);
		break;
	case SNAP_RECORD_SYSTEM:
		from_system((const Snapcrash__System *)m, &record->u.system);
		break;
	case SNAP_RECORD_CAPTURE:
		from_capture((const Snapcrash__Capture *)m, &record->u.capture);
		break;
	case SNAP_RECORD_OMISSION:
		from_omission((const Snapcrash__Omission *)m, &record->u.omission);
		break;
	case SNAP_RECORD_RAW_TAG:
		from_raw_tag((const Snapcrash__RawTag *)m, &record->u.tag);
		break;
	}
	return true;
}

static int decode_record(
	struct snap_reader *reader, struct snap_record *record, struct snap_error *err)
{
	const ProtobufCMessageDescriptor *descriptor = record_descriptor(record->number);
	bool by_hand = record->number == SNAP_RECORD_MEMORY || record->number == SNAP_RECORD_NOTE ||
		       record->number == SNAP_RECORD_RELATED;
	bool ok = record->is_bytes;
	if (!ok && by_hand) {
		/* Said below. */
	} else if (record->number == SNAP_RECORD_MEMORY) {
		ok = decode_memory(record->payload, &record->u.memory);
	} else if (record->number == SNAP_RECORD_NOTE) {
		record->u.note = record->payload;
	} else if (record->number == SNAP_RECORD_RELATED) {
		/* Kept whole, but not deeper than anyone would unpack it. */
		if (!nesting_allowed(record->payload, &snapcrash__snapshot__descriptor, 1))
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"related snapshots nested deeper than %d at offset %zu",
				SNAP_MAX_NESTING, record->off);
		return 0;
	} else if (descriptor) {
		if (!ok || !nesting_allowed(record->payload, descriptor, 1))
			return snap_error_set(err, SNAP_ERROR_MALFORMED,
				"record %u at offset %zu is not of its type or nested too deep",
				record->number, record->off);
		ProtobufCAllocator allocator = {arena_alloc, arena_free, &reader->arena};
		const ProtobufCMessage *m = protobuf_c_message_unpack(
			descriptor, &allocator, record->payload.len, record->payload.data);
		ok = m && convert(m, &reader->arena, record);
		if (!ok && reader->arena.exhausted)
			return snap_error_set(err, SNAP_ERROR_LIMIT,
				"unpacking takes more than %zu bytes", reader->arena.limit);
	} else {
		return 0;
	}
	if (!ok)
		return snap_error_set(err, SNAP_ERROR_MALFORMED,
			"record %u at offset %zu does not decode", record->number, record->off);
	record->decoded = true;
	return 0;
}

int snap_reader_next(struct snap_reader *reader, struct snap_record *ret, struct snap_error *err)
{
	struct snap_wire_field field;
	int r = snap_wire_next(reader->file, &reader->off, &field);
	if (r <= 0) {
		/* The scan went over the same bytes: they can only end here. */
		return 0;
	}
	struct snap_record record = {
		.number = field.number,
		.off = field.off,
		.end = field.end,
		.is_bytes = field.type == SNAP_WIRE_BYTES,
		.payload = field.payload,
		.value = field.value,
	};
	if (decode_record(reader, &record, err) < 0)
		return -1;
	*ret = record;
	return 1;
}
