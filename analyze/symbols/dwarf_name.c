#include "analyze/symbols/dwarf_name.h"

#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>

#include "analyze/symbols/demangle.h"

/* Steps from a concrete DIE to its declaration: origin, specification, and little more. */
#define MAX_ORIGINS 16
#define MAX_NAME    4096

struct named {
	void *die_addr; /* of the DIE that declares: unique over main and alternate files */
	const char *name;
	const char *raw;
	char *owned;
};

struct snap_dwarf_names {
	void *tree; /* tsearch(3) of struct named by die_addr */
};

static int compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	return (uintptr_t)x->die_addr < (uintptr_t)y->die_addr
		       ? -1
		       : (uintptr_t)x->die_addr > (uintptr_t)y->die_addr;
}

static void free_named(void *pointer)
{
	struct named *named = pointer;
	free(named->owned);
	free(named);
}

struct snap_dwarf_names *snap_dwarf_names_create(void)
{
	return calloc(1, sizeof(struct snap_dwarf_names));
}

void snap_dwarf_names_destroy(struct snap_dwarf_names *names)
{
	if (!names)
		return;
	tdestroy(names->tree, free_named);
	free(names);
}

/* Follow DW_AT_abstract_origin and DW_AT_specification to the DIE that stands in its scope. */
Dwarf_Die snap_dwarf_declaration(Dwarf_Die die)
{
	for (int i = 0; i < MAX_ORIGINS; i++) {
		Dwarf_Attribute attr;
		Dwarf_Die next;
		if (!dwarf_attr(&die, DW_AT_abstract_origin, &attr) &&
			!dwarf_attr(&die, DW_AT_specification, &attr))
			break;
		if (!dwarf_formref_die(&attr, &next))
			break;
		die = next;
	}
	return die;
}

static const char *string_attribute(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	return dwarf_formstring(dwarf_attr_integrate(die, name, &attr));
}

/* Whether the language's functions live in named scopes that a reader expects to see. */
static bool has_scopes(Dwarf_Die *die)
{
	Dwarf_Die unit;
	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return false;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_Rust:
	case DW_LANG_D:
	case DW_LANG_Swift:
		return true;
	default:
		return false;
	}
}

/* The text of one scope, NULL if it adds nothing. */
static const char *scope_name(Dwarf_Die *scope)
{
	const char *name;
	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		name = dwarf_diename(scope);
		return name ? name : "(anonymous namespace)";
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_module:
		return dwarf_diename(scope);
	default:
		return NULL;
	}
}

/* "ns::Class::name"; NULL if nothing qualifies it. */
static char *qualify(Dwarf_Die *declaration, const char *name)
{
	if (!has_scopes(declaration))
		return NULL;
	Dwarf_Die *scopes;
	int num = dwarf_getscopes_die(declaration, &scopes);
	if (num <= 0)
		return NULL;
	char text[MAX_NAME];
	size_t len = 0;
	bool qualified = false;
	text[0] = '\0';
	/* scopes[0] is the function itself, the last one its unit. */
	for (int i = num - 1; i > 0; i--) {
		const char *scope = scope_name(&scopes[i]);
		if (!scope)
			continue;
		int n = snprintf(text + len, sizeof(text) - len, "%s::", scope);
		if (n < 0 || (size_t)n >= sizeof(text) - len) {
			qualified = false;
			break;
		}
		len += (size_t)n;
		qualified = true;
	}
	free(scopes);
	if (!qualified || strlen(name) >= sizeof(text) - len)
		return NULL;
	memcpy(text + len, name, strlen(name) + 1);
	return strdup(text);
}

static struct named *make_named(Dwarf_Die *die, Dwarf_Die *declaration)
{
	struct named *named = calloc(1, sizeof(*named));
	if (!named)
		return NULL;
	named->die_addr = declaration->addr;
	named->raw = string_attribute(die, DW_AT_linkage_name);
	if (!named->raw)
		named->raw = string_attribute(die, DW_AT_MIPS_linkage_name);
	if (named->raw) {
		named->owned = snap_demangle(named->raw);
		named->name = named->owned ? named->owned : named->raw;
		return named;
	}
	named->raw = string_attribute(die, DW_AT_name);
	if (named->raw) {
		named->owned = qualify(declaration, named->raw);
		named->name = named->owned ? named->owned : named->raw;
	}
	return named;
}

void snap_dwarf_names_get(
	struct snap_dwarf_names *names, Dwarf_Die *die, const char **ret_name, const char **ret_raw)
{
	*ret_name = *ret_raw = NULL;
	Dwarf_Die declaration = snap_dwarf_declaration(*die);
	struct named key = {.die_addr = declaration.addr};
	void *node = tfind(&key, &names->tree, compare);
	struct named *named = node ? *(struct named **)node : NULL;
	if (!named) {
		named = make_named(die, &declaration);
		if (!named)
			return;
		if (!tsearch(named, &names->tree, compare)) {
			free_named(named);
			return;
		}
	}
	*ret_name = named->name;
	*ret_raw = named->raw;
}
