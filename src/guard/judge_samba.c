/*
 * Whom Samba serves, and who is kept out. The address of an smbd child's client comes from the kernel, asked
 * when the child is born: a client at full speed is cut off before Samba could tell anything of it. The user
 * comes later from smbstatus, also of a child that has ended.
 */
#include "base/log.h"
#include "guard/hand_form.h"
#include "guard/judge_parts.h"
#include "guard/keep_out.h"
#include "guard/samba_sessions.h"
#include "sys/memfile.h"

enum { ASK_SOON_MS = 300, ASK_EVERY_MS = 2000, ASKS_AFTER_VERDICT = 3, NEWS_MOST = 1024 };

/* ---- asking ---------------------------------------------------------------------------------- */

static void ask(struct judge *judge, const struct bw_who *who)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64);

	if (bw_who_add(&body, who) == BW_OK)
		judge_tell(judge, "hand", BW_RECORD_WHO, bw_buf_slice(&body));
}

void judge_ask_samba(struct judge *judge, unsigned times)
{
	if (judge->asks_left >= times)
		return;
	judge->asks_left = times;
	judge->next_ask_ns = judge->now_ns + ASK_SOON_MS * UINT64_C(1000000);
}

static bool has_untold(const struct judge *judge)
{
	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++) {
		for (size_t n = 0; n < judge->incidents[i].client_count; n++) {
			if (!judge->incidents[i].clients[n].is_user_told)
				return true;
		}
	}
	return false;
}

void judge_ask_samba_now(struct judge *judge)
{
	const struct bw_who everybody = { 0 };

	if (judge->asks_left == 0 || judge->now_ns < judge->next_ask_ns)
		return;
	judge->asks_left--;
	judge->next_ask_ns = judge->now_ns + ASK_EVERY_MS * UINT64_C(1000000);
	if (has_untold(judge) || bw_actors_has_nameless(judge->actors))
		ask(judge, &everybody);
	else
		judge->asks_left = 0;
}

void judge_ask_peer(struct judge *judge, uint32_t process)
{
	const uint32_t actor = bw_actors_of(judge->actors, process);
	struct bw_process_event event;
	struct bw_actor about;

	bw_actors_about(judge->actors, actor, &about);
	if (actor == 0 || about.kind != BW_ACTOR_SMB || about.address[0] != '\0')
		return;
	bw_actors_process(judge->actors, process, &event);
	ask(judge, &(struct bw_who){ event.pid, event.start_ns });
}

void judge_ask_peers(struct judge *judge)
{
	for (uint32_t n = 0; (n = bw_actors_next_unknown(judge->actors, n)) != 0;)
		judge_ask_peer(judge, n);
}

/* ---- keeping out ---------------------------------------------------------------------------------- */

static void tell_kept_out(struct judge *judge, struct judge_incident *incident, struct bw_slice address,
			  struct bw_slice user)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_keep_out what = {
		.incident = incident->id, .seconds = BW_HAND_SECONDS_USUAL, .address = address, .user = user
	};

	if (bw_keep_out_add(&body, &what) != BW_OK)
		return;
	judge_tell(judge, "hand", BW_RECORD_KEEP_OUT, bw_buf_slice(&body));
	incident->kept_until_ns = judge->now_ns + BW_HAND_SECONDS_USUAL * UINT64_C(1000000000);
}

static void keep_address_out(struct judge *judge, struct judge_incident *incident, struct judge_client *client)
{
	struct bw_actor about;

	bw_actors_about(judge->actors, client->actor, &about);
	if (client->is_address_told || about.address[0] == '\0')
		return;
	tell_kept_out(judge, incident, bw_slice_text(about.address), bw_slice_empty);
	client->is_address_told = true;
}

/*
 * Only when Samba has been asked since the verdict, because a second user may have come over the same connection. Of
 * several nobody can tell who did it: then the address alone is kept out.
 */
static void keep_users_out(struct judge *judge, struct judge_incident *incident)
{
	for (size_t i = 0; i < incident->client_count; i++) {
		struct judge_client *client = &incident->clients[i];
		struct bw_actor about;

		bw_actors_about(judge->actors, client->actor, &about);
		if (client->is_user_told || about.user[0] == '\0')
			continue;
		if (strchr(about.user, ',') == NULL)
			tell_kept_out(judge, incident, bw_slice_empty, bw_slice_text(about.user));
		client->is_user_told = true;
	}
}

static struct judge_client *client_of(struct judge *judge, struct judge_incident *incident, uint32_t actor)
{
	for (size_t i = 0; i < incident->client_count; i++) {
		if (bw_actors_same(judge->actors, incident->clients[i].actor) == actor)
			return &incident->clients[i];
	}
	return NULL;
}

void judge_keep_out(struct judge *judge, struct judge_incident *incident, const uint32_t *processes, size_t count)
{
	for (size_t i = 0; i < count && incident->measure != BW_MEASURE_NONE; i++) {
		const uint32_t actor = bw_actors_of(judge->actors, processes[i]);
		struct judge_client *client = client_of(judge, incident, actor);
		struct bw_actor about;

		bw_actors_about(judge->actors, actor, &about);
		if (actor == 0 || about.kind != BW_ACTOR_SMB)
			continue;
		if (client == NULL && incident->client_count < BW_COUNT(incident->clients)) {
			client = &incident->clients[incident->client_count++];
			*client = (struct judge_client){ .actor = actor };
			bw_actors_hold(judge->actors, actor);
			judge->asks_left = ASKS_AFTER_VERDICT;
			judge->next_ask_ns = judge->now_ns;
		}
		if (client != NULL)
			keep_address_out(judge, incident, client);
	}
}

void judge_let_clients(struct judge *judge, struct judge_incident *incident)
{
	for (size_t i = 0; i < incident->client_count; i++)
		bw_actors_let(judge->actors, incident->clients[i].actor);
	incident->client_count = 0;
}

/* ---- names --------------------------------------------------------------------------------------- */

/* What a child did before it was known whose it is belongs to its client's incident. */
static void add_child(struct judge *judge, struct judge_incident *incident, uint32_t child, struct bw_outcome *outcome)
{
	for (size_t i = 0; i < outcome->count; i++) {
		if (outcome->processes[i] != child)
			continue;
		outcome->newest = outcome->proofs[i];
		outcome->newest_process = child;
		judge_add_late(judge, incident, outcome);
	}
}

/* The record that opened the incident may have known less. Proofs do not change, so it has none. */
static void write_name(struct judge *judge, const struct judge_incident *incident, uint32_t actor)
{
	judge->record = (struct bw_record){
		.version = BW_RECORD_VERSION,
		.kind = BW_RECORD_LATE,
		.scope = BW_SCOPE_ACTOR,
		.rules = bw_rules_default,
		.decided_ns = judge->now_ns,
	};
	judge_write_down(judge, incident, actor);
}

static void see_again(struct judge *judge, struct judge_incident *incident, struct judge_client *client, uint32_t child)
{
	const uint32_t actor = bw_actors_same(judge->actors, client->actor);

	keep_address_out(judge, incident, client);
	write_name(judge, incident, actor);
	if (judge->now_ns < incident->kept_until_ns)
		judge_stop(judge, incident, &child, 1, judge->now_ns);
}

/* An smbd child has got a name, and perhaps brothers: what all of them did is one. */
static void named(struct judge *judge, uint32_t child)
{
	const uint32_t actor = bw_actors_of(judge->actors, child);
	struct bw_outcome outcome;
	const bool has_evidence = bw_score_actor(judge->score, actor, judge->now_ns, &outcome);
	bool is_known = false;

	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++) {
		struct judge_incident *incident = &judge->incidents[i];
		struct judge_client *client = incident->id != 0 ? client_of(judge, incident, actor) : NULL;

		if (client == NULL)
			continue;
		is_known = true;
		see_again(judge, incident, client, child);
		if (has_evidence)
			add_child(judge, incident, child, &outcome);
	}
	if (!is_known && has_evidence)
		judge_outcome(judge, &outcome);
	judge_foreign_client(judge, child);
}

enum bw_err judge_hear_peer(struct judge *judge, struct bw_slice body)
{
	struct bw_actor_client client = { 0 };
	struct bw_peer_word word;
	uint32_t child;
	bool is_news;

	BW_TRY(bw_peer_word_parse(body, &word));
	client.pid = word.who.pid;
	client.start_ns = word.who.start_ns;
	client.port = word.port;
	client.address = word.address;
	child = bw_actors_name(judge->actors, &client, &is_news);
	if (child != 0 && is_news)
		named(judge, child);
	return BW_OK;
}

/* All of them are named first: whether a connection has one user or several decides what follows. */
struct news {
	struct judge *judge;
	size_t count;
	uint32_t children[NEWS_MOST];
};

/* Written as the kernel's is, so that the two can be compared. */
static enum bw_err see_session(void *context, const struct bw_samba_session *session)
{
	struct bw_actor_client client = {
		.pid = session->pid, .port = session->port, .address = session->address, .user = session->user
	};
	struct news *news = context;
	char text[BW_ADDRESS_TEXT_BYTES];
	struct bw_address address;
	uint32_t child;
	bool is_news;

	if (bw_address_parse(session->address, &address) == BW_OK) {
		bw_address_write(&address, text);
		client.address = bw_slice_text(text);
	}
	child = bw_actors_name(news->judge->actors, &client, &is_news);
	if (child != 0 && is_news && news->count < NEWS_MOST)
		news->children[news->count++] = child;
	return BW_OK;
}

enum bw_err judge_hear_sessions(struct judge *judge, const struct bw_frame *frame, int fd)
{
	BW_CLEANUP(bw_mapped_release) struct bw_mapped mapped = { 0 };
	struct news news = { .judge = judge };
	struct bw_slice text = frame->body;
	size_t passed_over;
	enum bw_err err;

	if (frame->has_fd) {
		BW_NEED(fd >= 0, PROTOCOL);
		BW_TRY(bw_mapped_open(fd, BW_SAMBA_TEXT_MAX, &mapped));
		text = mapped.bytes;
	}
	err = bw_samba_sessions(text, see_session, &news, &passed_over);
	if (err != BW_OK || passed_over > 0)
		bw_log(BW_WARNING, "Samba's sessions could not all be read", BW_TEXT("why", bw_err_text(err)),
		       BW_NUM("passed_over", passed_over));
	for (size_t i = 0; i < news.count; i++)
		named(judge, news.children[i]);
	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++)
		keep_users_out(judge, &judge->incidents[i]);
	return BW_OK; /* Samba's text is Samba's, not hand's */
}
