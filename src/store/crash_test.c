/* Power loss at every sync, and failing writes: what was acknowledged is there, and nothing half. */
#include "store/crash_vfs.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store/generate_in_tests.h"
#include "store/keeping.h"
#include "store/search.h"
#include "store/test.h"

enum { ROWS_MAX = 65536, ROUNDS = 24 };

/* Dates added of the live rows, ascending. */
struct model {
	int64_t rows[ROWS_MAX];
	size_t count;
};

struct trial {
	struct fixture *f;
	struct model before; /* acknowledged */
	struct model after;  /* with the transaction in hand */
	uint64_t audit_before;
	uint64_t audit_after;
	uint64_t seed;
	uint64_t next; /* number of the next object to make */
	unsigned syncs;
	unsigned every; /* looks at every so many syncs */
	unsigned looked;
};

static uint64_t chance(struct trial *t, uint64_t below)
{
	t->seed = t->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (t->seed >> 33) % below;
}

static void add_row(struct model *model, int64_t added_us)
{
	assert_true(model->count < ROWS_MAX);
	model->rows[model->count++] = added_us;
}

static void drop_row(struct model *model, int64_t added_us)
{
	for (size_t i = 0; i < model->count; i++) {
		if (model->rows[i] == added_us) {
			memmove(&model->rows[i], &model->rows[i + 1], (model->count - i - 1) * sizeof(model->rows[0]));
			model->count--;
			return;
		}
	}
	fail_msg("a row that was never there");
}

static uint64_t row_added(struct bw_store *store, int64_t added_us)
{
	const int64_t row = bw_cat_at(&store->cat, added_us, store->cat.rows);

	assert_true(row >= 0);
	return (uint64_t)row;
}

static bool holds(struct bw_store *store, const struct model *model)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	size_t at = 0;
	bool found;

	assert_ok(bw_sql_prepare(store->db, "SELECT added FROM entry ORDER BY added", &stmt));
	for (;; at++) {
		assert_ok(bw_sql_row(stmt, &found));
		if (!found)
			return at == model->count;
		if (at >= model->count || sqlite3_column_int64(stmt, 0) != model->rows[at])
			return false;
	}
}

/* ---- looking at what power loss leaves ---------------------------------------------------------- */

static void check_copy(struct trial *t, const char *dir)
{
	struct bw_verify_report report;
	struct bw_audit_head head;
	struct bw_store *store;

	assert_ok(bw_store_open(&(struct bw_store_options){ .dir = dir, .catalogue_fd = -1 }, &store));
	assert_true(holds(store, &t->before) || holds(store, &t->after));
	assert_ok(bw_store_audit_head(store, &head));
	assert_true(head.seq == t->audit_before || head.seq == t->audit_after);
	assert_ok(bw_store_verify(store, NULL, NULL, &report));
	assert_string_equal(report.first, "");
	bw_store_close(store);
}

static void look(struct trial *t, enum crash_kind kind)
{
	char dir[64] = "/tmp/breakwater-crash-XXXXXX";
	char folder[80];

	assert_non_null(mkdtemp(dir));
	(void)snprintf(folder, sizeof(folder), "%s/store", dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	crash_vfs_copy(folder, kind, t->seed + t->syncs);
	crash_vfs_pause(true);
	check_copy(t, dir);
	crash_vfs_pause(false);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	t->looked++;
}

static void before_sync(void *ctx)
{
	struct trial *t = ctx;

	if (t->syncs++ % t->every == 0)
		look(t, (enum crash_kind)(t->syncs / t->every % CRASH_KINDS));
}

/* ---- a life of puts, deletions, erasures and index steps ----------------------------------------- */

static enum bw_err put_some(struct trial *t)
{
	for (uint64_t i = 1 + chance(t, 60); i > 0; i--) {
		struct bw_generated made;
		struct bw_put put;

		assert_ok(bw_generate(3, t->next++, &made));
		BW_TRY(bw_store_put(t->f->store, t->f->collection, &made.record, 1, &put));
		if (put.outcome == BW_PUT_ADDED)
			add_row(&t->after, put.date_added_us);
	}
	return BW_OK;
}

/* Removes the object of a random row, for a while or for good. */
static enum bw_err remove_one_object(struct trial *t)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_query query = query_all(t->f);
	struct bw_shown *shown;
	struct bw_entry entry;
	struct bw_slice id;
	uint64_t removed;
	size_t count;

	if (t->before.count == 0)
		return BW_OK;
	BW_TRY(bw_entry_head(t->f->store, row_added(t->f->store, t->before.rows[chance(t, t->before.count)]), &entry));
	assert_ok(bw_arena_copy(&arena, entry.id, &id));
	bw_entry_done(t->f->store);
	query.ids = &id;
	query.id_count = 1;
	BW_TRY(bw_store_show(t->f->store, id, &arena, &shown, &count));
	if (chance(t, 3) == 0)
		BW_TRY(bw_store_erase(t->f->store, id, BW_LIT("test"), &removed));
	else
		BW_TRY(bw_store_delete(t->f->store, &query, &removed));
	for (size_t i = 0; i < count; i++)
		drop_row(&t->after, shown[i].row.date_added_us);
	return BW_OK;
}

static enum bw_err note_round(struct trial *t)
{
	const struct bw_audit_fact fact = { .account = BW_LIT("test"),
					    .address = bw_slice_empty,
					    .action = BW_LIT("round"),
					    .target = bw_slice_empty,
					    .count = 1,
					    .note = bw_slice_empty };

	BW_TRY(bw_store_audit_add(t->f->store, &fact));
	t->audit_after++;
	return BW_OK;
}

static enum bw_err live_once(struct trial *t)
{
	bool more;

	/* first what looks only at committed rows */
	if (chance(t, 3) == 0)
		BW_TRY(remove_one_object(t));
	BW_TRY(put_some(t));
	BW_TRY(note_round(t));
	BW_TRY(bw_store_commit(t->f->store));
	t->before = t->after;
	t->audit_before = t->audit_after;
	if (chance(t, 4) == 0)
		BW_TRY(bw_store_index_step(t->f->store, &more));
	return BW_OK;
}

static void trial_begin(struct trial *t, struct fixture *f, uint64_t seed)
{
	*t = (struct trial){ .f = f, .seed = seed, .every = 1 };
	bw_store_close(f->store);
	crash_vfs_begin(before_sync, t);
	t->every = 1u << 30;
	t->syncs = 1;
	fixture_open(f);
	/* checkpoints all the time */
	assert_ok(bw_sql_run(f->store->db, "PRAGMA wal_autocheckpoint=20"));
}

static void trial_end(struct trial *t)
{
	bw_store_close(t->f->store);
	crash_vfs_end();
	fixture_open(t->f);
}

static void power_loss_at_any_sync_loses_nothing_acknowledged(void **state)
{
	struct fixture *f = *state;
	static struct trial t;

	trial_begin(&t, f, 1);
	t.syncs = 0;
	t.every = 2;
	for (int round = 0; round < ROUNDS; round++)
		assert_ok(live_once(&t));
	t.every = 1u << 30;
	t.syncs = 1;
	assert_true(t.looked > ROUNDS / 2);
	trial_end(&t);
	assert_true(holds(f->store, &t.before));
}

static void recover(struct trial *t)
{
	bw_store_rollback(t->f->store);
	t->after = t->before;
	t->audit_after = t->audit_before;
	assert_true(holds(t->f->store, &t->before));
}

static void failing_writes(struct fixture *f, bool full)
{
	static struct trial t;
	unsigned failures = 0;

	trial_begin(&t, f, 2);
	for (unsigned after = 1; after < 60; after += 3) {
		enum bw_err err;

		crash_vfs_fail(after, 1 + after % 4, full);
		err = live_once(&t);
		if (err != BW_OK) {
			failures++;
			assert_int_equal(err, full ? BW_ERR_DISK_FULL : BW_ERR_IO);
			crash_vfs_fail(0, 0, full);
			recover(&t);
		}
		crash_vfs_fail(0, 0, full);
		assert_ok(live_once(&t)); /* and it goes on */
	}
	assert_true(failures > 3);
	trial_end(&t);
	assert_true(holds(f->store, &t.before));
	{
		struct bw_verify_report report;

		assert_ok(bw_store_verify(f->store, NULL, NULL, &report));
		assert_string_equal(report.first, "");
	}
}

static void a_full_disk_is_said_and_the_store_goes_on(void **state)
{
	failing_writes(*state, true);
}

static void a_failing_disk_is_said_and_the_store_goes_on(void **state)
{
	failing_writes(*state, false);
}

/* ---- a writer killed at any moment -------------------------------------------------------------- */

/* Commits batches for ever, telling each committed date added through the pipe. */
static void write_until_killed(const char *dir, uint16_t collection, uint64_t next, int pipe_fd)
{
	struct bw_store *store;

	if (bw_store_open(&(struct bw_store_options){ .dir = dir, .catalogue_fd = -1 }, &store) != BW_OK)
		_exit(1);
	for (;;) {
		int64_t dates[50];
		size_t count = 0;

		for (int i = 0; i < 50; i++) {
			struct bw_generated made;
			struct bw_put put;

			if (bw_generate(5, next++, &made) != BW_OK ||
			    bw_store_put(store, collection, &made.record, 1, &put) != BW_OK)
				_exit(1);
			if (put.outcome == BW_PUT_ADDED)
				dates[count++] = put.date_added_us;
		}
		if (bw_store_commit(store) != BW_OK || write(pipe_fd, dates, count * sizeof(dates[0])) < 0)
			_exit(1);
	}
}

/* Reads what was acknowledged before the end. */
static void read_acknowledged(int pipe_fd, struct model *model)
{
	int64_t added_us;

	while (read(pipe_fd, &added_us, sizeof(added_us)) == (ssize_t)sizeof(added_us))
		add_row(model, added_us);
	(void)close(pipe_fd);
}

static void assert_all_there(struct bw_store *store, const struct model *model)
{
	struct bw_entry entry;

	for (size_t i = 0; i < model->count; i++)
		assert_ok(bw_entry_head(store, row_added(store, model->rows[i]), &entry));
	bw_entry_done(store);
}

static void a_writer_killed_at_any_moment_leaves_every_acknowledged_row(void **state)
{
	struct fixture *f = *state;
	static struct model model;
	struct bw_verify_report report;

	model.count = 0;
	bw_store_close(f->store);
	for (unsigned round = 0; round < 12; round++) {
		const struct timespec wait = { 0, (long)(3 + round * 7) * 1000000 };
		int fds[2];
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			write_until_killed(f->dir, f->collection, (uint64_t)round * 100000, fds[1]);
		(void)close(fds[1]);
		(void)nanosleep(&wait, NULL);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		read_acknowledged(fds[0], &model);
		fixture_open(f);
		assert_all_there(f->store, &model);
		bw_store_close(f->store);
	}
	fixture_open(f);
	assert_ok(bw_store_verify(f->store, NULL, NULL, &report));
	assert_string_equal(report.first, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(power_loss_at_any_sync_loses_nothing_acknowledged),
		TEST(a_full_disk_is_said_and_the_store_goes_on),
		TEST(a_failing_disk_is_said_and_the_store_goes_on),
		TEST(a_writer_killed_at_any_moment_leaves_every_acknowledged_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
