/*
 * Variables of the kinds that C++ adds: classes with bases, references, members of members, what the
 * library makes of them.
 */
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

enum class Size : std::uint8_t { Small, Large = 7 };

struct Priced {
	virtual ~Priced() = default;
	virtual int price() const { return cents; }
	int cents = 0;
};

struct Named {
	const char *name = nullptr;
	Size size = Size::Large;
};

struct Empty {};

class Article : public Priced, public Named
{
public:
	Article(const char *called, int costs)
	{
		name = called;
		cents = costs;
	}
	int price() const override { return cents + extra; }
	static int made;
	int extra = 3;

private:
	bool sold = false;
};

int Article::made = 2;

struct Base {
	int shared = 11;
	virtual ~Base() = default;
};
struct Left : virtual Base {
	int left = 12;
};
struct Right : virtual Base {
	int right = 13;
};
struct Bottom : Left, Right {
	int bottom = 14;
};

template <typename T, int N> struct Pair {
	T items[N];
	T sum() const { return items[0] + items[N - 1]; }
};

__attribute__((noinline)) static void use(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

template <typename T> __attribute__((noinline)) static void crash(const T &value, T &&moved, int *where)
{
	use(&value);
	use(&moved);
	*where = static_cast<int>(value + moved);
}

__attribute__((noinline)) static void sells(const Article &article, Priced &priced, Bottom bottom)
{
	Pair<double, 3> pair = {{1.5, 2.5, 3.5}};
	Empty empty;
	int Named::*no_member = nullptr;
	int Article::*member = &Article::extra;
	int (Article::*method)() const = &Article::price;
	auto add = [&pair, bottom](int n) { return n + static_cast<int>(pair.sum()) + bottom.left; };
	int sum = add(4);
	char16_t sixteen = u'x';
	std::nullptr_t null = nullptr;
	Article list[2] = {{"first", 1}, {"second", 2}};
	std::string text = "some text that is longer than the small buffer";
	std::string brief = "brief";
	std::string many(300, 'x');
	std::string nothing;
	std::string_view part = std::string_view(text).substr(5, 4);
	std::vector<int> numbers = {1, 2, 3};
	std::vector<std::string> words = {"one", "two", std::string("a\0b", 3)};
	std::vector<Pair<int, 2>> pairs = {{{1, 2}}, {{3, 4}}};
	std::vector<double> none;
	std::unique_ptr<int> owner = std::make_unique<int>(7);
	std::unique_ptr<int> nobody;
	std::shared_ptr<long> one = std::make_shared<long>(8), other = one;
	std::weak_ptr<long> watcher = one;
	std::shared_ptr<int> empty_pointer;
	std::optional<int> perhaps = 9;
	std::optional<std::string> maybe = "maybe";
	std::optional<double> without;
	std::wstring wide = L"wide";
	std::wstring wide_far = L"gr\u00fc\u00dfe aus \u4e2d\u56fd, which does not fit";
	std::wstring wide_many(300, L'\u00e9'), wide_nothing;
	std::u16string halves = u"\u00e9\U0001f600 x", halves_far = halves + u", which does not fit";
	std::u32string full = U"\U0001f600", full_far = U"a\0b, which does not fit";
	std::u32string full_nul(U"a\0b\"", 4);
	std::u16string no_text = {u'a', 0xd800, u'b', 0xdc00, u'1', 0xdc00, 0xd83d, 0, u'z'};
	std::u32string no_characters = {U'a', 0x110000, U'b', 0xd800, U'c', 0xffffffff, U'9'};
	std::wstring_view wide_part = std::wstring_view(wide_far).substr(2, 5);
	std::vector<std::wstring> wide_words = {L"one", L"\u4e8c"};
	wchar_t wide_array[10] = L"arr\u00e4y";
	char16_t halves_array[4] = {u'f', u'u', u'l', u'l'};
	char32_t rows[2][3] = {U"ab", U"\u4e2d"};
	const wchar_t *wide_pointer = L"pointer \u00e9", *no_pointer = nullptr;
	const char16_t *halves_pointer = u"pointer \U0001f600";
	const char32_t *full_pointer = U"pointer \u4e2d";
	wchar_t wide_one = L'\u00e9';
	char16_t half_one = 0xd800;
	char32_t full_one = U'\U0001f600';
	use(&pair);
	use(&empty);
	use(&no_member);
	use(&member);
	use(&method);
	use(&add);
	use(&sum);
	use(&sixteen);
	use(&null);
	use(list);
	use(&text);
	use(&brief);
	use(&many);
	use(&nothing);
	use(&part);
	use(&numbers);
	use(&words);
	use(&pairs);
	use(&none);
	use(&owner);
	use(&nobody);
	use(&one);
	use(&other);
	use(&watcher);
	use(&empty_pointer);
	use(&perhaps);
	use(&maybe);
	use(&without);
	use(&wide);
	use(&wide_far);
	use(&wide_many);
	use(&wide_nothing);
	use(&halves);
	use(&halves_far);
	use(&full);
	use(&full_far);
	use(&full_nul);
	use(&no_text);
	use(&no_characters);
	use(&wide_part);
	use(&wide_words);
	use(wide_array);
	use(halves_array);
	use(rows);
	use(&wide_pointer);
	use(&no_pointer);
	use(&halves_pointer);
	use(&full_pointer);
	use(&wide_one);
	use(&half_one);
	use(&full_one);
	crash<long>(sum, sum + 1L, reinterpret_cast<int *>(0x10));
	use(&article);
	use(&priced);
}

} // namespace shop

int main()
{
	shop::Article article("apple", 120);
	shop::Bottom bottom;
	shop::sells(article, article, bottom);
}
