/* Files that were made without a name and got one later: what happens to them is told under the name they have. */
#include <fcntl.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "guard/watch_parts.h"

static void remember(struct watch *w, const struct bw_file_key *file)
{
	struct bw_file_key *place = &w->nameless[w->nameless_next++ % WATCH_NAMELESS_MAX];

	if (place->ino == 0)
		w->nameless_count++;
	else
		w->forgot_us = w->now_us; /* its name, when it gets one, is looked at all the same (watch_event.c) */
	*place = *file;
}

bool watch_named(struct watch *w, const struct bw_file_key *file)
{
	for (size_t i = 0; i < WATCH_NAMELESS_MAX && w->nameless_count > 0; i++) {
		if (w->nameless[i].ino != 0 && bw_file_key_equals(&w->nameless[i], file)) {
			w->nameless[i] = (struct bw_file_key){ 0 };
			w->nameless_count--;
			return true;
		}
	}
	return false;
}

bool watch_find_name(struct watch *w, const struct bw_volume *volume, struct bw_fan_event *fan, struct bw_name *room)
{
	const struct bw_slice told = fan->folder.name;
	struct bw_file_key folder;
	struct bw_file_key file;
	enum bw_err err;
	int fd;

	if (told.len == 0 || told.ptr[0] != '#' || !fan->folder.there ||
	    bw_file_key_of_handle(fan->file.handle.type, bw_slice_of(fan->file.handle.bytes, fan->file.handle.len),
				  volume->number, &file) != BW_OK ||
	    !bw_name_is_temporary(told, file.ino) ||
	    bw_file_key_of_handle(fan->folder.handle.type,
				  bw_slice_of(fan->folder.handle.bytes, fan->folder.handle.len), volume->number,
				  &folder) != BW_OK ||
	    bw_volume_open(volume, &fan->file.handle, O_PATH, &fd) != BW_OK)
		return true;
	err = bw_name_now(volume, fd, &folder, told, room);
	(void)close(fd);
	if (err == BW_ERR_NOT_FOUND && (fan->mask & FAN_CLOSE_WRITE) != 0)
		remember(w, &file);
	if (err == BW_OK && room->is_other && bw_volume_handle_of(volume, &room->folder, &fan->folder.handle) == BW_OK)
		fan->folder.name = bw_slice_of(room->bytes, room->len);
	return err != BW_ERR_NOT_FOUND;
}
