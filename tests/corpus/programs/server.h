/* What the server and its plugin share. */
#ifndef CORPUS_SERVER_H
#define CORPUS_SERVER_H

struct request {
	int method, depth;
	char *path, *body;
};

struct map;
typedef char *plugin_filter(struct request *request, char *text);
typedef plugin_filter *plugin_begin(struct map *settings);

#endif
