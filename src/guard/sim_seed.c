#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/sim_parts.h"
#include "sys/files.h"

enum { KIND_CHOICES = 16, FILES_A_FOLDER = 12 };

struct mix {
	unsigned weight[SIM_KINDS];
	unsigned total;
	bool hostile;
};

static const struct {
	const char *name;
	const char *weights;
} mixes[] = {
	{ "school",
	  "text=6,csv=4,source=2,mbox=1,docx=22,xlsx=10,odt=5,pdf=16,jpeg=16,png=8,sqlite=2,gz=2,xz=2,mp4=1" },
	{ "text", "text=3,csv=2,source=2" },
	{ "structured", "docx=5,xlsx=3,odt=2,pdf=4,jpeg=4,png=2,sqlite=1,gz=1,xz=1" },
	{ "tiny", "tiny=1" },
	{ "large", "big=1" },
	{ "hostile", "text=4,docx=2,pdf=2,png=1,jpeg=1" },
};

/* The words of an office, for folders and files. */
static const char *const folders[] = { "Documents", "Pictures", "Lessons", "Reports", "Marks",  "Letters",
				       "Plans",     "Minutes",  "Scans",   "Archive", "Budget", "Trips" };

static enum bw_err parse_weights(struct bw_slice text, struct mix *out)
{
	for (bool more = true; more;) {
		struct bw_slice item;
		struct bw_slice rest = bw_slice_empty;
		struct bw_slice name;
		struct bw_slice number;
		uint64_t weight;
		size_t kind = 0;

		more = bw_slice_cut(text, ',', &item, &rest);
		if (!more)
			item = text;
		text = rest;
		BW_NEED(bw_slice_cut(item, '=', &name, &number), USAGE);
		BW_NEED(bw_parse_u64(number, &weight) == BW_OK && weight <= 10000, USAGE);
		while (kind < SIM_KINDS && !bw_slice_is(name, sim_kind_names[kind]))
			kind++;
		BW_NEED(kind < SIM_KINDS, USAGE);
		out->weight[kind] += (unsigned)weight;
		out->total += (unsigned)weight;
	}
	BW_NEED(out->total > 0, USAGE);
	return BW_OK;
}

static enum bw_err parse_mix(const char *text, struct mix *out)
{
	const char *name = text == NULL ? "school" : text;

	for (size_t n = 0; n < BW_COUNT(mixes); n++) {
		if (strcmp(name, mixes[n].name) == 0) {
			out->hostile = strcmp(name, "hostile") == 0;
			return parse_weights(bw_slice_text(mixes[n].weights), out);
		}
	}
	return parse_weights(bw_slice_text(name), out);
}

static enum sim_kind roll_kind(struct sim_dice *dice, const struct mix *mix)
{
	uint64_t at = sim_below(dice, mix->total);
	size_t kind = 0;

	while (at >= mix->weight[kind])
		at -= mix->weight[kind++];
	return (enum sim_kind)kind;
}

/* ---- the tree as rows: pure ---------------------------------------------------------------- */

struct planner {
	const struct bw_sim_seed *how;
	struct mix mix;
	struct sim_dice dice;
	struct sim_manifest manifest;
	uint32_t made;
};

static int64_t roll_time(struct sim_dice *dice)
{
	/* the two years before 2025-06-01, to the nanosecond: nobody's own file has the same by chance */
	return (INT64_C(1748736000) - (int64_t)sim_below(dice, 63072000)) * 1000000000 +
	       (int64_t)sim_below(dice, 1000000000);
}

static enum bw_err add_row(struct planner *p, enum sim_type type, enum sim_kind kind, uint32_t home, const char *name)
{
	const uint32_t owners = (uint32_t)p->how->owner_count;
	const uint32_t uid = owners > 0 ? p->how->owners[home % owners] : geteuid();
	static const uint32_t modes[] = { 0644, 0640, 0600, 0664 };
	struct sim_row row = { .type = type,
			       .kind = kind,
			       .uid = uid,
			       .gid = owners > 0 ? uid : getegid(),
			       .mode = type == SIM_FOLDER ? 0755 : modes[sim_below(&p->dice, 4)],
			       .seed = sim_roll(&p->dice),
			       .mtime_ns = roll_time(&p->dice) };

	if (type == SIM_FILE) {
		row.want = sim_usual_size(kind, &p->dice, p->how->big_bytes == 0 ? 4 * BW_MIB : p->how->big_bytes);
		row.note = sim_below(&p->dice, 20) == 0 ? sim_roll(&p->dice) | 1 : 0;
	}
	if (type == SIM_TWIN || type == SIM_SYMLINK)
		row.seed = p->manifest.count - 1;
	return sim_manifest_add(&p->manifest, &row, bw_slice_text(name));
}

/* Names that break careless tools: newline, escape sequence, not UTF-8, 220 digits, spaces, a dash. */
static void hostile_name(struct sim_dice *dice, uint32_t number, const char *ending, char out[300])
{
	switch (sim_below(dice, 7)) {
	case 0:
		(void)snprintf(out, 300, "line\nbreak %u.%s", number, ending);
		break;
	case 1:
		(void)snprintf(out, 300, "\x1b[31mred\x1b[0m%u.%s", number, ending);
		break;
	case 2:
		(void)snprintf(out, 300, "caf\xe9 %u.%s", number, ending); /* Latin-1 */
		break;
	case 3:
		(void)snprintf(out, 300, "%0220u.%s", number, ending);
		break;
	case 4:
		(void)snprintf(out, 300, " %u . %s", number, ending);
		break;
	case 5:
		(void)snprintf(out, 300, "-rf %u \"'$(x)`\\.%s", number, ending);
		break;
	default:
		(void)snprintf(out, 300, "\xe5\xad\xa6\xe6\xa0\xa1 %u.%s", number, ending);
		break;
	}
}

static enum bw_err plan_file(struct planner *p, uint32_t home, const char *folder)
{
	const enum sim_kind kind = roll_kind(&p->dice, &p->mix);
	char base[300];
	char name[SIM_NAME_MAX];
	int len;

	if (p->mix.hostile)
		hostile_name(&p->dice, p->made, sim_kind_endings[kind], base);
	else
		(void)snprintf(base, sizeof(base), "%s %s %u.%s", sim_word(&p->dice), sim_word(&p->dice), p->made,
			       sim_kind_endings[kind]);
	len = snprintf(name, sizeof(name), "%s/%s", folder, base);
	BW_NEED(len > 0 && (size_t)len < sizeof(name), TOO_BIG);
	BW_TRY(add_row(p, SIM_FILE, kind, home, name));
	p->made++;
	if (p->mix.hostile && sim_below(&p->dice, 10) == 0) {
		(void)snprintf(name, sizeof(name), "%s/twin %u", folder, p->made);
		p->manifest.rows[p->manifest.count - 1].mode &= 0777;
		return add_row(p, SIM_TWIN, kind, home, name);
	}
	if (p->mix.hostile && sim_below(&p->dice, 10) == 0) {
		(void)snprintf(name, sizeof(name), "%s/link %u", folder, p->made);
		return add_row(p, SIM_SYMLINK, kind, home, name);
	}
	return BW_OK;
}

static enum bw_err plan_folder(struct planner *p, uint32_t home, const char *path, uint32_t files, unsigned depth)
{
	BW_TRY(add_row(p, SIM_FOLDER, SIM_TEXT, home, path));
	for (uint32_t n = 0; n < files && n < FILES_A_FOLDER; n++)
		BW_TRY(plan_file(p, home, path));
	for (uint32_t left = files > FILES_A_FOLDER ? files - FILES_A_FOLDER : 0, n = 0; left > 0; n++) {
		const uint32_t share = left < 3 * FILES_A_FOLDER || depth > 30 ? left : left / 3 + 1;
		char below[SIM_NAME_MAX];
		/* a number keeps two of the same name apart */
		const int len = snprintf(below, sizeof(below), "%s/%s %u", path,
					 folders[sim_below(&p->dice, BW_COUNT(folders))], n + 1);

		BW_NEED(len > 0 && (size_t)len < sizeof(below) - 400, TOO_BIG);
		BW_TRY(plan_folder(p, home, below, share, depth + 1));
		left -= share;
	}
	return BW_OK;
}

static enum bw_err plan_tree(struct planner *p)
{
	const uint32_t files = p->how->files;
	const uint32_t homes = p->how->homes > 0 ? p->how->homes : 1 + files / 50;
	char name[300];

	for (uint32_t home = 0; home < homes; home++) {
		const uint32_t share = files / homes + (home < files % homes ? 1 : 0);

		if (p->mix.hostile && home == 0) {
			/* deep: fifty levels, and the home's files at the bottom */
			(void)snprintf(name, sizeof(name), "deep");
			for (size_t at = 4; at < 4 + 50 * 3; at += 3)
				(void)snprintf(name + at, sizeof(name) - at, "/%02zu", (at - 4) / 3);
			for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
				*slash = 0;
				BW_TRY(add_row(p, SIM_FOLDER, SIM_TEXT, home, name));
				*slash = '/';
			}
		} else
			(void)snprintf(name, sizeof(name), "%s%03u", sim_word(&p->dice), home);
		BW_TRY(plan_folder(p, home, name, share, 0));
	}
	return BW_OK;
}

/* ---- and on disk ------------------------------------------------------------------------------ */

static enum bw_err write_file(int root, struct sim_row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(2 * (size_t)SIM_CONTENT_MAX);
	enum bw_err err;
	int fd;

	BW_TRY(sim_make(row->kind, row->seed, (size_t)row->want, &bytes));
	BW_TRY(bw_sha256(bw_buf_slice(&bytes), row->sha256));
	row->size = bytes.len;
	fd = sim_open_at(root, row->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bw_buf_slice(&bytes));
	if (err == BW_OK)
		err = sim_dress(fd, row);
	(void)close(fd);
	return err;
}

static enum bw_err write_row(int root, struct sim_manifest *manifest, struct sim_row *row)
{
	const char *base;
	int status = 0;
	int parent;

	if (row->type == SIM_FILE)
		return write_file(root, row);
	parent = sim_parent_at(root, row->name, &base);
	if (parent < 0)
		return bw_err_from_errno(errno);
	if (row->type == SIM_FOLDER)
		status = mkdirat(parent, base, 0755);
	else {
		const char *slash = strrchr(manifest->rows[row->seed].name, '/');
		const char *target = slash == NULL ? manifest->rows[row->seed].name : slash + 1;

		status = row->type == SIM_TWIN ? linkat(parent, target, parent, base, 0)
					       : symlinkat(target, parent, base);
		row->size = manifest->rows[row->seed].size;
	}
	(void)close(parent);
	return status == 0 ? BW_OK : bw_err_from_errno(errno);
}

/* Folders get their owners and times last, deepest first: what is made in them changes their time. */
static enum bw_err dress_folders(int root, const struct sim_manifest *manifest)
{
	for (size_t n = manifest->count; n-- > 0;) {
		const struct sim_row *row = &manifest->rows[n];
		enum bw_err err;
		int fd;

		if (row->type != SIM_FOLDER)
			continue;
		fd = sim_open_at(root, row->name, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0)
			return bw_err_from_errno(errno);
		err = sim_dress(fd, row);
		(void)close(fd);
		BW_TRY(err);
	}
	return BW_OK;
}

static enum bw_err take_folder(const char *dir, int *out_root, struct bw_why *why)
{
	struct dirent *entry;
	size_t names = 0;
	DIR *list;
	int root;

	if (mkdir(dir, 0755) != 0 && errno != EEXIST)
		return bw_why_errno(why, errno, "make", dir);
	root = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return bw_why_errno(why, errno, "open", dir);
	list = fdopendir(dup(root));
	if (list == NULL) {
		(void)close(root);
		return bw_why_errno(why, errno, "list", dir);
	}
	while ((entry = readdir(list)) != NULL)
		names += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void)closedir(list);
	if (names > 0) {
		(void)close(root);
		return bw_why_set(why, BW_ERR_EXISTS,
				  "'%s' is not empty; the simulator seeds only folders that nobody uses", dir);
	}
	*out_root = root;
	return BW_OK;
}

/* The folder was empty: whatever carries a row's name is ours. */
static void unmake(int root, const struct sim_manifest *manifest)
{
	for (size_t n = manifest->count; n-- > 0;) {
		const struct sim_row *row = &manifest->rows[n];
		const char *base;
		const int parent = sim_parent_at(root, row->name, &base);

		if (parent < 0)
			continue;
		(void)unlinkat(parent, base, row->type == SIM_FOLDER ? AT_REMOVEDIR : 0);
		(void)close(parent);
	}
}

static enum bw_err fill(const char *dir, int root, struct planner *p, struct bw_why *why)
{
	for (size_t n = 0; n < p->manifest.count; n++) {
		struct sim_row *row = &p->manifest.rows[n];
		const enum bw_err err = write_row(root, &p->manifest, row);

		if (err != BW_OK)
			return bw_why_set(why, err, "cannot make row %zu below '%s': %s", n, dir, bw_err_text(err));
	}
	if (dress_folders(root, &p->manifest) != BW_OK)
		return bw_why_set(why, BW_ERR_IO, "cannot set owners and times below '%s'", dir);
	p->manifest.seed = p->how->seed;
	return sim_box_write_marks(dir, root, &p->manifest, why);
}

enum bw_err bw_sim_seed(const char *dir, const struct bw_sim_seed *how, struct bw_why *why)
{
	struct planner p = { .how = how, .dice = sim_dice_of(how->seed, 0) };
	enum bw_err err;
	int root = -1;

	if (how->files == 0 || how->files > BW_SIM_FILES_MAX || how->owner_count > BW_SIM_OWNERS_MAX)
		return bw_why_set(why, BW_ERR_USAGE, "1 to %d files and at most %d owners", BW_SIM_FILES_MAX,
				  BW_SIM_OWNERS_MAX);
	if (how->owner_count > 0 && geteuid() != 0)
		return bw_why_set(why, BW_ERR_DENIED, "only root can give files to other users");
	if (parse_mix(how->mix, &p.mix) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "the mix '%s' is not one: school, text, docx=3,pdf=1 ...",
				  how->mix == NULL ? "" : how->mix);
	BW_TRY(take_folder(dir, &root, why));
	err = plan_tree(&p);
	if (err == BW_OK) {
		err = fill(dir, root, &p, why);
		if (err != BW_OK)
			unmake(root, &p.manifest);
	} else
		err = bw_why_set(why, err, "cannot plan the tree: %s", bw_err_text(err));
	sim_manifest_release(&p.manifest);
	(void)close(root);
	return err;
}
