/*
 * `breakwater guard mirror verify` and `restore`, on the machine that keeps: what a journal holds is read whole and
 * checked, and written into a new folder as it was at a time. Paths in it were chosen by users of another machine:
 * every one is made anew below that folder, without following anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "guard/meta.h"
#include "guard/mirror_parts.h"
#include "guard/plain.h"
#include "store/shelf.h"
#include "sys/beneath.h"
#include "sys/clock.h"

enum { CHOSEN_FIRST = 1024, CHOSEN_MAX = 64 * 1024 * 1024 };

/* A version, numbered as it stands in the journal; the last one of a path counts. */
struct chosen {
	uint64_t path; /* keyed hash */
	uint64_t ordinal;
};

struct restoring {
	const char *to;
	struct bw_slice below; /* paths at or below this one; "/" is all */
	int64_t until_us;
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	struct chosen *list;
	size_t count;
	size_t room;
	uint64_t ordinal; /* of the version that is being read */
	struct chosen open;
	bool is_wanted;
	/* the second reading */
	size_t next; /* of the list, now by ordinal */
	int top;
	int file; /* that is being written */
	struct bw_buf path;
	struct bw_buf meta;
	uint32_t type;
	uint64_t files;
	uint64_t failed;
	uint64_t bytes;
};

static enum bw_err see_nothing(void *context, const struct bw_mirror_check *check,
			       const struct bw_mirror_record *record)
{
	(void)context;
	(void)check;
	(void)record;
	return BW_OK;
}

/* ---- which ---------------------------------------------------------------------------------------------- */

static bool is_below(struct bw_slice path, struct bw_slice below)
{
	if (below.len == 1)
		return true;
	return bw_slice_starts(path, below) && (path.len == below.len || path.ptr[below.len] == '/');
}

static bool is_wanted(const struct restoring *r, const struct bw_mirror_version *version)
{
	return version->taken_us <= r->until_us && version->state != BW_SHELF_DOUBTFUL &&
	       memchr(version->path.ptr, 0, version->path.len) == NULL && is_below(version->path, r->below);
}

static enum bw_err choose(struct restoring *r)
{
	if (r->count == r->room) {
		const size_t room = r->room == 0 ? CHOSEN_FIRST : 2 * r->room;
		struct chosen *list;

		BW_NEED(room <= CHOSEN_MAX, TOO_MANY);
		list = realloc(r->list, room * sizeof(*list));
		BW_NEED(list != NULL, MEMORY);
		r->list = list;
		r->room = room;
	}
	r->list[r->count++] = r->open;
	return BW_OK;
}

static enum bw_err see_first(void *context, const struct bw_mirror_check *check, const struct bw_mirror_record *record)
{
	struct restoring *r = context;

	(void)check;
	if (record->kind == BW_MIRROR_VERSION) {
		r->ordinal++;
		r->is_wanted = is_wanted(r, &record->version);
		r->open = (struct chosen){ bw_siphash(r->key, record->version.path), r->ordinal };
	}
	return record->kind == BW_MIRROR_WHOLE && r->is_wanted ? choose(r) : BW_OK;
}

static int by_path(const void *a, const void *b)
{
	const struct chosen *x = a;
	const struct chosen *y = b;

	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

static int by_ordinal(const void *a, const void *b)
{
	const struct chosen *x = a;
	const struct chosen *y = b;

	return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

static void keep_the_last(struct restoring *r)
{
	size_t count = 0;

	if (r->count == 0)
		return;
	qsort(r->list, r->count, sizeof(*r->list), by_path);
	for (size_t i = 0; i < r->count; i++) {
		if (i + 1 == r->count || r->list[i + 1].path != r->list[i].path)
			r->list[count++] = r->list[i];
	}
	r->count = count;
	qsort(r->list, r->count, sizeof(*r->list), by_ordinal);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

/* The folder of a path below the top, made on the way; `*out_name` is the last part. */
static enum bw_err reach(struct restoring *r, const char **out_name, int *out_fd)
{
	struct bw_slice rest = bw_slice_from(bw_buf_slice(&r->path), 1);
	int at = fcntl(r->top, F_DUPFD_CLOEXEC, 0);
	struct bw_slice name;
	char part[BW_SHELF_NAME_BYTES + 1];
	enum bw_err err = at >= 0 ? BW_OK : BW_ERR_TOO_MANY;

	while (err == BW_OK && bw_slice_cut(rest, '/', &name, &rest)) {
		int next = -1;

		if (name.len == 0 || name.len > BW_SHELF_NAME_BYTES || bw_slice_is(name, ".") ||
		    bw_slice_is(name, "..")) {
			err = BW_ERR_SYNTAX;
			break;
		}
		memcpy(part, name.ptr, name.len);
		part[name.len] = '\0';
		if (mkdirat(at, part, 0700) != 0 && errno != EEXIST)
			err = bw_err_from_errno(errno);
		if (err == BW_OK)
			err = bw_open_beneath(at, part, O_RDONLY | O_DIRECTORY, 0, &next);
		(void)close(at);
		at = next;
	}
	if (err == BW_OK &&
	    (rest.len == 0 || rest.len > BW_SHELF_NAME_BYTES || bw_slice_is(rest, ".") || bw_slice_is(rest, "..")))
		err = BW_ERR_SYNTAX;
	if (err != BW_OK) {
		if (at >= 0)
			(void)close(at);
		return err;
	}
	*out_name = (const char *)rest.ptr;
	*out_fd = at;
	return BW_OK;
}

static enum bw_err make_link(struct restoring *r, int folder, const char *name)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT(BW_MIRROR_META_MAX);
	struct bw_meta meta;

	BW_TRY(bw_meta_parse(bw_buf_slice(&r->meta), &meta));
	BW_TRY(bw_buf_add(&target, meta.target));
	return symlinkat(bw_buf_text(&target), folder, name) == 0 ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err begin_file(struct restoring *r, const struct bw_mirror_version *version)
{
	const char *name;
	int folder;
	enum bw_err err = BW_OK;

	bw_buf_clear(&r->path);
	bw_buf_clear(&r->meta);
	BW_TRY(bw_buf_add(&r->path, version->path));
	BW_TRY(bw_buf_add(&r->meta, version->meta));
	r->type = version->type;
	BW_TRY(reach(r, &name, &folder));
	if (version->type == S_IFLNK)
		err = make_link(r, folder, name);
	else
		err = bw_open_beneath(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600, &r->file);
	(void)close(folder);
	return err;
}

static void fail(struct restoring *r, enum bw_err err)
{
	(void)fprintf(stderr, "cannot write a file below '%s': %s\n", r->to, bw_err_text(err));
	if (r->file >= 0)
		(void)close(r->file);
	r->file = -1;
	r->is_wanted = false;
	r->failed++;
}

static enum bw_err end_file(struct restoring *r)
{
	struct bw_why why = { 0 };
	struct bw_meta meta;
	enum bw_err err = BW_OK;

	if (r->type == S_IFREG) {
		err = bw_meta_parse(bw_buf_slice(&r->meta), &meta);
		if (err == BW_OK)
			err = bw_meta_apply(r->file, &meta, &why);
		if (err != BW_OK) /* the bytes are there; who owns them may be unknown on this machine */
			(void)fprintf(stderr, "not all of a file's metadata could be set: %s\n", why.text);
		if (fsync(r->file) != 0)
			return bw_err_from_errno(errno);
		(void)close(r->file);
		r->file = -1;
	}
	r->files++;
	return BW_OK;
}

static enum bw_err write_record(struct restoring *r, const struct bw_mirror_record *record)
{
	switch (record->kind) {
	case BW_MIRROR_VERSION:
		return begin_file(r, &record->version);
	case BW_MIRROR_CONTENT:
		r->bytes += record->bytes.len;
		return bw_fd_write(r->file, record->bytes);
	case BW_MIRROR_WHOLE:
		return end_file(r);
	default:
		return BW_OK;
	}
}

/* One file that cannot be written does not keep the others back. */
static enum bw_err see_second(void *context, const struct bw_mirror_check *check, const struct bw_mirror_record *record)
{
	struct restoring *r = context;
	enum bw_err err;

	(void)check;
	if (record->kind == BW_MIRROR_VERSION) {
		r->ordinal++;
		r->is_wanted = r->next < r->count && r->list[r->next].ordinal == r->ordinal;
		r->next += r->is_wanted ? 1 : 0;
	}
	if (!r->is_wanted || record->kind == BW_MIRROR_LEDGER)
		return BW_OK;
	err = write_record(r, record);
	if (err == BW_ERR_DISK_FULL)
		return err;
	if (err != BW_OK)
		fail(r, err);
	return BW_OK;
}

/* ---- the two readings --------------------------------------------------------------------------------------- */

static enum bw_err open_top(struct restoring *r, struct bw_why *why)
{
	const enum bw_err err = bw_folder_make(r->to, why);

	if (err == BW_ERR_EXISTS)
		return bw_why_set(why, err, "'%s' is there already: name a folder that is not", r->to);
	BW_TRY(err);
	r->top = open(r->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return r->top >= 0 ? BW_OK : bw_why_errno(why, errno, "open", r->to);
}

static enum bw_err restore(struct restoring *r, const char *folder, struct bw_why *why)
{
	struct bw_mirror_head head;

	bw_random(r->key, sizeof(r->key));
	BW_TRY(bw_mirror_journal_read(folder, see_first, r, &head, why));
	keep_the_last(r);
	BW_TRY(open_top(r, why));
	r->ordinal = 0;
	r->is_wanted = false;
	return bw_mirror_journal_read(folder, see_second, r, &head, why);
}

static enum bw_err take_options(const struct bw_call *call, struct restoring *r, char folder[BW_PATH_BYTES],
				struct bw_why *why)
{
	const char *sender = bw_call_text(call, "sender");
	const char *at = bw_call_text(call, "at");

	r->to = bw_call_text(call, "into");
	r->below = bw_slice_text(bw_call_text(call, "path") != NULL ? bw_call_text(call, "path") : "/");
	r->until_us = INT64_MAX;
	if (sender == NULL || r->to == NULL)
		return bw_why_set(why, BW_ERR_USAGE, "--sender FINGERPRINT and --into DIR are needed");
	if (r->below.ptr[0] != '/' || (at != NULL && bw_plain_time_parse(at, &r->until_us) != BW_OK))
		return bw_why_set(why, BW_ERR_USAGE,
				  "--path is absolute, --at a time as '2026-11-23 14:00:00' (here) or "
				  "2026-11-23T14:00:00Z");
	return mirror_folder(bw_call_data(call), sender, folder);
}

int mirror_restore(const struct bw_call *call)
{
	struct restoring r = {
		.top = -1, .file = -1, .path = BW_BUF_INIT(BW_MIRROR_PATH_MAX), .meta = BW_BUF_INIT(BW_MIRROR_META_MAX)
	};
	char folder[BW_PATH_BYTES];
	char bytes[BW_PLAIN_BYTES];
	struct bw_why why = { 0 };
	enum bw_err err = take_options(call, &r, folder, &why);

	if (err == BW_OK)
		err = restore(&r, folder, &why);
	if (r.top >= 0)
		(void)close(r.top);
	if (r.file >= 0)
		(void)close(r.file);
	free(r.list);
	bw_buf_release(&r.path);
	bw_buf_release(&r.meta);
	if (err != BW_OK)
		return bw_complain(call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED, NULL, "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	if (bw_call_json(call))
		(void)printf("{\"files\":%llu,\"bytes\":%llu,\"failed\":%llu}\n", (unsigned long long)r.files,
			     (unsigned long long)r.bytes, (unsigned long long)r.failed);
	else
		(void)printf("%llu files (%s) are below '%s'; %llu could not be written.\n",
			     (unsigned long long)r.files, bw_plain_size(r.bytes, bytes), r.to,
			     (unsigned long long)r.failed);
	return r.failed == 0 ? BW_EXIT_OK : BW_EXIT_FOUND;
}

int mirror_verify(const struct bw_call *call)
{
	const char *sender = bw_call_text(call, "sender");
	struct bw_mirror_head head = { 0 };
	char folder[BW_PATH_BYTES];
	char bytes[BW_PLAIN_BYTES];
	struct bw_why why = { 0 };
	enum bw_err err = BW_ERR_USAGE;

	if (sender != NULL)
		err = mirror_folder(bw_call_data(call), sender, folder);
	else
		(void)bw_why_set(&why, err, "--sender FINGERPRINT is needed: whose versions");
	if (err == BW_OK)
		err = bw_mirror_journal_read(folder, see_nothing, NULL, &head, &why);
	if (err != BW_OK)
		return bw_complain(call,
				   err == BW_ERR_USAGE     ? BW_EXIT_USAGE
				   : err == BW_ERR_CORRUPT ? BW_EXIT_FOUND
							   : BW_EXIT_FAILED,
				   NULL, "%s", why.text[0] != '\0' ? why.text : bw_err_text(err));
	if (bw_call_json(call))
		(void)printf("{\"versions\":%llu,\"bytes\":%llu,\"ledger_records\":%llu}\n",
			     (unsigned long long)head.versions, (unsigned long long)head.bytes,
			     (unsigned long long)head.ledger.number);
	else
		(void)printf("%llu versions in %s verify; the ledger stood at record %llu.\n",
			     (unsigned long long)head.versions, bw_plain_size(head.bytes, bytes),
			     (unsigned long long)head.ledger.number);
	return BW_EXIT_OK;
}
