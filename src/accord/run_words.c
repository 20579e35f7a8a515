#include "accord/run_words.h"

enum { PARTY_FIELDS = 9, ADDRESS_BYTES = 22 };

static enum bw_err add_addresses(struct bw_buf *out, const struct bw_run_party *party)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(ADDRESS_BYTES * BW_COUNT(party->addresses));

	for (size_t i = 0; i < party->address_count; i++) {
		const struct bw_net_address *address = &party->addresses[i];

		BW_TRY(bw_buf_add(&list, bw_slice_of(address->ip, sizeof(address->ip))));
		BW_TRY(bw_buf_add_be16(&list, address->port));
		BW_TRY(bw_buf_add_be32(&list, address->scope));
	}
	return bw_form_add(out, bw_buf_slice(&list));
}

enum bw_err bw_run_party_add(struct bw_buf *out, const struct bw_run_party *party)
{
	BW_TRY(bw_form_add(out, bw_slice_of(party->pin, sizeof(party->pin))));
	BW_TRY(bw_form_add_num(out, party->is_peer));
	BW_TRY(bw_form_add_num(out, party->classical));
	BW_TRY(bw_form_add_num(out, party->tls));
	BW_TRY(bw_form_add_text(out, party->host));
	BW_TRY(bw_form_add_text(out, party->authority));
	BW_TRY(bw_form_add_text(out, party->prefix));
	BW_TRY(bw_form_add_num(out, party->address_count));
	return add_addresses(out, party);
}

static enum bw_err take_bool(const struct bw_form *form, size_t at, bool *out)
{
	uint64_t value;

	BW_TRY(bw_form_num(form, at, 1, &value));
	*out = value == 1;
	return BW_OK;
}

static enum bw_err take_addresses(struct bw_slice list, struct bw_run_party *out)
{
	struct bw_cursor c = bw_cursor_over(list);

	for (size_t i = 0; i < out->address_count; i++) {
		struct bw_net_address *address = &out->addresses[i];
		struct bw_slice ip;

		BW_TRY(bw_take(&c, sizeof(address->ip), &ip));
		memcpy(address->ip, ip.ptr, sizeof(address->ip));
		BW_TRY(bw_take_be16(&c, &address->port));
		BW_TRY(bw_take_be32(&c, &address->scope));
	}
	BW_NEED(bw_cursor_left(&c) == 0, PROTOCOL);
	return BW_OK;
}

enum bw_err bw_run_party_take(struct bw_slice bytes, struct bw_run_party *out)
{
	struct bw_form form;
	uint64_t count;

	BW_TRY(bw_form_take(bytes, PARTY_FIELDS, &form));
	BW_NEED(form.fields[0].len == sizeof(out->pin), PROTOCOL);
	memcpy(out->pin, form.fields[0].ptr, sizeof(out->pin));
	BW_TRY(take_bool(&form, 1, &out->is_peer));
	BW_TRY(take_bool(&form, 2, &out->classical));
	BW_TRY(take_bool(&form, 3, &out->tls));
	BW_TRY(bw_form_text(&form, 4, out->host, sizeof(out->host)));
	BW_TRY(bw_form_text(&form, 5, out->authority, sizeof(out->authority)));
	BW_TRY(bw_form_text(&form, 6, out->prefix, sizeof(out->prefix)));
	BW_TRY(bw_form_num(&form, 7, BW_COUNT(out->addresses), &count));
	out->address_count = (size_t)count;
	return take_addresses(form.fields[8], out);
}

enum bw_err bw_run_add_body(struct bw_buf *form, struct bw_slice body, struct bw_memfile *memory)
{
	if (body.len <= BW_RUN_INLINE_MAX)
		return bw_form_add(form, body);
	BW_TRY(bw_memfile_of("accord-body", body, memory));
	return bw_form_add(form, bw_slice_empty);
}

enum bw_err bw_run_body(struct bw_slice field, int fd, struct bw_mapped *mapped, struct bw_slice *out)
{
	if (fd < 0) {
		*out = field;
		return BW_OK;
	}
	BW_NEED(field.len == 0, PROTOCOL);
	BW_TRY(bw_mapped_open(fd, BW_RUN_BODY_MAX, mapped));
	*out = mapped->bytes;
	return BW_OK;
}
