#include "guard/answer.h"

/* The close is told a moment after it happened: who wrote in between has written since. */
#define MOMENT_NS UINT64_C(100000000)
/* Where it is not known when the file was closed last. */
#define RECENT_NS UINT64_C(10000000000)
/* A file's times may be a tick of its clock behind. */
#define TICK_NS UINT64_C(10000000)
/* What is older has been answered for. */
#define PAST_NS UINT64_C(600000000000)

struct writer {
	uint32_t process;
	uint32_t actor;
	uint64_t time_ns;
};

struct crowd {
	size_t count;
	struct writer ones[BW_EVENT_WRITERS_MAX + 1];
};

static uint64_t age_of(const struct bw_event *event, uint64_t time_ns)
{
	return event->time_ns > time_ns ? event->time_ns - time_ns : 0;
}

/* What the good version holds did no harm. Times ahead of the clock were set by somebody, and say nothing. */
static bool is_kept(const struct bw_event *event, uint64_t time_ns)
{
	const uint64_t now_ns = event->wall_us > 0 ? (uint64_t)event->wall_us * 1000 : 0;
	const uint64_t kept_ns = event->known.mtime_s * UINT64_C(1000000000) + event->known.mtime_ns;

	return event->act != BW_ACT_MOVED && event->was_known != 0 && kept_ns != 0 && kept_ns < now_ns &&
	       now_ns - age_of(event, time_ns) <= kept_ns + TICK_NS;
}

static bool is_fresh(const struct bw_event *event, uint64_t time_ns)
{
	if (is_kept(event, time_ns))
		return false;
	if (event->looked_ns == 0)
		return age_of(event, time_ns) <= RECENT_NS;
	return time_ns + MOMENT_NS > event->looked_ns;
}

/* Those who wrote and are not the closer's. When the closer's did last; 0: it was not seen to. */
static uint64_t gather(struct bw_actors *actors, const struct bw_event *event, uint32_t mine, struct crowd *out)
{
	uint64_t wrote_ns = 0;

	out->count = 0;
	for (size_t i = 0; i < event->writer_count; i++) {
		const struct bw_event_writer *one = &event->writers[i];
		struct writer writer = { .time_ns = one->time_ns };

		writer.process = bw_actors_find(actors, one->pid, one->time_ns);
		writer.actor = bw_actors_of(actors, writer.process);
		if (writer.actor != 0 && writer.actor == mine)
			wrote_ns = one->time_ns > wrote_ns ? one->time_ns : wrote_ns;
		else if (writer.actor != 0 && age_of(event, one->time_ns) <= PAST_NS)
			out->ones[out->count++] = writer;
	}
	return wrote_ns;
}

static void keep_fresh(struct crowd *crowd, const struct bw_event *event)
{
	size_t kept = 0;

	for (size_t i = 0; i < crowd->count; i++) {
		if (is_fresh(event, crowd->ones[i].time_ns))
			crowd->ones[kept++] = crowd->ones[i];
	}
	crowd->count = kept;
}

static const struct writer *last_of(const struct crowd *crowd)
{
	const struct writer *last = &crowd->ones[0];

	for (size_t i = 1; i < crowd->count; i++)
		last = crowd->ones[i].time_ns > last->time_ns ? &crowd->ones[i] : last;
	return last;
}

static bool is_one_actor(const struct crowd *crowd)
{
	for (size_t i = 1; i < crowd->count; i++) {
		if (crowd->ones[i].actor != crowd->ones[0].actor)
			return false;
	}
	return true;
}

static bool is_one_user(const struct bw_actors *actors, const struct crowd *crowd)
{
	struct bw_process_event first;
	struct bw_process_event other;

	bw_actors_process(actors, crowd->ones[0].process, &first);
	for (size_t i = 1; i < crowd->count; i++) {
		bw_actors_process(actors, crowd->ones[i].process, &other);
		if (other.uid != first.uid)
			return false;
	}
	return true;
}

/* Of several actors: the only one with evidence against it; 0: none, or more than one. */
static uint32_t known_one(const struct crowd *crowd, bw_answer_has *has, const void *context)
{
	const struct writer *known = NULL;

	for (size_t i = 0; i < crowd->count; i++) {
		const struct writer *one = &crowd->ones[i];

		if (!has(context, one->actor))
			continue;
		if (known != NULL && known->actor != one->actor)
			return 0;
		known = known == NULL || one->time_ns > known->time_ns ? one : known;
	}
	return known != NULL ? known->process : 0;
}

uint32_t bw_answer(struct bw_actors *actors, const struct bw_event *event, uint32_t closer, bw_answer_has *has,
		   const void *context)
{
	const uint32_t mine = bw_actors_of(actors, closer);
	struct crowd others;
	struct crowd fresh;
	uint64_t wrote_ns;
	uint32_t known;

	wrote_ns = gather(actors, event, mine, &others);
	fresh = others;
	keep_fresh(&fresh, event);
	if (fresh.count == 0 && (others.count == 0 || wrote_ns != 0 || mine == 0))
		return closer;
	if (fresh.count > 0)
		others = fresh;
	if (wrote_ns != 0 && !is_fresh(event, wrote_ns))
		wrote_ns = 0; /* that was answered for */
	if (fresh.count > 0 && wrote_ns == 0 && is_one_actor(&fresh))
		return last_of(&fresh)->process;
	if (wrote_ns != 0 || fresh.count == 0)
		others.ones[others.count++] = (struct writer){ closer, mine, wrote_ns };
	known = known_one(&others, has, context);
	if (known != 0)
		return known;
	if (!is_one_user(actors, &others))
		return 0;
	if (fresh.count > 0 && (wrote_ns == 0 || event->act == BW_ACT_MOVED))
		return last_of(&others)->process;
	return closer;
}
