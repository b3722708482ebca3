/* analyze/symbols/code_index: what real programs of two compilers answer, from DWARF, from what was
 * kept of it, from a part of that, and from what was damaged on the way. */
#include "analyze/symbols/code_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/symbols/debug_info.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/snap_code_index.XXXXXX";
static struct snap_error err;

/* ---------------------------------------------------------------- programs */

static const char a_c[] =
	"#include \"h.h\"\n"
	"volatile int sink;\n"
	"static inline int __attribute__((always_inline)) twice(int x)\n"
	"{\n"
	"	sink = x;\n"
	"	return x * 2;\n"
	"}\n"
	"static inline int __attribute__((always_inline)) four_times(int x)\n"
	"{\n"
	"	return twice(x) + twice(x + sink);\n"
	"}\n"
	"int __attribute__((noinline)) leaf(int x)\n"
	"{\n"
	"	return four_times(x) + in_header(x);\n"
	"}\n"
	"int unused(int x) { return twice(x) + 1; }\n"
	"void __attribute__((noinline, cold)) gone(int x) { sink = x; abort(); }\n"
	"int __attribute__((noinline)) hot(int x)\n"
	"{\n"
	"	if (__builtin_expect(x == 12345, 0)) {\n"
	"		sink = 5;\n"
	"		gone(twice(x));\n"
	"	}\n"
	"	return leaf(x + 1);\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	(void)argv;\n"
	"	return hot(argc) + other(argc) + leaf(argc);\n"
	"}\n";

static const char b_c[] = "#include \"h.h\"\n"
			  "int __attribute__((noinline)) third(int x) { sink = x; return x; }\n"
			  "int other(int x)\n"
			  "{\n"
			  "	sink += in_header(x);\n"
			  "	return third(x + sink);\n"
			  "}\n";

static const char h_h[] = "#include <stdlib.h>\n"
			  "extern volatile int sink;\n"
			  "int other(int);\n"
			  "static inline int __attribute__((always_inline)) in_header(int x)\n"
			  "{\n"
			  "	return sink + x;\n"
			  "}\n";

static const char x_cc[] =
	"volatile int sink;\n"
	"namespace outer {\n"
	"namespace {\n"
	"struct Hidden {\n"
	"	__attribute__((noinline)) int method(int x) { sink = x; return x + sink; }\n"
	"	static int __attribute__((noinline)) maker(int x)\n"
	"	{\n"
	"		struct Local { __attribute__((noinline)) int in(int y) { return y + sink; "
	"} } l;\n"
	"		return l.in(x) + l.in(sink);\n"
	"	}\n"
	"};\n"
	"__attribute__((noinline)) int quiet(int x) { sink = x; return x; }\n"
	"}\n"
	"template <typename T> struct Box {\n"
	"	T v;\n"
	"	Box(T t) : v(t) { sink = 1; }\n"
	"	T __attribute__((noinline)) get() const { sink = 2; return v; }\n"
	"};\n"
	"extern \"C\" int __attribute__((noinline)) plain(int x) { sink = x; return x; }\n"
	"}\n"
	"int main(int argc, char **)\n"
	"{\n"
	"	outer::Hidden h;\n"
	"	auto lambda = [&](int z) __attribute__((noinline)) { return z + h.method(z); };\n"
	"	return lambda(argc) + outer::Hidden::maker(argc) + outer::quiet(argc) +\n"
	"	       outer::Box<int>(argc).get() + outer::plain(argc);\n"
	"}\n";

/* GCC's nested functions. */
static const char nested_c[] =
	"volatile int sink;\n"
	"int __attribute__((noinline)) call(int (*f)(int), int x) { return f(x); }\n"
	"int __attribute__((noinline)) outside(int x)\n"
	"{\n"
	"	int __attribute__((noinline)) inside(int y) { sink = y; return x + y; }\n"
	"	return call(inside, x);\n"
	"}\n"
	"int main(int argc, char **argv) { (void)argv; return outside(argc); }\n";

static void write_file(const char *name, const char *text)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void compile(const char *command)
{
	char text[1024];
	(void)snprintf(
		text, sizeof(text), "cd %s && rm -f *.o *.dwo *.dwp prog && %s", dir, command);
	if (system(text) != 0)
		fail_msg("%s", text);
}

static struct snap_elf_file *open_name(const char *name, bool is_part)
{
	char path[512];
	if (name[0] == '/')
		(void)snprintf(path, sizeof(path), "%s", name);
	else
		(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	struct snap_elf_file *file = calloc(1, sizeof(*file));
	assert_non_null(file);
	assert_int_equal(
		(is_part ? snap_elf_file_open_part : snap_elf_file_open)(fd, path, file, &err), 0);
	return file;
}

static int open_dwo(void *context, const char *comp_dir, const char *dwo_name, size_t *place,
	struct snap_elf_file **ret)
{
	(void)context;
	(void)comp_dir;
	if ((*place)++ > 0 || !(*ret = open_name(dwo_name, true)))
		return 0;
	return 1;
}

static int open_dwp(void *context, size_t *place, struct snap_elf_file **ret)
{
	(void)context;
	if ((*place)++ > 0 || !(*ret = open_name("prog.dwp", true)))
		return 0;
	return 1;
}

static const struct snap_split_source split = {.open_dwo = open_dwo, .open_dwp = open_dwp};
static struct snap_elf_file *elf;
static struct snap_symtab symtab;
static const struct snap_image_sources made_of = {.build_id = {1, 2, 3}, .build_id_len = 3};

static void open_program(void)
{
	elf = open_name("prog", false);
	assert_non_null(elf);
	const struct snap_symtab_source source = {elf->elf, SHT_SYMTAB, 0};
	assert_int_equal(snap_symtab_init(&symtab, &source, 1, &err), 0);
}

static void close_program(void)
{
	snap_symtab_deinit(&symtab);
	snap_elf_file_destroy(elf);
	elf = NULL;
}

static struct snap_bytes map_copy(struct snap_bytes image)
{
	if (!image.data)
		return image;
	void *copy =
		mmap(NULL, image.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(copy, MAP_FAILED);
	memcpy(copy, image.data, image.len);
	return snap_bytes(copy, image.len);
}

static struct snap_code_index *open_index(struct snap_bytes image)
{
	const struct snap_code_sources sources = {
		.file = elf, .split = &split, .image = map_copy(image), .made_of = made_of};
	struct snap_code_index *index;
	assert_int_equal(snap_code_index_create(&sources, &index, &err), 0);
	return index;
}

/* ---------------------------------------------------------------- answers as text */

struct text {
	char *data;
	size_t len;
};

static void tell_frames(FILE *f, struct snap_code_index *index, uint64_t vaddr)
{
	struct snap_source_frame frames[16];
	size_t num = snap_code_index_find(index, vaddr, frames, ARRAY_LEN(frames));
	for (size_t i = 0; i < num; i++)
		(void)fprintf(f, " %s%s(%s)%s+%llx@%s:%u:%u", frames[i].is_inline ? "inline " : "",
			frames[i].function ? frames[i].function : "?",
			frames[i].raw_function ? frames[i].raw_function : "?",
			frames[i].is_unmangled ? "u" : "", (unsigned long long)frames[i].start,
			frames[i].file ? frames[i].file : "?", frames[i].line, frames[i].column);
}

static void tell_site(FILE *f, const char *what, const struct snap_call_site *site)
{
	(void)fprintf(f, " %s %llx %d %llx %s", what, (unsigned long long)site->return_vaddr,
		site->is_tail_call, (unsigned long long)site->target_start,
		site->target_name ? site->target_name : "?");
}

static void tell_address(FILE *f, struct snap_code_index *index, uint64_t vaddr)
{
	struct snap_call_site site, calls[8];
	(void)fprintf(f, "%llx:", (unsigned long long)vaddr);
	tell_frames(f, index, vaddr);
	if (snap_code_index_site(index, vaddr, &site))
		tell_site(f, "call", &site);
	size_t num = snap_code_index_tail_calls(index, vaddr, calls, ARRAY_LEN(calls));
	for (size_t i = 0; i < num; i++)
		tell_site(f, "tail", &calls[i]);
	(void)fputc('\n', f);
}

/* All that is known of all code; backwards: in another order, the same text. */
static struct text tell(struct snap_code_index *index)
{
	struct text text = {0};
	FILE *f = open_memstream(&text.data, &text.len);
	assert_non_null(f);
	for (size_t i = 0; i < symtab.num_symbols; i++) {
		const struct snap_symbol *symbol = &symtab.symbols[i];
		uint64_t end =
			symbol->end < symbol->start + 512 ? symbol->end : symbol->start + 512;
		for (uint64_t at = symbol->start; at <= end; at++)
			tell_address(f, index, at);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

static void assert_same(struct text expected, struct text found, const char *what)
{
	if (expected.len == found.len && memcmp(expected.data, found.data, found.len) == 0)
		return;
	size_t at = 0, line = 0;
	while (at < expected.len && at < found.len && expected.data[at] == found.data[at]) {
		at++;
		if (expected.data[at - 1] == '\n')
			line = at;
	}
	fail_msg("%s: %.*s\nnot %.*s", what, (int)strcspn(found.data + line, "\n"),
		found.data + line, (int)strcspn(expected.data + line, "\n"), expected.data + line);
}

static struct text tell_with(struct snap_bytes image)
{
	struct snap_code_index *index = open_index(image);
	struct text text = tell(index);
	snap_code_index_destroy(index);
	return text;
}

static void assert_text_has(struct text text, const char *what, const char *command)
{
	if (!strstr(text.data, what))
		fail_msg("%s: no %s", command, what);
}

static struct snap_bytes image_of(struct snap_code_index *index)
{
	struct snap_bytes image;
	assert_int_equal(snap_code_index_encode(index, &symtab, &image, &err), 0);
	return image;
}

static void free_image(struct snap_bytes image)
{
	free((void *)(uintptr_t)image.data);
}

/* ---------------------------------------------------------------- the same from everything */

static const struct snap_bytes none;

/* From DWARF, from a whole image made by one and by several, and from one of a part of it. */
static struct text assert_all_the_same(const char *what, bool is_whole)
{
	struct text expected = tell_with(none);
	for (size_t jobs = 1; jobs <= 3; jobs += 2) {
		struct snap_code_index *index = open_index(none);
		assert_int_equal(snap_code_index_make_all(index, jobs, NULL, NULL, &err), 0);
		struct text text = tell(index);
		assert_same(expected, text, what);
		free(text.data);
		struct snap_bytes image = image_of(index);
		snap_code_index_destroy(index);
		/* Nothing but the image is needed. */
		struct snap_elf_file *was = elf;
		if (is_whole)
			elf = NULL;
		text = tell_with(image);
		elf = was;
		assert_same(expected, text, what);
		free(text.data);
		free_image(image);
	}
	/* What one address needed is kept; the rest is made anew. */
	struct snap_code_index *index = open_index(none);
	struct snap_source_frame frames[8];
	for (size_t i = 0; i < symtab.num_symbols; i++)
		if (strcmp(symtab.symbols[i].name, "main") == 0)
			assert_true(snap_code_index_find(
					    index, symtab.symbols[i].start, frames, 8) > 0);
	struct snap_bytes image = image_of(index);
	snap_code_index_destroy(index);
	struct text text = tell_with(image);
	assert_same(expected, text, what);
	free(text.data);
	/* And all of it is kept then. */
	index = open_index(image);
	free(tell(index).data);
	struct snap_bytes second = image_of(index);
	snap_code_index_destroy(index);
	text = tell_with(second);
	assert_same(expected, text, what);
	free(text.data);
	free_image(image);
	free_image(second);
	return expected;
}

static void test_code_index_of_c(void **state)
{
	(void)state;
	static const char *const commands[] = {
		"gcc -g -O2 a.c b.c -o prog",
		"gcc -g -O0 a.c b.c -o prog",
		"gcc -gdwarf-2 -gstrict-dwarf -O2 a.c b.c -o prog",
		"gcc -gdwarf-3 -O2 a.c b.c -o prog",
		"gcc -gdwarf-4 -O2 a.c b.c -o prog",
		"gcc -gdwarf-5 -gdwarf64 -O2 a.c b.c -o prog",
		"gcc -g -O2 -gz=zlib a.c b.c -o prog",
		"gcc -g -O2 -gz=zlib-gnu a.c b.c -o prog",
		"gcc -g -O2 -flto a.c b.c -o prog",
		"gcc -g -O2 -ffunction-sections -Wl,--gc-sections a.c b.c -o prog",
		"gcc -g -O2 -ffunction-sections -fuse-ld=lld -Wl,--gc-sections a.c b.c -o prog",
		"clang -g -O2 a.c b.c -o prog",
		"clang -g -O0 a.c b.c -o prog",
		"clang -gdwarf-2 -O2 a.c b.c -o prog",
		"clang -gdwarf-4 -O2 a.c b.c -o prog",
		"clang -g -O2 -ffunction-sections -fuse-ld=lld -Wl,--gc-sections a.c b.c -o prog",
		"clang -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections a.c b.c -o prog",
	};
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		compile(commands[i]);
		open_program();
		struct text text = assert_all_the_same(commands[i], true);
		char expected[512];
		assert_text_has(text, "/h.h:6:", commands[i]);
		assert_text_has(text, " main(main)", commands[i]);
		assert_text_has(text, "inline in_header(in_header)", commands[i]);
		assert_text_has(text, " third(third)", commands[i]);
		(void)snprintf(expected, sizeof(expected), "@%s/a.c:", dir);
		assert_text_has(text, expected, commands[i]);
		free(text.data);
		close_program();
	}
}

static void test_code_index_of_cxx(void **state)
{
	(void)state;
	static const char *const commands[] = {
		"g++ -g -O2 x.cc -o prog",
		"g++ -g -O0 x.cc -o prog",
		"g++ -gdwarf-4 -O1 -fdebug-types-section x.cc -o prog",
		"g++ -gdwarf-5 -O1 -fdebug-types-section x.cc -o prog",
		"g++ -gdwarf-5 -O1 -fdebug-types-section -gsplit-dwarf x.cc -o prog",
		"g++ -gdwarf-4 -O1 -fdebug-types-section -gsplit-dwarf x.cc -o prog",
		"g++ -gdwarf-5 -O1 -gsplit-dwarf x.cc -o prog",
		"clang++ -g -O1 x.cc -o prog",
		"clang++ -g -O1 -fdebug-types-section -gsplit-dwarf x.cc -o prog",
		"clang++ -gdwarf-4 -O1 -fdebug-types-section -gsplit-dwarf x.cc -o prog",
		"clang++ -gdwarf-4 -O0 -fdebug-types-section x.cc -o prog",
	};
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		compile(commands[i]);
		open_program();
		struct text text = assert_all_the_same(commands[i], true);
		assert_text_has(text, "outer::(anonymous namespace)::Hidden::method", commands[i]);
		assert_text_has(text, "outer::(anonymous namespace)::quiet", commands[i]);
		assert_text_has(text, "outer::Box<int>::get", commands[i]);
		free(text.data);
		close_program();
	}
}

static void test_code_index_of_nested_functions(void **state)
{
	(void)state;
	compile("gcc -g -O1 -z execstack nested.c -o prog 2>/dev/null");
	open_program();
	struct text text = assert_all_the_same("nested", true);
	assert_text_has(text, " inside(inside)", "nested");
	assert_text_has(text, " outside(outside)", "nested");
	assert_null(strstr(text.data, "inline"));
	free(text.data);
	close_program();
}

/* Sixty units, whose names take several pages of an image. */
#define MANY                                                                                       \
	"for i in $(seq 60); do sed \"s/third/third_by_a_long_name_$i/; s/other/other$i/\" b.c "   \
	">many$i.c; done; gcc -g -O2 a.c b.c many*.c -o prog"

/* ---------------------------------------------------------------- split DWARF */

static void test_code_index_of_split_dwarf(void **state)
{
	(void)state;
	/* The same code, whole. */
	static const struct {
		const char *whole, *split;
	} compilers[] = {
		{"gcc -gdwarf-5 -O2 a.c b.c -o prog",
			"gcc -gdwarf-5 -gsplit-dwarf -O2 a.c b.c -o prog"},
		{"gcc -gdwarf-4 -O2 a.c b.c -o prog",
			"gcc -gdwarf-4 -gsplit-dwarf -O2 a.c b.c -o prog"},
		{"clang -gdwarf-5 -O2 a.c b.c -o prog",
			"clang -gdwarf-5 -gsplit-dwarf -O2 a.c b.c -o prog"},
		{"clang -gdwarf-4 -O2 a.c b.c -o prog",
			"clang -gdwarf-4 -gsplit-dwarf -O2 a.c b.c -o prog"},
	};
	for (size_t i = 0; i < ARRAY_LEN(compilers); i++) {
		compile(compilers[i].whole);
		open_program();
		struct text expected = tell_with(none);
		close_program();
		compile(compilers[i].split);
		open_program();
		struct text text = assert_all_the_same(compilers[i].split, true);
		assert_same(expected, text, compilers[i].split);
		free(text.data);
		/* With a package, and without the files. DWARF 5's, binutils' dwp can't make: it crashes,
		 * but not (getrlimit(2): a limit of 1) into whatever has core_pattern just then. */
		char command[1024];
		(void)snprintf(command, sizeof(command),
			"cd %s && prlimit --core=1 dwp -e prog -o prog.dwp >/dev/null 2>&1 && mkdir -p away && "
			"mv *.dwo away/",
			dir);
		if (system(command) == 0) {
			text = assert_all_the_same("package", true);
			assert_same(expected, text, "package");
			free(text.data);
			(void)snprintf(command, sizeof(command),
				"cd %s && mv away/*.dwo . && rm prog.dwp", dir);
			assert_int_equal(system(command), 0);
		} else {
			assert_non_null(strstr(compilers[i].split, "dwarf-5"));
		}
		/* One file is missing: its unit has lines only, and is not kept. */
		(void)snprintf(
			command, sizeof(command), "cd %s && mkdir -p away && mv *b.dwo away/", dir);
		assert_int_equal(system(command), 0);
		text = assert_all_the_same("without a .dwo", false);
		assert_text_has(text, " main(main)", compilers[i].split);
		assert_null(strstr(text.data, "third(third)"));
		assert_text_has(text, "/b.c:2:", compilers[i].split);
		free(text.data);
		/* It comes later. */
		struct snap_code_index *index = open_index(none);
		assert_int_equal(snap_code_index_make_all(index, 1, NULL, NULL, &err), 0);
		struct snap_bytes image = image_of(index);
		snap_code_index_destroy(index);
		(void)snprintf(command, sizeof(command), "cd %s && mv away/*b.dwo .", dir);
		assert_int_equal(system(command), 0);
		text = tell_with(image);
		assert_same(expected, text, "a .dwo that came later");
		free(text.data);
		free_image(image);
		free(expected.data);
		close_program();
	}
}

/* ---------------------------------------------------------------- damage */

static void test_code_index_of_damaged_images(void **state)
{
	(void)state;
	FILE *devnull = fopen("/dev/null", "w");
	assert_non_null(devnull);
	compile(MANY);
	open_program();
	struct text expected = tell_with(none);
	struct snap_code_index *index = open_index(none);
	assert_int_equal(snap_code_index_make_all(index, 1, NULL, NULL, &err), 0);
	struct snap_bytes image = image_of(index);
	snap_code_index_destroy(index);
	uint8_t *bytes = (uint8_t *)(uintptr_t)image.data;
	/* "make check-long" looks at more. */
	size_t step = image.len / (getenv("TEST_LONG") ? 30 : 10) + 1;
	for (size_t i = 0; i < image.len; i += step) {
		bytes[i] ^= 0x41;
		/* With all kept, and after all was made by it. */
		struct text text = tell_with(image);
		assert_same(expected, text, "damaged");
		free(text.data);
		index = open_index(image);
		struct snap_bytes second;
		assert_int_equal(snap_code_index_make_all(index, 2, NULL, NULL, &err), 0);
		if (snap_code_index_encode(index, &symtab, &second, &err) == 0) {
			text = tell_with(second);
			assert_same(expected, text, "made of what was damaged");
			free(text.data);
			free_image(second);
		}
		text = tell(index);
		assert_same(expected, text, "damaged, then made");
		free(text.data);
		snap_code_index_destroy(index);
		/* What is kept of it, if anything, is right. */
		index = open_index(image);
		tell_address(devnull, index, symtab.symbols[symtab.num_symbols / 2].start);
		if (snap_code_index_encode(index, &symtab, &second, &err) == 0) {
			text = tell_with(second);
			assert_same(expected, text, "kept of what was damaged");
			free(text.data);
			free_image(second);
		}
		text = tell(index);
		assert_same(expected, text, "damaged, then kept");
		free(text.data);
		snap_code_index_destroy(index);
		bytes[i] ^= 0x41;
	}
	(void)fclose(devnull);
	free_image(image);
	free(expected.data);
	close_program();
}

/* Each look-up is the first one of a damaged image, and must be right at once. */
static void test_code_index_first_answers(void **state)
{
	(void)state;
	compile(MANY);
	open_program();
	struct text expected = {0}, found = {0};
	struct snap_code_index *index = open_index(none);
	assert_int_equal(snap_code_index_make_all(index, 1, NULL, NULL, &err), 0);
	struct snap_bytes image = image_of(index);
	snap_code_index_destroy(index);
	uint8_t *bytes = (uint8_t *)(uintptr_t)image.data;
	size_t every = getenv("TEST_LONG") ? 7 : 19;
	for (size_t page = 0; page < image.len; page += SNAP_IMAGE_PAGE) {
		size_t at = page + 4000 < image.len ? page + 4000 : image.len - 1;
		bytes[at] ^= 1;
		for (size_t i = 0; i < symtab.num_symbols; i += every) {
			for (uint64_t j = 0; j < 40; j += 3) {
				FILE *f = open_memstream(&expected.data, &expected.len);
				index = open_index(none);
				tell_address(f, index, symtab.symbols[i].start + j);
				snap_code_index_destroy(index);
				assert_int_equal(fclose(f), 0);
				f = open_memstream(&found.data, &found.len);
				index = open_index(image);
				tell_address(f, index, symtab.symbols[i].start + j);
				snap_code_index_destroy(index);
				assert_int_equal(fclose(f), 0);
				assert_same(expected, found, "the first answer");
				free(expected.data);
				free(found.data);
			}
		}
		bytes[at] ^= 1;
	}
	free_image(image);
	close_program();
}

/* ---------------------------------------------------------------- workers that die */

static void kill_one(size_t done, size_t all, void *data)
{
	(void)done;
	(void)all;
	bool *killed = data;
	char path[64], line[256] = "";
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	FILE *f = *killed ? NULL : fopen(path, "r");
	if (!f)
		return;
	pid_t child = fgets(line, sizeof(line), f) ? (pid_t)atoi(line) : 0;
	(void)fclose(f);
	if (child > 0 && kill(child, SIGKILL) == 0)
		*killed = true;
}

static void test_code_index_worker_is_killed(void **state)
{
	(void)state;
	compile(MANY);
	open_program();
	struct text expected = tell_with(none);
	bool was_killed = false;
	for (int i = 0; i < 5; i++) {
		bool killed = false;
		struct snap_code_index *index = open_index(none);
		assert_int_equal(snap_code_index_make_all(index, 3, kill_one, &killed, &err), 0);
		was_killed |= killed;
		struct text text = tell(index);
		assert_same(expected, text, "after a worker was killed");
		free(text.data);
		snap_code_index_destroy(index);
	}
	assert_true(was_killed);
	free(expected.data);
	close_program();
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	write_file("a.c", a_c);
	write_file("b.c", b_c);
	write_file("h.h", h_h);
	write_file("x.cc", x_cc);
	write_file("nested.c", nested_c);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	char command[256];
	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_index_of_c),
		cmocka_unit_test(test_code_index_of_cxx),
		cmocka_unit_test(test_code_index_of_nested_functions),
		cmocka_unit_test(test_code_index_of_split_dwarf),
		cmocka_unit_test(test_code_index_of_damaged_images),
		cmocka_unit_test(test_code_index_first_answers),
		cmocka_unit_test(test_code_index_worker_is_killed),
	};
	return cmocka_run_group_tests_name("code_index", tests, make_dir, remove_dir);
}
