/* A real server on loopback with the data the import left: pages, a pull, memory, the start. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/generate.h"
#include "codec/json_walk.h"
#include "crypto/cert.h"
#include "crypto/password.h"
#include "crypto/tls.h"
#include "desk/desk.h"
#include "desk/folder.h"
#include "net/client.h"
#include "serve/bench.h"
#include "serve/taxii.h"

enum {
	PAGE = 1000,
	PAGES_A_RUN = 200,
	READY_LINE_MAX = 512,
	STARTS = 3,
	ANSWER_MAX = 64 * 1024 * 1024,
};

struct server {
	pid_t pid;
	double start_seconds;
	char url[READY_LINE_MAX];
};

struct talking {
	struct bw_bench *bench;
	struct bw_http_client *client;
	struct bw_tls_context *tls;
	struct bw_secret key;
	struct bw_buf headers;
	struct bw_buf body;
	uint64_t random;
	int64_t first_us, last_us; /* dates added of the collection's ends */
};

/* ---- the process ------------------------------------------------------- */

_Noreturn static void become_server(const char *data, int out)
{
	(void)dup2(out, STDOUT_FILENO);
	(void)execl("/proc/self/exe", "breakwater", "--data", data, "serve", "--listen", "127.0.0.1:0", (char *)NULL);
	_exit(127);
}

static enum bw_err read_ready_line(int fd, struct server *server)
{
	char line[READY_LINE_MAX];
	size_t len = 0;
	char *url;

	while (len + 1 < sizeof(line)) {
		const ssize_t got = read(fd, line + len, 1);

		BW_NEED(got == 1, CLOSED);
		if (line[len++] == '\n')
			break;
	}
	line[len - 1] = 0;
	url = strstr(line, "https://");
	BW_NEED(url != NULL, PROTOCOL);
	(void)snprintf(server->url, sizeof(server->url), "%s", url);
	return BW_OK;
}

static enum bw_err server_start(struct bw_bench *bench, struct server *out)
{
	const double began = bw_bench_now();
	int fds[2];
	enum bw_err err;

	BW_NEED(pipe2(fds, O_CLOEXEC) == 0, SYSTEM);
	(void)fflush(NULL);
	out->pid = fork();
	if (out->pid == 0)
		become_server(bw_bench_data(bench), fds[1]);
	(void)close(fds[1]);
	err = out->pid > 0 ? read_ready_line(fds[0], out) : BW_ERR_SYSTEM;
	(void)close(fds[0]);
	out->start_seconds = bw_bench_now() - began;
	return err == BW_OK ? BW_OK : bw_why_set(&bench->why, err, "the server did not start");
}

static void server_stop(struct server *server)
{
	if (server->pid <= 0)
		return;
	(void)kill(server->pid, SIGTERM);
	(void)waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

/* Proportional set size of one process in KiB: shared pages count once over all who share them. */
static double process_kib(long pid)
{
	char path[64];
	char line[256];
	double kib = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtod(line + 4, NULL);
	}
	(void)fclose(file);
	return kib;
}

static bool is_child_of(const char *name, pid_t parent)
{
	char path[300];
	char text[512];
	const char *close_paren;
	FILE *file;
	size_t got;

	(void)snprintf(path, sizeof(path), "/proc/%s/stat", name);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	got = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[got] = 0;
	close_paren = strrchr(text, ')'); /* the name may hold anything */
	return close_paren != NULL && strlen(close_paren) > 4 && strtol(close_paren + 4, NULL, 10) == parent;
}

static double all_processes_kib(pid_t parent)
{
	DIR *proc = opendir("/proc");
	double kib = process_kib(parent);
	const struct dirent *entry;

	if (proc == NULL)
		return kib;
	while ((entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_child_of(entry->d_name, parent))
			kib += process_kib(strtol(entry->d_name, NULL, 10));
	}
	(void)closedir(proc);
	return kib;
}

/* ---- the client -------------------------------------------------------- */

static enum bw_err make_account(struct bw_bench *bench, struct bw_secret *key)
{
	struct bw_why *why = &bench->why;
	uint8_t one[8];
	uint8_t hash[BW_SHA256_BYTES];
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_api_key_make(key));
	BW_TRY(bw_api_key_hash(bw_secret_slice(key), hash));
	BW_TRY(bw_desk_open(bw_bench_data(bench), &desk, why));
	err = bw_desk_do(desk, BW_OFFICE_ACCOUNT_ADD,
			 (const struct bw_slice[]){ BW_LIT("bench"), bw_slice_empty, bw_desk_num(1, one) }, 3, -1, NULL,
			 why);
	if (err == BW_OK)
		err = bw_desk_do(
			desk, BW_OFFICE_ACCOUNT_KEY,
			(const struct bw_slice[]){ BW_LIT("bench"), bw_slice_of(hash, sizeof(hash)), BW_LIT("bench") },
			3, -1, NULL, why);
	bw_desk_close(desk);
	return err;
}

static enum bw_err client_open(struct talking *t, const struct server *server)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pem = BW_BUF_INIT(BW_CERT_PEM_MAX);
	struct bw_tls_client_options tls = { 0 };
	struct bw_http_client_options options = { 0 };
	struct bw_cert_facts facts;
	struct bw_place place;
	struct bw_url url;

	BW_TRY(bw_folder_place(bw_bench_data(t->bench), BW_FOLDER_CERT, &place));
	BW_TRY(bw_file_read(place.path, &pem, &t->bench->why));
	BW_TRY(bw_cert_read(bw_buf_slice(&pem), &facts));
	tls.pin = facts.fingerprint;
	BW_TRY(bw_tls_client_new(&tls, &t->tls, &t->bench->why));
	options.tls = t->tls;
	BW_TRY(bw_url_parse(bw_slice_text(server->url), &url, NULL));
	BW_TRY(bw_http_client_new(&url, &options, &t->client));
	t->headers = BW_BUF_INIT(4096);
	t->body = BW_BUF_INIT(ANSWER_MAX);
	BW_TRY(bw_buf_add_text(&t->headers, "Accept: application/taxii+json;version=2.1\r\n"));
	return bw_http_bearer(bw_secret_slice(&t->key), &t->headers);
}

static void client_close(struct talking *t)
{
	bw_http_client_free(t->client);
	bw_tls_context_free(t->tls);
	bw_secret_wipe(&t->key);
	bw_buf_wipe(&t->headers);
	bw_buf_release(&t->body);
}

static enum bw_err take_body(void *ctx, const struct bw_http_response *response, struct bw_slice bytes)
{
	struct talking *t = ctx;

	(void)response;
	return bw_buf_add(&t->body, bytes);
}

static enum bw_err get(struct talking *t, const char *target)
{
	const struct bw_http_ask ask = { .method = "GET",
					 .target = bw_slice_text(target),
					 .headers = bw_buf_slice(&t->headers),
					 .may_repeat = true,
					 .answer_max = ANSWER_MAX,
					 .on_body = take_body,
					 .ctx = t };
	const struct bw_http_response *response;

	bw_buf_clear(&t->body);
	BW_TRY(bw_http_client_ask(t->client, &ask, &response, &t->bench->why));
	if (response->status != 200)
		return bw_why_set(&t->bench->why, BW_ERR_PROTOCOL, "%s was answered with %u", target, response->status);
	return BW_OK;
}

/* What an envelope says: the value of `next`, "" at the end, and how many objects it holds. */
static enum bw_err read_envelope(const struct talking *t, char next[32], uint64_t *objects)
{
	struct bw_json_walk walk;
	struct bw_json_walk list;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	next[0] = 0;
	*objects = 0;
	BW_TRY(bw_json_walk_open(bw_buf_slice(&t->body), &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		if (bw_slice_is(name, "next") && value.len > 2 && value.len < 30)
			(void)snprintf(next, 32, "%.*s", (int)(value.len - 2), (const char *)value.ptr + 1);
		if (!bw_slice_is(name, "objects"))
			continue;
		BW_TRY(bw_json_walk_open(value, &list));
		for (;;) {
			BW_TRY(bw_json_walk_next(&list, &name, &value, &more));
			if (!more)
				break;
			++*objects;
		}
	}
}

/* ---- pages ------------------------------------------------------------- */

static uint64_t next_random(struct talking *t)
{
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return t->random >> 24;
}

/*
 * Any depth and filter: a place somewhere in the collection, and one of the kinds of question clients ask. In
 * the small collection without a filter: its objects lie far apart as they are.
 */
static void make_target(struct talking *t, const char *collection, char *out, size_t out_bytes)
{
	static const char *const filters[] = {
		"",
		"",
		"&match[type]=malware",
		"&match[type]=relationship,sighting",
		"&match[version]=all",
		"&match[version]=first",
		"&match[spec_version]=2.1",
		"&match[type]=no-such-type",
	};
	const uint64_t span = (uint64_t)(t->last_us - t->first_us) + 1;
	const int64_t after = t->first_us + (int64_t)(next_random(t) % span);
	char next[BW_NEXT_TEXT];

	bw_taxii_next_format(after, next);
	(void)snprintf(out, out_bytes, "/api/collections/%s/objects/?limit=%d&next=%s%s", collection, PAGE, next,
		       strcmp(collection, BW_BENCH_SMALL) == 0 ? "" : filters[next_random(t) % BW_COUNT(filters)]);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static enum bw_err time_pages(struct talking *t, const char *collection, struct bw_bench_row *p50,
			      struct bw_bench_row *p99)
{
	double took[PAGES_A_RUN];

	for (size_t i = 0; i < PAGES_A_RUN; i++) {
		char target[256];
		double began;

		make_target(t, collection, target, sizeof(target));
		began = bw_bench_now();
		BW_TRY(get(t, target));
		took[i] = (bw_bench_now() - began) * 1e3;
	}
	qsort(took, PAGES_A_RUN, sizeof(*took), by_size);
	bw_bench_add(p50, took[PAGES_A_RUN / 2], 20);
	bw_bench_add(p99, took[PAGES_A_RUN * 99 / 100], 20);
	return BW_OK;
}

static enum bw_err bench_pages(struct talking *t)
{
	struct bw_bench_row p50 = { .name = "page of 1,000, any depth, median",
				    .unit = "ms",
				    .limit_name = "ms wanted (p99)" };
	struct bw_bench_row p99 = { .name = "page of 1,000, any depth, p99", .unit = "ms", .limit_name = "ms wanted" };
	struct bw_bench_row small50 = { .name = "page of 1,000, a collection of 1 %, median",
					.unit = "ms",
					.limit_name = "ms wanted (p99)" };
	struct bw_bench_row small99 = { .name = "page of 1,000, a collection of 1 %, p99",
					.unit = "ms",
					.limit_name = "ms wanted" };

	for (size_t run = 0; run < t->bench->runs; run++) {
		BW_TRY(time_pages(t, BW_BENCH_COLLECTION, &p50, &p99));
		BW_TRY(time_pages(t, BW_BENCH_SMALL, &small50, &small99));
	}
	BW_TRY(bw_bench_print(t->bench, &p50));
	BW_TRY(bw_bench_print(t->bench, &p99));
	BW_TRY(bw_bench_print(t->bench, &small50));
	return bw_bench_print(t->bench, &small99);
}

/* ---- a pull ------------------------------------------------------------ */

static enum bw_err pull_once(struct talking *t, uint64_t most, double *seconds, uint64_t *objects)
{
	const double began = bw_bench_now();
	char next[32] = "";

	*objects = 0;
	do {
		char target[128];
		uint64_t count;

		(void)snprintf(target, sizeof(target),
			       "/api/collections/bench/objects/?match[version]=all&limit=%d%s%s", PAGE,
			       next[0] != 0 ? "&next=" : "", next);
		BW_TRY(get(t, target));
		BW_TRY(read_envelope(t, next, &count));
		*objects += count;
	} while (next[0] != 0 && *objects < most);
	*seconds = bw_bench_now() - began;
	return BW_OK;
}

static enum bw_err bench_pull(struct talking *t)
{
	struct bw_bench_row row = { .name = "one client pulls",
				    .unit = "objects/s",
				    .limit_name = "objects/s wanted (1 M in 20 s)" };
	const size_t runs = t->bench->runs < 3 ? t->bench->runs : 3;

	for (size_t run = 0; run < runs; run++) {
		double seconds;
		uint64_t objects;

		BW_TRY(pull_once(t, 1000000, &seconds, &objects));
		bw_bench_add(&row, (double)objects / seconds, 50000);
	}
	return bw_bench_print(t->bench, &row);
}

/* ---- all --------------------------------------------------------------- */

static enum bw_err find_ends(struct bw_bench *bench, struct talking *t)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(16 * BW_MIB);
	struct bw_query query = { .added_after_us = -1, .limit = 1, .max_bytes = BW_MIB };
	struct bw_collection collection;
	struct bw_desk *desk = NULL;
	struct bw_page page;
	enum bw_err err;

	BW_TRY(bw_desk_open(bw_bench_data(bench), &desk, &bench->why));
	err = bw_store_collection_find(bw_desk_store(desk), BW_LIT(BW_BENCH_COLLECTION), &collection);
	if (err == BW_OK) {
		query.collection = collection.number;
		err = bw_store_page(bw_desk_store(desk), &query, &arena, &page);
	}
	if (err == BW_OK && page.count == 1) {
		t->first_us = page.rows[0].date_added_us;
		t->last_us = collection.last_added_us;
	}
	bw_desk_close(desk);
	return err;
}

static enum bw_err bench_start(struct bw_bench *bench)
{
	struct bw_bench_row row = { .name = "start until ready", .unit = "ms", .limit_name = "ms wanted" };

	for (size_t i = 0; i < STARTS; i++) {
		struct server server = { 0 };
		const enum bw_err err = server_start(bench, &server);

		server_stop(&server);
		BW_TRY(err);
		bw_bench_add(&row, server.start_seconds * 1e3, 2000);
	}
	return bw_bench_print(bench, &row);
}

static enum bw_err bench_running(struct bw_bench *bench, struct talking *t, const struct server *server)
{
	struct bw_bench_row memory = { .name = "memory of all processes", .unit = "MiB", .limit_name = "MiB wanted" };

	BW_TRY(client_open(t, server));
	BW_TRY(bench_pages(t));
	BW_TRY(bench_pull(t));
	bw_bench_add(&memory, all_processes_kib(server->pid) / 1024, 1024);
	return bw_bench_print(bench, &memory);
}

enum bw_err bw_bench_server(struct bw_bench *bench)
{
	struct talking t = { .bench = bench, .random = 20210610 };
	struct server server = { 0 };
	enum bw_err err;

	BW_TRY(make_account(bench, &t.key));
	BW_TRY(find_ends(bench, &t));
	BW_TRY(bench_start(bench));
	err = server_start(bench, &server);
	if (err == BW_OK)
		err = bench_running(bench, &t, &server);
	server_stop(&server);
	client_close(&t);
	return err;
}
