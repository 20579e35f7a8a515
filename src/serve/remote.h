/*
 * One TAXII 2.1 server as a client sees it: the connection, who we say we are,
 * what it publishes and how it refuses. Blocking; for commands.
 *
 * Credentials go to the origin of the URL the user named and nowhere else: an
 * API root that a discovery resource puts on another host is named, not followed.
 */
#ifndef BW_SERVE_REMOTE_H
#define BW_SERVE_REMOTE_H

#include "base/arena.h"
#include "base/command.h"
#include "base/secret.h"
#include "net/client.h"
#include "serve/remote_read.h"

struct bw_remote;

enum {
	BW_REMOTE_COLLECTIONS_MAX = 10000,
	BW_REMOTE_ROOTS_MAX = 256,
	BW_REMOTE_TRIES = 5, /* when the server says 429 or 503 */
	BW_REMOTE_WAIT_MAX_S = 120,
};

/* A page of 1,000 large reports has some 20 MB; a server that sends more is asked for less. */
#define BW_REMOTE_PAGE_MAX (256 * BW_MIB)

/* The rows every command that talks to another server shares; ends without the NULL row. */
#define BW_REMOTE_OPTIONS                                                                                      \
	{ .name = "user", .kind = BW_OPT_TEXT, .value_name = "NAME", .help = "account at the other server" },  \
		{ .name = "password-stdin",                                                                    \
		  .kind = BW_OPT_FLAG,                                                                         \
		  .help = "read its password from standard input (asked for on a terminal)" },                 \
		{ .name = "api-key-file",                                                                      \
		  .kind = BW_OPT_TEXT,                                                                         \
		  .value_name = "FILE",                                                                        \
		  .help = "send the key in FILE as a bearer token instead" },                                  \
		{ .name = "cacert",                                                                            \
		  .kind = BW_OPT_TEXT,                                                                         \
		  .value_name = "FILE",                                                                        \
		  .help = "trust the certificates in FILE (PEM) instead of the system's" },                    \
		{ .name = "pin",                                                                               \
		  .kind = BW_OPT_TEXT,                                                                         \
		  .value_name = "SHA256",                                                                      \
		  .help = "trust the certificate with this fingerprint only, whoever issued it" },             \
		{ .name = "cert",                                                                              \
		  .kind = BW_OPT_TEXT,                                                                         \
		  .value_name = "FILE",                                                                        \
		  .help = "client certificate (PEM), with --key" },                                            \
		{ .name = "key", .kind = BW_OPT_TEXT, .value_name = "FILE", .help = "its private key (PEM)" }, \
		{ .name = "dns",                                                                               \
		  .kind = BW_OPT_TEXT,                                                                         \
		  .value_name = "ADDRESS:PORT",                                                                \
		  .help = "DNS server to ask where a domain's TAXII server is, instead of the system's" },     \
	{                                                                                                      \
		.name = "timeout", .kind = BW_OPT_TIME, .min = 1000, .max = 3600000, .fallback = "60s",        \
		.help = "longest silence of the other server"                                                  \
	}

/*
 * Reads the options above, prepares the connection (nothing is sent yet) and
 * gives in `*start` where to begin: the URL, or what the DNS says of a bare domain (net/srv.h).
 * `why` names what is wrong: USAGE (options or URL), and what reading files, the DNS and TLS say.
 */
BW_MUST_USE enum bw_err bw_remote_open(const struct bw_call *call, const char *url, struct bw_remote **out,
				       struct bw_url *start, struct bw_why *why);
void bw_remote_close(struct bw_remote *remote);

struct bw_remote_answer {
	unsigned status;
	struct bw_slice body; /* until the next request */
	int64_t first_us;     /* X-TAXII-Date-Added-First; -1: none */
	int64_t last_us;
	int64_t now_us; /* Date */
};

/*
 * Waits and tries again while the server says 429 or 503 with Retry-After, at
 * most BW_REMOTE_TRIES times. Any status is BW_OK.
 */
BW_MUST_USE enum bw_err bw_remote_get(struct bw_remote *remote, const char *target, struct bw_remote_answer *out,
				      struct bw_why *why);

/* The same for a request that may not be sent twice: a lost answer is CLOSED. */
BW_MUST_USE enum bw_err bw_remote_get_once(struct bw_remote *remote, const char *target, struct bw_remote_answer *out,
					   struct bw_why *why);
BW_MUST_USE enum bw_err bw_remote_post(struct bw_remote *remote, const char *target, struct bw_slice envelope,
				       struct bw_remote_answer *out, struct bw_why *why);

/* "'host' answers /x/ with 403 Forbidden: ...", for a status not hoped for; returns the closest row. */
enum bw_err bw_remote_refused(const struct bw_remote *remote, const char *target, const struct bw_remote_answer *answer,
			      struct bw_why *why);

/* For commands: complains with `why` and, where there is one, the next step; the exit status. */
int bw_remote_complain(const struct bw_call *call, enum bw_err err, const struct bw_why *why);

/* A collection found, with where it is. */
struct bw_remote_place {
	struct bw_remote_collection collection;
	char *target;               /* ".../collections/{id}/", in the arena */
	char *root;                 /* ".../", in the arena */
	int64_t max_content_length; /* of the API root; -1: not told */
};

struct bw_remote_places {
	struct bw_remote_place *list; /* in the arena */
	size_t count;
	size_t foreign_roots; /* API roots on other hosts, left out */
	char foreign_example[256];
};

/*
 * All collections below `start`, which may name a discovery resource ("/" means
 * /taxii2/), an API root, its collections or one collection.
 */
BW_MUST_USE enum bw_err bw_remote_find(struct bw_remote *remote, const struct bw_url *start, struct bw_arena *arena,
				       struct bw_remote_places *out, struct bw_why *why);

/* True when `name` is its id, alias or title. */
bool bw_remote_is_called(const struct bw_remote_collection *collection, const char *name);

#endif
