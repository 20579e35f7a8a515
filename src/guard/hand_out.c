/*
 * Keeping a client out: its address from the file services (nft), what it has open (smbcontrol), its user from Samba
 * (smbpasswd), and all of it undone. Each is a program of its own that takes tens of milliseconds, so they wait
 * in a queue: meanwhile the next child's address is asked for, and must be found while that child lives.
 */
#include <stdio.h>

#include "base/log.h"
#include "guard/hand_parts.h"
#include "sys/clock.h"

enum {
	/* they take milliseconds; on a machine brought to its knees seconds, and giving up leaves an attacker in */
	PROGRAM_MS = 20 * 1000,
	SAID_BYTES = 64 * 1024,
	COMMAND_BYTES = 2 * BW_PATH_BYTES,
};

/* ---- words ---------------------------------------------------------------------------------- */

/* For people: "10.0.0.9", "user anna". */
static struct bw_slice subject_of(const struct bw_deed *deed, char out[BW_ADDRESS_TEXT_BYTES + BW_HAND_NAME_BYTES])
{
	if (deed->kind == BW_DEED_USER)
		(void)snprintf(out, BW_HAND_NAME_BYTES + BW_ADDRESS_TEXT_BYTES, "user %s", deed->user);
	else
		bw_address_write(&deed->address, out);
	return bw_slice_text(out);
}

static enum bw_err undo_of(const struct hand *hand, const struct bw_deed *deed, struct bw_buf *out)
{
	const char *config = hand->guard->settings.samba;

	if (deed->kind != BW_DEED_USER)
		return bw_let_in_command(&deed->address, out);
	if (config != NULL)
		return bw_buf_addf(out, "smbpasswd -c '%s' -e '%s'", config, deed->user);
	return bw_buf_addf(out, "smbpasswd -e '%s'", deed->user);
}

static enum bw_err script_of(const struct hand_job *job, struct bw_buf *out)
{
	const int64_t left_us = job->deed.until_us - bw_clock_now_us();

	if (job->kind == HAND_JOB_LET_IN)
		return bw_let_in_script(&job->deed.address, out);
	return bw_keep_out_script(&job->deed.address, left_us < 1000000 ? 1 : (uint32_t)(left_us / 1000000),
				  job->deed.incident, out);
}

/* ---- starting --------------------------------------------------------------------------------- */

static enum bw_err start_words(struct hand *hand, const char *path, const char *config_option, const char *const *words)
{
	const char *config = hand->guard->settings.samba;
	struct bw_program program = {
		.path = path, .output_max = SAID_BYTES, .timeout_ms = PROGRAM_MS, .errors_too = true
	};
	size_t n = 0;

	BW_NEED(path[0] != '\0', NOT_FOUND);
	if (config != NULL) {
		program.words[n++] = config_option;
		program.words[n++] = config;
	}
	for (; *words != NULL && n + 1 < BW_PROGRAM_WORDS_MAX; words++)
		program.words[n++] = *words;
	return bw_program_start(&program, &hand->work.run);
}

static enum bw_err start_nft(struct hand *hand, const struct hand_job *job)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf script = BW_BUF_INIT(SAID_BYTES);
	struct bw_program nft = { .path = hand->nft,
				  .words = { "-f", "-", NULL },
				  .output_max = SAID_BYTES,
				  .timeout_ms = PROGRAM_MS,
				  .errors_too = true };

	BW_NEED(hand->nft[0] != '\0', NOT_FOUND);
	BW_TRY(script_of(job, &script));
	nft.input = bw_buf_slice(&script);
	return bw_program_start(&nft, &hand->work.run);
}

static enum bw_err start_job(struct hand *hand, const struct hand_job *job)
{
	char address[BW_ADDRESS_TEXT_BYTES];
	const char *user = job->deed.user;

	switch (job->kind) {
	case HAND_JOB_KEEP_OUT:
	case HAND_JOB_LET_IN:
		return start_nft(hand, job);
	case HAND_JOB_END_SESSIONS:
		bw_address_write(&job->deed.address, address);
		return start_words(hand, hand->smbcontrol, "-s",
				   (const char *const[]){ "smbd", "kill-client-ip", address, NULL });
	case HAND_JOB_LOOK_UP:
		return start_words(hand, hand->pdbedit, "-s",
				   (const char *const[]){ "--list", "--verbose", "--user", user, NULL });
	case HAND_JOB_DISABLE:
		return start_words(hand, hand->smbpasswd, "-c", (const char *const[]){ "-d", user, NULL });
	case HAND_JOB_ENABLE:
		return start_words(hand, hand->smbpasswd, "-c", (const char *const[]){ "-e", user, NULL });
	default:
		return BW_ERR_MISSING;
	}
}

/* ---- the queue ----------------------------------------------------------------------------------- */

static void add_job(struct hand *hand, enum hand_job_kind kind, const struct bw_deed *deed)
{
	char subject[BW_ADDRESS_TEXT_BYTES + BW_HAND_NAME_BYTES];

	if (hand->work.count == HAND_JOBS_MAX) {
		hand_tell_failure(hand, deed->incident, subject_of(deed, subject), "too much is to be done at once");
		return;
	}
	hand->work.jobs[hand->work.count++] = (struct hand_job){ kind, *deed };
}

static struct hand_job take_job(struct hand *hand)
{
	const struct hand_job job = hand->work.jobs[0];

	hand->work.count--;
	memmove(hand->work.jobs, hand->work.jobs + 1, hand->work.count * sizeof(hand->work.jobs[0]));
	return job;
}

static const char *why_of(const struct hand_job *job, enum bw_err err, const char *said)
{
	if (err == BW_ERR_NOT_FOUND)
		return job->kind == HAND_JOB_KEEP_OUT || job->kind == HAND_JOB_LET_IN
			       ? "there is no nft here: addresses cannot be kept out (nftables)"
			       : "there is no pdbedit or smbpasswd here: users cannot be kept out";
	return err != BW_OK ? bw_err_text(err) : said;
}

static void tell_done(struct hand *hand, const struct bw_deed *deed)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf undo = BW_BUF_INIT(COMMAND_BYTES);
	char subject[BW_ADDRESS_TEXT_BYTES + BW_HAND_NAME_BYTES];

	if (undo_of(hand, deed, &undo) == BW_OK)
		hand_tell_acted(hand, &(struct bw_acted){ deed->incident, BW_ACTED_KEPT_OUT, deed->until_us,
							  subject_of(deed, subject), bw_buf_slice(&undo) });
}

static void tell_let_in(struct hand *hand, const struct bw_deed *deed)
{
	char subject[BW_ADDRESS_TEXT_BYTES + BW_HAND_NAME_BYTES];

	hand_tell_acted(hand, &(struct bw_acted){ deed->incident, BW_ACTED_LET_IN, 0, subject_of(deed, subject),
						  bw_slice_empty });
}

/*
 * An account that is disabled already is the administrator's doing, and not ours to enable later. One that Samba does
 * not keep itself (a domain's) cannot be disabled from here.
 */
static void looked_up(struct hand *hand, const struct hand_job *job, bool found, struct bw_slice said)
{
	char subject[BW_ADDRESS_TEXT_BYTES + BW_HAND_NAME_BYTES];
	bool enabled = false;

	if (!found || bw_account_is_enabled(said, &enabled) != BW_OK) {
		hand_tell_failure(hand, job->deed.incident, subject_of(&job->deed, subject),
				  "not an account of this Samba's own (a domain's?): it cannot be disabled from here");
		return;
	}
	if (!enabled || !hand_note(hand, &job->deed, subject_of(&job->deed, subject)))
		return;
	hand_save(hand);
	add_job(hand, HAND_JOB_DISABLE, &job->deed);
}

/* What surely never happened needs no undoing, and nobody is told that it is so. One that ran too long may have. */
static void forget_undone(struct hand *hand, const struct hand_job *job, enum bw_err err)
{
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return;
	bw_hand_book_drop(&hand->book, &job->deed);
	hand_save(hand);
}

static void finish(struct hand *hand, const struct hand_job *job, enum bw_err err, int status,
		   const struct bw_buf *said)
{
	char subject[BW_ADDRESS_TEXT_BYTES + BW_HAND_NAME_BYTES];
	const bool went_well = err == BW_OK && status == 0;

	switch (job->kind) {
	case HAND_JOB_LOOK_UP:
		if (err == BW_OK) {
			looked_up(hand, job, status == 0, bw_buf_slice(said));
			return;
		}
		break;
	case HAND_JOB_KEEP_OUT:
	case HAND_JOB_DISABLE:
		if (went_well) {
			bw_hand_book_did(&hand->book, &job->deed);
			tell_done(hand, &job->deed);
			return;
		}
		forget_undone(hand, job, err);
		break;
	case HAND_JOB_LET_IN: /* a table that is gone keeps nobody out */
		tell_let_in(hand, &job->deed);
		return;
	case HAND_JOB_ENABLE:
		if (went_well) {
			tell_let_in(hand, &job->deed);
			return;
		}
		break;
	case HAND_JOB_END_SESSIONS:
		if (!went_well)
			bw_log(BW_WARNING, "Samba did not end a client's sessions",
			       BW_SLICE("address", subject_of(&job->deed, subject)), BW_NUM("status", status),
			       BW_TEXT("why", bw_err_text(err)));
		return;
	default:
		return;
	}
	hand_tell_failure(hand, job->deed.incident, subject_of(&job->deed, subject),
			  why_of(job, err, bw_buf_text(said)));
}

static void step(struct hand *hand)
{
	int status = 0;
	const enum bw_err err = bw_program_step(&hand->work.run, 0, &status);
	struct hand_job job;

	if (err == BW_ERR_AGAIN)
		return;
	job = take_job(hand);
	finish(hand, &job, err, status, &hand->work.run.output);
	bw_program_release(&hand->work.run);
}

int64_t hand_work_turn(struct hand *hand)
{
	struct hand_work *work = &hand->work;

	if (work->run.pid != 0)
		step(hand);
	while (work->run.pid == 0 && work->count > 0) {
		const enum bw_err err = start_job(hand, &work->jobs[0]);

		if (err != BW_OK) {
			const struct hand_job job = take_job(hand);
			const struct bw_buf nothing = BW_BUF_INIT(0);

			finish(hand, &job, err, 0, &nothing);
		}
	}
	return work->run.pid != 0 ? work->run.deadline_us : INT64_MAX;
}

/* What is not in the book yet, lifting would not undo. */
void hand_forget_looks(struct hand *hand, uint64_t incident)
{
	for (size_t i = 0; i < hand->work.count; i++) {
		struct hand_job *job = &hand->work.jobs[i];

		if (job->kind == HAND_JOB_LOOK_UP && (incident == 0 || job->deed.incident == incident))
			job->kind = HAND_JOB_NOTHING;
	}
}

/* ---- doing and undoing ------------------------------------------------------------------------------ */

static void keep_address_out(struct hand *hand, const struct bw_keep_out *what, int64_t until_us)
{
	struct bw_deed deed = { .kind = BW_DEED_KEEP_OUT, .incident = what->incident, .until_us = until_us };
	const enum bw_err err = bw_address_parse(what->address, &deed.address);

	if (err != BW_OK) {
		hand_tell_failure(hand, what->incident, what->address,
				  err == BW_ERR_RANGE ? "this machine's own address, or everybody's: not kept out"
						      : "not an address");
		return;
	}
	if (!hand_note(hand, &deed, what->address))
		return;
	hand_save(hand);
	/* first the packets: what is ended afterwards cannot come back in between */
	add_job(hand, HAND_JOB_KEEP_OUT, &deed);
	if (hand->ends_by_address)
		add_job(hand, HAND_JOB_END_SESSIONS, &deed);
}

static void keep_user_out(struct hand *hand, const struct bw_keep_out *what, int64_t until_us)
{
	struct bw_deed deed = { .kind = BW_DEED_USER, .incident = what->incident, .until_us = until_us };

	if (bw_hand_name(what->user, deed.user) != BW_OK) {
		hand_tell_failure(hand, what->incident, what->user,
				  "an account many may share, or a name Samba's tools would misread: not kept out");
		return;
	}
	if (!bw_hand_book_holds(&hand->book, &deed)) {
		add_job(hand, HAND_JOB_LOOK_UP, &deed);
		return;
	}
	/* it was us who disabled it: it stays so until this incident is over, too */
	if (hand_note(hand, &deed, what->user))
		hand_save(hand);
}

void hand_keep_out(struct hand *hand, const struct bw_keep_out *what)
{
	const int64_t until_us = bw_clock_now_us() + (int64_t)what->seconds * 1000000;

	if (what->address.len > 0)
		keep_address_out(hand, what, until_us);
	if (what->user.len > 0)
		keep_user_out(hand, what, until_us);
}

void hand_let_in(struct hand *hand, const struct bw_deed *deed, bool timed)
{
	if (deed->kind == BW_DEED_USER)
		add_job(hand, HAND_JOB_ENABLE, deed);
	else if (!timed)
		add_job(hand, HAND_JOB_LET_IN, deed);
	else /* the set has let go of it by itself when its time was up */
		tell_let_in(hand, deed);
}
