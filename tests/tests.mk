# The tests. Included by the Makefile after the lists of objects.
#
#   make check          everything below against this build, then the count
#   make check-clang    clang builds everything without a warning (into $(O)/clang)
#   make demo           a real crash, captured and explained
#   make bars           figures: hold time and memory of the client (not part of check)
#   make fixtures       makes tests/fixtures anew
#
# A module's test is tests/test_MODULE.c. Put its name into the list of the half it belongs to: it is
# linked with all objects of that half but the mains. One that needs more or less than that says so
# in TEST_MODULE_OBJS.

TESTS_COMMON = \
	test_arch \
	test_arena \
	test_areas \
	test_crc32c \
	test_elf_image \
	test_elf_notes \
	test_escape \
	test_memory_plan \
	test_snapshot_file \
	test_stack_chain \
	test_wire

TESTS_CAPTURE = \
	test_config \
	test_core_stream \
	test_extra_regsets \
	test_proc_maps

TESTS_ANALYZE = \
	test_backtrace \
	test_call_site \
	test_core_input \
	test_core_machines \
	test_demangle \
	test_exidx \
	test_explain \
	test_export \
	test_expression \
	test_file_open \
	test_jit \
	test_memory \
	test_open_in_root \
	test_signature \
	test_symtab

TESTS = $(TESTS_COMMON) $(TESTS_CAPTURE) $(TESTS_ANALYZE)

# Programs driven as a user drives them.
CLI_TESTS = \
	tests/cli_tools.sh \
	tests/cli_core_pattern.sh \
	tests/cli_usage.sh \
	tests/cli_inputs.sh \
	tests/cli_limits.sh \
	tests/cli_protoc.sh \
	tests/cli_client.sh \
	tests/cli_victims.sh \
	tests/cli_hostile_links.sh \
	tests/cli_live.sh \
	tests/cli_names.sh \
	tests/cli_fixtures.sh \
	tests/cli_demo.sh

TEST_PROGRAMS = $(addprefix $(O)/tests/,$(TESTS))

# ---------------------------------------------------------------- victims

# Programs that crash in a known way (tests/victims/README.rst). What is tested is their code and
# their debug information, so their flags are fixed: neither CFLAGS nor SANITIZE touch them.
VICTIM_CC = gcc
VICTIM_CXX = g++
VICTIM_FLAGS = -O2 -g
VICTIM_LIBS = -pthread

VICTIMS = aborts asserts bad_syscall bus_error call_data call_null deleted_exe div_zero double_free \
	heap hostile_comm illegal in_memcpy in_qsort in_strlen in_vdso killed_by_other main_exited \
	many_threads no_symbols null_deref shared_main signal_altstack signal_handler \
	sleeping_threads spinning stack_overflow stack_overflow_thread trap unmapped wild_pointer \
	write_readonly
VICTIMS_CXX = cxx_pure cxx_sort cxx_throw cxx_virtual
# One source, several compilers and settings.
VICTIMS_NULL = null_deref_O0 null_deref_clang null_deref_dwarf4 null_deref_nopie null_deref_static \
	null_deref_fp

VICTIM_FLAGS_no_symbols = -g0 -s
VICTIM_FLAGS_null_deref_O0 = -O0
VICTIM_FLAGS_null_deref_dwarf4 = -gdwarf-4
VICTIM_FLAGS_null_deref_nopie = -fno-pie -no-pie
VICTIM_FLAGS_null_deref_static = -static
VICTIM_FLAGS_null_deref_fp = -fno-omit-frame-pointer
VICTIM_CC_null_deref_clang = clang
# Recursion must stay recursion, and its frames small enough to be many.
VICTIM_FLAGS_stack_overflow = -O1
VICTIM_FLAGS_stack_overflow_thread = -O1

VICTIM_PROGRAMS = $(addprefix $(O)/tests/victims/,$(VICTIMS) $(VICTIMS_CXX) $(VICTIMS_NULL))

victim_cc = $(or $(VICTIM_CC_$(@F)),$(VICTIM_CC)) $(VICTIM_FLAGS) $(VICTIM_FLAGS_$(@F))

$(addprefix $(O)/tests/victims/,$(filter-out many_threads shared_main,$(VICTIMS))): \
		$(O)/tests/victims/%: tests/victims/%.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(victim_cc) -o $@ $< $(VICTIM_LIBS)

$(addprefix $(O)/tests/victims/,$(VICTIMS_NULL)): tests/victims/null_deref.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(victim_cc) -o $@ $< $(VICTIM_LIBS)

$(addprefix $(O)/tests/victims/,$(VICTIMS_CXX)): $(O)/tests/victims/%: tests/victims/%.cc
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(VICTIM_CXX) -std=c++17 $(VICTIM_FLAGS) -o $@ $< $(VICTIM_LIBS)

$(O)/tests/victims/many_threads.c: tests/victims/gen_many_threads.sh
	@mkdir -p $(@D)
	$(Q)sh $< >$@.tmp && mv $@.tmp $@

$(O)/tests/victims/many_threads: $(O)/tests/victims/many_threads.c
	$(call say,VICTIM,$@)
	$(Q)$(victim_cc) -o $@ $< $(VICTIM_LIBS)

$(O)/tests/victims/libshared.so: tests/victims/shared_lib.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(victim_cc) -fPIC -shared -Wl,-soname,libshared.so -o $@ $<

$(O)/tests/victims/shared_main: tests/victims/shared_main.c $(O)/tests/victims/libshared.so
	$(call say,VICTIM,$@)
	$(Q)$(victim_cc) -o $@ $^ '-Wl,-rpath,$$ORIGIN'

# ---------------------------------------------------------------- helpers of the tests

$(O)/tests/peak_rss: tests/lib/peak_rss.c
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(VICTIM_CC) -O2 -o $@ $<

mains = capture/client.o capture/debugger.o analyze/main.o
half_objs_common = $(COMMON_OBJS)
half_objs_capture = $(filter-out $(mains),$(CAPTURE_OBJS) $(CLIENT_OBJS) $(DEBUGGER_OBJS)) $(COMMON_OBJS)
half_objs_analyze = $(filter-out $(mains),$(ANALYZE_OBJS)) $(COMMON_OBJS)

# Reads a real snapshot cut and changed at every byte (cli_inputs.sh).
$(O)/tests/damage: $(addprefix $(O)/,tests/damage.o $(half_objs_analyze))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

# ---------------------------------------------------------------- modules

$(TEST_PROGRAMS):
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CAPTURE_LIBS) $(ANALYZE_LIBS) -lcmocka

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

.PHONY: check check-build check-clang demo bars fixtures victims
victims: $(VICTIM_PROGRAMS)

check-build: all victims $(TEST_PROGRAMS) $(O)/tests/peak_rss $(O)/tests/damage
	$(if $(strip $(UNLISTED_TESTS)),$(error not listed in tests/tests.mk: $(UNLISTED_TESTS)))

check: check-build
	$(Q)O=$(O) SANITIZE=$(SANITIZE) tests/run $(TEST_PROGRAMS) $(CLI_TESTS)

check-clang:
	$(Q)$(MAKE) --no-print-directory DEVELOPER=1 CC=clang O=$(O)/clang SANITIZE= \
		check-clang-build

# Not "check-build": the victims are gcc's and are there already.
.PHONY: check-clang-build
check-clang-build: all $(TEST_PROGRAMS)

demo: all
	$(Q)tests/demo/demo.sh O=$(O)

bars: $(O)/bin/snapcrash-client victims $(O)/tests/peak_rss
	$(Q)O=$(O) tests/bars.sh

fixtures: all
	$(Q)O=$(O) tests/fixtures/make.sh
