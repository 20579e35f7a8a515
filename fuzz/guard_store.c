/*
 * A shadow store that somebody's disk damaged: its pack, and pages of its catalogue. The input says which bytes of a
 * whole store become what: be32 place (the highest bit: in the pack), length u8, bytes. Properties: a catalogue is made
 * anew whatever became of the old one, its books balance, every packed content it has verifies, and there are never
 * more contents than there were.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cursor.h"
#include "guard/shadow.h"
#include "guard/shadow_rebuild.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 30, FILE_BYTES = 64 };

#define IN_PACK UINT32_C(0x80000000)

static struct {
	char dir[40];
	struct bw_volume volume;
	struct bw_buf catalogue;
	struct bw_buf pack;
} whole = { .catalogue = BW_BUF_INIT(BW_MIB), .pack = BW_BUF_INIT(BW_MIB) };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void in_store(char out[BW_PATH_BYTES], const char *name)
{
	check(bw_path_join(out, whole.volume.store, name) == BW_OK);
}

static void keep_files(void)
{
	const struct bw_shelf_folder folder = { .path = BW_LIT("homes"), .handle = BW_LIT("h") };
	struct bw_shadow *shadow;
	uint32_t number;

	check(bw_shadow_create(&whole.volume, NULL) == BW_OK);
	check(bw_shadow_open(&whole.volume, false, &shadow, NULL) == BW_OK);
	check(bw_shelf_folder_put(bw_shadow_shelf(shadow), &folder, &number) == BW_OK);
	for (uint64_t i = 1; i <= FILES; i++) {
		char path[BW_PATH_BYTES];
		char text[FILE_BYTES];
		struct bw_take take = { .key = { .ino = i }, .folder = number, .name = BW_LIT("a file") };
		struct bw_taken taken;

		(void)snprintf(text, sizeof(text), "the content of file %llu", (unsigned long long)i);
		in_store(path, "one");
		take.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		check(take.fd >= 0 && write(take.fd, text, sizeof(text)) == sizeof(text));
		check(bw_shadow_take(shadow, &take, &taken) == BW_OK);
		check(close(take.fd) == 0);
	}
	check(bw_shadow_sync(shadow) == BW_OK && bw_shelf_rest(bw_shadow_shelf(shadow)) == BW_OK);
	bw_shadow_close(shadow);
}

static void remember(const char *name, struct bw_buf *out)
{
	char path[BW_PATH_BYTES];

	in_store(path, name);
	check(bw_file_read(path, out, NULL) == BW_OK);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_whole(void)
{
	(void)nftw(whole.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_whole(void)
{
	/* in memory where there is such a place: each turn syncs as often as a real one */
	(void)snprintf(whole.dir, sizeof(whole.dir), "%s/breakwater-fuzz-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	check(mkdtemp(whole.dir) != NULL && atexit(remove_whole) == 0);
	whole.volume = (struct bw_volume){ .root = open(whole.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	(void)snprintf(whole.volume.mount, sizeof(whole.volume.mount), "%s", whole.dir);
	check(bw_path_join(whole.volume.store, whole.dir, BW_SHADOW_FOLDER) == BW_OK);
	keep_files();
	remember("catalogue.db", &whole.catalogue);
	remember("packs/00000001.pack", &whole.pack);
}

static void put_back(const char *name, struct bw_slice bytes)
{
	char path[BW_PATH_BYTES];
	FILE *file;

	in_store(path, name);
	file = fopen(path, "we");
	check(file != NULL && fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len && fclose(file) == 0);
}

static void damage(struct bw_slice orders)
{
	struct bw_cursor c = bw_cursor_over(orders);
	struct bw_slice bytes;
	uint32_t place;
	uint8_t len;

	while (bw_take_be32(&c, &place) == BW_OK && bw_take_u8(&c, &len) == BW_OK &&
	       bw_take(&c, len, &bytes) == BW_OK) {
		const struct bw_buf *buf = (place & IN_PACK) != 0 ? &whole.pack : &whole.catalogue;
		const char *name = (place & IN_PACK) != 0 ? "packs/00000001.pack" : "catalogue.db";
		char path[BW_PATH_BYTES];
		int fd;

		in_store(path, name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		check(fd >= 0);
		check(pwrite(fd, bytes.ptr, bytes.len, (off_t)((place & ~IN_PACK) % buf->len)) == (ssize_t)bytes.len);
		check(close(fd) == 0);
	}
}

static void clear(const char *name)
{
	char path[BW_PATH_BYTES];

	in_store(path, name);
	(void)remove(path);
}

static void mend(void)
{
	struct bw_rebuilt rebuilt;
	struct bw_shadow *shadow;
	struct bw_why why = { "" };

	check(bw_shadow_rebuild(&whole.volume, &rebuilt, &why) == BW_OK);
	check(rebuilt.contents <= FILES);
	check(bw_shadow_open(&whole.volume, true, &shadow, &why) == BW_OK);
	check(bw_shadow_verify(shadow, NULL, &why) == BW_OK);
	bw_shadow_close(shadow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (whole.dir[0] == '\0')
		make_whole();
	clear("catalogue.db-wal");
	clear("catalogue.db-shm");
	put_back("catalogue.db", bw_buf_slice(&whole.catalogue));
	put_back("packs/00000001.pack", bw_buf_slice(&whole.pack));
	damage(bw_slice_of(data, size));
	mend();
	clear("damaged-1/catalogue.db");
	clear("damaged-1/catalogue.db-wal");
	clear("damaged-1");
	return 0;
}
