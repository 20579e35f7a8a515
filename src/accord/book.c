#include "accord/book.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/envelope.h"
#include "base/text.h"
#include "desk/folder.h"
#include "desk/node.h"
#include "sys/clock.h"

#define FOLDER "accord/accords"

static const char *const state_names[BW_ACCORD_STATES] = {
	[BW_ACCORD_PROPOSED] = "proposed",   [BW_ACCORD_NOT_YET] = "not-yet", [BW_ACCORD_IN_FORCE] = "in-force",
	[BW_ACCORD_SUSPENDED] = "suspended", [BW_ACCORD_OVER] = "over",       [BW_ACCORD_ENDED] = "ended",
};

const char *bw_accord_state_name(enum bw_accord_state state)
{
	return state < BW_ACCORD_STATES ? state_names[state] : "";
}

/* ---- places ------------------------------------------------------------------ */

/* An id is a file name: that is why it has no other characters. */
static bool is_id(struct bw_slice id)
{
	if (id.len == 0 || id.len > BW_ACCORD_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		const uint8_t c = id.ptr[i];

		if (!((c >= 'a' && c <= 'z') || bw_is_digit(c) || c == '-'))
			return false;
	}
	return true;
}

static enum bw_err place_of(const struct bw_book *book, struct bw_slice id, const char *file, struct bw_place *out)
{
	char name[BW_ACCORD_ID_MAX + 64];

	(void)snprintf(name, sizeof(name), FOLDER "/%.*s%s%s", BW_ARG(id), file[0] == '\0' ? "" : "/", file);
	return bw_folder_place(book->data, name, out);
}

static enum bw_err place_of_version(const struct bw_book *book, struct bw_slice id, uint64_t number,
				    struct bw_place *out)
{
	char file[32];

	(void)snprintf(file, sizeof(file), "%" PRIu64 ".json", number);
	return place_of(book, id, file, out);
}

static enum bw_err make_folders(const struct bw_book *book, struct bw_slice id, struct bw_why *why)
{
	struct bw_place place;
	enum bw_err err;

	BW_TRY(bw_accord_place(book->data, why));
	BW_TRY(bw_folder_place(book->data, FOLDER, &place));
	err = bw_folder_make(place.path, why);
	BW_NEED(err == BW_OK || err == BW_ERR_EXISTS, SYSTEM);
	BW_TRY(place_of(book, id, "", &place));
	err = bw_folder_make(place.path, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

/* ---- who may have signed ------------------------------------------------------- */

static const struct bw_node_public *keys_of(const struct bw_book *book, const uint8_t node[BW_SHA256_BYTES])
{
	if (memcmp(node, book->self_name, BW_SHA256_BYTES) == 0)
		return &book->self;
	for (size_t i = 0; i < book->peer_count; i++) {
		uint8_t name[BW_SHA256_BYTES] = { 0 };

		if (bw_node_fingerprint(&book->peers[i].card.node, name) == BW_OK &&
		    memcmp(name, node, sizeof(name)) == 0)
			return &book->peers[i].card.node;
	}
	return NULL;
}

static bool has_signed(const struct bw_book *book, const struct bw_dsse *envelope, const char *type,
		       const struct bw_party *party)
{
	const struct bw_node_public *keys = keys_of(book, party->node);

	return keys != NULL && bw_envelope_check(envelope, type, keys) == BW_OK;
}

enum bw_err bw_book_open(const char *data, struct bw_arena *arena, struct bw_book *out, struct bw_why *why)
{
	BW_TRY(bw_folder_check(data, why));
	*out = (struct bw_book){ .data = data, .arena = arena, .now_us = bw_clock_now_us() };
	BW_TRY(bw_node_read_public(data, &out->self, why));
	BW_TRY(bw_node_fingerprint(&out->self, out->self_name));
	return bw_peers(data, arena, &out->peers, &out->peer_count, why);
}

/* ---- reading ------------------------------------------------------------------- */

/* The file's text in the arena; NOT_FOUND without words. */
static enum bw_err read_file(const struct bw_book *book, const char *path, struct bw_slice *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_BOOK_FILE_MAX);

	if (!bw_file_exists(path))
		return BW_ERR_NOT_FOUND;
	BW_TRY(bw_file_read(path, &text, why));
	return bw_arena_copy(book->arena, bw_buf_slice(&text), out);
}

static enum bw_err read_version(const struct bw_book *book, struct bw_slice text, struct bw_book_version *out)
{
	struct bw_dsse envelope;

	BW_TRY(bw_dsse_parse(text, book->arena, &envelope));
	BW_NEED(bw_slice_is(envelope.type, BW_ACCORD_MEDIA_TYPE), TYPE);
	out->text = envelope.payload;
	BW_TRY(bw_accord_parse(out->text, book->arena, &out->accord, NULL));
	BW_TRY(bw_accord_hash(out->text, out->hash));
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		out->signed_by[i] = has_signed(book, &envelope, BW_ACCORD_MEDIA_TYPE, &out->accord.party[i]);
	return BW_OK;
}

static bool is_agreed(const struct bw_book_version *version)
{
	return version->signed_by[0] && version->signed_by[1];
}

static enum bw_err damaged(const char *path, enum bw_err err, struct bw_why *why)
{
	return bw_why_set(why, err == BW_ERR_MEMORY ? err : BW_ERR_SYNTAX, "'%s' is damaged: %s", path,
			  bw_err_text(err));
}

/* Versions from 1 on, each following the one before; the last may wait for a signature, the others may not. */
static enum bw_err read_versions(const struct bw_book *book, struct bw_slice id, struct bw_book_entry *out,
				 struct bw_why *why)
{
	for (uint64_t number = 1; number <= BW_BOOK_VERSIONS_MAX; number++) {
		struct bw_book_version *version = bw_arena_zero(book->arena, 1, sizeof(*version));
		struct bw_place place;
		struct bw_slice text;
		enum bw_err err;

		BW_NEED(version != NULL, MEMORY);
		BW_TRY(place_of_version(book, id, number, &place));
		err = read_file(book, place.path, &text, why);
		if (err == BW_ERR_NOT_FOUND)
			return BW_OK;
		BW_TRY(err);
		err = read_version(book, text, version);
		if (err == BW_OK && (!bw_slice_equals(version->accord.id, id) || version->accord.sequence != number))
			err = BW_ERR_CONFLICT;
		if (err == BW_OK && out->now != NULL)
			err = bw_accord_follows(&out->now->accord, out->now->hash, &version->accord);
		if (err == BW_OK && out->next != NULL)
			err = BW_ERR_SIGNATURE; /* nothing follows what was never agreed */
		if (err != BW_OK)
			return damaged(place.path, err, why);
		version->before = out->now;
		if (is_agreed(version))
			out->now = version;
		else
			out->next = version;
	}
	return BW_OK;
}

/* There is one in every entry that was found. */
static const struct bw_accord *newest(const struct bw_book_entry *entry)
{
	assert(entry->now != NULL || entry->next != NULL);
	return entry->now != NULL ? &entry->now->accord : &entry->next->accord;
}

static enum bw_err read_end(const struct bw_book *book, struct bw_book_entry *out, struct bw_why *why)
{
	struct bw_accord_end end = { .accord = bw_slice_empty };
	struct bw_dsse envelope;
	struct bw_place place;
	struct bw_slice text;
	enum bw_err err;

	out->ended_by = BW_ACCORD_NODES;
	BW_TRY(place_of(book, out->id, "end.json", &place));
	err = read_file(book, place.path, &text, why);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	err = bw_dsse_parse(text, book->arena, &envelope);
	if (err == BW_OK)
		err = bw_accord_end_parse(envelope.payload, book->arena, &end, NULL);
	if (err != BW_OK || !bw_slice_equals(end.accord, out->id))
		return damaged(place.path, err == BW_OK ? BW_ERR_CONFLICT : err, why);
	for (size_t i = 0; i < BW_ACCORD_NODES; i++) {
		if (has_signed(book, &envelope, BW_ACCORD_END_TYPE, &newest(out)->party[i]))
			out->ended_by = i;
	}
	out->end_reason = end.reason;
	return out->ended_by < BW_ACCORD_NODES ? BW_OK : damaged(place.path, BW_ERR_SIGNATURE, why);
}

static enum bw_accord_state state_of(const struct bw_book *book, const struct bw_book_entry *entry, bool paused)
{
	if (entry->ended_by < BW_ACCORD_NODES)
		return BW_ACCORD_ENDED;
	if (entry->now == NULL)
		return BW_ACCORD_PROPOSED;
	if (book->now_us >= entry->now->accord.until_us)
		return BW_ACCORD_OVER;
	if (paused)
		return BW_ACCORD_SUSPENDED;
	return book->now_us < entry->now->accord.from_us ? BW_ACCORD_NOT_YET : BW_ACCORD_IN_FORCE;
}

static enum bw_err read_entry(const struct bw_book *book, struct bw_slice id, struct bw_book_entry *out,
			      struct bw_why *why)
{
	struct bw_place paused;

	*out = (struct bw_book_entry){ .id = id, .end_reason = bw_slice_empty };
	BW_TRY(read_versions(book, id, out, why));
	if (out->now == NULL && out->next == NULL)
		return BW_ERR_NOT_FOUND;
	BW_TRY(read_end(book, out, why));
	BW_TRY(place_of(book, id, "paused", &paused));
	out->state = state_of(book, out, bw_file_exists(paused.path));
	return bw_accord_party_of(newest(out), book->self_name, &out->we);
}

enum bw_err bw_book_find(struct bw_book *book, struct bw_slice id, struct bw_book_entry *out, struct bw_why *why)
{
	const enum bw_err err = is_id(id) ? read_entry(book, id, out, why) : BW_ERR_NOT_FOUND;

	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "there is no accord '%.*s'; those there are: breakwater accord list",
				  BW_ARG(id));
	return err;
}

static int by_id(const void *a, const void *b)
{
	const struct bw_slice x = ((const struct bw_book_entry *)a)->id;
	const struct bw_slice y = ((const struct bw_book_entry *)b)->id;
	const int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static enum bw_err list_folder(struct bw_book *book, DIR *dir, struct bw_book_entry *entries, size_t *count,
			       struct bw_why *why)
{
	const struct dirent *at;

	while ((at = readdir(dir)) != NULL) {
		struct bw_slice id;
		enum bw_err err;

		if (!is_id(bw_slice_text(at->d_name)))
			continue;
		if (*count == BW_BOOK_ACCORDS_MAX)
			return bw_why_set(why, BW_ERR_TOO_MANY, "more than %d accords", BW_BOOK_ACCORDS_MAX);
		BW_TRY(bw_arena_copy(book->arena, bw_slice_text(at->d_name), &id));
		err = read_entry(book, id, &entries[*count], why);
		if (err == BW_ERR_NOT_FOUND) /* a folder that was made, and then the disk was full */
			continue;
		BW_TRY(err);
		(*count)++;
	}
	return BW_OK;
}

enum bw_err bw_book_list(struct bw_book *book, struct bw_book_entry **out, size_t *out_count, struct bw_why *why)
{
	struct bw_book_entry *entries = bw_arena_zero(book->arena, BW_BOOK_ACCORDS_MAX, sizeof(*entries));
	struct bw_place folder;
	enum bw_err err;
	DIR *dir;

	BW_NEED(entries != NULL, MEMORY);
	*out = entries;
	*out_count = 0;
	BW_TRY(bw_folder_place(book->data, FOLDER, &folder));
	dir = opendir(folder.path);
	if (dir == NULL)
		return errno == ENOENT ? BW_OK : bw_why_errno(why, errno, "read", folder.path);
	err = list_folder(book, dir, entries, out_count, why);
	(void)closedir(dir);
	BW_TRY(err);
	qsort(entries, *out_count, sizeof(*entries), by_id);
	return BW_OK;
}

/* ---- taking documents -------------------------------------------------------------- */

/* Ours and a peer's, or it is nobody's business here. */
static enum bw_err check_parties(const struct bw_book *book, const struct bw_accord *accord, struct bw_why *why)
{
	size_t we;

	if (bw_accord_party_of(accord, book->self_name, &we) != BW_OK)
		return bw_why_set(why, BW_ERR_DENIED, "this node is no party of the accord '%.*s'", BW_ARG(accord->id));
	if (keys_of(book, accord->party[1 - we].node) == NULL)
		return bw_why_set(why, BW_ERR_DENIED,
				  "the other party of '%.*s', '%.*s', is no peer of this node: meet it first, "
				  "breakwater peer invite",
				  BW_ARG(accord->id), BW_ARG(accord->party[1 - we].name));
	return BW_OK;
}

/* Beside what is there, with the signatures of both; on disk when it returns. */
static enum bw_err keep(const char *path, struct bw_slice envelope, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf before = BW_BUF_INIT(BW_BOOK_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf both = BW_BUF_INIT(BW_BOOK_FILE_MAX);

	if (!bw_file_exists(path))
		return bw_file_create(path, envelope, 0600, why);
	BW_TRY(bw_file_read(path, &before, why));
	BW_TRY(bw_envelope_join(bw_buf_slice(&before), envelope, &both));
	return bw_file_write(path, bw_buf_slice(&both), 0600, why);
}

static enum bw_err check_place_in_chain(const struct bw_book_entry *entry, bool is_known,
					const struct bw_book_version *version, struct bw_why *why)
{
	const struct bw_slice id = version->accord.id;
	enum bw_err err = BW_OK;

	if (is_known && entry->state == BW_ACCORD_ENDED)
		return bw_why_set(why, BW_ERR_REVOKED, "the accord '%.*s' is ended, and stays so", BW_ARG(id));
	if (!is_known || entry->now == NULL)
		err = version->accord.sequence == 1 ? BW_OK : BW_ERR_CONFLICT;
	else if (version->accord.sequence <= entry->now->accord.sequence)
		err = memcmp(version->hash, entry->now->hash, BW_SHA256_BYTES) == 0 ? BW_OK : BW_ERR_REVOKED;
	else
		err = bw_accord_follows(&entry->now->accord, entry->now->hash, &version->accord);
	if (err == BW_ERR_REVOKED)
		return bw_why_set(why, err, "version %" PRIu64 " of '%.*s' is older than the one in force",
				  version->accord.sequence, BW_ARG(id));
	if (err != BW_OK)
		return bw_why_set(why, BW_ERR_CONFLICT,
				  "version %" PRIu64 " of '%.*s' does not follow the one agreed last",
				  version->accord.sequence, BW_ARG(id));
	if (is_known && entry->next != NULL && entry->next->accord.sequence == version->accord.sequence &&
	    memcmp(entry->next->hash, version->hash, BW_SHA256_BYTES) != 0)
		return bw_why_set(why, BW_ERR_CONFLICT,
				  "another text of '%.*s' has number %" PRIu64
				  " here; one of the two parties takes its own "
				  "back: breakwater accord withdraw %.*s",
				  BW_ARG(id), version->accord.sequence, BW_ARG(id));
	return BW_OK;
}

static enum bw_err take_version(struct bw_book *book, struct bw_slice envelope, struct bw_slice *out_id,
				struct bw_why *why)
{
	struct bw_book_version version = { 0 };
	struct bw_book_entry entry = { 0 };
	struct bw_place place;
	enum bw_err err = read_version(book, envelope, &version);

	if (err != BW_OK)
		return bw_why_set(why, err, "this is not the text of an accord: %s", bw_err_text(err));
	*out_id = version.accord.id;
	BW_TRY(check_parties(book, &version.accord, why));
	if (!version.signed_by[0] && !version.signed_by[1])
		return bw_why_set(why, BW_ERR_SIGNATURE, "neither party has signed this");
	err = read_entry(book, version.accord.id, &entry, why);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	BW_TRY(check_place_in_chain(&entry, err == BW_OK, &version, why));
	BW_TRY(make_folders(book, version.accord.id, why));
	BW_TRY(place_of_version(book, version.accord.id, version.accord.sequence, &place));
	return keep(place.path, envelope, why);
}

static enum bw_err take_end(struct bw_book *book, struct bw_slice text, const struct bw_dsse *envelope,
			    struct bw_slice *out_id, struct bw_why *why)
{
	struct bw_accord_end end;
	struct bw_book_entry entry = { 0 };
	struct bw_place place;
	bool is_signed = false;

	if (bw_accord_end_parse(envelope->payload, book->arena, &end, NULL) != BW_OK)
		return bw_why_set(why, BW_ERR_SYNTAX, "this is not the end of an accord");
	*out_id = end.accord;
	BW_TRY(bw_book_find(book, end.accord, &entry, why));
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		is_signed |= has_signed(book, envelope, BW_ACCORD_END_TYPE, &newest(&entry)->party[i]);
	if (!is_signed)
		return bw_why_set(why, BW_ERR_SIGNATURE, "neither party has signed this end");
	if (entry.state == BW_ACCORD_ENDED) /* the first one is enough */
		return BW_OK;
	BW_TRY(place_of(book, end.accord, "end.json", &place));
	return keep(place.path, text, why);
}

enum bw_err bw_book_take(struct bw_book *book, struct bw_slice envelope, struct bw_slice *out_id, struct bw_why *why)
{
	struct bw_dsse parsed;
	enum bw_err err = bw_dsse_parse(envelope, book->arena, &parsed);

	if (err != BW_OK)
		return bw_why_set(why, err, "this is no signed document: %s", bw_err_text(err));
	if (bw_slice_is(parsed.type, BW_ACCORD_MEDIA_TYPE))
		return take_version(book, envelope, out_id, why);
	if (bw_slice_is(parsed.type, BW_ACCORD_END_TYPE))
		return take_end(book, envelope, &parsed, out_id, why);
	return bw_why_set(why, BW_ERR_TYPE, "a document of another kind");
}

/* ---- writing ---------------------------------------------------------------------------- */

static enum bw_err add_line(const struct bw_book *book, const char *path, struct bw_buf *out, struct bw_why *why)
{
	struct bw_slice text;

	BW_TRY(read_file(book, path, &text, why));
	BW_TRY(bw_buf_add(out, text));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_book_export(struct bw_book *book, const struct bw_book_entry *entry, struct bw_buf *out,
			   struct bw_why *why)
{
	struct bw_place place;
	enum bw_err err = BW_OK;

	for (uint64_t number = 1; number <= BW_BOOK_VERSIONS_MAX && err == BW_OK; number++) {
		BW_TRY(place_of_version(book, entry->id, number, &place));
		err = add_line(book, place.path, out, why);
	}
	BW_NEED(err == BW_OK || err == BW_ERR_NOT_FOUND, IO);
	BW_TRY(place_of(book, entry->id, "end.json", &place));
	err = add_line(book, place.path, out, why);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

enum bw_err bw_book_sign(struct bw_book *book, const struct bw_book_entry *entry, const struct bw_node_keys *keys,
			 struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf ours = BW_BUF_INIT(BW_BOOK_FILE_MAX);
	struct bw_place place;

	if (entry->next == NULL || entry->next->signed_by[entry->we])
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing of '%.*s' waits for this node's signature",
				  BW_ARG(entry->id));
	BW_TRY(bw_envelope_sign(keys, BW_ACCORD_MEDIA_TYPE, entry->next->text, &ours));
	BW_TRY(place_of_version(book, entry->id, entry->next->accord.sequence, &place));
	return keep(place.path, bw_buf_slice(&ours), why);
}

enum bw_err bw_book_withdraw(struct bw_book *book, const struct bw_book_entry *entry, struct bw_why *why)
{
	struct bw_place place;

	if (entry->next == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing of '%.*s' waits for a signature", BW_ARG(entry->id));
	BW_TRY(place_of_version(book, entry->id, entry->next->accord.sequence, &place));
	if (unlink(place.path) != 0)
		return bw_why_errno(why, errno, "remove", place.path);
	BW_TRY(place_of(book, entry->id, "", &place));
	return bw_folder_sync(place.path, why);
}

enum bw_err bw_book_end(struct bw_book *book, const struct bw_book_entry *entry, const struct bw_node_keys *keys,
			struct bw_slice reason, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ACCORD_END_TEXT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_BOOK_FILE_MAX);
	const struct bw_accord_end end = { entry->id, reason, book->now_us };
	struct bw_place place;

	if (entry->state == BW_ACCORD_ENDED)
		return bw_why_set(why, BW_ERR_REVOKED, "'%.*s' is ended already", BW_ARG(entry->id));
	if (bw_accord_end_add(&text, &end) != BW_OK)
		return bw_why_set(why, BW_ERR_RANGE, "the reason is empty or longer than %d bytes",
				  BW_ACCORD_END_REASON_MAX);
	BW_TRY(bw_envelope_sign(keys, BW_ACCORD_END_TYPE, bw_buf_slice(&text), &envelope));
	BW_TRY(place_of(book, entry->id, "end.json", &place));
	return bw_file_create(place.path, bw_buf_slice(&envelope), 0600, why);
}

enum bw_err bw_book_pause(struct bw_book *book, const struct bw_book_entry *entry, bool pause, struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(place_of(book, entry->id, "paused", &place));
	if (pause)
		return bw_file_write(place.path, bw_slice_empty, 0600, why);
	if (unlink(place.path) != 0 && errno != ENOENT)
		return bw_why_errno(why, errno, "remove", place.path);
	return BW_OK;
}
