#include "analyze/variables/printer.h"

#include <dwarf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/dwarf/children.h"
#include "analyze/symbols/demangle.h"
#include "analyze/symbols/object.h"

void snap_print_symbol(struct snap_printer *p, uint64_t addr)
{
	const struct snap_crash_module *module = snap_crash_module_at(p->view->views->crash, addr);
	char name[300];
	if (!module || !module->object || !module->record.has_load_bias)
		return;
	uint64_t start, end, vaddr = addr - module->record.load_bias;
	const char *data_name;
	if (snap_object_function(module->object, vaddr, &start, &end)) {
		size_t num;
		const struct snap_source_frame *frames =
			snap_object_find(module->object, vaddr, &num);
		if (num == 0 || !frames[num - 1].function)
			return;
		(void)snprintf(name, sizeof(name), "%s", frames[num - 1].function);
		start = frames[num - 1].start;
	} else if (snap_object_data_at(module->object, vaddr, &data_name, &start)) {
		char *demangled = snap_demangle(data_name);
		(void)snprintf(name, sizeof(name), "%s", demangled ? demangled : data_name);
		free(demangled);
	} else {
		return;
	}
	snap_text_add(p->text, " <");
	snap_text_add(p->text, name);
	if (vaddr > start)
		snap_text_addf(p->text, "+%" PRIu64, vaddr - start);
	snap_text_add(p->text, ">");
}

/* " " and Fortran's characters, if it is known how many there are. */
static void print_string_of_length(
	struct snap_printer *p, const struct snap_type *type, uint64_t addr)
{
	const struct snap_source source = {.in_memory = true, .addr = addr};
	const struct snap_subject subject = {.addr = addr};
	struct snap_shape shape;
	snap_shape_read(p->view, type, &subject, &shape);
	/* Without any it may be that the type does not say. */
	if (shape.state != SNAP_SHAPE_KNOWN || shape.is_elsewhere || shape.dimensions[0].count == 0)
		return;
	snap_text_add(p->text, " ");
	snap_print_text(p, &snap_character_fortran, &source, 0, shape.dimensions[0].count, true);
}

void snap_print_pointer(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off)
{
	uint64_t addr;
	unsigned int size = type->size == 4 ? 4 : snap_arch_word(p->view->arch);
	if (source->pointer) {
		p->counts.num[SNAP_BITS_OPTIMIZED_OUT]++;
		snap_text_add(p->text, "<synthetic pointer>");
		return;
	}
	if (!snap_printer_take_word(p, source, off, size, &addr))
		return;
	snap_text_addf(p->text, "0x%" PRIx64, addr);
	if (addr == 0)
		return;
	struct snap_type target;
	snap_type_read(p->view, type->target, &target);
	snap_print_symbol(p, addr);
	const struct snap_character *character = snap_type_character(&target);
	if (character)
		snap_print_string_at(p, character, addr);
	else if (target.tag == DW_TAG_string_type)
		print_string_of_length(p, &target, addr);
}

void snap_print_reference(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth)
{
	uint64_t addr;
	if (source->pointer) {
		p->counts.num[SNAP_BITS_OPTIMIZED_OUT]++;
		snap_text_add(p->text, "<synthetic pointer>");
		return;
	}
	if (!snap_printer_take_word(p, source, off, snap_arch_word(p->view->arch), &addr))
		return;
	const struct snap_source target = {.in_memory = true, .addr = addr};
	snap_text_addf(p->text, "@0x%" PRIx64, addr);
	/* Members that refer to others would lead far. */
	if (depth > 0)
		return;
	snap_text_add(p->text, ": ");
	snap_print_type(p, type->target, &target, 0, depth + 1);
}

/* The name of a class's member at an offset, or of its virtual function of that number; false if it
 * has none. */
static bool print_member_name(
	struct snap_printer *p, struct snap_die class_die, uint64_t number, bool is_function)
{
	static const uint16_t names[] = {
		DW_AT_name, DW_AT_data_member_location, DW_AT_vtable_elem_location, DW_AT_external};
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, class_die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[4];
		uint64_t at = 0;
		char buf[256];
		struct snap_text class_name;
		if (child.abbrev->tag != (is_function ? DW_TAG_subprogram : DW_TAG_member) ||
			!snap_view_attrs(p->view, child.die, names, attrs, 4) ||
			(!is_function && snap_attr_flag(&attrs[3])))
			continue;
		if (is_function &&
			(!attrs[2].block.data || !snap_evaluate_number(p->view, child.die.unit,
							 attrs[2].block, NULL, &at, NULL)))
			continue;
		const char *name = snap_attr_string(child.die.unit, &attrs[0]);
		if ((!is_function && !snap_attr_unsigned(&attrs[1], &at)) || at != number || !name)
			continue;
		snap_text_init(&class_name, buf, sizeof(buf));
		snap_type_name(p->view, class_die, &class_name);
		snap_text_addf(p->text, "&%s%s::%s", is_function ? "virtual " : "", buf, name);
		return true;
	}
	return false;
}

/* The Itanium C++ ABI, section 2.3. */
void snap_print_member_pointer(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off)
{
	static const uint16_t names[] = {DW_AT_containing_type};
	struct snap_attr attr;
	struct snap_die class_die = {0};
	struct snap_type target;
	uint64_t value, adjust;
	unsigned int size = snap_arch_word(p->view->arch);
	snap_type_read(p->view, type->target, &target);
	if (snap_view_attrs(p->view, type->die, names, &attr, 1))
		(void)snap_view_reference(p->view, type->die.unit, &attr, &class_die);
	if (!snap_printer_take_word(p, source, off, size, &value))
		return;
	if (target.tag != DW_TAG_subroutine_type) {
		if (value == (size == 4 ? UINT32_MAX : UINT64_MAX))
			snap_text_add(p->text, "NULL");
		else if (!print_member_name(p, class_die, value, false))
			snap_text_addf(p->text, "offset %" PRIu64, value);
		return;
	}
	/* Which of the two words tells a virtual function, differs. */
	if (value & 1 && p->view->arch->elf_machine != EM_AARCH64 &&
		p->view->arch->elf_machine != EM_ARM) {
		if (!print_member_name(p, class_die, (value - 1) / size, true))
			snap_text_addf(p->text, "virtual at offset %" PRIu64, value - 1);
	} else {
		if (value == 0)
			snap_text_add(p->text, "NULL");
		else
			snap_text_addf(p->text, "0x%" PRIx64, value);
		if (value != 0)
			snap_print_symbol(p, value);
	}
	if (snap_printer_take_word(p, source, off + size, size, &adjust) && adjust != 0)
		snap_text_addf(p->text, ", this adjustment %" PRId64, (int64_t)adjust);
}
