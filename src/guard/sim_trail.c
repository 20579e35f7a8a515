#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/clock.h"

#define TRAIL_MAGIC "BWSIMTR1"

enum { TRAILS_MAX = 10000 };

static void trail_file(unsigned number, char out[32])
{
	(void)snprintf(out, 32, "trail-%04u", number);
}

static enum bw_err map_trail(int fd, size_t bytes, struct sim_trail *out)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return bw_err_from_errno(errno);
	out->head = memory;
	out->made = (_Atomic uint8_t *)memory + sizeof(*out->head);
	out->bytes = bytes;
	return BW_OK;
}

enum bw_err sim_trail_new(struct bw_sim_box *box, const struct sim_trail_head *head, struct sim_trail *out,
			  struct bw_why *why)
{
	const size_t bytes = sizeof(*head) + box->manifest.count;
	char name[32];
	enum bw_err err = BW_OK;
	int status;
	int fd = -1;

	for (unsigned n = 1; n < TRAILS_MAX && fd < 0; n++) {
		trail_file(n, name);
		fd = sim_open_at(box->mark, name, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd < 0 && errno != EEXIST)
			return bw_why_errno(why, errno, "create", name);
	}
	if (fd < 0)
		return bw_why_set(why, BW_ERR_TOO_MANY, "%d runs without an undo", TRAILS_MAX);
	status = posix_fallocate(fd, 0, (off_t)bytes); /* a mapped hole on a full disk would be a SIGBUS */
	if (status != 0)
		err = bw_err_from_errno(status);
	else
		err = map_trail(fd, bytes, out);
	(void)close(fd);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot keep '%s': %s", name, bw_err_text(err));
	*out->head = *head;
	memcpy(out->head->magic, TRAIL_MAGIC, sizeof(out->head->magic));
	out->head->rows = box->manifest.count;
	out->head->began_s = bw_clock_now_us() / 1000000;
	return BW_OK;
}

void sim_trail_release(struct sim_trail *trail)
{
	if (trail->head != NULL)
		(void)munmap(trail->head, trail->bytes);
	*trail = (struct sim_trail){ 0 };
}

bool sim_trail_name(const struct sim_trail_head *head, const struct sim_row *row, enum sim_made what,
		    char out[SIM_NAME_MAX])
{
	const char *slash = strrchr(row->name, '/');
	const size_t base = slash == NULL ? row->name_len : (size_t)(row->name + row->name_len - slash - 1);
	const char *add = what == SIM_MADE_NEW    ? head->ext
			  : what == SIM_MADE_SIDE ? head->side
			  : what == SIM_MADE_WORK ? head->work
						  : head->note;
	const bool inside = what == SIM_MADE_NOTE || row->type == SIM_FOLDER;
	const int len = snprintf(out, SIM_NAME_MAX, "%s%s%s", row->name, inside ? "/" : "", add);

	return add[0] != 0 && len > 0 && len < SIM_NAME_MAX && (inside || base + strlen(add) <= 255);
}

/* ---- undoing ---------------------------------------------------------------------------------- */

/* Half made (killed between the mark and the name): ours only when it is younger than the run. */
static bool is_ours(const struct sim_trail *trail, const struct stat *about, bool whole)
{
	return S_ISREG(about->st_mode) && (whole || about->st_ctim.tv_sec >= trail->head->began_s);
}

static enum bw_err take_away(struct bw_sim_box *box, const struct sim_trail *trail, const struct sim_row *row,
			     enum sim_made what, bool whole)
{
	char name[SIM_NAME_MAX];
	struct stat about;
	const char *base;
	int parent;
	int status;

	if (!sim_trail_name(trail->head, row, what, name))
		return BW_OK;
	parent = sim_parent_at(box->root, name, &base);
	if (parent < 0)
		return errno == ENOENT || errno == ENOTDIR ? BW_OK : bw_err_from_errno(errno);
	status = fstatat(parent, base, &about, AT_SYMLINK_NOFOLLOW);
	if (status == 0 && is_ours(trail, &about, whole))
		status = unlinkat(parent, base, 0);
	(void)close(parent);
	return status == 0 || errno == ENOENT ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err undo_trail(struct bw_sim_box *box, const struct sim_trail *trail)
{
	for (size_t n = 0; n < box->manifest.count; n++) {
		const unsigned made = trail->made[n];

		for (unsigned what = 1; what < 1U << SIM_MADE_SHIFT; what <<= 1) {
			if ((made & (what | what << SIM_MADE_SHIFT)) != 0)
				BW_TRY(take_away(box, trail, &box->manifest.rows[n], (enum sim_made)what,
						 (made & what << SIM_MADE_SHIFT) != 0));
		}
	}
	return BW_OK;
}

static bool head_is_sane(const struct sim_trail *trail, size_t rows)
{
	const struct sim_trail_head *head = trail->head;

	return memcmp(head->magic, TRAIL_MAGIC, sizeof(head->magic)) == 0 && head->rows == rows &&
	       head->ext[SIM_EXT_MAX - 1] == 0 && head->work[SIM_EXT_MAX - 1] == 0 &&
	       head->side[SIM_EXT_MAX - 1] == 0 && head->note[SIM_NOTE_MAX - 1] == 0 &&
	       strpbrk(head->ext, "/") == NULL && strpbrk(head->work, "/") == NULL &&
	       strpbrk(head->side, "/") == NULL && strpbrk(head->note, "/") == NULL;
}

enum bw_err sim_trail_undo_all(struct bw_sim_box *box, struct bw_why *why)
{
	const size_t bytes = sizeof(struct sim_trail_head) + box->manifest.count;

	unsigned last = 0;

	for (unsigned n = 1; n < TRAILS_MAX; n++) {
		struct sim_trail trail = { 0 };
		struct stat about;
		enum bw_err err = BW_OK;
		char name[32];
		int fd;

		trail_file(n, name);
		fd = sim_open_at(box->mark, name, O_RDWR, 0);
		if (fd < 0 && errno == ENOENT)
			break;
		if (fd < 0)
			return bw_why_errno(why, errno, "open", name);
		if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size == (off_t)bytes)
			err = map_trail(fd, bytes, &trail);
		(void)close(fd);
		/* one that was cut short by a kill has marked nothing yet */
		if (err == BW_OK && trail.head != NULL && head_is_sane(&trail, box->manifest.count))
			err = undo_trail(box, &trail);
		sim_trail_release(&trail);
		last = n;
		if (err != BW_OK)
			return bw_why_set(why, err, "cannot take away what '%s' names: %s", name, bw_err_text(err));
	}
	for (unsigned n = last; n > 0; n--) { /* from the last: what is left stays in a row from the first */
		char name[32];

		trail_file(n, name);
		(void)unlinkat(box->mark, name, 0);
	}
	return BW_OK;
}
