#include "guard/shadow_in_tests.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

struct fixture *shadow_fixture(const char *path)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bw_shelf_folder folder = { .path = bw_slice_text(path), .handle = BW_LIT("h") };

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-shadow-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->volume = (struct bw_volume){ .root = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	(void)snprintf(f->volume.mount, sizeof(f->volume.mount), "%s", f->dir);
	assert_ok(bw_path_join(f->volume.store, f->dir, BW_SHADOW_FOLDER));
	assert_ok(bw_shadow_create(&f->volume, NULL));
	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	assert_ok(bw_shelf_folder_put(bw_shadow_shelf(f->shadow), &folder, &f->folder));
	return f;
}

void shadow_fixture_free(struct fixture *f)
{
	bw_shadow_close(f->shadow);
	bw_volume_release(&f->volume);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
}

int shadow_setup(void **state)
{
	*state = shadow_fixture("");
	return 0;
}

int shadow_teardown(void **state)
{
	struct fixture *f = *state;
	struct bw_why why = { "" };

	assert_ok(bw_shadow_commit(f->shadow));
	if (bw_shadow_verify(f->shadow, NULL, &why) != BW_OK)
		fail_msg("%s", why.text);
	shadow_fixture_free(f);
	return 0;
}

void shadow_reopen(struct fixture *f)
{
	struct bw_why why = { "" };

	bw_shadow_close(f->shadow);
	f->shadow = NULL;
	if (bw_shadow_open(&f->volume, false, &f->shadow, &why) != BW_OK)
		fail_msg("%s", why.text);
}

int shadow_file(struct fixture *f, const char *name, const void *bytes, size_t len)
{
	const int fd = openat(f->volume.root, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

struct bw_taken shadow_take(struct fixture *f, int fd, uint64_t ino)
{
	const struct bw_take what = { .fd = fd, .key = { .ino = ino }, .folder = f->folder, .name = BW_LIT("name") };
	struct bw_taken taken;

	assert_ok(bw_shadow_take(f->shadow, &what, &taken));
	return taken;
}
