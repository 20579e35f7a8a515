/* How workers come by their channels to one another, and to new ones. */
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "sys/clock.h"
#include "sys/crew.h"

enum {
	BACKOFF_FIRST_MS = 50,
	BACKOFF_MAX_MS = 5000,
	STEADY_US = 10000000, /* who has not broken a channel for so long begins at the shortest wait again */
};

const struct bw_worker *crew_row_of(const struct bw_crew *crew, const struct seat_view *seat)
{
	return &crew->plan->workers[seat->row];
}

bool crew_is_up(const struct seat_view *seat)
{
	return seat->state != DOWN && seat->control != NULL;
}

void crew_give_up_on(struct seat_view *seat)
{
	if (seat->pid > 0)
		(void)kill(seat->pid, SIGKILL);
}

void crew_push(struct seat_view *seat)
{
	const enum bw_err err = bw_channel_flush(seat->control);

	if (err != BW_OK && err != BW_ERR_AGAIN)
		crew_give_up_on(seat);
}

int64_t crew_backoff_us(unsigned failures)
{
	const unsigned doublings = failures > 8 ? 8 : failures;
	const int64_t ms = (int64_t)BACKOFF_FIRST_MS << doublings;

	return (ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms) * 1000;
}

/* ---- joining ------------------------------------------------------------------------------ */

static bool names_link(const struct bw_crew *crew, const struct seat_view *a, const struct seat_view *b)
{
	const char *x = crew_row_of(crew, a)->name;
	const char *y = crew_row_of(crew, b)->name;

	if (crew->plan->links == NULL || a == b)
		return false;
	for (const struct bw_link *link = crew->plan->links; link->a != NULL; link++)
		if ((strcmp(link->a, x) == 0 && strcmp(link->b, y) == 0) ||
		    (strcmp(link->a, y) == 0 && strcmp(link->b, x) == 0))
			return true;
	return false;
}

static void introduce(struct seat_view *to, const struct seat_view *peer, int fd)
{
	const uint8_t body[] = { (uint8_t)peer->row, (uint8_t)peer->copy };

	if (bw_channel_put(to->control, CONTROL_PEER, bw_slice_of(body, sizeof(body)), fd) != BW_OK)
		crew_give_up_on(to);
	else
		crew_push(to);
	(void)close(fd);
}

static void join(struct seat_view *a, struct seat_view *b)
{
	int fds[2];

	if (bw_channel_pair(fds) != BW_OK) {
		/* without descriptors neither can work; both are tried again later */
		crew_give_up_on(a);
		crew_give_up_on(b);
		return;
	}
	introduce(a, b, fds[0]);
	introduce(b, a, fds[1]);
}

void crew_join_all(struct bw_crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		for (size_t k = i + 1; k < crew->count; k++)
			if (names_link(crew, &crew->seats[i], &crew->seats[k]))
				join(&crew->seats[i], &crew->seats[k]);
}

void crew_join_again(struct bw_crew *crew, struct seat_view *seat)
{
	seat->broken = 0;
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *peer = &crew->seats[i];

		if (crew_is_up(peer) && names_link(crew, seat, peer)) {
			peer->broken &= ~(UINT64_C(1) << (seat - crew->seats));
			join(seat, peer);
		}
	}
}

/* ---- joining anew --------------------------------------------------------------------------- */

static struct seat_view *peer_of(struct bw_crew *crew, const struct seat_view *seat, uint8_t row, uint8_t copy)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *peer = &crew->seats[i];

		if (peer->row == row && peer->copy == copy && names_link(crew, seat, peer))
			return peer;
	}
	return NULL;
}

/*
 * Which of the two is at fault is not known here, and neither gains by a new channel more than it had. But each
 * further break makes the next one wait longer: whoever does nothing but break channels costs little.
 */
enum bw_err crew_note_broken(struct bw_crew *crew, struct seat_view *seat, struct bw_slice body)
{
	const int64_t now = bw_clock_mono_us();
	struct bw_cursor c = bw_cursor_over(body);
	struct seat_view *peer;
	uint8_t row;
	uint8_t copy;

	BW_TRY(bw_take_u8(&c, &row));
	BW_TRY(bw_take_u8(&c, &copy));
	peer = peer_of(crew, seat, row, copy);
	BW_NEED(peer != NULL, DENIED);
	bw_log(BW_ERROR, "channel broken", BW_TEXT("says", crew_row_of(crew, seat)->name), BW_NUM("copy", seat->copy),
	       BW_TEXT("of", crew_row_of(crew, peer)->name), BW_NUM("peer", peer->copy));
	seat->breaks = now - seat->broke_us > STEADY_US ? 0 : seat->breaks + 1;
	seat->broke_us = now;
	seat->renew_at_us = now + crew_backoff_us(seat->breaks);
	seat->broken |= UINT64_C(1) << (peer - crew->seats);
	return BW_OK;
}

static void renew(struct bw_crew *crew, struct seat_view *seat)
{
	for (size_t i = 0; i < crew->count; i++) {
		struct seat_view *peer = &crew->seats[i];
		const uint64_t ours = UINT64_C(1) << (seat - crew->seats);

		if ((seat->broken >> i & 1) == 0)
			continue;
		peer->broken &= ~ours;                    /* both may have said so */
		if (crew_is_up(seat) && crew_is_up(peer)) /* else it comes with the start of the other */
			join(seat, peer);
	}
	seat->broken = 0;
}

void crew_renew_due(struct bw_crew *crew)
{
	const int64_t now = bw_clock_mono_us();

	for (size_t i = 0; i < crew->count; i++)
		if (crew->seats[i].broken != 0 && crew->seats[i].renew_at_us <= now)
			renew(crew, &crew->seats[i]);
}

int64_t crew_renew_at_us(const struct bw_crew *crew)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < crew->count; i++)
		if (crew->seats[i].broken != 0 && crew->seats[i].renew_at_us < next)
			next = crew->seats[i].renew_at_us;
	return next;
}
