#include "desk/post.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

enum {
	SEATS_MAX = BW_CREW_SEATS_MAX,
	LETTERS_A_TURN = 64, /* from one peer before the others get their turn; their answers fit into its queue */
};

#define GUEST "desk"

struct seat {
	const char *peer; /* NULL: free */
	unsigned copy;
	struct bw_channel *channel; /* NULL: down */
	uint32_t epoch;
	bool is_guest; /* then the channel is ours to free */
	bool more;     /* letters may wait in the channel's buffer, where poll cannot see them */
};

struct bw_post {
	struct bw_seat *self;
	struct bw_post_plan plan;
	size_t count;
	struct seat seats[SEATS_MAX];
	uint32_t epochs;
	bool stop;
};

static struct seat *seat_for(struct bw_post *post, const char *peer, unsigned copy)
{
	for (size_t i = 0; i < post->count; i++) {
		struct seat *seat = &post->seats[i];

		if (seat->peer != NULL && !seat->is_guest && strcmp(seat->peer, peer) == 0 && seat->copy == copy)
			return seat;
	}
	return NULL;
}

static enum bw_err seat_add(struct bw_post *post, const struct seat *fresh)
{
	size_t at = 0;

	while (at < post->count && post->seats[at].peer != NULL)
		at++;
	BW_NEED(at < SEATS_MAX, TOO_MANY);
	if (at == post->count)
		post->count++;
	post->seats[at] = *fresh;
	post->seats[at].epoch = ++post->epochs;
	return BW_OK;
}

static void seat_close(struct seat *seat)
{
	if (seat->is_guest) {
		bw_channel_free(seat->channel);
		seat->peer = NULL;
	}
	seat->channel = NULL;
}

static bool is_joined_already(const struct bw_post *post, const char *peer)
{
	for (size_t i = 0; i < post->count; i++) {
		if (post->seats[i].peer != NULL && strcmp(post->seats[i].peer, peer) == 0)
			return true;
	}
	return false;
}

static bool is_for_guests(const struct bw_post *post, const char *peer)
{
	return strcmp(peer, GUEST) == 0 ||
	       (post->plan.others.peer != NULL && strcmp(peer, post->plan.others.peer) == 0);
}

static enum bw_err join_all(struct bw_post *post)
{
	for (const struct bw_post_rule *rule = post->plan.rules; rule->peer != NULL; rule++) {
		const unsigned copies = bw_seat_peers(post->self, rule->peer);

		if (is_for_guests(post, rule->peer) || is_joined_already(post, rule->peer))
			continue;
		for (unsigned i = 0; i < copies; i++) {
			const struct seat fresh = { .peer = rule->peer,
						    .copy = i,
						    .channel = bw_seat_peer(post->self, rule->peer, i) };

			BW_TRY(seat_add(post, &fresh));
		}
	}
	return BW_OK;
}

enum bw_err bw_post_new(struct bw_seat *seat, const struct bw_post_plan *plan, struct bw_post **out)
{
	struct bw_post *post = calloc(1, sizeof(*post));
	enum bw_err err;

	BW_NEED(post != NULL, MEMORY);
	post->self = seat;
	post->plan = *plan;
	err = join_all(post);
	if (err != BW_OK) {
		free(post);
		return err;
	}
	*out = post;
	return BW_OK;
}

void bw_post_free(struct bw_post *post)
{
	if (post == NULL)
		return;
	for (size_t i = 0; i < post->count; i++)
		seat_close(&post->seats[i]);
	free(post);
}

void bw_post_wake_in(struct bw_post *post, int wake_ms)
{
	post->plan.wake_ms = wake_ms;
}

/* ---- the parent -------------------------------------------------------- */

static void replace_peer(struct bw_post *post, const struct bw_seat_event *event)
{
	struct seat *seat = seat_for(post, event->peer.name, event->peer.copy);

	if (seat != NULL) {
		seat->channel = event->now;
		seat->epoch = ++post->epochs; /* answers meant for the one before are dropped */
	}
	bw_channel_free(event->old);
	if (seat != NULL && post->plan.replaced != NULL)
		post->plan.replaced(post->plan.ctx, seat->peer, seat->copy);
}

static enum bw_err take_event(struct bw_post *post, const struct bw_seat_event *event)
{
	enum bw_err err = BW_OK;

	switch (event->kind) {
	case BW_SEAT_MESSAGE:
		if (post->plan.told != NULL)
			err = post->plan.told(post->plan.ctx, &event->message, event->fd);
		if (event->fd >= 0)
			(void)close(event->fd);
		return err;
	case BW_SEAT_PEER:
		replace_peer(post, event);
		return BW_OK;
	case BW_SEAT_RELOAD:
		if (post->plan.reload != NULL)
			post->plan.reload(post->plan.ctx);
		return BW_OK;
	case BW_SEAT_STOP:
		post->stop = true;
		return BW_OK;
	default:
		return BW_OK;
	}
}

enum bw_err bw_post_wait_for(struct bw_post *post, uint8_t kind, int timeout_ms)
{
	for (;;) {
		struct bw_seat_event event = { 0 };
		uint8_t got;

		BW_TRY(bw_seat_wait(post->self, timeout_ms, &event));
		got = event.kind == BW_SEAT_MESSAGE ? event.message.kind : 0;
		BW_TRY(take_event(post, &event));
		BW_NEED(!post->stop, CLOSED);
		if (got == kind)
			return BW_OK;
	}
}

static enum bw_err take_events(struct bw_post *post)
{
	struct bw_seat_event event;

	do {
		event = (struct bw_seat_event){ .fd = -1 };
		BW_TRY(bw_seat_next(post->self, &event));
		if (take_event(post, &event) != BW_OK)
			bw_log(BW_ERROR, "message of the parent not taken", BW_NUM("kind", event.message.kind));
	} while (event.kind != BW_SEAT_NOTHING && !post->stop);
	return BW_OK;
}

/* ---- letters ----------------------------------------------------------- */

static enum bw_err deliver(struct bw_post *post, const struct seat *seat, struct bw_letter *letter)
{
	for (const struct bw_post_rule *rule = post->plan.rules; rule->peer != NULL; rule++) {
		if (rule->kind == letter->kind && strcmp(rule->peer, seat->peer) == 0)
			return rule->take(post->plan.ctx, letter);
	}
	return BW_ERR_PROTOCOL;
}

static enum bw_err take_letters(struct bw_post *post, size_t at)
{
	struct seat *seat = &post->seats[at];

	seat->more = false;
	for (size_t n = 0; seat->channel != NULL; n++) {
		struct bw_letter letter = {
			.from = { (uint32_t)at, seat->epoch }, .peer = seat->peer, .copy = seat->copy, .fd = -1
		};
		struct bw_frame frame;
		enum bw_err err;

		if (n == LETTERS_A_TURN || !bw_channel_has_room(seat->channel)) {
			seat->more = true;
			return BW_OK;
		}
		err = bw_channel_next(seat->channel, &frame, &letter.fd);
		if (err == BW_ERR_AGAIN) {
			BW_TRY(bw_channel_fill(seat->channel));
			continue;
		}
		BW_TRY(err);
		letter.kind = frame.kind;
		letter.body = frame.body;
		err = deliver(post, seat, &letter);
		if (letter.fd >= 0)
			(void)close(letter.fd);
		BW_TRY(err);
	}
	return BW_OK;
}

/* The other side must learn that nobody listens any more; a worker gets a new channel, a guest may come again. */
static void give_up(struct bw_post *post, struct seat *seat, enum bw_err why)
{
	bw_log(BW_ERROR, "channel given up", BW_TEXT("peer", seat->peer), BW_TEXT("why", bw_err_text(why)));
	/* the descriptor stays open in the seat */
	if (seat->channel != NULL)
		(void)shutdown(bw_channel_fd(seat->channel), SHUT_RDWR);
	if (!seat->is_guest && bw_seat_renew(post->self, seat->peer, seat->copy) != BW_OK)
		bw_log(BW_ERROR, "the parent does not listen", BW_TEXT("peer", seat->peer));
}

static void serve_seat(struct bw_post *post, size_t at)
{
	struct seat *seat = &post->seats[at];
	const enum bw_err err = take_letters(post, at);

	if (err == BW_OK || err == BW_ERR_AGAIN)
		return;
	if (err != BW_ERR_CLOSED) /* it ended: the parent starts it again, or it was a guest */
		give_up(post, seat, err);
	seat_close(seat);
}

enum bw_err bw_post_answer(struct bw_post *post, struct bw_return_address to, uint8_t kind, struct bw_slice body,
			   int pass_fd)
{
	struct seat *seat;

	BW_NEED(to.seat < post->count, CLOSED);
	seat = &post->seats[to.seat];
	BW_NEED(seat->channel != NULL && seat->epoch == to.epoch, CLOSED);
	return bw_channel_put(seat->channel, kind, body, pass_fd);
}

enum bw_err bw_post_ask_copy(struct bw_post *post, const char *peer, unsigned copy, uint8_t kind, struct bw_slice body,
			     int pass_fd)
{
	const struct seat *seat = seat_for(post, peer, copy);

	BW_NEED(seat != NULL && seat->channel != NULL, CLOSED);
	return bw_channel_put(seat->channel, kind, body, pass_fd);
}

enum bw_err bw_post_ask(struct bw_post *post, const char *peer, uint8_t kind, struct bw_slice body, int pass_fd)
{
	return bw_post_ask_copy(post, peer, 0, kind, body, pass_fd);
}

static void flush_all(struct bw_post *post)
{
	for (size_t i = 0; i < post->count; i++) {
		struct seat *seat = &post->seats[i];
		enum bw_err err;

		if (seat->channel == NULL || !bw_channel_has_output(seat->channel))
			continue;
		err = bw_channel_flush(seat->channel);
		if (err == BW_OK || err == BW_ERR_AGAIN)
			continue;
		if (err != BW_ERR_CLOSED)
			give_up(post, seat, err);
		seat_close(seat);
	}
}

/* ---- guests ------------------------------------------------------------ */

/* Only this account and root may sit down at the desk; the socket's mode says so too. */
static bool guest_is_welcome(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && (who.uid == 0 || who.uid == geteuid());
}

static void accept_guest(struct bw_post *post, const struct bw_post_door *door)
{
	const int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct seat fresh = { .peer = door->peer, .is_guest = true };

	if (fd < 0)
		return;
	if (!guest_is_welcome(fd)) {
		(void)close(fd);
		return;
	}
	if (bw_channel_new(fd, &fresh.channel) != BW_OK)
		return;
	if (seat_add(post, &fresh) != BW_OK)
		bw_channel_free(fresh.channel);
}

/* ---- the loop ---------------------------------------------------------- */

struct wait_set {
	struct pollfd fds[SEATS_MAX + 3];
	size_t seat_of[SEATS_MAX + 3];
	size_t count;
	bool more; /* somebody has letters already: do not wait */
};

enum { AT_PARENT, AT_GUESTS, AT_OTHERS, AT_SEATS };

static void fill_wait_set(const struct bw_post *post, struct wait_set *set)
{
	set->fds[AT_PARENT] = (struct pollfd){ .fd = bw_seat_fd(post->self), .events = POLLIN };
	set->fds[AT_GUESTS] = (struct pollfd){ .fd = post->plan.guests_fd, .events = POLLIN };
	set->fds[AT_OTHERS] = (struct pollfd){ .fd = post->plan.others.peer != NULL ? post->plan.others.fd : -1,
					       .events = POLLIN };
	set->count = AT_SEATS;
	set->more = false;
	for (size_t i = 0; i < post->count; i++) {
		const struct seat *seat = &post->seats[i];
		bool has_room;

		if (seat->channel == NULL)
			continue;
		has_room = bw_channel_has_room(seat->channel);
		set->fds[set->count] = (struct pollfd){ .fd = bw_channel_fd(seat->channel),
							.events = has_room ? POLLIN : 0 };
		if (bw_channel_has_output(seat->channel))
			set->fds[set->count].events |= POLLOUT;
		set->seat_of[set->count] = i;
		set->count++;
		set->more = set->more || (seat->more && has_room);
	}
}

static enum bw_err turn(struct bw_post *post)
{
	struct wait_set set;
	int ready;

	fill_wait_set(post, &set);
	ready = poll(set.fds, set.count, set.more ? 0 : post->plan.wake_ms > 0 ? post->plan.wake_ms : -1);
	if (ready < 0)
		return errno == EINTR ? BW_OK : BW_ERR_SYSTEM;
	for (size_t i = AT_SEATS; i < set.count; i++) {
		if ((set.fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0 || post->seats[set.seat_of[i]].more)
			serve_seat(post, set.seat_of[i]);
	}
	if (post->plan.round_done != NULL)
		post->plan.round_done(post->plan.ctx);
	if (post->plan.woken != NULL && post->plan.wake_ms > 0)
		post->plan.woken(post->plan.ctx);
	flush_all(post);
	if ((set.fds[AT_GUESTS].revents & POLLIN) != 0)
		accept_guest(post, &(struct bw_post_door){ GUEST, post->plan.guests_fd });
	if ((set.fds[AT_OTHERS].revents & POLLIN) != 0)
		accept_guest(post, &post->plan.others);
	/* last: a replaced peer must not get answers meant for the one before */
	if (set.fds[AT_PARENT].revents != 0)
		return take_events(post);
	return BW_OK;
}

enum bw_err bw_post_run(struct bw_post *post)
{
	/* what came together with what was waited for lies in memory, where no descriptor tells of it */
	BW_TRY(take_events(post));
	while (!post->stop)
		BW_TRY(turn(post));
	flush_all(post);
	return BW_OK;
}
