/*
 * Containers of C++'s standard library, of elements of several kinds and sizes, empty, with one element, with
 * many, of which not all are shown; then a null pointer is read through.
 */
#include <array>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace stock {

struct Item {
	std::string name;
	int price;
};



struct Big {
	int numbers[150];
};

__attribute__((noinline)) void use(const void *p)
{
	asm volatile("" : : "r"(p) : "memory");
}

__attribute__((noinline)) int crash(int *p)
{
	return *p;
}

__attribute__((noinline)) void counts()
{
	std::list<int> list = {1, 2, 3};
	std::list<std::string> strings = {"one", "two", "some text that is longer than the small buffer"};
	std::list<int> no_list;
	std::list<char> characters = {'a', 'b'};
	std::forward_list<short> forward = {1, 2};
	std::forward_list<int> no_forward;
	std::deque<int> deque = {2, 3};
	deque.push_front(1);
	std::deque<Big> large(3);
	for (int i = 0; i < 450; i++)
		large[i / 150].numbers[i % 150] = i;
	std::deque<int> blocks;
	for (int i = 0; i < 150; i++)
		blocks.push_back(1000 + i);
	std::deque<int> no_deque;
	std::map<std::string, int> map = {{"apple", 120}, {"pear", 95}};
	std::map<int, Item> items = {{1, {"first", 10}}, {2, {"second", 20}}};
	std::map<int, std::map<char, bool>> nested = {{1, {{'x', true}}}, {2, {}}};
	std::map<int, int> no_map;
	std::multimap<int, int> multimap = {{1, 2}, {1, 3}};
	std::set<int> set;
	for (int i = 0; i < 150; i++)
		set.insert(i * 7919 % 1009);
	std::multiset<unsigned char> multiset = {1, 1, 2};
	std::unordered_map<int, std::string> hashed = {{7, "seven"}, {8, "eight"}};
	std::unordered_map<std::string, double> by_name = {{"pi", 3.25}};
	std::unordered_multimap<int, int> several = {{1, 2}, {1, 3}};
	std::unordered_set<long> numbers = {5, 6};
	std::unordered_multiset<int> again = {4, 4};
	std::unordered_set<int> no_numbers;
	std::vector<bool> bits = {true, false, true};
	std::vector<bool> more_bits(130, false);
	more_bits[64] = more_bits[129] = true;
	std::vector<bool> no_bits;
	std::array<int, 3> array = {1, 2, 3};
	std::variant<int, std::string, Item> variant = "text";
	std::variant<int, char> number = 7;
	std::variant<std::string, Item> item = Item{"third", 30};
	std::tuple<int, std::string, char> tuple = {1, "x", 'c'};
	std::tuple<> no_tuple;
	std::tuple<std::tuple<int, int>, std::pair<int, int>> tuples = {{1, 2}, {3, 4}};
	std::pair<std::string, int> pair = {"key", 1};
	std::shared_ptr<std::list<int>> shared = std::make_shared<std::list<int>>(list);
	std::vector<std::pair<int, char>> pairs = {{1, 'a'}, {2, 'b'}};
	std::map<std::pair<int, int>, std::vector<int>> keyed = {{{1, 2}, {3, 4}}};
	use(&list);
	use(&strings);
	use(&no_list);
	use(&characters);
	use(&forward);
	use(&no_forward);
	use(&deque);
	use(&large);
	use(&blocks);
	use(&no_deque);
	use(&map);
	use(&items);
	use(&nested);
	use(&no_map);
	use(&multimap);
	use(&set);
	use(&multiset);
	use(&hashed);
	use(&by_name);
	use(&several);
	use(&numbers);
	use(&again);
	use(&no_numbers);
	use(&bits);
	use(&more_bits);
	use(&no_bits);
	use(&array);
	use(&variant);
	use(&number);
	use(&item);
	use(&tuple);
	use(&no_tuple);
	use(&tuples);
	use(&pair);
	use(&shared);
	use(&pairs);
	use(&keyed);
	int *pointer = nullptr;
	asm volatile("" : "+r"(pointer));
	use(reinterpret_cast<void *>(static_cast<long>(crash(pointer))));
	use(&list);
}

} // namespace stock

int main()
{
	stock::counts();
}
