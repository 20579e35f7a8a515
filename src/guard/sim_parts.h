/* What the files of the simulator share; nobody else includes it. The promises are in guard/sim.h. */
#ifndef BW_GUARD_SIM_PARTS_H
#define BW_GUARD_SIM_PARTS_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "guard/sim.h"

#define BW_SIM_MARK ".breakwater-sim"

enum {
	SIM_KEY_BYTES = 65536,
	SIM_CONTENT_MAX = 256 * 1024 * 1024,
	SIM_NAME_MAX = 4096,
	SIM_MANIFEST_MAX = 512 * 1024 * 1024,
};

/* ---- chance: the same seed gives the same rolls on every machine (splitmix64) ------------- */

struct sim_dice {
	uint64_t state;
};

static inline uint64_t sim_roll(struct sim_dice *dice)
{
	uint64_t z = (dice->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t sim_below(struct sim_dice *dice, uint64_t limit)
{
	return limit == 0 ? 0 : sim_roll(dice) % limit;
}

/* A stream of its own for (seed, which). */
static inline struct sim_dice sim_dice_of(uint64_t seed, uint64_t which)
{
	struct sim_dice dice = { seed * UINT64_C(0xd1342543de82ef95) + which };

	dice.state = sim_roll(&dice) ^ which;
	return dice;
}

/* Between low and high, small numbers as likely as large ones; low when high is not above. */
uint64_t sim_between(struct sim_dice *dice, uint64_t low, uint64_t high);

/* ---- content (sim_make.c): valid files of many kinds, pure ---------------------------------- */

enum sim_kind {
	SIM_TEXT,
	SIM_CSV,
	SIM_SOURCE,
	SIM_MBOX,
	SIM_DOCX,
	SIM_XLSX,
	SIM_ODT,
	SIM_PDF,
	SIM_JPEG,
	SIM_PNG,
	SIM_SQLITE,
	SIM_GZ,
	SIM_XZ,
	SIM_MP4,
	SIM_BIG, /* text, then compressed blocks, then text: a disk image or a log */
	SIM_TINY,
	SIM_KINDS
};

extern const char *const sim_kind_names[SIM_KINDS];
extern const char *const sim_kind_endings[SIM_KINDS];

/* About `want` bytes; the same (kind, seed, want) gives the same bytes. */
BW_MUST_USE enum bw_err sim_make(enum sim_kind kind, uint64_t seed, size_t want, struct bw_buf *out);

/* A sensible size for a kind. */
size_t sim_usual_size(enum sim_kind kind, struct sim_dice *dice, uint64_t big_bytes);

/* The makers by themselves. */
BW_MUST_USE enum bw_err sim_make_text(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_csv(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_source(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_mbox(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_docx(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_xlsx(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_odt(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_pdf(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_jpeg(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_png(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_sqlite(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_gz(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_xz(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_mp4(struct sim_dice *dice, size_t want, struct bw_buf *out);
BW_MUST_USE enum bw_err sim_make_big(struct sim_dice *dice, size_t want, struct bw_buf *out);

const char *sim_word(struct sim_dice *dice);
BW_MUST_USE enum bw_err sim_add_le16(struct bw_buf *out, uint32_t value);
BW_MUST_USE enum bw_err sim_add_le32(struct bw_buf *out, uint32_t value);
BW_MUST_USE enum bw_err sim_add_random(struct sim_dice *dice, size_t len, struct bw_buf *out);

/* A slice over a literal that holds NULs (BW_LIT is for text written as one piece). */
#define SIM_LITERAL(text) ((struct bw_slice){ (const uint8_t *)(text), sizeof(text) - 1 })

/* zlib's deflate: window_bits as deflateInit2 takes them (-15 raw, 15 zlib, 31 gzip). */
BW_MUST_USE enum bw_err sim_deflate(struct bw_slice bytes, int window_bits, struct bw_buf *out);
uint32_t sim_crc32(struct bw_slice bytes);

/* One member stored, not compressed: what an archiver without compression writes. */
BW_MUST_USE enum bw_err sim_zip_stored(const char *name, struct bw_slice bytes, struct bw_buf *out);

/* ---- manifest (sim_manifest.c): pure -------------------------------------------------------- */

enum sim_type { SIM_FILE, SIM_FOLDER, SIM_SYMLINK, SIM_TWIN, SIM_TYPES };

struct sim_row {
	enum sim_type type;
	enum sim_kind kind;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t
		seed; /* of the content; for a twin (hard link) or a symlink: the row it leads to, in the same folder */
	uint64_t want; /* what sim_make was asked for */
	uint64_t size;
	int64_t mtime_ns;
	uint64_t note; /* of the extended attribute user.breakwater.sim; 0: none */
	uint8_t sha256[BW_SHA256_BYTES];
	char *name; /* below the sandbox */
	size_t name_len;
};

struct sim_manifest {
	uint64_t seed;
	struct sim_row *rows;
	size_t count;
	size_t cap;
};

void sim_manifest_release(struct sim_manifest *manifest);
BW_MUST_USE enum bw_err sim_manifest_add(struct sim_manifest *manifest, const struct sim_row *row,
					 struct bw_slice name);
BW_MUST_USE enum bw_err sim_manifest_write(const struct sim_manifest *manifest, struct bw_buf *out);

/* CORRUPT, SCHEMA, TOO_MANY, MEMORY: names that could leave the sandbox are CORRUPT. */
BW_MUST_USE enum bw_err sim_manifest_parse(struct bw_slice bytes, struct sim_manifest *out);

/* Not empty, not absolute, no "." or ".." or empty part, not the marker, no NUL. */
bool sim_name_is_safe(struct bw_slice name);

/* ---- sandbox (sim_box.c) ----------------------------------------------------------------------- */

struct bw_sim_box {
	int root;
	int mark;
	uint64_t id;
	struct sim_manifest manifest;
	uint8_t key[SIM_KEY_BYTES];
};

/* openat2 beneath the sandbox; -1 and errno. */
int sim_open_at(int root, const char *path, int flags, mode_t mode);

/* The folder of `path` as a descriptor, and the last part of the name; -1 and errno. */
int sim_parent_at(int root, const char *path, const char **out_base);

BW_MUST_USE enum bw_err sim_box_write_marks(const char *dir, int root, const struct sim_manifest *manifest,
					    struct bw_why *why);
BW_MUST_USE enum bw_err sim_read_all(int fd, size_t max, struct bw_buf *out);

/* Sets owner, mode, attribute and time as the row says; in the order that keeps them. */
BW_MUST_USE enum bw_err sim_dress(int fd, const struct sim_row *row);

/* ---- what a run leaves for undo (sim_trail.c) ---------------------------------------------------- */

enum {
	SIM_EXT_MAX = 24,
	SIM_NOTE_MAX = 48,
};

/* What a run may have made beside a row; a bit each for "trying" and, 4 higher, for "made". */
enum sim_made { SIM_MADE_NEW = 1, SIM_MADE_SIDE = 2, SIM_MADE_NOTE = 4, SIM_MADE_WORK = 8, SIM_MADE_SHIFT = 4 };

struct sim_trail_head {
	char magic[8];
	uint64_t rows;
	int64_t began_s; /* wall clock: what is younger and half made is ours */
	char ext[SIM_EXT_MAX];
	char note[SIM_NOTE_MAX];
	char work[SIM_EXT_MAX]; /* ending of temporary names */
	char side[SIM_EXT_MAX]; /* ending of key files */
	uint64_t strain;
};

struct sim_trail {
	struct sim_trail_head *head;
	_Atomic uint8_t *made; /* one per row */
	size_t bytes;
};

BW_MUST_USE enum bw_err sim_trail_new(struct bw_sim_box *box, const struct sim_trail_head *head, struct sim_trail *out,
				      struct bw_why *why);
void sim_trail_release(struct sim_trail *trail);

/* The name a run gives to what it makes beside a row; false when it would be too long. */
bool sim_trail_name(const struct sim_trail_head *head, const struct sim_row *row, enum sim_made what,
		    char out[SIM_NAME_MAX]);

/* Takes away what the trails say was made, and the trails. */
BW_MUST_USE enum bw_err sim_trail_undo_all(struct bw_sim_box *box, struct bw_why *why);

/* ---- patterns (sim_table.c), spans (sim_spans.c), bytes (sim_bytes.c): pure ---------------------- */

enum sim_act {
	SIM_WRITE,
	SIM_KEEP_OPEN,
	SIM_MAP_CLOSED,
	SIM_MAP_SYNC,
	SIM_MAP_PROTECT,
	SIM_URING,
	SIM_DIRECT,
	SIM_AIO,
	SIM_SPLICE,
	SIM_SENDFILE,
	SIM_COPY_RANGE,
	SIM_CLONE,
	SIM_REWRITE,
	SIM_FTRUNCATE,
	SIM_TRUNCATE,
	SIM_PUNCH,
	SIM_ZERO,
	SIM_SHRED,
	SIM_UNLINK,
	SIM_COPY_NEW,
	SIM_RENAME_OVER,
	SIM_ARCHIVE_EACH,
	SIM_ARCHIVE_ONE,
	SIM_TOOL,
	SIM_CHURN,
	SIM_PROBE,
	SIM_READ,
	SIM_ACTS
};

enum sim_spread {
	SIM_FULL,
	SIM_HEAD,    /* the first `enc` bytes */
	SIM_EVERY,   /* `enc` bytes, then `skip` bytes left, from `from` on */
	SIM_PERCENT, /* `enc` percent of every block of `block` bytes */
	SIM_SMART,   /* `enc` KiB, then `skip` percent of each tenth */
	SIM_HALF,
	SIM_FOUR,    /* four parts of `enc` percent */
	SIM_STEP,    /* `enc` bytes at every hundredth of the file */
	SIM_CHANCE,  /* `enc` percent, in pieces of `skip` bytes anywhere */
	SIM_MIDDLE,  /* all but `enc` bytes at the start and `skip` at the end */
	SIM_WINDOWS, /* all but `enc` bytes at the start, in the middle and at the end */
	SIM_SPREADS
};

enum sim_code { SIM_XOR, SIM_BASE64, SIM_HEX, SIM_LETTERS, SIM_PADDED, SIM_RANDOM_BYTES, SIM_CODES };
enum sim_naming { SIM_NO_NAME, SIM_NAME_AFTER, SIM_NAME_FIRST };
enum sim_note { SIM_NO_NOTE, SIM_NOTE_BEFORE, SIM_NOTE_AFTER, SIM_NOTE_ROOT };

struct sim_range {
	uint64_t usual, low, high; /* usual: strain 0; high 0: never drawn */
};

struct bw_sim_pattern {
	const char *id;
	const char *words;
	enum sim_act act;
	enum sim_act others[3]; /* other calls of the same kind, drawn; SIM_WRITE (0) ends */
	enum sim_spread spread;
	enum sim_code code;
	struct sim_range block, enc, skip, from;
	struct sim_range footer; /* bytes appended */
	enum sim_naming naming;
	enum sim_note note;
	bool side_key, keep_time, large_only, benign;
	uint8_t rounds; /* 0 and 1: one */
	uint16_t actors;
	enum bw_sim_shape shape;
	enum bw_sim_walk walk;
	uint32_t per_second; /* usual pace; 0: full speed */
	uint8_t ext_chars;   /* 0: a word */
	bool over_share;
};

extern const struct bw_sim_pattern sim_patterns[];
const struct bw_sim_pattern *sim_pattern_named(struct bw_slice id);

/* A row with its parameters drawn. */
struct sim_plan {
	const struct bw_sim_pattern *row;
	enum sim_act act;
	uint64_t block, enc, skip, from, footer;
};

void sim_plan_draw(const struct bw_sim_pattern *row, uint64_t strain, struct sim_plan *out);

/* Endings and names of notes of a strain. */
void sim_names_draw(const struct bw_sim_pattern *row, uint64_t strain, struct sim_trail_head *out);

struct sim_spans {
	enum sim_spread spread;
	uint64_t size, at, end, enc, skip, left;
	uint64_t edge;
	struct sim_dice dice;
	unsigned part;
};

void sim_spans_over(const struct sim_plan *plan, uint64_t size, uint64_t seed, struct sim_spans *out);

/* The next piece that is changed; never past size, len never 0. Pieces may repeat only for SIM_CHANCE. */
bool sim_span_next(struct sim_spans *spans, uint64_t *out_at, uint64_t *out_len);

/* In place: same length out. XOR, letters, random. `salt` differs by file and round. */
void sim_code_bytes(const uint8_t key[SIM_KEY_BYTES], enum sim_code code, uint64_t salt, uint64_t at, uint8_t *bytes,
		    size_t len);

/* Whole files: any code; longer for base64, hex and padded. */
BW_MUST_USE enum bw_err sim_code_whole(const uint8_t key[SIM_KEY_BYTES], enum sim_code code, uint64_t salt,
				       struct bw_slice in, struct bw_buf *out);

/* ---- reports (sim_report.c) ------------------------------------------------------------------------- */

struct sim_live {
	struct bw_sim_report_head *head;
	struct bw_sim_times *times;
	size_t bytes;
};

BW_MUST_USE enum bw_err sim_live_new(const char *path, size_t rows, uint64_t strain, struct sim_live *out,
				     struct bw_why *why);
void sim_live_release(struct sim_live *live);
uint64_t sim_now_ns(void);

/* ---- acts (sim_act*.c) -------------------------------------------------------------------------------- */

/* One actor's working place. */
struct sim_hand {
	struct bw_sim_box *box;
	const struct sim_plan *plans;
	size_t plan_count;
	const struct sim_trail *trail;
	struct sim_live *live;
	unsigned number;   /* of the actor */
	struct bw_buf in;  /* the file's bytes */
	struct bw_buf out; /* and transformed */
	int kept[64];      /* descriptors kept open */
	size_t kept_count;
	size_t *taken; /* rows in the one archive, to delete at its end */
	size_t taken_count, taken_cap;
	struct bw_buf archive;
};

struct sim_job {
	struct sim_hand *hand;
	const struct sim_plan *plan;
	const struct sim_row *row;
	size_t index;
	const char *path; /* where the content is now */
	char renamed[SIM_NAME_MAX];
	uint64_t size;
	uint64_t salt;
	int64_t mtime_ns;
};

/* A regular file with the size and the time of its row: seeded, and nobody's work since. */
bool sim_is_as_seeded(const struct sim_job *job);

/* Says that the first destructive act on the row begins now; once. */
void sim_touch(const struct sim_job *job);

/* Makes a new file beside the row, remembered for undo first; -1 and errno (EEXIST: foreign, left). */
int sim_create(const struct sim_job *job, enum sim_made what, char out_name[SIM_NAME_MAX]);

enum bw_err sim_unlink(const struct sim_job *job, const char *path);
enum bw_err sim_read_file(const struct sim_job *job); /* into hand->in */
enum bw_err sim_transform(struct sim_job *job);       /* and changed by the plan's code into hand->out */

typedef enum bw_err (*sim_act_fn)(struct sim_job *job, int fd);

enum bw_err sim_act_map(struct sim_job *job, int fd);
enum bw_err sim_act_uring(struct sim_job *job, int fd);
enum bw_err sim_act_aio(struct sim_job *job, int fd);
enum bw_err sim_act_direct(struct sim_job *job, int fd);
enum bw_err sim_act_pipe(struct sim_job *job, int fd);
enum bw_err sim_act_donor(struct sim_job *job, int fd);
enum bw_err sim_act_holes(struct sim_job *job, int fd);
enum bw_err sim_act_copy_new(struct sim_job *job, int fd);
enum bw_err sim_act_rename_over(struct sim_job *job, int fd);
enum bw_err sim_act_archive_each(struct sim_job *job, int fd);
enum bw_err sim_act_archive_one(struct sim_job *job, int fd);
enum bw_err sim_act_tool(struct sim_job *job, int fd);
enum bw_err sim_act_churn(struct sim_job *job, int fd);
enum bw_err sim_act_probe(struct sim_job *job, int fd);
enum bw_err sim_act_read(struct sim_job *job, int fd);
enum bw_err sim_act_write(struct sim_job *job, int fd);

/* One file by the plan that is its turn; counts in the live report. */
void sim_attack(struct sim_hand *hand, size_t index, size_t turn);

/* At the actor's end: what was gathered is deleted, what was kept open is closed. */
void sim_hand_finish(struct sim_hand *hand);

/* ---- crew: who does it, in which order, how fast (sim_walk.c, sim_crew.c, sim_split.c, sim_smb.c) --------- */

struct sim_crew {
	struct bw_sim_box *box;
	const struct bw_sim_run *how;
	const struct sim_plan *plans;
	size_t plan_count;
	const struct sim_trail *trail;
	struct sim_live *live;
	size_t *order;
	size_t order_count;
	_Atomic uint64_t *ticket; /* shared by all actors */
	uint32_t actors;
	enum bw_sim_shape shape;
	uint64_t pace_ns;
};

/* The rows of seeded files in the order of the walk; the caller frees. `only`: a kind's name or NULL. */
BW_MUST_USE enum bw_err sim_walk_order(const struct bw_sim_box *box, enum bw_sim_walk walk, uint64_t seed,
				       const char *only, bool large_only, size_t **out, size_t *out_count);

/* Starts the actors, waits until the last of them is gone. */
BW_MUST_USE enum bw_err sim_crew_run(struct sim_crew *crew, struct bw_why *why);

/* The next turn after its pace; false when there is none. */
bool sim_crew_next(struct sim_crew *crew, size_t *out_turn);

/* What the lister of a functional split does; the rest are its children. Returns when all is done. */
void sim_split_work(struct sim_crew *crew, unsigned number);

/* One SMB session. */
void sim_share_work(struct sim_crew *crew, unsigned number);

/* Whether the share leads to this very sandbox. DENIED when not. */
BW_MUST_USE enum bw_err sim_share_check(struct bw_sim_box *box, const struct bw_sim_share *share, struct bw_why *why);

/* The file a share must show to be the sandbox; undo takes a forgotten one away. */
void sim_probe_name(const struct bw_sim_box *box, char out[64]);

void sim_hand_init(struct sim_hand *hand, struct sim_crew *crew, unsigned number);

#endif
