/*
 * The experiment that could prove the design of accords wrong (docs/experiments/accord.md): what a guard that
 * stays connected costs its exchange in memory, how long it takes to tell all of them, and what the fixed
 * steps between an attack here and a refusal there cost: signing a checkpoint twice, checking it twice, syncing it.
 *
 *   cc -O2 accord_push.c -o accord_push $(pkg-config --cflags --libs libssl libcrypto)
 *   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x \
 *           -keyout key.pem -out cert.pem
 *   ./accord_push push SUBSCRIBERS BYTES     cert.pem and key.pem lie here
 *   ./accord_push steps DIR TIMES            DIR: where a file is written and synced
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TIMES_MAX = 10000 };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Of this process alone, in kB. */
static long own_memory(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long kb = -1;

	if (file == NULL)
		fail("smaps_rollup");
	while (kb < 0 && fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "Private_Dirty: %ld", &kb);
	fclose(file);
	return kb;
}

/* ---- push -------------------------------------------------------------- */

static void read_all(SSL *ssl, int bytes)
{
	char room[16384];
	int got = 0;

	while (got < bytes) {
		const int n = SSL_read(ssl, room, bytes - got < 16384 ? bytes - got : 16384);

		if (n <= 0)
			fail("read");
		got += n;
	}
}

static void subscribe(const struct sockaddr_in *to, int count, int bytes, int tell, int hear)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL **all = calloc((size_t)count, sizeof(*all));
	char byte = 0;

	SSL_CTX_set1_groups_list(context, "X25519MLKEM768");
	for (int i = 0; i < count; i++) {
		const int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0)
			fail("connect");
		all[i] = SSL_new(context);
		SSL_set_fd(all[i], fd);
		if (SSL_connect(all[i]) != 1)
			fail("handshake");
	}
	if (write(tell, "c", 1) != 1)
		fail("tell");
	for (int i = 0; i < count; i++)
		read_all(all[i], bytes);
	if (write(tell, "r", 1) != 1 || read(hear, &byte, 1) != 1)
		fail("tell");
	exit(0);
}

static void push(int count, int bytes)
{
	const struct rlimit many = { 20000, 20000 };
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(here);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL **all = calloc((size_t)count, sizeof(*all));
	char *event = calloc(1, (size_t)bytes);
	int from[2], to[2];
	long first = 0, last;
	double began, ended;
	char byte;

	setrlimit(RLIMIT_NOFILE, &many);
	if (bind(listener, (struct sockaddr *)&here, len) != 0 || listen(listener, 1024) != 0 ||
	    getsockname(listener, (struct sockaddr *)&here, &len) != 0 || pipe(from) != 0 || pipe(to) != 0)
		fail("listen");
	if (fork() == 0)
		subscribe(&here, count, bytes, from[1], to[0]);
	if (SSL_CTX_use_certificate_file(context, "cert.pem", SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, "key.pem", SSL_FILETYPE_PEM) != 1)
		fail("cert.pem, key.pem");
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	began = now();
	for (int i = 0; i < count; i++) {
		all[i] = SSL_new(context);
		SSL_set_fd(all[i], accept(listener, NULL, NULL));
		if (SSL_accept(all[i]) != 1)
			fail("handshake");
		if (i == 0)
			first = own_memory();
	}
	if (read(from[0], &byte, 1) != 1)
		fail("hear");
	last = own_memory();
	printf("%d subscribers, %s: %.0f handshakes/s with both ends on this machine, %.1f kB each\n", count,
	       SSL_get0_group_name(all[0]), count / (now() - began), (double)(last - first) / (count - 1));
	began = now();
	for (int i = 0; i < count; i++) {
		if (SSL_write(all[i], event, bytes) != bytes)
			fail("write");
	}
	ended = now();
	if (read(from[0], &byte, 1) != 1)
		fail("hear");
	printf("an event of %d bytes: written to all in %.0f ms, read by all in %.0f ms; then %.1f kB each\n", bytes,
	       (ended - began) * 1e3, (now() - began) * 1e3, (double)(own_memory() - first) / (count - 1));
	if (write(to[1], "x", 1) != 1)
		fail("tell");
	wait(NULL);
}

/* ---- steps ------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void show(const char *what, double *took, int times)
{
	qsort(took, (size_t)times, sizeof(*took), by_value);
	printf("%-28s median %7.3f ms, p99 %7.3f ms\n", what, took[times / 2] * 1e3, took[times * 99 / 100] * 1e3);
}

static void sign_and_check(const char *name, int times)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, name);
	unsigned char text[200] = { 1 }, signature[5000];
	static double signing[TIMES_MAX], checking[TIMES_MAX];
	char what[64];

	if (key == NULL)
		fail(name);
	for (int i = 0; i < times; i++) {
		EVP_MD_CTX *context = EVP_MD_CTX_new();
		size_t len = sizeof(signature);
		double began = now();

		text[0] = (unsigned char)i;
		if (EVP_DigestSignInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
		    EVP_DigestSign(context, signature, &len, text, sizeof(text)) != 1)
			fail("sign");
		signing[i] = now() - began;
		EVP_MD_CTX_free(context);
		context = EVP_MD_CTX_new();
		began = now();
		if (EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key, NULL) != 1 ||
		    EVP_DigestVerify(context, signature, len, text, sizeof(text)) != 1)
			fail("check");
		checking[i] = now() - began;
		EVP_MD_CTX_free(context);
	}
	snprintf(what, sizeof(what), "%s signs", name);
	show(what, signing, times);
	snprintf(what, sizeof(what), "%s checks", name);
	show(what, checking, times);
	EVP_PKEY_free(key);
}

static void steps(const char *dir, int times)
{
	static double took[TIMES_MAX];
	char path[4096], block[4096] = { 1 };
	int fd;

	sign_and_check("ED25519", times);
	sign_and_check("ML-DSA-44", times);
	sign_and_check("ML-DSA-65", times);
	snprintf(path, sizeof(path), "%s/synced", dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	if (fd < 0)
		fail(path);
	for (int i = 0; i < times; i++) {
		const double began = now();

		if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) || fdatasync(fd) != 0)
			fail(path);
		took[i] = now() - began;
	}
	show("append 4 KiB and sync", took, times);
	unlink(path);
}

int main(int count, char **words)
{
	if (count == 4 && strcmp(words[1], "push") == 0)
		push(atoi(words[2]), atoi(words[3]));
	else if (count == 4 && strcmp(words[1], "steps") == 0 && atoi(words[3]) > 0 && atoi(words[3]) <= TIMES_MAX)
		steps(words[2], atoi(words[3]));
	else
		return fprintf(stderr, "see the head of accord_push.c\n"), 2;
	return 0;
}
