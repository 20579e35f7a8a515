/* The data folder under a running guard: when it goes, that is said at once, and nothing of it is made anew. */
#include "base/log.h"
#include "guard/hand_form.h"
#include "guard/scribe_parts.h"
#include "sys/clock.h"

enum { LOOK_MS = 2000, TEXT_BYTES = 2048 };

static const struct {
	const char *event;
	const char *subject;
	const char *text;
} words[] = {
	[BW_DATA_HERE] = { "the data folder is there again", "Breakwater: the guard's data folder is there again",
			   "What the guard decided meanwhile is written down, and it can be asked again." },
	[BW_DATA_GONE] = { "the data folder is gone: the guard goes on copying and stopping, writes nothing down and "
			   "cannot "
			   "be asked",
			   "Breakwater: the guard has lost its data folder",
			   "It was removed, or what held it is not mounted. The guard goes on copying files and "
			   "stopping\n"
			   "attackers with the settings it has, but writes no reports and cannot be asked.\n\n"
			   "Put the folder back: mount what held it, and all goes on by itself; or bring it back from "
			   "a\n"
			   "backup, and then: systemctl restart breakwater-guard. Without one: stop the guard and "
			   "enroll the\n"
			   "folders again (breakwater guard enroll DIR); the copies of their files are still there." },
	[BW_DATA_OTHER] = { "another folder stands in the data folder's place: the guard goes on copying and stopping, "
			    "writes nothing down and cannot be asked",
			    "Breakwater: another folder stands in the place of the guard's data folder",
			    "The guard goes on copying files and stopping attackers with the settings it has, but "
			    "writes no\n"
			    "reports there and cannot be asked.\n\n"
			    "Mount what held its own folder, and all goes on by itself. If the new one is meant (it "
			    "came\n"
			    "from a backup): systemctl restart breakwater-guard." },
};

static void tell(struct scribe *scribe, enum bw_data_state state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(TEXT_BYTES + BW_PATH_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	struct bw_notice notice = { .subject = bw_slice_text(words[state].subject) };

	if (state == BW_DATA_HERE)
		bw_log(BW_NOTICE, words[state].event, BW_TEXT("folder", scribe->guard->data));
	else
		bw_log(BW_ERROR, words[state].event, BW_TEXT("folder", scribe->guard->data),
		       BW_TEXT("next", "put it back, then: systemctl restart breakwater-guard"));
	if (bw_buf_addf(&text, "The data folder: %s\n\n%s\n", scribe->guard->data, words[state].text) != BW_OK)
		return;
	notice.text = bw_buf_slice(&text);
	if (bw_notice_add(&body, &notice) == BW_OK)
		scribe_tell(scribe, "hand", BW_RECORD_NOTICE, bw_buf_slice(&body));
}

int scribe_data_turn(struct scribe *scribe, int wait_ms)
{
	const int64_t now_ms = bw_clock_mono_us() / 1000;
	enum bw_data_state state;

	if (now_ms >= scribe->data_look_ms) {
		scribe->data_look_ms = now_ms + LOOK_MS;
		state = bw_data_state(scribe->guard->data, &scribe->data);
		if (state != scribe->data_state)
			tell(scribe, state);
		scribe->data_state = state;
	}
	return wait_ms < 0 || wait_ms > LOOK_MS ? LOOK_MS : wait_ms;
}
