# The tests. Included by the Makefile after the lists of objects.
#
#   make check          everything below against this build, then the count
#   make check-long     the same, and all of what "make check" takes samples of (README.rst beside this)
#   make check-clang    clang builds everything without a warning (into $(O)/clang), at -O1
#   make demo           a real crash, captured and explained
#   make bars           figures: hold time and memory of the client (not part of check)
#   make fixtures       makes tests/fixtures anew
#   make lint           static analysers: gcc -fanalyzer, cppcheck, clang-tidy; each finding is mended
#                       or answered in tests/lint/answers (not part of check; "make deps-lint")
#   make check-valgrind the capture half under memcheck (not part of check; "make deps-lint")
#   make check-aarch64  our cross-built capture half in an emulated Debian on aarch64 (not part of
#                       check; "make deps-aarch64" installs what it needs)
#
# A module's test is tests/test_MODULE.c. Put its name into the list of the half it belongs to: it is
# linked with all objects of that half but the mains. One that needs more or less than that says so
# in TEST_MODULE_OBJS.

TESTS_COMMON = \
	test_arch \
	test_arena \
	test_areas \
	test_crash_windows \
	test_crc32c \
	test_device_writer \
	test_elf_image \
	test_elf_notes \
	test_escape \
	test_indirect \
	test_memory_plan \
	test_snapshot_facts \
	test_snapshot_file \
	test_snapshot_writer \
	test_stack_budget \
	test_stack_chain \
	test_standard_fds \
	test_wire

TESTS_CAPTURE = \
	test_abort_message \
	test_access \
	test_annotations \
	test_adopt \
	test_config \
	test_config_example \
	test_containers \
	test_core_pattern \
	test_core_stream \
	test_coredump_peer \
	test_extra_regsets \
	test_vector_regsets \
	test_filter \
	test_memory_ahead \
	test_proc_container \
	test_proc_files \
	test_proc_maps \
	test_proc_status \
	test_protocol \
	test_rate \
	test_saved \
	test_skipped \
	test_spool \
	test_spool_name \
	test_spool_usage \
	test_stack_batch \
	test_stack_figures \
	test_system_info \
	test_thread_names \
	test_user \
	test_utc \
	test_workers

TESTS_ANALYZE = \
	test_abort_text \
	test_alike \
	test_backtrace \
	test_brief \
	test_cache_dir \
	test_call_site \
	test_cfi_row \
	test_cgroup_memory \
	test_code_index \
	test_clock \
	test_columns \
	test_core_input \
	test_core_machines \
	test_cxx_value \
	test_debuginfod \
	test_dedup_entry \
	test_dedup_filter \
	test_demangle \
	test_dir_index \
	test_device_fault \
	test_dwarf_cursor \
	test_dwarf_file \
	test_dwarf_hostile \
	test_dwarf_lines \
	test_dwarf_locations \
	test_dwarf_ranges \
	test_dwarf_sections \
	test_exception_frame \
	test_saved_context \
	test_exidx \
	test_explain \
	test_export \
	test_expression \
	test_fields \
	test_file_open \
	test_frame_record \
	test_hash_seed \
	test_instruction \
	test_jit \
	test_json \
	test_json_writer \
	test_libcxx \
	test_memory \
	test_name_pool \
	test_name_rules \
	test_next_steps \
	test_no_memory \
	test_object_cfi \
	test_open_in_root \
	test_operators \
	test_paint \
	test_plt \
	test_repeats \
	test_sandbox \
	test_sandbox_policy \
	test_scan \
	test_shape \
	test_signature \
	test_sigreturn \
	test_similar \
	test_split \
	test_symbol_image \
	test_symtab \
	test_text_trace \
	test_tokens \
	test_tokens_database \
	test_tokens_format \
	test_unit_table \
	test_unwind \
	test_variables \
	test_wait \
	test_x86_short

TESTS = $(TESTS_COMMON) $(TESTS_CAPTURE) $(TESTS_ANALYZE)

# Programs driven as a user drives them.
CLI_TESTS = \
	tests/cli_tools.sh \
	tests/cli_core_pattern.sh \
	tests/cli_ctl.sh \
	tests/cli_explain.sh \
	tests/cli_man.sh \
	tests/cli_cgroup.sh \
	tests/cli_chain.sh \
	tests/cli_packaging.sh \
	tests/cli_usage.sh \
	tests/cli_inputs.sh \
	tests/cli_invalid.sh \
	tests/cli_mutants.sh \
	tests/cli_cores.sh \
	tests/cli_limits.sh \
	tests/cli_protoc.sh \
	tests/cli_client.sh \
	tests/cli_memory.sh \
	tests/cli_server.sh \
	tests/cli_faults.sh \
	tests/cli_spool.sh \
	tests/cli_server_crashes.sh \
	tests/cli_server_life.sh \
	tests/cli_coredump_socket.sh \
	tests/cli_victims.sh \
	tests/cli_variables.sh \
	tests/cli_related.sh \
	tests/cli_report.sh \
	tests/cli_dedup.sh \
	tests/cli_index.sh \
	tests/cli_signatures.sh \
	tests/cli_similar.sh \
	tests/cli_tokens.sh \
	tests/cli_from.sh \
	tests/cli_hostile_links.sh \
	tests/cli_sandbox.sh \
	tests/cli_hostile_strings.sh \
	tests/cli_fields.sh \
	tests/cli_find.sh \
	tests/cli_debuginfod.sh \
	tests/cli_libcxx.sh \
	tests/cli_library.sh \
	tests/cli_library_crashes.sh \
	tests/cli_library_server.sh \
	tests/cli_live.sh \
	tests/cli_locks.sh \
	tests/cli_debugger.sh \
	tests/cli_bombs.sh \
	tests/cli_builds.sh \
	tests/cli_io_faults.sh \
	tests/cli_output.sh \
	tests/cli_jit.sh \
	tests/cli_import.sh \
	tests/cli_export.sh \
	tests/cli_facts.sh \
	tests/cli_cross_arch.sh \
	tests/cli_names.sh \
	tests/cli_symbolize.sh \
	tests/cli_cache.sh \
	tests/cli_cache_build.sh \
	tests/cli_symbols_add.sh \
	tests/cli_fixtures.sh \
	tests/cli_device_unwind.sh \
	tests/cli_foreign_core.sh \
	tests/cli_device.sh \
	tests/cli_device_faults.sh \
	tests/cli_device_report.sh \
	tests/cli_device_snapshot.sh \
	tests/cli_demo.sh

TEST_PROGRAMS = $(addprefix $(O)/tests/,$(TESTS))

# ---------------------------------------------------------------- victims

# Programs that crash in a known way (tests/victims/README.rst), by two compilers, optimised and not:
# $(VICTIM_DIR)/SETTING/NAME. What is tested is their code and their debug information, so their
# flags are fixed: neither CFLAGS nor SANITIZE touch them, and sanitized programs are tried on those of
# the plain build.
VICTIM_DIR ?= $(if $(SANITIZE),build,$(O))/tests/victims
VICTIM_SETTINGS = gcc-O2 gcc-O0 clang-O2 clang-O0

VICTIMS = aborts aligned_stack altstack_threads asm_points asserts bad_stack_pointer bad_syscall big_frames \
	blocked_threads bus_error call_data call_null calls_wild cold_path coroutine deep_recursion \
	div_zero double_free forked handler_entry handler_faults handler_frames handler_leaf handler_overflow \
	handler_syscall heap_corrupt ifunc illegal in_memcpy in_qsort in_strlen in_vdso jit \
	killed_by_other lazy_main lock_queue long_jump lost_code main_exited many_arguments misaligned_stack \
	nested_altstacks nested_handlers no_cfi_asm no_symbols noreturn_last null_deref overflow \
	own_stack plt_clobbered plugin_main pointers process_ends raw_clone red_zone sends shared_main \
	signal_altstack signal_handler smashed_rbp smashed_return stack_overflow \
	stack_overflow_thread stack_protected stack_smash stepped tail_ambiguous tail_call \
	thread_ends timer_thread trap traps unmapped values vfork_child wild_pointer write_readonly \
	cxx_freed cxx_function cxx_lifetimes cxx_pure cxx_sort cxx_terminate cxx_throw cxx_thunk \
	cxx_containers cxx_values cxx_virtual
# One source, several programs.
VICTIMS_OF_asserts = asserts_own asserts_own_O0 asserts_static
VICTIMS_OF_cxx_asserts = cxx_asserts_O0 cxx_asserts_joined cxx_asserts_split cxx_asserts_stripped
VICTIMS_OF_cxx_exceptions = cxx_exceptions_stripped
VICTIMS_OF_no_cfi = debug_frame no_cfi_fp no_cfi_nofp
VICTIMS_OF_aligned_stack = realigned_stack
VICTIMS_OF_null_deref = null_deref_cet null_deref_dwarf4 null_deref_fp null_deref_no_hdr \
	null_deref_nopie null_deref_sections null_deref_static null_deref_static_pie
VICTIMS_OF_null_deref_O2 = null_deref_Os null_deref_lto
# Not every setting makes sense of every victim: GNU C, what only an optimiser does, and those that are
# not about code at all.
VICTIMS_GCC = cxx_coroutine nested_function
VICTIMS_CLANG = ubsan
VICTIMS_O2 = fortified
VICTIMS_ONCE = $(VICTIMS_OF_asserts) cxx_asserts $(VICTIMS_OF_cxx_asserts) freed_blocks cxx_exceptions $(VICTIMS_OF_cxx_exceptions) deadlocks deep_threads deleted_exe fortified_more points heap heap_errors hostile_comm \
	memory_short busy_threads \
	jit_registered many_mappings many_threads sleeping_threads spinning stack_on_file \
	userfault_threads waiting_threads

VICTIM_FLAGS_asserts_own = -DOWN
VICTIM_FLAGS_asserts_own_O0 = -DOWN -O0
VICTIM_FLAGS_asserts_static = -static
VICTIM_FLAGS_cxx_coroutine = -std=c++20
VICTIM_FLAGS_debug_frame = -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer
VICTIM_FLAGS_cxx_exceptions_stripped = -g0 -s
VICTIM_FLAGS_cxx_asserts = -D_GLIBCXX_ASSERTIONS
VICTIM_FLAGS_cxx_asserts_O0 = -D_GLIBCXX_ASSERTIONS -O0
VICTIM_FLAGS_cxx_asserts_joined = -D_GLIBCXX_ASSERTIONS -DJOINED
VICTIM_FLAGS_cxx_asserts_split = -D_GLIBCXX_ASSERTIONS -DSPLIT
VICTIM_FLAGS_cxx_asserts_stripped = -D_GLIBCXX_ASSERTIONS -g0 -s
VICTIM_FLAGS_freed_blocks = -Wno-use-after-free
VICTIM_FLAGS_fortified = -D_FORTIFY_SOURCE=2
VICTIM_FLAGS_fortified_more = -D_FORTIFY_SOURCE=2 -Wno-nonnull
VICTIM_FLAGS_jit = -z execstack
VICTIM_FLAGS_lazy_main = -Wl,-z,lazy
VICTIM_FLAGS_nested_function = -z execstack
# Without -g: that would put the CFI into .debug_frame.
VICTIM_FLAGS_no_cfi_fp = -g0 -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-omit-frame-pointer
VICTIM_FLAGS_no_cfi_nofp = -g0 -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer
VICTIM_FLAGS_no_symbols = -g0 -s
VICTIM_FLAGS_noreturn_last = -falign-functions=1
VICTIM_FLAGS_null_deref_Os = -Os
VICTIM_FLAGS_null_deref_cet = -fcf-protection
VICTIM_FLAGS_null_deref_dwarf4 = -gdwarf-4
VICTIM_FLAGS_null_deref_fp = -fno-omit-frame-pointer
VICTIM_FLAGS_null_deref_lto = -flto
VICTIM_FLAGS_null_deref_no_hdr = -Wl,--no-eh-frame-hdr
VICTIM_FLAGS_null_deref_nopie = -fno-pie -no-pie
VICTIM_FLAGS_null_deref_sections = -ffunction-sections -Wl,--gc-sections
VICTIM_FLAGS_null_deref_static = -static
VICTIM_FLAGS_null_deref_static_pie = -static-pie
VICTIM_FLAGS_plt_clobbered = -Wl,-z,lazy,-z,norelro
VICTIM_FLAGS_realigned_stack = -mstackrealign
VICTIM_FLAGS_smashed_return = -fno-stack-protector
VICTIM_FLAGS_ubsan = -fsanitize=undefined -fsanitize-trap=undefined
VICTIM_FLAGS_stack_smash = -fstack-protector-all
# Recursion must stay recursion, and its frames small enough to be many.
VICTIM_FLAGS_stack_overflow = -fno-optimize-sibling-calls
VICTIM_FLAGS_stack_overflow_thread = -fno-optimize-sibling-calls

# $(1): a setting. What is built by it, in the directory of its name.
victims_of = $(VICTIMS) $(VICTIMS_OF_no_cfi) $(VICTIMS_OF_aligned_stack) $(VICTIMS_OF_null_deref) \
	$(if $(filter gcc-%,$(1)),$(VICTIMS_GCC)) \
	$(if $(filter clang-%,$(1)),$(VICTIMS_CLANG)) \
	$(if $(filter %-O2,$(1)),$(VICTIMS_O2) $(VICTIMS_OF_null_deref_O2)) \
	$(if $(filter gcc-O2,$(1)),$(VICTIMS_ONCE))
VICTIM_PROGRAMS = $(foreach setting,$(VICTIM_SETTINGS), \
	$(addprefix $(VICTIM_DIR)/$(setting)/,$(call victims_of,$(setting)) libplugin.so))

victim_setting = $(subst -, -,$(notdir $(@D)))
victim_options = $(lastword $(victim_setting)) -g $(VICTIM_FLAGS_$(@F))
VICTIM_CXX_gcc = g++
VICTIM_CXX_clang = clang++

define victim_c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(firstword $(victim_setting)) $(victim_options) -o $@ $(filter-out %.h,$^) -pthread
endef
define victim_cxx
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(VICTIM_CXX_$(firstword $(victim_setting))) -std=c++17 $(victim_options) -o $@ $^ -pthread
endef
define victim_library
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(firstword $(victim_setting)) $(victim_options) -fPIC -shared -Wl,-soname,$(@F) -o $@ $<
endef

# $(1): a setting.
define victim_rules
$(VICTIM_DIR)/$(1)/%: tests/victims/%.c
	$$(victim_c)
$(VICTIM_DIR)/$(1)/%: tests/victims/%.cc
	$$(victim_cxx)
$(addprefix $(VICTIM_DIR)/$(1)/,$(VICTIMS_OF_asserts)): tests/victims/asserts.c
	$$(victim_c)
$(addprefix $(VICTIM_DIR)/$(1)/,$(VICTIMS_OF_cxx_asserts)): tests/victims/cxx_asserts.cc
	$$(victim_cxx)
$(addprefix $(VICTIM_DIR)/$(1)/,$(VICTIMS_OF_cxx_exceptions)): tests/victims/cxx_exceptions.cc
	$$(victim_cxx)
$(addprefix $(VICTIM_DIR)/$(1)/,$(VICTIMS_OF_no_cfi)): tests/victims/no_cfi.c
	$$(victim_c)
$(addprefix $(VICTIM_DIR)/$(1)/,$(VICTIMS_OF_aligned_stack)): tests/victims/aligned_stack.c
	$$(victim_c)
$(addprefix $(VICTIM_DIR)/$(1)/,$(VICTIMS_OF_null_deref) $(VICTIMS_OF_null_deref_O2)): tests/victims/null_deref.c
	$$(victim_c)
$(VICTIM_DIR)/$(1)/libshared.so: tests/victims/shared_lib.c
	$$(victim_library)
$(VICTIM_DIR)/$(1)/liblazy.so: tests/victims/lazy_lib.c
	$$(victim_library)
$(VICTIM_DIR)/$(1)/libplugin.so: tests/victims/plugin.c
	$$(victim_library)
$(VICTIM_DIR)/$(1)/shared_main: tests/victims/shared_main.c $(VICTIM_DIR)/$(1)/libshared.so
	$$(victim_c) '-Wl,-rpath,$$$$ORIGIN'
$(VICTIM_DIR)/$(1)/lazy_main: tests/victims/lazy_main.c $(VICTIM_DIR)/$(1)/liblazy.so
	$$(victim_c) '-Wl,-rpath,$$$$ORIGIN'
endef
$(foreach setting,$(VICTIM_SETTINGS),$(eval $(call victim_rules,$(setting))))

$(VICTIM_DIR)/many_threads.c: tests/victims/gen_many_threads.sh
	@mkdir -p $(@D)
	$(Q)sh $< >$@.tmp && mv $@.tmp $@

$(VICTIM_DIR)/gcc-O2/many_threads: $(VICTIM_DIR)/many_threads.c
	$(victim_c)

# ---------------------------------------------------------------- helpers of the tests

$(O)/tests/peak_rss: tests/lib/peak_rss.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)gcc -O2 -o $@ $<

$(O)/tests/hanging_fs: tests/lib/hanging_fs.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)gcc -O2 -o $@ $<

$(O)/tests/odd_process $(O)/tests/kill_often: $(O)/tests/%: tests/lib/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)gcc -O2 -o $@ $< -pthread

# Empty where gcc makes no programs of 32 bits.
$(O)/tests/waiting32: tests/lib/waiting32.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)gcc -m32 -O2 -fno-pie -no-pie -static -nostdlib -ffreestanding -fno-stack-protector \
		-Wl,--build-id=sha1 -o $@ $< 2>/dev/null || : >$@

mains = capture/client.o capture/ctl/main.o capture/debugger/main.o capture/server/main.o analyze/main.o
half_members_common = $(COMMON_OBJS)
half_members_capture = $(sort $(filter-out $(mains),$(CAPTURE_OBJS) $(CLIENT_OBJS) $(CTL_OBJS) \
	$(DEBUGGER_OBJS) $(SERVER_OBJS))) $(COMMON_OBJS)
half_members_analyze = $(filter-out $(mains),$(ANALYZE_OBJS)) $(COMMON_OBJS)
# As (thin) archives: a linker that is given hundreds of objects reads them all.
half_objs_common = tests/half_common.a
half_objs_capture = tests/half_capture.a
half_objs_analyze = tests/half_analyze.a
define half_archive
$(O)/tests/half_$(1).a: $$(addprefix $(O)/,$$(half_members_$(1)))
	@mkdir -p $$(@D)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcsT $$@ $$^
endef
$(foreach half,common capture analyze,$(eval $(call half_archive,$(half))))

# Prints a machine's table (cli_cross_arch.sh).
$(O)/tests/arch_dump: $(addprefix $(O)/,tests/cross/arch_dump.o common/arch.o)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^

# Reads a real snapshot cut and changed at every byte (cli_inputs.sh).
$(O)/tests/damage: $(addprefix $(O)/,tests/damage.o $(half_objs_analyze))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

# How similar the stacks of a corpus are (cli_similar.sh).
$(O)/tests/similar_scores: $(addprefix $(O)/,tests/lib/similar_scores.o $(half_objs_analyze))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

# ---------------------------------------------------------------- modules

$(TEST_PROGRAMS):
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(TEST_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS) $(ANALYZE_LIBS) \
		-lcmocka

# Where it stands before the allocator.
$(O)/tests/test_no_memory: TEST_LDFLAGS = $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc reallocarray \
	strdup strndup free mmap)
$(O)/tests/test_similar: TEST_LDFLAGS = $(addprefix -Wl$(comma)--wrap=,malloc calloc reallocarray)
comma = ,

TEST_device_writer_OBJS = capture/device/snapcrash_device.o $(COMMON_OBJS)

# What a target made by hand is needed for.
TEST_cfi_row_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_exception_frame_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_frame_record_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_object_cfi_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_saved_context_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_scan_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_sigreturn_OBJS = tests/lib/target.o $(half_objs_analyze)
TEST_unwind_OBJS = tests/lib/target.o $(half_objs_analyze)

# What DWARF made by hand is needed for.
TEST_dwarf_file_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_dwarf_hostile_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_dwarf_lines_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_dwarf_locations_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_containers_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_libcxx_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_variables_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_shape_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_dwarf_ranges_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)
TEST_dwarf_sections_OBJS = tests/lib/made_dwarf.o $(half_objs_analyze)

# What makes files in a directory of its own.
TEST_cache_dir_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_sandbox_policy_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_no_memory_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_name_rules_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_text_trace_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_tokens_database_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_dir_index_OBJS = tests/lib/temp_tree.o $(half_objs_analyze)
TEST_adopt_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_access_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_cgroup_memory_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_proc_container_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_proc_files_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_proc_status_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_rate_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_skipped_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_spool_usage_OBJS = tests/lib/temp_tree.o $(half_objs_capture)
TEST_spool_OBJS = tests/lib/temp_tree.o $(half_objs_capture)

# $(1): the test's name, $(2): its half.
define test_program
$(O)/tests/$(1): $$(addprefix $(O)/,tests/$(1).o \
	$$(or $$(TEST_$(patsubst test_%,%,$(1))_OBJS),$$(half_objs_$(2))))
endef
$(foreach test,$(TESTS_COMMON),$(eval $(call test_program,$(test),common)))
$(foreach test,$(TESTS_CAPTURE),$(eval $(call test_program,$(test),capture)))
$(foreach test,$(TESTS_ANALYZE),$(eval $(call test_program,$(test),analyze)))

# A test that nobody runs is worse than none.
UNLISTED_TESTS = $(filter-out $(TESTS:%=tests/%.c),$(wildcard tests/test_*.c)) \
	$(filter-out $(CLI_TESTS),$(wildcard tests/cli_*.sh))

# ---------------------------------------------------------------- targets

TEST_JOBS ?= $(shell nproc)
TEST_AGAIN ?= 0

.PHONY: check check-long check-build check-clang demo bars fixtures victims
victims: $(VICTIM_PROGRAMS)

check-build: all victims $(TEST_PROGRAMS) $(if $(shell command -v $(DEVICE_ARM)gcc),device-arm) \
		$(if $(shell command -v $(DEVICE_RISCV)gcc),device-riscv) \
		$(addprefix $(O)/tests/,arch_dump damage hanging_fs kill_often odd_process peak_rss similar_scores waiting32)
	$(if $(strip $(UNLISTED_TESTS)),$(error not listed in tests/tests.mk: $(UNLISTED_TESTS)))

check: check-build
	$(Q)O=$(O) VICTIM_DIR=$(VICTIM_DIR) SANITIZE=$(SANITIZE) tests/run --jobs $(TEST_JOBS) --again $(TEST_AGAIN) $(TEST_PROGRAMS) $(CLI_TESTS)

check-long: export TEST_LONG = 1
check-long: check

# That it compiles and links without a warning: which takes the optimiser (of glibc's functions that check
# their arguments, too), but neither much of it nor debug information.
check-clang:
	$(Q)$(MAKE) --no-print-directory DEVELOPER=1 CC=clang O=$(O)/clang SANITIZE= \
		CFLAGS='$(if $(filter file,$(origin CFLAGS)),-O1,$(CFLAGS))' check-clang-build

# Installed for these two only.
DEPS_LINT = cppcheck clang-tidy valgrind

.PHONY: deps-lint lint check-valgrind
deps-lint:
	@echo "Installing Debian packages: $(DEPS_LINT)"
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(DEPS_LINT)

# With all headers that are made when this is built.
lint: $(addprefix $(O)/,proto/snapshot.pb-c.h proto/entry.pb-c.h analyze/sandbox/filter.h \
		analyze/signature/builtin_rules.h analyze/dedup/schema_1.h analyze/dedup/schema_2.h)
	$(Q)tests/lint/run --build $(O)

VALGRIND_TESTS = $(addprefix $(O)/valgrind/tests/,$(TESTS_COMMON) $(TESTS_CAPTURE))
check-valgrind:
	$(Q)$(MAKE) --no-print-directory O=$(O)/valgrind STATIC_CC= CPPFLAGS='$(CPPFLAGS) -DSNAP_SANITIZED=1' all \
		$(addprefix $(O)/valgrind/tests/victims/gcc-O2/,null_deref sleeping_threads asserts) $(VALGRIND_TESTS)
	$(Q)O=$(O)/valgrind tests/run --timeout 900 tests/valgrind.sh

# Not "check-build": the victims are gcc's and are there already.
.PHONY: check-clang-build
check-clang-build: all $(TEST_PROGRAMS)

demo: all
	$(Q)tests/demo/demo.sh O=$(O)

bars: $(O)/bin/snapcrash-client victims $(O)/tests/peak_rss
	$(Q)O=$(O) tests/bars.sh

# Those of other machines take what "make deps-cross" installs.
fixtures: all
	$(Q)O=$(O) tests/fixtures/make.sh

include tests/guest/guest.mk
