/* From a verdict to what follows: who is stopped, which versions stay, what is written down. The stop comes first. */
#include "base/log.h"
#include "guard/doer.h"
#include "guard/hand_form.h"
#include "guard/judge_parts.h"
#include "sys/clock.h"

enum { TREE_OPEN_S = 600, TRACED_MOST = 256, JOBS_OF_A_SHELL = 3 };

#define TRACED_SAME_NS UINT64_C(1000000000) /* what is near one of two such proofs is near the other */

/* ---- telling --------------------------------------------------------------------------------------- */

void judge_tell(struct judge *judge, const char *peer, uint8_t kind, struct bw_slice body)
{
	struct bw_channel *channel = bw_seat_peer(judge->seat, peer, 0);
	enum bw_err err = channel == NULL ? BW_ERR_CLOSED : bw_channel_put(channel, kind, body, -1);

	if (err == BW_OK)
		err = bw_channel_flush(channel);
	if (err != BW_OK && err != BW_ERR_AGAIN) /* the loop sends the rest */
		bw_log(BW_ERROR, "a worker could not be told", BW_TEXT("worker", peer), BW_NUM("kind", kind),
		       BW_TEXT("why", bw_err_text(err)));
}

static void pin(struct judge *judge, uint64_t incident, const struct bw_file_key *file, uint64_t version,
		const struct bw_content *old)
{
	struct bw_pin pin = { .incident = incident, .version = version, .file = *file };

	if (old != NULL)
		pin.old = *old;
	judge_tell(judge, "keep", BW_RECORD_PIN, bw_slice_of(&pin, sizeof(pin)));
}

static void pin_proof(struct judge *judge, uint64_t incident, const struct bw_proof *proof)
{
	if (proof->kind == BW_PROOF_WARNED)
		return; /* of no file */
	pin(judge, incident, &proof->file, proof->version, &proof->old);
	if (proof->made.ino != 0)
		pin(judge, incident, &proof->made, 0, NULL);
}

void judge_write_down(struct judge *judge, const struct judge_incident *incident, uint32_t actor)
{
	struct bw_record *record = &judge->record;

	record->incident = incident->id;
	record->mode = (uint8_t)judge->guard->settings.mode;
	record->wall_us = judge->wall_us;
	record->measure = (uint8_t)incident->measure;
	bw_actors_about(judge->actors, actor, &record->actor);
	bw_buf_clear(&judge->bytes);
	/* scribe reads the number alone; the rest is for whoever explains */
	if (bw_buf_add_be64(&judge->bytes, incident->id) != BW_OK || bw_record_write(record, &judge->bytes) != BW_OK) {
		bw_log(BW_ERROR, "a record could not be written", BW_NUM("incident", incident->id));
		return;
	}
	judge_tell(judge, "scribe", BW_RECORD_RECORD, bw_buf_slice(&judge->bytes));
}

/* What the actor did near a proof: it stays with the incident, and is written down for the restore. */
static void trace_near(struct judge *judge, uint64_t incident, uint64_t near_ns)
{
	struct bw_traced traced[TRACED_MOST];
	size_t count;

	do {
		count = bw_trace_take(judge->trace, incident, near_ns, traced, BW_COUNT(traced));
		if (count == 0)
			return;
		for (size_t i = 0; i < count; i++) {
			if ((traced[i].what & BW_TRACED_FOLDER) == 0)
				pin(judge, incident, &traced[i].file, traced[i].version, NULL);
		}
		bw_buf_clear(&judge->bytes);
		if (bw_buf_add_be64(&judge->bytes, incident) != BW_OK ||
		    bw_traced_write(traced, count, &judge->bytes) != BW_OK) {
			bw_log(BW_ERROR, "what an actor did could not be written", BW_NUM("incident", incident));
			return;
		}
		judge_tell(judge, "scribe", BW_RECORD_TRACE, bw_buf_slice(&judge->bytes));
	} while (count == BW_COUNT(traced));
}

/* ---- stopping ------------------------------------------------------------------------------------------ */

static void send_stop(struct judge *judge, const struct judge_incident *incident, uint64_t decided_ns, uint32_t group,
		      bool freeze, bool smbd, size_t count)
{
	const size_t most = sizeof(struct bw_stop) +
			    BW_STOP_PROCESSES_MAX * sizeof(((struct bw_stop *)0)->processes[0]);
	size_t at = 0;

	while (at < count) {
		struct bw_stop *stop = bw_ring_room(judge->guard->stops, most);
		uint32_t n = 0;

		if (stop == NULL) {
			bw_log(BW_ERROR, "the ring of verdicts is full", BW_NUM("incident", incident->id));
			return;
		}
		for (; at < count && n < BW_STOP_PROCESSES_MAX; at++) {
			if ((judge->targets[at].is_smbd != 0) != smbd)
				continue;
			stop->processes[n].pid = judge->targets[at].pid;
			stop->processes[n].start_ns = judge->targets[at].start_ns;
			n++;
		}
		if (n == 0)
			return;
		stop->incident = incident->id;
		stop->decided_ns = decided_ns;
		stop->group = smbd ? 0 : group;
		stop->freeze = freeze && !smbd;
		stop->count = n;
		bw_ring_put(judge->guard->stops, BW_RECORD_STOP, sizeof(*stop) + n * sizeof(stop->processes[0]));
	}
}

/* What was frozen is remembered by hand, so that approving lets it go on. */
static void tell_frozen(struct judge *judge, const struct judge_incident *incident, size_t count)
{
	struct bw_held held[BW_STOP_PROCESSES_MAX];
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_freeze freeze = { .incident = incident->id, .seconds = BW_HAND_SECONDS_MAX };

	for (size_t i = 0; i < count && freeze.count < BW_COUNT(held); i++) {
		if (judge->targets[i].is_smbd == 0)
			held[freeze.count++] = (struct bw_held){ judge->targets[i].pid, judge->targets[i].start_ns };
	}
	if (freeze.count > 0 && bw_freeze_add(&body, &freeze, held) == BW_OK)
		judge_tell(judge, "hand", BW_RECORD_FREEZE, bw_buf_slice(&body));
}

static void condemn(struct judge *judge, struct judge_incident *incident, uint32_t root)
{
	for (size_t i = 0; i < incident->root_count; i++) {
		if (incident->roots[i] == root)
			return;
	}
	if (incident->root_count == BW_SCORE_ROOTS_MAX)
		return;
	bw_actors_pin(judge->actors, root);
	bw_actors_condemn(judge->actors, root, incident->id);
	incident->roots[incident->root_count++] = root;
}

/*
 * A shell is not ended for what its jobs did; from the third on it is held, in any mode that stops: it may be no
 * person's. One command lets it go on.
 */
static void hold_shell(struct judge *judge, const struct judge_incident *incident, const uint32_t *roots, size_t count,
		       uint64_t decided_ns)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t shell = bw_actors_shell(judge->actors, roots[i]);
		size_t jobs = 0;
		uint32_t group;
		size_t found;

		for (size_t n = 0; n < incident->root_count && shell != 0; n++)
			jobs += bw_actors_shell(judge->actors, incident->roots[n]) == shell;
		if (jobs < JOBS_OF_A_SHELL)
			continue;
		found = bw_actors_gather(judge->actors, &shell, 1, judge->targets, BW_COUNT(judge->targets), &group);
		send_stop(judge, incident, decided_ns, 0, true, false, found);
		tell_frozen(judge, incident, found);
		return;
	}
}

void judge_stop(struct judge *judge, struct judge_incident *incident, const uint32_t *processes, size_t count,
		uint64_t decided_ns)
{
	const bool freeze = incident->measure == BW_MEASURE_FREEZE;
	uint32_t roots[BW_SCORE_ROOTS_MAX];
	uint32_t group;
	size_t root_count;
	size_t found = 0;

	root_count = bw_actors_roots(judge->actors, processes, count, roots, BW_COUNT(roots));
	if (incident->measure != BW_MEASURE_NONE) {
		found = bw_actors_gather(judge->actors, roots, root_count, judge->targets, BW_COUNT(judge->targets),
					 &group);
		send_stop(judge, incident, decided_ns, group, freeze, false, found);
		send_stop(judge, incident, decided_ns, 0, false, true, found);
	}
	/* also who is only observed: what he does from now on belongs to the incident */
	for (size_t i = 0; i < root_count; i++)
		condemn(judge, incident, roots[i]);
	if (freeze)
		tell_frozen(judge, incident, found);
	if (incident->measure != BW_MEASURE_NONE)
		hold_shell(judge, incident, roots, root_count, decided_ns);
	judge_keep_out(judge, incident, processes, count);
}

static struct judge_incident *incident_by_id(struct judge *judge, uint64_t id)
{
	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++) {
		if (judge->incidents[i].id == id && id != 0)
			return &judge->incidents[i];
	}
	return NULL;
}

void judge_stop_one(struct judge *judge, const struct bw_process_event *born, uint64_t id)
{
	const struct judge_incident *incident = incident_by_id(judge, id);

	if (incident == NULL || incident->measure == BW_MEASURE_NONE)
		return;
	judge->targets[0] = (struct bw_actor_target){ .pid = born->pid, .start_ns = born->start_ns };
	send_stop(judge, incident, born->time_ns, 0, incident->measure == BW_MEASURE_FREEZE, false, 1);
	if (incident->measure == BW_MEASURE_FREEZE)
		tell_frozen(judge, incident, 1);
}

/* ---- incidents -------------------------------------------------------------------------------------------- */

static bool is_tree(enum bw_scope scope)
{
	return scope == BW_SCOPE_FOLDER || scope == BW_SCOPE_VOLUME;
}

/*
 * The open incident that evidence belongs to: the actor's own, the place's, or, while several actors are at work on a
 * volume, that one: whoever does the same there at the same time does it with them.
 */
static struct judge_incident *incident_for(struct judge *judge, const struct bw_outcome *outcome,
					   const struct bw_proof *proof)
{
	struct judge_incident *together = NULL;

	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++) {
		struct judge_incident *incident = &judge->incidents[i];

		if (incident->id == 0)
			continue;
		if (incident->actor != 0 && bw_actors_same(judge->actors, incident->actor) == outcome->actor)
			return incident;
		if (outcome->actor == 0 && incident->actor == 0 && incident->scope == outcome->scope &&
		    incident->place == outcome->place)
			return incident;
		if (is_tree(incident->scope) && incident->volume == proof->file.volume &&
		    judge->now_ns - incident->last_ns < TREE_OPEN_S * UINT64_C(1000000000))
			together = incident;
	}
	return together;
}

static void release(struct judge *judge, struct judge_incident *incident)
{
	for (size_t i = 0; i < incident->root_count; i++) {
		bw_actors_condemn(judge->actors, incident->roots[i], 0);
		bw_actors_unpin(judge->actors, incident->roots[i]);
	}
	judge_let_clients(judge, incident);
	bw_actors_let(judge->actors, incident->actor);
	*incident = (struct judge_incident){ 0 };
	atomic_fetch_sub_explicit(&judge->board->open_incidents, 1, memory_order_relaxed);
}

static struct judge_incident *open_incident(struct judge *judge, const struct bw_outcome *outcome,
					    const struct bw_proof *proof)
{
	struct judge_incident *room = &judge->incidents[0];
	int64_t first_us = judge->wall_us;

	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX && room->id != 0; i++) {
		if (judge->incidents[i].id < room->id)
			room = &judge->incidents[i];
	}
	if (room->id != 0)
		release(judge, room);
	for (size_t i = 0; i < outcome->count; i++)
		first_us = outcome->proofs[i]->wall_us < first_us ? outcome->proofs[i]->wall_us : first_us;
	judge->last_id = first_us > 0 && (uint64_t)first_us > judge->last_id ? (uint64_t)first_us : judge->last_id + 1;
	*room = (struct judge_incident){ .id = judge->last_id,
					 .actor = outcome->actor,
					 .scope = outcome->scope,
					 .place = outcome->place,
					 .volume = proof->file.volume };
	bw_actors_hold(judge->actors, room->actor);
	atomic_fetch_add_explicit(&judge->board->open_incidents, 1, memory_order_relaxed);
	return room;
}

static bool is_first_day(const struct judge *judge)
{
	const int64_t day_us = INT64_C(24) * 3600 * 1000000;

	return judge->guard->settings.mode == BW_MODE_UNSET &&
	       judge->wall_us - judge->guard->settings.enrolled_us < day_us;
}

static void log_verdict(const struct judge *judge, const struct judge_incident *incident,
			const struct bw_outcome *outcome)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf who = BW_BUF_INIT(4096);
	struct bw_doers doers = { 0 };
	struct bw_actor about;

	for (size_t i = 0; i < outcome->count; i++)
		bw_doers_add(&doers, outcome->proofs[i], 1);
	bw_actors_about(judge->actors, incident->actor, &about);
	if (bw_doers_say(&doers, &about, &who) != BW_OK)
		return;
	bw_log(BW_WARNING, "files are being destroyed", BW_NUM("incident", incident->id),
	       BW_TEXT("rule", bw_rule_name((enum bw_rule)outcome->verdict.rule)), BW_SLICE("who", bw_buf_slice(&who)),
	       BW_NUM("files", outcome->verdict.files), BW_NUM("points", outcome->verdict.points),
	       BW_NUM("measure", incident->measure));
}

/* A verdict that opens an incident, or makes it graver. */
static void pronounce(struct judge *judge, struct judge_incident *incident, const struct bw_outcome *outcome)
{
	const bool first_day = is_first_day(judge);
	uint64_t before_ns = 0;

	incident->gravity = (enum bw_gravity)outcome->verdict.gravity;
	incident->measure = bw_verdict_measure(&outcome->verdict, judge->guard->settings.mode, first_day);
	judge_stop(judge, incident, outcome->processes, outcome->count, outcome->now_ns);
	for (size_t i = 0; i < outcome->count; i++)
		pin_proof(judge, incident->id, outcome->proofs[i]);
	bw_record_of(outcome, &judge->record);
	judge->record.is_first_day = first_day;
	judge_write_down(judge, incident, incident->actor);
	for (size_t i = 0; i < outcome->count; i++) {
		const uint64_t time_ns = outcome->proofs[i]->time_ns;

		if (i == 0 || time_ns - before_ns > TRACED_SAME_NS) /* also when it is earlier: the difference wraps */
			trace_near(judge, incident->id, time_ns);
		before_ns = time_ns;
	}
	incident->proof_ns = outcome->now_ns;
	log_verdict(judge, incident, outcome);
	atomic_fetch_add_explicit(&judge->board->verdicts, 1, memory_order_relaxed);
}

/* More of an open incident: whoever did it is stopped too, if he was not. */
void judge_add_late(struct judge *judge, struct judge_incident *incident, const struct bw_outcome *outcome)
{
	uint32_t processes[BW_SCORE_ACTOR_MAX + 1];
	size_t count = outcome->scope == BW_SCOPE_ACTOR ? outcome->count : 0;

	memcpy(processes, outcome->processes, count * sizeof(processes[0]));
	processes[count++] = outcome->newest_process;
	judge_stop(judge, incident, processes, count, outcome->now_ns);
	pin_proof(judge, incident->id, outcome->newest);
	bw_record_late(outcome, &judge->record);
	judge->record.is_first_day = is_first_day(judge);
	judge_write_down(judge, incident, incident->actor);
	trace_near(judge, incident->id, outcome->newest->time_ns);
	incident->proof_ns = outcome->now_ns;
}

void judge_traced(struct judge *judge, uint64_t id, uint64_t time_ns)
{
	const struct judge_incident *incident = incident_by_id(judge, id);

	if (incident != NULL && time_ns < incident->proof_ns + BW_TRACE_NEAR_NS)
		trace_near(judge, id, time_ns);
}

static const struct bw_proof *proof_for(const struct bw_outcome *outcome)
{
	if (outcome->newest != NULL)
		return outcome->newest;
	return outcome->count > 0 ? outcome->proofs[0] : NULL;
}

/* Somebody else's evidence counts to an incident of many only when it is sure by itself. */
static bool belongs(const struct judge *judge, const struct judge_incident *incident, const struct bw_outcome *outcome)
{
	struct bw_finding finding;
	struct bw_weight weight;

	if (outcome->newest == NULL)
		return false;
	if (incident->actor == 0 || bw_actors_same(judge->actors, incident->actor) == outcome->actor)
		return true;
	bw_proof_weigh(&bw_rules_default, outcome->newest, &weight, &finding);
	return weight.gravity == BW_GRAVITY_DESTROYED && weight.points >= bw_rules_default.sure && !weight.is_pending;
}

/* The same gravity may call for more: on the first day, when few have become many. */
static bool asks_for_more(const struct judge *judge, const struct judge_incident *incident,
			  const struct bw_outcome *outcome)
{
	return incident->actor != 0 && bw_actors_same(judge->actors, incident->actor) == outcome->actor &&
	       bw_verdict_measure(&outcome->verdict, judge->guard->settings.mode, is_first_day(judge)) >
		       incident->measure;
}

void judge_outcome(struct judge *judge, const struct bw_outcome *outcome)
{
	const struct bw_proof *proof = proof_for(outcome);
	struct judge_incident *incident;
	struct bw_actor about;

	if (proof == NULL)
		return;
	atomic_fetch_add_explicit(&judge->board->findings, 1, memory_order_relaxed);
	judge_look_at_program(judge, outcome);
	incident = incident_for(judge, outcome, proof);
	if (outcome->verdict.gravity >= BW_GRAVITY_ORDERED &&
	    (incident == NULL || outcome->verdict.gravity > incident->gravity ||
	     asks_for_more(judge, incident, outcome))) {
		if (incident == NULL)
			incident = open_incident(judge, outcome, proof);
		pronounce(judge, incident, outcome);
	} else if (incident != NULL && belongs(judge, incident, outcome)) {
		judge_add_late(judge, incident, outcome);
	} else if (outcome->verdict.gravity == BW_GRAVITY_UNUSUAL && outcome->newest != NULL) {
		bw_log(BW_NOTICE, "many files changed in unusual ways", BW_NUM("files", outcome->verdict.files),
		       BW_NUM("pid", proof->pid));
	}
	if (incident != NULL)
		incident->last_ns = judge->now_ns;
	bw_actors_about(judge->actors, outcome->actor, &about);
	if (about.kind == BW_ACTOR_SMB && about.address[0] == '\0')
		judge_ask_peer(judge, outcome->newest_process);
	if (about.kind == BW_ACTOR_SMB && about.user[0] == '\0')
		judge_ask_samba(judge, 1);
	judge_foreign_harm(judge, outcome, about.kind == BW_ACTOR_SMB);
}

/* Watch first: whoever goes on may fork at once. Then the hand. */
static void let_go(struct judge *judge, uint64_t id)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(8);
	struct bw_stop *stop = bw_ring_room(judge->guard->stops, sizeof(*stop));

	if (stop != NULL) {
		*stop = (struct bw_stop){ .incident = id };
		bw_ring_put(judge->guard->stops, BW_RECORD_STOP, sizeof(*stop));
	}
	if (bw_lift_add(&body, id) == BW_OK)
		judge_tell(judge, "hand", BW_RECORD_LIFT, bw_buf_slice(&body));
}

static void close_incident(struct judge *judge, struct judge_incident *incident, bool is_approved)
{
	const uint32_t actor = bw_actors_same(judge->actors, incident->actor);

	/* closed or approved, it has been looked at: the same files are not held against anybody again */
	if (actor != 0 || is_approved)
		bw_score_forgive(judge->score, actor);
	for (size_t i = 0; i < incident->root_count; i++)
		bw_score_forgive(judge->score, bw_actors_of(judge->actors, incident->roots[i]));
	if (!is_approved && incident->root_count > 0)
		judge_remember(judge, incident);
	release(judge, incident);
}

void judge_close(struct judge *judge, uint64_t id, bool is_approved)
{
	struct judge_incident *incident = incident_by_id(judge, id);

	if (incident != NULL)
		close_incident(judge, incident, is_approved);
	if (is_approved) /* also of an incident from before this judge's start */
		let_go(judge, id);
}
