/* The configuration file of the capture programs. */
#include "capture/config.h"

#include <string.h>

#include "common/escape.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct snap_config config;
	struct snap_error err = SNAP_ERROR_INIT;
	memset(&config, 0xa5, sizeof(config));
	if (snap_config_read(fuzz_file(data, len), &config, &err) < 0) {
		FUZZ_REQUIRE(err.text[0]);
		FUZZ_REQUIRE(snap_escape_unneeded(snap_bytes_str(err.text), SNAP_ESCAPE_TERMINAL));
	}
	/* Usable in both cases. */
	FUZZ_REQUIRE(memchr(config.spool, 0, sizeof(config.spool)) && config.spool[0] == '/');
	FUZZ_REQUIRE(memchr(config.socket, 0, sizeof(config.socket)));
	FUZZ_REQUIRE(memchr(config.hook, 0, sizeof(config.hook)));
	FUZZ_REQUIRE(memchr(config.device, 0, sizeof(config.device)));
	FUZZ_REQUIRE(config.software_build_uuid_len <= sizeof(config.software_build_uuid));
	FUZZ_REQUIRE(config.ignore.num <= SNAP_CONFIG_MAX_RULES);
	FUZZ_REQUIRE(config.only.num <= SNAP_CONFIG_MAX_RULES);
	FUZZ_REQUIRE(config.memory <= SNAP_CONFIG_MEMORY_INDIRECT);
	return 0;
}
