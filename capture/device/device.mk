# The microcontroller's half. Included by the Makefile after the lists of objects.
#
#   make device         the writer and the port layers for each processor, and the example firmware,
#                       into $(O)/device/PROCESSOR (firmware.elf, firmware.map)
#   make device-sizes   what of a firmware's flash and RAM they take
#
# Compilers: Debian's gcc-arm-none-eabi and gcc-riscv64-unknown-elf; no C library. DEVICE_CFLAGS= are
# yours, and come last.

DEVICE_ARM ?= arm-none-eabi-
DEVICE_RISCV ?= riscv64-unknown-elf-

# Processors by name: compiler's flags.
DEVICE_ARM_CPUS = cm0 cm3 cm4f cm33
DEVICE_FLAGS_cm0 = -mcpu=cortex-m0 -mthumb
DEVICE_FLAGS_cm3 = -mcpu=cortex-m3 -mthumb
DEVICE_FLAGS_cm4f = -mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard
DEVICE_FLAGS_cm33 = -mcpu=cortex-m33+nofp -mthumb
# Those that the example is built for: QEMU's boards with Arm's AN385 and AN386.
DEVICE_FIRMWARE_ARM = cm3 cm4f

DEVICE_BASE_CFLAGS = -std=gnu11 -ffreestanding $(WARNINGS) -Wconversion -Os -g -ffunction-sections \
	-fdata-sections -fstack-usage -fcallgraph-info=su -I.

DEVICE_ARM_OBJS = capture/device/snapcrash_device.o capture/device/cortex_m.o
DEVICE_EXAMPLE_ARM_OBJS = $(addprefix capture/device/example/, \
	faults.o kernel.o log.o main.o sinks.o snapshot.o startup.o)

# $(1): a processor's name. $(2): prefix of its compiler.
define device_rules
$(O)/device/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(2)gcc $$(DEVICE_FLAGS_$(1)) $$(DEVICE_BASE_CFLAGS) $$(DEVICE_CFLAGS) -MMD -MP -c -o $$@ $$<
endef
$(foreach cpu,$(DEVICE_ARM_CPUS),$(eval $(call device_rules,$(cpu),$(DEVICE_ARM))))

# $(1): a processor's name. $(2): prefix of its compiler. $(3): linker script. $(4): objects.
define firmware_rules
$(O)/device/$(1)/firmware.elf: $(addprefix $(O)/device/$(1)/,$(4)) $(3)
	$$(call say,LINK,$$@)
	$$(Q)$(2)gcc $$(DEVICE_FLAGS_$(1)) -nostdlib -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,-T,$(strip $(3)) \
		-Wl,-Map,$$(@:.elf=.map) -Wl,--fatal-warnings -o $$@ $$(filter %.o,$$^) -lgcc
endef
$(foreach cpu,$(DEVICE_FIRMWARE_ARM),$(eval $(call firmware_rules,$(cpu),$(DEVICE_ARM),\
	capture/device/example/link.ld,$(DEVICE_ARM_OBJS) $(DEVICE_EXAMPLE_ARM_OBJS))))

DEVICE_OBJS_ALL = $(foreach cpu,$(DEVICE_ARM_CPUS),$(addprefix $(O)/device/$(cpu)/,$(DEVICE_ARM_OBJS)))
DEVICE_FIRMWARE = $(foreach cpu,$(DEVICE_FIRMWARE_ARM),$(O)/device/$(cpu)/firmware.elf)

.PHONY: device device-sizes
device: $(DEVICE_OBJS_ALL) $(DEVICE_FIRMWARE)

device-sizes: device
	$(Q)for cpu in $(DEVICE_ARM_CPUS); do \
		echo "$$cpu:"; $(DEVICE_ARM)size $(addprefix $(O)/device/$$cpu/,$(DEVICE_ARM_OBJS)) || exit; done
