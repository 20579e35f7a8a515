/* `breakwater guard mirror push`: sends what the other machine does not have yet, and says where the ledger stands. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/tls.h"
#include "guard/ledger.h"
#include "guard/mirror_parts.h"
#include "guard/plain.h"
#include "guard/settings.h"
#include "guard/shadow.h"
#include "guard/volumes.h"
#include "net/client.h"

enum {
	SETTINGS_MEMORY = 8 * 1024 * 1024,
	ROW_MEMORY = 1024 * 1024,
	BATCH_FULL = 4 * 1024 * 1024, /* sent then; a record more still fits */
	TRIES = 2,
};

#define LEDGER_MAX (BW_GIB * 4)

struct pushing {
	const struct bw_call *call;
	const char *data;
	struct mirror_identity identity;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	size_t volume_count;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	struct bw_tls_context *tls;
	struct bw_http_client *client;
	struct bw_mirror_head head; /* as the other machine says */
	struct bw_buf answer;
	struct bw_buf batch; /* the chain it follows, then records */
	struct bw_buf piece;
	struct bw_arena row;
	struct bw_sha256_run *run;
	uint64_t versions;
	uint64_t bytes;
	bool ledger_is_other;
};

/* ---- talking ----------------------------------------------------------------------------------------- */

static enum bw_err on_body(void *context, const struct bw_http_response *response, struct bw_slice bytes)
{
	struct pushing *p = context;

	(void)response;
	return bw_buf_add(&p->answer, bytes);
}

static enum bw_err ask(struct pushing *p, const char *method, const char *target, struct bw_slice body,
		       struct bw_why *why)
{
	const struct bw_http_ask question = { .method = method,
					      .target = bw_slice_text(target),
					      .headers = bw_slice_empty,
					      .has_body = body.len > 0,
					      .body = body,
					      .may_repeat = body.len == 0,
					      .answer_max = BW_MIRROR_HEAD_BYTES_MAX,
					      .on_body = on_body,
					      .ctx = p };
	const struct bw_http_response *response;

	bw_buf_clear(&p->answer);
	BW_TRY(bw_http_client_ask(p->client, &question, &response, why));
	if (response->status == 507)
		return bw_why_set(why, BW_ERR_DISK_FULL, "the mirror's disk is full; what it has stays");
	if (response->status != 200)
		return bw_why_set(why, response->status == 409 ? BW_ERR_CONFLICT : BW_ERR_PROTOCOL,
				  "the mirror answered %u: %.*s", (unsigned)response->status,
				  BW_ARG(bw_buf_slice(&p->answer)));
	if (bw_mirror_head_parse(bw_buf_slice(&p->answer), &p->head) != BW_OK)
		return bw_why_set(why, BW_ERR_PROTOCOL, "what answers there is no mirror");
	return BW_OK;
}

static enum bw_err follow(struct pushing *p)
{
	bw_buf_clear(&p->batch);
	return bw_buf_add(&p->batch, bw_slice_of(p->head.chain, sizeof(p->head.chain)));
}

static enum bw_err flush(struct pushing *p, size_t least, struct bw_why *why)
{
	if (p->batch.len <= BW_SHA256_BYTES || p->batch.len < least)
		return BW_OK;
	BW_TRY(ask(p, "POST", "/mirror/batch", bw_buf_slice(&p->batch), why));
	p->bytes += p->batch.len;
	return follow(p);
}

/* ---- versions ------------------------------------------------------------------------------------------ */

/* A store that was made anew begins its numbers again, so it is another one. */
static enum bw_err store_of(const struct bw_volume *volume, uint8_t out[BW_MIRROR_STORE_BYTES], struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * (size_t)BW_PATH_BYTES);
	uint8_t sum[BW_SHA256_BYTES];
	char path[BW_PATH_BYTES];
	struct statx status;

	BW_TRY(bw_path_join(path, volume->store, "catalogue.db"));
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &status) != 0)
		return bw_why_set(why, BW_ERR_IO, "cannot look at '%s'", path);
	BW_TRY(bw_buf_addf(&text, "breakwater/v1/mirror-store %llu %lld %u %s", (unsigned long long)status.stx_ino,
			   (long long)status.stx_btime.tv_sec, (unsigned)status.stx_btime.tv_nsec, volume->mount));
	BW_TRY(bw_sha256(bw_buf_slice(&text), sum));
	memcpy(out, sum, BW_MIRROR_STORE_BYTES);
	return BW_OK;
}

static enum bw_err path_of(struct pushing *p, struct bw_shelf *shelf, const struct bw_volume *volume,
			   const struct bw_shelf_version *version, struct bw_slice *out)
{
	struct bw_shelf_folder folder;
	size_t len = 0;
	char *path;

	BW_TRY(bw_shelf_folder_get(shelf, version->folder, &p->row, &folder));
	path = bw_arena_take(&p->row, strlen(volume->mount) + folder.path.len + version->name.len + 4);
	BW_NEED(path != NULL, MEMORY);
	if (strcmp(volume->mount, "/") != 0) {
		len = strlen(volume->mount);
		memcpy(path, volume->mount, len);
	}
	path[len++] = '/';
	if (folder.path.len > 0) {
		memcpy(path + len, folder.path.ptr, folder.path.len);
		len += folder.path.len;
		path[len++] = '/';
	}
	memcpy(path + len, version->name.ptr, version->name.len);
	*out = bw_slice_of(path, len + version->name.len);
	return BW_OK;
}

static enum bw_err add_content(struct pushing *p, struct bw_shadow *shadow, const struct bw_shelf_version *version,
			       uint64_t size, struct bw_why *why)
{
	struct bw_mirror_record record = { .kind = BW_MIRROR_CONTENT };

	while (record.at < size) {
		bw_buf_clear(&p->piece);
		BW_TRY(bw_shadow_peek(shadow, version, record.at, BW_MIRROR_PIECE_MAX, &p->piece));
		record.bytes = bw_slice_sub(bw_buf_slice(&p->piece), 0, (size_t)(size - record.at));
		BW_NEED(record.bytes.len > 0, CORRUPT);
		BW_TRY(bw_sha256_add(p->run, record.bytes));
		BW_TRY(bw_mirror_add(&p->batch, &record));
		record.at += record.bytes.len;
		BW_TRY(flush(p, BATCH_FULL, why));
	}
	return BW_OK;
}

static enum bw_err add_version(struct pushing *p, struct bw_shadow *shadow, const uint8_t *store, uint64_t number,
			       struct bw_why *why)
{
	struct bw_mirror_record record = { .kind = BW_MIRROR_VERSION };
	struct bw_mirror_record whole = { .kind = BW_MIRROR_WHOLE };
	struct bw_mirror_version *v = &record.version;
	struct bw_shelf_version version;

	bw_arena_reset(&p->row);
	BW_TRY(bw_shelf_get(bw_shadow_shelf(shadow), number, &p->row, &version));
	if (!S_ISREG(version.kind) && !S_ISLNK(version.kind))
		return BW_ERR_NOT_FOUND;
	memcpy(v->store, store, sizeof(v->store));
	v->number = number;
	v->taken_us = version.taken_us;
	v->type = version.kind & S_IFMT;
	v->size = S_ISREG(version.kind) ? version.size : 0;
	v->state = (uint8_t)version.state;
	v->meta = version.meta;
	BW_TRY(path_of(p, bw_shadow_shelf(shadow), bw_shadow_volume(shadow), &version, &v->path));
	BW_TRY(bw_sha256_end(p->run, whole.sum)); /* of one that was given up half-way */
	BW_TRY(bw_mirror_add(&p->batch, &record));
	BW_TRY(add_content(p, shadow, &version, v->size, why));
	BW_TRY(bw_sha256_end(p->run, whole.sum));
	BW_TRY(bw_mirror_add(&p->batch, &whole));
	p->versions++;
	return flush(p, BATCH_FULL, why);
}

/* A version that was thinned away meanwhile, or whose content is damaged here, is not sent; `guard verify` tells. */
static bool is_passed_over(enum bw_err err)
{
	return err == BW_ERR_NOT_FOUND || err == BW_ERR_CORRUPT;
}

static enum bw_err push_volume(struct pushing *p, const struct bw_volume *volume, struct bw_why *why)
{
	uint8_t store[BW_MIRROR_STORE_BYTES];
	struct bw_shadow *shadow;
	enum bw_err err;
	uint64_t end;

	BW_TRY(store_of(volume, store, why));
	BW_TRY(bw_shadow_open(volume, true, &shadow, why));
	end = bw_shelf_next(bw_shadow_shelf(shadow));
	err = BW_OK;
	for (uint64_t n = bw_mirror_head_number(&p->head, store) + 1; n < end && err == BW_OK; n++) {
		err = add_version(p, shadow, store, n, why);
		if (is_passed_over(err))
			err = BW_OK;
	}
	bw_shadow_close(shadow);
	return err;
}

/* ---- the ledger ------------------------------------------------------------------------------------------ */

/* Where it stands; and whether the one the mirror saw is its beginning. */
static enum bw_err look_at_ledger(struct pushing *p, struct bw_mirror_ledger *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(LEDGER_MAX);
	const struct bw_mirror_ledger *seen = &p->head.ledger;
	struct bw_ledger_record record;
	struct bw_ledger_head head;
	struct bw_ledger_link link;
	char path[BW_PATH_BYTES];
	struct bw_cursor c;
	bool found = seen->number == 0;

	BW_TRY(bw_path_join(path, p->data, BW_LEDGER_NAME));
	if (!bw_file_exists(path)) {
		p->ledger_is_other = !found;
		return BW_ERR_NOT_FOUND;
	}
	BW_TRY(bw_file_read(path, &bytes, why));
	c = bw_cursor_over(bw_buf_slice(&bytes));
	BW_TRY(bw_ledger_head_parse(&c, &head, &link));
	while (bw_ledger_next(&c, &link, &record) == BW_OK) {
		if (link.number == seen->number && memcmp(head.id, seen->id, sizeof(seen->id)) == 0 &&
		    memcmp(link.chain, seen->chain, sizeof(seen->chain)) == 0)
			found = true;
	}
	p->ledger_is_other = !found;
	memcpy(out->id, head.id, sizeof(out->id));
	memcpy(out->chain, link.chain, sizeof(out->chain));
	out->number = link.number;
	return BW_OK;
}

static enum bw_err push_ledger(struct pushing *p, struct bw_why *why)
{
	struct bw_mirror_record record = { .kind = BW_MIRROR_LEDGER };
	const enum bw_err err = look_at_ledger(p, &record.ledger, why);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	if (memcmp(&record.ledger, &p->head.ledger, sizeof(record.ledger)) != 0)
		BW_TRY(bw_mirror_add(&p->batch, &record));
	return flush(p, 0, why);
}

/* ---- all ------------------------------------------------------------------------------------------------- */

static enum bw_err connect(struct pushing *p, struct bw_why *why)
{
	const char *to = bw_call_text(p->call, "to");
	const char *pin = bw_call_text(p->call, "pin");
	uint8_t fingerprint[BW_SHA256_BYTES];
	const struct bw_tls_client_options options = { .pin = fingerprint,
						       .cert_pem = bw_buf_slice(&p->identity.cert),
						       .key_pem = bw_secret_slice(&p->identity.key),
						       .hybrid_only = true };
	const struct bw_http_client_options http = { 0 };
	struct bw_http_client_options with = http;
	struct bw_url url;

	if (to == NULL || bw_url_parse(bw_slice_text(to), &url, NULL) != BW_OK || !url.tls)
		return bw_why_set(why, BW_ERR_USAGE,
				  "--to https://HOST:PORT/ is needed: where 'guard mirror serve' runs");
	if (pin == NULL || bw_fingerprint_parse(bw_slice_text(pin), fingerprint) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE,
				  "--pin FINGERPRINT is needed: of the mirror's certificate, as 'guard mirror serve' "
				  "prints it; ours is %s",
				  p->identity.fingerprint);
	BW_TRY(bw_tls_client_new(&options, &p->tls, why));
	with.tls = p->tls;
	return bw_http_client_new(&url, &with, &p->client);
}

static enum bw_err push_all(struct pushing *p, struct bw_why *why)
{
	BW_TRY(ask(p, "GET", "/mirror/head", bw_slice_empty, why));
	BW_TRY(follow(p));
	for (size_t i = 0; i < p->volume_count; i++)
		BW_TRY(push_volume(p, &p->volumes[i], why));
	BW_TRY(flush(p, 0, why));
	return push_ledger(p, why);
}

static enum bw_err run(struct pushing *p, struct bw_why *why)
{
	enum bw_err err = BW_ERR_CONFLICT;

	(void)signal(SIGPIPE, SIG_IGN);
	BW_TRY(mirror_identity_load(p->data, &p->identity, why));
	BW_TRY(connect(p, why));
	BW_TRY(bw_guard_settings_load(p->data, &p->arena, &p->settings, why));
	BW_TRY(bw_volumes_open(&p->settings, p->volumes, &p->volume_count, why));
	bw_plain_say_away(p->call, &p->settings);
	BW_TRY(bw_sha256_new(&p->run));
	for (unsigned i = 0; i < TRIES && err == BW_ERR_CONFLICT; i++)
		err = push_all(p, why); /* again when it stood elsewhere than it said: another push, or its restart */
	return err;
}

static int report(const struct pushing *p)
{
	char bytes[BW_PLAIN_BYTES];

	if (bw_call_json(p->call))
		(void)printf("{\"versions\":%llu,\"bytes\":%llu,\"mirrored\":%llu,\"ledger_is_whole\":%s}\n",
			     (unsigned long long)p->versions, (unsigned long long)p->bytes,
			     (unsigned long long)p->head.versions, p->ledger_is_other ? "false" : "true");
	else
		(void)printf("%llu versions sent (%s); the mirror has %llu.\n", (unsigned long long)p->versions,
			     bw_plain_size(p->bytes, bytes), (unsigned long long)p->head.versions);
	if (!p->ledger_is_other)
		return BW_EXIT_OK;
	return bw_complain(p->call, BW_EXIT_FOUND, "the mirror remembers where it stood: compare before you trust it",
			   "this machine's ledger is not the one that was mirrored: it was cut, rewritten or replaced");
}

int mirror_push(const struct bw_call *call)
{
	static struct pushing p; /* large */
	struct bw_why why = { 0 };
	enum bw_err err;
	int status;

	p = (struct pushing){ .call = call,
			      .data = bw_call_data(call),
			      .arena = BW_ARENA_INIT(SETTINGS_MEMORY),
			      .row = BW_ARENA_INIT(ROW_MEMORY),
			      .answer = BW_BUF_INIT(BW_MIRROR_HEAD_BYTES_MAX),
			      .batch = BW_BUF_INIT(BW_MIRROR_BATCH_MAX),
			      .piece = BW_BUF_INIT(BW_MIRROR_PIECE_MAX) };
	err = run(&p, &why);
	status = err == BW_OK ? report(&p)
			      : bw_complain(call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED, NULL, "%s",
					    why.text[0] != '\0' ? why.text : bw_err_text(err));
	bw_http_client_free(p.client);
	bw_tls_context_free(p.tls);
	bw_volumes_release(p.volumes, p.volume_count);
	bw_sha256_free(p.run);
	bw_arena_release(&p.arena);
	bw_arena_release(&p.row);
	bw_buf_release(&p.answer);
	bw_buf_release(&p.batch);
	bw_buf_release(&p.piece);
	mirror_identity_release(&p.identity);
	return status;
}
