/*
 * Bench: every pattern of the simulator, once as the literature tells it and once as a strain that nobody wrote a
 * rule against (other parameters, names, notes and seeds). Each pattern stands in one group; what destroys nothing
 * that could be told by its content has its reason instead of a figure.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "guard/bench_guard.h"
#include "guard/sim.h"

enum {
	FILES = 200,
	WORST = 15,
	WORST_MANY = 40,
	PATTERNS_MOST = 16,
	BULK_FOLDERS = 40,
	BULK_FILES = 100, /* in each */
	BULK_BYTES = 20000,
	COPY_MS = 60 * 1000,
};

#define OTHER_STRAIN UINT64_C(20260317)

static const struct group {
	const char *words;
	const char *options; /* of the drill; NULL: none */
	const char *patterns[PATTERNS_MOST];
	double most;
	bool beside_a_copy; /* while somebody copies a large tree */
} groups[] = {
	{ "structured formats", "--mix structured", { "S01", "S05", "S13", "S20", "S22" }, WORST, false },
	{ "in place", NULL, { "S01", "S02", "S03", "S04", "S05", "S06", "S07" }, WORST, false },
	{ "intermittent",
	  NULL,
	  { "S08", "S09", "S10", "S11", "S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19" },
	  WORST,
	  false },
	{ "header and tail kept", NULL, { "S20", "S21", "S47" }, WORST, false },
	{ "new file, renamed, footers",
	  NULL,
	  { "S22", "S23", "S24", "S25", "S26", "S27", "S28", "S29", "S60" },
	  WORST,
	  false },
	{ "mapped", NULL, { "S30", "S31", "S32" }, WORST, false },
	{ "io_uring, direct, asynchronous, splice, clone", NULL, { "S33", "S34", "S35", "S36", "S37" }, WORST, false },
	{ "truncated, wiped", NULL, { "S38", "S39", "S40", "S41" }, WORST, false },
	{ "deleted, or gathered in one sealed file", NULL, { "S42", "S50" }, WORST_MANY, false },
	{ "base64, hex, text to text, padded", NULL, { "S43", "S44", "S45", "S46" }, WORST, false },
	{ "an archive or a sealed file for each", NULL, { "S48", "S49" }, WORST_MANY, false },
	{ "many processes, threads, users", NULL, { "S51", "S52", "S53", "S54", "S55", "S56" }, WORST_MANY, false },
	{ "slowly, mixed, in another order, again", NULL, { "S57", "S58", "S59", "S62", "S66" }, WORST, false },
	{ "large files", "--mix large", { "S01", "S12", "S13", "S15", "S18", "S67" }, WORST, false },
	{ "beside a bulk copy", NULL, { "S01", "S05", "S08", "S22", "S33" }, WORST, true },
};

static const struct {
	const char *pattern;
	const char *why;
} others[] = {
	{ "S61", "over SMB: part smb" },
	{ "S63", "probes harm nothing by themselves; a bait file that is written to is told" },
	{ "S68", "reading changes nothing: no event of the file system tells of it" },
};

/* ---- beside a copy --------------------------------------------------------------------------------- */

static enum bw_err write_file(const char *path, unsigned number, struct bw_why *why)
{
	char line[64];
	enum bw_err err = BW_OK;
	const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return bw_why_set(why, BW_ERR_IO, "cannot make '%s': %m", path);
	for (unsigned n = 0; n < BULK_BYTES / 32 && err == BW_OK; n++) {
		(void)snprintf(line, sizeof(line), "pupil %6u, lesson %6u, mark %u\n", number, n, n % 6);
		err = bw_fd_write(fd, bw_slice_text(line));
	}
	(void)close(fd);
	return err;
}

static enum bw_err make_bulk(const struct bw_place *place, struct bw_why *why)
{
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES + 64];

	BW_TRY(bw_path_join(folder, place->tree, "bulk"));
	BW_TRY(bw_folder_make(folder, why));
	for (unsigned d = 0; d < BULK_FOLDERS; d++) {
		(void)snprintf(path, sizeof(path), "%s/d%u", folder, d);
		BW_TRY(bw_folder_make(path, why));
		for (unsigned n = 0; n < BULK_FILES; n++) {
			(void)snprintf(path, sizeof(path), "%s/d%u/f%u.csv", folder, d, n);
			BW_TRY(write_file(path, d * BULK_FILES + n, why));
		}
	}
	return BW_OK;
}

static enum bw_err drill_beside_copy(struct bw_gbench *bench, struct bw_place *place,
				     const struct bw_drill_words *words, struct bw_drills *drills)
{
	char from[BW_PATH_BYTES];
	char to[BW_PATH_BYTES];
	char cp[BW_PATH_BYTES];
	struct bw_program copy = {
		.words = { "-r", from, to }, .output_max = 64 * 1024, .timeout_ms = COPY_MS, .errors_too = true
	};
	struct bw_program_run run = BW_PROGRAM_NONE;
	enum bw_err err;

	BW_TRY(bw_path_join(from, place->tree, "bulk"));
	BW_TRY(bw_path_join(to, place->tree, "bulk-copy"));
	BW_TRY(bw_program_find("cp", cp));
	copy.path = cp;
	BW_TRY(bw_program_start(&copy, &run));
	err = bw_gbench_drill(bench, place, words, drills);
	bw_program_release(&run);
	bw_place_clear(to);
	return err;
}

/* ---- all -------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct bw_gbench *bench, const char *pattern)
{
	const size_t named = bw_call_count(bench->call, "pattern");

	for (size_t i = 0; i < named; i++) {
		if (strcmp(bw_call_nth(bench->call, "pattern", i), pattern) == 0)
			return true;
	}
	return named == 0;
}

static enum bw_err one_group(struct bw_gbench *bench, struct bw_place *place, const struct group *group,
			     uint64_t strain)
{
	struct bw_drill_words words = {
		.options = group->options, .strain = strain, .files = FILES, .most = group->most
	};
	struct bw_drills drills = { 0 };
	char name[96];
	bool any = false;

	for (size_t n = 0; n < PATTERNS_MOST && group->patterns[n] != NULL; n++) {
		words.pattern = group->patterns[n];
		if (!is_wanted(bench, words.pattern))
			continue;
		any = true;
		if (group->beside_a_copy)
			BW_TRY(drill_beside_copy(bench, place, &words, &drills));
		else
			BW_TRY(bw_gbench_drill(bench, place, &words, &drills));
	}
	(void)snprintf(name, sizeof(name), "%s%s", group->words, strain == 0 ? "" : ", another strain");
	if (any)
		bw_gbench_print_drills(bench, place, name, &drills);
	return BW_OK;
}

static enum bw_err all_groups(struct bw_gbench *bench, struct bw_place *place)
{
	const uint64_t named = (uint64_t)bw_call_num(bench->call, "strain");
	const uint64_t strains[] = { 0, named != 0 ? named : OTHER_STRAIN };

	for (size_t s = 0; s < BW_COUNT(strains); s++) {
		for (size_t i = 0; i < BW_COUNT(groups); i++)
			BW_TRY(one_group(bench, place, &groups[i], strains[s]));
	}
	return BW_OK;
}

enum bw_err bw_gbench_patterns(struct bw_gbench *bench, struct bw_place *place)
{
	char name[BW_GBENCH_NAME];
	enum bw_err err;

	BW_TRY(make_bulk(place, &bench->why));
	BW_TRY(bw_place_enroll(bench, place, NULL, &bench->why));
	BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	err = all_groups(bench, place);
	bw_place_unguard(place);
	for (size_t i = 0; i < BW_COUNT(others) && err == BW_OK; i++) {
		if (is_wanted(bench, others[i].pattern))
			bw_gbench_absent(bench, bw_gbench_name(place, others[i].pattern, name), "files", others[i].why);
	}
	return err;
}
