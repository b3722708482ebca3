// Crashes in a lambda that std::sort calls: templates and lambdas, inlined at -O2.
#include <algorithm>
#include <memory>
#include <vector>

namespace shop {

struct Item {
	int price;
};

template <typename T> struct ByPrice {
	bool operator()(const T *a, const T *b) const { return a->price < b->price; }
};

template <typename Container, typename Less> __attribute__((noinline)) void arrange(Container &c, Less less)
{
	std::sort(c.begin(), c.end(), [&](auto *a, auto *b) { return less(a, b); });
}

} // namespace shop

int main(int argc, char **argv)
{
	(void)argv;
	shop::Item items[40] = {};
	std::vector<shop::Item *> pointers;
	for (int i = 0; i < 40; i++) {
		items[i].price = (i * 7) % 40;
		pointers.push_back(&items[i]);
	}
	pointers[20 + argc] = nullptr;
	shop::arrange(pointers, shop::ByPrice<shop::Item>());
	return pointers[0]->price + 1;
}
