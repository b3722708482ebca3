/* What client and server, program and server say to each other. */
#include "capture/protocol.h"

#include <string.h>

#include "capture/app_protocol.h"
#include "capture/server/app_worker.h"
#include "fuzz/fuzz.h"

static void check(const union snap_message *message, int type)
{
	switch (type) {
	case SNAP_MESSAGE_REQUEST:
		FUZZ_REQUIRE(memchr(message->request.comm, 0, sizeof(message->request.comm)));
		FUZZ_REQUIRE(memchr(message->request.exe, 0, sizeof(message->request.exe)));
		FUZZ_REQUIRE(message->request.on_demand <= 1);
		break;
	case SNAP_MESSAGE_GRANTED:
		FUZZ_REQUIRE(snap_message_part_is_valid(message->granted.part));
		FUZZ_REQUIRE(!strchr(message->granted.part, '/'));
		break;
	case SNAP_MESSAGE_REFUSED:
		FUZZ_REQUIRE(snap_refusal_text(message->refused.reason));
		break;
	case SNAP_MESSAGE_DONE:
		FUZZ_REQUIRE(memchr(message->done.name, 0, sizeof(message->done.name)));
		break;
	default:
		break;
	}
}

static void check_app(const uint8_t *data, size_t len)
{
	struct snap_app_request request = {0};
	/* As the server has it: what it got no bytes for is zero. */
	size_t n = len < sizeof(request) ? len : sizeof(request);
	memcpy(&request, data, n);
	if (!snap_app_request_is_valid(&request, n))
		return;
	FUZZ_REQUIRE(request.reason_len <= sizeof(request.reason));
	if (request.header.type != SNAP_APP_CRASH)
		return;
	FUZZ_REQUIRE(request.siginfo_len <= sizeof(request.siginfo));
	FUZZ_REQUIRE(request.regs_len <= sizeof(request.regs));
	FUZZ_REQUIRE(request.fpregs_len <= sizeof(request.fpregs));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input input = {data, len};
	uint8_t flags = (uint8_t)fuzz_number(&input, 1);
	union snap_message message;
	memset(&message, 0xa5, sizeof(message));
	size_t n = input.len < sizeof(message) ? input.len : sizeof(message);
	memcpy(&message, input.data, n);
	/* Half of the time with the head that it should have. */
	if (flags & 2 && n >= sizeof(message.head)) {
		message.head.magic = SNAP_PROTOCOL_MAGIC;
		message.head.version = SNAP_PROTOCOL_VERSION;
		message.head.size = (uint32_t)n;
		message.head.zero = 0;
	}
	int type = snap_message_check(&message, n, flags & 1);
	if (type < 0)
		FUZZ_REQUIRE(snap_message_fault(type));
	else
		check(&message, type);
	check_app(input.data, input.len);
	return 0;
}
