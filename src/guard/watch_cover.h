/*
 * Is this folder protected? Asked for every event of a whole file system, so what was found out is
 * remembered: a folder is opened by its handle once, and its path compared with the settings.
 */
#ifndef BW_GUARD_WATCH_COVER_H
#define BW_GUARD_WATCH_COVER_H

#include "guard/event.h"
#include "guard/guard.h"

struct bw_cover;

struct bw_cover_folder {
	struct bw_file_key key;
	uint32_t age;
	uint16_t strangers; /* unknown files written in it since `since_ns` */
	bool there;
	bool covered;
	bool asked;    /* for a mark */
	uint8_t names; /* may still be removed before it is worth counting them again */
	uint64_t since_ns;
};

/* MEMORY. */
BW_MUST_USE enum bw_err bw_cover_new(const struct bw_guard *guard, struct bw_cover **out);
void bw_cover_free(struct bw_cover *cover); /* NULL allowed */

/* What is known of a folder; until the next call. A folder that is gone is not covered. */
struct bw_cover_folder *bw_cover_of(struct bw_cover *cover, const struct bw_volume *volume,
				    const struct bw_file_key *key, const struct bw_handle *handle);

/* The same for a file in it: where the settings leave out by pattern, its name counts too. */
bool bw_cover_file(struct bw_cover *cover, const struct bw_volume *volume, const struct bw_cover_folder *folder,
		   const struct bw_handle *handle, struct bw_slice name);

/*
 * What a folder still holds, of which one was just removed, and where it lies. Looks at the folder only when it may be
 * nearly empty.
 */
void bw_cover_left(const struct bw_cover *cover, struct bw_cover_folder *folder, const struct bw_volume *volume,
		   const struct bw_handle *handle, struct bw_event_left *out);

/* A folder was renamed, or the settings changed: all is found out anew. */
void bw_cover_forget(struct bw_cover *cover);

#endif
