#include "capture/thread_names.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/taskstats.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of an answer, what precedes the name and the name; the rest may be cut. */
#define ANSWER_BYTES 512

_Static_assert(
	sizeof(((struct taskstats *)0)->ac_comm) >= SNAP_THREAD_NAME_SIZE, "a name has room");

/* ---------------------------------------------------------------- netlink */

/* A question: one attribute, of a few bytes. */
struct question {
	struct nlmsghdr head;
	struct genlmsghdr command;
	struct nlattr attribute;
	char value[12];
};

static struct question question(uint16_t type, uint32_t sequence, uint8_t command, uint8_t version,
	uint16_t attribute, const void *value, size_t len)
{
	struct question q = {
		.head.nlmsg_type = type,
		.head.nlmsg_flags = NLM_F_REQUEST,
		.head.nlmsg_seq = sequence,
		.command.cmd = command,
		.command.version = version,
		.attribute.nla_type = attribute,
		.attribute.nla_len = (uint16_t)(NLA_HDRLEN + len),
	};
	memcpy(q.value, value, len);
	q.head.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN + NLA_ALIGN(q.attribute.nla_len));
	return q;
}

/* The content of the first attribute of this type among those of in; empty if there is none. */
static struct snap_bytes find(struct snap_bytes in, uint16_t type)
{
	while (in.len >= NLA_HDRLEN) {
		struct nlattr attribute;
		memcpy(&attribute, in.data, sizeof(attribute));
		size_t len = attribute.nla_len;
		if (len < NLA_HDRLEN)
			break;
		if ((attribute.nla_type & NLA_TYPE_MASK) == type)
			return snap_bytes(
				in.data + NLA_HDRLEN, (len < in.len ? len : in.len) - NLA_HDRLEN);
		len = NLA_ALIGN(len);
		if (len >= in.len)
			break;
		in = snap_bytes(in.data + len, in.len - len);
	}
	return snap_bytes(NULL, 0);
}

/* The attributes of an answer, as far as they were received. */
static struct snap_bytes attributes(const char *answer, size_t len)
{
	size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
	return len < head ? snap_bytes(NULL, 0)
			  : snap_bytes((const uint8_t *)answer + head, len - head);
}

/* The number under which the kernel offers task statistics since it runs; 0: it does not. */
static uint16_t find_family(int fd)
{
	char answer[1024];
	const struct question q = question(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1,
		CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME, sizeof(TASKSTATS_GENL_NAME));
	_Static_assert(sizeof(TASKSTATS_GENL_NAME) <= sizeof(q.value), "the name has room");
	if (send(fd, &q, q.head.nlmsg_len, MSG_NOSIGNAL) < 0)
		return 0;
	/* The answer was made within the call. */
	ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	uint16_t family;
	struct snap_bytes id = n < 0 ? snap_bytes(NULL, 0)
				     : find(attributes(answer, (size_t)n), CTRL_ATTR_FAMILY_ID);
	if (id.len < sizeof(family))
		return 0;
	memcpy(&family, id.data, sizeof(family));
	return family;
}

/* Whether it is one, and no error: the thread has ended, or we have not the right to ask. */
static bool take_answer(struct snap_thread_names *names, const char *answer, size_t len)
{
	struct nlmsghdr head;
	if (len < sizeof(head))
		return false;
	memcpy(&head, answer, sizeof(head));
	if (head.nlmsg_type != names->family || head.nlmsg_seq >= names->num)
		return false;
	struct snap_bytes of_thread = find(attributes(answer, len), TASKSTATS_TYPE_AGGR_PID);
	struct snap_bytes pid = find(of_thread, TASKSTATS_TYPE_PID);
	struct snap_bytes stats = find(of_thread, TASKSTATS_TYPE_STATS);
	size_t at = offsetof(struct taskstats, ac_comm);
	struct snap_thread_name *name = &names->names[head.nlmsg_seq];
	uint32_t tid;
	if (pid.len < sizeof(tid) || stats.len < at + sizeof(name->name))
		return false;
	memcpy(&tid, pid.data, sizeof(tid));
	if (tid != name->tid)
		return false;
	memcpy(name->name, stats.data + at, sizeof(name->name));
	name->len = (uint8_t)strnlen(name->name, sizeof(name->name) - 1);
	name->known = true;
	return true;
}

/* There is no thread of that number (any more): no reason not to ask for others. */
static bool is_gone(const char *answer, size_t len)
{
	struct nlmsghdr head;
	struct nlmsgerr error;
	if (len < sizeof(head) + sizeof(error.error))
		return false;
	memcpy(&head, answer, sizeof(head));
	memcpy(&error.error, answer + sizeof(head), sizeof(error.error));
	return head.nlmsg_type == NLMSG_ERROR && error.error == -ESRCH;
}

/* ---------------------------------------------------------------- names */

void snap_thread_names_open(struct snap_thread_names *names)
{
	names->num = 0;
	names->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	names->family = names->fd < 0 ? 0 : find_family(names->fd);
	if (names->family == 0)
		snap_thread_names_close(names);
}

void snap_thread_names_close(struct snap_thread_names *names)
{
	if (names->fd >= 0)
		(void)close(names->fd); /* nothing is under way */
	names->fd = -1;
}

void snap_thread_names_ask(struct snap_thread_names *names, const uint64_t *tids, size_t num)
{
	struct question questions[SNAP_THREAD_NAMES_MAX];
	char answers[SNAP_THREAD_NAMES_MAX][ANSWER_BYTES];
	struct iovec iov[SNAP_THREAD_NAMES_MAX];
	struct mmsghdr messages[SNAP_THREAD_NAMES_MAX];
	names->num = num < SNAP_THREAD_NAMES_MAX ? num : SNAP_THREAD_NAMES_MAX;
	for (size_t i = 0; i < names->num; i++) {
		names->names[i] = (struct snap_thread_name){.tid = (uint32_t)tids[i]};
		questions[i] = question(names->family, (uint32_t)i, TASKSTATS_CMD_GET,
			TASKSTATS_GENL_VERSION, TASKSTATS_CMD_ATTR_PID, &names->names[i].tid,
			sizeof(names->names[i].tid));
		/* They stand one behind the other as they lie here. */
		questions[i].head.nlmsg_len = sizeof(questions[i]);
		iov[i] = (struct iovec){answers[i], ANSWER_BYTES};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
	}
	if (names->fd < 0 || names->num == 0)
		return;
	/* The answers are made within the call. */
	int n = -1;
	if (send(names->fd, questions, names->num * sizeof(questions[0]), MSG_NOSIGNAL) >= 0)
		n = recvmmsg(names->fd, messages, (unsigned int)names->num, MSG_DONTWAIT, NULL);
	bool any = false;
	for (int i = 0; i < n; i++)
		any |= take_answer(names, answers[i], messages[i].msg_len) ||
		       is_gone(answers[i], messages[i].msg_len);
	/* An answer that comes too late would be taken for another one; what none of them is
	 * allowed, no other one is. */
	if (n != (int)names->num || !any)
		snap_thread_names_close(names);
}

bool snap_thread_names_get(
	const struct snap_thread_names *names, size_t index, struct snap_bytes *ret)
{
	if (index >= names->num || !names->names[index].known)
		return false;
	*ret = snap_bytes(names->names[index].name, names->names[index].len);
	return true;
}

/* ---------------------------------------------------------------- names before their threads */

void snap_guessed_names_begin(struct snap_guessed_names *guessed, uint64_t first)
{
	guessed->first = first;
	guessed->num = 0;
}

bool snap_guessed_names_ask(struct snap_guessed_names *guessed, struct snap_thread_names *names)
{
	uint64_t tids[SNAP_THREAD_NAMES_MAX];
	const size_t num = SNAP_THREAD_NAMES_MAX;
	if (guessed->num + num > SNAP_THREAD_NAMES_GUESSED)
		return false;
	for (size_t i = 0; i < num; i++)
		tids[i] = guessed->first + guessed->num + i;
	snap_thread_names_ask(names, tids, num);
	bool any = false;
	for (size_t i = 0; i < num; i++)
		any |= names->names[i].known;
	memcpy(guessed->names + guessed->num, names->names, sizeof(names->names));
	guessed->num += num;
	return any && names->fd >= 0;
}

bool snap_guessed_names_get(
	const struct snap_guessed_names *guessed, uint64_t tid, struct snap_bytes *ret)
{
	if (tid < guessed->first || tid - guessed->first >= guessed->num)
		return false;
	const struct snap_thread_name *name = &guessed->names[tid - guessed->first];
	if (!name->known || name->tid != tid)
		return false;
	*ret = snap_bytes(name->name, name->len);
	return true;
}
