/*
 * The reporter holds nothing: records of an incident come in, the files of its report go out. It is the only one that
 * reads the judge's records for scribe; what it needs to know of files it asks the witness.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/dossier_look.h"
#include "guard/guard.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum {
	MEMORY_BYTES = 1024 * 1024 * 1024,
	LOOK_MS = 2000, /* for all looks of one report: what was not asked for until then stays unknown */
	QUICK_LOOK_MS = 300,
	ANSWER_MS =
		1000, /* for one: then the channel is given up, because an answer that comes late would be another's */
	FILES_LOOKED_AT = 256,
	QUICK_FILES = 12, /* whose names, and new names, the first words take */
	QUICK_MADE = 12,  /* of what was made beside, the first: who leaves notes leaves them everywhere */
	FOLDERS_LOOKED_AT = 24,
	PROCESSES_LOOKED_AT = 4,
	LARGE_FIRST = 4, /* files that are read though they are large */
	LARGE_BYTES = 64 * 1024 * 1024,
	USUAL_BYTES = 4 * 1024 * 1024,
	NOTE_BYTES = 64 * 1024,
};

#define NOTES_BEFORE_US INT64_C(5000000) /* some leave the note first */

struct reporter {
	struct bw_seat *seat;
	const char *node;
};

/* ---- asking ------------------------------------------------------------------------------------- */

struct looking {
	struct bw_channel *witness; /* NULL: nobody answers any more */
	int64_t until_us;
	struct bw_mapped image; /* that came with the last answer */
};

static void take_image(struct looking *looking, int fd)
{
	bw_mapped_release(&looking->image);
	if (fd < 0)
		return;
	if (bw_mapped_open(fd, BW_REPORT_IMAGE_BYTES, &looking->image) != BW_OK)
		looking->image = (struct bw_mapped){ bw_slice_empty };
	(void)close(fd);
}

/* False: it is not known. The answer borrows until the next question. */
static bool look(struct looking *looking, const struct bw_look *what, struct bw_seen *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(256);
	struct bw_frame frame;
	int fd = -1;
	enum bw_err err;

	if (looking->witness == NULL || bw_clock_mono_us() >= looking->until_us)
		return false;
	err = bw_look_add(&form, what);
	if (err == BW_OK)
		err = bw_channel_send(looking->witness, BW_REPORT_LOOK, bw_buf_slice(&form), -1, ANSWER_MS);
	if (err == BW_OK)
		err = bw_channel_receive(looking->witness, &frame, &fd, ANSWER_MS);
	if (err == BW_OK)
		err = frame.kind == BW_REPORT_SEEN ? bw_seen_parse(frame.body, out) : BW_ERR_PROTOCOL;
	take_image(looking, fd);
	if (err == BW_OK && out->at == what->at)
		return true;
	bw_log(BW_WARNING, "the witness did not answer", BW_TEXT("why", bw_err_text(err)));
	looking->witness = NULL; /* an answer that comes late would be taken for another one's */
	return false;
}

static enum bw_err look_at_files(struct looking *looking, struct bw_dossier *d, struct bw_copies *copies)
{
	for (size_t i = 0; i < d->file_count && i < FILES_LOOKED_AT; i++) {
		const struct bw_look what = { .at = BW_LOOK_FILE,
					      .file = d->files[i].proof.file,
					      .made = d->files[i].proof.made,
					      .version = d->files[i].proof.version,
					      .max = i < LARGE_FIRST ? LARGE_BYTES : USUAL_BYTES,
					      .sample = BW_REPORT_SAMPLE_BYTES };
		struct bw_seen seen;

		if (!look(looking, &what, &seen))
			return BW_OK;
		BW_TRY(bw_dossier_saw_file(d, i, &seen, copies));
	}
	return BW_OK;
}

/* Names alone: no content is read. */
static enum bw_err look_at_names(struct looking *looking, struct bw_dossier *d, struct bw_copies *copies)
{
	for (size_t i = 0; i < d->file_count && i < QUICK_FILES; i++) {
		const struct bw_look what = { .at = BW_LOOK_FILE,
					      .file = d->files[i].proof.file,
					      .made = d->files[i].proof.made,
					      .version = d->files[i].proof.version };
		struct bw_seen seen;

		if (!look(looking, &what, &seen))
			return BW_OK;
		BW_TRY(bw_dossier_saw_file(d, i, &seen, copies));
	}
	return BW_OK;
}

/* What it made beside: a note, when it is a text. */
static enum bw_err look_at_made(struct looking *looking, struct bw_dossier *d, size_t most)
{
	for (size_t i = 0; i < d->made_count && i < most; i++) {
		const struct bw_look what = {
			.at = BW_LOOK_FILE, .file = d->made[i], .max = NOTE_BYTES, .sample = BW_REPORT_NOTE_BYTES
		};
		struct bw_seen seen;

		if (!look(looking, &what, &seen))
			break;
		BW_TRY(bw_dossier_saw_made(d, &seen));
	}
	return BW_OK;
}

static bool is_seen_before(const struct bw_dossier *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bw_file_key_equals(&d->files[i].proof.folder, &d->files[n].proof.folder))
			return true;
	}
	return false;
}

/* Where nobody was stopped, nobody's other acts are known: then what is new in the folders. */
static enum bw_err look_at_folders(struct looking *looking, struct bw_dossier *d)
{
	unsigned looks = 0;

	for (size_t i = 0; i < d->file_count && looks < FOLDERS_LOOKED_AT; i++) {
		const struct bw_look what = { .at = BW_LOOK_FOLDER,
					      .file = d->files[i].proof.folder,
					      .since_us = d->began_us - NOTES_BEFORE_US };
		struct bw_seen seen;

		if (d->files[i].proof.folder.ino == 0 || is_seen_before(d, i))
			continue;
		looks++;
		if (!look(looking, &what, &seen))
			break;
		BW_TRY(bw_dossier_saw_folder(d, &seen));
	}
	return BW_OK;
}

static enum bw_err look_at_processes(struct looking *looking, struct bw_dossier *d, struct bw_copies *copies)
{
	for (size_t i = 0; i < d->process_count && i < PROCESSES_LOOKED_AT; i++) {
		const struct bw_look what = { .at = BW_LOOK_PROCESS,
					      .pid = d->processes[i].pid,
					      .start_ns = d->processes[i].start_ns,
					      .max = BW_REPORT_IMAGE_BYTES };
		struct bw_seen seen;

		/* the child that served a client's session is smbd: not his program */
		if (d->actor.kind == BW_ACTOR_SMB || !look(looking, &what, &seen))
			return BW_OK;
		BW_TRY(bw_dossier_saw_process(d, i, &seen, looking->image.bytes, copies));
	}
	return BW_OK;
}

/* At once: only the program, which is at hand. */
static enum bw_err look_around(struct reporter *r, struct bw_dossier *d, bool quick, struct bw_buf *pieces)
{
	struct bw_copies copies = { .pieces = pieces };
	struct looking looking = { .witness = bw_seat_peer(r->seat, "witness", 0),
				   .until_us = bw_clock_mono_us() + (quick ? QUICK_LOOK_MS : LOOK_MS) * INT64_C(1000),
				   .image = { bw_slice_empty } };
	enum bw_err err = look_at_processes(&looking, d, &copies);

	if (err == BW_OK)
		err = quick ? look_at_names(&looking, d, &copies) : look_at_files(&looking, d, &copies);
	if (err == BW_OK)
		err = d->made_count > 0 ? look_at_made(&looking, d, quick ? QUICK_MADE : BW_DOSSIER_MADE_MAX)
					: look_at_folders(&looking, d);
	if (err == BW_OK)
		err = bw_dossier_settle_notes(d, &copies);
	bw_mapped_release(&looking.image);
	if (looking.witness == NULL && bw_seat_peer(r->seat, "witness", 0) != NULL)
		bw_err_drop(bw_seat_renew(r->seat, "witness", 0)); /* without a parent the next turn ends us */
	return err;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static enum bw_err write_page_text(const struct bw_dossier *d, struct bw_buf *out)
{
	return bw_dossier_page(d, BW_PAPER_TEXT, out);
}

static enum bw_err write_page_html(const struct bw_dossier *d, struct bw_buf *out)
{
	return bw_dossier_page(d, BW_PAPER_HTML, out);
}

static enum bw_err write_duties_text(const struct bw_dossier *d, struct bw_buf *out)
{
	return bw_dossier_duties(d, false, out);
}

static enum bw_err write_duties_json(const struct bw_dossier *d, struct bw_buf *out)
{
	return bw_dossier_duties(d, true, out);
}

static enum bw_err write_home(const struct bw_dossier *d, struct bw_buf *out)
{
	return bw_dossier_bundle(d, BW_STIX_HOME, out);
}

static enum bw_err write_leaves(const struct bw_dossier *d, struct bw_buf *out)
{
	return bw_dossier_bundle(d, BW_STIX_LEAVES, out);
}

enum { AT_ONCE = 1, IN_REPORTS = 2 };

static const struct {
	const char *name;
	unsigned when;
	enum bw_err (*write)(const struct bw_dossier *d, struct bw_buf *out);
} papers[] = {
	{ BW_PAPER_INDICATORS, AT_ONCE | IN_REPORTS, bw_dossier_indicators },
	{ BW_PAPER_FIRST, AT_ONCE, bw_dossier_first },
	{ BW_PAPER_PAGE, IN_REPORTS, write_page_html },
	{ BW_PAPER_PAGE_TEXT, IN_REPORTS, write_page_text },
	{ BW_PAPER_DUTIES, IN_REPORTS, write_duties_json },
	{ BW_PAPER_DUTIES_TEXT, IN_REPORTS, write_duties_text },
	{ BW_PAPER_FACTS, IN_REPORTS, bw_dossier_facts },
	{ BW_PAPER_HOME, IN_REPORTS, write_home },
	{ BW_PAPER_LEAVES, IN_REPORTS, write_leaves },
};

static enum bw_err write_papers(const struct bw_dossier *d, bool quick, struct bw_buf *pieces)
{
	for (size_t i = 0; i < BW_COUNT(papers); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf paper = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);

		if ((papers[i].when & (quick ? AT_ONCE : IN_REPORTS)) == 0)
			continue;
		if (papers[i].write == write_leaves && bw_dossier_is_drill(d))
			continue;
		BW_TRY(papers[i].write(d, &paper));
		BW_TRY(bw_report_piece_add(pieces, papers[i].name, bw_buf_slice(&paper)));
	}
	return BW_OK;
}

static enum bw_err compose_from(struct reporter *r, struct bw_compose *what, struct bw_slice rows, struct bw_dossier *d,
				struct bw_buf *pieces)
{
	const bool quick = what->stage == BW_STAGE_INDICATORS;

	BW_TRY(bw_dossier_read(d, rows));
	what->decided_ns = d->decided_ns;
	what->decided_us = d->decided_us;
	d->number = what->number;
	d->node = r->node;
	d->node_since_us = what->since_us;
	d->left_out = what->left_out;
	BW_TRY(look_around(r, d, quick, pieces));
	if (!quick)
		BW_TRY(bw_report_piece_add(pieces, BW_PAPER_RECORDS, rows));
	what->of_drill = bw_dossier_is_drill(d) ? d->evidence : 0;
	d->made_us = bw_clock_now_us();
	return write_papers(d, quick, pieces);
}

static enum bw_err compose(struct reporter *r, struct bw_compose *what, int fd, struct bw_buf *pieces)
{
	struct bw_dossier *d = NULL;
	struct bw_mapped rows;
	enum bw_err err;

	BW_TRY(bw_mapped_open(fd, BW_DOSSIER_ROWS_BYTES, &rows));
	err = bw_dossier_new(what->incident, &d);
	if (err == BW_OK)
		err = compose_from(r, what, rows.bytes, d, pieces);
	bw_dossier_free(d);
	bw_mapped_release(&rows);
	return err;
}

/* ---- asked and answered -------------------------------------------------------------------------------- */

static enum bw_err answer(struct reporter *r, struct bw_channel *scribe, const struct bw_frame *frame, int fd)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pieces = BW_BUF_INIT(BW_REPORT_PIECES_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64);
	struct bw_memfile file = BW_MEMFILE_NONE;
	struct bw_compose what;
	enum bw_err err;

	BW_NEED(frame->kind == BW_REPORT_COMPOSE && fd >= 0, PROTOCOL);
	BW_TRY(bw_compose_parse(frame->body, false, &what));
	err = compose(r, &what, fd, &pieces);
	if (err == BW_OK)
		err = bw_memfile_of("guard-report", bw_buf_slice(&pieces), &file);
	if (err != BW_OK && err != BW_ERR_MISSING) /* without a verdict there is nothing to report */
		bw_log(BW_ERROR, "a report could not be written", BW_NUM("incident", what.incident),
		       BW_TEXT("why", bw_err_text(err)));
	err = bw_compose_add(&body, &what, true);
	if (err == BW_OK)
		err = bw_channel_put(scribe, BW_REPORT_COMPOSED, bw_buf_slice(&body), file.fd);
	bw_memfile_release(&file);
	return err;
}

static bool hear_scribe(struct reporter *r)
{
	struct bw_channel *scribe = bw_seat_peer(r->seat, "scribe", 0);
	struct bw_frame frame;
	enum bw_err err = bw_channel_fill(scribe);

	while (err == BW_OK || err == BW_ERR_AGAIN) {
		int fd = -1;

		err = bw_channel_next(scribe, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			break;
		if (err == BW_OK)
			err = answer(r, scribe, &frame, fd);
		if (fd >= 0)
			(void)close(fd);
	}
	if (err == BW_ERR_AGAIN)
		err = bw_channel_flush(scribe);
	if (err == BW_OK || err == BW_ERR_AGAIN)
		return true;
	if (err != BW_ERR_CLOSED) {
		bw_log(BW_ERROR, "a worker made no sense", BW_TEXT("worker", "scribe"),
		       BW_TEXT("why", bw_err_text(err)));
		bw_err_drop(bw_seat_renew(r->seat, "scribe", 0)); /* as above */
	}
	return false;
}

/* False when it is time to go. */
static bool hear_parent(struct reporter *r)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(r->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP)
			return false;
		if (event.kind == BW_SEAT_NOTHING)
			return true;
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
		else if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			(void)close(event.fd);
	}
}

static void work(struct reporter *r)
{
	enum { GONE_WAIT_MS = 20 };

	if (!hear_parent(r)) /* what came with the first word is read already, and no poll tells of it */
		return;
	for (;;) {
		const struct bw_channel *scribe = bw_seat_peer(r->seat, "scribe", 0);
		struct pollfd wanted[] = { { bw_seat_fd(r->seat), POLLIN, 0 },
					   { scribe == NULL ? -1 : bw_channel_fd(scribe), POLLIN, 0 } };

		if (scribe != NULL && bw_channel_has_output(scribe))
			wanted[1].events |= POLLOUT;
		if (poll(wanted, BW_COUNT(wanted), -1) < 0 && errno != EINTR)
			return;
		if (wanted[1].revents != 0 && !hear_scribe(r))
			(void)poll(wanted, 1, GONE_WAIT_MS); /* it stays readable until the parent has sent another */
		if (wanted[0].revents != 0 && !hear_parent(r))
			return;
	}
}

int bw_reporter_run(struct bw_seat *seat)
{
	const struct bw_guard *guard = bw_guard_of(seat);
	const struct bw_sandbox_paths paths = { .memory_bytes = MEMORY_BYTES };
	struct reporter r = { .seat = seat, .node = guard->node };
	struct bw_why why = { 0 };

	tzset(); /* pages tell local time, and no file can be read any more after this */
	if (bw_seat_confine(seat, &paths, guard->require_sandbox, &why) != BW_OK || bw_seat_ready(seat) != BW_OK) {
		bw_log(BW_ERROR, "reporter ends", BW_TEXT("why", why.text));
		return BW_EXIT_FAILED;
	}
	work(&r);
	return BW_EXIT_OK;
}
