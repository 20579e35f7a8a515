/*
 * The reader holds nothing: what an exchange said comes in, what it says exactly goes out. Whatever is wrong with an
 * object costs that object.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "base/num.h"
#include "codec/json_walk.h"
#include "guard/foreign.h"
#include "guard/guard.h"
#include "sys/clock.h"

enum {
	NICE = 15,
	MEMORY_BYTES = 1024 * 1024 * 1024,
	FRAME_FULL = 512 * 1024, /* an item more still fits */
	SURE_LEAST = 30,         /* "some reporting": STIX 2.1, Appendix A, "low" ends there */
	PEERS_MAX = 64,
	DAY_VALUES = 10000, /* that are taken of one peer in a day; the book holds half of that */
	DAY_SEEN = 1000,    /* sightings, as above: for each scribe looks through its reports */
};

#define DAY_US (INT64_C(86400) * 1000000)

/* How much of a peer's was taken today. */
struct ration {
	char peer[BW_FOREIGN_PEER_BYTES + 1]; /* "": free */
	int64_t since_us;
	size_t taken;
	size_t seen; /* sightings */
};

struct reader {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_indicator_reader *objects;
	struct ration rations[PEERS_MAX];
	size_t next_ration;
	struct bw_buf items;
	uint16_t item_count;
};

/* ---- who said it, and what for ------------------------------------------------------------------------- */

static struct ration *ration_of(struct reader *reader, struct bw_slice peer)
{
	struct ration *ration;

	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (bw_slice_is(peer, reader->rations[i].peer))
			return &reader->rations[i];
	}
	ration = &reader->rations[reader->next_ration];
	reader->next_ration = (reader->next_ration + 1) % PEERS_MAX;
	*ration = (struct ration){ 0 };
	memcpy(ration->peer, peer.ptr, peer.len);
	return ration;
}

static struct ration *ration_today(struct reader *reader, struct bw_slice peer)
{
	struct ration *ration = ration_of(reader, peer);
	const int64_t now_us = bw_clock_mono_us();

	if (ration->since_us == 0 || now_us - ration->since_us > DAY_US) {
		ration->since_us = now_us;
		ration->taken = 0;
		ration->seen = 0;
	}
	return ration;
}

static bool may_take(struct reader *reader, struct bw_slice peer)
{
	return ration_today(reader, peer)->taken++ < DAY_VALUES;
}

static bool may_see(struct reader *reader, struct bw_slice peer)
{
	return ration_today(reader, peer)->seen++ < DAY_SEEN;
}

/* What the exchange itself wrote beside an object (docs/taxii.md, "events"): where it came from, and what for. */
struct origin {
	bool may_act; /* hold somebody for it; else it is passed over */
	uint8_t confidence;
	int64_t until_us;
};

/* IEP 2.0 permitted_actions: a guard's hold is seen by nobody outside. */
static bool allows_acting(struct bw_slice actions)
{
	return bw_slice_is(actions, "internally-visible-actions") ||
	       bw_slice_is(actions, "externally-visible-indirect-actions") ||
	       bw_slice_is(actions, "externally-visible-direct-actions");
}

static enum bw_err read_member(struct bw_slice name, struct bw_slice value, struct origin *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(256);
	uint64_t confidence;

	if (bw_slice_is(name, "confidence")) {
		BW_TRY(bw_parse_u64(value, &confidence));
		out->confidence = confidence < out->confidence ? (uint8_t)confidence : out->confidence;
	} else if (bw_slice_is(name, "actions")) {
		BW_TRY(bw_json_walk_string(value, &text));
		out->may_act = allows_acting(bw_buf_slice(&text));
	} else if (bw_slice_is(name, "until")) {
		BW_TRY(bw_json_walk_string(value, &text));
		BW_TRY(bw_time_parse_any(bw_buf_slice(&text), &out->until_us));
	}
	return BW_OK;
}

/* `null`, or what cannot be read: nobody has said what may be done with it. */
static struct origin read_origin(struct bw_slice json)
{
	struct origin origin = { .confidence = UINT8_MAX, .until_us = INT64_MAX };
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	enum bw_err err = bw_json_walk_open(json, &walk);
	bool more = true;

	while (err == BW_OK && more) {
		err = bw_json_walk_next(&walk, &name, &value, &more);
		if (err == BW_OK && more)
			err = read_member(name, value, &origin);
	}
	origin.may_act = origin.may_act && err == BW_OK;
	return origin;
}

/* ---- one object ------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is everybody's is left out, and counted. */
static void choose(struct reader *reader, const struct bw_indicator *indicator, bool may_act,
		   struct bw_foreign_item *item, struct bw_trait_value *chosen)
{
	item->refused = (uint32_t)indicator->left_out;
	for (size_t i = 0; i < indicator->value_count && !item->is_gone; i++) {
		if (!may_act || item->confidence < SURE_LEAST ||
		    bw_foreign_look(&indicator->values[i]) != BW_FOREIGN_FINE || !may_take(reader, item->peer))
			item->refused++;
		else
			chosen[item->count++] = indicator->values[i];
	}
}

/* Whether that helped this server scribe knows, who has told it. */
static enum bw_err take_sighting(struct reader *reader, struct bw_slice json, struct bw_slice peer)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf id = BW_BUF_INIT(BW_FOREIGN_ID_BYTES + 1);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
	struct bw_channel *scribe = bw_seat_peer(reader->seat, "scribe", 0);

	if (bw_foreign_sighting_read(json, &id) != BW_OK || !may_see(reader, peer))
		return BW_OK;
	BW_TRY(bw_foreign_seen_add(&body, &(struct bw_foreign_seen){ peer, bw_buf_slice(&id) }));
	BW_NEED(scribe != NULL, CLOSED);
	return bw_channel_send(scribe, BW_FOREIGN_SEEN, bw_buf_slice(&body), -1, -1);
}

static enum bw_err take_object(struct reader *reader, struct bw_slice json, uint8_t line, const struct origin *origin)
{
	struct bw_trait_value chosen[BW_INDICATOR_VALUES_MAX];
	struct bw_foreign_item item = { .peer = bw_slice_text(reader->guard->exchange[line]) };
	struct bw_indicator indicator;
	enum bw_err err;

	err = bw_indicator_read(reader->objects, json, &indicator);
	if (err == BW_ERR_TYPE)
		return take_sighting(reader, json, item.peer);
	if (err != BW_OK || indicator.id.len > BW_FOREIGN_ID_BYTES)
		return err == BW_ERR_CRYPTO ? err : BW_OK; /* none of ours, or wrong */
	item.id = indicator.id;
	item.modified_us = indicator.modified_us > 0 ? indicator.modified_us : 0;
	item.until_us = earlier(indicator.until_us > 0 ? indicator.until_us : 0, origin->until_us);
	item.confidence = indicator.confidence < origin->confidence ? indicator.confidence : origin->confidence;
	item.is_gone = indicator.is_revoked || item.until_us <= bw_clock_now_us();
	choose(reader, &indicator, origin->may_act, &item, chosen);
	reader->item_count++;
	return bw_foreign_item_add(&reader->items, &item, chosen);
}

/* ---- one event --------------------------------------------------------------------------------- */

static enum bw_err send_news(struct reader *reader, uint8_t line, struct bw_slice place)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_channel *scribe = bw_seat_peer(reader->seat, "scribe", 0);
	const struct bw_foreign_news news = { .line = line, .place = place, .count = reader->item_count };

	BW_TRY(bw_foreign_news_begin(&body, &news));
	BW_TRY(bw_buf_add(&body, bw_buf_slice(&reader->items)));
	bw_buf_clear(&reader->items);
	reader->item_count = 0;
	BW_NEED(scribe != NULL, CLOSED);
	return bw_channel_send(scribe, BW_FOREIGN_NEWS, bw_buf_slice(&body), -1, -1);
}

/* The place of the event goes with the last frame of it only: what is cut off in between comes again. */
static enum bw_err take_objects(struct reader *reader, uint8_t line, struct bw_slice objects, struct bw_slice from)
{
	struct bw_json_walk walk;
	struct bw_json_walk origins = { 0 };
	struct bw_slice name;
	struct bw_slice json;
	bool more = true;

	BW_TRY(bw_json_walk_open(objects, &walk));
	if (from.len > 0)
		BW_TRY(bw_json_walk_open(from, &origins));
	for (;;) {
		/* no provenance at all: it is the node's own, and the node's guard may use it */
		struct origin origin = { .may_act = true, .confidence = UINT8_MAX, .until_us = INT64_MAX };
		struct bw_slice said = bw_slice_empty;

		BW_TRY(bw_json_walk_next(&walk, &name, &json, &more));
		if (!more)
			return BW_OK;
		if (from.len > 0) {
			BW_TRY(bw_json_walk_next(&origins, &name, &said, &more));
			origin = read_origin(more ? said : bw_slice_empty);
		}
		BW_TRY(take_object(reader, json, line, &origin));
		if (reader->item_count == BW_FOREIGN_NEWS_ITEMS || reader->items.len > FRAME_FULL)
			BW_TRY(send_news(reader, line, bw_slice_empty));
	}
}

static enum bw_err find_members(struct bw_slice data, struct bw_slice *objects, struct bw_slice *from)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(data, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return objects->len > 0 ? BW_OK : BW_ERR_MISSING;
		if (bw_slice_is(name, "objects"))
			*objects = value;
		else if (bw_slice_is(name, "from"))
			*from = value;
	}
}

/* What the exchange answered to a report. */
static enum bw_err take_said(struct reader *reader, const struct bw_frame *frame)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_FOREIGN_WORDS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_KIB);
	struct bw_channel *scribe = bw_seat_peer(reader->seat, "scribe", 0);
	struct bw_foreign_sent sent;
	enum bw_err err;

	BW_TRY(bw_foreign_sent_parse(frame->body, BW_FOREIGN_SAID, &sent));
	err = bw_foreign_answer_read(sent.answer, &words);
	if (err == BW_ERR_PROTOCOL)
		BW_TRY(bw_buf_add_text(&words, "the exchange answers with something else than a status"));
	sent.result = (uint8_t)err;
	sent.answer = bw_buf_slice(&words);
	BW_TRY(bw_foreign_sent_add(&body, BW_FOREIGN_SENT, &sent));
	BW_NEED(scribe != NULL, CLOSED);
	return bw_channel_send(scribe, BW_FOREIGN_SENT, bw_buf_slice(&body), -1, -1);
}

static enum bw_err take_told(struct reader *reader, const struct bw_frame *frame)
{
	struct bw_slice from = bw_slice_empty;
	struct bw_slice objects = bw_slice_empty;
	struct bw_foreign_told told;
	enum bw_err err;

	BW_NEED(frame->kind == BW_FOREIGN_TOLD, PROTOCOL);
	BW_TRY(bw_foreign_told_parse(frame->body, true, &told));
	BW_NEED(told.line < reader->guard->exchange_count, PROTOCOL);
	err = find_members(told.data, &objects, &from);
	if (err == BW_OK)
		err = take_objects(reader, told.line, objects, from);
	if (err == BW_ERR_CLOSED || err == BW_ERR_MEMORY || err == BW_ERR_CRYPTO)
		return err;
	if (err != BW_OK) /* the exchange's own words; what was read of them counts, and it goes on */
		bw_log(BW_WARNING, "what the exchange says makes no sense",
		       BW_TEXT("collection", reader->guard->exchange[told.line]), BW_TEXT("why", bw_err_text(err)));
	return send_news(reader, told.line, told.place);
}

/* ---- the loop ------------------------------------------------------------------------------------- */

/* False when there is nothing more to hear from it: a new one comes from the parent. */
static void hear_caller(struct reader *reader)
{
	struct bw_channel *caller = bw_seat_peer(reader->seat, "caller", 0);
	struct bw_frame frame;
	enum bw_err err = caller == NULL ? BW_ERR_CLOSED : bw_channel_fill(caller);

	while (err == BW_OK || err == BW_ERR_AGAIN) {
		err = bw_channel_next(caller, &frame, NULL);
		if (err == BW_ERR_AGAIN)
			return;
		if (err == BW_OK)
			err = frame.kind == BW_FOREIGN_SAID ? take_said(reader, &frame) : take_told(reader, &frame);
	}
	if (err == BW_ERR_CLOSED)
		return;
	bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", "caller"), BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(reader->seat, "caller", 0)); /* without a parent the next turn ends us */
}

/* False when it is time to go. */
static bool hear_parent(struct reader *reader)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(reader->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
		else if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			(void)close(event.fd);
	}
}

static void work(struct reader *reader)
{
	for (;;) {
		const struct bw_channel *caller = bw_seat_peer(reader->seat, "caller", 0);
		struct pollfd wanted[] = { { bw_seat_fd(reader->seat), POLLIN, 0 }, { -1, POLLIN, 0 } };

		if (caller != NULL && !bw_channel_has_ended(caller))
			wanted[1].fd = bw_channel_fd(caller);
		if (poll(wanted, BW_COUNT(wanted), -1) < 0 && errno != EINTR)
			return;
		if (wanted[0].revents != 0 && !hear_parent(reader))
			return;
		if (wanted[1].revents != 0)
			hear_caller(reader);
	}
}

static enum bw_err begin(struct reader *reader, struct bw_seat *seat, struct bw_why *why)
{
	const struct bw_sandbox_paths paths = { .memory_bytes = MEMORY_BYTES };

	reader->seat = seat;
	reader->guard = bw_guard_of(seat);
	reader->items = BW_BUF_INIT(BW_FRAME_BODY_MAX - 1024);
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	BW_TRY(bw_indicator_reader_new(&reader->objects));
	BW_TRY(bw_seat_confine(seat, &paths, reader->guard->require_sandbox, why));
	return bw_seat_ready(seat);
}

int bw_foreign_reader_run(struct bw_seat *seat)
{
	static struct reader reader;
	struct bw_why why = { 0 };
	const enum bw_err err = bw_why_doing(&why, begin(&reader, seat, &why), "begin");

	if (err != BW_OK)
		bw_log(BW_ERROR, "reader ends", BW_TEXT("why", why.text));
	else
		work(&reader);
	bw_indicator_reader_free(reader.objects);
	bw_buf_release(&reader.items);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}
