#include "accord/place.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "crypto/cert.h"
#include "desk/folder.h"
#include "sys/clock.h"

#define MAGIC "BWPEER1\n"
#define ENDING ".peer"

enum { FILE_BYTES_MAX = BW_MEET_MESSAGE_MAX + 1024, NAME_LEAST = 8 };

static enum bw_err make_folder(const char *data, const char *name, struct bw_why *why)
{
	struct bw_place place;
	enum bw_err err;

	BW_TRY(bw_folder_place(data, name, &place));
	err = bw_folder_make(place.path, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

enum bw_err bw_accord_place(const char *data, struct bw_why *why)
{
	BW_TRY(bw_folder_check(data, why));
	BW_TRY(make_folder(data, "accord", why));
	BW_TRY(make_folder(data, "accord/tls", why));
	return make_folder(data, "accord/peers", why);
}

/* ---- certificate ----------------------------------------------------------- */

static enum bw_err make_certificate(const char *const *names, size_t count, const char *cert_path, const char *key_path,
				    struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };

	BW_TRY(bw_cert_make(names, count, &cert, &key, why));
	BW_TRY(bw_file_write(key_path, bw_secret_slice(&key), 0600, why)); /* first: with it both are whole */
	return bw_file_write(cert_path, bw_buf_slice(&cert), 0644, why);
}

static enum bw_err read_key(const char *path, struct bw_secret *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf pem = BW_BUF_INIT(BW_SECRET_MAX);

	BW_TRY(bw_buf_reserve(&pem, BW_SECRET_MAX - 1)); /* growing would leave copies behind */
	BW_TRY(bw_file_read(path, &pem, why));
	return bw_secret_set(out, bw_buf_slice(&pem));
}

enum bw_err bw_accord_certificate(const char *data, const char *const *names, size_t name_count,
				  struct bw_buf *out_cert_pem, struct bw_secret *out_key_pem,
				  uint8_t out_fingerprint[BW_SHA256_BYTES], struct bw_why *why)
{
	struct bw_cert_facts facts;
	struct bw_place cert;
	struct bw_place key;

	BW_TRY(bw_folder_place(data, "accord/tls/cert.pem", &cert));
	BW_TRY(bw_folder_place(data, "accord/tls/key.pem", &key));
	if (!bw_file_exists(cert.path))
		BW_TRY(make_certificate(names, name_count, cert.path, key.path, why));
	BW_TRY(bw_file_read(cert.path, out_cert_pem, why));
	BW_TRY(read_key(key.path, out_key_pem, why));
	if (bw_cert_read(bw_buf_slice(out_cert_pem), &facts) != BW_OK)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' holds no certificate", cert.path);
	memcpy(out_fingerprint, facts.fingerprint, BW_SHA256_BYTES);
	return BW_OK;
}

/* ---- one peer ---------------------------------------------------------------- */

static enum bw_err name_of(const struct bw_node_public *node, char out[BW_NODE_NAME_CHARS + 1])
{
	uint8_t fingerprint[BW_SHA256_BYTES];

	BW_TRY(bw_node_fingerprint(node, fingerprint));
	bw_node_name(fingerprint, out);
	return BW_OK;
}

static enum bw_err place_of(const char *data, const char *name, struct bw_place *out)
{
	char file[BW_NODE_NAME_CHARS + 32];

	(void)snprintf(file, sizeof(file), "accord/peers/%s" ENDING, name);
	return bw_folder_place(data, file, out);
}

static enum bw_err write_peer(const struct bw_peer *peer, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf card = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);

	BW_TRY(bw_meet_card_add(&card, &peer->card));
	BW_TRY(bw_buf_add_text(out, MAGIC));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)peer->met_us));
	BW_TRY(bw_buf_add_block(out, bw_buf_slice(&card)));
	return bw_buf_add_block(out, peer->label);
}

/* Borrows from `bytes`. */
static enum bw_err read_peer(struct bw_slice bytes, struct bw_peer *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_slice magic;
	struct bw_slice card;
	uint64_t met;

	BW_TRY(bw_take(&c, sizeof(MAGIC) - 1, &magic));
	BW_NEED(bw_slice_is(magic, MAGIC), SYNTAX);
	BW_TRY(bw_take_be64(&c, &met));
	BW_TRY(bw_take_block(&c, BW_MEET_MESSAGE_MAX, &card));
	BW_TRY(bw_meet_card_take(card, &out->card));
	BW_TRY(bw_take_block(&c, BW_MEET_LABEL_MAX, &out->label));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	out->met_us = (int64_t)met;
	return name_of(&out->card.node, out->name);
}

enum bw_err bw_peer_add(const char *data, struct bw_peer *peer, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(FILE_BYTES_MAX);
	struct bw_place place;
	enum bw_err err;

	BW_TRY(name_of(&peer->card.node, peer->name));
	peer->met_us = bw_clock_now_us();
	BW_TRY(write_peer(peer, &bytes));
	BW_TRY(place_of(data, peer->name, &place));
	err = bw_file_create(place.path, bw_buf_slice(&bytes), 0600, why);
	if (err == BW_ERR_EXISTS)
		return bw_why_set(why, err, "%s is a peer already; to meet it anew: breakwater peer remove %.11s",
				  peer->name, peer->name);
	return err;
}

enum bw_err bw_peer_remove(const char *data, const struct bw_peer *peer, struct bw_why *why)
{
	struct bw_place folder;
	struct bw_place place;

	BW_TRY(place_of(data, peer->name, &place));
	if (unlink(place.path) != 0)
		return bw_why_errno(why, errno, "remove", place.path);
	BW_TRY(bw_folder_place(data, "accord/peers", &folder));
	return bw_folder_sync(folder.path, why);
}

/* ---- all of them --------------------------------------------------------------- */

static bool is_peer_file(const char *name)
{
	const size_t len = strlen(name);

	return len == BW_NODE_NAME_CHARS + sizeof(ENDING) - 1 && strcmp(name + BW_NODE_NAME_CHARS, ENDING) == 0;
}

static enum bw_err load(const char *folder, const char *file, struct bw_arena *arena, struct bw_peer *out,
			struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(FILE_BYTES_MAX);
	char path[BW_PATH_BYTES];
	struct bw_slice kept;
	enum bw_err err;

	BW_TRY(bw_path_join(path, folder, file));
	BW_TRY(bw_file_read(path, &bytes, why));
	BW_TRY(bw_arena_copy(arena, bw_buf_slice(&bytes), &kept));
	err = read_peer(kept, out);
	/* a file under another's name would be found by that */
	if (err == BW_OK && strncmp(out->name, file, BW_NODE_NAME_CHARS) == 0)
		return BW_OK;
	return bw_why_set(why, BW_ERR_SYNTAX, "'%s' is damaged; meet that peer again", path);
}

static enum bw_err load_all(DIR *dir, const char *folder, struct bw_arena *arena, struct bw_peer *peers, size_t *count,
			    struct bw_why *why)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (!is_peer_file(entry->d_name))
			continue;
		if (*count == BW_PEERS_MAX)
			return bw_why_set(why, BW_ERR_TOO_MANY, "more than %d peers in '%s'", BW_PEERS_MAX, folder);
		BW_TRY(load(folder, entry->d_name, arena, &peers[*count], why));
		(*count)++;
	}
	return BW_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct bw_peer *)a)->name, ((const struct bw_peer *)b)->name);
}

enum bw_err bw_peers(const char *data, struct bw_arena *arena, struct bw_peer **out, size_t *out_count,
		     struct bw_why *why)
{
	struct bw_peer *peers = bw_arena_zero(arena, BW_PEERS_MAX, sizeof(*peers));
	struct bw_place folder;
	size_t count = 0;
	enum bw_err err;
	DIR *dir;

	BW_NEED(peers != NULL, MEMORY);
	BW_TRY(bw_folder_place(data, "accord/peers", &folder));
	*out = peers;
	*out_count = 0;
	dir = opendir(folder.path);
	if (dir == NULL)
		return errno == ENOENT ? BW_OK : bw_why_errno(why, errno, "read", folder.path);
	err = load_all(dir, folder.path, arena, peers, &count, why);
	(void)closedir(dir);
	BW_TRY(err);
	qsort(peers, count, sizeof(*peers), by_name);
	*out_count = count;
	return BW_OK;
}

static bool is_meant(const struct bw_peer *peer, const char *word)
{
	const size_t len = strlen(word);

	return bw_slice_is(peer->label, word) || (len >= NAME_LEAST && strncmp(peer->name, word, len) == 0);
}

enum bw_err bw_peer_find(const char *data, const char *word, struct bw_arena *arena, struct bw_peer *out,
			 struct bw_why *why)
{
	struct bw_peer *peers;
	size_t count;
	size_t found = 0;

	BW_TRY(bw_peers(data, arena, &peers, &count, why));
	for (size_t i = 0; i < count; i++) {
		if (!is_meant(&peers[i], word))
			continue;
		*out = peers[i];
		found++;
	}
	if (found == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "no peer is called '%s'; those there are: breakwater peer list", word);
	if (found > 1)
		return bw_why_set(why, BW_ERR_CONFLICT,
				  "several peers are called '%s'; use the name that begins with bw1", word);
	return BW_OK;
}
