#include "capture/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/escape.h"

/* How a value is written, and so what the member holds. */
enum kind {
	PATH,	     /* absolute; char[size] */
	NO_PATH,     /* absolute, or "none", which is ""; char[size] */
	TEXT,	     /* printable; char[size] */
	COMMAND,     /* an absolute path and words; char[size] */
	NUMBER,	     /* uint64_t */
	BYTES,	     /* a number with K, M or G behind it, of 1024; uint64_t */
	AUTO_NUMBER, /* the same, or "auto", which is SNAP_CONFIG_AUTO */
	AUTO_BYTES,
	SECONDS, /* a number with s, m, h or d behind it; uint64_t */
	YES_NO,	 /* bool */
	MEMORY,	 /* enum snap_config_memory */
	LOG,	 /* enum snap_config_log */
	RULES,	 /* struct snap_config_rules */
	UUID,	 /* hex digits, '-' among them; software_build_uuid */
};

struct key {
	const char *name;
	const char *value; /* the default, "" for none */
	enum kind kind;
	size_t offset, size;
	uint64_t min, max; /* of numbers, in the unit of the member */
};

#define MEMBER(m) offsetof(struct snap_config, m), sizeof(((struct snap_config *)0)->m)
#define GIB	  ((uint64_t)1 << 30)
#define DAY_S	  86400

/* docs/capture.rst and packaging/snapcrash.conf list the same. */
static const struct key keys[] = {
	{"spool", SNAP_CONFIG_DEFAULT_SPOOL, PATH, MEMBER(spool), 0, 0},
	{"socket", SNAP_CONFIG_DEFAULT_SOCKET, PATH, MEMBER(socket), 0, 0},
	{"app_socket", "/run/snapcrash/app.sock", NO_PATH, MEMBER(app_socket), 0, 0},
	{"coredump_socket", "none", NO_PATH, MEMBER(coredump_socket), 0, 0},
	{"client", "", PATH, MEMBER(client), 0, 0},

	{"max_bytes", "512M", BYTES, MEMBER(max_bytes), 0, 1024 * 1024 * GIB},
	{"max_files", "1000", NUMBER, MEMBER(max_files), 1, 100000},
	{"min_free", "auto", AUTO_BYTES, MEMBER(min_free_bytes), 0, 1024 * 1024 * GIB},
	{"min_free_inodes", "auto", AUTO_NUMBER, MEMBER(min_free_inodes), 0, UINT32_MAX},
	{"group", "", TEXT, MEMBER(group), 0, 0},
	{"owner_access", "no", YES_NO, MEMBER(owner_access), 0, 0},
	{"ignore", "", RULES, MEMBER(ignore), 0, 0},
	{"only", "", RULES, MEMBER(only), 0, 0},

	{"max_dumps", "4", NUMBER, MEMBER(max_dumps), 1, 64},
	{"max_queue", "1024", NUMBER, MEMBER(max_queue), 0, 4096},
	{"dump_time", "10s", SECONDS, MEMBER(dump_time_s), 1, 600},
	{"rate_burst", "256", NUMBER, MEMBER(rate_burst), 0, 1000000},
	{"rate_interval", "30s", SECONDS, MEMBER(rate_interval_s), 1, 366 * DAY_S},
	{"app_rate_burst", "8", NUMBER, MEMBER(app_rate_burst), 0, 1000000},
	{"app_rate_interval", "60s", SECONDS, MEMBER(app_rate_interval_s), 1, 366 * DAY_S},
	{"app_max_bytes", "64M", BYTES, MEMBER(app_max_bytes), 0, 1024 * 1024 * GIB},
	{"chain_time", "120s", SECONDS, MEMBER(chain_time_s), 1, DAY_S},
	{"core_pipe_limit", "256", NUMBER, MEMBER(core_pipe_limit), 1, INT32_MAX},

	{"max_snapshot", "2M", BYTES, MEMBER(max_snapshot_bytes), 64 << 10, 128 << 20},
	{"stack_first", "64K", BYTES, MEMBER(stack_first_bytes), 0, 64 << 20},
	{"stack_second", "16K", BYTES, MEMBER(stack_second_bytes), 0, 64 << 20},
	{"stack_second_threads", "63", NUMBER, MEMBER(stack_second_threads), 0, 65536},
	{"stack_threads", "1024", NUMBER, MEMBER(stack_threads), 1, 65536},
	{"memory", "stacks", MEMORY, MEMBER(memory), 0, 0},
	{"vector_registers", "no", YES_NO, MEMBER(vector_registers), 0, 0},
	{"environ", "no", YES_NO, MEMBER(environ), 0, 0},
	{"open_files", "256", NUMBER, MEMBER(open_files), 0, 65536},

	{"project", "", TEXT, MEMBER(project), 0, 0},
	{"device", "", TEXT, MEMBER(device), 0, 0},
	{"software_version", "", TEXT, MEMBER(software_version), 0, 0},
	{"software_build_uuid", "", UUID, MEMBER(software_build_uuid), 0, 0},

	{"hook", "", COMMAND, MEMBER(hook), 0, 0},
	{"hook_user", "nobody", TEXT, MEMBER(hook_user), 0, 0},
	{"hook_fd", "0", NUMBER, MEMBER(hook_fd), 0, 9},
	{"hook_time", "30s", SECONDS, MEMBER(hook_time_s), 1, DAY_S},

	{"log", "auto", LOG, MEMBER(log), 0, 0},
};
#define NUM_KEYS (sizeof(keys) / sizeof(keys[0]))

/* One reading: where it stands, and whether something was wrong already. */
struct reading {
	const char *file;
	unsigned long line;
	bool failed;
	struct snap_config *config;
	struct snap_error *err;
};

/* Only the first fault is kept: the others often follow from it. */
static void fault(struct reading *r, const char *what, struct snap_bytes about)
{
	if (r->failed)
		return;
	r->failed = true;
	char shown[96];
	(void)snap_escape(about, SNAP_ESCAPE_TERMINAL, shown, sizeof(shown)); /* cut to fit */
	(void)snap_error_set(r->err, SNAP_ERROR_USAGE,
		about.data ? "%s:%lu: %s '%s'" : "%s:%lu: %s", r->file, r->line, what, shown);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct snap_bytes trim(struct snap_bytes s)
{
	while (s.len > 0 && is_blank(s.data[0]))
		s = snap_bytes(s.data + 1, s.len - 1);
	while (s.len > 0 && is_blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

/* The name that value is among num ones of; num if none. */
static size_t find_name(struct snap_bytes value, const char *const *names, size_t num)
{
	size_t i = 0;
	while (i < num && !snap_bytes_equal_str(value, names[i]))
		i++;
	return i;
}

/* A number and the letter behind it, whose factor stands at its place in factors. */
static bool parse_scaled(
	struct snap_bytes value, const char *letters, const uint64_t *factors, uint64_t *ret)
{
	size_t i = 0;
	uint64_t number = 0, factor = 1;
	for (; i < value.len && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
		if (number > (UINT64_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint64_t)(value.data[i] - '0');
	}
	if (i == 0 || value.len - i > 1)
		return false;
	if (value.len - i == 1) {
		const char *letter = strchr(letters, value.data[i]);
		if (!letter)
			return false;
		factor = factors[letter - letters];
	}
	if (number > UINT64_MAX / factor)
		return false;
	*ret = number * factor;
	return true;
}

static void take_number(
	struct reading *r, const struct key *key, struct snap_bytes value, void *member)
{
	static const uint64_t byte_factors[] = {1u << 10, 1u << 20, 1u << 30};
	static const uint64_t second_factors[] = {1, 60, 3600, 86400};
	uint64_t number;
	bool good;
	bool is_bytes = key->kind == BYTES || key->kind == AUTO_BYTES;
	if ((key->kind == AUTO_BYTES || key->kind == AUTO_NUMBER) &&
		snap_bytes_equal_str(value, "auto")) {
		number = SNAP_CONFIG_AUTO;
		memcpy(member, &number, sizeof(number));
		return;
	}
	if (is_bytes)
		good = parse_scaled(value, "KMG", byte_factors, &number);
	else if (key->kind == SECONDS)
		good = parse_scaled(value, "smhd", second_factors, &number);
	else
		good = parse_scaled(value, "", NULL, &number);
	if (!good)
		fault(r,
			is_bytes	       ? "not a number of bytes (as in 512K, 16M, 1G):"
			: key->kind == SECONDS ? "not a time (as in 10s, 5m, 1h, 2d):"
					       : "not a number:",
			value);
	else if (number < key->min)
		fault(r, "too small:", value);
	else if (number > key->max)
		fault(r, "too large:", value);
	else
		memcpy(member, &number, sizeof(number));
}

static void take_text(
	struct reading *r, const struct key *key, struct snap_bytes value, char *member)
{
	if (key->kind == NO_PATH && snap_bytes_equal_str(value, "none"))
		value.len = 0;
	else if (key->kind != TEXT && value.data[0] != '/') {
		fault(r, "not an absolute path:", value);
		return;
	}
	if (value.len >= key->size) {
		fault(r, key->kind == TEXT ? "text too long:" : "path too long:", value);
		return;
	}
	memcpy(member, value.data, value.len);
	member[value.len] = '\0';
}

static bool parse_uid(struct snap_bytes word, uint32_t *ret)
{
	uint64_t uid;
	if (word.len <= 4 || memcmp(word.data, "uid=", 4) != 0 ||
		!parse_scaled(snap_bytes(word.data + 4, word.len - 4), "", NULL, &uid) ||
		uid > UINT32_MAX)
		return false;
	*ret = (uint32_t)uid;
	return true;
}

static void take_rule(struct reading *r, struct snap_bytes value, struct snap_config_rules *rules)
{
	struct snap_config_rule rule = {.pattern = ""};
	struct snap_bytes pattern = value;
	/* The last word may be uid=N, alone or behind the pattern, which can hold blanks. */
	size_t start = value.len;
	while (start > 0 && !is_blank(value.data[start - 1]))
		start--;
	if (parse_uid(snap_bytes(value.data + start, value.len - start), &rule.uid)) {
		rule.has_uid = true;
		pattern = trim(snap_bytes(value.data, start));
	}
	if (pattern.len >= sizeof(rule.pattern)) {
		fault(r, "pattern too long:", value);
	} else if (rules->num == SNAP_CONFIG_MAX_RULES) {
		fault(r, "too many such lines, the first left out is", value);
	} else {
		memcpy(rule.pattern, pattern.data, pattern.len);
		rules->rules[rules->num++] = rule;
	}
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void take_uuid(struct reading *r, struct snap_bytes value)
{
	uint8_t bytes[sizeof(r->config->software_build_uuid)];
	size_t num_digits = 0;
	for (size_t i = 0; i < value.len; i++) {
		int digit = hex_digit(value.data[i]);
		if (value.data[i] == '-')
			continue;
		if (digit < 0 || num_digits == 2 * sizeof(bytes)) {
			fault(r, "not hex digits, or too many:", value);
			return;
		}
		uint8_t *byte = &bytes[num_digits / 2];
		*byte = (uint8_t)(num_digits % 2 == 0 ? digit << 4 : *byte | digit);
		num_digits++;
	}
	if (num_digits == 0 || num_digits % 2 != 0) {
		fault(r, "an odd number of hex digits:", value);
		return;
	}
	memcpy(r->config->software_build_uuid, bytes, num_digits / 2);
	r->config->software_build_uuid_len = num_digits / 2;
}

static void take_value(struct reading *r, const struct key *key, struct snap_bytes value)
{
	static const char *const answers[] = {"no", "yes"};
	static const char *const memories[] = {"stacks", "indirect"};
	static const char *const logs[] = {"auto", "journal", "syslog", "stderr"};
	void *member = (char *)r->config + key->offset;
	size_t i;
	switch (key->kind) {
	case PATH:
	case NO_PATH:
	case TEXT:
	case COMMAND:
		take_text(r, key, value, member);
		break;
	case NUMBER:
	case BYTES:
	case AUTO_NUMBER:
	case AUTO_BYTES:
	case SECONDS:
		take_number(r, key, value, member);
		break;
	case YES_NO:
		i = find_name(value, answers, 2);
		if (i < 2)
			*(bool *)member = i == 1;
		else
			fault(r, "neither yes nor no:", value);
		break;
	case MEMORY:
		i = find_name(value, memories, 2);
		if (i < 2)
			*(enum snap_config_memory *)member = (enum snap_config_memory)i;
		else
			fault(r, "neither stacks nor indirect:", value);
		break;
	case LOG:
		i = find_name(value, logs, 4);
		if (i < 4)
			*(enum snap_config_log *)member = (enum snap_config_log)i;
		else
			fault(r, "none of auto, journal, syslog, stderr:", value);
		break;
	case RULES:
		take_rule(r, value, member);
		break;
	case UUID:
		take_uuid(r, value);
		break;
	}
}

static const struct key *find_key(struct snap_bytes name)
{
	for (size_t i = 0; i < NUM_KEYS; i++)
		if (snap_bytes_equal_str(name, keys[i].name))
			return &keys[i];
	return NULL;
}

static void take_line(struct reading *r, struct snap_bytes line)
{
	if (memchr(line.data, '\0', line.len)) {
		fault(r, "a NUL byte", snap_bytes(NULL, 0));
		return;
	}
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '#' && (i == 0 || is_blank(line.data[i - 1])))
			line.len = i;
	line = trim(line);
	if (line.len == 0)
		return;

	const uint8_t *equals = memchr(line.data, '=', line.len);
	if (!equals) {
		fault(r, "no '=' in", line);
		return;
	}
	size_t key_len = (size_t)(equals - line.data);
	struct snap_bytes key = trim(snap_bytes(line.data, key_len));
	struct snap_bytes value = trim(snap_bytes(equals + 1, line.len - key_len - 1));

	const struct key *known = find_key(key);
	if (!known)
		fault(r, "unknown key", key);
	else if (value.len == 0)
		fault(r, "no value for", key);
	else
		take_value(r, known, value);
}

static void take_file(struct reading *r, int fd)
{
	uint8_t line[SNAP_CONFIG_MAX_LINE];
	uint8_t buf[4096];
	size_t line_len = 0, total = 0;
	bool overlong = false;
	ssize_t n;

	r->line = 1;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		total += (size_t)n;
		if (total > SNAP_CONFIG_MAX_FILE) {
			fault(r, "the file is too long", snap_bytes(NULL, 0));
			return;
		}
		for (size_t i = 0; i < (size_t)n; i++) {
			if (buf[i] != '\n') {
				if (line_len < sizeof(line))
					line[line_len++] = buf[i];
				else
					overlong = true;
				continue;
			}
			if (overlong)
				fault(r, "the line is too long", snap_bytes(NULL, 0));
			else
				take_line(r, snap_bytes(line, line_len));
			line_len = 0;
			overlong = false;
			r->line++;
		}
	}
	if (n < 0 && !r->failed) {
		r->failed = true;
		(void)snap_error_errno(r->err, errno, "cannot read '%s'", r->file);
	} else if (overlong) {
		fault(r, "the line is too long", snap_bytes(NULL, 0));
	} else if (line_len > 0) {
		take_line(r, snap_bytes(line, line_len));
	}
}

bool snap_config_key(size_t index, const char **ret_key, const char **ret_default)
{
	if (index >= NUM_KEYS)
		return false;
	*ret_key = keys[index].name;
	*ret_default = keys[index].value;
	return true;
}

/* All but the rules: there are none, and each is written whole (a client has no time for more
 * pages). */
static void forget(struct snap_config *config)
{
	const size_t rules = offsetof(struct snap_config, ignore),
		     behind = offsetof(struct snap_config, max_dumps);
	memset(config, 0, rules);
	config->ignore.num = config->only.num = 0;
	memset((char *)config + behind, 0, sizeof(*config) - behind);
}

int snap_config_read(const char *file, struct snap_config *ret, struct snap_error *err)
{
	forget(ret);
	struct reading r = {
		.file = file ? file : SNAP_CONFIG_DEFAULT_FILE,
		.config = ret,
		.err = err,
	};
	for (size_t i = 0; i < NUM_KEYS; i++)
		if (keys[i].value[0] != '\0')
			take_value(&r, &keys[i], snap_bytes_str(keys[i].value));
	int fd = open(r.file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		if (!file && errno == ENOENT)
			return 0;
		return snap_error_errno(err, errno, "cannot open '%s'", r.file);
	}
	take_file(&r, fd);
	(void)close(fd); /* nothing was written */
	return r.failed ? -1 : 0;
}
