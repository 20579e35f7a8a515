/*
 * Who hangs is noticed: the parent asks each worker now and then, and a worker that reads its seat answers by that
 * alone. What is counted is the time without an answer while the parent itself was awake: a machine that slept, or a
 * parent that was held up, accuses nobody.
 */
#include "base/log.h"
#include "sys/clock.h"
#include "sys/crew.h"
#include "sys/service.h"

enum { LOOKS = 4, LOOK_LEAST_US = 100 * 1000 };

static int64_t silence_of(const struct bw_crew *crew, const struct seat_view *seat)
{
	const int ms = crew->plan->silent_ms == NULL ? 0 : crew->plan->silent_ms[seat->row];

	return (ms < 0 ? -(int64_t)ms : ms) * 1000;
}

/* A fraction of the shortest time that anybody may be silent. */
static int64_t look_every_us(const struct bw_crew *crew)
{
	int64_t least = bw_service_watchdog_us();

	for (size_t i = 0; i < crew->count; i++) {
		const int64_t silence = silence_of(crew, &crew->seats[i]);

		if (silence > 0 && (least == 0 || silence < least))
			least = silence;
	}
	if (least == 0)
		return 0;
	return least / LOOKS > LOOK_LEAST_US ? least / LOOKS : LOOK_LEAST_US;
}

int64_t crew_look_at_us(const struct bw_crew *crew)
{
	const int64_t every_us = look_every_us(crew);

	return every_us == 0 ? INT64_MAX : crew->looked_us + every_us;
}

void crew_note_alive(struct seat_view *seat)
{
	seat->asked_us = 0;
	seat->is_silent = false;
}

static void accuse(struct bw_crew *crew, struct seat_view *seat, int64_t since_us)
{
	const bool ends = crew->plan->silent_ms[seat->row] > 0;

	bw_log(BW_ERROR, ends ? "worker hangs and is ended" : "worker does not answer, and is perhaps at long work",
	       BW_TEXT("name", crew_row_of(crew, seat)->name), BW_NUM("copy", seat->copy),
	       BW_NUM("silent_ms", since_us / 1000));
	seat->is_silent = true;
	if (ends)
		crew_give_up_on(seat);
}

static void look_at(struct bw_crew *crew, struct seat_view *seat, int64_t now_us)
{
	const int64_t silence = silence_of(crew, seat);

	if (seat->state != RUNNING || silence == 0)
		return;
	if (seat->asked_us != 0) {
		if (now_us - seat->asked_us >= silence && !seat->is_silent)
			accuse(crew, seat, now_us - seat->asked_us);
		return;
	}
	seat->asked_us = now_us;
	if (bw_channel_put(seat->control, CONTROL_PING, bw_slice_empty, -1) != BW_OK)
		crew_give_up_on(seat);
	else
		crew_push(seat);
}

void crew_look_alive(struct bw_crew *crew)
{
	const int64_t every_us = look_every_us(crew);
	const int64_t now_us = bw_clock_mono_us();
	const int64_t late_us = now_us - crew->looked_us - every_us;

	if (every_us == 0 || late_us < 0)
		return;
	for (size_t i = 0; i < crew->count; i++) {
		if (late_us > every_us && crew->seats[i].asked_us != 0)
			crew->seats[i].asked_us += late_us; /* nobody was here to hear the answer */
		look_at(crew, &crew->seats[i], now_us);
	}
	crew->looked_us = now_us;
	bw_service_notify("WATCHDOG=1");
}
