// Exceptions of several kinds that nobody catches, and other ways to std::terminate().
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace app {

struct ConfigError : std::runtime_error {
	explicit ConfigError(const std::string &text) : std::runtime_error(text) {}
};

// Has a text of its own.
struct Refused : std::exception {
	const char *what() const noexcept override { return "refused"; }
};

struct Base {
	int number = 7;
};
struct Plain : Base {};

} // namespace app

namespace {

struct Hidden {
	long number = 8;
};

} // namespace

__attribute__((noinline)) int loads(const char *what)
{
	if (!strcmp(what, "derived"))
		throw app::ConfigError(std::string("no value for ") + what);
	if (!strcmp(what, "own"))
		throw app::Refused();
	if (!strcmp(what, "plain"))
		throw app::Plain();
	if (!strcmp(what, "hidden"))
		throw Hidden();
	if (!strcmp(what, "text"))
		throw "out of paper";
	if (!strcmp(what, "no_text"))
		throw static_cast<const char *>(nullptr);
	if (!strcmp(what, "far_text"))
		throw strdup("out of paper, and out of ink");
	if (!strcmp(what, "long_text"))
		throw static_cast<const char *>(strdup(std::string(3000, 'x').c_str()));
	if (!strcmp(what, "string"))
		throw std::string("out of ") + what;
	if (!strcmp(what, "far_string"))
		throw std::string("gr\xc3\xbc\xc3\x9f" "e, and out of paper: ") + what;
	if (!strcmp(what, "long_string"))
		throw std::string(1022, 'x') + "\xe4\xb8\xad" + what;
	if (!strcmp(what, "odd_string"))
		throw std::string("nul \0, \x1b[31m, \xff", 15);
	if (!strcmp(what, "no_string"))
		throw std::string();
	if (!strcmp(what, "view"))
		throw std::string_view("out of paper and ink").substr(7, 5);
	if (!strcmp(what, "long_what"))
		throw std::runtime_error(std::string(1022, 'x') + "\xe4\xb8\xad" + what);
	if (!strcmp(what, "number"))
		throw -5L;
	return static_cast<int>(strlen(what));
}

__attribute__((noinline)) int reads(const std::vector<int> &values, std::size_t index)
{
	return values.at(index);
}

__attribute__((noinline)) char *allocates(std::size_t len)
{
	char *block = static_cast<char *>(operator new(len));
	block[0] = 1;
	return block;
}

__attribute__((noinline)) int again(const char *what)
{
	try {
		return loads(what);
	} catch (...) {
		throw;
	}
}

__attribute__((noinline)) int later(const char *what)
{
	std::exception_ptr kept;
	try {
		return loads(what);
	} catch (...) {
		kept = std::current_exception();
	}
	std::rethrow_exception(kept);
}

__attribute__((noinline)) int forgets()
{
	std::thread thread([] {});
	return thread.joinable();
}

[[noreturn]] static void own_handler()
{
	__builtin_trap();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "out_of_range"))
		return reads(std::vector<int>(3), argc + 5u) + 1;
	if (!strcmp(what, "bad_alloc"))
		return allocates(~std::size_t(0) >> (argc + 1)) != nullptr;
	if (!strcmp(what, "again"))
		return again("derived") + 1;
	if (!strcmp(what, "later"))
		return later("derived") + 1;
	if (!strcmp(what, "thread"))
		return forgets() + 1;
	if (!strcmp(what, "handler")) {
		std::set_terminate(own_handler);
		return loads("own") + 1;
	}
	return loads(what) + 1;
}
