/*
 * Sources: the Itanium C++ ABI, exception handling (2.2.1) and run-time type information (2.9.5);
 * gcc 12's libstdc++-v3/libsupc++/unwind-cxx.h, eh_throw.cc, and its <stdexcept>; LLVM 14's
 * libcxxabi/src/cxa_exception.h.
 */
#include "analyze/explain/cxx_exception.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/explain/cxx_value.h"
#include "analyze/symbols/demangle.h"
#include "analyze/symbols/static_memory.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define FORMAT(e, ...) snap_crash_format((e)->crash, __VA_ARGS__)

/* Where the functions that throw stand, innermost first; and words of stack that are looked at. */
#define LOOK_AT	  32
#define MAX_WORDS 4096u
#define MAX_NAME  1024u
/* Classes that one is derived from. */
#define MAX_BASES 8

/* struct __cxa_exception of machines with 64 bits: where, from the _Unwind_Exception in it. */
#define HEADER_TYPE 80u /* before: the type, or, of a dependent one, the object */
#define OBJECT	    32u /* behind */
#define PRIMARY	    88u /* before, of LLVM's dependent one: the object */
/* The class of exceptions, as the bytes of a word, the least significant first: "GNUCC++\0".
 * Dependent: by std::rethrow_exception(). */
#define CLASS_GNU	     UINT64_C(0x474e5543432b2b00)
#define CLASS_GNU_DEPENDENT  UINT64_C(0x474e5543432b2b01)
#define CLASS_LLVM	     UINT64_C(0x434c4e47432b2b00) /* "CLNGC++\0" */
#define CLASS_LLVM_DEPENDENT UINT64_C(0x434c4e47432b2b01)

/* ---------------------------------------------------------------- types */

/*
 * "NSt..." or "_ZTI..." as one writes it in the source: into the arena. NULL: it is no type's, or
 * there is no memory.
 */
static const char *type_name(struct snap_crash *crash, const char *prefix, const char *mangled)
{
	static const char says[] = "typeinfo for ";
	char raw[MAX_NAME + 8];
	size_t len = strlen(mangled);
	if (len == 0 || len > MAX_NAME)
		return NULL;
	memcpy(raw, prefix, strlen(prefix));
	memcpy(raw + strlen(prefix), mangled, len + 1);
	char *name = snap_demangle_whole(raw);
	const char *ret = name && strncmp(name, says, strlen(says)) == 0
				  ? snap_crash_format(crash, "%s", name + strlen(says))
				  : NULL;
	free(name);
	return ret;
}

/* What follows "_ZTI" in a symbol, without a version as in "_ZTISt9exception@GLIBCXX_3.4". */
static const char *mangled_symbol(struct snap_crash *crash, const char *symbol)
{
	const char *at = strchr(symbol, '@');
	return at ? snap_crash_format(crash, "%.*s", (int)(at - symbol - 4), symbol + 4)
		  : symbol + 4;
}

/*
 * The mangled name of the type that std::type_info at addr stands for ("St13runtime_error"); NULL:
 * there is none. By its symbol, or by what stands there: a vtable's address, and the name's.
 */
static const char *mangled_type(struct snap_crash *crash, uint64_t addr)
{
	const char *symbol = snap_static_symbol(crash, addr);
	if (symbol && strncmp(symbol, "_ZTI", 4) == 0)
		return mangled_symbol(crash, symbol);
	struct snap_static_pointer name;
	unsigned int word = snap_arch_word(crash->arch);
	if (symbol || !snap_static_pointer(crash, addr + word, &name) || !name.has_address)
		return NULL;
	const char *text = snap_static_text(crash, name.address, MAX_NAME);
	/* Of a type that is known only where it stands: its name is no other's. */
	return text && text[0] == '*' ? text + 1 : text;
}

static bool is_type(struct snap_crash *crash, uint64_t addr, const char **ret_mangled)
{
	if (addr % snap_arch_word(crash->arch) != 0)
		return false;
	const char *mangled = mangled_type(crash, addr);
	if (!mangled || !type_name(crash, "_ZTI", mangled))
		return false;
	*ret_mangled = mangled;
	return true;
}

/*
 * Whether the type is one of the C++ library's that keep their text in a reference-counted string
 * behind the vtable's address, or is derived from one. The classes that it is derived from are
 * followed as far as each has one.
 */
static bool keeps_text(struct snap_crash *crash, uint64_t type, const char *mangled)
{
	static const char *const keepers[] = {"St13runtime_error", "St11logic_error"};
	/* Derived from these, in libraries whose data may not be at hand. */
	static const char *const derived[] = {"St12out_of_range", "St16invalid_argument",
		"St12length_error", "St12domain_error", "St11range_error", "St14overflow_error",
		"St15underflow_error"};
	for (unsigned int i = 0; i < MAX_BASES && mangled; i++) {
		for (size_t j = 0; j < ARRAY_LEN(keepers); j++)
			if (strcmp(mangled, keepers[j]) == 0)
				return true;
		for (size_t j = 0; j < ARRAY_LEN(derived); j++)
			if (strcmp(mangled, derived[j]) == 0)
				return true;
		/* __si_class_type_info: the base's type_info behind the name. Of other kinds there
		 * are numbers, or nothing. */
		struct snap_static_pointer base;
		if (type == 0 || !snap_static_pointer(crash,
					 type + 2 * (uint64_t)snap_arch_word(crash->arch), &base))
			return false;
		if (base.symbol && strncmp(base.symbol, "_ZTI", 4) == 0)
			mangled = mangled_symbol(crash, base.symbol);
		else if (!base.has_address || !is_type(crash, base.address, &mangled))
			return false;
		type = base.has_address ? base.address : 0;
	}
	return false;
}

/* ---------------------------------------------------------------- the exception */

struct exception {
	bool has_type, has_object;
	uint64_t type, object;
	const char *mangled;
};

static bool read_word(struct snap_crash *crash, uint64_t addr, uint64_t *ret)
{
	uint8_t bytes[8];
	if (!snap_memory_read_all(&crash->memory, addr, bytes, sizeof(bytes)))
		return false;
	*ret = snap_arch_load(crash->arch, bytes, sizeof(bytes));
	return true;
}

/* An exception's header that was captured. */
static bool read_header(struct snap_crash *crash, uint64_t header, struct exception *ret)
{
	uint64_t class, type, object;
	if (header % 16 != 0 || header < 4096 || !read_word(crash, header, &class) ||
		(class != CLASS_GNU && class != CLASS_GNU_DEPENDENT && class != CLASS_LLVM &&
			class != CLASS_LLVM_DEPENDENT) ||
		!read_word(crash, header - HEADER_TYPE, &type))
		return false;
	object = header + OBJECT;
	if (class == CLASS_LLVM_DEPENDENT) {
		if (!read_word(crash, header - PRIMARY, &object) || object < 4096)
			return false;
	} else if (class == CLASS_GNU_DEPENDENT) {
		object = type;
		if (object < 4096 || !read_word(crash, object - OBJECT - HEADER_TYPE, &type))
			return false;
	}
	if (!is_type(crash, type, &ret->mangled))
		return false;
	ret->has_type = ret->has_object = true;
	ret->type = type;
	ret->object = object;
	return true;
}

/* Whether any register that is known of the frame leads to an exception's header. */
static bool by_registers(
	struct snap_crash *crash, const struct snap_frame *frame, struct exception *ret)
{
	unsigned int num = snap_arch_num_columns(crash->arch);
	for (unsigned int i = 0; frame->regs && i < num && i < 64; i++)
		if (frame->known_regs >> i & 1 && read_header(crash, frame->regs[i], ret))
			return true;
	return false;
}

/* The type that a function that throws keeps in a register that it has to restore. */
static bool type_by_registers(
	struct snap_crash *crash, const struct snap_frame *frame, struct exception *ret)
{
	unsigned int num = snap_arch_num_columns(crash->arch), found = 0;
	if (frame->trust > SNAP_TRUST_CFI)
		return false;
	for (unsigned int i = 0; frame->regs && i < num && i < 64; i++)
		if (frame->known_regs >> i & 1 && is_type(crash, frame->regs[i], &ret->mangled)) {
			found++;
			ret->type = frame->regs[i];
		}
	/* Several: none of them is known to be it. */
	ret->has_type = found == 1;
	return ret->has_type;
}

/* Words of the frames' stack. */
static bool by_stack(struct snap_crash *crash, uint64_t from, uint64_t end, struct exception *ret)
{
	from &= ~UINT64_C(7);
	for (unsigned int i = 0; i < MAX_WORDS && from < end; i++, from += 8) {
		uint64_t word;
		if (read_word(crash, from, &word) && read_header(crash, word, ret))
			return true;
	}
	return false;
}

/* The outermost of the C++ library's lines that has to do with an exception; false: there is none.
 */
static bool find_line(const struct snap_crash_thread *thread, size_t *ret)
{
	static const char *const functions[] = {"__cxa_throw", "__cxa_rethrow",
		"std::rethrow_exception", "__gxx_personality_v0", "__cxa_call_terminate",
		"__clang_call_terminate", "std::terminate"};
	bool found = false;
	for (size_t i = 0; i < thread->num_listed && i < LOOK_AT; i++) {
		const char *name = thread->listed[i].function;
		for (size_t j = 0; name && j < ARRAY_LEN(functions); j++)
			if (strcmp(name, functions[j]) == 0) {
				*ret = i;
				found = true;
			}
	}
	return found;
}

static bool throws(const struct snap_crash_thread *thread, size_t line)
{
	return strcmp(thread->listed[line].function, "__cxa_throw") == 0;
}

/* The function that threw, of the program's own: libraries throw for it. */
static const char *thrower(const struct snap_crash_thread *thread, size_t line)
{
	static const char *const libraries[] = {"std::", "__gnu_cxx::", "operator new"};
	const char *first = NULL;
	const struct snap_crash_module *library = thread->frames[thread->listed[line].frame].module;
	for (size_t i = line + 1; i < thread->num_listed && i < LOOK_AT; i++) {
		const char *name = thread->listed[i].function;
		bool is_library =
			library && thread->frames[thread->listed[i].frame].module == library;
		for (size_t j = 0; name && j < ARRAY_LEN(libraries); j++)
			is_library |= strncmp(name, libraries[j], strlen(libraries[j])) == 0;
		first = first ? first : name;
		if (!is_library)
			return name ? name : first;
	}
	return first;
}

/* ---------------------------------------------------------------- its text */

/* -1 without memory. */
static int find_text(
	const struct snap_evidence *e, const struct exception *found, struct snap_exception *ret)
{
	struct snap_cxx_value value = {.state = SNAP_EXCEPTION_TEXT_NOT_CAPTURED};
	enum snap_cxx_kind kind = snap_cxx_kind(found->mangled);
	bool is_value = kind != SNAP_CXX_OTHER;
	if (!is_value && !keeps_text(e->crash, found->type, found->mangled))
		return 0;
	if (found->has_object &&
		(is_value ? snap_cxx_value_read(e->crash, found->mangled, found->object, &value)
			  : snap_cxx_what_read(e->crash, found->object + 8, &value)))
		return -1;
	*(is_value ? &ret->value : &ret->what) = value.text;
	ret->value_is_text = kind == SNAP_CXX_TEXT;
	ret->text = value.state;
	return 0;
}

/* ---------------------------------------------------------------- the whole */

int snap_cxx_exception_find(struct snap_evidence *e)
{
	struct snap_crash *crash = e->crash;
	struct snap_cause *cause = &crash->cause;
	const struct snap_crash_thread *thread = e->thread;
	struct exception found = {0};
	size_t line = 0;
	if (!thread || !crash->arch || crash->arch->elf_class != ELFCLASS64 ||
		!find_line(thread, &line))
		return 0;
	const struct snap_frame *frames = thread->frames;
	size_t frame = thread->listed[line].frame;
	for (size_t i = 0; i <= frame && i < thread->num_frames && !found.has_type; i++)
		(void)by_registers(crash, &frames[i], &found);
	if (!found.has_type && e->has_sp && frames[frame].has_cfa)
		(void)by_stack(crash, e->sp, frames[frame].cfa, &found);
	if (!found.has_type && throws(thread, line))
		(void)type_by_registers(crash, &frames[frame], &found);
	cause->has_exception = found.has_type;
	struct snap_exception *exception = &cause->exception;
	if (throws(thread, line)) {
		exception->thrown_in = thrower(thread, line);
		cause->has_exception = true;
	}
	if (!found.has_type)
		return 0;
	exception->type = type_name(crash, "_ZTI", found.mangled);
	if (!exception->type)
		return -1;
	exception->short_type = snap_cxx_short_name(found.mangled);
	if (find_text(e, &found, exception))
		return -1;
	if (strcmp(thread->listed[line].function, "__cxa_rethrow") == 0)
		e->failure_words = "a C++ exception was thrown again and not caught";
	if (strcmp(found.mangled, "St9bad_alloc") == 0 &&
		cause->failure == SNAP_FAILURE_UNCAUGHT_EXCEPTION) {
		cause->failure = SNAP_FAILURE_OUT_OF_MEMORY;
		e->failure_words = "memory is exhausted, or far too much was asked for: a C++ "
				   "exception was not caught";
	}
	return 0;
}

/* As a sentence has room for, which has three such parts. */
static const char *shorten(const struct snap_evidence *e, const char *text)
{
	size_t max = 280;
	if (strlen(text) <= max)
		return text;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return FORMAT(e, "%.*s...", (int)max, text);
}

/* What it says; "" if that is not known. */
static const char *text_words(const struct snap_evidence *e, const struct snap_exception *exception)
{
	bool is_captured = exception->text != SNAP_EXCEPTION_TEXT_NOT_CAPTURED;
	const char *text = exception->what ? exception->what : exception->value;
	if (!text)
		return is_captured ? "" : " (what it says was not captured)";
	if (!exception->what && !exception->value_is_text)
		return FORMAT(e, " (%s)", text);
	text = shorten(e, text);
	return text ? FORMAT(e, " (\"%s\"%s)", text,
			      is_captured ? "" : ", the rest was not captured")
		    : NULL;
}

const char *snap_cxx_exception_words(const struct snap_evidence *e)
{
	const struct snap_cause *cause = &e->crash->cause;
	const struct snap_exception *exception = &cause->exception;
	if (!cause->has_exception)
		return "";
	const char *name = exception->short_type ? exception->short_type
			   : exception->type	 ? shorten(e, exception->type)
						 : "";
	const char *text = text_words(e, exception);
	const char *thrower = exception->thrown_in ? shorten(e, exception->thrown_in) : "";
	if (!name || !text || !thrower)
		return NULL;
	return FORMAT(e, "%s%s%s%s%s", name[0] ? ": " : "", name, text,
		thrower[0] ? ", thrown in " : "", thrower);
}
