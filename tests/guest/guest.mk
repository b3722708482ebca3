# make check-aarch64: the capture half, cross-built, in an emulated Debian on aarch64. Included by
# tests/tests.mk.
#
# What is fetched, built and captured stays in $(O)/guest, and the fetched part is used again; remove
# that directory to begin anew.

GUEST = $(O)/guest
GUEST_CC = aarch64-linux-gnu-gcc
GUEST_CXX = aarch64-linux-gnu-g++
GUEST_CC_arm = arm-linux-gnueabihf-gcc

DEPS_AARCH64 = gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross cpio \
	gcc-arm-linux-gnueabihf libc6-dev-armhf-cross \
	gdb-multiarch qemu-system-arm

.PHONY: deps-aarch64 check-aarch64 check-aarch64-build guest-capture
deps-aarch64:
	@echo "Installing Debian packages: $(DEPS_AARCH64)"
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(DEPS_AARCH64)

$(GUEST)/fetched: tests/guest/fetch.sh
	$(call say,FETCH,$(GUEST))
	$(Q)tests/guest/fetch.sh $(GUEST)

# As a user would cross-build it: another compiler, and where its libraries are.
guest-capture: $(GUEST)/fetched
	$(Q)PKG_CONFIG_LIBDIR=$(abspath $(GUEST)/root/usr/lib/aarch64-linux-gnu/pkgconfig) \
		PKG_CONFIG_SYSROOT_DIR=$(abspath $(GUEST)/root) \
		$(MAKE) --no-print-directory CROSS=aarch64-linux-gnu- SANITIZE= O=$(GUEST)/capture capture

# $(GUEST)/victims/SETTING/NAME: without and with signed return addresses. Debian's own libraries have
# none.
GUEST_SETTINGS = plain-O2 pac-O2 pac-O0
GUEST_FLAGS_pac = -mbranch-protection=standard
# 32-bit processes, and no library of theirs.
GUEST_FLAGS_arm = -static
GUEST_VICTIMS_arm = null_deref_static sleeping_threads
GUEST_VICTIMS = aborts asserts bad_syscall bus_error call_data call_null cxx_sort cxx_throw \
	cxx_virtual double_free illegal in_memcpy in_qsort in_strlen in_vdso killed_by_other \
	main_exited many_threads no_symbols null_deref null_deref_dwarf4 null_deref_fp \
	null_deref_nopie null_deref_static shared_main signal_altstack signal_handler \
	sleeping_threads stack_overflow stack_overflow_thread trap unmapped wild_pointer \
	write_readonly

guest_setting = $(subst -, -,$(notdir $(@D)))
guest_flags = $(lastword $(guest_setting)) -g $(GUEST_FLAGS_$(firstword $(guest_setting))) \
	$(VICTIM_FLAGS_$(@F))

define guest_victim
	@mkdir -p $(@D)
	$(call say,VICTIM,$@)
	$(Q)$(if $(filter %.cc,$<),$(GUEST_CXX) -std=c++17,$(or $(GUEST_CC_$(firstword $(guest_setting))),$(GUEST_CC))) \
		$(guest_flags) -o $@ $^ -pthread
endef
# $(1): a setting.
define guest_rules
$(GUEST)/victims/$(1)/%: tests/victims/%.c
	$$(guest_victim)
$(GUEST)/victims/$(1)/%: tests/victims/%.cc
	$$(guest_victim)
$(GUEST)/victims/$(1)/null_deref_%: tests/victims/null_deref.c
	$$(guest_victim)
$(GUEST)/victims/$(1)/many_threads: $(VICTIM_DIR)/many_threads.c
	$$(guest_victim)
$(GUEST)/victims/$(1)/libshared.so: tests/victims/shared_lib.c
	$$(guest_victim) -fPIC -shared -Wl,-soname,libshared.so
$(GUEST)/victims/$(1)/shared_main: tests/victims/shared_main.c $(GUEST)/victims/$(1)/libshared.so
	$$(guest_victim) '-Wl,-rpath,$$$$ORIGIN'
endef
$(foreach setting,$(GUEST_SETTINGS) arm-O2,$(eval $(call guest_rules,$(setting))))

check-aarch64-build: $(O)/bin/snapanalyze guest-capture \
	$(foreach setting,$(GUEST_SETTINGS),$(addprefix $(GUEST)/victims/$(setting)/,$(GUEST_VICTIMS))) \
	$(addprefix $(GUEST)/victims/arm-O2/,$(GUEST_VICTIMS_arm))

# Some hundred crashes: each takes the emulation some seconds, and gdb as many.
check-aarch64: check-aarch64-build
	$(Q)O=$(O) tests/run --timeout 3000 tests/guest/check_aarch64.sh

.PHONY: fixtures-aarch64
fixtures-aarch64: $(O)/bin/snapanalyze guest-capture
	$(Q)O=$(O) tests/guest/fixtures.sh
