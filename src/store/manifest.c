#include "store/manifest.h"

#include <stdio.h>

#include "base/cursor.h"
#include "base/num.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "sys/clock.h"

#define FIRST_LINE "breakwater backup 1"

enum { BLOCK_BYTES = 256 * 1024 };

enum bw_err bw_manifest_write(const struct bw_manifest *manifest, struct bw_buf *out)
{
	char time[BW_TIME_BYTES];
	char hex[2 * sizeof(manifest->digest) + 1];

	bw_time_format(manifest->made_us, time);
	bw_hex_encode(bw_slice_of(manifest->digest, sizeof(manifest->digest)), hex);
	return bw_buf_addf(out, FIRST_LINE "\nmade %s\nlast-added %lld\nentries.db %llu %s\n", time,
			   (long long)manifest->last_added_us, (unsigned long long)manifest->bytes, hex);
}

static bool take_line(struct bw_slice *rest, const char *name, struct bw_slice *out)
{
	struct bw_slice line;

	if (!bw_slice_cut(*rest, '\n', &line, rest) || !bw_slice_starts(line, bw_slice_text(name)))
		return false;
	*out = bw_slice_from(line, strlen(name));
	return true;
}

enum bw_err bw_manifest_parse(struct bw_slice text, struct bw_manifest *out)
{
	struct bw_manifest manifest;
	struct bw_slice rest = text;
	struct bw_slice value;
	struct bw_slice hex;

	BW_NEED(take_line(&rest, FIRST_LINE, &value) && value.len == 0, VERSION);
	BW_NEED(take_line(&rest, "made ", &value) && bw_time_parse(value, &manifest.made_us) == BW_OK, SYNTAX);
	BW_NEED(take_line(&rest, "last-added ", &value) && bw_parse_i64(value, &manifest.last_added_us) == BW_OK,
		SYNTAX);
	BW_NEED(take_line(&rest, "entries.db ", &value) && bw_slice_cut(value, ' ', &value, &hex), SYNTAX);
	BW_NEED(bw_parse_u64(value, &manifest.bytes) == BW_OK, SYNTAX);
	BW_NEED(bw_hex_decode(hex, manifest.digest, sizeof(manifest.digest)) == BW_OK && rest.len == 0, SYNTAX);
	*out = manifest;
	return BW_OK;
}

static void close_file(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

static enum bw_err digest_stream(FILE *file, struct bw_sha256_run *run, uint8_t out[32], uint64_t *out_bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf block = BW_BUF_INIT(BLOCK_BYTES);
	size_t got;

	BW_TRY(bw_buf_reserve(&block, BLOCK_BYTES));
	*out_bytes = 0;
	while ((got = fread(block.ptr, 1, BLOCK_BYTES, file)) > 0) {
		*out_bytes += got;
		BW_TRY(bw_sha256_add(run, bw_slice_of(block.ptr, got)));
	}
	BW_NEED(ferror(file) == 0, IO);
	return bw_sha256_end(run, out);
}

enum bw_err bw_file_digest(const char *path, uint8_t out[32], uint64_t *out_bytes)
{
	BW_CLEANUP(close_file) FILE *file = fopen(path, "rbe");
	struct bw_sha256_run *run;
	enum bw_err err;

	BW_NEED(file != NULL, NOT_FOUND);
	BW_TRY(bw_sha256_new(&run));
	err = digest_stream(file, run, out, out_bytes);
	bw_sha256_free(run);
	return err;
}
