#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

void sim_hand_init(struct sim_hand *hand, struct sim_crew *crew, unsigned number)
{
	const size_t most = 3 * (size_t)SIM_CONTENT_MAX;

	*hand = (struct sim_hand){ .box = crew->box,
				   .plans = crew->plans,
				   .plan_count = crew->plan_count,
				   .trail = crew->trail,
				   .live = crew->live,
				   .number = number,
				   .in = BW_BUF_INIT(most),
				   .out = BW_BUF_INIT(most),
				   .archive = BW_BUF_INIT(most) };
}

static void wait_for_turn(const struct sim_crew *crew, uint64_t turn)
{
	const uint64_t burst = crew->how->burst < 2 ? 1 : crew->how->burst;
	const uint64_t at = crew->live->head->began_ns + turn / burst * crew->pace_ns;
	const struct timespec until = { (time_t)(at / 1000000000), (long)(at % 1000000000) };
	char released;

	if (crew->how->step_fd >= 0) {
		while (read(crew->how->step_fd, &released, 1) < 0 && errno == EINTR)
			;
		return;
	}
	if (crew->pace_ns > 0)
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			;
}

bool sim_crew_next(struct sim_crew *crew, size_t *out_turn)
{
	const uint64_t limit = crew->how->limit;
	const uint64_t turn = atomic_fetch_add(crew->ticket, 1);

	if (turn >= crew->order_count || (limit > 0 && turn >= limit))
		return false;
	wait_for_turn(crew, turn);
	*out_turn = (size_t)turn;
	return true;
}

/* ---- what one actor does, by shape ------------------------------------------------------------------ */

static void plain_work(struct sim_crew *crew, unsigned number)
{
	struct sim_hand hand;
	size_t turn;

	sim_hand_init(&hand, crew, number);
	while (sim_crew_next(crew, &turn))
		sim_attack(&hand, crew->order[turn], turn);
	sim_hand_finish(&hand);
}

static void fork_work(struct sim_crew *crew, unsigned number)
{
	size_t turn;

	while (sim_crew_next(crew, &turn)) {
		const pid_t child = fork();

		if (child == 0) {
			struct sim_hand hand;

			sim_hand_init(&hand, crew, number);
			sim_attack(&hand, crew->order[turn], turn);
			sim_hand_finish(&hand);
			_exit(0);
		}
		while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

struct thread_work {
	struct sim_crew *crew;
	unsigned number;
};

static void *thread_main(void *arg)
{
	const struct thread_work *work = arg;

	plain_work(work->crew, work->number);
	return NULL;
}

static void threads_work(struct sim_crew *crew)
{
	struct thread_work works[BW_SIM_ACTORS_MAX];
	pthread_t threads[BW_SIM_ACTORS_MAX];
	unsigned started = 0;

	for (; started < crew->actors; started++) {
		works[started] = (struct thread_work){ crew, started };
		if (pthread_create(&threads[started], NULL, thread_main, &works[started]) != 0)
			break;
	}
	for (unsigned n = 0; n < started; n++)
		(void)pthread_join(threads[n], NULL);
}

/* Becomes the n-th owner in the manifest, for good, and takes what is that user's. */
static void user_work(struct sim_crew *crew, unsigned number)
{
	uid_t users[BW_SIM_OWNERS_MAX];
	unsigned count = 0;
	unsigned rank;
	unsigned share;
	unsigned mine = 0;
	struct sim_hand hand;

	for (size_t n = 0; n < crew->order_count; n++) {
		const uid_t uid = crew->box->manifest.rows[crew->order[n]].uid;
		unsigned at = 0;

		while (at < count && users[at] != uid)
			at++;
		if (at == count && count < BW_SIM_OWNERS_MAX)
			users[count++] = uid;
	}
	if (count == 0)
		return;
	rank = number / count;
	share = (crew->actors - number % count + count - 1) / count; /* actors of the same user */
	if (setgroups(0, NULL) != 0 || setresgid(users[number % count], users[number % count], users[number % count]) ||
	    setresuid(users[number % count], users[number % count], users[number % count]) != 0)
		return;
	sim_hand_init(&hand, crew, number);
	for (size_t n = 0; n < crew->order_count; n++) {
		uint64_t turn;

		if (crew->box->manifest.rows[crew->order[n]].uid != users[number % count] || mine++ % share != rank)
			continue;
		turn = atomic_fetch_add(crew->ticket, 1);
		if (crew->how->limit > 0 && turn >= crew->how->limit)
			break;
		wait_for_turn(crew, turn);
		sim_attack(&hand, crew->order[n], n);
	}
	sim_hand_finish(&hand);
}

/* The same user's honest work meanwhile: new texts, read again, edited, and left. */
static void benign_work(struct sim_crew *crew)
{
	struct sim_manifest *manifest = &crew->box->manifest;
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct sim_dice dice = sim_dice_of(crew->live->head->strain, 3);
	struct sim_hand hand;

	sim_hand_init(&hand, crew, 0);
	for (size_t n = 0; n < manifest->count; n++) {
		struct sim_job job = { .hand = &hand, .index = n, .row = &manifest->rows[n] };
		char name[SIM_NAME_MAX];
		int fd;

		if (job.row->type != SIM_FOLDER)
			continue;
		fd = sim_create(&job, SIM_MADE_WORK, name);
		if (fd < 0)
			continue;
		bw_buf_clear(&text);
		if (sim_make_text(&dice, 4096, &text) == BW_OK)
			bw_err_drop(bw_fd_write(fd, bw_buf_slice(&text))); /* background; the attack is what counts */
		(void)close(fd);
	}
	sim_hand_finish(&hand);
}

static void work(struct sim_crew *crew, unsigned number)
{
	if (crew->how->share != NULL)
		sim_share_work(crew, number);
	else if (crew->shape == BW_SIM_FORK_PER_FILE)
		fork_work(crew, number);
	else if (crew->shape == BW_SIM_THREADS)
		threads_work(crew);
	else if (crew->shape == BW_SIM_SPLIT)
		sim_split_work(crew, number);
	else if (crew->shape == BW_SIM_UIDS)
		user_work(crew, number);
	else
		plain_work(crew, number);
}

/* ---- starting and waiting ------------------------------------------------------------------------------ */

/* Every actor and its children hold the pipe's other end: when it ends, nobody is left, however they went. */
static void wait_for_all(int end)
{
	char none;

	while (read(end, &none, 1) < 0 && errno == EINTR)
		;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void start_actor(struct sim_crew *crew, unsigned number)
{
	const pid_t child = fork();

	if (child != 0)
		return;
	if (crew->shape == BW_SIM_SETSID) {
		if (setsid() < 0 || fork() != 0) /* the one between goes at once */
			_exit(0);
	}
	work(crew, number);
	_exit(0);
}

enum bw_err sim_crew_run(struct sim_crew *crew, struct bw_why *why)
{
	/* threads are one process */
	const uint32_t processes = crew->shape == BW_SIM_THREADS ? 1 : crew->actors;
	bool benign = false;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return bw_why_errno(why, errno, "make", "pipe");
	for (size_t n = 0; n < crew->plan_count; n++)
		benign = benign || crew->plans[n].row->benign;
	for (uint32_t n = 0; n < processes; n++)
		start_actor(crew, n);
	if (benign && fork() == 0) {
		benign_work(crew);
		_exit(0);
	}
	(void)close(ends[1]);
	wait_for_all(ends[0]);
	(void)close(ends[0]);
	return BW_OK;
}

static enum bw_err parse_patterns(const char *text, uint64_t strain, struct sim_plan *plans, size_t *out_count)
{
	struct bw_slice rest = bw_slice_text(text == NULL ? "" : text);
	size_t count = 0;

	for (bool more = true; more; count++) {
		struct bw_slice id;
		struct bw_slice after = bw_slice_empty;
		const struct bw_sim_pattern *row;

		more = bw_slice_cut(rest, ',', &id, &after);
		row = sim_pattern_named(more ? id : rest);
		BW_NEED(row != NULL, NOT_FOUND);
		BW_NEED(count < BW_SIM_PATTERNS_MAX, TOO_MANY);
		sim_plan_draw(row, strain, &plans[count]);
		rest = after;
	}
	*out_count = count;
	return BW_OK;
}

static enum bw_err no_list(const char *text, struct bw_why *why)
{
	return bw_why_set(why, BW_ERR_USAGE, "'%s' is no list of patterns such as S01,S22", text == NULL ? "" : text);
}

static enum bw_err check_way(const struct sim_plan *plans, size_t count, bool over_share, struct bw_why *why)
{
	for (size_t n = 0; n < count; n++) {
		const struct bw_sim_pattern *row = plans[n].row;

		if (row->over_share && !over_share)
			return bw_why_set(why, BW_ERR_USAGE, "pattern %s (%s) needs a share", row->id, row->words);
		if (!row->over_share && over_share)
			return bw_why_set(why, BW_ERR_USAGE, "pattern %s (%s) cannot go through a share", row->id,
					  row->words);
	}
	return BW_OK;
}

enum bw_err bw_sim_patterns_check(const char *patterns, bool over_share, struct bw_why *why)
{
	struct sim_plan plans[BW_SIM_PATTERNS_MAX];
	size_t count;

	if (parse_patterns(patterns, 0, plans, &count) != BW_OK)
		return no_list(patterns, why);
	return check_way(plans, count, over_share, why);
}

static void fill_crew(struct sim_crew *crew)
{
	const struct bw_sim_pattern *row = crew->plans[0].row;
	const struct bw_sim_run *how = crew->how;

	crew->actors = how->actors > 0 ? how->actors : row->actors > 0 ? row->actors : 1;
	if (crew->actors > BW_SIM_ACTORS_MAX)
		crew->actors = BW_SIM_ACTORS_MAX;
	crew->shape = how->shape != BW_SIM_USUAL   ? how->shape
		      : row->shape != BW_SIM_USUAL ? row->shape
						   : BW_SIM_PROCESSES;
	crew->pace_ns = how->pace_ns > 0 ? how->pace_ns : row->per_second > 0 ? 1000000000U / row->per_second : 0;
}

static enum bw_err run_crew(struct sim_crew *crew, struct sim_trail *trail, struct sim_live *live, struct bw_why *why)
{
	const struct bw_sim_pattern *row = crew->plans[0].row;
	struct sim_trail_head head = { 0 };
	enum bw_sim_walk walk = crew->how->walk != BW_SIM_WALK_USUAL ? crew->how->walk : row->walk;
	void *shared;

	if (crew->how->share != NULL)
		BW_TRY(sim_share_check(crew->box, crew->how->share, why));
	BW_TRY(sim_walk_order(crew->box, walk, crew->how->strain, crew->how->only, row->large_only, &crew->order,
			      &crew->order_count));
	sim_names_draw(row, crew->how->strain, &head);
	BW_TRY(sim_live_new(crew->how->report, crew->box->manifest.count, crew->how->strain, live, why));
	BW_TRY(sim_trail_new(crew->box, &head, trail, why));
	shared = mmap(NULL, sizeof(*crew->ticket), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return bw_why_errno(why, errno, "share", "memory");
	crew->ticket = shared;
	live->head->began_ns = sim_now_ns();
	BW_TRY(sim_crew_run(crew, why));
	live->head->ended_ns = sim_now_ns();
	return BW_OK;
}

enum bw_err bw_sim_run(struct bw_sim_box *box, const struct bw_sim_run *how, struct bw_sim_tally *out,
		       struct bw_why *why)
{
	struct sim_plan plans[BW_SIM_PATTERNS_MAX];
	struct sim_trail trail = { 0 };
	struct sim_live live = { 0 };
	struct sim_crew crew = { .box = box, .how = how, .plans = plans, .trail = &trail, .live = &live };
	enum bw_err err;

	if (parse_patterns(how->patterns, how->strain, plans, &crew.plan_count) != BW_OK)
		return no_list(how->patterns, why);
	BW_TRY(check_way(plans, crew.plan_count, how->share != NULL, why));
	fill_crew(&crew);
	if (crew.shape == BW_SIM_UIDS && geteuid() != 0)
		return bw_why_set(why, BW_ERR_DENIED, "only root can act as other users");
	err = run_crew(&crew, &trail, &live, why);
	if (err == BW_OK && live.head != NULL) {
		const struct bw_sim_report report = { *live.head, live.times };

		bw_sim_report_tally(&report, out);
	}
	if (crew.ticket != NULL)
		(void)munmap((void *)(uintptr_t)crew.ticket, sizeof(*crew.ticket));
	free(crew.order);
	sim_trail_release(&trail);
	sim_live_release(&live);
	return err;
}

const char *bw_sim_shape_name(enum bw_sim_shape shape)
{
	static const char *const names[BW_SIM_SHAPES] = { "usual",  "processes",        "threads", "fork-per-file",
							  "setsid", "functional-split", "users" };

	return shape < BW_SIM_SHAPES ? names[shape] : NULL;
}

const char *bw_sim_walk_name(enum bw_sim_walk walk)
{
	static const char *const names[BW_SIM_WALKS] = { "usual",     "dfs",    "bfs",       "reverse", "size",
							 "size-down", "newest", "extension", "random",  "breadth" };

	return walk < BW_SIM_WALKS ? names[walk] : NULL;
}
