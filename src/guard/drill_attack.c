/* The attacker of a drill, from both sides (guard/drill.h). */
#include "guard/drill.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/program.h"

enum { OUTPUT_MAX = 64 * 1024, LOOK_MS = 200, KILLED = 128, HELD_LOOKS = 5, WORDS_MAX = 64 * 1024 };

/* The program's own file, by a name that is not "breakwater": the guard knows a family of processes by it. */
static const char self[] = "/proc/self/exe";

static void add_word(struct bw_program *program, size_t *count, const char *name, const char *value)
{
	if (value == NULL)
		return;
	program->words[(*count)++] = name;
	program->words[(*count)++] = value;
}

/* ---- is it held? ---------------------------------------------------------------------------------- */

struct crowd {
	size_t held;
	size_t at_work;
};

static enum bw_err read_proc(const char *pid, const char *name, struct bw_buf *out)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	bw_buf_clear(out);
	return bw_file_read(path, out, NULL);
}

/* All of them were begun with the word that names the folder, wherever they went since. */
static bool is_of(const char *pid, const char *where, struct bw_buf *buf)
{
	const struct bw_slice word = bw_slice_text(where);

	if (read_proc(pid, "cmdline", buf) != BW_OK)
		return false;
	for (size_t at = 0; at + word.len < buf->len; at++) {
		if (buf->ptr[at] == word.ptr[0] && memcmp(buf->ptr + at, word.ptr, word.len + 1) == 0)
			return true;
	}
	return false;
}

/* proc(5): the state follows the ')' that ends the name. */
static void count_one(const char *pid, struct bw_buf *buf, struct crowd *out)
{
	const char *at;

	if (read_proc(pid, "stat", buf) != BW_OK)
		return;
	at = strrchr(bw_buf_text(buf), ')');
	if (at == NULL || at[1] == '\0')
		return;
	out->held += at[2] == 'T';
	out->at_work += at[2] == 'R' || at[2] == 'D';
}

static void look_at(const char *where, bool end_them, struct crowd *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(WORDS_MAX);
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	*out = (struct crowd){ 0 };
	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) || !is_of(entry->d_name, where, &buf))
			continue;
		if (end_them)
			(void)kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
		else
			count_one(entry->d_name, &buf, out);
	}
	if (proc != NULL)
		(void)closedir(proc);
}

static enum bw_err wait_for(struct bw_program_run *run, const char *where, int *out_status, bool *out_held)
{
	unsigned looks = 0; /* in a row that saw some held, and none at work */
	struct crowd crowd;
	enum bw_err err;

	*out_held = false;
	while ((err = bw_program_step(run, LOOK_MS, out_status)) == BW_ERR_AGAIN) {
		look_at(where, false, &crowd);
		looks = crowd.held > 0 && crowd.at_work == 0 ? looks + 1 : 0;
		*out_held = *out_held || looks >= HELD_LOOKS;
		if (*out_held)
			look_at(where, true, &crowd);
	}
	return err;
}

/* ---- the attack ------------------------------------------------------------------------------------- */

/* Its last line, without what every complaint of this program begins with. */
static enum bw_err say_why_not(const char *said, struct bw_why *why)
{
	static const char begin[] = "breakwater guard drill: ";
	size_t len = strlen(said);
	size_t from;

	while (len > 0 && isspace((unsigned char)said[len - 1]))
		len--;
	from = len;
	while (from > 0 && said[from - 1] != '\n')
		from--;
	if (strncmp(said + from, begin, sizeof(begin) - 1) == 0)
		from += sizeof(begin) - 1;
	return bw_why_set(why, BW_ERR_SYSTEM, "the attack did not begin: %.*s", (int)(len - from), said + from);
}

enum bw_err bw_drill_attack(const struct bw_drill_attack *attack, int wait_ms, enum bw_drill_end *out_end,
			    struct bw_why *why)
{
	struct bw_program program = { .path = self,
				      .words = { "guard", "drill" },
				      .output_max = OUTPUT_MAX,
				      .timeout_ms = wait_ms,
				      .errors_too = true };
	struct bw_program_run run = BW_PROGRAM_NONE;
	char strain[32];
	char actors[32];
	char port[16];
	char where[BW_PATH_BYTES + 64];
	char share[BW_PATH_BYTES];
	struct crowd crowd;
	bool is_held = false;
	size_t count = 2;
	int status = 0;
	enum bw_err err;

	(void)snprintf(strain, sizeof(strain), "%llu", (unsigned long long)attack->strain);
	(void)snprintf(actors, sizeof(actors), "%u", attack->actors);
	(void)snprintf(where, sizeof(where), "--attack-only=%s", attack->folder);
	program.words[count++] = where;
	add_word(&program, &count, "--report", attack->report);
	add_word(&program, &count, "--pattern", attack->pattern);
	add_word(&program, &count, "--strain", attack->strain != 0 ? strain : NULL);
	add_word(&program, &count, "--actors", attack->actors != 0 ? actors : NULL);
	if (attack->share == NULL) {
		add_word(&program, &count, "--shape", attack->shape);
	} else {
		(void)snprintf(share, sizeof(share), "--share=%s", attack->share);
		program.words[count++] = share;
		add_word(&program, &count, "--share-folder", attack->share_folder);
		add_word(&program, &count, "--login", attack->login);
		(void)snprintf(port, sizeof(port), "%u", attack->port);
		add_word(&program, &count, "--port", attack->port != 0 ? port : NULL);
	}
	err = bw_program_start(&program, &run);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot start the attacker: %s", bw_err_text(err));
	err = wait_for(&run, where, &status, &is_held);
	look_at(where, true, &crowd); /* what it left behind in sessions of their own */
	*out_end = is_held ? BW_DRILL_FROZEN : status >= KILLED ? BW_DRILL_KILLED : BW_DRILL_DONE;
	if (err == BW_OK && status != 0 && *out_end == BW_DRILL_DONE)
		err = say_why_not(bw_buf_text(&run.output), why);
	bw_program_release(&run);
	return err;
}

/* ---- the other side ------------------------------------------------------------------------------- */

enum bw_sim_shape bw_drill_shape(const char *name)
{
	for (enum bw_sim_shape shape = BW_SIM_USUAL; name != NULL && shape < BW_SIM_SHAPES; shape++) {
		if (strcmp(name, bw_sim_shape_name(shape)) == 0)
			return shape;
	}
	return name == NULL ? BW_SIM_USUAL : BW_SIM_SHAPES;
}

int bw_drill_be_attacker(struct bw_call *call)
{
	const struct bw_sim_share share = { .url = bw_call_text(call, "share"),
					    .folder = bw_call_text(call, "share-folder"),
					    .login_file = bw_call_text(call, "login"),
					    .port = (uint16_t)bw_call_num(call, "port") };
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	struct bw_sim_tally tally;
	struct bw_sim_box *box;
	struct bw_why why = { 0 };
	enum bw_err err;

	(void)setsid(); /* a job of its own, whoever began the drill; it fails where it is one already */
	how.patterns = bw_call_text(call, "pattern");
	how.strain = (uint64_t)bw_call_num(call, "strain");
	how.actors = (uint32_t)bw_call_num(call, "actors");
	how.shape = bw_drill_shape(bw_call_text(call, "shape"));
	how.report = bw_call_text(call, "report");
	how.share = share.url != NULL ? &share : NULL;
	if (how.shape == BW_SIM_SHAPES)
		return bw_complain(call, BW_EXIT_USAGE, NULL, "there is no shape '%s'", bw_call_text(call, "shape"));
	err = bw_sim_open(bw_call_text(call, "attack-only"), &box, &why);
	if (err == BW_OK) {
		err = bw_sim_run(box, &how, &tally, &why);
		bw_sim_free(box);
	}
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text[0] != '\0' ? why.text : bw_err_text(err));
	return BW_EXIT_OK;
}
