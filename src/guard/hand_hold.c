/*
 * The lasting hold of local processes. watch has stopped them by a signal, which is quicker than anything else, and
 * which their own user may undo; this follows in some ten milliseconds, and he may not (guard/freezer.h).
 */
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/hand_parts.h"
#include "guard/lineage_proc.h"
#include "sys/clock.h"

enum {
	HOMES_MAX = 16,  /* cgroups that one actor's processes lie in */
	ROUNDS_MAX = 64, /* generations born while the first was moved */
};

/* ---- one ----------------------------------------------------------------------------------------- */

/* A session of Samba may hold locks that others wait for. Its name alone protects nobody: it must be root's, too. */
static bool is_smbd(const struct hand *hand, const struct bw_process *process)
{
	struct bw_process whole = *process;

	if (strncmp(process->comm, "smbd", 4) != 0)
		return false;
	bw_process_read_more(hand->proc, &whole);
	return whole.uid == 0;
}

static bool may_hold(const struct hand *hand, const struct bw_process *process)
{
	const uint32_t crew = (uint32_t)getppid();

	return process->pid > 1 && !process->kernel && process->pid != crew && process->parent != crew &&
	       process->parent != (uint32_t)getpid() && !is_smbd(hand, process);
}

static void complain(struct hand *hand, enum bw_err err)
{
	if (hand->complained)
		return;
	hand->complained = true;
	bw_log(BW_WARNING, "who is held can be stopped by a signal only, which his user may undo",
	       BW_TEXT("why", bw_err_text(err)));
}

/* What it is frozen in is noted; where it was comes with it, or from whom held it before, or from its parent. */
static void note_frozen(struct hand *hand, struct bw_deed *deed, uint32_t parent, const struct bw_frozen *frozen)
{
	const struct bw_deed *known = bw_hand_book_process(&hand->book, deed->held.pid);

	if (known == NULL || known->home == 0 || !bw_process_same_start(known->held.start_ns, deed->held.start_ns))
		known = bw_hand_book_process(&hand->book, parent);
	deed->cgroup = frozen->cgroup;
	deed->home = frozen->home != 0 || known == NULL ? frozen->home : known->home;
	bw_err_drop(bw_hand_book_note(&hand->book, deed)); /* it is in the book: this completes it */
}

/* `fd` is of that process; the number was its own when it moved if it has not been reaped by now. */
static bool freeze(struct hand *hand, struct bw_deed *deed, uint32_t parent, int fd)
{
	const uint32_t pid = deed->held.pid;
	struct bw_frozen frozen;
	const enum bw_err err = bw_freezer_hold(&hand->freezer, hand->proc, deed->incident, pid, &frozen);

	if (err != BW_OK && err != BW_ERR_EXISTS) {
		if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0) /* else it has ended */
			complain(hand, err);
		return false;
	}
	if (err == BW_OK && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) != 0) {
		bw_err_drop(bw_freezer_let_go(&hand->freezer, hand->proc, pid, &frozen)); /* whoever has it now */
		bw_freezer_tidy(&hand->freezer, frozen.cgroup);
		return false;
	}
	if (frozen.cgroup != 0)
		note_frozen(hand, deed, parent, &frozen);
	return true;
}

/* True when it stands still from now on, whatever its user does. */
static bool hold(struct hand *hand, struct bw_deed *deed)
{
	const int fd = (int)syscall(SYS_pidfd_open, (pid_t)deed->held.pid, 0);
	struct bw_process process;
	bool did = false;

	if (fd < 0)
		return false;
	if (bw_process_read(hand->proc, deed->held.pid, &process) == BW_OK &&
	    (deed->held.start_ns == 0 || bw_process_same_start(process.start_ns, deed->held.start_ns)) &&
	    may_hold(hand, &process))
		did = freeze(hand, deed, process.parent, fd);
	(void)close(fd);
	return did;
}

static void tell(struct hand *hand, const struct bw_deed *deed)
{
	char place[BW_PATH_BYTES];
	char undo[2 * BW_PATH_BYTES];
	char name[32];
	int fd;

	(void)snprintf(name, sizeof(name), "process %u", deed->held.pid);
	(void)snprintf(undo, sizeof(undo), "kill -CONT %u", deed->held.pid);
	if (deed->cgroup != 0 && bw_cgroup_by_id(hand->freezer.root, deed->cgroup, &fd) == BW_OK) {
		/* its folders are root's; a quote in their names could still end the word of whoever copies it */
		if (bw_cgroup_place(fd, place) == BW_OK && strchr(place, '\'') == NULL)
			(void)snprintf(undo, sizeof(undo), "echo 0 > '%s/cgroup.freeze'; kill -CONT %u", place,
				       deed->held.pid);
		(void)close(fd);
	}
	hand_tell_acted(hand, &(struct bw_acted){ deed->incident, BW_ACTED_HELD, deed->until_us, bw_slice_text(name),
						  bw_slice_text(undo) });
}

/* ---- their children -------------------------------------------------------------------------------- */

struct search {
	struct hand *hand;
	const struct bw_deed *like;
	uint32_t *found; /* with room for BW_HAND_DEEDS_MAX */
	size_t count;
};

/* Of somebody who is held for this incident, and was not told of: born while we came. */
static enum bw_err see_process(void *context, uint32_t pid)
{
	struct search *search = context;
	struct hand *hand = search->hand;
	struct bw_deed deed = *search->like;
	const struct bw_deed *of;
	struct bw_process process;
	struct bw_process parent;

	if (search->count == BW_HAND_DEEDS_MAX || bw_process_read(hand->proc, pid, &process) != BW_OK)
		return BW_OK;
	of = bw_hand_book_process(&hand->book, process.parent);
	if (of == NULL || of->incident != deed.incident || of->cgroup == 0 || !may_hold(hand, &process) ||
	    bw_process_read(hand->proc, process.parent, &parent) != BW_OK ||
	    (of->held.start_ns != 0 && !bw_process_same_start(parent.start_ns, of->held.start_ns)))
		return BW_OK;
	deed.held = (struct bw_held){ pid, process.start_ns };
	deed.cgroup = 0;
	deed.home = 0;
	if (!hand_note(hand, &deed, BW_LIT("process")) || !hold(hand, &deed))
		return BW_OK;
	search->found[search->count++] = pid;
	return BW_OK;
}

static void look_in(struct search *search, uint64_t home)
{
	int fd;

	if (bw_cgroup_by_id(search->hand->freezer.root, home, &fd) != BW_OK)
		return;
	bw_err_drop(bw_cgroup_each(fd, see_process, search)); /* a round more or less: judge tells of births, too */
	(void)close(fd);
}

/* The kernel lets nobody fork while a process moves, so one round in which nobody new was found has seen all. */
static size_t hold_children(struct hand *hand, const struct bw_deed *like, const uint64_t *homes, size_t home_count,
			    uint32_t *found)
{
	struct search search = { .hand = hand, .like = like, .found = found };
	size_t before;

	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		before = search.count;
		for (size_t i = 0; i < home_count; i++)
			look_in(&search, homes[i]);
		if (search.count == before)
			break;
	}
	return search.count;
}

/* ---- all that judge names ---------------------------------------------------------------------------- */

static void add_home(uint64_t homes[HOMES_MAX], size_t *count, uint64_t home)
{
	for (size_t i = 0; i < *count; i++) {
		if (homes[i] == home)
			return;
	}
	if (home != 0 && *count < HOMES_MAX)
		homes[(*count)++] = home;
}

static void tell_numbers(struct hand *hand, uint64_t incident, const uint32_t *pids, size_t count)
{
	for (size_t i = 0; i < hand->book.count; i++) {
		const struct bw_deed *deed = &hand->book.deeds[i];

		if (deed->kind != BW_DEED_HELD || deed->incident != incident)
			continue;
		for (size_t n = 0; n < count; n++) {
			if (pids[n] == deed->held.pid) {
				tell(hand, deed);
				break;
			}
		}
	}
}

void hand_hold(struct hand *hand, const struct bw_freeze *what, int64_t until_us)
{
	struct bw_deed deed = { .kind = BW_DEED_HELD, .incident = what->incident, .until_us = until_us };
	uint64_t homes[HOMES_MAX];
	size_t home_count = 0;
	size_t count = 0;

	for (uint32_t n = 0; n < what->count; n++) {
		char name[32];

		deed.held = bw_freeze_process(what, n);
		deed.cgroup = 0;
		deed.home = 0;
		(void)snprintf(name, sizeof(name), "process %u", deed.held.pid);
		if (deed.held.pid == 0 || deed.held.pid > INT32_MAX || !hand_note(hand, &deed, bw_slice_text(name)))
			continue;
		hand->held_now[count++] = deed.held.pid;
		if (hold(hand, &deed))
			add_home(homes, &home_count, deed.home);
	}
	if (count == 0)
		return;
	count += hold_children(hand, &deed, homes, home_count, hand->held_now + count);
	hand_save(hand); /* they stand still already: once for all is soon enough */
	tell_numbers(hand, what->incident, hand->held_now, count);
}

void hand_hold_tidy(struct hand *hand)
{
	for (size_t i = 0; i < hand->book.count; i++) {
		if (hand->book.deeds[i].kind == BW_DEED_HELD)
			bw_freezer_tidy(&hand->freezer, hand->book.deeds[i].cgroup);
	}
}

/* ---- after a start --------------------------------------------------------------------------------------- */

/* Frozen by a hand that ended before it wrote that down. */
static enum bw_err see_found(void *context, const struct bw_freezer_found *found)
{
	struct hand *hand = context;
	struct bw_deed deed = { .kind = BW_DEED_HELD,
				.incident = found->incident,
				.until_us = bw_clock_now_us() + (int64_t)BW_HAND_SECONDS_MAX * 1000000,
				.cgroup = found->cgroup };
	const struct bw_deed *known = bw_hand_book_process(&hand->book, found->pid);
	struct bw_process process;

	if (bw_process_read(hand->proc, found->pid, &process) != BW_OK)
		return BW_OK;
	deed.held = (struct bw_held){ found->pid, process.start_ns };
	if (known != NULL && known->cgroup == found->cgroup &&
	    (known->held.start_ns == 0 || bw_process_same_start(known->held.start_ns, process.start_ns)))
		return BW_OK;
	if (known != NULL && known->incident == deed.incident && known->cgroup == 0)
		deed.held = known->held; /* noted, and no more */
	if (hand_note(hand, &deed, BW_LIT("process")))
		bw_log(BW_WARNING, "a process is found held", BW_NUM("incident", deed.incident),
		       BW_NUM("process", found->pid));
	return BW_OK;
}

void hand_hold_again(struct hand *hand)
{
	enum bw_err err = bw_freezer_open(hand->guard->data, &hand->freezer);

	if (err == BW_OK)
		err = bw_freezer_usable();
	if (err != BW_OK)
		complain(hand, err);
	if (hand->freezer.root >= 0 && bw_freezer_scan(&hand->freezer, see_found, hand) != BW_OK)
		bw_log(BW_ERROR, "whom an earlier guard held could not be searched for", { 0 });
	if (hand->book.count > 0)
		hand_save(hand);
}
