# The microcontroller's half. Included by the Makefile after the lists of objects.
#
#   make device         the writer and the port layers for each processor, and the example firmware,
#                       into $(O)/device/PROCESSOR (firmware.elf, firmware.map); device-arm and
#                       device-riscv make those of one compiler
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
DEVICE_RISCV_CPUS = rv32imac rv32e
DEVICE_FLAGS_rv32imac = -march=rv32imac_zicsr -mabi=ilp32 -msmall-data-limit=0
DEVICE_FLAGS_rv32e = -march=rv32e_zicsr -mabi=ilp32e -msmall-data-limit=0
# Those that the example is built for: QEMU's "microbit", and its boards with Arm's AN385 and AN386.
DEVICE_FIRMWARE_ARM = cm0 cm3 cm4f
# And QEMU's own "virt".
DEVICE_FIRMWARE_RISCV = rv32imac

DEVICE_BASE_CFLAGS = -std=gnu11 -ffreestanding $(WARNINGS) -Wconversion -Os -g -ffunction-sections \
	-fdata-sections -fstack-usage -fcallgraph-info=su -I.

DEVICE_ARM_OBJS = capture/device/snapcrash_device.o capture/device/cortex_m.o
DEVICE_EXAMPLE_ARM_OBJS = $(addprefix capture/device/example/, \
	faults.o kernel.o log.o main.o sinks.o snapshot.o startup.o support.o)
DEVICE_RISCV_OBJS = capture/device/snapcrash_device.o capture/device/riscv.o
DEVICE_EXAMPLE_RISCV_OBJS = $(addprefix capture/device/example/,riscv/main.o sinks.o support.o)

# $(1): a processor's name. $(2): prefix of its compiler.
define device_rules
$(O)/device/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(2)gcc $$(DEVICE_FLAGS_$(1)) $$(DEVICE_BASE_CFLAGS) $$(DEVICE_CFLAGS) -MMD -MP -c -o $$@ $$<
endef
$(foreach cpu,$(DEVICE_ARM_CPUS),$(eval $(call device_rules,$(cpu),$(DEVICE_ARM))))
$(foreach cpu,$(DEVICE_RISCV_CPUS),$(eval $(call device_rules,$(cpu),$(DEVICE_RISCV))))

# $(1): a processor's name. $(2): prefix of its compiler. $(3): linker script. $(4): objects.
define firmware_rules
$(O)/device/$(1)/firmware.elf: $(addprefix $(O)/device/$(1)/,$(4)) $(3)
	$$(call say,LINK,$$@)
	$$(Q)$(2)gcc $$(DEVICE_FLAGS_$(1)) -nostdlib -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,-T,$(strip $(3)) \
		-Wl,-Map,$$(@:.elf=.map) -Wl,--fatal-warnings -o $$@ $$(filter %.o,$$^) -lgcc
endef
$(foreach cpu,$(DEVICE_FIRMWARE_ARM),$(eval $(call firmware_rules,$(cpu),$(DEVICE_ARM),\
	capture/device/example/link.ld,$(DEVICE_ARM_OBJS) $(DEVICE_EXAMPLE_ARM_OBJS))))

$(foreach cpu,$(DEVICE_FIRMWARE_RISCV),$(eval $(call firmware_rules,$(cpu),$(DEVICE_RISCV),\
	capture/device/example/riscv/link.ld,$(DEVICE_RISCV_OBJS) $(DEVICE_EXAMPLE_RISCV_OBJS))))

# $(1): ARM or RISCV.
device_objs = $(foreach cpu,$(DEVICE_$(1)_CPUS),$(addprefix $(O)/device/$(cpu)/,$(DEVICE_$(1)_OBJS))) \
	$(foreach cpu,$(DEVICE_FIRMWARE_$(1)),$(O)/device/$(cpu)/firmware.elf)

.PHONY: device device-arm device-riscv device-sizes
device: device-arm device-riscv
device-arm: $(call device_objs,ARM)
device-riscv: $(call device_objs,RISCV)

device-sizes: device
	$(Q)for cpu in $(DEVICE_ARM_CPUS); do $(DEVICE_ARM)size \
		$(addprefix $(O)/device/$$cpu/,$(DEVICE_ARM_OBJS)) || exit; done
	$(Q)for cpu in $(DEVICE_RISCV_CPUS); do $(DEVICE_RISCV)size \
		$(addprefix $(O)/device/$$cpu/,$(DEVICE_RISCV_OBJS)) || exit; done
