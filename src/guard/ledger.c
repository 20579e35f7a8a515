#include "guard/ledger.h"

enum { VERSION = 1 };

static const struct bw_slice magic = { (const uint8_t *)"BWGL", 4 };

const char *bw_ledger_kind_name(uint8_t kind)
{
	static const char *const names[BW_LEDGER_KINDS] = {
		[BW_LEDGER_STARTED] = "started",   [BW_LEDGER_STOPPED] = "stopped",
		[BW_LEDGER_EVIDENCE] = "evidence", [BW_LEDGER_RESTORING] = "restoring",
		[BW_LEDGER_RESTORED] = "restored", [BW_LEDGER_APPROVED] = "approved",
		[BW_LEDGER_CLOSED] = "closed",     [BW_LEDGER_CUT] = "cut",
		[BW_LEDGER_DAMAGED] = "damaged",   [BW_LEDGER_REPORTED] = "reported",
		[BW_LEDGER_ACTED] = "acted",       [BW_LEDGER_TRACE] = "trace",
		[BW_LEDGER_APPROVAL] = "approval", [BW_LEDGER_JOB] = "job",
		[BW_LEDGER_SHARED] = "shared",     [BW_LEDGER_RELEASED] = "released",
		[BW_LEDGER_TOLD] = "told",         [BW_LEDGER_REOPENED] = "reopened",
		[BW_LEDGER_ALLOWED] = "allowed",   [BW_LEDGER_SENT] = "sent",
		[BW_LEDGER_HELPED] = "helped",     [BW_LEDGER_DRILL] = "drill",
	};

	return kind < BW_LEDGER_KINDS && names[kind] != NULL ? names[kind] : "unknown";
}

static enum bw_err take_zeros(struct bw_cursor *c, size_t count, enum bw_err otherwise)
{
	struct bw_slice zeros;

	BW_TRY(bw_take(c, count, &zeros));
	for (size_t i = 0; i < count; i++) {
		if (zeros.ptr[i] != 0)
			return otherwise;
	}
	return BW_OK;
}

enum bw_err bw_ledger_head_parse(struct bw_cursor *in, struct bw_ledger_head *out, struct bw_ledger_link *out_link)
{
	struct bw_cursor c = *in;
	struct bw_ledger_head head;
	struct bw_ledger_link link = { 0 };
	struct bw_slice bytes;
	uint8_t version;
	uint64_t began;

	BW_TRY(bw_take(&c, magic.len, &bytes));
	BW_NEED(bw_slice_equals(bytes, magic), SYNTAX);
	BW_TRY(bw_take_u8(&c, &version));
	BW_NEED(version == VERSION, SCHEMA);
	BW_TRY(take_zeros(&c, 3, BW_ERR_SCHEMA));
	BW_TRY(bw_take(&c, sizeof(head.id), &bytes));
	memcpy(head.id, bytes.ptr, sizeof(head.id));
	BW_TRY(bw_take_be64(&c, &began));
	head.began_us = (int64_t)began;
	BW_TRY(bw_sha256(bw_slice_sub(in->over, in->at, c.at - in->at), link.chain));
	*in = c;
	*out = head;
	*out_link = link;
	return BW_OK;
}

enum bw_err bw_ledger_head_write(const struct bw_ledger_head *head, struct bw_buf *out, struct bw_ledger_link *out_link)
{
	static const uint8_t version[4] = { VERSION };
	const size_t before = out->len;
	struct bw_ledger_link link = { 0 };

	BW_TRY(bw_buf_reserve(out, BW_LEDGER_HEAD_BYTES));
	BW_TRY(bw_buf_add(out, magic));
	BW_TRY(bw_buf_add(out, bw_slice_of(version, sizeof(version))));
	BW_TRY(bw_buf_add(out, bw_slice_of(head->id, sizeof(head->id))));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)head->began_us));
	BW_TRY(bw_sha256(bw_slice_from(bw_buf_slice(out), before), link.chain));
	*out_link = link;
	return BW_OK;
}

/* Chain before, record up to its chain. */
static enum bw_err chain_of(const struct bw_ledger_link *link, struct bw_slice record, uint8_t out[BW_SHA256_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf both = BW_BUF_INIT(sizeof(link->chain) + record.len);

	/* one pass over one piece of memory: records are small, and a context a record costs more */
	BW_TRY(bw_buf_add(&both, bw_slice_of(link->chain, sizeof(link->chain))));
	BW_TRY(bw_buf_add(&both, record));
	return bw_sha256(bw_buf_slice(&both), out);
}

/* A head that no writer makes is damage even when the bytes behind it are not there yet. */
static enum bw_err front_of(struct bw_cursor *c, const struct bw_ledger_link *link, struct bw_ledger_record *out,
			    uint32_t *out_length)
{
	uint64_t wall;

	BW_TRY(bw_take_be32(c, out_length));
	BW_TRY(bw_take_u8(c, &out->kind));
	BW_TRY(take_zeros(c, 3, BW_ERR_CORRUPT));
	BW_TRY(bw_take_be64(c, &out->number));
	BW_TRY(bw_take_be64(c, &wall));
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_NEED(*out_length <= BW_LEDGER_BODY_MAX, CORRUPT);
	BW_NEED(out->kind >= BW_LEDGER_STARTED && out->number == link->number + 1, CORRUPT);
	out->wall_us = (int64_t)wall;
	return BW_OK;
}

enum bw_err bw_ledger_next(struct bw_cursor *in, struct bw_ledger_link *link, struct bw_ledger_record *out)
{
	struct bw_cursor c = *in;
	struct bw_ledger_record record = { 0 };
	struct bw_ledger_link next = { .number = link->number + 1 };
	struct bw_slice chain;
	uint32_t length;
	size_t hashed;

	BW_NEED(bw_cursor_left(&c) > 0, AGAIN);
	BW_TRY(front_of(&c, link, &record, &length));
	BW_TRY(bw_take(&c, length, &record.body));
	hashed = c.at - in->at;
	BW_TRY(bw_take(&c, sizeof(next.chain), &chain));
	BW_TRY(chain_of(link, bw_slice_sub(in->over, in->at, hashed), next.chain));
	BW_NEED(memcmp(chain.ptr, next.chain, sizeof(next.chain)) == 0, CORRUPT);
	*in = c;
	*link = next;
	*out = record;
	return BW_OK;
}

enum bw_err bw_ledger_write(const struct bw_ledger_record *record, struct bw_ledger_link *link, struct bw_buf *out)
{
	static const uint8_t zeros[3];
	const size_t before = out->len;
	struct bw_ledger_link next = { .number = link->number + 1 };

	BW_NEED(record->kind >= BW_LEDGER_STARTED && record->kind < BW_LEDGER_KINDS, RANGE);
	BW_NEED(record->body.len <= BW_LEDGER_BODY_MAX, TOO_BIG);
	/* all or nothing: after this no line below can fail for want of room */
	BW_TRY(bw_buf_reserve(out, BW_LEDGER_FRONT_BYTES + record->body.len + sizeof(next.chain)));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)record->body.len));
	BW_TRY(bw_buf_add_u8(out, record->kind));
	BW_TRY(bw_buf_add(out, bw_slice_of(zeros, sizeof(zeros))));
	BW_TRY(bw_buf_add_be64(out, next.number));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)record->wall_us));
	BW_TRY(bw_buf_add_be64(out, record->incident));
	BW_TRY(bw_buf_add(out, record->body));
	if (chain_of(link, bw_slice_from(bw_buf_slice(out), before), next.chain) != BW_OK) {
		out->len = before;
		return BW_ERR_MEMORY;
	}
	BW_TRY(bw_buf_add(out, bw_slice_of(next.chain, sizeof(next.chain))));
	*link = next;
	return BW_OK;
}

enum bw_err bw_ledger_restored_write(const struct bw_ledger_restored *restored, struct bw_buf *out)
{
	BW_TRY(bw_buf_reserve(out, BW_LEDGER_RESTORED_BYTES));
	BW_TRY(bw_buf_add_be64(out, restored->files));
	BW_TRY(bw_buf_add_be64(out, restored->unchanged));
	BW_TRY(bw_buf_add_be64(out, restored->beside));
	BW_TRY(bw_buf_add_be64(out, restored->displaced));
	BW_TRY(bw_buf_add_be64(out, restored->failed));
	return bw_buf_add_be64(out, restored->bytes);
}

enum bw_err bw_ledger_restored_parse(struct bw_slice body, struct bw_ledger_restored *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_ledger_restored restored;

	BW_TRY(bw_take_be64(&c, &restored.files));
	BW_TRY(bw_take_be64(&c, &restored.unchanged));
	BW_TRY(bw_take_be64(&c, &restored.beside));
	BW_TRY(bw_take_be64(&c, &restored.displaced));
	BW_TRY(bw_take_be64(&c, &restored.failed));
	BW_TRY(bw_take_be64(&c, &restored.bytes));
	*out = restored;
	return BW_OK;
}
