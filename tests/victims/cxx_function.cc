// Null in a lambda below std::function and a template.
#include <functional>

static volatile int *volatile nothing;

template <typename F> __attribute__((noinline)) int applies(const F &function, int x)
{
	return function(x) + 1;
}

int main(int argc, char **)
{
	std::function<int(int)> inner = [](int x) { return *nothing + x; };
	std::function<int(int)> outer = [&inner](int x) { return inner(x + 1) + 1; };

	return applies(outer, argc) + 1;
}
