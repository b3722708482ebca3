// Reads past the end of a vector, which the C++ library's checks (_GLIBCXX_ASSERTIONS) find.
#ifdef SPLIT
// So declared, what calls it stands apart from the rest of its function.
namespace std
{
[[noreturn]] __attribute__((cold)) void __glibcxx_assert_fail(
	const char *, int, const char *, const char *) noexcept;
}
#endif
#include <vector>

#ifdef JOINED
// Two ways lead to the call, with different texts: which was taken is not known.
extern "C" int element(const std::vector<int> *values, std::size_t index);
__asm__(".text\n"
	".type element, @function\n"
	"element:\n"
	"	.cfi_startproc\n"
	"	subq $8, %rsp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	leaq first(%rip), %rcx\n"
	"	testq %rdi, %rdi\n"
	"	je 1f\n"
	"	leaq second(%rip), %rcx\n"
	"1:	leaq in(%rip), %rdx\n"
	"	movl $9, %esi\n"
	"	leaq file(%rip), %rdi\n"
	"	call _ZSt21__glibcxx_assert_failPKciS0_S0_@PLT\n"
	"	.cfi_endproc\n"
	".size element, . - element\n"
	".section .rodata\n"
	"first: .string \"first\"\n"
	"second: .string \"second\"\n"
	"in: .string \"in\"\n"
	"file: .string \"file.cc\"\n"
	".text\n");
#else
__attribute__((noinline)) int element(const std::vector<int> *values, std::size_t index)
{
	return (*values)[index];
}
#endif

int main(int argc, char **)
{
	std::vector<int> values(3);

	return element(&values, argc + 100u) + 1;
}
