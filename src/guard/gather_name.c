/* Names of files with several: which of them went while nobody looked. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/gather.h"
#include "sys/beneath.h"
#include "sys/clock.h"

struct gone {
	const struct bw_volume *volume;
	struct bw_arena arena;
	struct bw_shelf_name *names;
	size_t count;
	size_t room;
};

enum { NAMES_BYTES = 256 * 1024 * 1024 };

/* Whatever else bears the name now: it is another file's. */
static bool is_there(const struct bw_volume *volume, const struct bw_shelf_name *name)
{
	char path[2 * BW_PATH_BYTES];
	struct bw_file_key key;
	bool there = false;
	enum bw_err err;
	int fd = -1;

	if (name->path.len + 1 + name->name.len >= sizeof(path))
		return true; /* deeper than a path can say: nobody knows */
	(void)snprintf(path, sizeof(path), "%.*s%s%.*s", BW_ARG(name->path), name->path.len > 0 ? "/" : "",
		       BW_ARG(name->name));
	err = bw_open_beneath(volume->root, path, O_PATH, 0, &fd);
	if (err != BW_OK)
		return err != BW_ERR_NOT_FOUND && err != BW_ERR_TYPE;
	if (bw_volume_key(volume, fd, &key) == BW_OK)
		there = key.ino == name->key.ino && key.tree == name->key.tree && key.gen == name->key.gen;
	(void)close(fd);
	return there;
}

static enum bw_err see_name(void *context, const struct bw_shelf_name *name)
{
	struct gone *gone = context;
	struct bw_shelf_name copy = *name;

	if (is_there(gone->volume, name))
		return BW_OK;
	if (gone->count == gone->room) {
		const size_t room = gone->room == 0 ? 64 : 2 * gone->room;
		struct bw_shelf_name *names = realloc(gone->names, room * sizeof(*names));

		BW_NEED(names != NULL, MEMORY);
		gone->names = names;
		gone->room = room;
	}
	BW_TRY(bw_arena_copy(&gone->arena, name->name, &copy.name));
	gone->names[gone->count++] = copy;
	return BW_OK;
}

enum bw_err bw_gather_names(struct bw_shelf *shelf, const struct bw_volume *volume)
{
	struct gone gone = { .volume = volume, .arena = BW_ARENA_INIT(NAMES_BYTES) };
	const int64_t now_us = bw_clock_now_us();
	enum bw_err err = bw_shelf_names_below(shelf, bw_slice_empty, now_us, see_name, &gone);

	for (size_t i = 0; i < gone.count && err == BW_OK; i++)
		err = bw_shelf_name_gone(shelf, &gone.names[i].key, gone.names[i].folder, gone.names[i].name, now_us);
	bw_arena_release(&gone.arena);
	free(gone.names);
	return err;
}
