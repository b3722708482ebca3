// snapcrash.h from C++, for cli_library.sh.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <snapcrash.h>

int main()
{
	snapcrash_options options = SNAPCRASH_OPTIONS_INIT;
	std::string long_key(SNAPCRASH_MAX_KEY + 1, 'k');
	std::string long_value(SNAPCRASH_MAX_VALUE + 1, 'v');
	std::string longest(SNAPCRASH_MAX_VALUE, 'v');
	bool good = snapcrash_tag_set("language", "C++") == 0 &&
		    snapcrash_tag_set(nullptr, "") == EINVAL && snapcrash_tag_set("", "") == EINVAL &&
		    snapcrash_tag_set("k", nullptr) == EINVAL &&
		    snapcrash_tag_set(long_key.c_str(), "") == EMSGSIZE &&
		    snapcrash_tag_set("k", long_value.c_str()) == EMSGSIZE &&
		    snapcrash_tag_set("k", longest.c_str()) == 0 && snapcrash_tag_unset("k") == 0 &&
		    snapcrash_tag_unset("k") == ENOENT && snapcrash_tag_unset("") == EINVAL;
	// language is there already.
	for (int i = 1; i < SNAPCRASH_MAX_TAGS; i++)
		good = good && snapcrash_tag_set(("key" + std::to_string(i)).c_str(), "x") == 0;
	good = good && snapcrash_tag_set("one more", "x") == ENOSPC &&
	       snapcrash_tag_set("key5", "another value") == 0 && snapcrash_tag_unset("key6") == 0 &&
	       snapcrash_tag_set("one more", "x") == 0;

	static char bytes[64];
	std::string long_name(SNAPCRASH_MAX_RANGE_NAME + 1, 'n');
	good = good && snapcrash_range_add(bytes, 0, "x") == EINVAL &&
	       snapcrash_range_add(bytes, 1, nullptr) == EINVAL &&
	       snapcrash_range_add(bytes, 1, "") == EINVAL &&
	       snapcrash_range_add(bytes, SIZE_MAX, "x") == EINVAL &&
	       snapcrash_range_add(bytes, 1, long_name.c_str()) == EMSGSIZE &&
	       snapcrash_range_remove(bytes) == ENOENT;
	for (int i = 0; i < SNAPCRASH_MAX_RANGES; i++)
		good = good && snapcrash_range_add(bytes + i, 1, "x") == 0;
	good = good && snapcrash_range_add(bytes + 40, 1, "x") == ENOSPC &&
	       snapcrash_range_add(bytes + 3, 2, "again") == 0 &&
	       snapcrash_range_remove(bytes + 3) == 0 && snapcrash_range_add(bytes + 40, 1, "x") == 0;

	std::string path(200, 'p');
	good = good && snapcrash_set_socket("relative") == EINVAL &&
	       snapcrash_set_socket(("/" + path).c_str()) == EMSGSIZE &&
	       snapcrash_set_socket("/nonexistent/app.sock") == 0 &&
	       snapcrash_snapshot("why") == ENOENT && snapcrash_uninstall() == EINVAL;
	options.size++;
	good = good && snapcrash_install(&options) == EINVAL;
	options.size--;
	options.snapshot_dir = "/nonexistent";
	good = good && snapcrash_install(&options) == ENOENT;
	options.snapshot_dir = nullptr;
	options.snapshot_fd = 999;
	good = good && snapcrash_install(&options) == EBADF && snapcrash_install(nullptr) == 0 &&
	       snapcrash_install(nullptr) == EALREADY && snapcrash_thread_init() == 0 &&
	       snapcrash_uninstall() == 0;
	errno = 7;
	snapcrash_log(SNAPCRASH_INFO, "%s", path.c_str());
	snapcrash_log_text(99, path.data(), path.size());
	good = good && errno == 7;
	std::puts(good ? "good" : "bad");
	return good ? 0 : 1;
}
