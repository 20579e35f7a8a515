/*
 * Who is connected. smbstatus costs a tenth of a second, so it is asked when the judge wants to know, and when the
 * children of a listening smbd have changed: one small read of /proc every two seconds. Sessions that come
 * without a new child (a second user on one connection) are seen at the next asking, every two minutes at the latest.
 */
#include <fcntl.h>
#include <stdio.h>
#include <dirent.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "guard/hand_parts.h"
#include "guard/lineage_proc.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	LOOK_US = 2 * 1000 * 1000,
	SEARCH_US = 30 * 1000 * 1000, /* for an smbd that was started meanwhile */
	ASK_US = 120 * 1000 * 1000,
	SMBSTATUS_MS = 10 * 1000, /* it waits for locks of smbd's databases */
	CHILDREN_BYTES = 1024 * 1024,
};

/* ---- the children of smbd ------------------------------------------------------------------ */

/* Anybody may call himself so, but not be root. */
static bool is_smbd(struct hand *hand, uint32_t pid, struct bw_process *out)
{
	if (bw_process_read(hand->proc, pid, out) != BW_OK || strcmp(out->comm, "smbd") != 0)
		return false;
	bw_process_read_more(hand->proc, out);
	return out->uid == 0;
}

/* The listening ones: an smbd whose parent is none. */
static void search(struct hand *hand)
{
	struct hand_samba *samba = &hand->samba;
	const int fd = openat(hand->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	samba->parent_count = 0;
	while (all != NULL && (entry = readdir(all)) != NULL && samba->parent_count < HAND_SMBD_MAX) {
		struct bw_process process;
		struct bw_process parent;
		uint64_t pid;

		if (bw_parse_u64(bw_slice_text(entry->d_name), &pid) == BW_OK && pid <= INT32_MAX &&
		    is_smbd(hand, (uint32_t)pid, &process) && !is_smbd(hand, process.parent, &parent))
			samba->parents[samba->parent_count++] = (struct hand_smbd){ .pid = (uint32_t)pid,
										    .start_ns = process.start_ns };
	}
	if (all != NULL)
		(void)closedir(all);
	else if (fd >= 0)
		(void)close(fd);
}

/* FNV-1a: only to see a change. */
static uint64_t digest(struct bw_slice text)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.len; i++)
		sum = (sum ^ text.ptr[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* False when it is gone. `children` stays as it is on a kernel that does not tell (CONFIG_PROC_CHILDREN). */
static bool look_at(struct hand *hand, struct hand_smbd *smbd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(CHILDREN_BYTES);
	struct bw_process process;
	char path[64];

	if (!is_smbd(hand, smbd->pid, &process) || process.start_ns != smbd->start_ns)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%u/task/%u/children", smbd->pid, smbd->pid);
	if (bw_file_read(path, &text, NULL) == BW_OK)
		smbd->children = digest(bw_buf_slice(&text));
	return true;
}

/* Whether a client may have come or gone since the last look. */
static bool has_changed(struct hand *hand)
{
	struct hand_samba *samba = &hand->samba;
	bool changed = false;

	for (size_t i = 0; i < samba->parent_count; i++) {
		const uint64_t before = samba->parents[i].children;

		if (!look_at(hand, &samba->parents[i])) {
			samba->next_search_us = 0;
			changed = true;
		}
		changed = changed || samba->parents[i].children != before;
	}
	return changed;
}

/* ---- smbstatus -------------------------------------------------------------------------------- */

static void ask(struct hand *hand, int64_t now_us)
{
	const char *config = hand->guard->settings.samba;
	/* fast: no check who lives. A session that was cut off stays in Samba's tables for a while, with its user */
	const struct bw_program with = { .path = hand->smbstatus,
					 .words = { "-s", config, "--json", "--processes", "--fast", NULL },
					 .output_max = BW_HAND_SESSIONS_BYTES,
					 .timeout_ms = SMBSTATUS_MS };
	const struct bw_program without = { .path = hand->smbstatus,
					    .words = { "--json", "--processes", "--fast", NULL },
					    .output_max = BW_HAND_SESSIONS_BYTES,
					    .timeout_ms = SMBSTATUS_MS };
	const enum bw_err err = bw_program_start(config == NULL ? &without : &with, &hand->samba.run);

	hand->samba.wanted = false;
	hand->samba.asked_us = now_us;
	if (err != BW_OK)
		bw_log(BW_ERROR, "Samba could not be asked", BW_TEXT("why", bw_err_text(err)));
}

static void pass_on(struct hand *hand, struct bw_slice text)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile large = BW_MEMFILE_NONE;

	if (text.len <= BW_FRAME_BODY_MAX)
		hand_tell(hand, "judge", BW_RECORD_SESSIONS, text, -1);
	else if (bw_memfile_of("sessions", text, &large) == BW_OK)
		hand_tell(hand, "judge", BW_RECORD_SESSIONS, bw_slice_empty, large.fd);
}

static void hear(struct hand *hand)
{
	struct hand_samba *samba = &hand->samba;
	int status = 0;
	enum bw_err err = bw_program_step(&samba->run, 0, &status);

	if (err == BW_ERR_AGAIN)
		return;
	if (err == BW_OK && status == 0)
		pass_on(hand, bw_buf_slice(&samba->run.output));
	else if (!samba->complained)
		bw_log(BW_WARNING, "Samba does not tell who is connected: a client is then known by its process alone",
		       BW_TEXT("why", bw_err_text(err)), BW_NUM("status", status));
	samba->complained = err != BW_OK || status != 0;
	bw_program_release(&samba->run);
}

int64_t hand_samba_turn(struct hand *hand)
{
	struct hand_samba *samba = &hand->samba;
	const int64_t now_us = bw_clock_mono_us();

	if (hand->smbstatus[0] == '\0')
		return INT64_MAX;
	if (samba->run.pid != 0)
		hear(hand);
	if (now_us >= samba->next_look_us) {
		if (now_us >= samba->next_search_us) {
			samba->next_search_us = now_us + SEARCH_US;
			search(hand);
		}
		samba->next_look_us = now_us + LOOK_US;
		if (has_changed(hand) || (samba->parent_count > 0 && now_us >= samba->asked_us + ASK_US))
			samba->wanted = true;
	}
	if (samba->wanted && samba->run.pid == 0)
		ask(hand, now_us);
	return samba->run.pid != 0 && samba->run.deadline_us < samba->next_look_us ? samba->run.deadline_us
										   : samba->next_look_us;
}
