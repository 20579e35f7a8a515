#include "guard/sample.h"

#include <errno.h>
#include <unistd.h>

#include "crypto/hash.h"

void bw_sample_plan(uint64_t salt, const struct bw_file_key *key, uint64_t size, struct bw_plan *out)
{
	struct bw_file_key own = *key;
	uint8_t secret[BW_SIPHASH_KEY_BYTES] = { 0 };
	uint8_t bytes[BW_KEY_BYTES];

	own.volume = 0;
	memcpy(secret, &salt, sizeof(salt));
	bw_file_key_write(&own, bytes);
	bw_plan_make(size, bw_siphash(secret, bw_slice_of(bytes, sizeof(bytes))), out);
}

static size_t read_window(int fd, const struct bw_window *window, uint8_t *to)
{
	size_t done = 0;

	while (done < window->len) {
		const ssize_t got = pread(fd, to + done, window->len - done, (off_t)(window->at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

enum bw_err bw_sample_read(int fd, const struct bw_plan *plan, uint64_t size, uint8_t space[BW_CONTENT_WHOLE_MAX],
			   struct bw_sample *out)
{
	struct bw_sample sample = { .size = size };
	size_t used = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const size_t len = read_window(fd, &plan->windows[i], space + used);

		if (len == 0)
			continue;
		sample.pieces[sample.count++] = (struct bw_piece){ plan->windows[i].at,
								   bw_slice_of(space + used, len) };
		used += len;
	}
	BW_NEED(sample.count > 0 || plan->count == 0, IO);
	*out = sample;
	return BW_OK;
}

void bw_sample_of(struct bw_slice content, const struct bw_plan *plan, struct bw_sample *out)
{
	*out = (struct bw_sample){ .size = content.len };
	for (size_t i = 0; i < plan->count; i++) {
		const struct bw_slice window = bw_slice_sub(content, (size_t)plan->windows[i].at, plan->windows[i].len);

		if (window.len > 0)
			out->pieces[out->count++] = (struct bw_piece){ plan->windows[i].at, window };
	}
}

/* ---- between keep and sampler --------------------------------------------------------------- */

size_t bw_sample_bytes(const struct bw_sample *sample)
{
	size_t bytes = sizeof(struct bw_sample_ask);

	for (size_t i = 0; i < sample->count; i++)
		bytes += sample->pieces[i].bytes.len;
	return bytes;
}

void bw_sample_write(void *to, uint32_t volume, uint64_t version, const struct bw_sample *sample)
{
	struct bw_sample_ask ask = {
		.version = version, .size = sample->size, .volume = volume, .count = (uint32_t)sample->count
	};
	uint8_t *at = (uint8_t *)to + sizeof(ask);

	for (size_t i = 0; i < sample->count; i++) {
		const struct bw_piece *piece = &sample->pieces[i];

		ask.pieces[i].at = piece->at;
		ask.pieces[i].len = (uint32_t)piece->bytes.len;
		memcpy(at, piece->bytes.ptr, piece->bytes.len);
		at += piece->bytes.len;
	}
	memcpy(to, &ask, sizeof(ask));
}

enum bw_err bw_sample_parse(struct bw_slice record, struct bw_sample_ask *out, struct bw_sample *out_sample)
{
	struct bw_sample_ask ask;
	struct bw_sample sample;
	size_t at = sizeof(ask);
	uint64_t expect = 0;

	BW_NEED(record.len >= sizeof(ask), PROTOCOL);
	memcpy(&ask, record.ptr, sizeof(ask));
	BW_NEED(ask.count <= BW_PIECES_MAX, PROTOCOL);
	sample = (struct bw_sample){ .size = ask.size, .count = ask.count };
	for (size_t i = 0; i < ask.count; i++) {
		const uint32_t len = ask.pieces[i].len;

		BW_NEED(ask.pieces[i].at >= expect && len <= record.len - at, PROTOCOL);
		expect = ask.pieces[i].at + len;
		BW_NEED(expect >= ask.pieces[i].at, PROTOCOL);
		sample.pieces[i] = (struct bw_piece){ ask.pieces[i].at, bw_slice_sub(record, at, len) };
		at += len;
	}
	BW_NEED(at == record.len, PROTOCOL);
	*out = ask;
	*out_sample = sample;
	return BW_OK;
}
