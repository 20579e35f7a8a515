#include "accord/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "desk/desk.h"
#include "desk/folder.h"
#include "sys/memfile.h"

enum { ANSWER_MS = 120 * 1000 }; /* a commit waits for the disk, and for a backup that is being made */

struct bw_handover {
	struct bw_channel *channel;
	int catalogue;
	int bulletin;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* ---- opening --------------------------------------------------------------------------- */

static enum bw_err ask_memory(struct bw_handover *h, enum bw_office_verb verb, int *out_fd, struct bw_why *why)
{
	const struct bw_desk_question question = { .verb = verb, .fd = -1, .wait_ms = ANSWER_MS };

	BW_TRY(bw_desk_ask(h->channel, &question, NULL, out_fd, why));
	BW_NEED(*out_fd >= 0, TOO_MANY); /* it was lost on the way: no descriptor left */
	return BW_OK;
}

enum bw_err bw_handover_over(int fd, struct bw_handover **out, struct bw_why *why)
{
	struct bw_handover *h = calloc(1, sizeof(*h));
	enum bw_err err = BW_ERR_MEMORY;

	if (h == NULL) {
		close_fd(&fd);
		return err;
	}
	h->catalogue = -1;
	h->bulletin = -1;
	err = bw_channel_new(fd, &h->channel);
	if (err == BW_OK)
		err = ask_memory(h, BW_OFFICE_MEMORY, &h->catalogue, why);
	if (err == BW_OK)
		err = ask_memory(h, BW_OFFICE_BULLETIN, &h->bulletin, why);
	if (err != BW_OK) {
		bw_handover_close(h);
		return err;
	}
	*out = h;
	return BW_OK;
}

enum bw_err bw_handover_open(const char *data, struct bw_handover **out, struct bw_why *why)
{
	int fd;
	const enum bw_err err = bw_folder_connect(data, BW_FOLDER_PARTNERS, &fd);

	if (err == BW_ERR_DENIED)
		return bw_why_set(why, err, "the exchange running on '%s' belongs to another account", data);
	if (err != BW_OK)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "no exchange runs on '%s': start it with: breakwater serve",
				  data);
	return bw_handover_over(fd, out, why);
}

void bw_handover_close(struct bw_handover *h)
{
	if (h == NULL)
		return;
	bw_channel_free(h->channel);
	close_fd(&h->catalogue);
	close_fd(&h->bulletin);
	free(h);
}

int bw_handover_catalogue_fd(const struct bw_handover *h)
{
	return h->catalogue;
}

int bw_handover_bulletin_fd(const struct bw_handover *h)
{
	return h->bulletin;
}

/* Nobody speaks to us unasked: what can be read is the end. */
bool bw_handover_is_alive(struct bw_handover *h)
{
	uint8_t byte;
	ssize_t got;

	do
		got = recv(bw_channel_fd(h->channel), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	return got < 0 && errno == EAGAIN;
}

/* ---- the verbs ------------------------------------------------------------------------------ */

enum { R_ADDED, R_DUPLICATE, R_CONFLICT, R_REVOKED, R_ERASED, R_SKIPPED, R_COLLECTION };

static enum bw_err read_outcome(struct bw_slice result, struct bw_handover_outcome *out)
{
	struct bw_handover_outcome o = { .added = 0 };
	struct bw_form form;

	BW_TRY(bw_form_take(result, BW_OFFICE_PARTNER_FIELDS, &form));
	BW_TRY(bw_form_num(&form, R_ADDED, UINT32_MAX, &o.added));
	BW_TRY(bw_form_num(&form, R_DUPLICATE, UINT32_MAX, &o.duplicate));
	BW_TRY(bw_form_num(&form, R_CONFLICT, UINT32_MAX, &o.conflict));
	BW_TRY(bw_form_num(&form, R_REVOKED, UINT32_MAX, &o.revoked));
	BW_TRY(bw_form_num(&form, R_ERASED, UINT32_MAX, &o.erased));
	BW_TRY(bw_form_num(&form, R_SKIPPED, UINT32_MAX, &o.skipped));
	BW_TRY(bw_form_text(&form, R_COLLECTION, o.collection, sizeof(o.collection)));
	*out = o;
	return BW_OK;
}

enum bw_err bw_handover_import(struct bw_handover *h, const uint8_t node[BW_SHA256_BYTES], struct bw_slice label,
			       struct bw_slice delivery, struct bw_handover_outcome *out, struct bw_why *why)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(4096);
	const struct bw_slice fields[] = { bw_slice_of(node, BW_SHA256_BYTES), bw_slice_sub(label, 0, BW_TITLE_MAX) };
	struct bw_desk_question question = { BW_OFFICE_PARTNER, fields, BW_COUNT(fields), -1, ANSWER_MS };

	BW_TRY(bw_memfile_of("delivery", delivery, &file));
	question.fd = file.fd;
	BW_TRY(bw_desk_ask(h->channel, &question, &result, NULL, why));
	return read_outcome(bw_buf_slice(&result), out);
}

enum bw_err bw_handover_accord_over(struct bw_handover *h, const uint8_t node[BW_SHA256_BYTES],
				    const uint8_t accord[BW_SHA256_BYTES], uint64_t *out_count, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(256);
	const struct bw_slice fields[] = { bw_slice_of(node, BW_SHA256_BYTES), bw_slice_of(accord, BW_SHA256_BYTES) };
	const struct bw_desk_question question = { BW_OFFICE_ACCORD_OVER, fields, BW_COUNT(fields), -1, ANSWER_MS };
	struct bw_form form;

	BW_TRY(bw_desk_ask(h->channel, &question, &result, NULL, why));
	BW_TRY(bw_form_take(bw_buf_slice(&result), 1, &form));
	return bw_form_num(&form, 0, UINT64_MAX, out_count);
}

enum bw_err bw_handover_note(struct bw_handover *h, const char *action, struct bw_slice target, struct bw_slice note,
			     struct bw_why *why)
{
	const struct bw_slice fields[] = { bw_slice_text(action), target, note };
	const struct bw_desk_question question = { BW_OFFICE_NOTE, fields, BW_COUNT(fields), -1, ANSWER_MS };

	return bw_desk_ask(h->channel, &question, NULL, NULL, why);
}
