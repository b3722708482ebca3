/* analyze/variables/print_container: what libstdc++'s and Rust's containers hold, shown if their
 * layout and what they say fits, and as any structure if not. */
#include "tests/lib/made_types.h"

#include <stdio.h>

/* ---------------------------------------------------------------- C++ */

/*
 * Of characters of a type; num_local: of which it has room for so many itself. is_homed: its
 * pointer is described elsewhere, by what is called so; len_at: where its length is.
 */
static uint64_t make_string_of(uint64_t character, uint8_t num_local, const char *name,
	bool is_homed, const char *holder_name, uint8_t len_at)
{
	uint64_t pointer = pointer_to(character), holder = here(), local, either;
	if (is_homed) {
		out_uleb(info, DECLARED);
		out_string(info, holder_name);
	} else {
		holder = wrap("_Alloc_hider", "_M_p", pointer, 8);
	}
	local = here();
	out_uleb(info, ARRAY);
	out_u32(info, character);
	out_uleb(info, SUBRANGE);
	out_u8(info, num_local - 1);
	ends(1);
	either = here();
	out_uleb(info, UNION);
	out_u8(info, 16);
	member("_M_local_buf", local, 0);
	member("_M_allocated_capacity", types.word, 0);
	ends(1);
	uint64_t off = structure(name, 32);
	member("_M_dataplus", holder, 0);
	member("_M_string_length", types.word, len_at);
	member(NULL, either, 16);
	parameter("_CharT", character);
	ends(1);
	return off;
}

static uint64_t make_string_with(
	const char *name, bool is_homed, const char *holder_name, uint8_t len_at)
{
	return make_string_of(types.character, 16, name, is_homed, holder_name, len_at);
}

static uint64_t make_string(const char *name, bool is_homed)
{
	return make_string_with(name, is_homed, "_Alloc_hider", 8);
}

static void test_containers_cxx_string(void **state)
{
	(void)state;
	for (int is_homed = 0; is_homed < 2; is_homed++) {
		begin(DW_LANG_C_plus_plus_14);
		uint64_t own = make_string("basic_string<char>", is_homed);
		scope("std");
		uint64_t old = make_string("basic_string<char>", is_homed);
		scope("__cxx11");
		uint64_t string = make_string("basic_string<char>", is_homed);
		uint64_t strange = make_string_with("basic_string<char>", true, "_Alloc_seeker", 8);
		uint64_t wide = make_string_with("basic_string<char>", true, "_Alloc_hider", 40);
		scope("inner");
		uint64_t inner = make_string("basic_string<char>", is_homed);
		ends(3);
		open_all();
		/* In itself. */
		put(0, MEMORY + 16);
		put(8, 3);
		memcpy(memory + 16, "abc", 4);
		assert_value(string, "\"abc\"");
		assert_raw(own);
		assert_raw(old);
		assert_raw(inner);
		assert_raw(strange);
		put(40, 3);
		assert_raw(wide);
		memcpy(memory + 16, "123456789012345", 16);
		put(8, 15);
		assert_value(string, "\"123456789012345\"");
		put(8, 16);
		assert_raw(string);
		put(8, 0);
		assert_value(string, "\"\"");
		/* Elsewhere, and a NUL in it. */
		put(0, MEMORY + 100);
		put(8, 17);
		put(16, 20);
		memcpy(memory + 100, "0123456789abcde\0g", 17);
		assert_value(string, "\"0123456789abcde\\000g\"");
		put(8, 16);
		assert_value(string, "\"0123456789abcde\\000\"");
		put(8, 21);
		assert_raw(string);
		put(8, 10);
		put(16, 15);
		assert_raw(string); /* there would have been room in itself */
		/* Not captured, or the end of it. */
		put(0, 0x9000);
		put(8, 17);
		put(16, 20);
		assert_value(string, "std::string of length 17 = <not captured: 0x9000>");
		put(0, MEMORY + sizeof(memory) - 3);
		memcpy(memory + sizeof(memory) - 3, "end", 3);
		assert_value(string, "\"end\"... <not captured: 0x7200>");
		put(0, 0);
		assert_raw(string);
		/* None of it, or only its end. */
		value_addr = 0x9000;
		assert_value(string, "<not captured: 0x9000>");
		value_addr = MEMORY - 8;
		assert_raw(string);
		value_addr = MEMORY;
		end();
	}
}

/* Characters of ASCII, size bytes each. */
static void put_wide(size_t at, const char *text, size_t len, size_t size)
{
	memset(memory + at, 0, len * size);
	for (size_t i = 0; i < len; i++)
		memory[at + i * size] = (uint8_t)text[i];
}

__attribute__((format(printf, 2, 3))) static void assert_shown(
	uint64_t type, const char *format, ...)
{
	char expected[100];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	assert_value(type, expected);
}

static void test_containers_cxx_wide_strings(void **state)
{
	(void)state;
	static const struct {
		const char *name, *prefix, *kind;
		uint8_t size, encoding;
	} kinds[] = {
		{"wchar_t", "L", "w", 4, DW_ATE_signed},
		{"wchar_t", "L", "w", 2, DW_ATE_unsigned},
		{"char16_t", "u", "u16", 2, DW_ATE_UTF},
		{"char32_t", "U", "u32", 4, DW_ATE_UTF},
	};
	for (unsigned int i = 0; i < 2 * ARRAY_LEN(kinds); i++) {
		bool is_homed = i % 2;
		const char *prefix = kinds[i / 2].prefix, *kind = kinds[i / 2].kind;
		uint8_t size = kinds[i / 2].size, num = 16 / size;
		begin(DW_LANG_C_plus_plus_14);
		uint64_t character = base_type(kinds[i / 2].name, size, kinds[i / 2].encoding);
		uint64_t pointer = pointer_to(character);
		scope("std");
		uint64_t part = structure("basic_string_view<T>", 16);
		member("_M_len", types.word, 0);
		member("_M_str", pointer, 8);
		ends(1);
		scope("__cxx11");
		uint64_t string = make_string_of(
			character, num, "basic_string<T>", is_homed, "_Alloc_hider", 8);
		uint64_t numbers = make_string_of(
			types.number, 4, "basic_string<int>", is_homed, "_Alloc_hider", 8);
		ends(2);
		open_all();
		/* In itself: with the NUL, as many as there is room for. */
		put(0, MEMORY + 16);
		put(8, num - 1u);
		put_wide(16, "abcdefg", num - 1u, size);
		assert_shown(string, "%s\"%.*s\"", prefix, num - 1, "abcdefg");
		assert_raw(numbers);
		put(8, num);
		assert_raw(string);
		put(8, 0);
		assert_shown(string, "%s\"\"", prefix);
		/* Elsewhere. */
		put(0, MEMORY + 100);
		put(8, 10);
		put(16, 10);
		put_wide(100, "01234\0z\"cb", 10, size);
		assert_shown(string, "%s\"01234\\000z\\\"cb\"", prefix);
		assert_raw(numbers);
		put(16, num - 1u);
		assert_raw(string); /* there would have been room in itself */
		put(16, num);
		put(8, num + 1u);
		assert_raw(string);
		put(0, 0x9000);
		put(8, 17);
		put(16, 20);
		assert_shown(string, "std::%sstring of length 17 = <not captured: 0x9000>", kind);
		/* Two of it were captured, and a byte of the third. */
		put(0, MEMORY + sizeof(memory) - 2u * size - 1);
		put_wide(sizeof(memory) - 2u * size - 1, "xy", 2, size);
		assert_shown(string, "%s\"xy\"... <not captured: 0x71ff>", prefix);
		put(0, MEMORY + sizeof(memory) - 1);
		assert_shown(string, "std::%sstring of length 17 = <not captured: 0x71ff>", kind);
		/* Longer than anything, in bytes. */
		put(0, MEMORY + 100);
		put(8, (UINT64_C(1) << 48) / size + 1);
		put(16, UINT64_MAX);
		assert_raw(string);
		/* Views. */
		put(0, 3);
		put(8, MEMORY + 100);
		assert_shown(part, "%s\"012\"", prefix);
		put(8, 0x9000);
		assert_shown(part, "std::%sstring_view of length 3 = <not captured: 0x9000>", kind);
		put(8, 0);
		assert_raw(part);
		put(0, 0);
		assert_shown(part, "%s\"\"", prefix);
		put(0, (UINT64_C(1) << 48) / size + 1);
		put(8, MEMORY + 100);
		assert_raw(part);
		end();
	}
}

static uint64_t make_vector(uint64_t element, uint64_t end_of_storage)
{
	uint64_t pointer = pointer_to(element), data = structure("_Vector_impl_data", 24);
	member("_M_start", pointer, 0);
	member("_M_finish", pointer, 8);
	member("_M_end_of_storage", end_of_storage ? end_of_storage : pointer, 16);
	ends(1);
	uint64_t impl = structure("_Vector_impl", 24);
	inherits(data, 0);
	ends(1);
	uint64_t base = wrap("_Vector_base<int>", "_M_impl", impl, 24);
	scope("std");
	uint64_t off = structure("vector<int>", 24);
	inherits(base, 0);
	ends(2);
	return off;
}

static void test_containers_cxx_vector(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t vector = make_vector(types.number, 0);
	uint64_t odd = make_vector(types.number, types.word);
	open_all();
	assert_value(vector, "std::vector of length 0, capacity 0");
	put(0, MEMORY + 100);
	put(8, MEMORY + 112);
	put(16, MEMORY + 116);
	memory[100] = 1;
	memory[104] = 2;
	memory[108] = 3;
	assert_value(vector, "std::vector of length 3, capacity 4 = {1, 2, 3}");
	assert_raw(odd); /* its end is no pointer */
	put(8, MEMORY + 113);
	assert_raw(vector);
	put(8, MEMORY + 120);
	assert_raw(vector);
	put(8, MEMORY + 96);
	assert_raw(vector);
	put(8, MEMORY + 112);
	put(16, MEMORY + 117);
	assert_raw(vector);
	put(0, 0);
	put(16, MEMORY + 116);
	assert_raw(vector);
	put(0, 0x9000);
	put(8, 0x9008);
	put(16, 0x9008);
	assert_value(vector, "std::vector of length 2, capacity 2 = {<not captured: 0x9000>...}");
	end();
}

/* Each of many elements holds the same many others: that takes no longer than the budget lets it.
 */
static void test_containers_that_share(void **state)
{
	(void)state;
	enum { NUM = 65536, OUTER = 0x1000000, INNER = 0x2000000 };
	begin(DW_LANG_C_plus_plus_14);
	uint64_t inner = make_vector(types.number, 0), outer = make_vector(inner, 0);
	uint64_t pointer = pointer_to(types.character);
	scope("std");
	uint64_t text = structure("basic_string_view<char>", 16);
	member("_M_len", types.word, 0);
	member("_M_str", pointer, 8);
	ends(2);
	open_all();
	uint64_t *vectors = calloc(3 * NUM, sizeof(*vectors));
	assert_non_null(vectors);
	for (size_t i = 0; i < NUM; i++) {
		vectors[3 * i] = INNER;
		vectors[3 * i + 1] = vectors[3 * i + 2] = INNER + 4 * NUM;
	}
	const struct snap_memory_segment segments[] = {
		{.start = OUTER, .len = 24 * NUM, .data = (uint8_t *)vectors},
		{.start = INNER, .len = 4 * NUM, .data = calloc(4, NUM)},
	};
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(snap_memory_add(&crash.memory, &segments[i], NULL), 0);
	assert_int_equal(snap_memory_finish(&crash.memory, NULL), 0);
	put(0, OUTER);
	put(8, OUTER + 24 * NUM);
	put(16, OUTER + 24 * NUM);
	views.left.entries = 1u << 20;
	static const char begins[] =
		"std::vector of length 65536, capacity 65536 = {std::vector of length "
		"65536, capacity 65536 = {0 <repeats 65536 times>}";
	assert_memory_equal(value_of(outer), begins, sizeof(begins) - 1);
	assert_int_equal(views.left.entries, 0);
	/* And so does a long text. */
	put(0, NUM);
	put(8, INNER);
	views.left.entries = 100000;
	assert_value(text, "'\\000' <repeats 65536 times>");
	uint64_t left = views.left.entries;
	put(0, NUM + 1);
	assert_value(text, "'\\000' <repeats 65536 times>...");
	put(0, 1);
	views.left.entries = 100000;
	assert_value(text, "\"\\000\"");
	assert_int_equal(views.left.entries - left, NUM / 256);
	free(vectors);
	free((void *)segments[1].data);
	end();
}

static void test_containers_cxx_pointers(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t pointer = pointer_to(types.number), deletes = pointer_to(types.word);
	uint64_t other_head = wrap("_Head_base<1, D>", "_M_head_impl", deletes, 8);
	uint64_t rest = structure("_Tuple_impl<1, D>", 8);
	inherits(other_head, 0);
	ends(1);
	uint64_t head = wrap("_Head_base<0, int *, false>", "_M_head_impl", pointer, 8);
	uint64_t impl = structure("_Tuple_impl<0, int *, D>", 16);
	inherits(rest, 8);
	inherits(head, 0);
	ends(1);
	uint64_t tuple = structure("tuple<int *, D>", 16);
	inherits(impl, 0);
	ends(1);
	uint64_t inner = wrap("__uniq_ptr_impl<int, D>", "_M_t", tuple, 16);
	uint64_t counted = structure("_Sp_counted_base", 16);
	member("_M_use_count", types.number, 8);
	member("_M_weak_count", types.number, 12);
	ends(1);
	uint64_t counted_pointer = pointer_to(counted);
	uint64_t counts = wrap("__shared_count", "_M_pi", counted_pointer, 8);
	scope("std");
	uint64_t unique = structure("unique_ptr<int, D>", 16);
	member("_M_t", inner, 0);
	parameter("_Tp", types.number);
	ends(1);
	uint64_t shared = structure("shared_ptr<int>", 16);
	member("_M_ptr", pointer, 0);
	member("_M_refcount", counts, 8);
	parameter("_Tp", types.number);
	ends(1);
	uint64_t nameless = structure("unique_ptr<int, E>", 16);
	member("_M_t", inner, 0);
	ends(2);
	open_all();
	put(0, 0x9000);
	put(8, 0x9100);
	assert_value(unique, "std::unique_ptr<int> = {get() = 0x9000}");
	assert_raw(nameless);
	assert_value(shared, "std::shared_ptr<int> (<not captured: 0x9108>) = {get() = 0x9000}");
	put(8, MEMORY + 100);
	memory[108] = 2;
	memory[112] = 3;
	assert_value(shared, "std::shared_ptr<int> (use count 2, weak count 2) = {get() = 0x9000}");
	memory[108] = 0;
	assert_value(shared, "std::shared_ptr<int> (expired, weak count 3) = {get() = 0x9000}");
	put(0, 0);
	put(8, 0);
	assert_value(shared, "std::shared_ptr<int> (empty) = {get() = 0x0}");
	assert_value(unique, "std::unique_ptr<int> = {get() = 0x0}");
	end();
}

static void test_containers_cxx_optional(void **state)
{
	(void)state;
	begin(DW_LANG_C_plus_plus_14);
	uint64_t storage = wrap("_Storage", "_M_value", types.number, 4);
	uint64_t payload = structure("_Optional_payload", 8);
	member("_M_payload", storage, 0);
	member("_M_engaged", types.truth, 4);
	ends(1);
	scope("std");
	uint64_t optional = structure("optional<int>", 8);
	member("_M_payload", payload, 0);
	parameter("_Tp", types.number);
	ends(2);
	open_all();
	memory[0] = 9;
	assert_value(optional, "std::optional<int> [no contained value]");
	memory[4] = 1;
	assert_value(optional, "std::optional<int> = {[contained value] = 9}");
	memory[4] = 2;
	assert_raw(optional);
	end();
}

/* ---------------------------------------------------------------- Rust */

static void test_containers_rust_slices(void **state)
{
	(void)state;
	begin(DW_LANG_Rust);
	uint64_t bytes = pointer_to(types.character), numbers = pointer_to(types.number);
	uint64_t text = structure("&str", 16);
	member("data_ptr", bytes, 0);
	member("length", types.word, 8);
	ends(1);
	uint64_t slice = structure("&[i32]", 16);
	member("data_ptr", numbers, 0);
	member("length", types.word, 8);
	ends(1);
	uint64_t odd = structure("&str", 16);
	member("data_ptr", numbers, 0);
	member("length", types.word, 8);
	ends(1);
	open_all();
	put(0, MEMORY + 100);
	put(8, 4);
	memcpy(memory + 100, "text and more", 13);
	assert_value(text, "\"text\"");
	assert_raw(odd);
	put(8, 1);
	assert_value(slice, "&[i32](size=1) = {1954047348}");
	put(8, UINT64_MAX / 4);
	assert_raw(slice);
	put(8, 0);
	assert_value(slice, "&[i32](size=0)");
	put(0, 0x9000);
	put(8, 5);
	assert_value(text, "&str of length 5 = <not captured: 0x9000>");
	put(0, 0);
	assert_raw(text);
	end();
}

/* As several versions have it. */
static void test_containers_rust_vec(void **state)
{
	(void)state;
	for (int version = 0; version < 4; version++) {
		begin(DW_LANG_Rust);
		uint64_t pointer = pointer_to(version == 0 ? types.character : types.number);
		uint64_t buffer = pointer;
		const char *inner = "ptr";
		if (version < 2) {
			buffer = wrap("NonNull<T>", "pointer", buffer, 8);
			buffer = wrap("Unique<T>", "pointer", buffer, 8);
		} else if (version == 2) {
			buffer = wrap("Unique<T>", "pointer", buffer, 8);
		} else {
			inner = "unknown";
		}
		buffer = wrap("RawVec<T>", inner, buffer, 8);
		if (version == 0)
			buffer = wrap("RawVec<T>", "inner", buffer, 8);
		scope("alloc");
		scope("vec");
		uint64_t vec = structure("Vec<i32>", 16);
		member("buf", buffer, 0);
		member("len", types.word, 8);
		parameter("T", types.number);
		ends(2);
		scope("string");
		uint64_t string = wrap("String", "vec", vec, 16);
		ends(2);
		open_all();
		put(0, MEMORY + 100);
		put(8, 2);
		memcpy(memory + 100, "\1\0\0\0\2\0\0\0", 8);
		if (version < 3) {
			assert_value(vec, "Vec(size=2) = {1, 2}");
			assert_value(string, "\"\\001\\000\"");
			put(8, UINT64_MAX);
			assert_raw(vec);
			put(0, 0);
			put(8, 0);
		}
		assert_raw(vec);
		assert_raw(string);
		end();
	}
}

static void test_containers_rust_variants(void **state)
{
	(void)state;
	begin(DW_LANG_Rust);
	uint64_t some = wrap("Some", "__0", types.number, 8), none = structure("None", 8);
	ends(1);
	uint64_t option = structure("Option<i32>", 8);
	out_uleb(info, VARIANTS);
	uint64_t discriminant = here() + 4;
	out_u32(info, discriminant);
	member(NULL, types.number, 4);
	out_uleb(info, OTHER_VARIANT);
	out_u8(info, 1);
	member("Some", some, 0);
	ends(1);
	out_uleb(info, VARIANT);
	out_u8(info, 7);
	member("None", none, 0);
	ends(3);
	uint64_t strict = structure("Strict", 8);
	out_uleb(info, VARIANTS);
	out_u32(info, discriminant);
	out_uleb(info, VARIANT);
	out_u8(info, 1);
	member("One", some, 0);
	ends(3);
	open_all();
	memory[0] = 5;
	assert_value(option, "Some {__0 = 5}");
	memory[4] = 7;
	assert_value(option, "None");
	assert_value(strict, "<no variant: 0x7>");
	memory[4] = 1;
	assert_value(strict, "One {__0 = 5}");
	end();
}

/* Names of one language mean nothing in another. */
static void test_containers_of_another_language(void **state)
{
	(void)state;
	static const uint8_t languages[] = {DW_LANG_C11, DW_LANG_C_plus_plus_14};
	for (size_t i = 0; i < ARRAY_LEN(languages); i++) {
		begin(languages[i]);
		uint64_t pointer = pointer_to(types.character);
		uint64_t text = structure("&str", 16);
		member("data_ptr", pointer, 0);
		member("length", types.word, 8);
		ends(1);
		open_all();
		put(0, MEMORY + 100);
		put(8, 4);
		assert_raw(text);
		end();
	}
}

/* ---------------------------------------------------------------- nodes */

static uint64_t make_links(const char *const *names, size_t num, const char *name)
{
	uint64_t pointer = pointer_to(types.number), off = structure(name, (uint8_t)(8 * num));
	for (size_t i = 0; i < num; i++)
		member(names[i], pointer, (uint8_t)(8 * i));
	ends(1);
	return off;
}

static void test_containers_cxx_list(void **state)
{
	(void)state;
	static const char *const names[] = {"_M_next", "_M_prev"};
	begin(DW_LANG_C_plus_plus_14);
	uint64_t base = make_links(names, 2, "_List_node_base"),
		 header = structure("_List_node_header", 24);
	inherits(base, 0);
	member("_M_size", types.word, 16);
	ends(1);
	uint64_t impl = wrap("_List_impl", "_M_node", header, 24);
	scope("std");
	scope("__cxx11");
	uint64_t list = structure("list<int>", 24);
	parameter("_Tp", types.number);
	member("_M_impl", impl, 0);
	ends(3);
	open_all();
	/* Nodes at 100, 140, 180: next, the one before, the number. */
	put(0, MEMORY);
	put(8, MEMORY);
	assert_value(list, "empty std::list");
	for (uint64_t i = 0; i < 3; i++) {
		put(100 + 40 * i, i < 2 ? MEMORY + 140 + 40 * i : MEMORY);
		put(108 + 40 * i, i > 0 ? MEMORY + 60 + 40 * i : MEMORY);
		put(116 + 40 * i, 7 + i);
	}
	put(0, MEMORY + 100);
	put(8, MEMORY + 180);
	put(16, 3);
	assert_value(list, "std::list = {[0] = 7, [1] = 8, [2] = 9}");
	/* More or fewer than it says, or not a list at all. */
	put(16, 2);
	assert_raw(list);
	put(16, 4);
	assert_raw(list);
	put(16, UINT64_MAX);
	assert_raw(list);
	put(16, 3);
	/* Round in a circle; back to another one. */
	put(180, MEMORY + 100);
	assert_raw(list);
	put(180, MEMORY);
	put(148, MEMORY + 180);
	assert_raw(list);
	put(148, MEMORY + 100);
	put(140, 0);
	assert_raw(list);
	/* What is not captured is said, and what is, is shown. */
	put(140, 0x9000);
	assert_value(list, "std::list = {[0] = 7, [1] = 8, <not captured: 0x9008>...}");
	/* No more work than there is. */
	put(140, MEMORY + 180);
	views.left.steps = 3;
	assert_raw(list);
	end();
}

static void test_containers_cxx_forward_list(void **state)
{
	(void)state;
	static const char *const names[] = {"_M_next"};
	begin(DW_LANG_C_plus_plus_14);
	uint64_t base = make_links(names, 1, "_Fwd_list_node_base");
	uint64_t impl = wrap("_Fwd_list_impl", "_M_head", base, 8);
	scope("std");
	uint64_t list = structure("forward_list<int>", 8);
	parameter("_Tp", types.number);
	member("_M_impl", impl, 0);
	ends(1);
	uint64_t wide = base_type("long double", 16, DW_ATE_float);
	uint64_t wide_list = structure("forward_list<long double>", 8);
	parameter("_Tp", wide);
	member("_M_impl", impl, 0);
	ends(2);
	open_all();
	assert_value(list, "empty std::forward_list");
	put(0, MEMORY + 100);
	put(100, MEMORY + 120);
	put(108, 1);
	put(128, 2);
	assert_value(list, "std::forward_list = {[0] = 1, [1] = 2}");
	/* Where these stand in a node, is not known. */
	assert_raw(wide_list);
	put(120, MEMORY + 100);
	assert_raw(list);
	put(120, MEMORY + 120);
	assert_raw(list);
	end();
}

static void test_containers_cxx_set(void **state)
{
	(void)state;
	static const char *const names[] = {"_M_color", "_M_parent", "_M_left", "_M_right"};
	begin(DW_LANG_C_plus_plus_14);
	uint64_t base = make_links(names, 4, "_Rb_tree_node_base"),
		 header = structure("_Rb_tree_header", 40);
	member("_M_header", base, 0);
	member("_M_node_count", types.word, 32);
	ends(1);
	uint64_t impl = structure("_Rb_tree_impl", 40);
	inherits(header, 0);
	ends(1);
	uint64_t tree = structure("_Rb_tree<int>", 40);
	parameter("_Val", types.number);
	member("_M_impl", impl, 0);
	ends(1);
	scope("std");
	uint64_t set = structure("set<int>", 40);
	member("_M_t", tree, 0);
	ends(2);
	open_all();
	assert_raw(set); /* not initialised */
	put(16, MEMORY);
	put(24, MEMORY);
	assert_value(set, "std::set with 0 elements");
	put(32, 1);
	assert_raw(set);
	/* The root at 100, its children at 200 and 300. */
	put(8, MEMORY + 100);
	put(16, MEMORY + 200);
	put(24, MEMORY + 300);
	put(32, 3);
	put(108, MEMORY);
	put(116, MEMORY + 200);
	put(124, MEMORY + 300);
	put(208, MEMORY + 100);
	put(308, MEMORY + 100);
	put(132, 5);
	put(232, 4);
	put(332, 6);
	/* From the leftmost one on it leads to the header without a right one of the root's. */
	assert_value(set, "std::set with 3 elements = {[0] = 4, [1] = 5, [2] = 6}");
	put(32, 2);
	assert_raw(set);
	put(32, 4);
	assert_raw(set);
	put(32, 3);
	put(308, MEMORY + 200); /* another's child */
	assert_raw(set);
	put(308, MEMORY); /* the root of another tree */
	assert_raw(set);
	put(308, MEMORY + 100);
	put(324, MEMORY + 100); /* below itself */
	assert_raw(set);
	put(324, MEMORY + 300);
	assert_raw(set);
	put(324, 0);
	put(208, MEMORY + 200); /* its own parent */
	assert_raw(set);
	put(208, MEMORY + 100);
	put(124, 0x9000);
	assert_value(
		set, "std::set with 3 elements = {[0] = 4, [1] = 5, <not captured: 0x9008>...}");
	end();
}

static void test_containers_cxx_unordered_set(void **state)
{
	(void)state;
	static const char *const names[] = {"_M_nxt"};
	begin(DW_LANG_C_plus_plus_14);
	uint64_t base = make_links(names, 1, "_Hash_node_base"), pointer = pointer_to(base);
	uint64_t table = structure("_Hashtable<int>", 56);
	parameter("_Value", types.number);
	member("_M_buckets", pointer, 0);
	member("_M_before_begin", base, 16);
	member("_M_element_count", types.word, 24);
	ends(1);
	scope("std");
	uint64_t set = structure("unordered_set<int>", 56);
	member("_M_h", table, 0);
	ends(2);
	open_all();
	assert_raw(set); /* one that lives has buckets */
	put(0, MEMORY + 48);
	assert_value(set, "std::unordered_set with 0 elements");
	put(16, MEMORY + 100);
	put(24, 2);
	put(100, MEMORY + 120);
	put(108, 1);
	put(128, 2);
	assert_value(set, "std::unordered_set with 2 elements = {[0] = 1, [1] = 2}");
	put(24, 1);
	assert_raw(set);
	put(24, 3);
	assert_raw(set);
	put(24, 1000);
	put(120, MEMORY + 100);
	assert_raw(set);
	end();
}

static void test_containers_cxx_deque(void **state)
{
	(void)state;
	static const char *const names[] = {"_M_cur", "_M_first", "_M_last", "_M_node"};
	begin(DW_LANG_C_plus_plus_14);
	uint64_t iterator = make_links(names, 4, "_Deque_iterator<int>"),
		 pointer = pointer_to(iterator);
	uint64_t impl = structure("_Deque_impl", 80);
	member("_M_map", pointer, 0);
	member("_M_map_size", types.word, 8);
	member("_M_start", iterator, 16);
	member("_M_finish", iterator, 48);
	ends(1);
	scope("std");
	uint64_t deque = structure("deque<int>", 80);
	member("_M_impl", impl, 0);
	ends(2);
	open_all();
	assert_raw(deque);
	/* One block of 128, of which three are there; the map at 400. */
	put(0, MEMORY + 400);
	put(8, 2);
	put(400, MEMORY + 100);
	for (size_t i = 16; i <= 48; i += 32) {
		put(i, MEMORY + 100);
		put(i + 8, MEMORY + 100);
		put(i + 16, MEMORY + 100 + 512);
		put(i + 24, MEMORY + 400);
	}
	assert_value(deque, "std::deque with 0 elements");
	put(16, MEMORY + 104);
	put(48, MEMORY + 116);
	put(104, UINT64_C(8) << 32 | 7);
	put(112, 9);
	assert_value(deque, "std::deque with 3 elements = {7, 8, 9}");
	put(48, MEMORY + 117);
	assert_raw(deque);
	put(48, MEMORY + 100);
	assert_raw(deque);
	put(48, MEMORY + 116);
	put(72, MEMORY + 416);
	assert_raw(deque);
	put(72, MEMORY + 400);
	put(32, MEMORY + 100 + 508);
	assert_raw(deque);
	put(32, MEMORY + 100 + 512);
	put(0, UINT64_MAX - 8);
	assert_raw(deque);
	/* The block's place in the map is not there, or the block itself. */
	put(0, MEMORY + 504);
	put(40, MEMORY + 512);
	put(72, MEMORY + 512);
	assert_value(deque, "std::deque with 3 elements = {<not captured: 0x7200>...}");
	put(0, MEMORY + 400);
	put(40, MEMORY + 400);
	put(72, MEMORY + 400);
	put(400, 0x9000);
	assert_value(deque, "std::deque with 3 elements = {<not captured: 0x9004>, <not captured: "
			    "0x9008>, <not captured: 0x900c>}");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_containers_cxx_string),
		cmocka_unit_test(test_containers_cxx_wide_strings),
		cmocka_unit_test(test_containers_cxx_vector),
		cmocka_unit_test(test_containers_that_share),
		cmocka_unit_test(test_containers_cxx_pointers),
		cmocka_unit_test(test_containers_cxx_optional),
		cmocka_unit_test(test_containers_cxx_list),
		cmocka_unit_test(test_containers_cxx_forward_list),
		cmocka_unit_test(test_containers_cxx_set),
		cmocka_unit_test(test_containers_cxx_unordered_set),
		cmocka_unit_test(test_containers_cxx_deque),
		cmocka_unit_test(test_containers_rust_slices),
		cmocka_unit_test(test_containers_rust_vec),
		cmocka_unit_test(test_containers_rust_variants),
		cmocka_unit_test(test_containers_of_another_language),
	};
	return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}
