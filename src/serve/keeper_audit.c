/* Lines of the audit log: of writes, and of what the fronts saw. */
#include <arpa/inet.h>

#include "serve/keeper_inner.h"
#include "store/audit.h"

static struct bw_slice address_text(struct bw_slice ip, char out[INET6_ADDRSTRLEN])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	const bool is_v4 = ip.len == 16 && memcmp(ip.ptr, mapped, sizeof(mapped)) == 0;

	if (ip.len != 16 ||
	    inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? ip.ptr + 12 : ip.ptr, out, INET6_ADDRSTRLEN) == NULL)
		return bw_slice_empty;
	return bw_slice_text(out);
}

enum bw_err keeper_audit_write(struct keeper *k, const struct actor *actor, const char *action, unsigned status,
			       const char *note)
{
	char address[INET6_ADDRSTRLEN];
	const struct bw_audit_fact fact = {
		.account = actor->name,
		.address = address_text(actor->ip, address),
		.action = bw_slice_text(action),
		.target = actor->target,
		.status = status,
		.count = 1,
		.note = bw_slice_text(note),
	};

	return bw_store_audit_add(k->store, &fact);
}

static enum bw_err note_seen(struct keeper *k, struct bw_slice line)
{
	char address[INET6_ADDRSTRLEN];
	struct bw_audit_fact fact = { .note = bw_slice_empty };
	struct bw_form form;

	BW_TRY(bw_form_take(line, BW_FIELDS_SEEN_LINE, &form));
	BW_TRY(bw_form_num(&form, 4, 999, &fact.status));
	BW_TRY(bw_form_num(&form, 5, UINT32_MAX, &fact.count));
	fact.account = form.fields[0];
	fact.address = address_text(form.fields[1], address);
	fact.action = form.fields[2];
	fact.target = form.fields[3];
	return bw_store_audit_add(k->store, &fact);
}

static enum bw_err note_all(struct keeper *k, struct bw_slice list)
{
	struct bw_cursor lines = bw_cursor_over(list);
	struct bw_slice line;
	bool bad;

	while (bw_form_list_next(&lines, &line, &bad))
		BW_TRY(note_seen(k, line));
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

/* All lines of a batch are stored or none, so that the front can send it again. */
enum bw_err keeper_on_seen(void *ctx, struct bw_letter *letter)
{
	struct keeper *k = ctx;
	struct bw_form form;
	uint64_t batch;
	enum bw_err err;

	BW_TRY(bw_form_take(letter->body, BW_FIELDS_ASK_SEEN, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &batch));
	err = keeper_begin(k);
	if (err == BW_OK)
		err = note_all(k, form.fields[1]);
	if (keeper_end(k, &err))
		keeper_wait(k, FOR_SEEN, letter->from)->id = batch;
	else if (err == BW_ERR_PROTOCOL)
		return err;
	else
		keeper_send_seen(k, letter->from, batch, false);
	return BW_OK;
}
