#include "guard/dossier.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "guard/dossier_look.h"
#include "guard/hand_form.h"
#include "guard/settings.h"
#include "guard/stix_in_tests.h"

#define WALL_US INT64_C(1795400000000000)

enum { ID = 77 };

static void set_name(struct bw_proof *proof, const char *name)
{
	proof->name_len = (uint8_t)strlen(name);
	memcpy(proof->name, name, proof->name_len);
}

static void fill_proof(struct bw_recorded_proof *r, unsigned n, const char *name)
{
	r->proof.time_ns = n;
	r->proof.wall_us = WALL_US + n * 1000;
	r->proof.file = (struct bw_file_key){ .ino = 100 + n, .gen = 1 };
	r->proof.version = 500 + n;
	r->proof.pid = 4000;
	r->proof.start_ns = 9;
	r->proof.uid = 1000;
	r->proof.kind = BW_PROOF_CHANGED;
	r->proof.old.format = BW_FORMAT_PDF;
	r->proof.old.size_low = 1000;
	(void)snprintf(r->proof.comm, sizeof(r->proof.comm), "locker");
	set_name(&r->proof, name);
	r->weight = (struct bw_weight){ .points = 60, .gravity = BW_GRAVITY_DESTROYED, .files = 1 };
	r->finding.strength = BW_STRENGTH_STRONG;
	r->finding.count = 1;
	r->finding.tests[0] = (struct bw_evidence){ .test = BW_TEST_FORMAT_LOST, .strength = BW_STRENGTH_STRONG };
}

static void fill(struct bw_record *record)
{
	memset(record, 0, sizeof(*record));
	record->version = BW_RECORD_VERSION;
	record->kind = BW_RECORD_VERDICT;
	record->mode = BW_MODE_ENFORCE;
	record->scope = BW_SCOPE_ACTOR;
	record->measure = BW_MEASURE_KILL;
	record->incident = ID;
	record->wall_us = WALL_US + 5000;
	record->rules = bw_rules_default;
	record->verdict = (struct bw_verdict){
		.gravity = BW_GRAVITY_DESTROYED, .rule = BW_RULE_MANY, .files = 3, .points = 180, .needed = 100
	};
	record->actor.kind = BW_ACTOR_SMB;
	record->actor.pid = 4000;
	(void)snprintf(record->actor.comm, sizeof(record->actor.comm), "smbd");
	(void)snprintf(record->actor.user, sizeof(record->actor.user), "SCHOOL\\evelyn<b>");
	(void)snprintf(record->actor.address, sizeof(record->actor.address), "10.77.0.9");
	record->count = 3;
	fill_proof(&record->proofs[0], 0, "<script>alert('x')</script>&.pdf");
	fill_proof(&record->proofs[1], 1,
		   "gehalt \xe2\x80\xae"
		   "fdp.pdf");
	fill_proof(&record->proofs[2], 2, "a\x1b]0;owned\x07\xff.pdf");
}

static void add_record(struct bw_buf *rows, const struct bw_record *record)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_RECORD_BYTES_MAX);

	assert_ok(bw_record_write(record, &body));
	assert_ok(bw_dossier_row_add(rows, BW_LEDGER_EVIDENCE, record->wall_us, bw_buf_slice(&body)));
}

static struct bw_dossier *read_rows(const struct bw_buf *rows)
{
	struct bw_dossier *dossier = NULL;

	assert_ok(bw_dossier_new(ID, &dossier));
	assert_ok(bw_dossier_read(dossier, bw_buf_slice(rows)));
	dossier->number = 2;
	dossier->made_us = WALL_US + 3000000;
	dossier->node = "bw10123456789abcdef0123456789abcdef";
	dossier->node_since_us = WALL_US - 1000000;
	return dossier;
}

/* What a look at the files added. */
static void look(struct bw_dossier *dossier)
{
	static const char *const paths[] = { "/srv/share/heads/salaries.pdf", "/srv/share/heads/list.pdf", "" };
	static const char *const now[] = { "/srv/share/heads/salaries.pdf.locked", "/srv/share/heads/list.pdf.locked",
					   "" };

	for (size_t i = 0; i < dossier->file_count && i < BW_COUNT(paths); i++) {
		dossier->files[i].path = bw_slice_text(paths[i]);
		dossier->files[i].path_now = bw_slice_text(now[i]);
		dossier->files[i].before = (struct bw_digest){ true, true, 1000, { (uint8_t)i } };
		dossier->files[i].after = (struct bw_digest){ true, true, 1000, { 0x80, (uint8_t)i } };
	}
	dossier->notes[0] = (struct bw_dossier_note){ .path = BW_LIT("/srv/share/heads/READ_ME.txt"),
						      .name = BW_LIT("READ_ME.txt"),
						      .text = BW_LIT("</p><script>pay()</script>"),
						      .content = { true, true, 20, { 7 } },
						      .places = 2 };
	dossier->note_count = 1;
}

static struct bw_dossier *usual(void)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	struct bw_record *record = malloc(sizeof(*record));
	struct bw_dossier *dossier;

	assert_non_null(record);
	fill(record);
	add_record(&rows, record);
	free(record);
	dossier = read_rows(&rows);
	look(dossier);
	return dossier;
}

static bool has(const struct bw_buf *out, const char *what)
{
	return strstr(bw_buf_text(out), what) != NULL;
}

/* ---- reading ------------------------------------------------------------------------------------- */

static void records_add_up_to_a_dossier(void **state)
{
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_int_equal(dossier->file_count, 3);
	assert_int_equal(dossier->process_count, 1);
	assert_int_equal(dossier->processes[0].files, 3);
	assert_int_equal(dossier->began_us, WALL_US);
	assert_int_equal(dossier->last_us, WALL_US + 2000);
	assert_int_equal(dossier->decided_us, WALL_US + 5000);
	assert_int_equal(dossier->step_count, 1);
	bw_dossier_free(dossier);
}

static void what_people_and_the_hand_did_is_on_the_timeline(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(4096);
	const struct bw_acted acted = { ID, BW_ACTED_KEPT_OUT, 5, BW_LIT("10.77.0.9"), BW_LIT("nft delete x") };
	struct bw_record *record = malloc(sizeof(*record));
	struct bw_dossier *dossier;

	(void)state;
	assert_non_null(record);
	fill(record);
	assert_ok(bw_acted_add(&body, &acted));
	assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_ACTED, WALL_US + 9000, bw_buf_slice(&body)));
	add_record(&rows, record);
	assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_APPROVED, WALL_US + 10000, bw_slice_empty));
	assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_EVIDENCE, WALL_US, BW_LIT("no record")));
	dossier = read_rows(&rows);
	assert_int_equal(dossier->step_count, 3);
	assert_slice(dossier->steps[1].words, "kept out: 10.77.0.9");
	assert_slice(dossier->steps[1].undo, "nft delete x");
	assert_int_equal(dossier->state, BW_INCIDENT_APPROVED);
	assert_int_equal(dossier->strange, 1);
	bw_dossier_free(dossier);
	free(record);
}

static void what_could_not_be_done_stands_on_the_page(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(4096);
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	const struct bw_acted acted = { ID, BW_ACTED_FAILED, 0, BW_LIT("10.77.0.9"), BW_LIT("no nft here") };
	struct bw_record *record = malloc(sizeof(*record));
	struct bw_dossier *dossier;

	(void)state;
	assert_non_null(record);
	fill(record);
	assert_ok(bw_acted_add(&body, &acted));
	add_record(&rows, record);
	for (size_t i = 0; i <= BW_DOSSIER_FAILURES_MAX; i++)
		assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_ACTED, WALL_US + 9000, bw_buf_slice(&body)));
	dossier = read_rows(&rows);
	assert_int_equal(dossier->failure_count, BW_DOSSIER_FAILURES_MAX);
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	assert_true(has(&out, "NOT done"));
	assert_true(has(&out, "no nft here"));
	bw_dossier_free(dossier);
	free(record);
}

static void without_a_verdict_there_is_no_dossier(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	struct bw_dossier *dossier = NULL;

	(void)state;
	assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_CLOSED, 1, bw_slice_empty));
	assert_ok(bw_dossier_new(ID, &dossier));
	assert_int_equal(bw_dossier_read(dossier, bw_buf_slice(&rows)), BW_ERR_MISSING);
	assert_int_equal(bw_dossier_read(dossier, BW_LIT("xyz")), BW_ERR_PROTOCOL);
	bw_dossier_free(dossier);
}

static void more_files_than_fit_are_counted(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	struct bw_record *record = malloc(sizeof(*record));
	struct bw_dossier_sum sum;
	struct bw_dossier *dossier;

	(void)state;
	assert_non_null(record);
	fill(record);
	for (unsigned i = 0; i < BW_DOSSIER_FILES_MAX / 3 + 10; i++) {
		for (unsigned k = 0; k < 3; k++)
			record->proofs[k].proof.file.ino = 1000 + 3 * i + k;
		add_record(&rows, record);
	}
	dossier = read_rows(&rows);
	bw_dossier_add_up(dossier, &sum);
	assert_int_equal(dossier->file_count, BW_DOSSIER_FILES_MAX);
	assert_int_equal(sum.files, 3 * (BW_DOSSIER_FILES_MAX / 3 + 10));
	bw_dossier_free(dossier);
	free(record);
}

/* ---- pages -------------------------------------------------------------------------------------------- */

static void no_name_becomes_markup_on_the_page(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	dossier->files[0].path = dossier->files[1].path = bw_slice_empty; /* then its name is shown */
	assert_ok(bw_dossier_page(dossier, BW_PAPER_HTML, &out));
	assert_false(has(&out, "<script"));
	assert_false(has(&out, "evelyn<b>"));
	assert_true(has(&out, "SCHOOL\\evelyn&lt;b&gt;"));
	assert_true(has(&out, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;.pdf"));
	assert_true(has(&out, "\\u202e"));
	assert_false(has(&out, "\xe2\x80\xae"));
	assert_false(has(&out, "http:"));
	assert_true(has(&out, "default-src 'none'"));
	bw_dossier_free(dossier);
}

static void no_name_drives_a_terminal_from_the_text(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	assert_null(memchr(out.ptr, 0x1b, out.len));
	assert_null(memchr(out.ptr, 0xff, out.len));
	assert_false(has(&out, "<bdi>"));
	assert_true(has(&out, "10.77.0.9"));
	assert_true(has(&out, "Nothing: the guard keeps a good copy of every one"));
	bw_dossier_free(dossier);
}

static void a_page_does_not_promise_what_is_not_kept(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	dossier->files[0].proof.version = 0;
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	assert_false(has(&out, "Nothing: "));
	assert_true(has(&out, "Of 3 files the guard knows a good copy of 2"));
	bw_dossier_free(dossier);
}

static void a_page_without_files_does_not_say_that_nothing_was_lost(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	dossier->file_count = 0;
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	assert_false(has(&out, "Nothing: "));
	assert_false(has(&out, "every one of these files"));
	assert_false(has(&out, "brought back yet"));
	assert_true(has(&out, "Not known: "));
	bw_dossier_free(dossier);
}

static void what_nobody_said_is_unknown_in_the_duties(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_ok(bw_dossier_duties(dossier, true, &json));
	assert_ok(bw_dossier_duties(dossier, false, &text));
	assert_true(bw_is_json(bw_buf_slice(&json)));
	assert_true(has(&json, "\"personal_data_categories\":\"unknown\""));
	assert_true(has(&json, "\"restored\":\"unknown\""));
	assert_true(has(&json, "\"address\":\"10.77.0.9\""));
	assert_true(has(&json, "\"files_destroyed\":3"));
	assert_true(has(&json, "\"early_warning_24h\":\"2026-11-24T"));
	assert_true(has(&json, "\"notification_72h\":\"2026-11-26T"));
	assert_true(has(&json, "\"supersedes\":\"77-1\""));
	assert_true(has(&text, "Data protection officer: unknown\n"));
	bw_dossier_free(dossier);
}

static void the_facts_are_json_whatever_the_names(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_ok(bw_dossier_facts(dossier, &out));
	assert_true(bw_is_json(bw_buf_slice(&out)));
	assert_true(has(&out, "\"path\":\"/srv/share/heads/salaries.pdf\""));
	assert_true(has(&out, "\"before\":{\"size\":1000,\"sha256\":\"0000"));
	bw_dossier_free(dossier);
}

static void a_page_of_text_fits_a_terminal(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();
	const char *at;

	(void)state;
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	for (at = bw_buf_text(&out); *at != 0; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 80);
	bw_dossier_free(dossier);
}

static void a_drill_says_so_and_only_when_all_files_are_its_own(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_false(bw_dossier_is_drill(dossier));
	for (size_t i = 0; i < dossier->file_count; i++)
		dossier->files[i].path = BW_LIT("/srv/share/breakwater-drill-Ab12Cd/plan/x.pdf");
	assert_true(bw_dossier_is_drill(dossier));
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	assert_true(has(&out, "This was a drill"));
	dossier->files[1].path = BW_LIT("/srv/share/heads/x.pdf");
	assert_false(bw_dossier_is_drill(dossier));
	bw_dossier_free(dossier);
}

/* The records of a drill, of which a report was made, and what came after it: a third file when `later`. */
static struct bw_dossier *remembered(bool later)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	struct bw_record *record = malloc(sizeof(*record));

	assert_non_null(record);
	fill(record);
	record->count = 2;
	add_record(&rows, record);
	assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_DRILL, WALL_US, SLICE(0, 0, 0, 1)));
	assert_ok(bw_dossier_row_add(&rows, BW_LEDGER_APPROVED, WALL_US, bw_slice_empty));
	record->kind = BW_RECORD_LATE;
	if (later) /* else the same files again, which are no later ones */
		record->proofs[1] = record->proofs[2];
	add_record(&rows, record);
	free(record);
	return read_rows(&rows);
}

static void what_was_a_drill_stays_one_when_its_files_are_found_no_more(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = remembered(false);

	(void)state;
	assert_int_equal(dossier->file_count, 2);
	assert_int_equal(dossier->strange, 0);
	assert_true(bw_dossier_is_drill(dossier));
	assert_false(bw_dossier_is_no_drill(dossier));
	dossier->files[0].path_now = BW_LIT("/srv/.breakwater-guard/displaced/1/x.pdf"); /* by a restore */
	assert_true(bw_dossier_is_drill(dossier));
	assert_false(bw_dossier_is_no_drill(dossier));
	assert_ok(bw_dossier_page(dossier, BW_PAPER_TEXT, &out));
	assert_true(has(&out, "This was a drill"));
	bw_dossier_free(dossier);
}

static void what_came_after_a_drill_elsewhere_is_none(void **state)
{
	struct bw_dossier *dossier = remembered(true);

	(void)state;
	assert_int_equal(dossier->file_count, 3);
	assert_false(bw_dossier_is_drill(dossier)); /* where the third lay nobody knows */
	dossier->files[2].path = BW_LIT("/srv/share/heads/x.pdf");
	assert_false(bw_dossier_is_drill(dossier));
	dossier->files[2].path = BW_LIT("/srv/share/breakwater-drill-Ab12Cd/x.pdf");
	assert_true(bw_dossier_is_drill(dossier));
	dossier->files[0].path =
		BW_LIT("/srv/share/heads/y.pdf"); /* what is seen counts more than what is remembered */
	assert_false(bw_dossier_is_drill(dossier));
	bw_dossier_free(dossier);
}

static void a_note_is_told_from_a_text(void **state)
{
	(void)state;
	assert_true(bw_note_speaks(BW_LIT("All your files are ENCRYPTED. Pay 2 Bitcoin.")));
	assert_false(bw_note_speaks(BW_LIT("The encrypted backup is in the safe.")));
	assert_false(bw_note_speaks(BW_LIT("")));
	assert_true(bw_note_is_readable(BW_LIT("plain words\n")));
	assert_false(bw_note_is_readable(SLICE('a', 0, 'b')));
}

static void the_same_text_in_two_folders_is_a_note(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pieces = BW_BUF_INIT(BW_REPORT_PIECES_BYTES);
	struct bw_copies copies = { .pieces = &pieces };
	struct bw_dossier *dossier = usual();
	struct bw_seen seen = { .at = BW_LOOK_FILE,
				.path = bw_slice_empty,
				.path_now = BW_LIT("/srv/a/hello.txt"),
				.after = { true, true, 9, { 0x33 } },
				.sample = BW_LIT("guten tag") };

	(void)state;
	dossier->note_count = 0;
	assert_ok(bw_dossier_saw_made(dossier, &seen));
	seen.path_now = BW_LIT("/srv/b/hello.txt");
	assert_ok(bw_dossier_saw_made(dossier, &seen));
	seen.path_now = BW_LIT("/srv/b/other.txt");
	seen.after.sha256[0] = 0x44;
	assert_ok(bw_dossier_saw_made(dossier, &seen));
	assert_ok(bw_dossier_settle_notes(dossier, &copies));
	assert_int_equal(dossier->note_count, 1);
	assert_slice(dossier->notes[0].name, "hello.txt");
	assert_int_equal(dossier->notes[0].places, 2);
	assert_true(pieces.len > 0);
	bw_dossier_free(dossier);
}

static void a_note_that_was_put_aside_is_called_as_the_actor_called_it(void **state)
{
	static const struct {
		const char *path;
		const char *name;
	} cases[] = {
		{ "/srv/.breakwater-guard/displaced/17/pay us.txt-11c761b4ecb9028b", "pay us.txt" },
		{ "/srv/.breakwater-guard/displaced/17/pay us.txt", "pay us.txt" },
		{ "/srv/share/pay us.txt-11c761b4ecb9028b", "pay us.txt-11c761b4ecb9028b" },
		{ "/srv/.breakwater-guard/displaced/17/pay us.txt-11c761b4ecb9028x", "pay us.txt-11c761b4ecb9028x" },
		{ "/srv/.breakwater-guard/displaced/17/-11c761b4ecb9028b", "-11c761b4ecb9028b" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(cases); i++) {
		struct bw_dossier *dossier = usual();
		const struct bw_seen seen = { .path_now = bw_slice_text(cases[i].path),
					      .after = { true, true, 9, { 0x33 } },
					      .sample = BW_LIT("guten tag") };

		dossier->note_count = 0;
		assert_ok(bw_dossier_saw_made(dossier, &seen));
		assert_int_equal(dossier->note_count, 1);
		assert_slice(dossier->notes[0].name, cases[i].name);
		bw_dossier_free(dossier);
	}
}

/* ---- bundles --------------------------------------------------------------------------------------------- */

static void check_bundle(const struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(4096);
	const int found = bw_stix_findings(bw_buf_slice(out), &first);

	if (found != 0)
		fail_msg("%d findings, the first: %s", found, bw_buf_text(&first));
}

static void both_bundles_pass_the_strict_check(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf home = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf leaves = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_HOME, &home));
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &leaves));
	check_bundle(&home);
	check_bundle(&leaves);
	assert_int_equal(bw_stix_count(bw_buf_slice(&leaves), "incident"), 1);
	assert_int_equal(bw_stix_count(bw_buf_slice(&leaves), "observed-data"), 1);
	assert_int_equal(bw_stix_count(bw_buf_slice(&leaves), "sighting"), 2);
	assert_int_equal(bw_stix_count(bw_buf_slice(&leaves), "attack-pattern"), 2);
	assert_int_equal(bw_stix_count(bw_buf_slice(&leaves), "indicator"), 3); /* the note, its name, the ending */
	assert_int_equal(bw_stix_count(bw_buf_slice(&home), "user-account"), 1);
	assert_int_equal(bw_stix_count(bw_buf_slice(&home), "ipv4-addr"), 1);
	assert_int_equal(bw_stix_count(bw_buf_slice(&home), "process"), 1);
	bw_dossier_free(dossier);
}

static void what_may_leave_names_nobody_and_no_place(void **state)
{
	static const char *const ours[] = { "evelyn",   "SCHOOL",   "10.77", "/srv",        "heads",
					    "salaries", "list.pdf", "pid",   "size",        "gehalt",
					    "alert(",   "locker\"", "smbd",  "user-account" };
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &out));
	for (size_t i = 0; i < BW_COUNT(ours); i++) {
		if (has(&out, ours[i]))
			fail_msg("'%s' leaves", ours[i]);
	}
	assert_true(has(&out, "[file:name LIKE '%.locked']"));
	bw_dossier_free(dossier);
}

static void the_first_words_are_what_the_report_says_later_and_none_of_a_drill(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf later = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();
	const char *at;

	(void)state;
	assert_ok(bw_dossier_first(dossier, &first));
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &later));
	check_bundle(&first);
	assert_int_equal(bw_stix_count(bw_buf_slice(&first), "indicator"), 3);
	assert_int_equal(bw_stix_count(bw_buf_slice(&first), "incident"), 0);
	assert_false(has(&first, "evelyn") || has(&first, "10.77"));
	at = bw_buf_text(&first);
	for (unsigned n = 0; n < 3; n++) {
		char id[64];

		at = strstr(at, "\"id\":\"indicator--");
		assert_non_null(at);
		(void)snprintf(id, sizeof(id), "%.53s", at);
		assert_true(has(&later, id));
		at++;
	}
	bw_buf_clear(&first);
	dossier->files[0].path = BW_LIT("/srv/share/breakwater-drill-Ab12Cd/plan/x.pdf");
	assert_ok(bw_dossier_first(dossier, &first)); /* one is enough: it can wait for the report */
	assert_int_equal(first.len, 0);
	for (size_t i = 0; i < dossier->file_count; i++)
		dossier->files[i].path = dossier->files[i].path_now = bw_slice_empty;
	assert_ok(bw_dossier_first(dossier, &first));
	assert_int_equal(first.len, 0);
	bw_dossier_free(dossier);
}

static void an_ending_or_note_with_the_login_in_it_stays(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();

	(void)state;
	(void)snprintf(dossier->actor.user, sizeof(dossier->actor.user), "SCHOOL\\Lock");
	dossier->notes[0].name = BW_LIT("hello lock.txt");
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &out));
	assert_false(has(&out, "%.locked"));
	assert_false(has(&out, "hello"));
	bw_dossier_free(dossier);
}

static void a_public_address_is_shared_and_a_private_one_is_not(void **state)
{
	static const char *const kept[] = { "10.0.0.1",    "192.168.1.1",     "172.31.0.1", "127.0.0.1",
					    "169.254.1.1", "100.64.0.1",      "fd00::1",    "fe80::1",
					    "::1",         "::ffff:10.0.0.1", "",           "a host" };
	struct bw_dossier *dossier = usual();

	(void)state;
	for (size_t i = 0; i <= BW_COUNT(kept); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
		const char *address = i < BW_COUNT(kept) ? kept[i] : "198.51.100.7";

		(void)snprintf(dossier->actor.address, sizeof(dossier->actor.address), "%s", address);
		assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &out));
		assert_int_equal(has(&out, "-addr:value"), i == BW_COUNT(kept));
		check_bundle(&out);
	}
	bw_dossier_free(dossier);
}

static void only_a_program_of_the_attackers_own_becomes_an_indicator(void **state)
{
	static const char *const programs[] = { "/usr/bin/python3.11", "/bin/sh", "/tmp/x/locker" };
	struct bw_dossier *dossier = usual();

	(void)state;
	dossier->actor.kind = BW_ACTOR_FAMILY;
	dossier->processes[0].image = (struct bw_digest){ true, true, 9, { 0xaa } };
	for (size_t i = 0; i < BW_COUNT(programs); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);

		dossier->processes[0].program = bw_slice_text(programs[i]);
		assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &out));
		assert_int_equal(has(&out, "Program that destroyed files"), i == 2);
		assert_false(has(&out, "/tmp/x"));
		check_bundle(&out);
	}
	bw_dossier_free(dossier);
}

static void the_next_report_makes_new_versions_of_the_same_objects(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf second = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_dossier *dossier = usual();
	const char *at;
	char id[64];

	(void)state;
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &first));
	dossier->made_us += 60000000;
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_LEAVES, &second));
	at = strstr(bw_buf_text(&first), "incident--");
	assert_non_null(at);
	(void)snprintf(id, sizeof(id), "%.46s", at);
	assert_true(has(&second, id));
	bw_buf_clear(&second);
	assert_ok(bw_dossier_bundle(dossier, BW_STIX_HOME, &second));
	assert_false(has(&second, id)); /* other content, so another object */
	bw_dossier_free(dossier);
}

static void indicators_need_no_look_at_any_file(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf rows = BW_BUF_INIT(BW_DOSSIER_ROWS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_DOSSIER_PAPER_BYTES);
	struct bw_record *record = malloc(sizeof(*record));
	struct bw_dossier *dossier;

	(void)state;
	assert_non_null(record);
	fill(record);
	add_record(&rows, record);
	dossier = read_rows(&rows);
	assert_ok(bw_dossier_indicators(dossier, &out));
	check_bundle(&out);
	assert_true(has(&out, "[ipv4-addr:value = '10.77.0.9']"));
	assert_true(has(&out, "[user-account:account_login = 'SCHOOL\\\\\\\\evelyn<b>']"));
	bw_dossier_free(dossier);
	free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_add_up_to_a_dossier),
		cmocka_unit_test(what_people_and_the_hand_did_is_on_the_timeline),
		cmocka_unit_test(what_could_not_be_done_stands_on_the_page),
		cmocka_unit_test(without_a_verdict_there_is_no_dossier),
		cmocka_unit_test(more_files_than_fit_are_counted),
		cmocka_unit_test(no_name_becomes_markup_on_the_page),
		cmocka_unit_test(no_name_drives_a_terminal_from_the_text),
		cmocka_unit_test(a_page_does_not_promise_what_is_not_kept),
		cmocka_unit_test(a_page_without_files_does_not_say_that_nothing_was_lost),
		cmocka_unit_test(what_nobody_said_is_unknown_in_the_duties),
		cmocka_unit_test(the_facts_are_json_whatever_the_names),
		cmocka_unit_test(a_page_of_text_fits_a_terminal),
		cmocka_unit_test(a_drill_says_so_and_only_when_all_files_are_its_own),
		cmocka_unit_test(what_was_a_drill_stays_one_when_its_files_are_found_no_more),
		cmocka_unit_test(what_came_after_a_drill_elsewhere_is_none),
		cmocka_unit_test(a_note_is_told_from_a_text),
		cmocka_unit_test(the_same_text_in_two_folders_is_a_note),
		cmocka_unit_test(a_note_that_was_put_aside_is_called_as_the_actor_called_it),
		cmocka_unit_test(both_bundles_pass_the_strict_check),
		cmocka_unit_test(what_may_leave_names_nobody_and_no_place),
		cmocka_unit_test(the_first_words_are_what_the_report_says_later_and_none_of_a_drill),
		cmocka_unit_test(an_ending_or_note_with_the_login_in_it_stays),
		cmocka_unit_test(a_public_address_is_shared_and_a_private_one_is_not),
		cmocka_unit_test(only_a_program_of_the_attackers_own_becomes_an_indicator),
		cmocka_unit_test(the_next_report_makes_new_versions_of_the_same_objects),
		cmocka_unit_test(indicators_need_no_look_at_any_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
