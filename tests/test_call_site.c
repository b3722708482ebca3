/* common/call_site: encodings of calls and of what is none, as assemblers make them, and
 * the calls of this very program. */
#include "common/call_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define PC	  UINT64_C(0x12345678)
#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

static const struct snap_arch *arch;

static void use(uint32_t machine, uint32_t elf_class)
{
	arch = snap_arch_find(machine, elf_class, ELFDATA2LSB);
	assert_non_null(arch);
}

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES(...)                                                                                 \
	(struct bytes)                                                                             \
	{                                                                                          \
		(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})             \
	}

/* Exactly the bytes, on the heap: a look before them is an error that the sanitizers find. */
static bool is_call(struct bytes bytes, uint64_t pc)
{
	uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
	assert_non_null(copy);
	memcpy(copy, bytes.data, bytes.len);
	bool result = snap_is_after_call(arch, copy, bytes.len, pc);
	free(copy);
	return result;
}

/* Where a direct call goes, or UNTOUCHED. */
static uint64_t target_of(struct bytes bytes, uint64_t pc)
{
	uint64_t target = UNTOUCHED;
	bool is_direct = snap_call_target(arch, bytes.data, bytes.len, pc, &target);
	assert_true(is_direct == (target != UNTOUCHED));
	return target;
}

static void indirect_at(struct bytes bytes, uint64_t pc, int line)
{
	if (!is_call(bytes, pc))
		fail_msg("line %d: no call", line);
	if (target_of(bytes, pc) != UNTOUCHED)
		fail_msg("line %d: a target", line);
	/* The instruction's last bytes alone are none. */
	for (size_t cut = 1; cut <= bytes.len; cut++)
		if (is_call((struct bytes){bytes.data + cut, bytes.len - cut}, pc))
			fail_msg("line %d: a call without its first %zu bytes", line, cut);
}

static void direct_at(struct bytes bytes, uint64_t pc, uint64_t target, int line)
{
	if (!is_call(bytes, pc))
		fail_msg("line %d: no call", line);
	uint64_t got = target_of(bytes, pc);
	if (got != target)
		fail_msg("line %d: to 0x%llx, not 0x%llx", line, (unsigned long long)got,
			(unsigned long long)target);
	for (size_t cut = 1; cut <= bytes.len; cut++)
		if (target_of((struct bytes){bytes.data + cut, bytes.len - cut}, pc) == target)
			fail_msg("line %d: a target without its first %zu bytes", line, cut);
}

static void none_at(struct bytes bytes, uint64_t pc, int line)
{
	if (is_call(bytes, pc))
		fail_msg("line %d: a call", line);
	if (target_of(bytes, pc) != UNTOUCHED)
		fail_msg("line %d: a target", line);
}

#define INDIRECT(...)	 indirect_at(BYTES(__VA_ARGS__), PC, __LINE__)
#define DIRECT(to, ...)	 direct_at(BYTES(__VA_ARGS__), PC, to, __LINE__)
#define NONE(...)	 none_at(BYTES(__VA_ARGS__), PC, __LINE__)
#define WORD(w)		 (w) & 0xff, (w) >> 8 & 0xff, (w) >> 16 & 0xff, (w) >> 24 & 0xff
#define HALF(h)		 (h) & 0xff, (h) >> 8 & 0xff
#define HALVES(h, other) HALF(h), HALF(other)

/* ---------------------------------------------------------------- x86 */

static void x86_indirect_forms(void)
{
	INDIRECT(0xff, 0xd0);			      /* call *%rax */
	INDIRECT(0xff, 0xd7);			      /* call *%rdi */
	INDIRECT(0xff, 0x13);			      /* call *(%rbx) */
	INDIRECT(0xff, 0x14, 0x24);		      /* call *(%rsp) */
	INDIRECT(0xff, 0x14, 0xc3);		      /* call *(%rbx,%rax,8) */
	INDIRECT(0xff, 0x14, 0xc5, 0, 0, 0, 0);	      /* call *0x0(,%rax,8) */
	INDIRECT(0xff, 0x14, 0x25, 0x10, 0, 0, 0);    /* call *0x10 */
	INDIRECT(0xff, 0x15, 0x78, 0x56, 0x34, 0x12); /* call *disp32(%rip), or *disp32 */
	INDIRECT(0xff, 0x50, 0x18);		      /* call *0x18(%rax) */
	INDIRECT(0xff, 0x54, 0x24, 0x08);	      /* call *0x8(%rsp) */
	INDIRECT(0xff, 0x55, 0xf8);		      /* call *-0x8(%rbp) */
	INDIRECT(0xff, 0x90, 0xa8, 0x01, 0, 0);	      /* call *0x1a8(%rax) */
	INDIRECT(0xff, 0x94, 0x24, 0x80, 0, 0, 0);    /* call *0x80(%rsp) */
	INDIRECT(0xff, 0x94, 0xc5, 0x80, 0, 0, 0);    /* call *0x80(%rbp,%rax,8) */
	INDIRECT(0xff, 0x1b);			      /* lcall *(%rbx) */
	INDIRECT(0xff, 0x5d, 0xf8);		      /* lcall *-0x8(%rbp) */
}

static void x86_others(void)
{
	NONE();
	NONE(0xff);
	NONE(0xe8, 0, 0, 0);
	NONE(0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90);
	NONE(0xe9, 0, 0, 0, 0);				/* jmp */
	NONE(0xff, 0xe0);				/* jmp *%rax */
	NONE(0xff, 0x25, 0, 0, 0, 0);			/* jmp *disp32(%rip) */
	NONE(0xff, 0x6d, 0xf8);				/* ljmp *-0x8(%rbp) */
	NONE(0xff, 0x75, 0xf8);				/* push -0x8(%rbp) */
	NONE(0xff, 0x45, 0xf8);				/* incl -0x8(%rbp) */
	NONE(0xff, 0xdb);				/* a far call has no register form */
	NONE(0x0f, 0x05);				/* syscall */
	NONE(0xcd, 0x80);				/* int $0x80 */
	NONE(0xcc);					/* int3 */
	NONE(0xc3);					/* ret */
	NONE(0xff, 0x54, 0x24);				/* call *0x??(%rsp), cut at its end */
	NONE(0xff, 0x50);				/* call *0x??(%rax), so cut */
	NONE(0xff, 0x15, 0, 0, 0);			/* so cut */
	NONE(0xff, 0xd0, 0x90);				/* one byte later */
	NONE(0xe8, 0, 0, 0, 0, 0x90);			/* so, too */
	NONE(0xff, 0x14, 0x05, 0x10, 0);		/* no base: the displacement has 4 bytes */
	NONE(0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x10); /* mov %rsp,%rbp; sub $0x10,%rsp */
}

static void test_call_site_x86_64(void **state)
{
	(void)state;
	use(EM_X86_64, ELFCLASS64);
	x86_indirect_forms();
	x86_others();
	DIRECT(PC, 0xe8, 0, 0, 0, 0);
	DIRECT(PC + 0x01020304, 0xe8, 0x04, 0x03, 0x02, 0x01);
	DIRECT(PC - 0x100, 0xe8, 0x00, 0xff, 0xff, 0xff);
	direct_at(BYTES(0xe8, 0xfb, 0xff, 0xff, 0xff), UINT64_C(0x7ffff7dd1000),
		UINT64_C(0x7ffff7dd0ffb), __LINE__);
	/* Addresses of 64 bits that end at the top. */
	direct_at(BYTES(0xe8, 0x10, 0, 0, 0), UINT64_MAX, 0xf, __LINE__);

	/* Prefixes: is_call() holds with and without them. */
	assert_true(is_call(BYTES(0x41, 0xff, 0xd4), PC));	 /* call *%r12 */
	assert_true(is_call(BYTES(0x41, 0xff, 0x14, 0xc4), PC)); /* call *(%r12,%rax,8) */
	assert_true(is_call(BYTES(0x3e, 0xff, 0xd0), PC));	 /* notrack call *%rax */
	assert_true(is_call(BYTES(0x3e, 0x41, 0xff, 0xd0), PC)); /* notrack call *%r8 */
	assert_true(is_call(BYTES(0xf2, 0xff, 0xd0), PC));	 /* bnd call *%rax */
	assert_true(is_call(BYTES(0x2e, 0xff, 0xd0), PC));	 /* a segment that is ignored */
	assert_true(is_call(BYTES(0x64, 0xff, 0x14, 0x25, 0x10, 0, 0, 0), PC)); /* *%fs:0x10 */
	assert_true(is_call(BYTES(0x65, 0xff, 0x15, 0x10, 0, 0, 0), PC));	/* *%gs: */
	/* data16 data16 rex.W call __tls_get_addr, as a linker finds it */
	assert_true(is_call(BYTES(0x66, 0x66, 0x48, 0xe8, 0, 0, 0, 0), PC));
	assert_true(target_of(BYTES(0x66, 0x66, 0x48, 0xe8, 8, 0, 0, 0), PC) == PC + 8);
}

static void test_call_site_i386(void **state)
{
	(void)state;
	use(EM_386, ELFCLASS32);
	x86_indirect_forms();
	x86_others();
	DIRECT(PC + 0x01020304, 0xe8, 0x04, 0x03, 0x02, 0x01);
	/* Addresses go round at 4 GiB. */
	direct_at(BYTES(0xe8, 0x00, 0x00, 0x00, 0xf0), 0x08048000, 0xf8048000, __LINE__);
	direct_at(BYTES(0xe8, 0x00, 0x00, 0x00, 0x10), 0xf7d00000, 0x07d00000, __LINE__);
	assert_true(is_call(BYTES(0x65, 0xff, 0x15, 0x10, 0, 0, 0), PC)); /* call *%gs:0x10 */
}

/* Bytes that can be read both ways are a call to nobody knows where. */
static void test_call_site_both_ways(void **state)
{
	(void)state;
	use(EM_X86_64, ELFCLASS64);
	assert_true(is_call(BYTES(0xe8, 0x00, 0x00, 0xff, 0xd0), PC));
	assert_true(target_of(BYTES(0xe8, 0x00, 0x00, 0xff, 0xd0), PC) == UNTOUCHED);
}

/* ---------------------------------------------------------------- ARM */

static void test_call_site_aarch64(void **state)
{
	(void)state;
	use(EM_AARCH64, ELFCLASS64);
	DIRECT(PC - 4 + 0x1000, WORD(0x94000400));    /* bl */
	DIRECT(PC - 4 - 4, WORD(0x97ffffff));	      /* bl */
	DIRECT(PC - 4 + 0x7fffffc, WORD(0x95ffffff)); /* the farthest */
	DIRECT(PC - 4 - 0x8000000, WORD(0x96000000));
	INDIRECT(WORD(0xd63f0000)); /* blr x0 */
	INDIRECT(WORD(0xd63f03c0)); /* blr x30 */
	INDIRECT(WORD(0xd63f081f)); /* blraaz x0 */
	INDIRECT(WORD(0xd63f0e7f)); /* blrabz x19 */
	INDIRECT(WORD(0xd73f0a11)); /* blraa x16, x17 */
	INDIRECT(WORD(0xd73f0c1f)); /* blrab x0, sp */

	NONE();
	NONE(0x00, 0x94);
	NONE(WORD(0x14000400)); /* b */
	NONE(WORD(0xd61f0000)); /* br x0 */
	NONE(WORD(0xd63f0001)); /* no blr */
	NONE(WORD(0xd61f0a1f)); /* braaz x16 */
	NONE(WORD(0xd65f03c0)); /* ret */
	NONE(WORD(0xd65f0bff)); /* retaa */
	NONE(WORD(0xd4000001)); /* svc #0 */
	NONE(WORD(0xd503201f)); /* nop */
	NONE(WORD(0xa9bf7bfd)); /* stp x29, x30, [sp, #-16]! */
	NONE(WORD(0xb4000040)); /* cbz x0 */
	NONE(WORD(0x94000400), WORD(0xd503201f));
	none_at(BYTES(WORD(0x94000400)), PC + 2, __LINE__); /* no place for an instruction */
}

static void test_call_site_arm(void **state)
{
	(void)state;
	use(EM_ARM, ELFCLASS32);
	DIRECT(PC + 4 + 0x400, WORD(0xeb000100));     /* bl */
	DIRECT(PC - 4, WORD(0xebfffffe));	      /* bl to itself */
	DIRECT(PC + 4 + 8, WORD(0x0b000002));	      /* bleq */
	DIRECT(PC + 4 + 0x400 + 1, WORD(0xfa000100)); /* blx */
	DIRECT(PC + 4 + 0x402 + 1, WORD(0xfb000100)); /* blx, to the second half of a word */
	DIRECT(PC + 4 + 0x404, WORD(0xeb000101));     /* bl */
	DIRECT(PC + 4 + 0x404 + 1, WORD(0xfa000101)); /* blx */
	direct_at(BYTES(WORD(0xeb000100)), 0xfffffffc, 0x400, __LINE__);
	INDIRECT(WORD(0xe12fff33));		      /* blx r3 */
	INDIRECT(WORD(0x112fff3e));		      /* blxne lr */
	INDIRECT(WORD(0xe1a0e00f), WORD(0xe12fff13)); /* mov lr, pc; bx r3 */
	INDIRECT(WORD(0xe1a0e00f), WORD(0xe1a0f003)); /* mov lr, pc; mov pc, r3 */
	INDIRECT(WORD(0xe1a0e00f), WORD(0xe593f000)); /* mov lr, pc; ldr pc, [r3] */
	INDIRECT(WORD(0xe1a0e00f), WORD(0xe59ff010)); /* mov lr, pc; ldr pc, [pc, #16] */
	INDIRECT(WORD(0xe1a0e00f), WORD(0xe793f102)); /* mov lr, pc; ldr pc, [r3, r2, lsl #2] */
	INDIRECT(WORD(0x01a0e00f), WORD(0x012fff1c)); /* moveq lr, pc; bxeq ip */

	NONE();
	NONE(0x00, 0xeb);
	NONE(WORD(0xea000100));			  /* b */
	NONE(WORD(0xe12fff1e));			  /* bx lr */
	NONE(WORD(0xe12fff3f));			  /* blx pc: unpredictable */
	NONE(WORD(0xf12fff33));			  /* no condition */
	NONE(WORD(0xe593f000));			  /* ldr pc without the mov */
	NONE(WORD(0xe1a0e00f));			  /* mov without a jump */
	NONE(WORD(0xe1a0e00f), WORD(0xe5933000)); /* ldr r3, [r3] */
	NONE(WORD(0xe1a0e00f), WORD(0xe5d3f000)); /* ldrb */
	NONE(WORD(0xe1a0e00f), WORD(0xe583f000)); /* str pc */
	NONE(WORD(0xe1a0e00f), WORD(0xe710f312)); /* sdiv, which looks nearly like ldr */
	NONE(WORD(0xe1a0e00f), WORD(0xf593f000)); /* pld */
	NONE(WORD(0xe1a0e00e), WORD(0xe12fff13)); /* mov lr, lr */
	NONE(WORD(0xef000000));			  /* svc 0 */
	NONE(WORD(0xe8bd8010));			  /* pop {r4, pc} */
	NONE(WORD(0xe92d4010));			  /* push {r4, lr} */
	NONE(WORD(0xfd000000));
	none_at(BYTES(WORD(0xeb000100)), PC + 2, __LINE__);
	/* Thumb's calls are none here. */
	NONE(HALVES(0xf000, 0xf880));
	NONE(HALVES(0xbf00, 0x4798));
}

static void test_call_site_thumb(void **state)
{
	(void)state;
	use(EM_ARM, ELFCLASS32);
	/* bl; the caller's next instruction is where it counts from */
	direct_at(BYTES(HALVES(0xf000, 0xf880)), PC | 1, (PC + 0x100) | 1, __LINE__);
	direct_at(BYTES(HALVES(0xf7ff, 0xfffe)), PC | 1, (PC - 4) | 1, __LINE__);
	direct_at(BYTES(HALVES(0xf000, 0xd000)), PC | 1, (PC + 0xc00000) | 1, __LINE__);
	direct_at(BYTES(HALVES(0xf400, 0xd000)), PC | 1, (PC - 0x1000000) | 1, __LINE__);
	direct_at(BYTES(HALVES(0xf3ff, 0xd7ff)), PC | 1, (PC + 0xfffffe) | 1, __LINE__);
	direct_at(BYTES(HALVES(0xf000, 0xf880)), (PC + 2) | 1, (PC + 0x102) | 1, __LINE__);
	/* blx, to ARM code, from either half of a word */
	direct_at(BYTES(HALVES(0xf000, 0xe880)), PC | 1, PC + 0x100, __LINE__);
	direct_at(BYTES(HALVES(0xf000, 0xe880)), (PC + 2) | 1, PC + 0x100, __LINE__);
	direct_at(BYTES(HALVES(0xf7ff, 0xeffc)), PC | 1, PC - 8, __LINE__);
	indirect_at(BYTES(HALF(0x4798)), PC | 1, __LINE__);	  /* blx r3 */
	indirect_at(BYTES(HALF(0x47f0)), (PC + 2) | 1, __LINE__); /* blx lr */

	none_at(BYTES(0), PC | 1, __LINE__);
	none_at(BYTES(HALF(0x4718)), PC | 1, __LINE__);		  /* bx r3 */
	none_at(BYTES(HALF(0x47f8)), PC | 1, __LINE__);		  /* blx pc: unpredictable */
	none_at(BYTES(HALF(0x4799)), PC | 1, __LINE__);		  /* low bits must be 0 */
	none_at(BYTES(HALVES(0xf000, 0xb880)), PC | 1, __LINE__); /* b.w */
	none_at(BYTES(HALVES(0xf000, 0x8080)), PC | 1, __LINE__); /* beq.w */
	none_at(BYTES(HALVES(0xf000, 0xe881)), PC | 1, __LINE__); /* blx to nowhere */
	none_at(BYTES(HALVES(0xe000, 0xf880)), PC | 1, __LINE__); /* the second half alone */
	none_at(BYTES(HALVES(0xf8d3, 0xf000)), PC | 1, __LINE__); /* ldr.w pc, [r3] */
	none_at(BYTES(HALVES(0xe92d, 0x41f0)), PC | 1, __LINE__); /* push.w */
	none_at(BYTES(HALF(0xdf00)), PC | 1, __LINE__);		  /* svc 0 */
	none_at(BYTES(HALF(0xbd10)), PC | 1, __LINE__);		  /* pop {r4, pc} */
	none_at(BYTES(WORD(0xe12fff33)), PC | 1, __LINE__);	  /* ARM's blx */
}

/* All code is Thumb code: an address that says something else is none. */
static void test_call_site_cortex_m(void **state)
{
	(void)state;
	arch = snap_arch_find_name("cortex-m");
	assert_non_null(arch);
	direct_at(BYTES(HALVES(0xf000, 0xf880)), PC | 1, (PC + 0x100) | 1, __LINE__);
	indirect_at(BYTES(HALF(0x4798)), PC | 1, __LINE__);
	none_at(BYTES(WORD(0xeb000100)), PC, __LINE__);	     /* ARM's bl */
	none_at(BYTES(HALVES(0xf000, 0xf880)), PC, __LINE__); /* bit 0 is clear */
}

/* ---------------------------------------------------------------- RISC-V */

/* What RV64 has no room for. */
static void test_call_site_riscv32(void **state)
{
	(void)state;
	use(EM_RISCV, ELFCLASS32);
	direct_at(BYTES(HALF(0x3f1d)), 0xcc, 0, __LINE__);	/* c.jal, as the assembler has it */
	direct_at(BYTES(HALF(0x2ca9)), 0xce, 0x326, __LINE__);
	DIRECT(PC - 4 + 0x100, WORD(0x100000ef)); /* jal ra */
	INDIRECT(HALF(0x9782));			  /* c.jalr a5 */
	NONE(HALF(0xa001));			  /* c.j */
	/* Either: the end of a jal, or a c.jal. */
	assert_true(is_call(BYTES(WORD(0x200100ef)), PC));
	assert_true(target_of(BYTES(WORD(0x200100ef)), PC) == UNTOUCHED);
	use(EM_RISCV, ELFCLASS64);
	NONE(HALF(0x3f1d)); /* c.addiw */
}

static void test_call_site_riscv64(void **state)
{
	(void)state;
	use(EM_RISCV, ELFCLASS64);
	DIRECT(PC - 4 + 0x100, WORD(0x100000ef));		/* jal ra */
	DIRECT(PC - 4 + 0x100, WORD(0x100002ef));		/* jal t0 */
	DIRECT(PC - 4 - 4, WORD(0xffdff0ef));			/* jal ra */
	DIRECT(PC - 4 + 0x800, WORD(0x001000ef));		/* jal ra */
	DIRECT(PC - 4 + 0x12804, WORD(0x005120ef));		/* jal ra */
	DIRECT(PC - 4 + 0x802, WORD(0x003000ef));		/* jal ra */
	DIRECT(PC - 4 + 0x100802 - 0x200000, WORD(0x803000ef)); /* jal ra */
	INDIRECT(WORD(0x000780e7));				/* jalr a5 */
	INDIRECT(WORD(0x010502e7));				/* jalr t0, 16(a0) */
	INDIRECT(HALF(0x9782));					/* c.jalr a5 */
	INDIRECT(HALF(0x9082));					/* c.jalr ra */
	/* auipc ra, 1; jalr 16(ra) */
	direct_at(BYTES(WORD(0x00001097), WORD(0x010080e7)), PC, PC - 8 + 0x1010, __LINE__);
	/* auipc ra, 0xfffff; jalr -16(ra) */
	direct_at(BYTES(WORD(0xfffff097), WORD(0xff0080e7)), PC, PC - 8 - 0x1010, __LINE__);
	/* jalr clears bit 0 */
	direct_at(BYTES(WORD(0x00000097), WORD(0x011080e7)), PC, PC - 8 + 0x10, __LINE__);
	/* auipc t1, 0; jalr t0, 8(t1) */
	direct_at(BYTES(WORD(0x00000317), WORD(0x008302e7)), PC, PC, __LINE__);
	/* An auipc of another register has nothing to do with it. */
	assert_true(is_call(BYTES(WORD(0x00001517), WORD(0x010080e7)), PC));
	assert_true(target_of(BYTES(WORD(0x00001517), WORD(0x010080e7)), PC) == UNTOUCHED);

	NONE();
	NONE(0x82);
	NONE(WORD(0x1000006f)); /* j */
	NONE(WORD(0x1000036f)); /* jal t1 */
	NONE(WORD(0x00008067)); /* ret */
	NONE(WORD(0x000310e7)); /* no jalr, though nearly */
	NONE(HALF(0x8782));	/* c.jr a5 */
	NONE(HALF(0x9002));	/* c.ebreak */
	NONE(HALF(0x9783));	/* the first half of something */
	NONE(HALF(0xd782));	/* c.swsp */
	NONE(WORD(0x000740e7)); /* nearly */
	NONE(HALF(0x97aa));	/* c.add a5, a0 */
	NONE(WORD(0x00000073)); /* ecall */
	NONE(WORD(0x00001097)); /* auipc alone */
	none_at(BYTES(HALF(0x9782)), PC + 1, __LINE__);
}

/* ---------------------------------------------------------------- */

static void test_call_site_other_machines(void **state)
{
	(void)state;
	static const struct snap_arch unknown = {
		.elf_machine = EM_68K, .support = SNAP_ARCH_SUPPORTED};
	use(EM_X86_64, ELFCLASS32);
	assert_int_equal(arch->support, SNAP_ARCH_LISTED);
	NONE(0xe8, 0, 0, 0, 0);
	NONE(0xff, 0xd0);
	arch = &unknown;
	NONE(0xe8, 0, 0, 0, 0);
}

/* Every byte sequence of the longest call is read without a look beyond it. */
static void test_call_site_bounds(void **state)
{
	(void)state;
	static const struct {
		uint32_t machine, elf_class;
	} machines[] = {{EM_X86_64, ELFCLASS64}, {EM_386, ELFCLASS32}, {EM_AARCH64, ELFCLASS64},
		{EM_ARM, ELFCLASS32}, {EM_RISCV, ELFCLASS64}};
	uint64_t random = 1;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		use(machines[i].machine, machines[i].elf_class);
		for (unsigned int round = 0; round < 20000; round++) {
			random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
			uint8_t bytes[SNAP_CALL_MAX_BYTES];
			for (size_t k = 0; k < sizeof(bytes); k++)
				bytes[k] = (uint8_t)(random >> (8 * k));
			bytes[round % sizeof(bytes)] = 0xff;
			size_t len = (random >> 32) % (sizeof(bytes) + 1);
			uint64_t pc = random >> 7, target;
			bool is = is_call((struct bytes){bytes, len}, pc);
			if (snap_call_target(arch, bytes, len, pc, &target))
				assert_true(is);
			/* More bytes before those that count change nothing that was found. */
			uint8_t more[2 * SNAP_CALL_MAX_BYTES] = {0};
			memcpy(more + sizeof(bytes), bytes, sizeof(bytes));
			assert_true(snap_is_after_call(arch, more, sizeof(more), pc) ==
				    snap_is_after_call(arch, bytes, sizeof(bytes), pc));
		}
	}
}

#if defined(__x86_64__) || defined(__aarch64__)
static __attribute__((noinline)) const uint8_t *return_address(void)
{
	__asm__ volatile("");
	return __builtin_return_address(0);
}

/* The calls in this program are found, and where they go. */
static void test_call_site_own_code(void **state)
{
	(void)state;
#ifdef __x86_64__
	use(EM_X86_64, ELFCLASS64);
#else
	use(EM_AARCH64, ELFCLASS64);
#endif
	const uint8_t *pc = return_address();
	const uint8_t *const code = pc - SNAP_CALL_MAX_BYTES;
	uint64_t target;
	assert_true(snap_is_after_call(arch, code, SNAP_CALL_MAX_BYTES, (uintptr_t)pc));
	assert_true(snap_call_target(arch, code, SNAP_CALL_MAX_BYTES, (uintptr_t)pc, &target));
	assert_true(target == (uintptr_t)return_address);

	const uint8_t *(*volatile pointer)(void) = return_address;
	pc = pointer();
	assert_true(snap_is_after_call(
		arch, pc - SNAP_CALL_MAX_BYTES, SNAP_CALL_MAX_BYTES, (uintptr_t)pc));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_site_x86_64),
		cmocka_unit_test(test_call_site_i386),
		cmocka_unit_test(test_call_site_both_ways),
		cmocka_unit_test(test_call_site_aarch64),
		cmocka_unit_test(test_call_site_arm),
		cmocka_unit_test(test_call_site_thumb),
		cmocka_unit_test(test_call_site_cortex_m),
		cmocka_unit_test(test_call_site_riscv32),
		cmocka_unit_test(test_call_site_riscv64),
		cmocka_unit_test(test_call_site_other_machines),
		cmocka_unit_test(test_call_site_bounds),
#if defined(__x86_64__) || defined(__aarch64__)
		cmocka_unit_test(test_call_site_own_code),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
