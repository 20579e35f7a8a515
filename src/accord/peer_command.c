/* `breakwater peer …`: the nodes this one has met, and how it meets another (docs/accord.md, "Meeting"). */
#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/duty.h"
#include "accord/meet_line.h"
#include "accord/papers.h"
#include "accord/place.h"
#include "base/command.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "crypto/cert.h"
#include "desk/desk_command.h"
#include "desk/folder.h"
#include "desk/node.h"
#include "sys/clock.h"

enum { PATH_BYTES = 14, MEETINGS_MAX = 8, ANSWER_BYTES = 64, ADDRESSES_MAX = 8, LIST_BYTES = 32 * 1024 * 1024 };

/* What both sides need: keys, certificate, and the card made of them. */
struct meeting {
	const struct bw_call *call;
	const char *data;
	struct bw_node_keys *keys;
	struct bw_buf cert_pem;
	struct bw_secret key_pem;
	struct bw_buf papers;
	struct bw_meet_card card;
	struct bw_why why;
};

static void end_meeting(struct meeting *m)
{
	bw_node_keys_free(m->keys);
	bw_buf_release(&m->cert_pem);
	bw_buf_release(&m->papers);
	bw_secret_wipe(&m->key_pem);
}

/* After the child that speaks to strangers was made: what is open before a fork is in its memory too. */
static enum bw_err open_keys(struct meeting *m)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	struct bw_place place;

	BW_TRY(bw_folder_place(m->data, BW_FOLDER_NODE_KEYS, &place));
	BW_TRY(bw_node_passphrase(m->call, "passphrase-file", "passphrase of this node's keys", &passphrase, &m->why));
	BW_TRY(bw_node_open(place.path, bw_secret_slice(&passphrase), &m->keys, &m->why));
	bw_node_keys_public(m->keys, &m->card.node);
	BW_TRY(bw_papers_ensure(m->data, m->keys, &m->why));
	BW_TRY(bw_papers_own(m->data, &m->papers, &m->why));
	m->card.papers = bw_buf_slice(&m->papers);
	return BW_OK;
}

static enum bw_err prepare(struct meeting *m)
{
	const char *label = bw_call_text(m->call, "label");
	const char *address = bw_call_text(m->call, "address");
	struct bw_url url;
	struct bw_fault fault = { 0 };
	const char *names[1] = { url.host };
	size_t count = 0;

	if (address != NULL) {
		if (bw_url_parse(bw_slice_text(address), &url, &fault) != BW_OK || !url.tls)
			return bw_why_set(&m->why, BW_ERR_USAGE,
					  "--address '%s' is not one like https://node.example:7443/", address);
		count = 1;
	}
	BW_TRY(bw_accord_place(m->data, &m->why));
	BW_TRY(bw_accord_certificate(m->data, names, count, &m->cert_pem, &m->key_pem, m->card.certificate, &m->why));
	m->card.label = bw_slice_text(label == NULL ? "" : label);
	m->card.address = bw_slice_text(address == NULL ? "" : address);
	m->card.papers = bw_slice_empty;
	return BW_OK;
}

static int complain(struct meeting *m, enum bw_err err)
{
	const char *hint = NULL;

	if (err == BW_ERR_USAGE)
		return bw_complain(m->call, BW_EXIT_USAGE, NULL, "%s", m->why.text);
	if (err == BW_ERR_SIGNATURE)
		hint = "somebody may be in between: do not go on, and tell the other side by telephone";
	if (err == BW_ERR_RANGE && m->why.text[0] == 0)
		return bw_complain(m->call, BW_EXIT_USAGE, NULL,
				   "the label is longer than %d bytes, or holds a control character",
				   BW_MEET_LABEL_MAX);
	return bw_complain(m->call, BW_EXIT_FAILED, hint, "%s", m->why.text[0] != 0 ? m->why.text : bw_err_text(err));
}

/* ---- two people compare ------------------------------------------------------- */

static void show_other(const struct bw_meet_card *card)
{
	struct bw_node_label name;

	(void)printf("\nThe other side says it is:\n  name     ");
	bw_print_foreign(card->label.len > 0 ? card->label : BW_LIT("(none given)"));
	if (bw_node_label_of(&card->node, &name) == BW_OK)
		(void)printf("\n  node     %s\n  address  ", name.text);
	bw_print_foreign(card->address.len > 0 ? card->address : BW_LIT("(it only comes to us)"));
	(void)printf("\nNothing of this is proven yet.\n");
}

/* The person reads one code aloud and types the other. */
static enum bw_err compare_codes(struct meeting *m, struct bw_meet *meet)
{
	char code[BW_MEET_CODE_CHARS + 1];
	char answer[ANSWER_BYTES];

	show_other(bw_meet_other(meet));
	bw_meet_my_code(meet, code);
	(void)printf("\nCall the person who stands there, by a number you know already.\n"
		     "Read aloud:            %s\nType what you are read: ",
		     code);
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		return bw_why_set(&m->why, BW_ERR_CLOSED, "no code was typed; nothing was stored");
	answer[strcspn(answer, "\r\n")] = '\0';
	if (!bw_meet_check_code(meet, bw_slice_text(answer)))
		return bw_why_set(&m->why, BW_ERR_SIGNATURE,
				  "that is not the code of the other side; nothing was stored");
	return BW_OK;
}

static enum bw_err note(struct meeting *m, const char *action, const struct bw_peer *peer)
{
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_desk_open(m->data, &desk, &m->why));
	err = bw_desk_do(desk, BW_OFFICE_NOTE,
			 (const struct bw_slice[]){ bw_slice_text(action), bw_slice_text(peer->name), peer->label }, 3,
			 -1, NULL, &m->why);
	bw_desk_close(desk);
	return err;
}

static enum bw_err keep_peer(struct meeting *m, struct bw_meet *meet)
{
	const char *local = bw_call_text(m->call, "as");
	struct bw_peer peer = { .card = *bw_meet_other(meet) };

	peer.label = local != NULL ? bw_slice_text(local) : peer.card.label;
	BW_TRY(bw_peer_add(m->data, &peer, &m->why));
	BW_TRY(note(m, "peer-met", &peer));
	(void)printf("\n%s is a peer of this node now", peer.name);
	if (peer.label.len > 0) {
		(void)printf(", called '");
		bw_print_foreign(peer.label);
		(void)printf("'");
	}
	(void)printf(".\nNothing is shared yet: that takes an accord.\n");
	return BW_OK;
}

static enum bw_err finish(struct meeting *m, struct bw_meet *meet)
{
	BW_TRY(compare_codes(m, meet));
	return keep_peer(m, meet);
}

/* ---- invite ---------------------------------------------------------------------- */

/* Meetings that have begun, by connection; only one can end in codes. */
struct guests {
	struct {
		uint8_t exported[BW_MEET_EXPORT_BYTES];
		struct bw_meet *meet;
		uint64_t turn;
	} of[MEETINGS_MAX];
	uint64_t turns;
};

static enum bw_err guest_of(struct guests *guests, const struct meeting *m,
			    const uint8_t exported[BW_MEET_EXPORT_BYTES], struct bw_meet ***out)
{
	size_t oldest = 0;

	for (size_t i = 0; i < MEETINGS_MAX; i++) {
		if (guests->of[i].meet != NULL && memcmp(guests->of[i].exported, exported, BW_MEET_EXPORT_BYTES) == 0) {
			*out = &guests->of[i].meet;
			return BW_OK;
		}
		if (guests->of[i].turn < guests->of[oldest].turn)
			oldest = i;
	}
	/* whoever comes first and says nothing more must not keep out whom we wait for */
	bw_meet_free(guests->of[oldest].meet);
	guests->of[oldest].meet = NULL;
	BW_TRY(bw_meet_new(BW_MEET_HOST, m->keys, &m->card, exported, &guests->of[oldest].meet));
	memcpy(guests->of[oldest].exported, exported, BW_MEET_EXPORT_BYTES);
	guests->of[oldest].turn = ++guests->turns;
	*out = &guests->of[oldest].meet;
	return BW_OK;
}

/* One message of one guest; true when that one's meeting is done. */
static enum bw_err serve_guest(struct guests *guests, const struct meeting *m, struct bw_meet_line *line,
			       const struct bw_meet_heard *heard, struct bw_meet **out_done)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
	struct bw_meet **meet;

	BW_TRY(guest_of(guests, m, heard->exported, &meet));
	if (bw_meet_take(*meet, heard->message, &answer) != BW_OK) {
		bw_buf_clear(&answer); /* a stranger's nonsense is no reason to end the invitation */
		bw_meet_free(*meet);
		*meet = NULL;
	} else if (bw_meet_is_done(*meet)) {
		*out_done = *meet;
	}
	return bw_meet_line_answer(line, heard->id, bw_buf_slice(&answer));
}

static enum bw_err wait_for_guest(struct meeting *m, struct bw_meet_line *line, struct guests *guests,
				  struct bw_meet **out)
{
	const int64_t until = bw_clock_mono_us() + bw_call_num(m->call, "wait") * 1000;

	while (*out == NULL) {
		const int64_t left = (until - bw_clock_mono_us()) / 1000;
		struct bw_meet_heard heard;
		enum bw_err err = BW_ERR_TIMEOUT;

		if (left > 0)
			err = bw_meet_line_hear(line, (int)left, &heard);
		if (err == BW_ERR_TIMEOUT)
			return bw_why_set(&m->why, err, "nobody came; to wait longer: --wait 1h");
		BW_TRY(err);
		BW_TRY(serve_guest(guests, m, line, &heard, out));
	}
	return BW_OK;
}

/* A word of 60 bits: whoever finds the port without it cannot use the invitation up. */
static void make_path(char out[PATH_BYTES])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t random[PATH_BYTES - 2];

	bw_random(random, sizeof(random));
	out[0] = '/';
	for (size_t i = 0; i < sizeof(random); i++)
		out[1 + i] = letters[random[i] % (sizeof(letters) - 1)];
	out[PATH_BYTES - 1] = '\0';
}

static enum bw_err listen_on(struct meeting *m, struct bw_meet_line **out)
{
	const char *text = bw_call_text(m->call, "listen");
	char where[BW_NET_ADDRESS_TEXT];
	char path[PATH_BYTES];
	struct bw_net_address address;
	enum bw_err err = bw_net_address_parse(bw_slice_text(text), &address);
	int fd = -1;

	if (err != BW_OK)
		return bw_why_set(&m->why, BW_ERR_USAGE, "--listen '%s' is not an address and port like 0.0.0.0:7443",
				  text);
	err = bw_net_listen(&address, false, &fd);
	if (err != BW_OK)
		return bw_why_set(&m->why, err, "cannot listen on '%s': %s", text, bw_err_text(err));
	if (bw_net_local(fd, &address) != BW_OK)
		address.port = 0;
	bw_net_address_text(&address, where);
	make_path(path);
	BW_TRY(bw_meet_line_listen(fd, path, bw_buf_slice(&m->cert_pem), &m->key_pem, out, &m->why));
	BW_TRY(open_keys(m));
	(void)printf("Waiting at %s. At the other node:\n  breakwater peer accept https://%s%s\n", where, where, path);
	(void)fflush(stdout);
	return BW_OK;
}

static enum bw_err invite(struct meeting *m)
{
	struct guests guests = { 0 };
	struct bw_meet_line *line = NULL;
	struct bw_meet *meet = NULL;
	enum bw_err err = prepare(m);

	if (err == BW_OK)
		err = listen_on(m, &line);
	if (err == BW_OK)
		err = wait_for_guest(m, line, &guests, &meet);
	if (err == BW_OK)
		err = finish(m, meet);
	bw_meet_line_free(line); /* not before: the last answer may still be on its way */
	for (size_t i = 0; i < MEETINGS_MAX; i++)
		bw_meet_free(guests.of[i].meet);
	return err;
}

static int invite_run(struct bw_call *call)
{
	struct meeting m = { .call = call,
			     .data = bw_call_data(call),
			     .cert_pem = BW_BUF_INIT(BW_CERT_PEM_MAX),
			     .papers = BW_BUF_INIT(BW_PAPERS_FILE_MAX) };
	enum bw_err err;

	(void)signal(SIGPIPE, SIG_IGN);
	err = invite(&m);
	end_meeting(&m);
	return err == BW_OK ? BW_EXIT_OK : complain(&m, err);
}

/* ---- accept ---------------------------------------------------------------------- */

/* The numbers of a name: the process that connects cannot ask for them. */
static enum bw_err resolve(struct meeting *m, const struct bw_url *url, struct bw_url out[ADDRESSES_MAX],
			   size_t *out_count)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list;
	const int failed = getaddrinfo(url->host, NULL, &hints, &list);

	if (failed != 0)
		return bw_why_set(&m->why, BW_ERR_NOT_FOUND, "cannot find '%s': %s", url->host, gai_strerror(failed));
	*out_count = 0;
	for (const struct addrinfo *at = list; at != NULL && *out_count < ADDRESSES_MAX; at = at->ai_next) {
		out[*out_count] = *url;
		if (getnameinfo(at->ai_addr, at->ai_addrlen, out[*out_count].host, sizeof(out->host), NULL, 0,
				NI_NUMERICHOST) == 0)
			(*out_count)++;
	}
	freeaddrinfo(list);
	return BW_OK;
}

static enum bw_err connect_to(struct meeting *m, struct bw_meet_line **out, uint8_t exported[BW_MEET_EXPORT_BYTES])
{
	static struct bw_url addresses[ADDRESSES_MAX];
	struct bw_fault fault = { 0 };
	struct bw_url url;
	size_t count = 0;
	enum bw_err err = BW_ERR_NOT_FOUND;

	if (bw_url_parse(bw_slice_text(bw_call_arg(m->call, 0)), &url, &fault) != BW_OK || !url.tls)
		return bw_why_set(&m->why, BW_ERR_USAGE, "'%s' is not an address like https://node.example:7443/",
				  bw_call_arg(m->call, 0));
	BW_TRY(resolve(m, &url, addresses, &count));
	for (size_t i = 0; i < count && err != BW_OK; i++) {
		err = bw_meet_line_go(&addresses[i], out, &m->why);
		if (err == BW_OK)
			err = bw_meet_line_export(*out, exported, &m->why);
		if (err != BW_OK) {
			bw_meet_line_free(*out);
			*out = NULL;
		}
	}
	return err;
}

static enum bw_err talk(struct meeting *m, struct bw_meet_line *line, struct bw_meet *meet)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);

	BW_TRY(bw_meet_begin(meet, &words));
	while (!bw_meet_is_done(meet)) {
		struct bw_slice answer;
		enum bw_err err;

		BW_TRY(bw_meet_line_ask(line, bw_buf_slice(&words), &answer, &m->why));
		bw_buf_clear(&words);
		err = bw_meet_take(meet, answer, &words);
		if (err == BW_ERR_CONFLICT)
			return bw_why_set(&m->why, err, "that is this node itself");
		if (err == BW_ERR_SIGNATURE)
			return bw_why_set(&m->why, err,
					  "a signature of the other side does not hold; nothing was stored");
		if (err != BW_OK)
			return bw_why_set(&m->why, err, "the other side said something that makes no sense: %s",
					  bw_err_text(err));
	}
	return BW_OK;
}

static enum bw_err accept_invitation(struct meeting *m)
{
	uint8_t exported[BW_MEET_EXPORT_BYTES];
	struct bw_meet_line *line = NULL;
	struct bw_meet *meet = NULL;
	enum bw_err err;

	/* the child is made before the keys are opened */
	BW_TRY(connect_to(m, &line, exported));
	err = prepare(m);
	if (err == BW_OK)
		err = open_keys(m);
	if (err == BW_OK)
		err = bw_meet_new(BW_MEET_GUEST, m->keys, &m->card, exported, &meet);
	if (err == BW_OK)
		err = talk(m, line, meet);
	bw_meet_line_free(line);
	if (err == BW_OK)
		err = finish(m, meet);
	bw_meet_free(meet);
	return err;
}

static int accept_run(struct bw_call *call)
{
	struct meeting m = { .call = call,
			     .data = bw_call_data(call),
			     .cert_pem = BW_BUF_INIT(BW_CERT_PEM_MAX),
			     .papers = BW_BUF_INIT(BW_PAPERS_FILE_MAX) };
	enum bw_err err;

	(void)signal(SIGPIPE, SIG_IGN);
	err = accept_invitation(&m);
	end_meeting(&m);
	return err == BW_OK ? BW_EXIT_OK : complain(&m, err);
}

/* ---- list, show, remove ------------------------------------------------------------ */

static enum bw_err add_peer(struct bw_buf *out, const struct bw_peer *peer)
{
	char certificate[BW_FINGERPRINT_CHARS + 1];
	char met[BW_TIME_BYTES];

	bw_fingerprint_format(peer->card.certificate, certificate);
	bw_time_format(peer->met_us, met);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "node", bw_slice_text(peer->name)));
	BW_TRY(bw_json_add_text(out, "label", peer->label));
	BW_TRY(bw_json_add_text(out, "calls_itself", peer->card.label));
	BW_TRY(bw_json_add_text(out, "address", peer->card.address));
	BW_TRY(bw_json_add_text(out, "certificate_sha256", bw_slice_text(certificate)));
	BW_TRY(bw_json_add_text(out, "met", bw_slice_text(met)));
	return bw_buf_add_u8(out, '}');
}

static void print_peer(const struct bw_peer *peer)
{
	char certificate[BW_FINGERPRINT_CHARS + 1];
	char met[BW_TIME_BYTES];

	bw_fingerprint_format(peer->card.certificate, certificate);
	bw_time_format(peer->met_us, met);
	(void)printf("%s\n  label        ", peer->name);
	bw_print_foreign(peer->label);
	(void)printf("\n  calls itself ");
	bw_print_foreign(peer->card.label);
	(void)printf("\n  address      ");
	bw_print_foreign(peer->card.address);
	(void)printf("\n  certificate  %s\n  met          %s\n", certificate, met);
}

static int tell_peers(const struct bw_call *call, const struct bw_peer *peers, size_t count)
{
	if (!bw_call_json(call) && count == 0)
		(void)printf("no peers yet; to meet one: breakwater peer invite, and there: breakwater peer accept\n");
	for (size_t i = 0; i < count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * 1024);
		int status;

		if (!bw_call_json(call)) {
			print_peer(&peers[i]);
			continue;
		}
		status = bw_print_json(call, add_peer(&json, &peers[i]), &json);
		if (status != BW_EXIT_OK)
			return status;
	}
	return BW_EXIT_OK;
}

static int list_run(struct bw_call *call)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(LIST_BYTES);
	struct bw_why why = { 0 };
	struct bw_peer *peers;
	size_t count;
	enum bw_err err = bw_folder_check(bw_call_data(call), &why);

	if (err == BW_OK)
		err = bw_peers(bw_call_data(call), &arena, &peers, &count, &why);
	return err == BW_OK ? tell_peers(call, peers, count) : bw_complain_why(call, err, &why);
}

static int show_run(struct bw_call *call)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(LIST_BYTES);
	struct bw_why why = { 0 };
	struct bw_peer peer;
	enum bw_err err = bw_folder_check(bw_call_data(call), &why);

	if (err == BW_OK)
		err = bw_peer_find(bw_call_data(call), bw_call_arg(call, 0), &arena, &peer, &why);
	return err == BW_OK ? tell_peers(call, &peer, 1) : bw_complain_why(call, err, &why);
}

static int remove_run(struct bw_call *call)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(LIST_BYTES);
	struct meeting m = { .call = call, .data = bw_call_data(call) };
	struct bw_peer peer;
	enum bw_err err = bw_folder_check(m.data, &m.why);

	if (err == BW_OK)
		err = bw_peer_find(m.data, bw_call_arg(call, 0), &arena, &peer, &m.why);
	if (err == BW_OK)
		err = bw_duty_check(m.data, &peer, &m.why);
	if (err == BW_OK)
		err = note(&m, "peer-remove", &peer);
	if (err == BW_OK)
		err = bw_peer_remove(m.data, &peer, &m.why);
	if (err != BW_OK)
		return bw_complain_why(call, err, &m.why);
	(void)printf("%s is no peer any more\n", peer.name);
	return BW_EXIT_OK;
}

/* ---- rows ----------------------------------------------------------------------------- */

#define MEETING_OPTIONS                                                                                      \
	{ .name = "passphrase-file",                                                                         \
	  .kind = BW_OPT_TEXT,                                                                               \
	  .value_name = "FILE",                                                                              \
	  .help = "passphrase of this node's keys; without it asked for on a terminal" },                    \
		{ .name = "label",                                                                           \
		  .kind = BW_OPT_TEXT,                                                                       \
		  .value_name = "NAME",                                                                      \
		  .help = "what this node calls itself, for the other side's people" },                      \
		{ .name = "address",                                                                         \
		  .kind = BW_OPT_TEXT,                                                                       \
		  .value_name = "URL",                                                                       \
		  .help = "where partners reach this node's accords (default: nowhere, it only goes out)" }, \
	{                                                                                                    \
		.name = "as", .kind = BW_OPT_TEXT, .value_name = "NAME",                                     \
		.help = "what to call the other node here (default: as it calls itself)"                     \
	}

static const struct bw_option invite_options[] = {
	MEETING_OPTIONS,
	{ .name = "listen",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ADDRESS:PORT",
	  .fallback = "0.0.0.0:7443",
	  .help = "where to wait for the other side" },
	{ .name = "wait",
	  .kind = BW_OPT_TIME,
	  .min = 1000,
	  .max = 86400000,
	  .fallback = "10min",
	  .help = "for how long" },
	{ 0 },
};

static const struct bw_option accept_options[] = { MEETING_OPTIONS, { 0 } };

static const struct bw_command peer_verbs[] = {
	{ .name = "invite",
	  .summary = "wait for another node to come and meet this one",
	  .usage = "[--listen ADDRESS:PORT] [--wait TIME] [--label NAME] [--address URL] [--as NAME]",
	  .details =
		  "When the other side has come, each screen shows a code. Two people who know each other's voice read "
		  "them out by telephone, each typing what he hears. Then each node knows the other's keys, and that "
		  "nobody stands in between. One connection, one meeting; a wrong code ends it.",
	  .options = invite_options,
	  .max_args = 0,
	  .run = invite_run },
	{ .name = "accept",
	  .summary = "go to a node that invited this one",
	  .usage = "[--label NAME] [--address URL] [--as NAME] URL",
	  .details =
		  "URL is what 'breakwater peer invite' printed there. The connection is TLS 1.3 with X25519MLKEM768 "
		  "or none.",
	  .options = accept_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = accept_run },
	{ .name = "list", .summary = "list the nodes this one has met", .usage = "", .max_args = 0, .run = list_run },
	{ .name = "show",
	  .summary = "show one of them",
	  .usage = "PEER",
	  .details = "PEER is its label here, or its name or the first eight characters of it or more.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = show_run },
	{ .name = "remove",
	  .summary = "forget one of them",
	  .usage = "PEER",
	  .details = "Accords with it stop at once. To have it back the two have to meet again.",
	  .min_args = 1,
	  .max_args = 1,
	  .run = remove_run },
	{ 0 },
};

const struct bw_command bw_peer_command = {
	.name = "peer",
	.summary = "meet other nodes, and see which are known",
	.usage = "invite|accept|list|show|remove",
	.verbs = peer_verbs,
};
