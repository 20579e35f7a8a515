#include "guard/hold.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard/lineage_proc.h"
#include "sys/clock.h"

/* ---- one ------------------------------------------------------------------------------------------ */

struct strays {
	const struct bw_freezer *freezer;
	int proc;
	struct bw_frozen frozen;
};

static enum bw_err let_stray(void *context, uint32_t pid)
{
	const struct strays *strays = context;

	bw_err_drop(bw_freezer_let_go(strays->freezer, strays->proc, pid, &strays->frozen)); /* else it has ended */
	(void)kill((pid_t)pid, SIGCONT);
	return BW_OK;
}

/* Nobody else is held there: who is in it was born there, or came by root's hand. */
static void empty(const struct bw_freezer *freezer, int proc, const struct bw_frozen *frozen)
{
	struct strays strays = { freezer, proc, *frozen };
	int ours;

	if (freezer->root < 0 || bw_cgroup_by_id(freezer->root, frozen->cgroup, &ours) != BW_OK)
		return;
	bw_err_drop(bw_cgroup_each(ours, let_stray, &strays)); /* what is left then stays until the next start */
	(void)close(ours);
	bw_freezer_tidy(freezer, frozen->cgroup);
}

bool bw_hold_end(const struct bw_freezer *freezer, int proc, const struct bw_hand_book *book,
		 const struct bw_deed *deed)
{
	const int fd = (int)syscall(SYS_pidfd_open, (pid_t)deed->held.pid, 0);
	const struct bw_frozen frozen = { deed->cgroup, deed->home };
	struct bw_process process;
	bool goes_on = false;

	/* read while the pidfd holds the number: one used again is never hit */
	if (fd >= 0 && bw_process_read(proc, deed->held.pid, &process) == BW_OK &&
	    (deed->held.start_ns == 0 || bw_process_same_start(process.start_ns, deed->held.start_ns))) {
		if (deed->cgroup != 0)
			bw_err_drop(bw_freezer_let_go(freezer, proc, deed->held.pid, &frozen)); /* root took it out */
		goes_on = syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0) == 0;
	}
	if (fd >= 0)
		(void)close(fd);
	if (deed->cgroup != 0 && !bw_hand_book_uses(book, deed->cgroup))
		empty(freezer, proc, &frozen);
	return goes_on;
}

/* ---- without a guard ------------------------------------------------------------------------------------ */

static size_t end_all(const char *data, uint64_t incident, struct bw_hand_book *book)
{
	const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bw_freezer freezer;
	size_t ended = 0;

	bw_err_drop(bw_freezer_open(data, &freezer)); /* then nobody is frozen */
	for (size_t i = 0; i < book->count;) {
		const struct bw_deed deed = book->deeds[i];

		if (deed.kind != BW_DEED_HELD || deed.incident != incident) {
			i++;
			continue;
		}
		book->deeds[i] = book->deeds[--book->count];
		if (!bw_hand_book_holds(book, &deed))
			ended += bw_hold_end(&freezer, proc, book, &deed);
	}
	bw_freezer_close(&freezer);
	if (proc >= 0)
		(void)close(proc);
	return ended;
}

static enum bw_err end_locked(const char *data, uint64_t incident, struct bw_hand_book *book, size_t *out_count,
			      struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_BOOK_BYTES);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, data, "guard/hand"));
	err = bw_file_read(path, &text, why);
	if (err == BW_OK)
		err = bw_hand_book_read(bw_buf_slice(&text), bw_clock_now_us(), book);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK; /* nobody was ever held */
	BW_TRY(bw_why_doing(why, err, "read whom the guard holds"));
	*out_count = end_all(data, incident, book);
	bw_buf_clear(&text);
	err = bw_hand_book_write(book, &text);
	return err == BW_OK ? bw_file_write(path, bw_buf_slice(&text), 0600, why) : err;
}

enum bw_err bw_hold_end_all(const char *data, uint64_t incident, size_t *out_count, struct bw_why *why)
{
	struct bw_hand_book book;
	char path[BW_PATH_BYTES];
	enum bw_err err;
	int lock;

	*out_count = 0;
	BW_TRY(bw_path_join(path, data, "guard/lock"));
	BW_TRY(bw_hand_book_init(&book));
	err = bw_lock_take(path, &lock, why);
	if (err == BW_OK) {
		err = end_locked(data, incident, &book, out_count, why);
		(void)close(lock);
	}
	bw_hand_book_release(&book);
	return err;
}
