/* analyze/variables/print_libcxx: containers of libc++ as LLVM 20 lays them out (of LLVM 14 real
 * programs are asked: cli_libcxx.sh), and what does not fit. */
#include "tests/lib/made_types.h"

static uint64_t array_of(uint64_t type, uint8_t last)
{
	uint64_t off = here();
	out_uleb(info, ARRAY);
	out_u32(info, type);
	out_uleb(info, SUBRANGE);
	out_u8(info, last);
	ends(1);
	return off;
}

/* Of characters of a type; num_local: of which a short one has so many from local_at on. */
static uint64_t make_string_of(
	uint64_t character, uint8_t num_local, uint8_t local_at, uint8_t size_at, uint8_t data_at)
{
	uint64_t pointer = pointer_to(character);
	uint64_t local = array_of(character, num_local - 1);
	uint64_t is_long = structure("__long", 24);
	member("__size_", types.word, size_at);
	member("__data_", pointer, data_at);
	ends(1);
	uint64_t is_short = structure("__short", 24);
	member("__data_", local, local_at);
	ends(1);
	uint64_t either = here();
	out_uleb(info, UNION);
	out_u8(info, 24);
	member("__s", is_short, 0);
	member("__l", is_long, 0);
	ends(1);
	uint64_t rep = structure("__rep", 24);
	member(NULL, either, 0);
	ends(1);
	return wrap("basic_string<char>", "__rep_", rep, 24);
}

static uint64_t make_string(uint8_t size_at, uint8_t data_at)
{
	return make_string_of(types.character, 23, 1, size_at, data_at);
}

static void test_libcxx_string(void **state)
{
	(void)state;
	static const char *const scopes[] = {"__1", "__ndk1", "__Cr", "__2"};
	for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
		begin(DW_LANG_C_plus_plus_14);
		uint64_t own = make_string(8, 16);
		scope("std");
		uint64_t other = make_string(8, 16);
		scope("__3");
		uint64_t strange = make_string(8, 16);
		ends(1);
		scope(scopes[i]);
		uint64_t string = make_string(8, 16), turned = make_string(8, 0);
		ends(2);
		open_all();
		/* In itself. */
		memory[0] = 3 << 1;
		memcpy(memory + 1, "abc", 4);
		assert_value(string, "\"abc\"");
		assert_raw(own);
		assert_raw(other);
		assert_raw(strange);
		assert_raw(turned);
		memory[0] = 0;
		assert_value(string, "\"\"");
		memory[0] = 22 << 1;
		memcpy(memory + 1, "1234567890123456789012", 23);
		assert_value(string, "\"1234567890123456789012\"");
		memory[0] = 23 << 1;
		assert_raw(string);
		/* Elsewhere. */
		put(0, 32 | 1);
		put(8, 26);
		put(16, MEMORY + 100);
		memcpy(memory + 100, "abcdefghijklmnopqrstuvwxyz", 27);
		assert_value(string, "\"abcdefghijklmnopqrstuvwxyz\"");
		put(8, 32);
		assert_raw(string);
		put(8, 31);
		put(16, 0x9000);
		assert_value(string, "std::string of length 31 = <not captured: 0x9000>");
		put(16, 0);
		assert_raw(string);
		put(0, UINT64_MAX);
		put(8, UINT64_MAX / 2);
		put(16, MEMORY);
		assert_raw(string);
		end();
	}
}

static void test_libcxx_wide_strings(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t wide = base_type("wchar_t", 4, DW_ATE_signed);
	uint64_t half = base_type("char16_t", 2, DW_ATE_UTF);
	uint64_t whole = base_type("char32_t", 4, DW_ATE_UTF), pointer = pointer_to(half);
	scope("std");
	scope("__1");
	uint64_t wide_string = make_string_of(wide, 5, 4, 8, 16);
	uint64_t half_string = make_string_of(half, 11, 2, 8, 16);
	uint64_t whole_string = make_string_of(whole, 5, 4, 8, 16);
	uint64_t moved = make_string_of(half, 11, 1, 8, 16);
	uint64_t numbers = make_string_of(types.number, 5, 4, 8, 16);
	uint64_t part = structure("basic_string_view<char16_t>", 16);
	member("__data_", pointer, 0);
	member("__size_", types.word, 8);
	ends(3);
	open_all();
	/* In itself. */
	memory[0] = 4 << 1;
	for (size_t i = 0; i < 4; i++)
		memory[4 + 4 * i] = (uint8_t)('a' + i);
	assert_value(wide_string, "L\"abcd\"");
	assert_value(whole_string, "U\"abcd\"");
	assert_value(half_string, "u\"\\000a\\000b\"");
	assert_raw(moved);
	assert_raw(numbers);
	memory[0] = 5 << 1; /* there would be no NUL */
	assert_raw(wide_string);
	assert_raw(whole_string);
	memory[0] = 10 << 1;
	assert_value(half_string, "u\"\\000a\\000b\\000c\\000d\\000\\000\"");
	memory[0] = 11 << 1;
	assert_raw(half_string);
	memory[0] = 0;
	assert_value(half_string, "u\"\"");
	/* Elsewhere. */
	put(0, 16 | 1);
	put(8, 2);
	put(16, MEMORY + 100);
	memcpy(memory + 100, "\x3d\xd8\x00\xde\xe9", 5);
	assert_value(half_string, "u\"\xf0\x9f\x98\x80\"");
	assert_value(whole_string, "U\"\\xde00d83d\xc3\xa9\"");
	put(8, 15);
	put(16, 0x9000);
	assert_value(wide_string, "std::wstring of length 15 = <not captured: 0x9000>");
	assert_value(half_string, "std::u16string of length 15 = <not captured: 0x9000>");
	assert_raw(numbers);
	put(8, 16);
	assert_raw(wide_string);
	put(0, UINT64_C(1) << 48 | 1);
	put(8, UINT64_C(1) << 47);
	assert_raw(wide_string); /* longer than anything, in bytes */
	put(0, MEMORY + 100);
	put(8, 2);
	assert_value(part, "u\"\xf0\x9f\x98\x80\"");
	put(8, UINT64_MAX / 2);
	assert_raw(part);
	end();
}

static void test_libcxx_string_view(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	scope("std");
	scope("__1");
	uint64_t pointer = pointer_to(types.character), numbers = pointer_to(types.number);
	uint64_t view_type = structure("basic_string_view<char>", 16);
	member("__data_", pointer, 0);
	member("__size_", types.word, 8);
	ends(1);
	uint64_t wide = structure("basic_string_view<int>", 16);
	member("__data_", numbers, 0);
	member("__size_", types.word, 8);
	ends(3);
	open_all();
	put(0, MEMORY + 100);
	put(8, 2);
	memcpy(memory + 100, "abc", 4);
	assert_value(view_type, "\"ab\"");
	assert_raw(wide);
	put(8, UINT64_MAX);
	assert_raw(view_type);
	put(0, 0);
	put(8, 1);
	assert_raw(view_type);
	end();
}

static void test_libcxx_vector(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	scope("std");
	scope("__1");
	uint64_t pointer = pointer_to(types.number), words = pointer_to(types.word);
	uint64_t vector = structure("vector<int>", 24);
	member("__begin_", pointer, 0);
	member("__end_", pointer, 8);
	member("__cap_", pointer, 16);
	ends(1);
	uint64_t bits = structure("vector<bool>", 24);
	member("__begin_", words, 0);
	member("__size_", types.word, 8);
	member("__cap_", types.word, 16);
	ends(3);
	open_all();
	assert_value(vector, "std::vector of length 0, capacity 0");
	put(0, MEMORY + 100);
	put(8, MEMORY + 108);
	put(16, MEMORY + 116);
	memcpy(memory + 100, "\1\0\0\0\2\0\0\0", 8);
	assert_value(vector, "std::vector of length 2, capacity 4 = {1, 2}");
	put(8, MEMORY + 107);
	assert_raw(vector);
	put(8, MEMORY + 120);
	assert_raw(vector);
	put(8, MEMORY + 96);
	assert_raw(vector);
	put(8, MEMORY + 108);
	put(16, UINT64_MAX - 3);
	assert_raw(vector);
	put(0, MEMORY + 100);
	put(8, 3);
	put(16, 1);
	memory[100] = 5;
	assert_value(bits, "std::vector<bool> of length 3, capacity 64 = {true, false, true}");
	put(8, 65);
	assert_raw(bits);
	put(8, UINT64_MAX);
	put(16, UINT64_MAX);
	assert_raw(bits);
	end();
}

/* What nodes are allocated by. */
static uint64_t allocator_of(uint64_t node)
{
	uint64_t off = structure("allocator<node>", 1);
	parameter("_Tp", node);
	ends(1);
	return off;
}

static void test_libcxx_list(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t pointer = pointer_to(types.number), base = structure("__list_node_base", 16);
	member("__prev_", pointer, 0);
	member("__next_", pointer, 8);
	ends(1);
	uint64_t node = structure("__list_node", 24);
	inherits(base, 0);
	member("__value_", types.number, 20);
	ends(1);
	uint64_t bare = structure("__list_node", 24);
	ends(1);
	uint64_t nodes = allocator_of(node), bares = allocator_of(bare);
	scope("std");
	scope("__1");
	uint64_t list = structure("list<int>", 24);
	member("__end_", base, 0);
	member("__size_", types.word, 16);
	member("__node_alloc_", nodes, 16);
	ends(1);
	uint64_t unknown = structure("list<int>", 24);
	member("__end_", base, 0);
	member("__size_", types.word, 16);
	member("__node_alloc_", bares, 16);
	ends(3);
	open_all();
	put(0, MEMORY);
	put(8, MEMORY);
	assert_value(list, "empty std::list");
	assert_raw(unknown);
	/* Nodes at 100, 140, 180: the one before, the next one, the number 20 bytes behind. */
	for (uint64_t i = 0; i < 3; i++) {
		put(100 + 40 * i, i > 0 ? MEMORY + 60 + 40 * i : MEMORY);
		put(108 + 40 * i, i < 2 ? MEMORY + 140 + 40 * i : MEMORY);
		put(120 + 40 * i, 7 + i);
	}
	put(0, MEMORY + 180);
	put(8, MEMORY + 100);
	put(16, 3);
	assert_value(list, "std::list = {[0] = 7, [1] = 8, [2] = 9}");
	put(16, 2);
	assert_raw(list);
	put(16, 4);
	assert_raw(list);
	put(16, UINT64_MAX);
	assert_raw(list);
	put(16, 3);
	put(188, MEMORY + 100); /* round in a circle */
	assert_raw(list);
	put(188, MEMORY);
	put(140, MEMORY + 180); /* back to another one */
	assert_raw(list);
	put(140, MEMORY + 100);
	put(148, 0x9000);
	assert_value(list, "std::list = {[0] = 7, [1] = 8, <not captured: 0x9000>...}");
	end();
}

static void test_libcxx_map(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t pointer = pointer_to(types.number);
	uint64_t end_node = wrap("__tree_end_node", "__left_", pointer, 8);
	uint64_t pair = structure("pair<int, int>", 8);
	member("first", types.number, 0);
	member("second", types.number, 4);
	ends(1);
	uint64_t holder = wrap("__value_type<int, int>", "__cc_", pair, 8);
	uint64_t node = structure("__tree_node", 40);
	member("__value_", holder, 28);
	ends(1);
	uint64_t early = structure("__tree_node", 40);
	member("__value_", holder, 24);
	ends(1);
	uint64_t nodes = allocator_of(node), earlies = allocator_of(early), trees[2];
	for (int i = 0; i < 2; i++) {
		trees[i] = structure("__tree<int>", 24);
		member("__begin_node_", pointer, 0);
		member("__end_node_", end_node, 8);
		member("__size_", types.word, 16);
		member("__node_alloc_", i == 0 ? nodes : earlies, 16);
		ends(1);
	}
	scope("std");
	scope("__1");
	uint64_t map = wrap("map<int, int>", "__tree_", trees[0], 24);
	uint64_t within = wrap("map<int, int>", "__tree_", trees[1], 24);
	ends(2);
	open_all();
	put(0, MEMORY + 8);
	assert_value(map, "std::map with 0 elements");
	put(8, MEMORY + 150);
	assert_raw(map); /* none, but a root */
	/* 150 is the root, 100 its left child, 200 its right one: left, right, parent. */
	static const uint64_t at[] = {100, 150, 200};
	for (uint64_t i = 0; i < 3; i++) {
		put(at[i], i == 1 ? MEMORY + 100 : 0);
		put(at[i] + 8, i == 1 ? MEMORY + 200 : 0);
		put(at[i] + 16, i == 1 ? MEMORY + 8 : MEMORY + 150);
		put(at[i] + 28, i + 1 + ((10 + i) << 32));
	}
	put(0, MEMORY + 100);
	put(8, MEMORY + 150);
	put(16, 3);
	assert_value(map, "std::map with 3 elements = {[1] = 10, [2] = 11, [3] = 12}");
	assert_raw(within); /* where the links of a node are */
	put(16, 2);
	assert_raw(map);
	put(16, 4);
	assert_raw(map);
	put(16, 0);
	assert_raw(map);
	put(16, 3);
	put(216, MEMORY + 100); /* of another parent */
	assert_raw(map);
	put(216, MEMORY + 150);
	put(200, MEMORY + 150); /* round in a circle */
	assert_raw(map);
	put(200, 0);
	end();
}

static void test_libcxx_hash(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t pointer = pointer_to(types.number);
	uint64_t base = wrap("__hash_node_base", "__next_", pointer, 8);
	uint64_t node = structure("__hash_node", 24);
	inherits(base, 0);
	member("__hash_", types.word, 8);
	member("__value_", types.number, 16);
	ends(1);
	uint64_t nodes = allocator_of(node), table = structure("__hash_table<int>", 40);
	member("__first_node_", base, 16);
	member("__node_alloc_", nodes, 16);
	member("__size_", types.word, 24);
	ends(1);
	scope("std");
	scope("__1");
	uint64_t set = wrap("unordered_set<int>", "__table_", table, 40);
	uint64_t map = wrap("unordered_map<int, int>", "__table_", table, 40);
	ends(2);
	open_all();
	assert_value(set, "std::unordered_set with 0 elements");
	put(16, MEMORY + 100);
	put(24, 2);
	put(100, MEMORY + 140);
	put(116, 5);
	put(156, 6);
	assert_value(set, "std::unordered_set with 2 elements = {[0] = 5, [1] = 6}");
	assert_raw(map); /* of what are no pairs */
	put(24, 1);
	assert_raw(set);
	put(24, 3);
	assert_raw(set);
	put(140, MEMORY + 100);
	put(24, 1000);
	assert_raw(set);
	end();
}

static void test_libcxx_deque(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t pointer = pointer_to(types.word), map = structure("__split_buffer<int *>", 32);
	member("__first_", pointer, 0);
	member("__begin_", pointer, 8);
	member("__end_", pointer, 16);
	member("__cap_", pointer, 24);
	ends(1);
	scope("std");
	scope("__1");
	uint64_t deque = structure("deque<int>", 48);
	parameter("_Tp", types.number);
	member("__map_", map, 0);
	member("__start_", types.word, 32);
	member("__size_", types.word, 40);
	ends(3);
	open_all();
	assert_value(deque, "std::deque with 0 elements");
	/* Two blocks of 1024 numbers; the last one of the first, and the first of the second. */
	put(8, MEMORY + 100);
	put(16, MEMORY + 116);
	put(32, 1023);
	put(40, 2);
	put(100, MEMORY + 200 - 4 * 1023);
	put(108, MEMORY + 300);
	put(200, 7);
	put(300, 8);
	assert_value(deque, "std::deque with 2 elements = {7, 8}");
	put(40, 1026);
	assert_raw(deque);
	put(40, UINT64_MAX);
	assert_raw(deque);
	put(40, 2);
	put(32, UINT64_MAX);
	assert_raw(deque);
	put(40, 0);
	assert_raw(deque);
	put(40, 2);
	put(32, 1023);
	put(16, MEMORY + 92);
	assert_raw(deque);
	put(8, 0x9000);
	put(16, 0x9010);
	assert_value(deque, "std::deque with 2 elements = {<not captured: 0x9000>...}");
	end();
}

/* Their counts, also of a class that is told elsewhere. */
static void test_libcxx_pointers(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t block = structure("__shared_weak_count", 24);
	member("__shared_owners_", types.word, 8);
	member("__shared_weak_owners_", types.word, 16);
	ends(1);
	uint64_t declared = here();
	out_uleb(info, DECLARED);
	out_string(info, "__shared_weak_count");
	uint64_t strange = here();
	out_uleb(info, DECLARED);
	out_string(info, "__shared_weak_counts");
	uint64_t blocks[] = {pointer_to(block), pointer_to(declared), pointer_to(strange)};
	uint64_t pointer = pointer_to(types.number), shared[3], weak;
	scope("std");
	scope("__1");
	for (size_t i = 0; i < 3; i++) {
		shared[i] = structure("shared_ptr<int>", 16);
		parameter("_Tp", types.number);
		member("__ptr_", pointer, 0);
		member("__cntrl_", blocks[i], 8);
		ends(1);
	}
	weak = structure("weak_ptr<int>", 16);
	parameter("_Tp", types.number);
	member("__ptr_", pointer, 0);
	member("__cntrl_", blocks[0], 8);
	ends(1);
	uint64_t unique = structure("unique_ptr<int>", 8);
	parameter("_Tp", types.number);
	member("__ptr_", pointer, 0);
	ends(3);
	open_all();
	put(0, 0x7064);
	assert_value(unique, "std::unique_ptr<int> = {get() = 0x7064}");
	assert_value(weak, "std::weak_ptr<int> (empty) = {get() = 0x7064}");
	put(8, MEMORY + 100);
	put(108, 1);
	put(116, 3);
	for (size_t i = 0; i < 2; i++)
		assert_value(shared[i],
			"std::shared_ptr<int> (use count 2, weak count 3) = {get() = 0x7064}");
	assert_raw(shared[2]);
	put(108, UINT64_MAX);
	put(116, 0);
	assert_value(weak, "std::weak_ptr<int> (expired, weak count 1) = {get() = 0x7064}");
	put(8, 0x9000);
	assert_value(weak, "std::weak_ptr<int> (<not captured: 0x9008>) = {get() = 0x7064}");
	end();
}

static void test_libcxx_optional(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t either = here();
	out_uleb(info, UNION);
	out_u8(info, 4);
	member("__null_state_", types.character, 0);
	member("__val_", types.number, 0);
	ends(1);
	uint64_t base = structure("__optional_destruct_base<int>", 8);
	member(NULL, either, 0);
	member("__engaged_", types.truth, 4);
	ends(1);
	scope("std");
	scope("__1");
	uint64_t optional = structure("optional<int>", 8);
	parameter("_Tp", types.number);
	inherits(base, 0);
	ends(3);
	open_all();
	memory[0] = 9;
	assert_value(optional, "std::optional<int> [no contained value]");
	memory[4] = 1;
	assert_value(optional, "std::optional<int> = {[contained value] = 9}");
	memory[4] = 2;
	assert_raw(optional);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libcxx_string),
		cmocka_unit_test(test_libcxx_wide_strings),
		cmocka_unit_test(test_libcxx_string_view),
		cmocka_unit_test(test_libcxx_vector),
		cmocka_unit_test(test_libcxx_list),
		cmocka_unit_test(test_libcxx_map),
		cmocka_unit_test(test_libcxx_hash),
		cmocka_unit_test(test_libcxx_deque),
		cmocka_unit_test(test_libcxx_pointers),
		cmocka_unit_test(test_libcxx_optional),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
