/* Who took too much of the room: in the log, on the board, in a notice. Names of users are for the reader to find. */
#include <stdio.h>

#include "base/log.h"
#include "guard/hand_form.h"
#include "guard/keep_share_parts.h"
#include "guard/plain.h"

#define HOUR_NS (UINT64_C(3600) * 1000000000)

enum { TEXT_BYTES = 2048, WHOSE_BYTES = 160 };

static bool is_time(uint64_t *told_ns, uint64_t every_ns)
{
	const uint64_t now = bw_keep_now();

	if (*told_ns != 0 && now - *told_ns < every_ns)
		return false;
	*told_ns = now;
	return true;
}

/* Whoever holds most of what there is too little of; 0: nobody holds anything that was copied of late. */
static struct bw_fair_owner largest(const struct bw_fair *fair, bool inodes)
{
	struct bw_fair_owner most = { .owner = 0 };

	for (size_t i = 0; i < fair->count; i++) {
		const struct bw_fair_owner *one = &fair->list[i];

		if (inodes ? one->objects > most.objects : one->bytes > most.bytes)
			most = *one;
	}
	return most;
}

static void show(struct bw_keep *keep, const struct bw_fair_owner *most)
{
	keep->board->share_owner = most->owner;
	keep->board->share_bytes = most->bytes;
	keep->board->share_inodes = most->objects;
	keep->board->share_us = bw_keep_now() / 1000;
}

static void say_whose(const struct bw_fair_owner *most, char *out, size_t max)
{
	char size[BW_PLAIN_BYTES];

	if (most->owner == 0)
		(void)snprintf(out, max, "Nobody changed much of late: what is protected has outgrown the room.");
	else
		(void)snprintf(out, max, "Most of what was copied of late is user %u's: %s and %llu inodes.",
			       most->owner - 1, bw_plain_size(most->bytes, size), (unsigned long long)most->objects);
}

static void tell(struct bw_keep *keep, uint32_t volume, const struct bw_fair_owner *most, const char *what)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_channel *scribe = bw_seat_peer(keep->seat, "scribe", 0);
	char text[TEXT_BYTES];
	char whose[WHOSE_BYTES];
	struct bw_notice notice = { .subject = BW_LIT("Breakwater: there is no more room for copies") };

	if (!is_time(&keep->shares[volume].noticed_ns, 24 * HOUR_NS))
		return;
	say_whose(most, whose, sizeof(whose));
	(void)snprintf(
		text, sizeof(text),
		"The room for copies on %s is full. %s\n%s\n"
		"Copies of the files of users who hold less are made as before.\n\n"
		"What to do: find out what this user writes, and remove what is not wanted; or give the guard more\n"
		"room (breakwater guard enroll --quota SIZE --inodes NUMBER). A disk quota (setquota) bounds a user\n"
		"for good. breakwater guard status shows how it stands.\n",
		keep->guard->volumes[volume].mount, whose, what);
	notice.text = bw_slice_text(text);
	if (scribe == NULL || bw_notice_add(&body, &notice) != BW_OK ||
	    bw_channel_put(scribe, BW_RECORD_NOTICE, bw_buf_slice(&body), -1) != BW_OK)
		return;                        /* it is in the log */
	bw_err_drop(bw_channel_flush(scribe)); /* what does not go now goes with the next word */
}

void bw_keep_share_say_given(struct bw_keep *keep, uint32_t volume, const struct bw_keep_given *given)
{
	const struct bw_fair_owner most = largest(&keep->shares[volume].held, given->inodes > 0 && given->bytes == 0);

	bw_log(BW_WARNING, "newest copies of one user went, so that others' files get theirs",
	       BW_TEXT("mount", keep->guard->volumes[volume].mount), BW_NUM("user", given->owner - 1),
	       BW_NUM("copies", given->copies), BW_NUM("bytes", given->bytes), BW_NUM("inodes", given->inodes),
	       BW_NUM("holds_bytes", most.bytes), BW_NUM("holds_inodes", most.objects));
	keep->board->share_gone += given->copies;
	show(keep, &most);
	tell(keep, volume, &most,
	     "Newest copies of such files went, so that others' files get theirs; they are made again when there is "
	     "room.");
}

void bw_keep_share_say_refused(struct bw_keep *keep, uint32_t volume, const struct bw_shadow_wish *wish, bool inodes)
{
	const struct bw_fair_owner most = largest(&keep->shares[volume].held, inodes);
	const struct bw_fair_owner own = bw_fair_of(&keep->shares[volume].held, wish->owner);

	show(keep, &most);
	if (is_time(&keep->shares[volume].refused[wish->owner % BW_KEEP_REFUSED].told_ns, HOUR_NS))
		bw_log(BW_WARNING, "files of one user get no copy: there is no room within a fair share",
		       BW_TEXT("mount", keep->guard->volumes[volume].mount), BW_NUM("user", wish->owner - 1),
		       BW_NUM("holds_bytes", own.bytes), BW_NUM("holds_inodes", own.objects),
		       BW_NUM("most_is_of_user", most.owner == 0 ? 0 : most.owner - 1),
		       BW_NUM("most_bytes", most.bytes), BW_NUM("most_inodes", most.objects));
	tell(keep, volume, &most, "New versions of files get no copy while there is no room within a fair share.");
}
