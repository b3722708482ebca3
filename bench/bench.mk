# Measurements against other tools (bench/README.rst); none of them is part of "make check".
#
#   bench-corpora    make the programs to measure with, below BENCH_DIR (some 40 minutes, 4 GB)
#   bench-symbolize  "snapanalyze symbolize" beside llvm-symbolizer and others: same answers? how fast?
#   bench-report     one report of three cores beside eu-stack and gdb: how fast?
#   bench-capture    how long crashes and live snapshots hold a process, beside the least that is
#                    possible there; as root, for core_pattern; needs no corpora
#   bench-sandbox    what the sandbox costs one input and a batch, and what variables do; needs no
#                    corpora
#   bench-similar    how well similar stacks find each other (docs/similarity.rst), and how fast; needs
#                    no corpora
#   bench-dedup      how fast crashes are signed, grouped and found in an index; needs no corpora
#   bench            all of these
#   deps-bench       install what they need (Debian packages, as root)
#
#   BENCH_DIR=$(O)/corpora   where the programs are; elsewhere they survive "make clean"
#   BENCH_TRUTH=, BENCH_SPEED=, BENCH_REPORT=, BENCH_CAPTURE=, BENCH_SANDBOX=, BENCH_SIMILAR=, BENCH_DEDUP=
#                            options for symbolize_truth.py, symbolize_speed.py, report_speed.py,
#                            capture_speed.py, sandbox_speed.py, tests/lib/similar.py and dedup_speed.py

BENCH_DIR ?= $(O)/corpora

DEPS_BENCH = binutils bison clang cargo debian-archive-keyring dpkg-dev dwz elfutils flex g++ gdb \
	libexpat1-dev libgmp-dev libmpfr-dev libncurses-dev libreadline-dev libstd-rust-dev llvm rustc \
	xz-utils zlib1g-dev \
	$(patsubst %,librust-%-dev,bstr clap-2 grep grep-searcher ignore lazy-static log num-cpus regex \
		serde-json serde walkdir termcolor)

.PHONY: deps-bench bench-build bench-corpora bench-symbolize bench-report bench-capture bench-sandbox \
	bench-similar bench-dedup bench
deps-bench:
	@echo "Installing Debian packages: $(DEPS_BENCH)"
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(DEPS_BENCH)

$(O)/bench/measure: bench/measure.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -D_GNU_SOURCE $(CPPFLAGS) -std=gnu11 $(WARNINGS) -O2 -o $@ $<

bench-build: $(O)/bin/snapanalyze $(O)/bench/measure

bench-corpora:
	$(Q)bench/corpora.sh $(BENCH_DIR)

BENCH = ANALYZE=$(O)/bin/snapanalyze PYTHONDONTWRITEBYTECODE=1 $(PYTHON)

# The speed is measured whether or not the answers are right; the exit status is about the answers.
bench-symbolize: bench-build bench-corpora
	$(Q)status=0; \
	$(BENCH) bench/symbolize_truth.py $(BENCH_TRUTH) --ready $(BENCH_DIR)/READY || status=$$?; \
	echo; \
	$(BENCH) bench/symbolize_speed.py --measure $(O)/bench/measure $(BENCH_SPEED) \
		$(BENCH_DIR)/gdb/gdb || status=$$?; \
	exit $$status

bench-report: bench-build bench-corpora \
		$(addprefix $(O)/tests/victims/gcc-O2/,null_deref many_threads)
	$(Q)bench/cores.sh $(BENCH_DIR)/cores $(O)/tests/victims/gcc-O2 $(BENCH_DIR)/gdb/gdb
	$(Q)$(BENCH) bench/report_speed.py --measure $(O)/bench/measure $(BENCH_REPORT) \
		$(BENCH_DIR)/cores $(O)/tests/victims/gcc-O2 $(BENCH_DIR)/gdb/gdb

$(O)/bench/similar_speed: $(addprefix $(O)/,bench/similar_speed.o $(half_objs_analyze))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ANALYZE_LIBS)

$(O)/bench/capture_times: bench/capture_times.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -D_GNU_SOURCE $(CPPFLAGS) -std=gnu11 $(WARNINGS) -O2 -pthread -o $@ $<

$(O)/bench/capture_floor: bench/capture_floor.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -D_GNU_SOURCE $(CPPFLAGS) -std=gnu11 $(WARNINGS) -O2 -static -o $@ $<

bench-capture: $(PROGRAMS) $(O)/bench/capture_times $(O)/bench/capture_floor
	$(Q)$(BENCH) bench/capture_speed.py --bin $(O)/bin --tools $(O)/bench $(BENCH_CAPTURE)
	$(Q)$(BENCH) bench/capture_speed.py --bin $(O)/bin --tools $(O)/bench --stack-kib 16 \
		--crash 64 512 2000 --live 64 512 2000 $(BENCH_CAPTURE)

bench-dedup: bench-build
	$(Q)$(BENCH) bench/dedup_speed.py --measure $(O)/bench/measure $(BENCH_DEDUP)

bench-sandbox: bench-build $(PROGRAMS)
	$(Q)$(BENCH) bench/sandbox_speed.py --bin $(O)/bin --measure $(O)/bench/measure $(BENCH_SANDBOX)

bench-similar: $(O)/bench/similar_speed $(O)/tests/similar_scores $(PROGRAMS)
	$(Q)$(O)/bench/similar_speed
	$(Q)PYTHONDONTWRITEBYTECODE=1 $(PYTHON) tests/lib/similar.py $(BENCH_SIMILAR) $(O)/bin/snapanalyze \
		$(O)/tests/similar_scores tests/corpus

bench: bench-symbolize bench-report bench-capture bench-sandbox bench-similar bench-dedup
