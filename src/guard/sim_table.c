#include <stdio.h>

#include "guard/sim_parts.h"

#define K 1024
#define M (1024 * 1024)

/*
 * One row for each pattern. `usual` values are those published of some family; a strain draws others between
 * low and high. Names and notes are always made up by the strain.
 */
const struct bw_sim_pattern sim_patterns[] = {
	{ .id = "S01", .words = "in place, 64 KiB at a time", .block = { 64 * K, 16 * K, 256 * K } },
	{ .id = "S02", .words = "in place, blocks of megabytes", .block = { M, 512 * K, 10 * M } },
	{ .id = "S03", .words = "in place, 4 KiB at a time", .block = { 4 * K, K, 8 * K } },
	{ .id = "S04", .words = "in place, never aligned", .block = { 4097, 1025, 65537 }, .from = { 1, 1, 63 } },
	{ .id = "S05", .words = "the first 4 KiB", .spread = SIM_HEAD, .enc = { 4 * K, 2 * K, 8 * K } },
	{ .id = "S06", .words = "the first 512 KiB", .spread = SIM_HEAD, .enc = { 512 * K, 256 * K, 768 * K } },
	{ .id = "S07", .words = "the first 1 MiB", .spread = SIM_HEAD, .enc = { M, 800 * K, 2 * M } },
	{ .id = "S08",
	  .words = "16 bytes of every 32",
	  .act = SIM_WRITE,
	  .spread = SIM_EVERY,
	  .enc = { 16, 8, 32 },
	  .skip = { 16, 8, 48 } },
	{ .id = "S09",
	  .words = "64 bytes of every 192",
	  .spread = SIM_EVERY,
	  .enc = { 64, 32, 96 },
	  .skip = { 128, 64, 192 } },
	{ .id = "S10",
	  .words = "64 bytes of every 256",
	  .spread = SIM_EVERY,
	  .enc = { 64, 48, 128 },
	  .skip = { 192, 128, 384 } },
	{ .id = "S11",
	  .words = "a mebibyte, a mebibyte left",
	  .spread = SIM_EVERY,
	  .enc = { M, 256 * K, 2 * M },
	  .skip = { M, 256 * K, 2 * M } },
	{ .id = "S12",
	  .words = "a mebibyte, two left",
	  .spread = SIM_EVERY,
	  .enc = { M, 256 * K, M },
	  .skip = { 2 * M, M, 4 * M } },
	{ .id = "S13",
	  .words = "steps of N bytes, Y left",
	  .spread = SIM_EVERY,
	  .enc = { 64 * K, 4 * K, 256 * K },
	  .skip = { 128 * K, 4 * K, 512 * K } },
	{ .id = "S14",
	  .words = "a percentage of every block",
	  .spread = SIM_PERCENT,
	  .enc = { 20, 5, 50 },
	  .block = { 64 * K, 16 * K, M } },
	{ .id = "S15",
	  .words = "a head, then a share of each tenth",
	  .spread = SIM_SMART,
	  .enc = { 16, 4, 64 },
	  .skip = { 10, 5, 40 } },
	{ .id = "S16", .words = "the first half", .spread = SIM_HALF },
	{ .id = "S17", .words = "four blocks", .spread = SIM_FOUR, .enc = { 25, 10, 60 } },
	{ .id = "S18", .words = "a piece at every hundredth", .spread = SIM_STEP, .enc = { M, 4 * K, M } },
	{ .id = "S19",
	  .words = "3 to 5 % at places of chance",
	  .spread = SIM_CHANCE,
	  .enc = { 4, 3, 6 },
	  .skip = { 64, 16, 512 } },
	{ .id = "S20",
	  .words = "the middle, head and tail kept",
	  .spread = SIM_MIDDLE,
	  .enc = { 4 * K, 512, 16 * K },
	  .skip = { 4 * K, 512, 16 * K } },
	{ .id = "S21",
	  .words = "all but start, middle and end",
	  .spread = SIM_WINDOWS,
	  .enc = { 4 * K, 2 * K, 16 * K } },
	{ .id = "S22", .words = "a new file, then the old deleted", .act = SIM_COPY_NEW },
	{ .id = "S23", .words = "a temporary file renamed over", .act = SIM_RENAME_OVER },
	{ .id = "S24", .words = "renamed first, then in place", .naming = SIM_NAME_FIRST, .block = { M, 64 * K, M } },
	{ .id = "S25", .words = "in place, renamed after", .naming = SIM_NAME_AFTER, .block = { M, 64 * K, M } },
	{ .id = "S26", .words = "renamed to an ending of chance", .naming = SIM_NAME_AFTER, .ext_chars = 7 },
	{ .id = "S27", .words = "in place, times put back", .keep_time = true },
	{ .id = "S28", .words = "in place, a footer appended", .naming = SIM_NAME_AFTER, .footer = { 512, 32, 600 } },
	{ .id = "S29", .words = "the key in a file beside", .side_key = true },
	{ .id = "S30", .words = "mapped, descriptor closed first", .act = SIM_MAP_CLOSED },
	{ .id = "S31",
	  .words = "mapped, msync",
	  .act = SIM_MAP_SYNC,
	  .spread = SIM_EVERY,
	  .enc = { 16, 16, 4096 },
	  .skip = { 16, 16, 4096 } },
	{ .id = "S32", .words = "mapped for reading, mprotect later", .act = SIM_MAP_PROTECT },
	{ .id = "S33", .words = "io_uring", .act = SIM_URING },
	{ .id = "S34", .words = "O_DIRECT", .act = SIM_DIRECT },
	{ .id = "S35", .words = "asynchronous I/O", .act = SIM_AIO },
	{ .id = "S36",
	  .words = "splice, sendfile, copy_file_range",
	  .act = SIM_SPLICE,
	  .others = { SIM_SENDFILE, SIM_COPY_RANGE } },
	{ .id = "S37", .words = "a clone over the file", .act = SIM_CLONE },
	{ .id = "S38", .words = "O_TRUNC and written anew", .act = SIM_REWRITE },
	{ .id = "S39", .words = "truncated", .act = SIM_FTRUNCATE, .others = { SIM_TRUNCATE } },
	{ .id = "S40", .words = "holes punched, ranges zeroed", .act = SIM_PUNCH, .others = { SIM_ZERO } },
	{ .id = "S41", .words = "overwritten several times, deleted", .act = SIM_SHRED, .rounds = 3 },
	{ .id = "S42", .words = "deleted", .act = SIM_UNLINK },
	{ .id = "S43", .words = "base64", .act = SIM_REWRITE, .code = SIM_BASE64, .naming = SIM_NAME_AFTER },
	{ .id = "S44", .words = "hexadecimal", .act = SIM_REWRITE, .code = SIM_HEX, .naming = SIM_NAME_AFTER },
	{ .id = "S45", .words = "text to text", .code = SIM_LETTERS },
	{ .id = "S46", .words = "padded with text", .act = SIM_REWRITE, .code = SIM_PADDED },
	{ .id = "S47", .words = "the magic number kept", .from = { 512, 64, 2 * K } },
	{ .id = "S48", .words = "an archive for each file, deleted", .act = SIM_ARCHIVE_EACH, .actors = 4 },
	{ .id = "S49", .words = "openssl for each file, deleted", .act = SIM_TOOL },
	{ .id = "S50", .words = "one big archive, sources deleted", .act = SIM_ARCHIVE_ONE },
	{ .id = "S51", .words = "18 processes", .actors = 18 },
	{ .id = "S52",
	  .words = "lister, reader, writer, renamer, deleter",
	  .act = SIM_COPY_NEW,
	  .shape = BW_SIM_SPLIT },
	{ .id = "S53", .words = "a process for each file", .shape = BW_SIM_FORK_PER_FILE },
	{ .id = "S54", .words = "threads", .shape = BW_SIM_THREADS, .actors = 4 },
	{ .id = "S55", .words = "double fork and setsid", .shape = BW_SIM_SETSID, .actors = 8 },
	{ .id = "S56", .words = "different users", .shape = BW_SIM_UIDS, .actors = 4 },
	{ .id = "S57", .words = "slowly", .per_second = 50 },
	{ .id = "S58", .words = "while the same user works", .benign = true },
	{ .id = "S59", .words = "another order", .walk = BW_SIM_NEWEST },
	{ .id = "S60", .words = "a note in every folder", .naming = SIM_NAME_AFTER, .note = SIM_NOTE_BEFORE },
	{ .id = "S61", .words = "over SMB", .act = SIM_REWRITE, .others = { SIM_COPY_NEW }, .over_share = true },
	{ .id = "S62", .words = "three rounds on each file", .rounds = 3 },
	{ .id = "S63", .words = "probes: links, modes, names, a write", .act = SIM_PROBE },
	{ .id = "S66", .words = "history flushed by rewriting", .act = SIM_CHURN, .rounds = 8 },
	{ .id = "S67",
	  .words = "extents inside large files",
	  .spread = SIM_CHANCE,
	  .enc = { 10, 3, 40 },
	  .skip = { 16 * K, 4 * K, 64 * K },
	  .large_only = true },
	{ .id = "S68", .words = "read and sent away, nothing written", .act = SIM_READ },
};

size_t bw_sim_pattern_count(void)
{
	return BW_COUNT(sim_patterns);
}

const char *bw_sim_pattern_id(size_t n)
{
	return sim_patterns[n].id;
}

const char *bw_sim_pattern_words(size_t n)
{
	return sim_patterns[n].words;
}

const struct bw_sim_pattern *sim_pattern_named(struct bw_slice id)
{
	for (size_t n = 0; n < BW_COUNT(sim_patterns); n++) {
		if (bw_slice_is_nocase(id, sim_patterns[n].id))
			return &sim_patterns[n];
	}
	return NULL;
}

static uint64_t draw(const struct sim_range *range, uint64_t strain, struct sim_dice *dice)
{
	return strain == 0 || range->high == 0 ? range->usual : sim_between(dice, range->low, range->high);
}

void sim_plan_draw(const struct bw_sim_pattern *row, uint64_t strain, struct sim_plan *out)
{
	struct sim_dice dice = sim_dice_of(strain, bw_siphash((const uint8_t[16]){ 0 }, bw_slice_text(row->id)));
	size_t others = 0;
	uint64_t which;

	while (others < BW_COUNT(row->others) && row->others[others] != SIM_WRITE)
		others++;
	which = strain == 0 ? 0 : sim_below(&dice, others + 1);
	*out = (struct sim_plan){ .row = row, .act = which == 0 ? row->act : row->others[which - 1] };
	out->block = draw(&row->block, strain, &dice);
	out->enc = draw(&row->enc, strain, &dice);
	out->skip = draw(&row->skip, strain, &dice);
	out->from = draw(&row->from, strain, &dice);
	out->footer = draw(&row->footer, strain, &dice);
	if (out->block == 0)
		out->block = strain == 0 ? 64 * K : sim_between(&dice, 4 * K, M);
}

/* Letters that make a word nobody has registered. */
static void made_up_word(struct sim_dice *dice, size_t syllables, char *out, size_t cap)
{
	static const char consonants[] = "bdfgklmnprstvz";
	static const char vowels[] = "aeiou";
	size_t at = 0;

	for (size_t n = 0; n < syllables && at + 2 < cap; n++) {
		out[at++] = consonants[sim_below(dice, sizeof(consonants) - 1)];
		out[at++] = vowels[sim_below(dice, sizeof(vowels) - 1)];
	}
	out[at] = 0;
}

void sim_names_draw(const struct bw_sim_pattern *row, uint64_t strain, struct sim_trail_head *out)
{
	struct sim_dice dice = sim_dice_of(strain, 0x6e616d65);
	char word[16];

	made_up_word(&dice, 2 + sim_below(&dice, 3), word, sizeof(word));
	if (row->ext_chars == 0)
		(void)snprintf(out->ext, sizeof(out->ext), ".%s", word);
	else {
		const size_t chars = strain == 0 ? row->ext_chars : (strain % 2 == 0 ? 7 : 16);

		out->ext[0] = '.';
		for (size_t n = 0; n < chars; n++)
			out->ext[1 + n] = "abcdefghijklmnopqrstuvwxyz0123456789"[sim_below(&dice, 36)];
		out->ext[1 + chars] = 0;
	}
	made_up_word(&dice, 3, word, sizeof(word));
	if (sim_below(&dice, 2) == 0)
		(void)snprintf(out->note, sizeof(out->note), "DRILL-%s-README.txt", word);
	else
		(void)snprintf(out->note, sizeof(out->note), "!drill_%s_note.html", word);
	(void)snprintf(out->work, sizeof(out->work), ".%06llx.tmp", (unsigned long long)sim_below(&dice, 1 << 24));
	(void)snprintf(out->side, sizeof(out->side), ".%s-key", word);
	out->strain = strain;
}
