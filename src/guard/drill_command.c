/*
 * `breakwater guard drill`: shows that the guard works, on files made for it. Whatever happens on the
 * way, the folder is taken away at the end, and nothing but it was touched.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/drill.h"
#include "guard/incident.h"
#include "guard/plain.h"
#include "guard/program.h"
#include "guard/settings.h"
#include "sys/clock.h"

enum {
	SETTINGS_MEMORY = 8 * 1024 * 1024,
	OUTPUT_MAX = 4 * 1024 * 1024,
	SHADOW_MS = 120 * 1000, /* until every seeded file has its standing copy */
	ATTACK_MS = 10 * 60 * 1000,
	VERDICT_MS = 15 * 1000, /* after the attack ended: until it is in the ledger */
	RESTORE_MS = 10 * 60 * 1000,
	LOOK_MS = 20,
};

struct drill {
	struct bw_call *call;
	const char *data;
	char data_whole[PATH_MAX];
	struct bw_arena arena;
	struct bw_guard_settings settings;
	struct bw_channel *channel;
	enum bw_guard_mode mode;
	char folder[BW_PATH_BYTES];
	char report[BW_PATH_BYTES];
	const char *hint; /* what to do when it cannot begin; NULL: nothing */
	bool is_seeded;
	const char *pattern;
	const char *login; /* NULL: none */
	char login_whole[PATH_MAX];
	/* what happened */
	uint64_t files;
	enum bw_drill_end end;
	uint64_t touched;
	uint64_t refused;
	int64_t began_us;
	uint64_t attack_us;
	uint64_t incident; /* 0: none was opened */
	bool was_restored;
	int64_t restore_us;
	struct bw_sim_check after_attack;
	struct bw_sim_check after_restore;
	uint64_t undone; /* brought back by the simulator itself, because the guard did not */
};

static void say(const struct drill *drill, const char *fmt, ...) BW_PRINTF(2, 3);
static void say(const struct drill *drill, const char *fmt, ...)
{
	va_list args;

	if (bw_call_json(drill->call))
		return;
	va_start(args, fmt);
	(void)vprintf(fmt, args);
	va_end(args);
	(void)putchar('\n');
	(void)fflush(stdout);
}

static void nap(void)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };

	(void)nanosleep(&pause, NULL);
}

/* ---- the place ------------------------------------------------------------------------------------------- */

static enum bw_err choose_tree(struct drill *drill, struct bw_why *why)
{
	const char *given = bw_call_arg(drill->call, 0);
	char tree[PATH_MAX];

	drill->hint = "take a folder in: breakwater guard enroll DIR";
	BW_TRY(bw_guard_settings_load(drill->data, &drill->arena, &drill->settings, why));
	if (drill->settings.tree_count == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing is guarded below '%s' yet", drill->data);
	/* the attacker and the restore work from another folder */
	if (realpath(drill->data, drill->data_whole) == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "cannot reach '%s': %m", drill->data);
	drill->data = drill->data_whole;
	if (given == NULL)
		given = drill->settings.trees[0];
	if (realpath(given, tree) == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "cannot reach '%s': %m", given);
	BW_TRY(bw_path_join(drill->folder, tree, BW_DRILL_NAME "XXXXXX"));
	if (!bw_guard_settings_cover(&drill->settings, drill->folder))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "'%s' is not guarded", tree);
	drill->hint = NULL;
	return BW_OK;
}

/* Everybody may enter, as a share's users must; the files keep owners and modes of their own. */
static enum bw_err seed(struct drill *drill, struct bw_why *why)
{
	struct bw_sim_seed how = { .seed = (uint64_t)bw_clock_now_us(),
				   .files = (uint32_t)bw_call_num(drill->call, "files"),
				   .mix = bw_call_text(drill->call, "mix") };

	if (bw_call_has(drill->call, "owner")) {
		how.owner_count = 1;
		how.owners[0] = (uid_t)bw_call_num(drill->call, "owner");
	}
	if (mkdtemp(drill->folder) == NULL)
		return bw_why_set(why, BW_ERR_IO, "cannot make a folder '%s': %m", drill->folder);
	drill->is_seeded = true;
	if (chmod(drill->folder, 0755) != 0)
		return bw_why_set(why, BW_ERR_IO, "cannot open '%s' to the share: %m", drill->folder);
	return bw_sim_seed(drill->folder, &how, why);
}

/* ---- the guard --------------------------------------------------------------------------------------------- */

static enum bw_err reach_guard(struct drill *drill, struct bw_why *why)
{
	struct bw_ask_status status;
	enum bw_err err = bw_ask_open(drill->data, &drill->channel);

	if (err == BW_OK)
		err = bw_ask_status(drill->channel, &status);
	if (err != BW_OK) {
		drill->hint = "start it: breakwater guard run";
		return err == BW_ERR_NOT_FOUND
			       ? bw_why_set(why, err, "the guard does not run")
			       : bw_why_set(why, err, "the guard does not answer: %s", bw_err_text(err));
	}
	drill->mode = status.mode;
	bw_shared_release(&status.view);
	/* the attacker is judged by himself: who began the drill, perhaps for the second time, has no part in it */
	return bw_ask_decision(drill->channel, BW_ASK_DRILL, 0, why);
}

/*
 * Until the guard has heard of all that was made, nothing of it waits, and no walk goes on. How many copies that makes
 * is not asked: names that are one file have one copy, and a walk makes some of them.
 */
static enum bw_err await_copies(const struct drill *drill, struct bw_why *why)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * SHADOW_MS;
	const enum bw_err err = bw_ask_settle(drill->data);

	if (err != BW_OK)
		return bw_why_set(why, err, "the guard did not catch up: %s", bw_err_text(err));
	while (bw_clock_mono_us() < until_us) {
		struct bw_ask_status now;
		bool waits;

		BW_TRY(bw_ask_status(drill->channel, &now));
		waits = now.board->queued > 0 || now.board->enrolling > 0;
		bw_shared_release(&now.view);
		if (!waits)
			return BW_OK;
		nap();
	}
	return bw_why_set(why, BW_ERR_TIMEOUT, "the guard did not copy the new files within %d s", SHADOW_MS / 1000);
}

static enum bw_err count_files(struct drill *drill, uint64_t *out, struct bw_why *why)
{
	struct bw_sim_box *box;

	*out = 0;
	BW_TRY(bw_sim_open(drill->folder, &box, why));
	for (size_t n = 0; n < bw_sim_rows(box); n++) {
		bool is_file;

		(void)bw_sim_row_name(box, n, &is_file);
		*out += is_file;
	}
	bw_sim_free(box);
	return BW_OK;
}

/* What is asked for wrongly is told before a single file is made. */
static enum bw_err choose_attack(struct drill *drill, struct bw_why *why)
{
	const struct bw_call *call = drill->call;
	const bool over_share = bw_call_has(call, "share");

	drill->pattern = bw_call_text(call, "pattern");
	if (drill->pattern == NULL)
		drill->pattern = over_share ? "S61" : "S01,S02,S08,S22";
	if (!over_share &&
	    (bw_call_has(call, "login") || bw_call_has(call, "port") || bw_call_has(call, "share-folder")))
		return bw_why_set(why, BW_ERR_USAGE, "--login, --port and --share-folder say how to reach --share");
	if (bw_drill_shape(bw_call_text(call, "shape")) == BW_SIM_SHAPES)
		return bw_why_set(why, BW_ERR_USAGE, "there is no shape '%s'", bw_call_text(call, "shape"));
	drill->login = bw_call_text(call, "login");
	/* one file, or a list of them for several sessions; the attacker works from another folder */
	if (drill->login != NULL && strchr(drill->login, ',') == NULL) {
		if (realpath(drill->login, drill->login_whole) == NULL)
			return bw_why_set(why, BW_ERR_USAGE, "cannot reach --login '%s': %m", drill->login);
		drill->login = drill->login_whole;
	}
	drill->hint = over_share ? "leave --pattern out: S61 is what goes through a share"
				 : "S01 to S68; S61 is for --share. Leave --pattern out for a mixture";
	BW_TRY(bw_sim_patterns_check(drill->pattern, over_share, why));
	drill->hint = NULL;
	return BW_OK;
}

static enum bw_err prepare(struct drill *drill, struct bw_why *why)
{
	BW_TRY(choose_attack(drill, why));
	BW_TRY(choose_tree(drill, why));
	BW_TRY(reach_guard(drill, why));
	BW_TRY(seed(drill, why));
	BW_TRY(count_files(drill, &drill->files, why));
	say(drill, "Made %llu files of a school in '%s'. Nothing else will be touched.",
	    (unsigned long long)drill->files, drill->folder);
	BW_TRY(await_copies(drill, why));
	say(drill, "The guard has made its copies of them.");
	return BW_OK;
}

/* ---- the attack ----------------------------------------------------------------------------------------------- */

static enum bw_err take_report(struct drill *drill, struct bw_why *why)
{
	struct bw_sim_report report = { 0 };
	struct bw_sim_tally tally;
	uint64_t last_ns = 0;

	BW_TRY(bw_sim_report_read(drill->report, &report, why));
	bw_sim_report_tally(&report, &tally);
	for (uint64_t n = 0; n < report.head.rows; n++)
		last_ns = report.times[n].began_ns > last_ns ? report.times[n].began_ns : last_ns;
	drill->touched = tally.touched;
	drill->refused = tally.failed;
	drill->attack_us = last_ns > report.head.began_ns ? (last_ns - report.head.began_ns) / 1000 : 0;
	bw_sim_report_release(&report);
	return BW_OK;
}

static enum bw_err verify(const struct drill *drill, struct bw_sim_check *out, struct bw_why *why)
{
	struct bw_sim_box *box;
	enum bw_err err;

	BW_TRY(bw_sim_open(drill->folder, &box, why));
	err = bw_sim_verify(box, out, why);
	bw_sim_free(box);
	return err;
}

/* The drill's folder as the share shows it. */
static enum bw_err folder_within(const struct drill *drill, char out[BW_PATH_BYTES])
{
	const char *given = bw_call_text(drill->call, "share-folder");
	const char *name = strrchr(drill->folder, '/') + 1;

	return bw_path_join(out, given != NULL ? given : ".", name);
}

static enum bw_err attack(struct drill *drill, struct bw_why *why)
{
	char within[BW_PATH_BYTES] = "";
	const struct bw_drill_attack how = { .folder = drill->folder,
					     .report = drill->report,
					     .pattern = drill->pattern,
					     .strain = (uint64_t)bw_call_num(drill->call, "strain"),
					     .actors = (uint32_t)bw_call_num(drill->call, "actors"),
					     .shape = bw_call_text(drill->call, "shape"),
					     .share = bw_call_text(drill->call, "share"),
					     .share_folder = within,
					     .login = drill->login,
					     .port = (uint16_t)bw_call_num(drill->call, "port") };

	BW_TRY(folder_within(drill, within));
	BW_TRY(bw_path_join(drill->report, drill->data, "guard/drill-report"));
	(void)unlink(drill->report);
	say(drill, "The attack begins (%s).", how.pattern);
	drill->began_us = bw_clock_now_us();
	drill->hint = how.share == NULL ? NULL : "try by hand: smbclient //HOST/SHARE -A FILE -p PORT -c ls";
	BW_TRY(bw_drill_attack(&how, ATTACK_MS, &drill->end, why));
	drill->hint = NULL;
	BW_TRY(take_report(drill, why));
	return verify(drill, &drill->after_attack, why);
}

/* The newest incident that began after the attack did. */
static enum bw_err await_incident(struct drill *drill, struct bw_why *why)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * VERDICT_MS;

	while (drill->incident == 0 && bw_clock_mono_us() < until_us) {
		struct bw_incidents incidents = { 0 };

		BW_TRY(bw_incidents_load(drill->data, &incidents, why));
		for (size_t i = 0; i < incidents.count; i++) {
			if (incidents.list[i].first_us >= drill->began_us)
				drill->incident = incidents.list[i].id;
		}
		bw_incidents_release(&incidents);
		nap();
	}
	return BW_OK;
}

/* ---- afterwards -------------------------------------------------------------------------------------------------- */

static enum bw_err restore(struct drill *drill, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(OUTPUT_MAX);
	char incident[32];
	const struct bw_program program = { .path = "/proc/self/exe",
					    .words = { "guard", "restore", "--data", drill->data, "--incident",
						       incident, "--yes" },
					    .output_max = OUTPUT_MAX,
					    .timeout_ms = RESTORE_MS,
					    .errors_too = true };
	const int64_t began_us = bw_clock_mono_us();
	int status;

	(void)snprintf(incident, sizeof(incident), "%llu", (unsigned long long)drill->incident);
	BW_TRY(bw_program_whole(&program, &said, &status));
	drill->restore_us = bw_clock_mono_us() - began_us;
	drill->was_restored = status == BW_EXIT_OK;
	if (!drill->was_restored)
		say(drill, "guard restore ended with status %d: %.500s", status, bw_buf_text(&said));
	return verify(drill, &drill->after_restore, why);
}

static uint64_t harmed(const struct bw_sim_check *check)
{
	return check->changed + check->metadata + check->missing;
}

static enum bw_err undo(struct drill *drill, struct bw_why *why)
{
	struct bw_sim_box *box;
	enum bw_err err;

	BW_TRY(bw_sim_open(drill->folder, &box, why));
	err = bw_sim_undo(box, &drill->undone, why);
	bw_sim_free(box);
	return err;
}

static enum bw_err play(struct drill *drill, struct bw_why *why)
{
	BW_TRY(prepare(drill, why));
	BW_TRY(attack(drill, why));
	BW_TRY(await_incident(drill, why));
	drill->after_restore = drill->after_attack;
	if (drill->incident != 0)
		BW_TRY(restore(drill, why));
	return harmed(&drill->after_restore) > 0 ? undo(drill, why) : BW_OK;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static bool is_good(const struct drill *drill)
{
	return drill->incident != 0 && harmed(&drill->after_restore) == 0 &&
	       (drill->mode == BW_MODE_OBSERVE || drill->touched < drill->files);
}

static void tell(const struct drill *drill)
{
	char span[BW_PLAIN_BYTES];

	say(drill, "\nThe attacker reached %llu of %llu files in %s%s.", (unsigned long long)drill->touched,
	    (unsigned long long)drill->files, bw_plain_span(drill->attack_us, span),
	    drill->end == BW_DRILL_KILLED   ? ", then the guard ended it"
	    : drill->end == BW_DRILL_FROZEN ? ", then the guard held it"
					    : "");
	if (drill->incident == 0)
		say(drill, "The guard did NOT report it. Look at 'breakwater guard status' before you rely on it.");
	else
		say(drill, "The guard reported it as incident %llu ('breakwater guard explain %llu' tells why).",
		    (unsigned long long)drill->incident, (unsigned long long)drill->incident);
	if (drill->mode == BW_MODE_OBSERVE)
		say(drill, "It runs in mode observe, so it stopped nobody.");
	if (drill->incident != 0)
		say(drill, "Restoring took %s; %llu files were harmed by the attack, %llu are not back as they were.",
		    bw_plain_span((uint64_t)drill->restore_us, span), (unsigned long long)harmed(&drill->after_attack),
		    (unsigned long long)harmed(&drill->after_restore));
	if (harmed(&drill->after_restore) > 0)
		say(drill, "First of them: %s\nThe drill brought its files back by itself: %llu.",
		    drill->after_restore.first, (unsigned long long)drill->undone);
	say(drill, "%s", is_good(drill) ? "The guard works: nothing was lost." : "The guard did NOT pass this drill.");
}

static enum bw_err write_json(const struct drill *drill, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "pattern", bw_slice_text(drill->pattern)));
	BW_TRY(bw_json_add_num(out, "strain", bw_call_num(drill->call, "strain")));
	BW_TRY(bw_json_add_num(out, "files", (int64_t)drill->files));
	BW_TRY(bw_json_add_num(out, "touched", (int64_t)drill->touched));
	BW_TRY(bw_json_add_num(out, "refused", (int64_t)drill->refused));
	BW_TRY(bw_json_add_num(out, "attack_us", (int64_t)drill->attack_us));
	BW_TRY(bw_json_add_num(out, "killed", drill->end == BW_DRILL_KILLED));
	BW_TRY(bw_json_add_num(out, "frozen", drill->end == BW_DRILL_FROZEN));
	BW_TRY(bw_json_add_num(out, "incident", (int64_t)drill->incident));
	BW_TRY(bw_json_add_num(out, "harmed", (int64_t)harmed(&drill->after_attack)));
	BW_TRY(bw_json_add_num(out, "restore_us", drill->restore_us));
	BW_TRY(bw_json_add_num(out, "not_back", (int64_t)harmed(&drill->after_restore)));
	BW_TRY(bw_json_add_num(out, "bytes_not_back",
			       (int64_t)(drill->after_restore.changed + drill->after_restore.missing)));
	BW_TRY(bw_json_add_num(out, "metadata_not_back", (int64_t)drill->after_restore.metadata));
	BW_TRY(bw_json_add_text(out, "first", bw_slice_text(drill->after_restore.first)));
	BW_TRY(bw_json_add_num(out, "passed", is_good(drill)));
	return bw_buf_add_text(out, "}\n");
}

static int conclude(const struct drill *drill)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(64 * BW_KIB);

	tell(drill);
	if (bw_call_json(drill->call) && write_json(drill, &line) == BW_OK)
		(void)fputs(bw_buf_text(&line), stdout);
	return is_good(drill) ? BW_EXIT_OK : BW_EXIT_FOUND;
}

static void clean_up(struct drill *drill)
{
	struct bw_why why = { 0 };

	(void)unlink(drill->report);
	if (drill->is_seeded && !bw_call_flag(drill->call, "keep")) {
		if (bw_sim_remove(drill->folder, &why) != BW_OK)
			(void)bw_complain(drill->call, BW_EXIT_OK, "look at it, and remove it", "left '%s': %s",
					  drill->folder, why.text);
		(void)rmdir(drill->folder);
	}
	bw_channel_free(drill->channel);
	bw_arena_release(&drill->arena);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static int drill_run(struct bw_call *call)
{
	struct drill drill = { .call = call, .data = bw_call_data(call), .arena = BW_ARENA_INIT(SETTINGS_MEMORY) };
	struct bw_why why = { 0 };
	enum bw_err err;
	int status;

	if (bw_call_has(call, "attack-only"))
		return bw_drill_be_attacker(call);
	if (!bw_plain_is_root(call, "a drill asks the guard and restores files: only root may"))
		return BW_EXIT_FAILED;
	err = play(&drill, &why);
	status = err == BW_OK ? conclude(&drill)
			      : bw_complain(call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED, drill.hint,
					    "%s", why.text[0] != '\0' ? why.text : bw_err_text(err));
	clean_up(&drill);
	return status;
}

static const struct bw_option drill_options[] = {
	{ .name = "pattern",
	  .kind = BW_OPT_TEXT,
	  .value_name = "LIST",
	  .help = "what is done to the files, in turn: S01 to S68; without it S01,S02,S08,S22, or with --share S61" },
	{ .name = "strain",
	  .kind = BW_OPT_NUM,
	  .min = 0,
	  .max = INT64_MAX,
	  .fallback = "0",
	  .help = "0: as the literature tells; any other number draws new names, notes and parameters" },
	{ .name = "files",
	  .kind = BW_OPT_NUM,
	  .unit = "files",
	  .min = 20,
	  .max = 100000,
	  .fallback = "300",
	  .help = "files to make" },
	{ .name = "mix",
	  .kind = BW_OPT_TEXT,
	  .value_name = "MIX",
	  .fallback = "school",
	  .help = "which files: school, text, structured, tiny, large, or kinds with numbers: docx=3,jpeg=1" },
	{ .name = "actors",
	  .kind = BW_OPT_NUM,
	  .min = 0,
	  .max = BW_SIM_ACTORS_MAX,
	  .fallback = "0",
	  .help = "processes that attack together; 0: what the pattern says" },
	{ .name = "shape",
	  .kind = BW_OPT_TEXT,
	  .value_name = "SHAPE",
	  .help = "how the work is shared: processes, threads, setsid" },
	{ .name = "share",
	  .kind = BW_OPT_TEXT,
	  .value_name = "//HOST/SHARE",
	  .help = "attack through this share, as a real client (smbclient); it must show the same tree" },
	{ .name = "share-folder",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "where in the share the tree lies; without it at its top" },
	{ .name = "login",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "user and password for the share, as smbclient -A reads them" },
	{ .name = "port",
	  .kind = BW_OPT_NUM,
	  .min = 0,
	  .max = 65535,
	  .fallback = "0",
	  .help = "where Samba listens; 0: 445" },
	{ .name = "owner",
	  .kind = BW_OPT_NUM,
	  .unit = "uid",
	  .min = 1,
	  .max = INT32_MAX,
	  .help = "whose files they are: the share's user here" },
	{ .name = "keep", .kind = BW_OPT_FLAG, .help = "leave the folder for a look" },
	{ .name = "attack-only",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FOLDER",
	  .help = "only attack a folder that a drill made; the drill starts itself with this, so that the guard ends "
		  "the attack and not the drill" },
	{ .name = "report", .kind = BW_OPT_TEXT, .value_name = "FILE", .help = "with --attack-only: times go there" },
	{ 0 },
};

const struct bw_command bw_guard_drill_command = {
	.name = "drill",
	.summary = "attack files made for it, and show that the guard works",
	.usage = "[--pattern LIST] [--share //HOST/SHARE --login FILE [--port PORT]] [DIR]",
	.details =
		"Makes a folder with files of a school in a guarded tree (DIR, or the first), waits until the guard "
		"has "
		"copies, lets a harmless simulator loose on it, waits for the verdict, restores, compares every byte, "
		"and says in plain words what happened. The simulator touches only files it made itself and refuses "
		"to run anywhere else; whatever happens, the drill takes its folder away.\n"
		"Exit status 1 says that the guard did not pass.",
	.options = drill_options,
	.max_args = 1,
	.run = drill_run,
};
