/* The pure half: the manifest's text and the seal over it. */
#include "guard/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"
#include "sys/clock.h"

static const char first_line[] = "breakwater guard evidence 1\n";

enum { SEAL_VERSION = 1 };

/* ---- writing -------------------------------------------------------------------------------- */

static enum bw_err add_ms(struct bw_buf *out, const char *name, int64_t ms)
{
	return ms < 0 ? bw_buf_addf(out, "%s unknown\n", name) : bw_buf_addf(out, "%s %" PRId64 "\n", name, ms);
}

enum bw_err bw_evidence_manifest_add(struct bw_buf *out, const struct bw_evidence_manifest *manifest)
{
	char decided[BW_TIME_BYTES];
	char sealed[BW_TIME_BYTES];
	char hex[2 * BW_SHA256_BYTES + 1];

	bw_time_format(manifest->decided_us, decided);
	bw_time_format(manifest->sealed_us, sealed);
	BW_TRY(bw_buf_addf(out, "%sincident %" PRIu64 "\nreport %" PRIu32 "\ndecided %s\nsealed %s\n", first_line,
			   manifest->incident, manifest->number, decided, sealed));
	BW_TRY(add_ms(out, "indicators-after-ms", manifest->indicators_ms));
	BW_TRY(add_ms(out, "sealed-after-ms", manifest->sealed_ms));
	bw_hex_encode(bw_slice_of(manifest->ledger.chain, sizeof(manifest->ledger.chain)), hex);
	BW_TRY(bw_buf_addf(out, "ledger %" PRIu64 " %s\n", manifest->ledger.number, hex));
	for (size_t i = 0; i < manifest->count; i++) {
		const struct bw_evidence_file *file = &manifest->files[i];

		bw_hex_encode(bw_slice_of(file->sha256, sizeof(file->sha256)), hex);
		BW_TRY(bw_buf_addf(out, "file %s %" PRIu64 " %s\n", hex, file->size, file->name));
	}
	return BW_OK;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static enum bw_err take_line(struct bw_slice *text, const char *name, struct bw_slice *out)
{
	struct bw_slice line;
	struct bw_slice word;

	BW_NEED(bw_slice_cut(*text, '\n', &line, text), SYNTAX);
	BW_NEED(bw_slice_cut(line, ' ', &word, out) && bw_slice_is(word, name), SYNTAX);
	return BW_OK;
}

static enum bw_err take_num(struct bw_slice *text, const char *name, uint64_t *out)
{
	struct bw_slice value;

	BW_TRY(take_line(text, name, &value));
	return bw_parse_u64(value, out) == BW_OK ? BW_OK : BW_ERR_SYNTAX;
}

static enum bw_err take_time(struct bw_slice *text, const char *name, int64_t *out)
{
	struct bw_slice value;

	BW_TRY(take_line(text, name, &value));
	return bw_time_parse(value, out) == BW_OK ? BW_OK : BW_ERR_SYNTAX;
}

static enum bw_err take_ms(struct bw_slice *text, const char *name, int64_t *out)
{
	struct bw_slice value;
	uint64_t ms;

	BW_TRY(take_line(text, name, &value));
	*out = -1;
	if (bw_slice_is(value, "unknown"))
		return BW_OK;
	BW_NEED(bw_parse_u64(value, &ms) == BW_OK && ms <= INT64_MAX, SYNTAX);
	*out = (int64_t)ms;
	return BW_OK;
}

static enum bw_err take_ledger(struct bw_slice *text, struct bw_ledger_link *out)
{
	struct bw_slice value;
	struct bw_slice number;
	struct bw_slice chain;

	BW_TRY(take_line(text, "ledger", &value));
	BW_NEED(bw_slice_cut(value, ' ', &number, &chain), SYNTAX);
	BW_NEED(bw_parse_u64(number, &out->number) == BW_OK, SYNTAX);
	return bw_hex_decode(chain, out->chain, sizeof(out->chain)) == BW_OK ? BW_OK : BW_ERR_SYNTAX;
}

static enum bw_err take_file(struct bw_slice *text, const struct bw_evidence_file *before, struct bw_evidence_file *out)
{
	struct bw_slice value;
	struct bw_slice sum;
	struct bw_slice size;
	struct bw_slice name;

	BW_TRY(take_line(text, "file", &value));
	BW_NEED(bw_slice_cut(value, ' ', &sum, &value) && bw_slice_cut(value, ' ', &size, &name), SYNTAX);
	BW_NEED(bw_hex_decode(sum, out->sha256, sizeof(out->sha256)) == BW_OK, SYNTAX);
	BW_NEED(bw_parse_u64(size, &out->size) == BW_OK && bw_report_piece_name_is_fine(name), SYNTAX);
	(void)snprintf(out->name, sizeof(out->name), "%.*s", BW_ARG(name));
	BW_NEED(before == NULL || strcmp(before->name, out->name) < 0, SYNTAX);
	return BW_OK;
}

static enum bw_err parse(struct bw_slice text, struct bw_evidence_manifest *out)
{
	uint64_t number;

	BW_NEED(bw_slice_starts(text, bw_slice_text(first_line)), SYNTAX);
	text = bw_slice_from(text, sizeof(first_line) - 1);
	BW_TRY(take_num(&text, "incident", &out->incident));
	BW_TRY(take_num(&text, "report", &number));
	BW_NEED(number <= UINT32_MAX, SYNTAX);
	out->number = (uint32_t)number;
	BW_TRY(take_time(&text, "decided", &out->decided_us));
	BW_TRY(take_time(&text, "sealed", &out->sealed_us));
	BW_TRY(take_ms(&text, "indicators-after-ms", &out->indicators_ms));
	BW_TRY(take_ms(&text, "sealed-after-ms", &out->sealed_ms));
	BW_TRY(take_ledger(&text, &out->ledger));
	for (; text.len > 0; out->count++) {
		BW_NEED(out->count < BW_EVIDENCE_FILES_MAX, TOO_MANY);
		BW_TRY(take_file(&text, out->count > 0 ? &out->files[out->count - 1] : NULL, &out->files[out->count]));
	}
	return BW_OK;
}

enum bw_err bw_evidence_manifest_parse(struct bw_slice text, struct bw_evidence_manifest *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);

	memset(out, 0, sizeof(*out));
	BW_TRY(parse(text, out));
	/* one form only: leading zeros, other digits' case and the like would be other bytes under the same meaning */
	BW_TRY(bw_evidence_manifest_add(&again, out));
	return bw_slice_equals(bw_buf_slice(&again), text) ? BW_OK : BW_ERR_SYNTAX;
}

/* ---- the seal ------------------------------------------------------------------------------------ */

static bool is_manifest(struct bw_slice text)
{
	struct bw_evidence_manifest *manifest = malloc(sizeof(*manifest));
	const bool is = manifest != NULL && bw_evidence_manifest_parse(text, manifest) == BW_OK;

	free(manifest);
	return is;
}

enum bw_err bw_evidence_seal(const struct bw_node_keys *keys, struct bw_slice manifest, struct bw_buf *out)
{
	struct bw_node_signature signature;
	struct bw_node_public node;

	BW_NEED(is_manifest(manifest), SYNTAX);
	BW_TRY(bw_node_sign(keys, BW_EVIDENCE_DOMAIN, manifest, &signature));
	bw_node_keys_public(keys, &node);
	BW_TRY(bw_buf_add_text(out, "BWSL"));
	BW_TRY(bw_buf_add_u8(out, SEAL_VERSION));
	BW_TRY(bw_node_public_add(out, &node));
	return bw_node_signature_add(out, &signature);
}

enum bw_err bw_evidence_seal_check(struct bw_slice seal, struct bw_slice manifest, struct bw_node_public *out_node)
{
	struct bw_cursor c = bw_cursor_over(seal);
	struct bw_node_signature signature;
	struct bw_slice mark;
	uint8_t version;

	BW_NEED(bw_take(&c, 4, &mark) == BW_OK && bw_slice_is(mark, "BWSL"), SYNTAX);
	BW_NEED(bw_take_u8(&c, &version) == BW_OK, SYNTAX);
	BW_NEED(version == SEAL_VERSION, VERSION);
	BW_NEED(bw_node_public_take(&c, out_node) == BW_OK, SYNTAX);
	BW_NEED(bw_node_signature_take(&c, &signature) == BW_OK && bw_cursor_left(&c) == 0, SYNTAX);
	return bw_node_verify(out_node, BW_EVIDENCE_DOMAIN, manifest, &signature);
}
