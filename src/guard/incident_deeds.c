#include "guard/incident_deeds.h"

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/hand_form.h"
#include "guard/plain.h"

static const struct {
	const char *name;
	const char *words; /* before the subject; NULL: told elsewhere */
} said[] = {
	[BW_ACTED_KEPT_OUT] = { "kept out", "Kept out" },
	[BW_ACTED_FROZE] = { "frozen", "Frozen" },
	[BW_ACTED_HELD] = { "held", "Held" },
	[BW_ACTED_LET_IN] = { "let in", "Let in again" },
	[BW_ACTED_THAWED] = { "goes on", "Goes on" },
	[BW_ACTED_RELEASED] = { "goes on", "Goes on" },
	[BW_ACTED_FAILED] = { "failed", "NOT DONE" },
	[BW_ACTED_NOTICED] = { "noticed", NULL },
};

void bw_incident_deeds_init(struct bw_incident_deeds *out, uint64_t incident)
{
	*out = (struct bw_incident_deeds){ .incident = incident,
					   .text = BW_BUF_INIT(BW_DEEDS_BYTES),
					   .json = BW_BUF_INIT(BW_DEEDS_BYTES) };
}

void bw_incident_deeds_release(struct bw_incident_deeds *deeds)
{
	bw_buf_release(&deeds->text);
	bw_buf_release(&deeds->json);
}

static enum bw_err add_json(struct bw_buf *out, const struct bw_acted *acted, int64_t wall_us)
{
	BW_TRY(bw_buf_add_text(out, out->len > 0 ? ",{" : "{"));
	BW_TRY(bw_json_add_text(out, "what", bw_slice_text(said[acted->what].name)));
	BW_TRY(bw_json_add_text(out, "subject", acted->subject));
	BW_TRY(bw_plain_json_time(out, "time", wall_us));
	if (acted->until_us != 0)
		BW_TRY(bw_plain_json_time(out, "until", acted->until_us));
	if (acted->undo.len > 0)
		BW_TRY(bw_json_add_text(out, acted->what == BW_ACTED_FAILED ? "why" : "undo", acted->undo));
	return bw_buf_add_u8(out, '}');
}

/* "Kept out from T until T: 10.0.0.9", "NOT DONE at T: 10.0.0.9: there is no nft here". */
static enum bw_err add_line(struct bw_buf *out, const struct bw_acted *acted, int64_t wall_us)
{
	char when[BW_PLAIN_BYTES];

	BW_TRY(bw_buf_addf(out, "%s %s %s", said[acted->what].words, acted->until_us != 0 ? "from" : "at",
			   bw_plain_time(wall_us, when)));
	if (acted->until_us != 0)
		BW_TRY(bw_buf_addf(out, " until %s", bw_plain_time(acted->until_us, when)));
	BW_TRY(bw_buf_add_text(out, ": "));
	BW_TRY(bw_text_escape(out, acted->subject));
	if (acted->what == BW_ACTED_FAILED) {
		BW_TRY(bw_buf_add_text(out, ": "));
		BW_TRY(bw_text_escape(out, acted->undo));
	}
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_incident_deeds_feed(struct bw_incident_deeds *deeds, const struct bw_ledger_record *record)
{
	struct bw_acted acted;

	if (record->kind != BW_LEDGER_ACTED || record->incident != deeds->incident ||
	    bw_acted_parse(record->body, &acted) != BW_OK || said[acted.what].words == NULL)
		return BW_OK;
	BW_TRY(add_json(&deeds->json, &acted, record->wall_us));
	deeds->failed += acted.what == BW_ACTED_FAILED;
	if (deeds->shown >= BW_DEEDS_SHOWN && acted.what != BW_ACTED_FAILED) {
		deeds->more++;
		return BW_OK;
	}
	deeds->shown++;
	return add_line(&deeds->text, &acted, record->wall_us);
}

enum bw_err bw_incident_deeds_words(const struct bw_incident_deeds *deeds, bool is_client, struct bw_buf *out)
{
	if (is_client && deeds->shown == 0)
		return bw_buf_add_text(out, "Nothing is written down of keeping the client out: take it off the "
					    "network by hand\n");
	BW_TRY(bw_buf_add(out, bw_buf_slice(&deeds->text)));
	if (deeds->more > 0)
		BW_TRY(bw_buf_addf(out, "and %zu more of that kind (--format json names all)\n", deeds->more));
	if (deeds->failed == 0)
		return BW_OK;
	return bw_buf_add_text(out, "What was not done, do by hand: take that client off the network, disable its "
				    "account, end its processes; and mend what stood in the way (breakwater doctor)\n");
}
