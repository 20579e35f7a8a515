/*
 * Bench: over SMB. How many files a real client reaches before it is cut off and kept out, alone and in sixteen
 * sessions, and what an honest client pays for the guard.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "guard/bench_samba.h"
#include "guard/sim.h"
#include "sys/clock.h"

enum {
	FILES = 200,
	NOBODY = 65534, /* Debian's; whom the share belongs to */
	ROUNDS = 60,
	PAIRS = 4, /* of turns of honest work, for each run that was asked for */
	SMALL = 4 * 1024,
	MIDDLE = 64 * 1024,
	LARGE = 1024 * 1024,
	BACK_MS = 20 * 1000,
	SCRIPT_MAX = 1024 * 1024,
	LINE_BYTES = 4 * BW_PATH_BYTES,
};

#define MOST_TIMES 1.02 /* as long as without the guard */

/* ---- attacks ------------------------------------------------------------------------------------ */

static const struct crew {
	const char *words;
	const char *options;
	double most;
} crews[] = {
	{ "SMB, one session", "", 10 },
	{ "SMB, 16 sessions of one client", "--actors=16", 25 },
};

struct count {
	struct bw_bench_row touched;
	double kept_out;
	double lost;
	double metadata;
	double drills;
};

/* The drill's clients are kept out afterwards: a person lets them in again, as after any drill. */
static enum bw_err let_in(struct bw_gbench *bench, const struct bw_place *place, const struct bw_samba *samba,
			  double incident)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * BACK_MS;
	struct bw_why why = { 0 };
	char line[LINE_BYTES];

	(void)snprintf(line, sizeof(line), "%s guard approve --release --data=%s %.0f", bench->program, place->data,
		       incident);
	BW_TRY(bw_place_run(line, NULL, NULL, &bench->why));
	while (bw_clock_mono_us() < until_us) {
		if (bw_samba_say(samba, BW_LIT("quit\n"), NULL, &why) == BW_OK)
			return BW_OK;
	}
	return bw_why_set(&bench->why, BW_ERR_TIMEOUT, "a released client is not let in: %.200s", why.text);
}

static enum bw_err attack(struct bw_gbench *bench, struct bw_place *place, const struct bw_samba *samba,
			  const struct crew *crew, struct count *count)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(1024 * 1024);
	struct bw_why why = { 0 };
	char inside[64];
	char line[LINE_BYTES];
	double touched;
	double incident;

	bw_samba_inside(samba, inside);
	(void)snprintf(line, sizeof(line),
		       "%s %s guard drill --data=%s --format=json --files=%d --pattern=S61 --strain=%lld "
		       "--share=" BW_SAMBA_URL " --owner=%d %s",
		       inside, bench->program, place->data, (int)FILES, (long long)bw_call_num(bench->call, "strain"),
		       (int)NOBODY, crew->options);
	BW_TRY(bw_place_run_found(line, &said, &bench->why));
	touched = bw_gbench_number(bw_buf_text(&said), "touched");
	incident = bw_gbench_number(bw_buf_text(&said), "incident");
	if (touched < 1 || incident < 1)
		return bw_why_set(&bench->why, BW_ERR_SYSTEM, "a drill over SMB said: %.300s", bw_buf_text(&said));
	bw_bench_add(&count->touched, touched, crew->most);
	count->lost += bw_gbench_number(bw_buf_text(&said), "bytes_not_back");
	count->metadata += bw_gbench_number(bw_buf_text(&said), "metadata_not_back");
	count->kept_out += bw_samba_say(samba, BW_LIT("quit\n"), NULL, &why) != BW_OK;
	count->drills++;
	BW_TRY(bw_gbench_gather_stops(bench, place));
	return let_in(bench, place, samba, incident);
}

static void print_one(const struct bw_gbench *bench, const struct bw_place *place, const char *who, const char *what,
		      const char *unit, const char *limit_name, double value, double limit)
{
	struct bw_bench_row row = { .unit = unit, .limit_name = limit_name };
	char words[128];
	char name[BW_GBENCH_NAME];

	(void)snprintf(words, sizeof(words), "%s: %s", who, what);
	row.name = bw_gbench_name(place, words, name);
	bw_bench_add(&row, value, limit);
	bw_gbench_print(bench, &row);
}

static void print_crew(const struct bw_gbench *bench, const struct bw_place *place, const struct crew *crew,
		       struct count *count)
{
	char words[96];
	char name[BW_GBENCH_NAME];

	(void)snprintf(words, sizeof(words), "%s: files touched", crew->words);
	count->touched.name = bw_gbench_name(place, words, name);
	count->touched.unit = "files";
	count->touched.limit_name = "worst, at most";
	bw_gbench_print(bench, &count->touched);
	print_one(bench, place, crew->words, "drills after which the client was kept out", "%", "wanted",
		  100 * count->kept_out / count->drills, 100);
	print_one(bench, place, crew->words, "files whose bytes are not back", "files", "at most", count->lost, 0);
	print_one(bench, place, crew->words, "metadata not back, folders too", "names", "at most", count->metadata, 0);
}

static enum bw_err attacks(struct bw_gbench *bench, struct bw_place *place, const struct bw_samba *samba)
{
	for (size_t i = 0; i < BW_COUNT(crews); i++) {
		struct count count = { 0 };

		for (size_t n = 0; n < bench->runs; n++)
			BW_TRY(attack(bench, place, samba, &crews[i], &count));
		print_crew(bench, place, &crews[i], &count);
	}
	return BW_OK;
}

/* ---- honest work ------------------------------------------------------------------------------------- */

/* Text, so that nobody wonders when it is written over; `tone` makes two of a size differ. */
static enum bw_err make_document(const char *path, size_t bytes, unsigned tone, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * LARGE);

	for (unsigned line = 0; text.len < bytes; line++)
		BW_TRY(bw_buf_addf(&text, "Line %u of document %u, as somebody wrote it in the office.\n", line, tone));
	return bw_file_write(path, bw_buf_slice(&text), 0644, why);
}

static enum bw_err make_documents(const struct bw_gbench *bench, struct bw_why *why)
{
	static const struct {
		const char *name;
		size_t bytes;
	} documents[] = { { "small", SMALL }, { "middle0", MIDDLE }, { "middle1", MIDDLE + 900 }, { "large", LARGE } };
	char path[BW_PATH_BYTES];

	for (size_t i = 0; i < BW_COUNT(documents); i++) {
		BW_TRY(bw_path_join(path, bench->folder, documents[i].name));
		BW_TRY(make_document(path, documents[i].bytes, (unsigned)i, why));
	}
	return BW_OK;
}

/* New files, files written over, files read, lists, names changed, files deleted. */
static enum bw_err write_script(const struct bw_gbench *bench, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "mkdir work\ncd work\nput %s/large large\n", bench->folder));
	for (int n = 0; n < ROUNDS; n++) {
		BW_TRY(bw_buf_addf(out, "put %s/small small%d\nput %s/middle%d middle%d\n", bench->folder, n,
				   bench->folder, n / 8 % 2, n % 8));
		BW_TRY(bw_buf_addf(out, "get large /dev/null\nget middle%d /dev/null\nls\n", n % 8));
		if (n % 4 == 3)
			BW_TRY(bw_buf_addf(out, "rename small%d kept%d\ndel small%d\n", n, n, n - 1));
	}
	return bw_buf_add_text(out, "quit\n");
}

/* One turn of honest work: how long it took the client, and what it cost smbd and smbclient. */
struct took {
	double all_s;
	double cpu_s;
};

static enum bw_err measure(struct bw_gbench *bench, const struct bw_samba *samba, struct bw_slice script,
			   struct took *out)
{
	const int64_t client_us = bw_place_spent_us();
	int64_t before_us = 0;
	int64_t after_us = 0;
	int64_t took_us = 0;

	BW_TRY(bw_place_metered(samba->meter, &before_us));
	BW_TRY(bw_samba_say(samba, script, &took_us, &bench->why));
	BW_TRY(bw_place_metered(samba->meter, &after_us));
	out->all_s = (double)took_us / 1e6;
	out->cpu_s = (double)(after_us - before_us + bw_place_spent_us() - client_us) / 1e6;
	return BW_OK;
}

static enum bw_err one_turn(struct bw_gbench *bench, struct bw_place *place, const struct bw_samba *samba,
			    struct bw_slice script, bool guarded, struct took *out)
{
	char line[LINE_BYTES];
	enum bw_err err;

	if (guarded)
		BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	sync(); /* nobody pays for what an earlier turn left to write */
	err = measure(bench, samba, script, out);
	if (guarded && err == BW_OK)
		err = bw_place_settle(place, 0, BACK_MS);
	bw_place_unguard(place);
	(void)snprintf(line, sizeof(line), "rm -rf %s/work", place->tree);
	return err == BW_OK ? bw_place_run(line, NULL, NULL, &bench->why) : err;
}

/* A fiftieth is less than what turns differ by: many short ones in pairs, whose order changes, bound the median. */
static size_t pairs_of(const struct bw_gbench *bench)
{
	return bench->runs * PAIRS < BW_BENCH_RUNS_MAX ? bench->runs * PAIRS : BW_BENCH_RUNS_MAX;
}

static enum bw_err work(struct bw_gbench *bench, struct bw_place *place, const struct bw_samba *samba)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf script = BW_BUF_INIT(SCRIPT_MAX);
	struct bw_bench_row all = { 0 };
	struct bw_bench_row cpu = { 0 };
	struct took took[2] = { 0 };

	BW_TRY(make_documents(bench, &bench->why));
	BW_TRY(write_script(bench, &script));
	BW_TRY(one_turn(bench, place, samba, bw_buf_slice(&script), false,
			&took[0])); /* warms up, and counts nothing */
	for (size_t n = 0; n < pairs_of(bench); n++) {
		for (size_t turn = 0; turn < 2; turn++) {
			const bool guarded = (turn + n) % 2 == 1;

			BW_TRY(one_turn(bench, place, samba, bw_buf_slice(&script), guarded, &took[guarded ? 1 : 0]));
		}
		bw_bench_add(&all, took[1].all_s, took[0].all_s);
		bw_bench_add(&cpu, took[1].cpu_s, took[0].cpu_s);
	}
	bw_gbench_print_pair(bench, place, "SMB mixed load", MOST_TIMES, &all);
	bw_gbench_print_pair(bench, place, "SMB mixed load, processor of smbd and client", MOST_TIMES, &cpu);
	return BW_OK;
}

/* ---- the part -------------------------------------------------------------------------------------------- */

/* The guard asks this Samba, not the machine's. */
static enum bw_err tell_guard(const struct bw_place *place, const struct bw_samba *samba, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1024 * 1024);
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, place->data, "guard/settings"));
	BW_TRY(bw_file_read(path, &text, why));
	BW_TRY(bw_buf_addf(&text, "samba %s\n", samba->config));
	return bw_file_write(path, bw_buf_slice(&text), 0600, why);
}

static enum bw_err all(struct bw_gbench *bench, struct bw_place *place, const struct bw_samba *samba)
{
	enum bw_err err;

	BW_TRY(bw_place_enroll(bench, place, NULL, &bench->why));
	BW_TRY(tell_guard(place, samba, &bench->why));
	BW_TRY(work(bench, place, samba));
	BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	err = attacks(bench, place, samba);
	bw_place_unguard(place);
	return err;
}

enum bw_err bw_gbench_smb(struct bw_gbench *bench, struct bw_place *place)
{
	struct bw_samba samba;
	enum bw_err err = bw_samba_start(bench, place, &samba, &bench->why);

	if (err == BW_OK)
		err = all(bench, place, &samba);
	bw_samba_stop(&samba);
	return err;
}
