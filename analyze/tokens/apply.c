#include "analyze/tokens/apply.h"

#include "analyze/symbols/object.h"
#include "analyze/tokens/fields.h"
#include "analyze/tokens/summary.h"

/* Pigweed's CpuArchitecture: from RV64E on, a long has 64 bits. */
#define CPU_ARCH_RV64E 6

/* Of what pw_log_tokenized adds to a message so much is kept. */
#define MAX_FIELDS 16

struct stage {
	struct snap_crash *crash;
	struct snap_detokeniser *detokeniser;
	struct snap_token_summary summary;
	/* The log's clock at the entry before. */
	bool has_ticks;
	int64_t ticks;
};

static unsigned int word_bits(const struct snap_crash *crash)
{
	enum { ELF_CLASS_64 = 2 };
	if (crash->metadata.has_cpu_arch && crash->metadata.cpu_arch != 0)
		return crash->metadata.cpu_arch >= CPU_ARCH_RV64E ? 64 : 32;
	return crash->process.has_elf && crash->process.elf_class == ELF_CLASS_64 ? 64 : 32;
}

struct snap_detokeniser *snap_detokeniser_create_for(
	const struct snap_crash *crash, const struct snap_tokens *tokens)
{
	return snap_detokeniser_create(tokens, word_bits(crash), !crash->device.is_device);
}

static int replace_quietly(struct stage *s, struct snap_bytes *field, struct snap_detokenised *ret,
	struct snap_error *err)
{
	if (snap_detokenise(s->detokeniser, *field, &s->crash->arena, ret, err) < 0)
		return -1;
	if (ret->kind != SNAP_TOKEN_NONE)
		*field = ret->text;
	return 0;
}

static int replace(struct stage *s, struct snap_bytes *field, struct snap_detokenised *ret,
	struct snap_error *err)
{
	if (replace_quietly(s, field, ret, err) < 0)
		return -1;
	snap_token_summary_add(&s->summary, ret);
	return 0;
}

/* The message itself of a text with fields, or all of the text. */
static struct snap_bytes message_of(struct snap_bytes text)
{
	struct snap_bytes key, value;
	for (size_t off = 0; snap_log_field_next(text, &off, &key, &value);)
		if (snap_bytes_equal_str(key, "msg"))
			return value;
	return text;
}

/* ---------------------------------------------------------------- log */

/* On the log's clock; what is relative to an entry whose time is not known has none. */
static void add_up(struct stage *s, const struct snap_log *log, struct snap_log_facts *facts)
{
	if (log->has_timestamp) {
		s->has_ticks = true;
		s->ticks = log->timestamp;
	} else if (log->has_time_since_last) {
		s->has_ticks = s->has_ticks &&
			       !__builtin_add_overflow(s->ticks, log->time_since_last, &s->ticks);
	} else {
		/* What only tells that others were lost came at no time of its own. */
		if (log->message.len > 0)
			s->has_ticks = false;
		return;
	}
	facts->has_ticks = s->has_ticks;
	facts->ticks = s->ticks;
}

/*
 * Where the entry has a place for the field, it is put there; else it is told besides. *has_module:
 * the entry's own is known.
 */
static bool place_field(struct snap_log *log, const struct snap_log_field *field, bool *has_module)
{
	if (snap_bytes_equal_str(field->key, "msg")) {
		log->message = field->value;
	} else if (snap_bytes_equal_str(field->key, "module") && !*has_module) {
		log->module = field->value;
		*has_module = true;
	} else if (snap_bytes_equal_str(field->key, "file") && log->file.len == 0) {
		log->file = field->value;
	} else {
		return false;
	}
	return true;
}

static int split(struct stage *s, struct snap_log *log, bool *has_module,
	struct snap_log_facts *facts, struct snap_error *err)
{
	struct snap_log_field field, rest[MAX_FIELDS];
	struct snap_bytes text = log->message;
	size_t num = 0;
	for (size_t off = 0; snap_log_field_next(text, &off, &field.key, &field.value);) {
		if (!place_field(log, &field, has_module) && num < MAX_FIELDS)
			rest[num++] = field;
	}
	if (num == 0)
		return 0;
	struct snap_log_field *fields = snap_arena_alloc(&s->crash->arena, num * sizeof(*fields));
	if (!fields)
		return snap_error_no_memory(err);
	memcpy(fields, rest, num * sizeof(*fields));
	facts->fields = fields;
	facts->num_fields = num;
	return 0;
}

static int detokenise_log(struct stage *s, struct snap_log *log, bool is_of_device,
	struct snap_log_facts *facts, struct snap_error *err)
{
	struct snap_detokenised module, other;
	struct snap_bytes before = log->message;
	if (replace(s, &log->message, &facts->message, err) < 0 ||
		replace_quietly(s, &log->module, &module, err) < 0 ||
		replace(s, &log->file, &other, err) < 0 ||
		replace(s, &log->thread, &other, err) < 0)
		return -1;
	bool has_module = log->module.len > 0 && module.kind != SNAP_TOKEN_UNKNOWN;
	if ((is_of_device || facts->message.kind != SNAP_TOKEN_NONE) &&
		split(s, log, &has_module, facts, err) < 0)
		return -1;
	for (size_t i = 0; i < facts->message.num_others; i++)
		facts->message.others[i] = message_of(facts->message.others[i]);
	/* Which token it was matters to nobody where the message has its name. */
	if (!has_module || module.kind != SNAP_TOKEN_UNKNOWN)
		snap_token_summary_add(&s->summary, &module);
	if (!snap_bytes_equal(before, log->message))
		facts->raw = before;
	return 0;
}

static int do_logs(struct stage *s, bool is_of_device, struct snap_error *err)
{
	struct snap_crash *crash = s->crash;
	struct snap_log_facts *facts =
		snap_arena_alloc(&crash->arena, crash->num_logs * sizeof(*facts));
	if (!facts)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < crash->num_logs; i++) {
		add_up(s, &crash->logs[i], &facts[i]);
		if (s->detokeniser &&
			detokenise_log(s, &crash->logs[i], is_of_device, &facts[i], err) < 0)
			return -1;
	}
	crash->log_facts = facts;
	return 0;
}

/* ---------------------------------------------------------------- the rest */

static int do_names(struct stage *s, struct snap_error *err)
{
	struct snap_metadata *metadata = &s->crash->metadata;
	struct snap_detokenised how;
	if (replace(s, &metadata->reason, &how, err) < 0 ||
		replace(s, &metadata->project_name, &how, err) < 0 ||
		replace(s, &metadata->device_name, &how, err) < 0)
		return -1;
	metadata->reason = message_of(metadata->reason);
	for (size_t i = 0; i < s->crash->num_threads; i++)
		if (replace(s, &s->crash->threads[i].record.name, &how, err) < 0)
			return -1;
	return 0;
}

/* Whether some entry tells its time by the one before. */
static bool has_relative_times(const struct snap_crash *crash)
{
	for (size_t i = 0; i < crash->num_logs; i++)
		if (!crash->logs[i].has_timestamp && crash->logs[i].has_time_since_last)
			return true;
	return false;
}

/* ---------------------------------------------------------------- the firmware's own tokens */

static int note_unread(
	struct snap_crash *crash, const struct snap_error *why, struct snap_error *err)
{
	const char *text =
		snap_crash_format(crash, "the firmware's tokens were not all read: %s", why->text);
	return text ? snap_crash_note(crash, snap_bytes_str(text), err) : snap_error_no_memory(err);
}

/* *ret: those in files of the crash's modules, before tokens; NULL: there are none. To be
 * destroyed. */
static int find_firmware(struct snap_crash *crash, const struct snap_tokens *tokens,
	struct snap_tokens **ret, struct snap_error *err)
{
	struct snap_tokens *found = NULL;
	for (size_t i = 0; i < crash->num_modules; i++) {
		struct snap_error why = SNAP_ERROR_INIT;
		if (!crash->modules[i].object)
			continue;
		if (!found && !(found = snap_tokens_create(tokens)))
			return snap_error_no_memory(err);
		if (snap_object_add_tokens(crash->modules[i].object, found, &why) < 0 &&
			(why.code == SNAP_ERROR_NO_MEMORY || note_unread(crash, &why, err) < 0)) {
			snap_tokens_destroy(found);
			return snap_error_no_memory(err);
		}
	}
	if (found && snap_tokens_count(found) == 0) {
		snap_tokens_destroy(found);
		found = NULL;
	}
	if (found)
		snap_tokens_finish(found);
	*ret = found;
	return 0;
}

/* ---------------------------------------------------------------- all of it */

static int detokenise_all(struct snap_crash *crash, const struct snap_tokens *tokens,
	bool is_of_device, struct snap_error *err)
{
	struct stage s = {.crash = crash};
	bool is_wanted = is_of_device || tokens;
	int r = 0;
	if (is_wanted) {
		s.detokeniser = snap_detokeniser_create_for(crash, tokens);
		if (!s.detokeniser)
			return snap_error_no_memory(err);
	}
	if (crash->num_logs > 0 && (is_wanted || has_relative_times(crash)))
		r = do_logs(&s, is_of_device, err);
	if (r == 0 && is_of_device)
		r = do_names(&s, err);
	snap_detokeniser_destroy(s.detokeniser);
	return r < 0 ? -1 : snap_token_summary_note(&s.summary, tokens != NULL, crash, err);
}

int snap_detokenise_crash(
	struct snap_crash *crash, const struct snap_tokens *tokens, struct snap_error *err)
{
	struct snap_tokens *firmware = NULL;
	bool is_of_device = crash->device.is_device;
	if (is_of_device && find_firmware(crash, tokens, &firmware, err) < 0)
		return -1;
	int r = detokenise_all(crash, firmware ? firmware : tokens, is_of_device, err);
	snap_tokens_destroy(firmware);
	return r;
}
