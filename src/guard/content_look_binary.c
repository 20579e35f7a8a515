/* Programs, compiled code and disks. */
#include "guard/content_look.h"

/* ---- ELF: System V ABI, chapter 4 ----------------------------------------------------------- */

void bw_look_elf(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t class;
	uint64_t order;
	uint64_t table;
	uint64_t entry;
	uint64_t count;
	uint64_t first[8];
	bool ok;
	const bool is64 = bw_look_le(look, 4, 1, &class) && class == 2;

	if (!bw_look_le(look, 5, 1, &order))
		return;
	bw_part(opinion, (class == 1 || class == 2) && (order == 1 || order == 2) && BW_LOOK_IS(look, 6, "\1"));
	if (opinion->wrong > 0 || order == 2) { /* big-endian: the header is enough */
		bw_settle(opinion, false, false);
		return;
	}
	ok = bw_look_le(look, is64 ? 40 : 32, is64 ? 8 : 4, &table) && bw_look_le(look, is64 ? 58 : 46, 2, &entry) &&
	     bw_look_le(look, is64 ? 60 : 48, 2, &count);
	if (!ok || table == 0 || table > INT64_MAX) {
		bw_settle(opinion, false, false);
		return;
	}
	bw_part(opinion, entry == (is64 ? 64 : 40));
	if (opinion->wrong == 0 && table + entry * count > look->size)
		opinion->state = BW_STATE_SHORT;
	/* the first section header is all zeros, but for counts that overflowed */
	if (opinion->wrong == 0 && bw_look_le(look, table, 8, &first[0]))
		bw_part(opinion, first[0] == 0);
	bw_settle(opinion, opinion->state == BW_STATE_GOOD, false);
}

/* ---- PE: Microsoft PE/COFF 2.2 ---------------------------------------------------------------- */

void bw_look_pe(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t at;

	opinion->format = BW_FORMAT_UNKNOWN;
	if (!bw_look_le(look, 60, 4, &at) || !BW_LOOK_IS(look, at, "PE\0\0"))
		return;
	opinion->format = BW_FORMAT_PE;
	bw_settle(opinion, true, false);
}

/* Java classes and universal Mach-O share their magic: the version tells. */
void bw_look_class(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t version;

	if (!bw_look_be(look, 4, 4, &version))
		return;
	bw_part(opinion, (version & 0xffff) < 100 || version < 32);
	bw_settle(opinion, false, false);
}

/* ---- disks: a boot record with a partition table that can be --------------------------------------- */

void bw_look_disk(const struct bw_look *look, struct bw_opinion *opinion)
{
	unsigned used = 0;

	opinion->format = BW_FORMAT_UNKNOWN;
	if (look->size < BW_MIB || look->size % 512 != 0)
		return;
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t boot;
		uint64_t start;
		uint64_t len;

		if (!bw_look_le(look, 446 + 16 * i, 1, &boot) || !bw_look_le(look, 454 + 16 * i, 4, &start) ||
		    !bw_look_le(look, 458 + 16 * i, 4, &len) || (boot != 0 && boot != 0x80))
			return;
		used += len != 0;
		if (len != 0 && start >= look->size / 512)
			return;
	}
	if (used == 0 && !BW_LOOK_IS(look, 54, "FAT") && !BW_LOOK_IS(look, 82, "FAT32") && !BW_LOOK_IS(look, 3, "NTFS"))
		return;
	opinion->format = BW_FORMAT_DISK;
	bw_settle(opinion, true, false);
}

/* ext2 and its heirs: the superblock at 1024 (its magic is two bytes, so its numbers must be possible) */
void bw_look_disk_ext(const struct bw_look *look, struct bw_opinion *opinion)
{
	uint64_t inodes;
	uint64_t blocks;
	uint64_t log;

	opinion->format = BW_FORMAT_UNKNOWN;
	if (look->size < 64 * BW_KIB || !bw_look_le(look, 1024, 4, &inodes) || !bw_look_le(look, 1028, 4, &blocks) ||
	    !bw_look_le(look, 1048, 4, &log) || log > 6 || inodes == 0 || blocks == 0 || blocks > look->size / 1024)
		return;
	opinion->format = BW_FORMAT_DISK;
	bw_settle(opinion, true, false);
}
