/* The page for whoever answers for the place: what happened, what was lost, what to do, whom to call. */
#include <inttypes.h>
#include <stdio.h>

#include "guard/dossier.h"
#include "guard/plain.h"
#include "guard/sheet.h"

enum { FILES_SHOWN = 100, NOTE_SHOWN = 600, COMMAND_BYTES = 128 };

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)

static enum bw_err para(struct bw_sheet *sheet, const char *words)
{
	BW_TRY(bw_sheet_open(sheet));
	BW_TRY(bw_sheet_words(sheet, words));
	return bw_sheet_close(sheet);
}

/* What came of it beyond the stop: only that counts as done which the hand has said. */
static enum bw_err write_kept_out(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	for (size_t i = 0; i < d->failure_count; i++) {
		BW_TRY(bw_sheet_open(sheet));
		BW_TRY(bw_sheet_words(sheet, "NOT done, though it should have been, and left for a person to do: "));
		BW_TRY(bw_sheet_name(sheet, d->failures[i]));
		BW_TRY(bw_sheet_close(sheet));
	}
	return BW_OK;
}

static enum bw_err write_top(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	char began[BW_PLAIN_BYTES];
	char made[BW_PLAIN_BYTES];
	char files[2 * BW_PLAIN_BYTES];
	BW_CLEANUP(bw_buf_release) struct bw_buf who = BW_BUF_INIT(4096);
	struct bw_dossier_sum sum;

	bw_dossier_add_up(d, &sum);
	BW_TRY(bw_dossier_who(d, &who));
	BW_TRY(bw_sheet_begin(sheet, "Files were attacked on our file server"));
	if (bw_dossier_is_drill(d))
		BW_TRY(para(sheet,
			    "This was a drill, or looks like one: all of these files lie in a folder that `breakwater "
			    "guard drill` makes. Nobody else is told of it."));
	BW_TRY(bw_sheet_open(sheet));
	BW_TRY(bw_sheet_wordsf(sheet, "On %s (local time of the server) ", bw_plain_time(d->began_us, began)));
	BW_TRY(bw_sheet_name(sheet, bw_buf_slice(&who)));
	if (sum.files > 0)
		BW_TRY(bw_sheet_wordsf(sheet, " began to destroy files that were good before: %s so far. %s",
				       bw_plain_count(sum.files, "file", "files", files), bw_dossier_done(d)));
	else
		BW_TRY(bw_sheet_wordsf(sheet, " did what looks like an attack on files. %s", bw_dossier_done(d)));
	BW_TRY(bw_sheet_close(sheet));
	BW_TRY(write_kept_out(d, sheet));
	BW_TRY(bw_sheet_open(sheet));
	BW_TRY(bw_sheet_wordsf(sheet,
			       "This page was made by the server's guard (Breakwater) on %s. Incident %" PRIu64
			       ", report %" PRIu32 "; a later report replaces this one.",
			       bw_plain_time(d->made_us, made), d->incident, d->number));
	return bw_sheet_close(sheet);
}

static const char read_away[] = "Whether anything was read or copied away before that, the guard cannot tell. Take it "
				"for possible until somebody who knows has looked.";

/* That no file is named is no proof that none was harmed. */
static enum bw_err lost_unknown(struct bw_sheet *sheet)
{
	BW_TRY(para(sheet, "Not known: none of the guard's records of this incident that could be read names a file. "
			   "Whoever looks after the server can compare the folders with the guard's copies from "
			   "before it (`breakwater guard restore --tree FOLDER --at TIME --dry-run`)."));
	return para(sheet, read_away);
}

static enum bw_err write_lost(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	struct bw_dossier_sum sum;
	char size[BW_PLAIN_BYTES];
	char when[BW_PLAIN_BYTES];

	bw_dossier_add_up(d, &sum);
	BW_TRY(bw_sheet_heading(sheet, "What was lost"));
	if (sum.files == 0)
		return lost_unknown(sheet);
	BW_TRY(bw_sheet_open(sheet));
	if (sum.kept == d->file_count && d->files_more == 0)
		BW_TRY(bw_sheet_wordsf(
			sheet, "Nothing: the guard keeps a good copy of every one of these files (%s together). ",
			bw_plain_size(sum.bytes, size)));
	else
		BW_TRY(bw_sheet_wordsf(sheet,
				       "Of %" PRIu64 " files the guard knows a good copy of %" PRIu64
				       "; for the others it must be looked for in the backups. ",
				       sum.files, sum.kept));
	if (d->restores == 0)
		BW_TRY(bw_sheet_words(sheet, "They have not been brought back yet; below stands how."));
	else
		BW_TRY(bw_sheet_wordsf(sheet,
				       "On %s %" PRIu64 " files were brought back and checked byte by byte; %" PRIu64
				       " could not be.",
				       bw_plain_time(d->restored_us, when), d->restored.files, d->restored.failed));
	BW_TRY(bw_sheet_close(sheet));
	return para(sheet, read_away);
}

/* ---- what to do -------------------------------------------------------------------------------- */

static enum bw_err command_item(struct bw_sheet *sheet, unsigned number, const char *before, const char *command,
				const char *after)
{
	BW_TRY(bw_sheet_item(sheet, number));
	BW_TRY(bw_sheet_words(sheet, before));
	BW_TRY(bw_sheet_command(sheet, command));
	BW_TRY(bw_sheet_words(sheet, after));
	return bw_sheet_item_end(sheet);
}

static enum bw_err cable_item(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	BW_TRY(bw_sheet_item(sheet, 1));
	if (d->actor.kind == BW_ACTOR_SMB && d->actor.address[0] != '\0') {
		BW_TRY(bw_sheet_words(sheet, "Find the computer with the address "));
		BW_TRY(bw_sheet_name(sheet, bw_slice_text(d->actor.address)));
		BW_TRY(bw_sheet_words(sheet, " and take it off the network: pull its cable, switch off its Wi-Fi."));
	} else if (d->actor.kind == BW_ACTOR_SMB) {
		BW_TRY(bw_sheet_words(sheet,
				      "Find the computer that was connected to the share then, and take it off the "
				      "network: pull its cable, switch off its Wi-Fi."));
	} else {
		BW_TRY(bw_sheet_words(sheet,
				      "It happened on the server itself. Let only the person who looks after it work "
				      "there until it is understood."));
	}
	BW_TRY(bw_sheet_words(sheet, " Leave it switched on: what is in its memory may be needed."));
	return bw_sheet_item_end(sheet);
}

static enum bw_err user_item(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf users = BW_BUF_INIT(1024);
	struct bw_doers doers;

	bw_dossier_doers(d, &doers);
	if (d->actor.kind != BW_ACTOR_SMB)
		BW_TRY(bw_doers_users(&doers, &users));
	BW_TRY(bw_sheet_item(sheet, 2));
	if (d->actor.user[0] == '\0' && users.len == 0)
		BW_TRY(bw_sheet_words(sheet, "Whoever's login was used: change that password, from another computer."));
	else if (d->actor.user[0] == '\0')
		BW_TRY(bw_sheet_wordsf(sheet,
				       "Whoever's login was used (on this server, the user with the number %s): change "
				       "that password, from another computer.",
				       bw_buf_text(&users)));
	else {
		BW_TRY(bw_sheet_words(sheet, "Change the password of "));
		BW_TRY(bw_sheet_name(sheet, bw_slice_text(d->actor.user)));
		BW_TRY(bw_sheet_words(sheet,
				      ", from another computer. That the login was used does not mean that its owner "
				      "did it."));
	}
	return bw_sheet_item_end(sheet);
}

static enum bw_err write_next(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	char dry[COMMAND_BYTES];
	char yes[COMMAND_BYTES];
	char approve[COMMAND_BYTES];
	unsigned number = 3; /* after the two below */

	(void)snprintf(dry, sizeof(dry), "breakwater guard restore --incident %" PRIu64 " --dry-run", d->incident);
	(void)snprintf(yes, sizeof(yes), "breakwater guard restore --incident %" PRIu64 " --yes", d->incident);
	(void)snprintf(approve, sizeof(approve), "breakwater guard approve %" PRIu64, d->incident);
	BW_TRY(bw_sheet_heading(sheet, "What to do now"));
	BW_TRY(bw_sheet_list(sheet, true));
	BW_TRY(cable_item(d, sheet));
	BW_TRY(user_item(d, sheet));
	if (d->state != BW_INCIDENT_CLOSED || d->restores == 0 || d->restored.failed > 0) {
		BW_TRY(command_item(sheet, number++, "Whoever looks after the server sees what would come back with ",
				    dry, " and brings it back with the same words and --yes:"));
		BW_TRY(command_item(sheet, 0, "", yes, ""));
	}
	BW_TRY(bw_sheet_item(sheet, number++));
	BW_TRY(bw_sheet_words(sheet, "Pay nobody, and answer no note. Delete nothing that the attacker left."));
	BW_TRY(bw_sheet_item_end(sheet));
	BW_TRY(command_item(sheet, number, "If it was somebody's intended work after all: ", approve,
			    " lets it go on."));
	return bw_sheet_list(sheet, false);
}

static enum bw_err call_item(struct bw_sheet *sheet, const char *words, int64_t due_us)
{
	char when[BW_PLAIN_BYTES];

	BW_TRY(bw_sheet_item(sheet, 0));
	BW_TRY(bw_sheet_words(sheet, words));
	if (due_us != 0)
		BW_TRY(bw_sheet_wordsf(sheet, " until %s", bw_plain_time(due_us, when)));
	BW_TRY(bw_sheet_words(sheet, ". Number: ______________________"));
	return bw_sheet_item_end(sheet);
}

static enum bw_err write_calls(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	BW_TRY(bw_sheet_heading(sheet, "Whom to call"));
	BW_TRY(para(sheet,
		    "The guard calls nobody but the administrator. Which of these duties apply to you depends on the "
		    "country and on what you are; the clock of each began when the guard decided."));
	BW_TRY(bw_sheet_list(sheet, true));
	BW_TRY(call_item(sheet, "Whoever looks after your computers, now", 0));
	BW_TRY(call_item(sheet,
			 "The cyber security authority or your sector's centre (a first warning is often due within "
			 "24 hours)",
			 d->decided_us + 24 * HOUR_US));
	BW_TRY(call_item(sheet,
			 "Your data protection officer; where personal data is concerned, the supervisory authority "
			 "(72 hours)",
			 d->decided_us + 72 * HOUR_US));
	BW_TRY(call_item(sheet, "The police, your insurer, and whoever runs the school or hospital with you", 0));
	BW_TRY(bw_sheet_list(sheet, false));
	return para(sheet,
		    "What those reports ask for stands ready in duties.txt beside this page, as far as a machine can "
		    "know it.");
}

/* ---- what is known ----------------------------------------------------------------------------------- */

static enum bw_err write_files(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	const size_t shown = d->file_count < FILES_SHOWN ? d->file_count : FILES_SHOWN;
	const uint64_t more = d->file_count - shown + d->files_more;

	BW_TRY(bw_sheet_heading(sheet, "The files"));
	BW_TRY(bw_sheet_list(sheet, true));
	for (size_t i = 0; i < shown; i++) {
		const struct bw_dossier_file *file = &d->files[i];
		char when[BW_PLAIN_BYTES];

		BW_TRY(bw_sheet_item(sheet, 0));
		BW_TRY(bw_sheet_name(sheet, file->path.len > 0 ? file->path : bw_dossier_name(file)));
		BW_TRY(bw_sheet_wordsf(sheet, " (%s), at %.8s%s",
				       bw_format_words((enum bw_format)file->proof.old.format),
				       bw_plain_time(file->proof.wall_us, when) + 11,
				       file->proof.version == 0 ? ": no good copy is known" : ""));
		BW_TRY(bw_sheet_item_end(sheet));
	}
	if (more > 0) {
		BW_TRY(bw_sheet_item(sheet, 0));
		BW_TRY(bw_sheet_wordsf(sheet, "and %" PRIu64 " more", more));
		BW_TRY(bw_sheet_item_end(sheet));
	}
	return bw_sheet_list(sheet, false);
}

static enum bw_err write_notes(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	if (d->note_count == 0)
		return BW_OK;
	BW_TRY(bw_sheet_heading(sheet, "Notes that were left"));
	for (size_t i = 0; i < d->note_count; i++) {
		const struct bw_dossier_note *note = &d->notes[i];

		BW_TRY(bw_sheet_open(sheet));
		BW_TRY(bw_sheet_name(sheet, note->path.len > 0 ? note->path : note->name));
		BW_TRY(bw_sheet_words(sheet, " begins: "));
		BW_TRY(bw_sheet_name(sheet, bw_slice_sub(note->text, 0, NOTE_SHOWN)));
		BW_TRY(bw_sheet_close(sheet));
	}
	return para(sheet, "Do not open a note's links and do not write to its addresses.");
}

static enum bw_err write_how(const struct bw_dossier *d, struct bw_sheet *sheet)
{
	char command[COMMAND_BYTES];

	(void)snprintf(command, sizeof(command), "breakwater guard explain %" PRIu64, d->incident);
	BW_TRY(bw_sheet_heading(sheet, "How the guard knows"));
	BW_TRY(bw_sheet_open(sheet));
	BW_TRY(bw_sheet_wordsf(sheet, "The rule that decided: %s. Each file was compared with its last good version; ",
			       bw_rule_words((enum bw_rule)d->verdict.rule)));
	BW_TRY(bw_sheet_command(sheet, command));
	BW_TRY(bw_sheet_words(sheet,
			      " shows every test with its numbers. The evidence lies sealed beside this page; "));
	BW_TRY(bw_sheet_command(sheet, "breakwater guard verify"));
	BW_TRY(bw_sheet_words(sheet, " tells whether anybody has changed it since."));
	return bw_sheet_close(sheet);
}

static enum bw_err write_page(const struct bw_dossier *dossier, struct bw_sheet *sheet)
{
	BW_TRY(write_top(dossier, sheet));
	BW_TRY(write_lost(dossier, sheet));
	BW_TRY(write_next(dossier, sheet));
	BW_TRY(write_calls(dossier, sheet));
	BW_TRY(write_files(dossier, sheet));
	BW_TRY(write_notes(dossier, sheet));
	BW_TRY(write_how(dossier, sheet));
	return bw_sheet_end(sheet);
}

enum bw_err bw_dossier_page(const struct bw_dossier *dossier, enum bw_paper paper, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_sheet html = { .out = out, .is_html = true };
	struct bw_sheet plain = { .out = &text };

	if (paper == BW_PAPER_HTML)
		return write_page(dossier, &html);
	BW_TRY(write_page(dossier, &plain));
	return bw_sheet_wrap(bw_buf_slice(&text), out);
}
