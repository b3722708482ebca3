/* Helpers of the C programs: many bugs crash in here. */
#ifndef CORPUS_UTIL_H
#define CORPUS_UTIL_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "bugs.h"

#if VERSION >= 3
#define buf_append buf_write
#define map_find   map_lookup
#endif

__attribute__((unused, noreturn, noinline)) static void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	abort();
}

__attribute__((unused)) static void *xrealloc(void *old, size_t len)
{
	void *p = len < 1u << 28 ? realloc(old, len) : NULL;
	if (!p)
		die("out of memory: %zu\n", len);
	return p;
}

__attribute__((unused)) static void *xcalloc(size_t num, size_t len)
{
	void *p = xrealloc(NULL, num * len + 1);
	return memset(p, 0, num * len);
}

__attribute__((unused)) static char *xstrdup(const char *s)
{
	size_t len = strlen(s) + 1;
	return (char *)memcpy(xrealloc(NULL, len), s, len);
}

struct buf {
	char *data;
	size_t len, size;
};

__attribute__((unused)) static void buf_reserve(struct buf *buf, size_t more)
{
	if (buf->len + more + 1 <= buf->size)
		return;
	buf->size = 2 * (buf->len + more) + 64;
	buf->data = (char *)xrealloc(buf->data, buf->size);
}

__attribute__((unused)) static void buf_append(struct buf *buf, const char *data, size_t len)
{
	buf_reserve(buf, len);
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

__attribute__((unused)) static void buf_puts(struct buf *buf, const char *s)
{
	buf_append(buf, s, strlen(s));
}

__attribute__((unused)) static void buf_free(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = buf->size = 0;
}

struct link {
	struct link *next, *prev;
};

__attribute__((unused)) static void link_init(struct link *head)
{
	head->next = head->prev = head;
}

__attribute__((unused)) static void link_insert(struct link *head, struct link *item)
{
	item->next = head;
	item->prev = head->prev;
	head->prev->next = item;
	head->prev = item;
}

__attribute__((unused)) static void link_remove(struct link *item)
{
	item->next->prev = item->prev;
	item->prev->next = item->next;
	item->next = item->prev = NULL;
}

struct map_entry {
	struct map_entry *next;
	char *key;
	void *value;
};

struct map {
	struct map_entry *slots[32];
	unsigned num;
};

__attribute__((unused)) static unsigned map_hash(const char *key)
{
	unsigned hash = 5381;
	while (*key)
		hash = hash * 33 + (unsigned char)*key++;
	return hash;
}

__attribute__((unused)) static struct map_entry **map_slot(struct map *map, const char *key)
{
	struct map_entry **slot = &map->slots[map_hash(key) % 32];
	while (*slot && strcmp((*slot)->key, key) != 0)
		slot = &(*slot)->next;
	return slot;
}

__attribute__((unused)) static void *map_find(struct map *map, const char *key)
{
	struct map_entry *entry = *map_slot(map, key);
	return entry ? entry->value : NULL;
}

__attribute__((unused)) static void map_set(struct map *map, const char *key, void *value)
{
	struct map_entry **slot = map_slot(map, key);
	if (!*slot) {
		*slot = (struct map_entry *)xcalloc(1, sizeof(**slot));
		(*slot)->key = xstrdup(key);
		map->num++;
	}
	(*slot)->value = value;
}

__attribute__((unused)) static void *map_remove(struct map *map, const char *key)
{
	struct map_entry **slot = map_slot(map, key), *entry = *slot;
	void *value = entry ? entry->value : NULL;
	if (!entry)
		return NULL;
	*slot = entry->next;
	map->num--;
	free(entry->key);
	free(entry);
	return value;
}

#endif
