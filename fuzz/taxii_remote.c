/*
 * What a TAXII server may answer to our client. Properties: no text leaves its
 * room or holds a NUL inside, an id that is given can stand in a path, error words
 * hold no control characters, counts fit the text, and a walk that was read back
 * saves as the same text.
 */
#include <stdlib.h>

#include "serve/remote_read.h"
#include "serve/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void read_envelope(struct bw_slice in)
{
	struct bw_buf next = BW_BUF_INIT(4096);
	struct bw_remote_envelope envelope;

	if (bw_remote_envelope_read(in, &envelope, &next) == BW_OK) {
		check(envelope.objects <= in.len);
		check(envelope.objects_text.len <= in.len);
	}
	bw_buf_release(&next);
}

static void read_values(struct bw_slice in)
{
	struct bw_remote_collection collection;
	struct bw_remote_status status;
	char words[100];

	(void)bw_remote_kind_of(in);
	check(bw_remote_number(in, "n") >= -1);
	check(bw_http_date_us(in) >= -1);
	if (bw_remote_collection_read(in, &collection) == BW_OK)
		check(collection.id[0] != '\0' && strpbrk(collection.id, "/?#% \r\n") == NULL);
	if (bw_remote_status_read(in, &status) == BW_OK)
		check(strpbrk(status.id, "/?#% \r\n") == NULL);
	bw_remote_error_words(in, words, sizeof(words));
	check(strlen(words) < sizeof(words));
	for (const char *at = words; *at != '\0'; at++)
		check((uint8_t)*at >= 0x20 && (uint8_t)*at != 0x7f);
}

static void read_walk(struct bw_slice in)
{
	struct bw_buf once = BW_BUF_INIT(16384);
	struct bw_buf twice = BW_BUF_INIT(16384);
	struct bw_walk walk;

	bw_walk_init(&walk, 1000);
	if (bw_walk_load(&walk, in) == BW_OK) {
		check(bw_walk_save(&walk, &once) == BW_OK);
		bw_walk_init(&walk, walk.limit);
		check(bw_walk_load(&walk, bw_buf_slice(&once)) == BW_OK);
		check(bw_walk_save(&walk, &twice) == BW_OK);
		check(bw_slice_equals(bw_buf_slice(&once), bw_buf_slice(&twice)));
	}
	bw_walk_release(&walk);
	bw_buf_release(&once);
	bw_buf_release(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice in = bw_slice_of(data, size);

	read_envelope(in);
	read_values(in);
	read_walk(in);
	return 0;
}
