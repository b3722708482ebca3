#include "analyze/dwarf/lines.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>

/* More directories or files than any compilation has. */
#define MAX_ENTRIES 1000000
/* More rows than any unit has. */
#define MAX_ROWS (1u << 22)

void snap_lines_deinit(struct snap_lines *lines)
{
	free(lines->rows);
	free(lines->dirs);
	free(lines->files);
	*lines = (struct snap_lines){0};
}

static int add_dir(struct snap_lines *lines, const char *dir)
{
	if (lines->num_dirs == lines->dirs_capacity) {
		size_t capacity = lines->dirs_capacity ? 2 * lines->dirs_capacity : 64;
		const char **dirs = reallocarray(lines->dirs, capacity, sizeof(*dirs));
		if (!dirs)
			return -1;
		lines->dirs = dirs;
		lines->dirs_capacity = capacity;
	}
	lines->dirs[lines->num_dirs++] = dir;
	return 0;
}

static int add_file(struct snap_lines *lines, const char *name, uint64_t dir)
{
	if (lines->num_files == lines->files_capacity) {
		size_t capacity = lines->files_capacity ? 2 * lines->files_capacity : 64;
		struct snap_line_file *files = reallocarray(lines->files, capacity, sizeof(*files));
		if (!files)
			return -1;
		lines->files = files;
		lines->files_capacity = capacity;
	}
	lines->files[lines->num_files++] = (struct snap_line_file){name, dir};
	return 0;
}

/* ---------------------------------------------------------------- the header */

struct program {
	const struct snap_dwarf_unit *unit; /* that has the program */
	struct snap_dwarf_unit encoding;    /* stands for the header, whose widths are its own */
	uint8_t min_instruction, max_ops;
	bool default_is_statement;
	int8_t line_base;
	uint8_t line_range, opcode_base;
	uint8_t lens[256]; /* of the standard opcodes: how many operands */
};

/* Directories and files of versions 2 to 4. */
static int read_old_tables(struct snap_cursor *c, struct snap_lines *lines)
{
	/* Directory 0 is the compilation's, and there is no file 0. */
	if (add_dir(lines, lines->comp_dir) < 0 || add_file(lines, NULL, 0) < 0)
		return -1;
	for (size_t i = 0; i < MAX_ENTRIES && !c->failed; i++) {
		const char *dir = snap_cursor_string(c);
		if (!dir || !*dir)
			break;
		if (add_dir(lines, dir) < 0)
			return -1;
	}
	for (size_t i = 0; i < MAX_ENTRIES && !c->failed; i++) {
		const char *name = snap_cursor_string(c);
		if (!name || !*name)
			break;
		uint64_t dir = snap_cursor_uleb(c);
		(void)snap_cursor_uleb(c); /* time of modification */
		(void)snap_cursor_uleb(c); /* length */
		if (add_file(lines, name, dir) < 0)
			return -1;
	}
	return 0;
}

/* One table of version 5 (section 6.2.4.1): directories, or files. */
static int read_table(struct snap_cursor *c, const struct snap_dwarf_unit *encoding,
	struct snap_lines *lines, bool is_files)
{
	struct snap_attr_spec formats[256];
	uint8_t num_formats = snap_cursor_u8(c);
	for (uint8_t i = 0; i < num_formats; i++) {
		uint64_t content = snap_cursor_uleb(c), form = snap_cursor_uleb(c);
		formats[i] = (struct snap_attr_spec){
			.name = content > UINT16_MAX ? UINT16_MAX : (uint16_t)content,
			.form = form > UINT16_MAX ? UINT16_MAX : (uint16_t)form,
		};
		formats[i].len = (int8_t)snap_form_len(formats[i].form, &encoding->encoding);
	}
	uint64_t num = snap_cursor_uleb(c);
	if (num_formats == 0)
		return 0;
	for (uint64_t i = 0; i < num && i < MAX_ENTRIES && !c->failed; i++) {
		const char *name = NULL;
		uint64_t dir = 0;
		const uint8_t *begun = c->p;
		for (uint8_t j = 0; j < num_formats; j++) {
			struct snap_attr attr;
			snap_attr_read(c, encoding, &formats[j], &attr);
			if (formats[j].name == DW_LNCT_path)
				name = snap_attr_string(encoding, &attr);
			else if (formats[j].name == DW_LNCT_directory_index)
				dir = attr.value;
		}
		if (c->failed || c->p == begun)
			break;
		if ((is_files ? add_file(lines, name, dir) : add_dir(lines, name)) < 0)
			return -1;
	}
	return 0;
}

/* Leaves c at the program itself, ending with it. 1: it can't be read; -1: no memory. */
static int read_header(struct snap_cursor *c, struct program *p, struct snap_lines *lines)
{
	uint64_t len = snap_cursor_u32(c);
	struct snap_dwarf_encoding *encoding = &p->encoding.encoding;
	encoding->offset_size = 4;
	if (len == 0xffffffff) {
		encoding->offset_size = 8;
		len = snap_cursor_u64(c);
	}
	if (c->failed || len > snap_cursor_left(c))
		return 1;
	c->end = c->p + len;
	lines->version = encoding->version = snap_cursor_u16(c);
	encoding->address_size = p->unit->encoding.address_size;
	if (encoding->version < 2 || encoding->version > 5)
		return 1;
	if (encoding->version >= 5) {
		encoding->address_size = snap_cursor_u8(c);
		(void)snap_cursor_u8(c); /* size of a segment selector */
		if (encoding->address_size != 4 && encoding->address_size != 8)
			return 1;
	}
	uint64_t header_len = snap_cursor_unsigned(c, encoding->offset_size);
	if (c->failed || header_len > snap_cursor_left(c))
		return 1;
	struct snap_cursor program = *c;
	program.p += header_len;
	c->end = program.p;
	p->min_instruction = snap_cursor_u8(c);
	p->max_ops = encoding->version >= 4 ? snap_cursor_u8(c) : 1;
	p->default_is_statement = snap_cursor_u8(c) != 0;
	p->line_base = (int8_t)snap_cursor_u8(c);
	p->line_range = snap_cursor_u8(c);
	p->opcode_base = snap_cursor_u8(c);
	for (unsigned int i = 1; i < p->opcode_base; i++)
		p->lens[i] = snap_cursor_u8(c);
	if (c->failed || p->line_range == 0 || p->max_ops == 0)
		return 1;
	int r = encoding->version >= 5 ? read_table(c, &p->encoding, lines, false)
				       : read_old_tables(c, lines);
	if (r == 0 && encoding->version >= 5)
		r = read_table(c, &p->encoding, lines, true);
	*c = program;
	return r;
}

/* ---------------------------------------------------------------- the program */

struct machine {
	struct snap_line_row row;
	uint32_t op_index;
	uint64_t file, line, column;
	bool has_rows; /* the sequence has begun */
	bool is_dead;  /* of code that the linker left out */
	bool has_code; /* it has more than one address */
	uint64_t start;
	size_t first; /* of its rows */
};

static int emit(struct snap_lines *lines, struct machine *m, bool ends)
{
	/* As for ranges: what was discarded is at 0 or at the last addresses. */
	if (!m->has_rows) {
		m->is_dead = m->row.addr <= 1 || m->row.addr >= UINT64_MAX - 1;
		m->start = m->row.addr;
		m->first = lines->num_rows;
	}
	m->has_rows = true;
	m->has_code |= m->row.addr != m->start;
	if (m->is_dead || lines->num_rows >= MAX_ROWS)
		return 0;
	if (ends && !m->has_code) {
		/* Of no code: it would end what another says of this address. */
		lines->num_rows = m->first;
		return 0;
	}
	if (lines->num_rows == lines->rows_capacity) {
		size_t capacity = lines->rows_capacity ? 2 * lines->rows_capacity : 1024;
		struct snap_line_row *rows = reallocarray(lines->rows, capacity, sizeof(*rows));
		if (!rows)
			return -1;
		lines->rows = rows;
		lines->rows_capacity = capacity;
	}
	struct snap_line_row *row = &lines->rows[lines->num_rows++];
	*row = m->row;
	row->file = m->file > UINT32_MAX ? 0 : (uint32_t)m->file;
	row->line = m->line > UINT32_MAX ? 0 : (uint32_t)m->line;
	row->column = m->column > UINT16_MAX ? 0 : (uint16_t)m->column;
	row->ends = ends;
	return 0;
}

static void reset(struct machine *m, const struct program *p)
{
	*m = (struct machine){.file = 1, .line = 1};
	m->row.is_statement = p->default_is_statement;
}

static void advance(struct machine *m, const struct program *p, uint64_t operations)
{
	if (p->max_ops == 1) {
		m->row.addr += p->min_instruction * operations;
		return;
	}
	uint64_t index = m->op_index + operations;
	m->row.addr += p->min_instruction * (index / p->max_ops);
	m->op_index = (uint32_t)(index % p->max_ops);
}

static int run_extended(
	struct snap_cursor *c, const struct program *p, struct machine *m, struct snap_lines *lines)
{
	uint64_t len = snap_cursor_uleb(c);
	if (len == 0 || len > snap_cursor_left(c)) {
		(void)snap_cursor_fail(c);
		return 0;
	}
	struct snap_cursor operands = *c;
	operands.end = c->p + len;
	c->p += len;
	switch (snap_cursor_u8(&operands)) {
	case DW_LNE_end_sequence:
		if (emit(lines, m, true) < 0)
			return -1;
		reset(m, p);
		break;
	case DW_LNE_set_address:
		if (len - 1 == 4 || len - 1 == 8) {
			m->row.addr = snap_cursor_unsigned(&operands, (unsigned int)len - 1);
			if (len - 1 == 4 && m->row.addr >= UINT32_MAX - 1)
				m->row.addr = UINT64_MAX;
		}
		m->op_index = 0;
		break;
	case DW_LNE_define_file: {
		const char *name = snap_cursor_string(&operands);
		uint64_t dir = snap_cursor_uleb(&operands);
		if (name && lines->num_files < MAX_ENTRIES && add_file(lines, name, dir) < 0)
			return -1;
		break;
	}
	default:
		break; /* discriminators, and what nobody knows: it has a length */
	}
	return 0;
}

static int run_standard(struct snap_cursor *c, const struct program *p, uint8_t opcode,
	struct machine *m, struct snap_lines *lines)
{
	switch (opcode) {
	case DW_LNS_copy:
		return emit(lines, m, false);
	case DW_LNS_advance_pc:
		advance(m, p, snap_cursor_uleb(c));
		break;
	case DW_LNS_advance_line:
		m->line += (uint64_t)snap_cursor_sleb(c);
		break;
	case DW_LNS_set_file:
		m->file = snap_cursor_uleb(c);
		break;
	case DW_LNS_set_column:
		m->column = snap_cursor_uleb(c);
		break;
	case DW_LNS_negate_stmt:
		m->row.is_statement = !m->row.is_statement;
		break;
	case DW_LNS_const_add_pc:
		advance(m, p, (255u - p->opcode_base) / p->line_range);
		break;
	case DW_LNS_fixed_advance_pc:
		m->row.addr += snap_cursor_u16(c);
		m->op_index = 0;
		break;
	case DW_LNS_set_basic_block:
	case DW_LNS_set_prologue_end:
	case DW_LNS_set_epilogue_begin:
		break;
	default: /* DW_LNS_set_isa, and those that the header alone knows */
		for (uint8_t i = 0; i < p->lens[opcode]; i++)
			(void)snap_cursor_uleb(c);
	}
	return 0;
}

static int run(struct snap_cursor *c, const struct program *p, struct snap_lines *lines)
{
	struct machine m;
	reset(&m, p);
	while (c->p < c->end) {
		uint8_t opcode = *c->p++;
		int r = 0;
		if (opcode >= p->opcode_base) {
			unsigned int adjusted = opcode - p->opcode_base;
			advance(&m, p, adjusted / p->line_range);
			m.line +=
				(uint64_t)(int64_t)(p->line_base + (int)(adjusted % p->line_range));
			r = emit(lines, &m, false);
		} else if (opcode == 0) {
			r = run_extended(c, p, &m, lines);
		} else {
			r = run_standard(c, p, opcode, &m, lines);
		}
		if (r < 0)
			return -1;
	}
	return 0;
}

/* ---------------------------------------------------------------- all together */

/* Rows [first, first + num) of the program, up to an end. */
struct sequence {
	uint64_t start;
	size_t first, num;
};

static int compare_sequences(const void *a, const void *b)
{
	const struct sequence *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

struct ordered {
	struct snap_line_row row;
	size_t position;
};

static int compare_rows(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;
	if (x->row.addr != y->row.addr)
		return x->row.addr < y->row.addr ? -1 : 1;
	return x->position < y->position ? -1 : 1;
}

static bool is_ascending(const struct snap_lines *lines)
{
	for (size_t i = 1; i < lines->num_rows; i++)
		if (lines->rows[i - 1].addr > lines->rows[i].addr)
			return false;
	return true;
}

/* Whole sequences, as they come: in any order. False without memory. */
static bool sort_sequences(struct snap_lines *lines)
{
	size_t num = 0, first = 0, at = 0;
	for (size_t i = 0; i < lines->num_rows; i++)
		num += lines->rows[i].ends;
	struct sequence *sequences = calloc(num + 1, sizeof(*sequences));
	struct snap_line_row *rows = calloc(lines->num_rows + 1, sizeof(*rows));
	if (!sequences || !rows) {
		free(sequences);
		free(rows);
		return false;
	}
	num = 0;
	for (size_t i = 0; i < lines->num_rows; i++) {
		if (!lines->rows[i].ends && i + 1 < lines->num_rows)
			continue;
		sequences[num++] = (struct sequence){lines->rows[first].addr, first, i + 1 - first};
		first = i + 1;
	}
	qsort(sequences, num, sizeof(*sequences), compare_sequences);
	for (size_t i = 0; i < num; i++) {
		memcpy(rows + at, lines->rows + sequences[i].first,
			sequences[i].num * sizeof(*rows));
		at += sequences[i].num;
	}
	free(sequences);
	free(lines->rows);
	lines->rows = rows;
	lines->rows_capacity = lines->num_rows + 1;
	return true;
}

/* Row by row: what a program without order, or with sequences one in the other, takes. */
static bool sort_each_row(struct snap_lines *lines)
{
	struct ordered *ordered = calloc(lines->num_rows, sizeof(*ordered));
	if (!ordered)
		return false;
	for (size_t i = 0; i < lines->num_rows; i++)
		ordered[i] = (struct ordered){lines->rows[i], i};
	qsort(ordered, lines->num_rows, sizeof(*ordered), compare_rows);
	for (size_t i = 0; i < lines->num_rows; i++)
		lines->rows[i] = ordered[i].row;
	free(ordered);
	return true;
}

static int sort_rows(struct snap_lines *lines)
{
	if (is_ascending(lines))
		return 0;
	if (!sort_sequences(lines))
		return -1;
	return is_ascending(lines) || sort_each_row(lines) ? 0 : -1;
}

/* Where the program at off ends: so much must be decompressed. */
static uint64_t program_end(struct snap_dwarf_sections *sections, uint64_t off)
{
	enum { LENGTH_BYTES = 12 };
	struct snap_cursor c =
		snap_cursor(snap_dwarf_section_to(sections, SNAP_DWARF_LINE, off + LENGTH_BYTES),
			off, sections->big_endian);
	uint64_t len = snap_cursor_u32(&c);
	if (len == 0xffffffff)
		len = snap_cursor_u64(&c);
	return off + LENGTH_BYTES + len < off ? UINT64_MAX : off + LENGTH_BYTES + len;
}

int snap_lines_read(const struct snap_dwarf_unit *unit, struct snap_lines *lines)
{
	const struct snap_dwarf_unit *owner = unit->skeleton ? unit->skeleton : unit;
	lines->num_rows = lines->num_dirs = lines->num_files = 0;
	lines->comp_dir = owner->comp_dir ? owner->comp_dir : unit->comp_dir;
	struct snap_dwarf_sections *sections = &owner->file->sections;
	if (!owner->has_line_off || !snap_dwarf_section_spend(sections, SNAP_DWARF_LINE, 0))
		return 0;
	uint64_t off = owner->line_off + owner->part_off[SNAP_DWARF_LINE];
	struct snap_cursor c = snap_cursor(
		snap_dwarf_section_to(sections, SNAP_DWARF_LINE, program_end(sections, off)), off,
		sections->big_endian);
	const uint8_t *begun = c.p;
	/* The strings of its tables are where those of its unit are. */
	struct program p = {.unit = owner, .encoding = *owner};
	int r = read_header(&c, &p, lines);
	if (r == 0)
		r = run(&c, &p, lines);
	if (r == 0)
		(void)snap_dwarf_section_spend(
			sections, SNAP_DWARF_LINE, (uint64_t)(c.end - begun));
	if (r == 0)
		r = sort_rows(lines);
	return r < 0 ? -1 : 0;
}

const char *snap_lines_path(const struct snap_lines *lines, uint64_t file, char *buf, size_t size)
{
	const char *name = file < lines->num_files ? lines->files[file].name : NULL;
	if (!name)
		return NULL;
	uint64_t index = lines->files[file].dir;
	const char *dir = index < lines->num_dirs ? lines->dirs[index] : NULL;
	/* A relative directory is one of the compilation's, which is number 0 (in version 5 by its
	 * own entry). */
	const char *base = lines->num_dirs > 0 && lines->dirs[0] ? lines->dirs[0] : NULL;
	if (!base || (base[0] != '/' && lines->comp_dir))
		base = lines->comp_dir;
	int n;
	if (name[0] == '/' || !dir)
		n = snprintf(buf, size, "%s", name);
	else if (dir[0] == '/' || !base || dir == base || index == 0)
		n = snprintf(buf, size, "%s/%s", index == 0 && base ? base : dir, name);
	else
		n = snprintf(buf, size, "%s/%s/%s", base, dir, name);
	return n > 0 && (size_t)n < size ? buf : NULL;
}
