#include "capture/protocol.h"

#include <errno.h>
#include <string.h>

/* No padding anywhere, so that no byte of the sender's memory travels along. */
_Static_assert(sizeof(struct snap_message_head) == 16, "head");
_Static_assert(sizeof(struct snap_message_request) == 16 + 40 + 64 + 256, "request");
_Static_assert(sizeof(struct snap_message_queued) == 16, "queued");
_Static_assert(sizeof(struct snap_message_granted) == 16 + 32, "granted");
_Static_assert(sizeof(struct snap_message_refused) == 16 + 8, "refused");
_Static_assert(sizeof(struct snap_message_complete) == 16 + 16 + 8, "complete");
_Static_assert(sizeof(struct snap_message_done) == 16 + 8 + 256, "done");

static const struct {
	uint32_t size;
	bool from_client;
} kinds[] = {
	[SNAP_MESSAGE_REQUEST] = {sizeof(struct snap_message_request), true},
	[SNAP_MESSAGE_QUEUED] = {sizeof(struct snap_message_queued), false},
	[SNAP_MESSAGE_GRANTED] = {sizeof(struct snap_message_granted), false},
	[SNAP_MESSAGE_REFUSED] = {sizeof(struct snap_message_refused), false},
	[SNAP_MESSAGE_COMPLETE] = {sizeof(struct snap_message_complete), true},
	[SNAP_MESSAGE_DONE] = {sizeof(struct snap_message_done), false},
};
#define NUM_KINDS (sizeof(kinds) / sizeof(kinds[0]))

void snap_message_init(union snap_message *message, enum snap_message_type type)
{
	memset(message, 0, sizeof(*message));
	message->head = (struct snap_message_head){
		.magic = SNAP_PROTOCOL_MAGIC,
		.version = SNAP_PROTOCOL_VERSION,
		.type = (uint16_t)type,
		.size = kinds[type].size,
	};
}

void snap_message_set_text(char *to, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;
	if (len > 0)
		memcpy(to, text, len);
}

/* Ends within its array, with nothing hidden behind its end. */
static bool is_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);
	if (len == size)
		return false;
	for (size_t i = len; i < size; i++)
		if (text[i] != '\0')
			return false;
	return true;
}

bool snap_message_part_is_valid(const char *part)
{
	return strspn(part, "0123456789abcdef") == 16 && strcmp(part + 16, ".part") == 0;
}

static bool request_is_valid(const struct snap_message_request *m)
{
	return m->pid > 0 && m->pid <= INT32_MAX && m->tid <= INT32_MAX && m->signo <= 128 &&
	       m->on_demand <= 1 && m->time_s >= 0 && is_text(m->comm, sizeof(m->comm)) &&
	       is_text(m->exe, sizeof(m->exe));
}

static bool content_is_valid(const union snap_message *message)
{
	switch (message->head.type) {
	case SNAP_MESSAGE_REQUEST:
		return request_is_valid(&message->request);
	case SNAP_MESSAGE_QUEUED:
		return true;
	case SNAP_MESSAGE_GRANTED:
		return is_text(message->granted.part, sizeof(message->granted.part)) &&
		       snap_message_part_is_valid(message->granted.part);
	case SNAP_MESSAGE_REFUSED:
		return message->refused.reason >= 1 &&
		       message->refused.reason <= SNAP_REFUSED_LAST && message->refused.zero == 0;
	case SNAP_MESSAGE_COMPLETE:
		return message->complete.cut <= 1;
	case SNAP_MESSAGE_DONE:
		return message->done.error <= 0 && message->done.error > -4096 &&
		       message->done.zero == 0 &&
		       is_text(message->done.name, sizeof(message->done.name));
	}
	return false;
}

int snap_message_check(const union snap_message *message, size_t len, bool from_client)
{
	if (len < sizeof(message->head) || message->head.magic != SNAP_PROTOCOL_MAGIC)
		return -EPROTO;
	if (message->head.version != SNAP_PROTOCOL_VERSION)
		return -EPROTONOSUPPORT;
	unsigned int type = message->head.type;
	if (type == 0 || type >= NUM_KINDS || kinds[type].from_client != from_client ||
		kinds[type].size != len || message->head.size != len || message->head.zero != 0 ||
		!content_is_valid(message))
		return -EBADMSG;
	return (int)type;
}

const char *snap_message_fault(int error)
{
	switch (error) {
	case -EPROTO:
		return "it is no message of ours";
	case -EPROTONOSUPPORT:
		return "it is of another version";
	case -EBADMSG:
		return "it is malformed";
	}
	return "it can't be used";
}

const char *snap_refusal_text(enum snap_refusal reason)
{
	switch (reason) {
	case SNAP_REFUSED_RATE:
		return "too many crashes of this program";
	case SNAP_REFUSED_IGNORED:
		return "the configuration leaves it out";
	case SNAP_REFUSED_FULL:
		return "the disk or the spool is full";
	case SNAP_REFUSED_BUSY:
		return "too many crashes at once";
	case SNAP_REFUSED_STOPPING:
		return "the server is stopping";
	case SNAP_REFUSED_ERROR:
		return "the server has no file to give";
	}
	return "no reason that is known";
}
