/* Reading: records of the ledger into a dossier. They come as a stranger's bytes. */
#include "guard/dossier.h"

#include <stdio.h>
#include <stdlib.h>

#include "guard/foreign.h"
#include "guard/hand_form.h"
#include "guard/settings.h"
#include "guard/trace.h"

enum { WORDS_BYTES = 32 * 1024 * 1024, SENTENCE_BYTES = 2048 };

enum bw_err bw_dossier_row_add(struct bw_buf *rows, uint8_t kind, int64_t wall_us, struct bw_slice body)
{
	const size_t before = rows->len;
	enum bw_err err = bw_buf_add_u8(rows, kind);

	if (err == BW_OK)
		err = bw_buf_add_be64(rows, (uint64_t)wall_us);
	if (err == BW_OK)
		err = bw_buf_add_block(rows, body);
	if (err != BW_OK)
		rows->len = before; /* whole rows only */
	return err;
}

void bw_dossier_free(struct bw_dossier *dossier)
{
	if (dossier == NULL)
		return;
	bw_arena_release(&dossier->arena);
	free(dossier->files);
	free(dossier->record);
	free(dossier);
}

enum bw_err bw_dossier_new(uint64_t incident, struct bw_dossier **out)
{
	struct bw_dossier *dossier = calloc(1, sizeof(*dossier));

	BW_NEED(dossier != NULL, MEMORY);
	dossier->incident = incident;
	dossier->node = "";
	dossier->arena = BW_ARENA_INIT(WORDS_BYTES);
	dossier->files = calloc(BW_DOSSIER_FILES_MAX, sizeof(*dossier->files));
	dossier->record = calloc(1, sizeof(*dossier->record));
	if (dossier->files == NULL || dossier->record == NULL) {
		bw_dossier_free(dossier);
		return BW_ERR_MEMORY;
	}
	*out = dossier;
	return BW_OK;
}

/* ---- the timeline ---------------------------------------------------------------------------- */

/* A full timeline keeps its beginning and its newest step. */
static enum bw_err add_step(struct bw_dossier *dossier, int64_t wall_us, const char *words, struct bw_slice undo)
{
	struct bw_dossier_step *step =
		&dossier->steps[dossier->step_count < BW_DOSSIER_STEPS_MAX ? dossier->step_count
									   : BW_DOSSIER_STEPS_MAX - 1];

	*step = (struct bw_dossier_step){ .wall_us = wall_us, .undo = bw_slice_empty };
	BW_TRY(bw_arena_copy(&dossier->arena, bw_slice_text(words), &step->words));
	if (undo.len > 0)
		BW_TRY(bw_arena_copy(&dossier->arena, undo, &step->undo));
	if (dossier->step_count < BW_DOSSIER_STEPS_MAX)
		dossier->step_count++;
	return BW_OK;
}

/* ---- the judge's records ------------------------------------------------------------------------- */

static void take_process(struct bw_dossier *dossier, const struct bw_proof *proof)
{
	struct bw_dossier_process *process;
	size_t i = 0;

	if (proof->pid == 0)
		return;
	while (i < dossier->process_count &&
	       (dossier->processes[i].pid != proof->pid || dossier->processes[i].start_ns != proof->start_ns))
		i++;
	if (i == BW_DOSSIER_PROCESSES_MAX)
		return;
	process = &dossier->processes[i];
	if (i == dossier->process_count) {
		*process = (struct bw_dossier_process){
			.start_ns = proof->start_ns, .pid = proof->pid, .uid = proof->uid, .program = bw_slice_empty
		};
		memcpy(process->comm, proof->comm, sizeof(process->comm));
		dossier->process_count++;
	}
	process->files++;
}

static enum bw_err take_warning(struct bw_dossier *dossier, const struct bw_proof *proof)
{
	struct bw_dossier_warning *warning = &dossier->warnings[dossier->warning_count];
	struct bw_foreign_hit hit;
	char words[SENTENCE_BYTES];

	if (!bw_foreign_hit_parse(bw_slice_of(proof->name, proof->name_len), &hit) ||
	    dossier->warning_count == BW_DOSSIER_WARNINGS_MAX)
		return BW_OK;
	for (size_t i = 0; i < dossier->warning_count; i++) {
		if (bw_slice_equals(dossier->warnings[i].id, hit.id))
			return BW_OK;
	}
	BW_TRY(bw_arena_copy(&dossier->arena, hit.id, &warning->id));
	BW_TRY(bw_arena_copy(&dossier->arena, hit.peer, &warning->peer));
	BW_TRY(bw_arena_copy(&dossier->arena, hit.value, &warning->value));
	dossier->warning_count++;
	(void)snprintf(words, sizeof(words), "what \"%.*s\" had warned of was seen here: %.*s", BW_ARG(hit.peer),
		       BW_ARG(hit.value));
	return add_step(dossier, proof->wall_us, words, bw_slice_empty);
}

/* One row a file: the gravest finding about it. */
static void take_proof(struct bw_dossier *dossier, const struct bw_recorded_proof *r)
{
	uint32_t record = dossier->evidence;
	struct bw_dossier_file *file;
	size_t i = 0;

	if (dossier->began_us == 0 || r->proof.wall_us < dossier->began_us)
		dossier->began_us = r->proof.wall_us;
	if (r->proof.wall_us > dossier->last_us)
		dossier->last_us = r->proof.wall_us;
	while (i < dossier->file_count && !bw_file_key_equals(&dossier->files[i].proof.file, &r->proof.file))
		i++;
	if (i == BW_DOSSIER_FILES_MAX) {
		dossier->files_more++;
		return;
	}
	file = &dossier->files[i];
	if (i == dossier->file_count) {
		take_process(dossier, &r->proof);
		dossier->file_count++;
	} else if (r->weight.gravity < file->gravity) {
		return;
	} else {
		record = file->record;
	}
	*file = (struct bw_dossier_file){ .proof = r->proof,
					  .finding = r->finding,
					  .gravity = r->weight.gravity,
					  .record = record,
					  .path = bw_slice_empty,
					  .path_now = bw_slice_empty };
}

static enum bw_err take_evidence(struct bw_dossier *dossier, int64_t wall_us, struct bw_slice body)
{
	const struct bw_record *record = dossier->record;
	char words[SENTENCE_BYTES];

	dossier->evidence++;
	if (bw_record_parse(body, dossier->record) != BW_OK || record->incident != dossier->incident) {
		dossier->strange++;
		return BW_OK;
	}
	dossier->records++;
	for (size_t i = 0; i < record->count; i++) {
		if (record->proofs[i].proof.kind == BW_PROOF_WARNED)
			BW_TRY(take_warning(dossier, &record->proofs[i].proof));
		else
			take_proof(dossier, &record->proofs[i]);
	}
	/* who it is is known better and better */
	if (record->actor.kind >= dossier->actor.kind &&
	    (dossier->actor.user[0] == '\0' || record->actor.user[0] != '\0'))
		dossier->actor = record->actor;
	if (record->measure > dossier->measure)
		dossier->measure = record->measure;
	if (record->kind != BW_RECORD_VERDICT)
		return BW_OK;
	dossier->mode = record->mode;
	dossier->scope = record->scope;
	if (record->verdict.gravity >= dossier->verdict.gravity)
		dossier->verdict = record->verdict;
	if (dossier->decided_us == 0) {
		dossier->decided_us = record->wall_us != 0 ? record->wall_us : wall_us;
		dossier->decided_ns = record->decided_ns;
	}
	if (dossier->began_us == 0) /* held before the first file */
		dossier->began_us = dossier->last_us = dossier->decided_us;
	(void)snprintf(words, sizeof(words), "the guard decided: %s (rule \"%s\", %u file%s)",
		       bw_rule_words((enum bw_rule)record->verdict.rule),
		       bw_rule_name((enum bw_rule)record->verdict.rule), (unsigned)record->verdict.files,
		       record->verdict.files == 1 ? "" : "s");
	return add_step(dossier, record->wall_us, words, bw_slice_empty);
}

/* ---- what was done ------------------------------------------------------------------------------------ */

static enum bw_err take_acted(struct bw_dossier *dossier, int64_t wall_us, struct bw_slice body)
{
	static const char *const said[] = {
		[BW_ACTED_KEPT_OUT] = "kept out: ",
		[BW_ACTED_FROZE] = "frozen: ",
		[BW_ACTED_HELD] = "held: ",
		[BW_ACTED_LET_IN] = "let in again: ",
		[BW_ACTED_THAWED] = "goes on: ",
		[BW_ACTED_RELEASED] = "goes on: ",
		[BW_ACTED_FAILED] = "could not be done: ",
		[BW_ACTED_NOTICED] = "a notice went out: ",
	};
	struct bw_acted acted;
	char words[SENTENCE_BYTES];

	if (bw_acted_parse(body, &acted) != BW_OK) {
		dossier->strange++;
		return BW_OK;
	}
	if (acted.what == BW_ACTED_KEPT_OUT && dossier->kept_out_us == 0)
		dossier->kept_out_us = wall_us;
	if (acted.what == BW_ACTED_FAILED && dossier->failure_count < BW_DOSSIER_FAILURES_MAX) {
		(void)snprintf(words, sizeof(words), "%.*s: %.*s", BW_ARG(acted.subject), BW_ARG(acted.undo));
		BW_TRY(bw_arena_copy(&dossier->arena, bw_slice_text(words),
				     &dossier->failures[dossier->failure_count++]));
	}
	(void)snprintf(words, sizeof(words), acted.what == BW_ACTED_FAILED ? "%s%.*s: %.*s" : "%s%.*s%.*s",
		       said[acted.what], BW_ARG(acted.subject),
		       BW_ARG(acted.what == BW_ACTED_FAILED ? acted.undo : bw_slice_empty));
	return add_step(dossier, wall_us, words, acted.what == BW_ACTED_FAILED ? bw_slice_empty : acted.undo);
}

static enum bw_err take_restored(struct bw_dossier *dossier, int64_t wall_us, struct bw_slice body)
{
	struct bw_ledger_restored r;
	char words[SENTENCE_BYTES];

	if (bw_ledger_restored_parse(body, &r) != BW_OK) {
		dossier->strange++;
		return BW_OK;
	}
	dossier->restores++;
	dossier->restored_us = wall_us;
	dossier->restored.files += r.files;
	dossier->restored.unchanged += r.unchanged;
	dossier->restored.failed += r.failed;
	dossier->restored.bytes += r.bytes;
	(void)snprintf(words, sizeof(words), "a restore ended: %llu files brought back, %llu could not be",
		       (unsigned long long)r.files, (unsigned long long)r.failed);
	return add_step(dossier, wall_us, words, bw_slice_empty);
}

static enum bw_err take_decision(struct bw_dossier *dossier, enum bw_incident_state state, int64_t wall_us,
				 const char *words)
{
	dossier->state = state;
	dossier->closed_us = wall_us;
	return add_step(dossier, wall_us, words, bw_slice_empty);
}

/* ---- what else the actor did --------------------------------------------------------------------------- */

static enum bw_err see_traced(void *context, const struct bw_traced *traced)
{
	struct bw_dossier *dossier = context;

	if ((traced->what & (BW_TRACED_MADE | BW_TRACED_REMOVED | BW_TRACED_FOLDER)) == BW_TRACED_MADE &&
	    dossier->made_count < BW_DOSSIER_MADE_MAX)
		dossier->made[dossier->made_count++] = traced->file;
	return BW_OK;
}

static void take_trace(struct bw_dossier *dossier, struct bw_slice body)
{
	if (bw_traced_parse(body, see_traced, dossier) != BW_OK)
		dossier->strange++;
}

static void take_drill(struct bw_dossier *dossier, struct bw_slice body)
{
	struct bw_cursor c = bw_cursor_over(body);
	uint32_t records;

	if (bw_take_be32(&c, &records) != BW_OK || bw_cursor_left(&c) != 0)
		dossier->strange++;
	else if (records > dossier->of_drill)
		dossier->of_drill = records;
}

static enum bw_err take_row(struct bw_dossier *dossier, uint8_t kind, int64_t wall_us, struct bw_slice body)
{
	switch (kind) {
	case BW_LEDGER_EVIDENCE:
		return take_evidence(dossier, wall_us, body);
	case BW_LEDGER_TRACE:
		take_trace(dossier, body);
		return BW_OK;
	case BW_LEDGER_DRILL:
		take_drill(dossier, body);
		return BW_OK;
	case BW_LEDGER_ACTED:
		return take_acted(dossier, wall_us, body);
	case BW_LEDGER_RESTORING:
		return add_step(dossier, wall_us, "a restore began", bw_slice_empty);
	case BW_LEDGER_RESTORED:
		return take_restored(dossier, wall_us, body);
	case BW_LEDGER_APPROVED:
		return take_decision(dossier, BW_INCIDENT_APPROVED, wall_us, "a person said that it was meant");
	case BW_LEDGER_CLOSED:
		return take_decision(dossier, BW_INCIDENT_CLOSED, wall_us, "the incident was closed");
	case BW_LEDGER_REOPENED:
		return take_decision(dossier, BW_INCIDENT_OPEN, wall_us, "a restore was undone: it is open again");
	default:
		return BW_OK;
	}
}

/* Who destroyed most first. */
static int by_files(const void *a, const void *b)
{
	const struct bw_dossier_process *x = a;
	const struct bw_dossier_process *y = b;

	if (x->files != y->files)
		return (x->files < y->files) - (x->files > y->files);
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static int by_time(const void *a, const void *b)
{
	const struct bw_dossier_step *x = a;
	const struct bw_dossier_step *y = b;

	return (x->wall_us > y->wall_us) - (x->wall_us < y->wall_us);
}

enum bw_err bw_dossier_read(struct bw_dossier *dossier, struct bw_slice rows)
{
	struct bw_cursor c = bw_cursor_over(rows);
	struct bw_slice body;
	uint64_t wall;
	uint8_t kind;

	while (bw_cursor_left(&c) > 0) {
		BW_NEED(bw_take_u8(&c, &kind) == BW_OK && bw_take_be64(&c, &wall) == BW_OK, PROTOCOL);
		BW_NEED(bw_take_block(&c, BW_LEDGER_BODY_MAX, &body) == BW_OK && wall <= INT64_MAX, PROTOCOL);
		BW_TRY(take_row(dossier, kind, (int64_t)wall, body));
	}
	BW_NEED(dossier->decided_us != 0, MISSING);
	if (dossier->process_count > 0)
		qsort(dossier->processes, dossier->process_count, sizeof(dossier->processes[0]), by_files);
	if (dossier->step_count > 0)
		qsort(dossier->steps, dossier->step_count, sizeof(dossier->steps[0]), by_time);
	return BW_OK;
}
