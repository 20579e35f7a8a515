/*
 * Guards that stay connected to an exchange: a real server, so many subscribers over TLS, an object imported. How long
 * until the last has read it, and what each costs the server in memory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accord/bench.h"
#include "bench/generate.h"
#include "crypto/cert.h"
#include "crypto/password.h"
#include "crypto/tls.h"
#include "desk/desk.h"
#include "desk/folder.h"
#include "intel/batch.h"
#include "net/client.h"
#include "sys/memfile.h"

enum {
	READY_LINE_MAX = 512,
	PATIENCE_MS = 60000,
	REST_SECONDS = 3, /* until the server has given back what a connection needs only while it works */
	EVENT_BYTES = 16 * 1024,
	BATCH_MAX = 1 << 20,
	PUSHES_A_RUN = 5,
	SPARE_FILES = 200,
	SEED = 23,
};

struct guard {
	int fd; /* 0: none */
	struct bw_tls *tls;
	uint64_t heard;
	uint8_t matched; /* of what is looked for */
	bool is_answered;
};

struct exchange {
	struct bw_accord_bench *bench;
	char data[BW_PATH_BYTES];
	uint16_t port;
	pid_t pid;
	struct bw_secret key;
	struct bw_tls_context *tls;
	struct bw_desk *desk;
	struct guard *guards;
	struct pollfd *polls;
	size_t count;
	uint64_t made; /* objects so far */
};

/* ---- the server: as its operator would, with its commands ---------------------------------------------- */

static enum bw_err make_data(struct exchange *x)
{
	int status = -1;
	pid_t pid;

	BW_TRY(bw_path_join(x->data, x->bench->folder, "exchange"));
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) != NULL)
			(void)execl("/proc/self/exe", "breakwater", "init", x->data, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return bw_why_set(&x->bench->why, BW_ERR_SYSTEM, "`breakwater init %s` failed", x->data);
	return BW_OK;
}

static enum bw_err make_account(struct exchange *x)
{
	const struct bw_slice name = BW_LIT("bench");
	struct bw_why *why = &x->bench->why;
	uint8_t one[8];
	uint8_t hash[BW_SHA256_BYTES];
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_api_key_make(&x->key));
	BW_TRY(bw_api_key_hash(bw_secret_slice(&x->key), hash));
	BW_TRY(bw_desk_open(x->data, &desk, why));
	err = bw_desk_do(desk, BW_OFFICE_COLLECTION_ADD,
			 (const struct bw_slice[]){ name, bw_slice_empty, name, bw_slice_empty }, 4, -1, NULL, why);
	if (err == BW_OK)
		err = bw_desk_do(desk, BW_OFFICE_ACCOUNT_ADD,
				 (const struct bw_slice[]){ name, bw_slice_empty, bw_desk_num(1, one) }, 3, -1, NULL,
				 why);
	if (err == BW_OK)
		err = bw_desk_do(desk, BW_OFFICE_ACCOUNT_KEY,
				 (const struct bw_slice[]){ name, bw_slice_of(hash, sizeof(hash)), name }, 3, -1, NULL,
				 why);
	bw_desk_close(desk);
	return err;
}

static enum bw_err read_ready_line(int fd, struct exchange *x)
{
	char line[READY_LINE_MAX];
	size_t len = 0;
	const char *colon;

	while (len + 1 < sizeof(line)) {
		BW_NEED(read(fd, line + len, 1) == 1, CLOSED);
		if (line[len++] == '\n')
			break;
	}
	line[len - 1] = '\0';
	colon = strstr(line, "https://127.0.0.1:");
	BW_NEED(colon != NULL, PROTOCOL);
	x->port = (uint16_t)strtoul(colon + strlen("https://127.0.0.1:"), NULL, 10);
	return BW_OK;
}

static enum bw_err start_server(struct exchange *x)
{
	int ends[2];
	enum bw_err err;

	BW_NEED(pipe2(ends, O_CLOEXEC) == 0, SYSTEM);
	(void)fflush(NULL);
	x->pid = fork();
	if (x->pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)execl("/proc/self/exe", "breakwater", "--data", x->data, "serve", "--listen", "127.0.0.1:0",
			    "--quiet", (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	err = x->pid > 0 ? read_ready_line(ends[0], x) : BW_ERR_SYSTEM;
	(void)close(ends[0]);
	return err == BW_OK ? BW_OK : bw_why_set(&x->bench->why, err, "the server did not start");
}

/* ---- its memory ------------------------------------------------------------------------------------------- */

/* In kB; shared pages count once over all who share them. */
static double process_kb(long pid)
{
	char path[64];
	char line[256];
	double kib = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtod(line + 4, NULL);
	(void)fclose(file);
	return kib * 1.024;
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
	text[got] = '\0';
	close_paren = strrchr(text, ')'); /* the name may hold anything */
	return close_paren != NULL && strlen(close_paren) > 4 && strtol(close_paren + 4, NULL, 10) == parent;
}

static double server_kb(const struct exchange *x)
{
	double kb = process_kb(x->pid);
	const struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (proc == NULL)
		return kb;
	while ((entry = readdir(proc)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && is_child_of(entry->d_name, x->pid))
			kb += process_kb(strtol(entry->d_name, NULL, 10));
	(void)closedir(proc);
	return kb;
}

/* ---- the guards --------------------------------------------------------------------------------------------- */

static enum bw_err trust_server(struct exchange *x)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pem = BW_BUF_INIT(BW_CERT_PEM_MAX);
	struct bw_tls_client_options options = { .hybrid_only = true };
	struct bw_cert_facts facts;
	struct bw_place place;

	BW_TRY(bw_folder_place(x->data, BW_FOLDER_CERT, &place));
	BW_TRY(bw_file_read(place.path, &pem, &x->bench->why));
	BW_TRY(bw_cert_read(bw_buf_slice(&pem), &facts));
	options.pin = facts.fingerprint;
	return bw_tls_client_new(&options, &x->tls, &x->bench->why);
}

/* Each from an address of its own (127.1.0.1 and up), as guards are: the server counts connections by address. */
static enum bw_err dial(const struct exchange *x, size_t number, int *out)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f010001U + (uint32_t)number) };
	const struct sockaddr_in to = { .sin_family = AF_INET,
					.sin_port = htons(x->port),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	BW_NEED(fd >= 0, SYSTEM);
	*out = fd;
	BW_NEED(bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0, SYSTEM);
	BW_NEED(connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0, SYSTEM);
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? BW_OK : BW_ERR_SYSTEM;
}

static enum bw_err connect_one(struct exchange *x, size_t number, struct bw_slice question)
{
	struct guard *guard = &x->guards[number];
	size_t len = 0;

	BW_TRY(dial(x, number, &guard->fd));
	BW_TRY(bw_tls_connect(x->tls, guard->fd, "localhost", &guard->tls));
	if (!bw_accord_bench_shake(guard->tls, guard->fd))
		return bw_why_set(&x->bench->why, BW_ERR_CRYPTO, "guard %zu: no TLS: %s", number,
				  bw_tls_why(guard->tls));
	BW_NEED(bw_tls_write(guard->tls, question, &len) == BW_TLS_DONE && len == question.len, CLOSED);
	x->polls[number] = (struct pollfd){ .fd = guard->fd, .events = POLLIN };
	return BW_OK;
}

static enum bw_err connect_all(struct exchange *x)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf question = BW_BUF_INIT(4096);

	BW_TRY(bw_buf_reserve(&question, 2048));
	BW_TRY(bw_buf_add_text(&question, "GET /api/collections/bench/events/ HTTP/1.1\r\nHost: localhost\r\n"
					  "Accept: text/event-stream\r\n"));
	BW_TRY(bw_http_bearer(bw_secret_slice(&x->key), &question));
	BW_TRY(bw_buf_add_text(&question, "\r\n"));
	for (size_t i = 0; i < x->count; i++)
		BW_TRY(connect_one(x, i, bw_buf_slice(&question)));
	return BW_OK;
}

/* Counts a mark in what comes, which may be cut anywhere. */
static bool meets(const char *mark, uint8_t *matched, uint8_t byte)
{
	*matched = byte == (uint8_t)mark[*matched] ? (uint8_t)(*matched + 1) : byte == (uint8_t)mark[0];
	if (mark[*matched] != '\0')
		return false;
	*matched = 0;
	return true;
}

static enum bw_err read_one(struct exchange *x, struct guard *guard)
{
	static uint8_t bytes[EVENT_BYTES];
	enum bw_tls_step step;
	size_t len = 0;

	while ((step = bw_tls_read(guard->tls, bytes, sizeof(bytes), &len)) == BW_TLS_DONE)
		for (size_t i = 0; i < len; i++) {
			if (!guard->is_answered)
				guard->is_answered = meets("HTTP/1.1 200", &guard->matched, bytes[i]);
			else if (meets("event: objects\n", &guard->matched, bytes[i]))
				guard->heard++;
		}
	return step == BW_TLS_WANT_READ ? BW_OK : bw_why_set(&x->bench->why, BW_ERR_CLOSED, "a guard was sent away");
}

/* Until each has been answered, and has heard so many events. */
static enum bw_err read_until(struct exchange *x, uint64_t heard)
{
	const double deadline = bw_accord_bench_now() + PATIENCE_MS / 1e3;
	size_t ready;

	do {
		if (poll(x->polls, (nfds_t)x->count, 1000) < 0 || bw_accord_bench_now() > deadline)
			return bw_why_set(&x->bench->why, BW_ERR_TIMEOUT, "not every guard has heard what was told");
		ready = 0;
		for (size_t i = 0; i < x->count; i++) {
			if (x->polls[i].revents != 0)
				BW_TRY(read_one(x, &x->guards[i]));
			ready += x->guards[i].is_answered && x->guards[i].heard >= heard;
		}
	} while (ready < x->count);
	return BW_OK;
}

/* ---- an object ------------------------------------------------------------------------------------------------ */

static enum bw_err import_one(struct exchange *x)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(BATCH_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile memory = BW_MEMFILE_NONE;
	struct bw_generated made;
	uint8_t total[8];

	BW_TRY(bw_generate(SEED, x->made++, &made));
	BW_TRY(bw_batch_begin(&batch));
	BW_TRY(bw_batch_add(&batch, &made.record));
	BW_TRY(bw_memfile_of("bench", bw_buf_slice(&batch), &memory));
	return bw_desk_do(x->desk, BW_OFFICE_IMPORT,
			  (const struct bw_slice[]){ BW_LIT("bench"), bw_desk_num(1, total), bw_slice_empty }, 3,
			  memory.fd, NULL, &x->bench->why);
}

/* From asking for the import to the last guard's reading it. */
static enum bw_err push(struct exchange *x, double *seconds)
{
	const double began = bw_accord_bench_now();

	BW_TRY(import_one(x));
	BW_TRY(read_until(x, x->made));
	*seconds = bw_accord_bench_now() - began;
	return BW_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static enum bw_err measure(struct exchange *x)
{
	struct bw_bench_row pushing = {
		.name = "accord: guards connected over TLS: an object imported, and read by all",
		.unit = "ms",
		.limit_name = "ms wanted",
		.less_is_better = true
	};
	struct bw_bench_row memory = { .name = "accord: memory of the exchange for each of them",
				       .unit = "kB",
				       .limit_name = "kB wanted",
				       .less_is_better = true };
	double before;
	double seconds;

	BW_TRY(trust_server(x));
	BW_TRY(bw_desk_open(x->data, &x->desk, &x->bench->why));
	before = server_kb(x);
	BW_TRY(connect_all(x));
	BW_TRY(read_until(x, 0));
	for (size_t run = 0; run < x->bench->runs; run++) {
		for (size_t i = 0; i < PUSHES_A_RUN; i++) {
			BW_TRY(push(x, &seconds));
			bw_bench_add(&pushing, seconds * 1e3, 1000);
		}
		(void)sleep(REST_SECONDS);
		bw_bench_add(&memory, (server_kb(x) - before) / (double)x->count, 48);
	}
	BW_TRY(bw_accord_bench_print(x->bench, &pushing));
	return bw_accord_bench_print(x->bench, &memory);
}

static enum bw_err open_many_files(size_t count)
{
	struct rlimit limit;

	BW_NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0, SYSTEM);
	if (limit.rlim_cur >= count)
		return BW_OK;
	limit.rlim_cur = count;
	limit.rlim_max = limit.rlim_max < count ? count : limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? BW_OK : BW_ERR_RANGE;
}

static void release(struct exchange *x)
{
	for (size_t i = 0; x->guards != NULL && i < x->count; i++) {
		bw_tls_free(x->guards[i].tls);
		if (x->guards[i].fd > 0)
			(void)close(x->guards[i].fd);
	}
	bw_desk_close(x->desk);
	if (x->pid > 0) {
		(void)kill(x->pid, SIGTERM);
		(void)waitpid(x->pid, NULL, 0);
	}
	bw_tls_context_free(x->tls);
	bw_secret_wipe(&x->key);
	free(x->guards);
	free(x->polls);
}

enum bw_err bw_accord_bench_guards(struct bw_accord_bench *bench)
{
	struct exchange x = { .bench = bench, .count = (size_t)bw_call_num(bench->call, "guards") };
	enum bw_err err = open_many_files(x.count + SPARE_FILES);

	if (err != BW_OK)
		return bw_why_set(&bench->why, err, "%zu files cannot be open at once: ulimit -n",
				  x.count + SPARE_FILES);
	x.guards = calloc(x.count, sizeof(*x.guards));
	x.polls = calloc(x.count, sizeof(*x.polls));
	err = x.guards != NULL && x.polls != NULL ? make_data(&x) : BW_ERR_MEMORY;
	if (err == BW_OK)
		err = make_account(&x);
	if (err == BW_OK)
		err = start_server(&x);
	if (err == BW_OK)
		err = measure(&x);
	release(&x);
	return err;
}
