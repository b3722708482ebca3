# Snapcrash's build.
#
# Targets: all (default), capture (the device's half alone, which needs a C compiler, protoc-c and
# protobuf-c), demo, check, sizes (of the capture half's programs), deps, install, install-capture,
# clean; capture/device/device.mk has those for microcontrollers, tests/tests.mk those of the tests,
# bench/bench.mk those that measure, fuzz/fuzz.mk those that fuzz; "make help" lists the knobs.
#
# Knobs, on the command line or in the environment:
#   CC=clang                      another compiler
#   CROSS=aarch64-linux-gnu-      build for another machine, into build/aarch64-linux-gnu, with the
#                                 compiler of that prefix: "make CROSS=... capture"
#   STATIC=1                      programs of the capture half that need no shared library, into
#                                 build/static; with CC=musl-gcc, into build/static-musl
#   STATIC_CC=musl-gcc            compiler of the client and the debugger, which are started while a
#                                 process waits: as static programs on musl they are there half a
#                                 millisecond sooner. So by default where there is a musl-gcc (not
#                                 with CROSS, STATIC, SANITIZE or another CC); STATIC_CC= for none
#   PROTOBUF_C=DIR                compile DIR/protobuf-c/protobuf-c.c into the programs instead of
#                                 linking what pkg-config finds. CROSS and musl do so by themselves,
#                                 with Debian's source, which they fetch into build/protobuf-c,
#                                 unless PKG_CONFIG_LIBDIR says where the target's library is
#   CFLAGS=, CPPFLAGS=, LDFLAGS=  yours; CFLAGS come last and so win (-O2 -g; -O1 -g1 with SANITIZE)
#   DEBUG_INFO=-g0                no debug information (by default -g; -g1 with SANITIZE)
#   V=1                           show whole commands
#   DEVELOPER=1                   warnings are errors
#   SANITIZE=address,undefined    build (into build/sanitize) with these sanitizers
#   O=DIR                         build there instead of build/
#   TEST_JOBS=N                   how many tests run at a time (as many as there are processors)
#   TEST_LONG=1                   tests take all of what they usually take samples of ("make check-long")
#   TEST_AGAIN=N                  up to N tests that failed get a second run, alone (0)
#   prefix=/usr/local, DESTDIR=   where "make install" puts things; also bindir, libexecdir, docdir,
#                                 mandir and, if not empty, unitdir, sysusersdir, tmpfilesdir, sysctldir
#
# "make deps" is the only target that installs anything (Debian packages, as root); combined with
# another target, as in "make deps demo", it runs first.

VERSION = 0.1.0
PKG_CONFIG ?= pkg-config

ifdef SANITIZE
O ?= build/sanitize
endif
ifdef CROSS
O ?= build/$(patsubst %-,%,$(CROSS))$(if $(STATIC),-static)
CC = $(CROSS)gcc
AR = $(CROSS)ar
OBJCOPY = $(CROSS)objcopy
STRIP = $(CROSS)strip
endif
musl = $(findstring musl,$(CC))
ifdef STATIC
O ?= build/static$(if $(musl),-musl)
endif
O ?= build
PROTOBUF_C_ARCHIVE := $(wildcard $(shell $(PKG_CONFIG) --variable=libdir libprotobuf-c 2>/dev/null)/libprotobuf-c.a)
ifeq ($(or $(CROSS),$(STATIC),$(SANITIZE),$(filter-out default,$(origin CC))),)
STATIC_CC ?= $(and $(PROTOBUF_C_ARCHIVE),$(notdir $(shell command -v musl-gcc 2>/dev/null)))
endif
ifneq ($(or $(CROSS),$(musl)),)
ifndef PKG_CONFIG_LIBDIR
PROTOBUF_C ?= build/protobuf-c
endif
endif
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libexecdir ?= $(prefix)/libexec
docdir ?= $(prefix)/share/doc/snapcrash
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
sysctldir ?= $(prefix)/lib/sysctl.d
STRIP ?= strip
PROTOC_C ?= protoc-c
OBJCOPY ?= objcopy
PYTHON ?= /usr/bin/python3

WARNINGS = -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wmissing-prototypes
ifdef DEVELOPER
WARNINGS += -Werror
endif
# (Sanitizers make -O2 slow to compile, and -O1 is enough for what they find; what they print takes
# functions and lines, no variables.)
DEBUG_INFO ?= $(if $(SANITIZE),-g1,-g)
CFLAGS ?= $(if $(SANITIZE),-O1,-O2) $(DEBUG_INFO)
ifdef SANITIZE
# What may be cut off by snprintf() gcc sees better at -O2.
SANITIZE_FLAGS = -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer \
	$(if $(findstring clang,$(CC)),,-Wno-format-truncation) -DSNAP_SANITIZED
# In the program itself they look for leaks faster: snapanalyze takes a fifth less. (clang does so anyway.)
SANITIZE_LDFLAGS = $(SANITIZE_FLAGS) $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)
endif
# What makes an overflow harder to use: canaries, guard pages that can't be stepped over, calls of the C
# library that know the size of what they write to (which takes optimisation, and is the sanitizers' own
# work there), returns and indirect calls that only go where they may (on machines that have it). With
# the functions that check, glibc wants every result to be used; gcc does not take "(void)" for a use.
machine := $(shell $(CC) -dumpmachine 2>/dev/null)
HARDENING = -fstack-protector-strong \
	$(if $(or $(findstring x86_64,$(machine)),$(findstring i686,$(machine))),-fstack-clash-protection -fcf-protection=full) \
	$(if $(findstring aarch64,$(machine)),-fstack-clash-protection -mbranch-protection=standard) \
	$(if $(SANITIZE),,$(if $(filter -O1 -O2 -O3 -Os,$(CFLAGS)),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wno-unused-result))
BASE_CPPFLAGS = -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -DSNAP_VERSION='"$(VERSION)"' -I. -I$(O)
BASE_CFLAGS = -std=gnu11 $(WARNINGS) -fPIE $(HARDENING) -ffunction-sections \
	-fdata-sections $(SANITIZE_FLAGS)
ifdef STATIC
# The wrapper musl-gcc knows no -static-pie, but musl has the start of such programs (rcrt1.o).
musl_dir := $(and $(findstring musl-gcc,$(CC)),$(shell sed -n 's,.*-specs "\(.*\)/[^/]*".*,\1,p' \
	"$$(command -v $(CC))"))
ifneq ($(wildcard $(musl_dir)/rcrt1.o),)
pie = -static -nostartfiles -Wl,-pie,--no-dynamic-linker,-z,text $(musl_dir)/rcrt1.o $(musl_dir)/crti.o
static_end = $(musl_dir)/crtn.o
else
pie = -static-pie
endif
else
pie = -pie
endif
BASE_LDFLAGS = $(pie) -Wl,-z,relro,-z,now -Wl,--as-needed,--gc-sections $(SANITIZE_LDFLAGS)

ifneq ($(findstring musl-gcc,$(CC)),)
# That wrapper looks into musl's own directory alone, where Debian has no headers of the kernel.
linux_headers := $(O)/linux-headers
$(shell mkdir -p $(linux_headers) && ln -sfn /usr/include/linux /usr/include/asm-generic \
	/usr/include/$(shell gcc -print-multiarch)/asm $(linux_headers) && \
	ln -sfn "$$($(PKG_CONFIG) --variable=includedir libprotobuf-c)/protobuf-c" $(linux_headers))
BASE_CPPFLAGS += -idirafter $(linux_headers)
endif

ifdef V
Q =
else
Q = @
endif
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

# What "make deps" installs: first to build and run, then for the tests.
DEPS = gcc make pkg-config libc6-dev libdw-dev libelf-dev libprotobuf-c-dev \
	protobuf-c-compiler libjansson-dev libiberty-dev libmd-dev libsqlite3-dev libsqlite3-0 libarchive-dev liblzma-dev \
	zlib1g-dev libseccomp-dev libdebuginfod1 libdeflate0 libcapstone-dev libcapstone4 musl-tools
DEPS_CHECK = clang libclang-rt-14-dev libc++-dev libc++abi-dev llvm g++ gfortran gdb lldb elfutils libcmocka-dev protobuf-compiler python3 python3-jsonschema \
	libc6-dbg gzip xz-utils zstd lz4 util-linux binutils dwz debuginfod groff-base qemu-user \
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross \
	gcc-arm-none-eabi qemu-system-arm gcc-riscv64-unknown-elf qemu-system-misc

.PHONY: deps
deps:
	@echo "Installing Debian packages: $(DEPS) $(DEPS_CHECK)"
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(DEPS) $(DEPS_CHECK)

# What "make fixtures" takes for other machines: cross compilers, and what runs and reads their programs.
DEPS_CROSS = qemu-user gdb-multiarch xz-utils util-linux gcc-arm-none-eabi qemu-system-arm \
	$(foreach machine,aarch64-linux-gnu arm-linux-gnueabihf riscv64-linux-gnu i686-linux-gnu, \
		gcc-$(machine) g++-$(machine)) \
	$(addprefix gcc-,mips64el-linux-gnuabi64 mips-linux-gnu powerpc64le-linux-gnu \
		powerpc64-linux-gnu s390x-linux-gnu sparc64-linux-gnu m68k-linux-gnu \
		x86-64-linux-gnux32) \
	$(patsubst %,libc6-dev-%-cross,arm64 armhf riscv64 i386 mips64el mips ppc64el ppc64 s390x \
		sparc64 m68k x32)

.PHONY: deps-cross
deps-cross:
	@echo "Installing Debian packages: $(DEPS_CROSS)"
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(DEPS_CROSS)

others = $(filter-out deps,$(MAKECMDGOALS))
ifneq ($(and $(filter deps,$(MAKECMDGOALS)),$(others)),)

# What deps installs (pkg-config, the compilers) counts for the rest: that runs in a make of its own,
# on all processors unless told.
.PHONY: $(others)
$(others): deps
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) $@

else

# ---------------------------------------------------------------- what is built of what

COMMON_OBJS = \
	common/abort_message.o \
	common/arena.o \
	common/arch.o \
	common/areas.o \
	common/call_site.o \
	common/cpu_state.o \
	common/crash_windows.o \
	common/crc32c.o \
	common/elf_image.o \
	common/elf_notes.o \
	common/elf_symbol.o \
	common/error.o \
	common/escape.o \
	common/indirect.o \
	common/memory_plan.o \
	common/snapshot_read.o \
	common/snapshot_scan.o \
	common/snapshot_write.o \
	common/stack_budget.o \
	common/stack_chain.o \
	common/standard_fds.o \
	common/wire.o \
	common/words.o \
	proto/snapshot.pb-c.o

CAPTURE_OBJS = \
	capture/access.o \
	capture/adopt.o \
	capture/annotations.o \
	capture/annotations_find.o \
	capture/cgroup_memory.o \
	capture/cgroup_names.o \
	capture/config.o \
	capture/core_pattern.o \
	capture/dir_walk.o \
	capture/emit.o \
	capture/extra_regsets.o \
	capture/facts.o \
	capture/filter.o \
	capture/layout.o \
	capture/limits.o \
	capture/live_locks.o \
	capture/live_threads.o \
	capture/lock.o \
	capture/memory.o \
	capture/origin.o \
	capture/pidfd.o \
	capture/prefault.o \
	capture/vector_regsets.o \
	capture/priority.o \
	capture/privileges.o \
	capture/proc_container.o \
	capture/proc_files.o \
	capture/proc_info.o \
	capture/proc_maps.o \
	capture/proc_status.o \
	capture/proc_thread.o \
	capture/proc_tids.o \
	capture/program.o \
	capture/protocol.o \
	capture/rate.o \
	capture/saved.o \
	capture/seal.o \
	capture/skipped.o \
	capture/spool.o \
	capture/spool_name.o \
	capture/spool_usage.o \
	capture/stack_figures.o \
	capture/system_info.o \
	capture/thread_names.o \
	capture/utc.o

CLIENT_OBJS = \
	capture/chain.o \
	capture/client.o \
	capture/client_args.o \
	capture/client_file.o \
	capture/core_stream.o \
	capture/crash.o \
	capture/crash_indirect.o \
	capture/crash_records.o \
	capture/crash_threads.o \
	capture/identity.o \
	capture/memory_ahead.o \
	capture/stack_batch.o \
	capture/server_link.o
SERVER_OBJS = \
	capture/server/acceptor.o \
	capture/server/admit.o \
	capture/server/adoption.o \
	capture/server/app.o \
	capture/server/app_worker.o \
	capture/server/coredump_peer.o \
	capture/server/coredump_pool.o \
	capture/server/coredump_worker.o \
	capture/server/dumps.o \
	capture/server/fd_pass.o \
	capture/server/hook.o \
	capture/server/keeper.o \
	capture/server/keeper_serve.o \
	capture/server/listen.o \
	capture/server/log.o \
	capture/server/loop.o \
	capture/server/main.o \
	capture/server/notify.o \
	capture/server/peer.o \
	capture/server/user.o \
	capture/server/workers.o
# Of the others' objects: for what programs and the kernel ask of it, the server is a debugger and a
# client.
SERVER_BORROWED_OBJS = $(filter-out capture/client.o capture/client_args.o capture/chain.o,$(CLIENT_OBJS)) \
	capture/interrupted_call.o capture/live.o capture/live_pieces.o capture/tracee.o
CTL_OBJS = \
	capture/ctl/check_kernel.o \
	capture/ctl/check_server.o \
	capture/ctl/check_spool.o \
	capture/ctl/client_program.o \
	capture/ctl/cmd_adopt.o \
	capture/ctl/cmd_enable.o \
	capture/ctl/cmd_get.o \
	capture/ctl/cmd_list.o \
	capture/ctl/cmd_rm.o \
	capture/ctl/cmd_status.o \
	capture/ctl/cmd_test.o \
	capture/ctl/json_out.o \
	capture/ctl/kernel_log.o \
	capture/ctl/listing.o \
	capture/ctl/main.o \
	capture/ctl/settings.o \
	capture/ctl/speak.o \
	capture/ctl/words.o \
	capture/output.o
DEBUGGER_OBJS = \
	capture/debugger/main.o \
	capture/debugger/options.o \
	capture/debugger/process_find.o \
	capture/debugger/report_run.o \
	capture/debugger/text.o \
	capture/debugger/text_threads.o \
	capture/debugger/text_view.o \
	capture/identity.o \
	capture/interrupted_call.o \
	capture/live.o \
	capture/live_pieces.o \
	capture/memory_ahead.o \
	capture/output.o \
	capture/stack_batch.o \
	capture/tracee.o

ANALYZE_OBJS = \
	analyze/analysis.o \
	analyze/cache/cache_dir.o \
	analyze/cmd_cache.o \
	analyze/cmd_check.o \
	analyze/cmd_dedup.o \
	analyze/cmd_dump.o \
	analyze/cmd_export.o \
	analyze/cmd_import.o \
	analyze/cmd_ingest.o \
	analyze/cmd_json.o \
	analyze/cmd_modules.o \
	analyze/cmd_report.o \
	analyze/cmd_signature.o \
	analyze/cmd_symbolize.o \
	analyze/cmd_symbols.o \
	analyze/command.o \
	analyze/convert/auxv.o \
	analyze/convert/core_file.o \
	analyze/convert/core_notes.o \
	analyze/convert/elf_build.o \
	analyze/convert/elf_view.o \
	analyze/convert/export.o \
	analyze/convert/import.o \
	analyze/convert/message_memory.o \
	analyze/convert/module_heads.o \
	analyze/convert/module_list.o \
	analyze/convert/start_stack.o \
	analyze/crash.o \
	analyze/dedup/database.o \
	analyze/dedup/entry.o \
	analyze/dedup/entry_stream.o \
	analyze/dedup/filter.o \
	analyze/dedup/groups.o \
	analyze/dedup/index.o \
	analyze/dedup/ingest.o \
	analyze/dedup/input_list.o \
	analyze/dedup/joins.o \
	analyze/dedup/known.o \
	analyze/dedup/leaders.o \
	analyze/dedup/names.o \
	analyze/dedup/print.o \
	analyze/dedup/prune.o \
	analyze/dedup/scores.o \
	analyze/dedup/similar.o \
	analyze/dedup/watch.o \
	analyze/dwarf/abbrev.o \
	analyze/dwarf/attr.o \
	analyze/dwarf/children.o \
	analyze/dwarf/file.o \
	analyze/dwarf/lines.o \
	analyze/dwarf/locations.o \
	analyze/dwarf/names.o \
	analyze/dwarf/package.o \
	analyze/dwarf/operators.o \
	analyze/dwarf/ranges.o \
	analyze/dwarf/sections.o \
	analyze/explain/abort.o \
	analyze/explain/abort_text.o \
	analyze/explain/address.o \
	analyze/explain/alike.o \
	analyze/explain/arm64_lse.o \
	analyze/explain/assert_call.o \
	analyze/explain/bad_pc.o \
	analyze/explain/call_code.o \
	analyze/explain/core_message.o \
	analyze/explain/cortex_m_fault.o \
	analyze/explain/cxx_exception.o \
	analyze/explain/cxx_value.o \
	analyze/explain/device.o \
	analyze/explain/device_assert.o \
	analyze/explain/device_overflow.o \
	analyze/explain/device_place.o \
	analyze/explain/device_words.o \
	analyze/explain/disassembler.o \
	analyze/explain/disassembler_memory.o \
	analyze/explain/explain.o \
	analyze/explain/fault.o \
	analyze/explain/heap.o \
	analyze/explain/instruction.o \
	analyze/explain/interrupted.o \
	analyze/explain/locks.o \
	analyze/explain/log_clock.o \
	analyze/explain/memory_hint.o \
	analyze/explain/next_steps.o \
	analyze/explain/operand_name.o \
	analyze/explain/pointer.o \
	analyze/explain/repeats.o \
	analyze/explain/riscv_code.o \
	analyze/explain/riscv_trap.o \
	analyze/explain/rust_panic.o \
	analyze/explain/severity.o \
	analyze/explain/signal_frame.o \
	analyze/explain/signals.o \
	analyze/explain/stack_overflow.o \
	analyze/explain/syscall_names.o \
	analyze/explain/text_cause.o \
	analyze/explain/trap.o \
	analyze/explain/vector_table.o \
	analyze/explain/vicinity.o \
	analyze/explain/wait.o \
	analyze/explain/x86_evex.o \
	analyze/explain/x86_short.o \
	analyze/fields/decode.o \
	analyze/fields/maps.o \
	analyze/fields/overlay.o \
	analyze/fields/protoc.o \
	analyze/fields/raw.o \
	analyze/fields/schema.o \
	analyze/fields/schema_build.o \
	analyze/fields/unknown.o \
	analyze/fields/values.o \
	analyze/file_open.o \
	analyze/file_read.o \
	analyze/find/candidate.o \
	analyze/find/debuginfod.o \
	analyze/find/dir_index.o \
	analyze/find/links.o \
	analyze/find/mini.o \
	analyze/find/package_note.o \
	analyze/find/places.o \
	analyze/find/search.o \
	analyze/find/split.o \
	analyze/find/source.o \
	analyze/find/store.o \
	analyze/find/symbol_dir.o \
	analyze/find/tree_file.o \
	analyze/find/tree_scan.o \
	analyze/find/tree_walk.o \
	analyze/find/vdso.o \
	analyze/input/clock.o \
	analyze/input/core.o \
	analyze/input/core_headers.o \
	analyze/input/core_mappings.o \
	analyze/input/core_modules.o \
	analyze/input/core_notes.o \
	analyze/input/core_signal.o \
	analyze/input/decompress.o \
	analyze/input/device.o \
	analyze/input/exe_image.o \
	analyze/input/foreign.o \
	analyze/input/input.o \
	analyze/input/link_map.o \
	analyze/input/load.o \
	analyze/input/snapshot.o \
	analyze/input/text.o \
	analyze/input/text_build.o \
	analyze/input/text_gdb.o \
	analyze/input/text_gdb_frame.o \
	analyze/input/text_json.o \
	analyze/input/text_lines.o \
	analyze/input/text_name.o \
	analyze/input/text_plain.o \
	analyze/input/text_sanitizer.o \
	analyze/main.o \
	analyze/memory.o \
	analyze/option_table.o \
	analyze/options.o \
	analyze/options_elf.o \
	analyze/options_fields.o \
	analyze/options_grouping.o \
	analyze/output_file.o \
	analyze/path_map.o \
	analyze/report/backtrace.o \
	analyze/report/brief.o \
	analyze/report/columns.o \
	analyze/report/fold.o \
	analyze/report/hex.o \
	analyze/report/json.o \
	analyze/report/json_cause.o \
	analyze/report/json_device.o \
	analyze/report/json_facts.o \
	analyze/report/json_fields.o \
	analyze/report/json_stack.o \
	analyze/report/json_values.o \
	analyze/report/json_writer.o \
	analyze/report/out.o \
	analyze/report/records.o \
	analyze/report/sections.o \
	analyze/report/text.o \
	analyze/report/text_device.o \
	analyze/report/text_facts.o \
	analyze/report/text_fields.o \
	analyze/report/text_memory.o \
	analyze/report/text_modules.o \
	analyze/report/text_process.o \
	analyze/report/text_stacks.o \
	analyze/report/text_threads.o \
	analyze/report/words.o \
	analyze/sandbox/broker.o \
	analyze/sandbox/jail.o \
	analyze/sandbox/note.o \
	analyze/sandbox/policy.o \
	analyze/sandbox/pool.o \
	analyze/sandbox/pool_failures.o \
	analyze/sandbox/pool_give.o \
	analyze/sandbox/pool_listen.o \
	analyze/sandbox/pool_print.o \
	analyze/sandbox/pool_workers.o \
	analyze/sandbox/protocol.o \
	analyze/sandbox/remote.o \
	analyze/sandbox/result.o \
	analyze/sandbox/worker.o \
	analyze/signature/evidence.o \
	analyze/signature/levels.o \
	analyze/signature/message.o \
	analyze/signature/name.o \
	analyze/signature/pick.o \
	analyze/signature/rule_table.o \
	analyze/signature/rules.o \
	analyze/signature/rules_read.o \
	analyze/signature/signature.o \
	analyze/signature/stack.o \
	analyze/symbols/cfi_check.o \
	analyze/symbols/cfi_row.o \
	analyze/symbols/code_index.o \
	analyze/symbols/debug_info.o \
	analyze/symbols/demangle.o \
	analyze/symbols/elf_file.o \
	analyze/symbols/encode.o \
	analyze/symbols/firmware.o \
	analyze/symbols/jit.o \
	analyze/symbols/jit_image.o \
	analyze/symbols/hash_seed.o \
	analyze/symbols/name_pool.o \
	analyze/symbols/object.o \
	analyze/symbols/object_cfi.o \
	analyze/symbols/object_data.o \
	analyze/symbols/object_names.o \
	analyze/symbols/paint.o \
	analyze/symbols/parallel.o \
	analyze/symbols/plt.o \
	analyze/symbols/relocated.o \
	analyze/symbols/static_memory.o \
	analyze/symbols/symbol_image.o \
	analyze/symbols/symbol_image_make.o \
	analyze/symbols/symbolise.o \
	analyze/symbols/symtab.o \
	analyze/symbols/symtab_read.o \
	analyze/symbols/tail_call.o \
	analyze/symbols/unit_build.o \
	analyze/symbols/unit_scan.o \
	analyze/symbols/unit_table.o \
	analyze/tokens/apply.o \
	analyze/tokens/arguments.o \
	analyze/tokens/base64.o \
	analyze/tokens/candidates.o \
	analyze/tokens/conversion.o \
	analyze/tokens/database.o \
	analyze/tokens/database_binary.o \
	analyze/tokens/database_csv.o \
	analyze/tokens/database_elf.o \
	analyze/tokens/database_file.o \
	analyze/tokens/detokenise.o \
	analyze/tokens/fields.o \
	analyze/tokens/format.o \
	analyze/tokens/nested.o \
	analyze/tokens/summary.o \
	analyze/unwind/call_led.o \
	analyze/unwind/cfi_step.o \
	analyze/unwind/exception_frame.o \
	analyze/unwind/exidx.o \
	analyze/unwind/exidx_step.o \
	analyze/unwind/expression.o \
	analyze/unwind/frame_record.o \
	analyze/unwind/gap.o \
	analyze/unwind/prewalked.o \
	analyze/unwind/saved_context.o \
	analyze/unwind/scan.o \
	analyze/unwind/sigreturn.o \
	analyze/unwind/unwind.o \
	analyze/unwind/walk.o \
	analyze/user_text.o \
	analyze/variables/evaluate.o \
	analyze/variables/machine.o \
	analyze/variables/passed.o \
	analyze/variables/print.o \
	analyze/variables/print_array.o \
	analyze/variables/container_part.o \
	analyze/variables/print_container.o \
	analyze/variables/nodes.o \
	analyze/variables/print_libcxx.o \
	analyze/variables/print_libcxx_nodes.o \
	analyze/variables/print_nodes.o \
	analyze/variables/print_number.o \
	analyze/variables/print_pointer.o \
	analyze/variables/print_structure.o \
	analyze/variables/print_text.o \
	analyze/variables/operand.o \
	analyze/variables/scopes.o \
	analyze/variables/shape.o \
	analyze/variables/text.o \
	analyze/variables/types.o \
	analyze/variables/variables.o \
	analyze/variables/view.o \
	proto/entry.pb-c.o

CAPTURE_PROGRAMS = $(addprefix $(O)/bin/,snapcrash-client snapcrash-debugger snapcrash-server \
	snapcrashctl)
PROGRAMS = $(CAPTURE_PROGRAMS) $(O)/bin/snapanalyze

ifdef PROTOBUF_C
COMMON_OBJS += protobuf-c.o
BASE_CPPFLAGS += -isystem $(PROTOBUF_C)
endif

include tests/tests.mk
include bench/bench.mk
include fuzz/fuzz.mk

.DEFAULT_GOAL := all
.PHONY: all capture
include capture/lib/lib.mk
include capture/device/device.mk

all: $(PROGRAMS) library

capture: $(CAPTURE_PROGRAMS) library

# From its archive if there is one: the kernel starts the client anew for each crash, and a library
# more to load and relocate takes a tenth of a millisecond.
ifndef PROTOBUF_C
CAPTURE_LIBS = $(or $(PROTOBUF_C_ARCHIVE),$(shell $(PKG_CONFIG) --libs libprotobuf-c 2>/dev/null))
endif
CAPTURE_LIBS += $(static_end)
ANALYZE_LIBS = $(shell $(PKG_CONFIG) --libs libdw libelf libprotobuf-c jansson libmd liblzma zlib 2>/dev/null) \
	-liberty -lm

objs = $(addprefix $(O)/,$(1))

ifneq ($(STATIC_CC),)
# In a build of its own. What Debian's archive of protobuf-c asks of a C library is in musl as well.
$(O)/bin/snapcrash-client $(O)/bin/snapcrash-debugger: $(O)/bin/%: $(O)/started/bin/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

.PHONY: FORCE
FORCE:
$(O)/started/bin/snapcrash-client $(O)/started/bin/snapcrash-debugger &: FORCE
	$(Q)$(MAKE) --no-print-directory $(if $(V),,-s) STATIC=1 CC=$(STATIC_CC) O=$(O)/started PROTOBUF_C= \
		$(addprefix $(O)/started/bin/,snapcrash-client snapcrash-debugger)
else
$(O)/bin/snapcrash-client: $(call objs,$(CLIENT_OBJS) $(CAPTURE_OBJS) $(COMMON_OBJS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS)

$(O)/bin/snapcrash-debugger: $(call objs,$(DEBUGGER_OBJS) $(CAPTURE_OBJS) $(COMMON_OBJS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS)
endif

$(O)/bin/snapcrash-server: $(call objs,$(SERVER_OBJS) $(SERVER_BORROWED_OBJS) $(CAPTURE_OBJS) $(COMMON_OBJS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS)

$(O)/bin/snapcrashctl: $(call objs,$(CTL_OBJS) $(CAPTURE_OBJS) $(COMMON_OBJS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS)

$(O)/bin/snapanalyze: $(call objs,$(ANALYZE_OBJS) $(COMMON_OBJS))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

# Small is better than fast where little is computed.
FAST_OBJS = $(addprefix capture/,$(addsuffix .o,core_stream crash crash_threads emit layout live \
	memory memory_ahead proc_maps stack_batch tracee))
SMALL_OBJS = $(filter-out $(FAST_OBJS),$(filter capture/%,$(CAPTURE_OBJS) $(CLIENT_OBJS) \
	$(SERVER_OBJS) $(DEBUGGER_OBJS) $(CTL_OBJS)))
ifeq ($(origin CFLAGS),file)
$(call objs,$(sort $(SMALL_OBJS))): CFLAGS := $(patsubst -O2,-Os,$(CFLAGS))
endif

# The programs on a device stay small: how to unwind their own stacks is left to their debug files. (Not
# so the library, which others unwind through.)
$(call objs,$(sort $(CAPTURE_OBJS) $(CLIENT_OBJS) $(DEBUGGER_OBJS) $(SERVER_OBJS) $(CTL_OBJS))): \
	OWN_CFLAGS = -fno-asynchronous-unwind-tables

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(BASE_CPPFLAGS) $(CPPFLAGS) $(BASE_CFLAGS) $(OWN_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The filters of the analysis's workers, made by a program that runs here.
$(O)/analyze/sandbox/make_filter: analyze/sandbox/make_filter.c analyze/sandbox/jail.h
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_CPPFLAGS) -o $@ $< $(shell $(PKG_CONFIG) --libs libseccomp 2>/dev/null)
$(O)/analyze/sandbox/filter.h: $(O)/analyze/sandbox/make_filter
	$(call say,FILTER,$@)
	$(Q)$< >$@.tmp && mv $@.tmp $@
$(O)/analyze/sandbox/jail.o: $(O)/analyze/sandbox/filter.h

# Generated code: not held to our warnings.
$(O)/proto/%.pb-c.c $(O)/proto/%.pb-c.h: proto/%.proto
	@mkdir -p $(O)/proto
	$(call say,PROTOC,$<)
	$(Q)$(PROTOC_C) -I proto --c_out=$(O)/proto $<

$(O)/proto/%.pb-c.o: $(O)/proto/%.pb-c.c
	$(call say,CC,$<)
	$(Q)$(CC) $(BASE_CPPFLAGS) $(CPPFLAGS) -I$(O)/proto $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/common/snapshot_read.o $(O)/common/snapshot_write.o $(O)/analyze/fields/unknown.o: $(O)/proto/snapshot.pb-c.h
$(O)/analyze/dedup/entry.o: $(O)/proto/entry.pb-c.h

# What the analysis knows of a snapshot, as the bytes of a FileDescriptorSet.
$(O)/analyze/fields/known_set.h: proto/snapshot.proto
	@mkdir -p $(@D)
	$(call say,PROTOC,$@)
	$(Q)$(PROTOC_C) -I proto --descriptor_set_out=$@.set $< && { echo '#define SNAP_KNOWN_SET \' && \
		od -An -v -tu1 $@.set | sed 's/ *\([0-9][0-9]*\)/\1,/g; s/$$/ \\/' && echo; } >$@.tmp && mv $@.tmp $@
$(O)/analyze/fields/overlay.o: $(O)/analyze/fields/known_set.h

# The built-in rules, as a string constant.
$(O)/analyze/signature/builtin_rules.h: analyze/signature/builtin.rules
	@mkdir -p $(@D)
	$(call say,RULES,$@)
	$(Q)sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< >$@.tmp && mv $@.tmp $@
$(O)/analyze/signature/rules_read.o: $(O)/analyze/signature/builtin_rules.h

# The index's tables, as string constants.
$(O)/analyze/dedup/schema_%.h: analyze/dedup/schema/%.sql
	@mkdir -p $(@D)
	$(call say,SCHEMA,$@)
	$(Q){ echo '#define SNAP_SCHEMA_$* \' && sed 's/[\\"]/\\&/g; s/.*/	"&\\n" \\/' $< && echo; } >$@.tmp && mv $@.tmp $@
$(O)/analyze/dedup/index.o: $(O)/analyze/dedup/schema_1.h $(O)/analyze/dedup/schema_2.h $(O)/analyze/dedup/schema_3.h

ifdef PROTOBUF_C
$(PROTOBUF_C)/protobuf-c/protobuf-c.c:
	$(call say,FETCH,$@)
	$(Q)proto/fetch_protobuf_c.sh $(PROTOBUF_C)

# Not ours: not held to our warnings. It can't tell the order of bytes by itself.
$(O)/protobuf-c.o: $(PROTOBUF_C)/protobuf-c/protobuf-c.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(BASE_CPPFLAGS) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) \
		$(if $(findstring ORDER_BIG,$(shell $(CC) -dM -E - </dev/null | grep __BYTE_ORDER__)),-DWORDS_BIGENDIAN) \
		-MMD -MP -c -o $@ $<

$(call objs,$(CAPTURE_OBJS) $(filter-out protobuf-c.o,$(COMMON_OBJS))): | $(PROTOBUF_C)/protobuf-c/protobuf-c.c
endif

# Not those of other builds below, nor what the guest of check-aarch64 has in its root.
-include $(shell find $(O) \( -path $(O)/guest -o -path $(O)/started -o -path $(O)/valgrind -o -path $(O)/clang -o \
	-path $(O)/sanitize \
	$(if $(FUZZ),,-o -path '$(O)/fuzz*') -o -path '$(O)/static*' -o -path '$(O)/*-linux-*' \) -prune -o -type f -name '*.d' -print 2>/dev/null)

# ---------------------------------------------------------------- the rest

# Bytes that a program of the capture half may have on a device, stripped, if it links libc. On aarch64
# the file has a hole of up to 64 KiB, so that its data begins on a page, however large these are.
SIZE_LIMIT = $(if $(STATIC),1500000,$(if $(findstring aarch64,$(CROSS)),372736,307200))

.PHONY: sizes install install-capture clean help
# Stripped; fails if one is larger than it may be.
sizes: $(CAPTURE_PROGRAMS) $(O)/lib/libsnapcrash.so
	$(Q)for file in $^; do \
		$(STRIP) -o $(O)/stripped $$file || exit 1; \
		printf '%8d  %s\n' $$(wc -c <$(O)/stripped) $${file##*/}; \
	done | awk '{ print } $$1 > $(SIZE_LIMIT) { large = 1 } END { exit large }'; \
	status=$$?; rm -f $(O)/stripped; exit $$status

install: all install-capture
	install $(O)/bin/snapanalyze $(DESTDIR)$(bindir)

install-capture: capture install-library install-service
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libexecdir)/snapcrash
	install $(O)/bin/snapcrash-debugger $(O)/bin/snapcrashctl $(DESTDIR)$(bindir)
	install $(O)/bin/snapcrash-client $(O)/bin/snapcrash-server \
		$(DESTDIR)$(libexecdir)/snapcrash
	install -d $(DESTDIR)$(docdir) $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man8
	install -m 644 $(wildcard man/*.1) $(DESTDIR)$(mandir)/man1
	install -m 644 $(wildcard man/*.8) $(DESTDIR)$(mandir)/man8
	install -m 644 packaging/snapcrash.conf $(DESTDIR)$(docdir)/snapcrash.conf

# What systemd and its like read; a directory that is set to nothing is left out. /etc is not touched.
.PHONY: install-service
fill_in = sed 's|@libexecdir@|$(libexecdir)|g; s|@bindir@|$(bindir)|g'
install-service:
ifneq ($(unitdir),)
	install -d $(DESTDIR)$(unitdir)
	$(fill_in) packaging/snapcrash.service.in >$(DESTDIR)$(unitdir)/snapcrash.service
	install -m 644 packaging/snapcrash.socket packaging/snapcrash-app.socket \
		packaging/snapcrash-coredump.socket $(DESTDIR)$(unitdir)
endif
ifneq ($(sysusersdir),)
	install -d $(DESTDIR)$(sysusersdir)
	install -m 644 packaging/sysusers.conf $(DESTDIR)$(sysusersdir)/snapcrash.conf
endif
ifneq ($(tmpfilesdir),)
	install -d $(DESTDIR)$(tmpfilesdir)
	install -m 644 packaging/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/snapcrash.conf
endif
ifneq ($(sysctldir),)
	install -d $(DESTDIR)$(sysctldir)
	$(fill_in) packaging/sysctl.conf.in >$(DESTDIR)$(sysctldir)/60-snapcrash.conf
endif

clean:
	rm -rf $(O)

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

endif
