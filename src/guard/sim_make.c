#include "guard/sim_parts.h"

const char *const sim_kind_names[SIM_KINDS] = { "text", "csv", "source", "mbox", "docx", "xlsx", "odt", "pdf",
						"jpeg", "png", "sqlite", "gz",   "xz",   "mp4",  "big", "tiny" };
const char *const sim_kind_endings[SIM_KINDS] = { "txt", "csv", "c",  "mbox", "docx", "xlsx", "odt", "pdf",
						  "jpg", "png", "db", "gz",   "xz",   "mp4",  "img", "txt" };

typedef enum bw_err (*maker)(struct sim_dice *dice, size_t want, struct bw_buf *out);

static const maker makers[SIM_KINDS] = {
	[SIM_TEXT] = sim_make_text, [SIM_CSV] = sim_make_csv,       [SIM_SOURCE] = sim_make_source,
	[SIM_MBOX] = sim_make_mbox, [SIM_DOCX] = sim_make_docx,     [SIM_XLSX] = sim_make_xlsx,
	[SIM_ODT] = sim_make_odt,   [SIM_PDF] = sim_make_pdf,       [SIM_JPEG] = sim_make_jpeg,
	[SIM_PNG] = sim_make_png,   [SIM_SQLITE] = sim_make_sqlite, [SIM_GZ] = sim_make_gz,
	[SIM_XZ] = sim_make_xz,     [SIM_MP4] = sim_make_mp4,       [SIM_BIG] = sim_make_big,
	[SIM_TINY] = sim_make_text,
};

/* What people's files measure, in bytes. */
static const struct {
	uint32_t low, high;
} sizes[SIM_KINDS] = {
	[SIM_TEXT] = { 500, 60000 },    [SIM_CSV] = { 1000, 120000 },     [SIM_SOURCE] = { 800, 40000 },
	[SIM_MBOX] = { 20000, 400000 }, [SIM_DOCX] = { 6000, 250000 },    [SIM_XLSX] = { 5000, 120000 },
	[SIM_ODT] = { 6000, 150000 },   [SIM_PDF] = { 5000, 300000 },     [SIM_JPEG] = { 30000, 500000 },
	[SIM_PNG] = { 8000, 200000 },   [SIM_SQLITE] = { 12288, 400000 }, [SIM_GZ] = { 4000, 150000 },
	[SIM_XZ] = { 4000, 150000 },    [SIM_MP4] = { 200000, 2000000 },  [SIM_BIG] = { 0, 0 },
	[SIM_TINY] = { 40, 900 },
};

size_t sim_usual_size(enum sim_kind kind, struct sim_dice *dice, uint64_t big_bytes)
{
	if (kind == SIM_BIG)
		return big_bytes > SIM_CONTENT_MAX ? SIM_CONTENT_MAX : (size_t)big_bytes;
	return (size_t)sim_between(dice, sizes[kind].low, sizes[kind].high);
}

enum bw_err sim_make(enum sim_kind kind, uint64_t seed, size_t want, struct bw_buf *out)
{
	struct sim_dice dice = sim_dice_of(seed, (uint64_t)kind);

	BW_NEED(want <= SIM_CONTENT_MAX, TOO_BIG);
	return makers[kind](&dice, want, out);
}
