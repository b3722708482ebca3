/* The server's plugin: changes what is stored. */
#include "util.h"

#include <ctype.h>

#include "server.h"

#if VERSION >= 3
#define rewrite rewrite_body
#endif

plugin_filter *plugin_setup(struct map *settings);

static struct map *settings_seen;
static char result[256];

static int setting(const char *name)
{
	const char *value = map_find(settings_seen, BUG(plugin_null_name) ? NULL : name);
	return value ? atoi(value) : 0;
}

static void upper(char *text, int limit)
{
	for (int i = 0; i < limit && text[i]; i++)
		text[i] = (char)toupper((unsigned char)text[i]);
}

static char *rewrite(struct request *request, char *text)
{
	int limit = setting("limit");
	if (BUG(plugin_bad_text))
		text = (char *)(uintptr_t)(0x1000 * (1 + rnd(200)));
	snprintf(result, sizeof(result), "%s", text);
	upper(BUG(plugin_readonly) ? "constant" : result, limit);
	return request->depth < 100 ? result : text;
}

plugin_filter *plugin_setup(struct map *settings)
{
	settings_seen = settings;
	return setting("limit") >= 0 ? rewrite : NULL;
}
