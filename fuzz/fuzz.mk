# Fuzzing. Included by the Makefile after the tests.
#
#   make fuzz                         builds the targets (clang's libFuzzer, with AddressSanitizer and
#                                     UndefinedBehaviorSanitizer) into build/fuzz, and their seeds
#   make fuzz-run SECONDS=n           runs each for so long; TARGET=x: that one alone
#   make fuzz-pairs COUNT=n           so many mutants of snapshots, cores and ELF files through the
#                                     whole of snapanalyze; SEED=n: others
#   make fuzz-coverage                what the corpora reach of analyze/ and common/
#
# docs/fuzzing.rst says more. A target is fuzz/fuzz_NAME.c.

FUZZ_ANALYZE = build_id cfi core demangle dwarf entry exidx export expression fields find notes object package snapshot \
	symbol_image text tokens trees variables worker
FUZZ_CAPTURE = config protocol
FUZZ_TARGETS = $(FUZZ_ANALYZE) $(FUZZ_CAPTURE)

FUZZ_DIR = build/fuzz
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=$(O)/bin/fuzz_%)
# What a make of its own is given for it. For coverage the same, but neither sanitizers nor libFuzzer's
# own instrumentation.
fuzz_make = $(MAKE) --no-print-directory CC=clang
FUZZ_FLAGS = -O1 -g -fsanitize-recover=pointer-overflow

.PHONY: fuzz fuzz-programs fuzz-run fuzz-pairs fuzz-coverage
fuzz: $(O)/bin/snapanalyze
	+$(Q)$(fuzz_make) O=$(FUZZ_DIR) SANITIZE=address,undefined FUZZ=1 \
		CFLAGS='$(FUZZ_FLAGS) -fsanitize=fuzzer-no-link' fuzz-programs
	$(Q)test -e $(FUZZ_DIR)/seeds/made || { \
		$(PYTHON) fuzz/make_seeds.py $(abspath $(O)/bin/snapanalyze) $(FUZZ_DIR)/seeds && \
		: >$(FUZZ_DIR)/seeds/made; }

ifdef FUZZ
fuzz-programs: $(FUZZ_PROGRAMS)

fuzz_engine = $(or $(FUZZ_ENGINE),-fsanitize=fuzzer)
fuzz_common = fuzz/fuzz.o
fuzz_objs_package = fuzz/dwarf_input.o tests/lib/made_dwarf.o
fuzz_objs_dwarf = fuzz/dwarf_input.o tests/lib/made_dwarf.o
fuzz_objs_snapshot = fuzz/analyse.o fuzz/mutate_snapshot.o
fuzz_objs_variables = fuzz/dwarf_input.o fuzz/analyse.o tests/lib/made_dwarf.o
fuzz_objs_find = fuzz/mutate_elf.o
fuzz_objs_object = fuzz/mutate_elf.o
fuzz_objs_export = fuzz/mutate_snapshot.o
fuzz_objs_core = fuzz/analyse.o
fuzz_objs_notes = fuzz/analyse.o
fuzz_objs_tokens = fuzz/analyse.o

# $(1): the target, $(2): its half.
define fuzz_program
$(O)/bin/fuzz_$(1): $(addprefix $(O)/,fuzz/fuzz_$(1).o $(fuzz_common) $(fuzz_objs_$(1)) $(half_objs_$(2)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(BASE_LDFLAGS) $$(fuzz_engine) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $$(CAPTURE_LIBS) \
		$$(ANALYZE_LIBS) $$(if $$(filter dwarf package variables,$(1)),-lcmocka)
endef
$(foreach target,$(FUZZ_ANALYZE),$(eval $(call fuzz_program,$(target),analyze)))
$(foreach target,$(FUZZ_CAPTURE),$(eval $(call fuzz_program,$(target),capture)))
endif

fuzz-run: fuzz
	$(Q)fuzz/run $(FUZZ_DIR) $(or $(SECONDS),60) $(or $(TARGET),$(FUZZ_TARGETS))

fuzz-pairs: $(O)/bin/snapanalyze
	+$(Q)$(MAKE) --no-print-directory O=build/sanitize SANITIZE=address,undefined build/sanitize/bin/snapanalyze
	$(Q)$(PYTHON) fuzz/mutate_pairs.py --count $(or $(COUNT),1000) --seed $(or $(SEED),1) \
		--plain $(O)/bin/snapanalyze --sanitized build/sanitize/bin/snapanalyze

fuzz-coverage: fuzz
	+$(Q)$(fuzz_make) O=$(FUZZ_DIR)-coverage SANITIZE= FUZZ=1 \
		CFLAGS='-O1 -g -fprofile-instr-generate -fcoverage-mapping' fuzz-programs
	$(Q)fuzz/coverage $(FUZZ_DIR)-coverage $(FUZZ_DIR) $(FUZZ_TARGETS)
