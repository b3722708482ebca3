#include "analyze/report/json_cause.h"

#include "analyze/explain/abort.h"
#include "analyze/report/json_values.h"
#include "common/abort_message.h"

static void put_severity(struct snap_json *w, const struct snap_severity *severity)
{
	if (!snap_json_maybe_object(w, "severity", severity->name != NULL))
		return;
	snap_json_put_string(w, "class", severity->name);
	snap_json_put_string(w, "rule", severity->rule);
	snap_json_end_object(w);
}

static void put_message_source(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_abort_message *message = &crash->abort_message;
	const struct snap_crash_module *module = crash->abort_message_module;
	if (!message->text.data) {
		snap_json_put_null(w, "message_source");
		return;
	}
	snap_json_begin_object(w, "message_source");
	snap_json_put_string(w, "from",
		crash->device.message_from ? crash->device.message_from
		: message->source == SNAP_ABORT_C_LIBRARY ? "c-library"
		: message->source == SNAP_ABORT_PROGRAM ? "program"
							: NULL);
	snap_json_maybe_hex(w, "address", message->has_address, message->address);
	snap_json_put_string(w, "symbol", module ? SNAP_ABORT_VARIABLE : NULL);
	snap_json_put_text(w, "module", module ? module->record.path : snap_bytes(NULL, 0));
	snap_json_end_object(w);
}

static void put_assertion(struct snap_json *w, const struct snap_cause *cause)
{
	const struct snap_assertion *assertion = &cause->assertion;
	if (!snap_json_maybe_object(w, "assertion", cause->has_assertion))
		return;
	snap_json_put_string(w, "expression", assertion->expression);
	snap_json_put_string(w, "file", assertion->file);
	snap_json_maybe_number(w, "line", assertion->has_line, assertion->line);
	snap_json_put_string(w, "function", assertion->function);
	snap_json_end_object(w);
}

static void put_exception(struct snap_json *w, const struct snap_cause *cause)
{
	static const char *const texts[] = {
		[SNAP_EXCEPTION_TEXT_UNKNOWN] = "unknown",
		[SNAP_EXCEPTION_TEXT_NOT_CAPTURED] = "not-captured",
		[SNAP_EXCEPTION_TEXT_KNOWN] = "known",
	};
	const struct snap_exception *exception = &cause->exception;
	if (!snap_json_maybe_object(w, "exception", cause->has_exception))
		return;
	snap_json_put_string(w, "type", exception->type);
	snap_json_put_string(w, "what", exception->what);
	snap_json_put_string(w, "value", exception->value);
	snap_json_put_string(w, "text", texts[exception->text]);
	snap_json_put_string(w, "thrown_in", exception->thrown_in);
	snap_json_end_object(w);
}

static void put_panic(struct snap_json *w, const struct snap_cause *cause)
{
	const struct snap_panic *panic = &cause->panic;
	if (!cause->has_panic) {
		snap_json_put_null(w, "panic");
		return;
	}
	snap_json_begin_object(w, "panic");
	snap_json_put_string(w, "message", panic->message);
	snap_json_maybe_bool(w, "message_is_cut", panic->message != NULL, panic->is_cut);
	snap_json_put_string(w, "file", panic->file);
	snap_json_maybe_number(w, "line", panic->file != NULL, panic->line);
	snap_json_maybe_number(w, "column", panic->file != NULL, panic->column);
	snap_json_end_object(w);
}

static void put_variable(struct snap_json *w, const struct snap_bad_variable *variable)
{
	if (!snap_json_maybe_object(w, "variable", variable->name != NULL))
		return;
	snap_json_put_string(w, "name", variable->name);
	snap_json_put_string(w, "type", variable->type);
	snap_json_put_string(w, "expression", variable->expression);
	snap_json_put_hex(w, "value", variable->value);
	snap_json_end_object(w);
}

static void put_thread_id(
	struct snap_json *w, const char *key, const struct snap_crash_thread *thread)
{
	snap_json_maybe_number(
		w, key, thread && thread->record.has_tid, thread ? thread->record.tid : 0);
}

static void put_deadlocks(struct snap_json *w, const struct snap_crash *crash)
{
	snap_json_begin_array(w, "deadlocks");
	for (size_t i = 0; i < crash->num_deadlocks; i++) {
		const struct snap_deadlock *deadlock = &crash->deadlocks[i];
		snap_json_begin_array(w, NULL);
		for (size_t j = 0; j < deadlock->num; j++)
			put_thread_id(w, NULL, &crash->threads[deadlock->threads[j]]);
		snap_json_end_array(w);
	}
	snap_json_end_array(w);
}

void snap_json_put_lock(
	struct snap_json *w, const struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	const struct snap_lock *lock = &thread->lock;
	if (lock->kind == SNAP_LOCK_NONE)
		return;
	snap_json_begin_object(w, "lock");
	snap_json_put_string(w, "kind", lock->kind == SNAP_LOCK_JOIN ? "join" : "mutex");
	snap_json_maybe_hex(w, "address", lock->kind == SNAP_LOCK_MUTEX, lock->address);
	snap_json_maybe_number(w, "owner", lock->has_owner, lock->owner);
	put_thread_id(w, "owner_tid",
		lock->has_owner && lock->owner_index != SIZE_MAX
			? &crash->threads[lock->owner_index]
			: NULL);
	snap_json_end_object(w);
}

static void put_hints(struct snap_json *w, const struct snap_cause *cause)
{
	snap_json_begin_array(w, "hints");
	if (cause->memory_hint) {
		snap_json_begin_object(w, NULL);
		snap_json_put_string(w, "kind", "cgroup-memory");
		snap_json_put_string(w, "text", cause->memory_hint);
		snap_json_end_object(w);
	}
	snap_json_end_array(w);
}

void snap_json_put_cause_parts(struct snap_json *w, const struct snap_crash *crash)
{
	const struct snap_cause *cause = &crash->cause;
	put_severity(w, &cause->severity);
	snap_json_put_string(w, "failure", snap_failure_name(cause->failure));
	put_message_source(w, crash);
	put_assertion(w, cause);
	put_exception(w, cause);
	put_panic(w, cause);
	put_variable(w, &cause->variable);
	put_hints(w, cause);
	put_deadlocks(w, crash);
}
