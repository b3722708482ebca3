# libsnapcrash. Included by the Makefile after the lists of objects.
#
# Its objects are compiled for themselves: position-independent, and with nothing visible but what
# snapcrash.h declares. The archive is one object, so that its inner names can't meet a program's.

LIB_SONAME = libsnapcrash.so.0
LIB_FILE = libsnapcrash.so.$(VERSION)

# All that runs in signal handlers: tests/cli_library_safe.sh proves it.
LIB_SAFE_OBJS = \
	capture/annotations.o \
	capture/lib/handler.o \
	capture/lib/log.o \
	capture/lib/minimal.o \
	capture/lib/own_area.o \
	capture/lib/record.o \
	capture/lib/registers.o \
	capture/lib/request.o \
	capture/memory.o \
	capture/proc_maps.o \
	capture/spool_name.o \
	capture/utc.o \
	common/arch.o \
	common/areas.o \
	common/crc32c.o \
	common/elf_image.o \
	common/elf_notes.o \
	common/escape.o \
	common/memory_plan.o \
	common/stack_chain.o
LIB_OBJS = \
	capture/lib/altstack.o \
	capture/lib/annotate.o \
	capture/lib/install.o \
	capture/lib/log_format.o

lib_objs = $(addprefix $(O)/lib/objects/,$(1))

LIBRARY = $(O)/include/snapcrash.h $(O)/lib/libsnapcrash.a $(O)/lib/libsnapcrash.so \
	$(O)/lib/libsnapcrash-handler.o $(O)/lib/pkgconfig/snapcrash.pc

.PHONY: library
library: $(LIBRARY)

# No link-time optimisation: the note's assembly names a variable.
$(O)/lib/objects/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE_CPPFLAGS) $(CPPFLAGS) $(BASE_CFLAGS) -fPIC -fvisibility=hidden $(CFLAGS) \
		-fno-lto -MMD -MP -c -o $@ $<

$(O)/lib/$(LIB_FILE): $(call lib_objs,$(LIB_SAFE_OBJS) $(LIB_OBJS)) capture/lib/libsnapcrash.map
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(LIB_SONAME) -Wl,--version-script=capture/lib/libsnapcrash.map \
		-Wl,-z,relro,-z,now,-z,nodelete,-z,noexecstack -Wl,--as-needed \
		$(if $(SANITIZE),$(SANITIZE_FLAGS),-Wl,-z,defs) \
		$(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -pthread

$(O)/lib/libsnapcrash.so: $(O)/lib/$(LIB_FILE)
	$(Q)ln -sf $(LIB_FILE) $(@D)/$(LIB_SONAME)
	$(Q)ln -sf $(LIB_SONAME) $@

# What the handler can reach, as one object whose undefined symbols are all that it uses.
$(O)/lib/libsnapcrash-handler.o: $(call lib_objs,$(LIB_SAFE_OBJS))
	$(call say,LINK,$@)
	$(Q)$(CC) -r -nostdlib -o $@ $^

# Not in groups: a linker may take another object's of the same name (i386 has some), and our local
# names would be gone with ours.
$(O)/lib/objects/libsnapcrash.o: $(call lib_objs,$(LIB_SAFE_OBJS) $(LIB_OBJS))
	$(call say,LINK,$@)
	$(Q)$(CC) -r -nostdlib -Wl,--force-group-allocation -o $@ $^
	$(Q)$(OBJCOPY) --localize-hidden $@

$(O)/lib/libsnapcrash.a: $(O)/lib/objects/libsnapcrash.o
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/include/snapcrash.h: capture/lib/snapcrash.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

pc_file = sed -e 's|@PREFIX@|$(1)|' -e 's|@VERSION@|$(VERSION)|' capture/lib/snapcrash.pc.in

$(O)/lib/pkgconfig/snapcrash.pc: capture/lib/snapcrash.pc.in
	@mkdir -p $(@D)
	$(Q)$(call pc_file,$(abspath $(O))) >$@

.PHONY: install-library
install-library: $(LIBRARY)
	install -d $(DESTDIR)$(prefix)/include $(DESTDIR)$(prefix)/lib/pkgconfig
	install -m 644 $(O)/include/snapcrash.h $(DESTDIR)$(prefix)/include
	install -m 644 $(O)/lib/libsnapcrash.a $(DESTDIR)$(prefix)/lib
	install -m 644 $(O)/lib/$(LIB_FILE) $(DESTDIR)$(prefix)/lib
	ln -sf $(LIB_FILE) $(DESTDIR)$(prefix)/lib/$(LIB_SONAME)
	ln -sf $(LIB_SONAME) $(DESTDIR)$(prefix)/lib/libsnapcrash.so
	$(call pc_file,$(prefix)) >$(DESTDIR)$(prefix)/lib/pkgconfig/snapcrash.pc
