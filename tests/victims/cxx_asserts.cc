// Reads past the end of a vector, which the C++ library's checks (_GLIBCXX_ASSERTIONS) find.
#include <vector>

__attribute__((noinline)) int element(const std::vector<int> &values, std::size_t index)
{
	return values[index];
}

int main(int argc, char **)
{
	std::vector<int> values(3);

	return element(values, argc + 100u) + 1;
}
