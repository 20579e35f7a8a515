/* The shadow store's inside, shared by its files only. */
#ifndef BW_GUARD_SHADOW_PARTS_H
#define BW_GUARD_SHADOW_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "guard/shadow.h"

enum { BW_FRESH_MAX = 256 };

/* Objects made since the last sync; more than fit: the whole file system is synced once. */
struct bw_fresh {
	uint64_t versions[BW_FRESH_MAX];
	size_t count;
};

/* A sync under way: what its thread works on, which nobody else touches until it is done. */
struct bw_syncing {
	enum { BW_SYNCING_NOTHING, BW_SYNCING_CONTENTS, BW_SYNCING_LOG } stage;
	pthread_t thread;
	bool has_thread;
	_Atomic bool done;
	enum bw_err err;
	int wake;
	int objects; /* borrowed */
	int log;     /* borrowed */
	struct bw_packs_due packs;
	struct bw_fresh fresh;
	uint64_t last; /* version that survives a power cut when it is through */
};

struct bw_owed {
	uint64_t version;
	uint32_t pack; /* 0: an object */
};

struct bw_shadow {
	const struct bw_volume *volume;
	struct bw_shelf *shelf;
	struct bw_packs *packs;
	int folder;  /* the store */
	int objects; /* store/objects */
	int lock;
	bool read_only;
	struct bw_fresh fresh;
	struct bw_syncing syncing;
	struct bw_shadow_limit limit;
	uint64_t object_count;
	uint64_t replaced_bytes;
	struct bw_mended mended;
	struct {
		uint32_t pack;  /* being emptied; 0: none */
		uint64_t at;    /* what lies before this has been */
		uint32_t stuck; /* cannot be emptied: something in it is damaged */
	} tidy;
	/* contents of versions that were forgotten: they go when that is on the disk */
	struct bw_owed *owed;
	size_t owed_count;
	size_t owed_room;
	struct bw_buf content; /* of the take that is being made */
	struct bw_buf meta;
};

/* The store's folder: root's alone, and no link. NOT_FOUND, DENIED. The caller closes. */
BW_MUST_USE enum bw_err bw_shadow_folder(const struct bw_volume *volume, int *out, struct bw_why *why);

/* Gives up what bw_shadow_set_aside took, when the file system is as good as full. */
void bw_shadow_give_up_spare(struct bw_shadow *shadow);

/* Gives it up whatever is free; false: there was nothing. */
bool bw_shadow_use_spare(struct bw_shadow *shadow);

/* On a file system as good as full: what is written to the catalogue next is to find blocks it has. */
void bw_shadow_shorten_log(struct bw_shadow *shadow);

/* Makes store and catalogue agree: shadow_mend.c. */
BW_MUST_USE enum bw_err bw_shadow_mend(struct bw_shadow *shadow);

/* A number among the catalogue's settings; 0 when it has none of that name. */
BW_MUST_USE enum bw_err bw_shadow_number(struct bw_shadow *shadow, const char *name, uint64_t *out);

enum { BW_OBJECT_NAME_BYTES = 32 };

void bw_object_name(uint64_t version, char out[BW_OBJECT_NAME_BYTES]);

/* A fresh object file for a version; its folder is made when missing. */
BW_MUST_USE enum bw_err bw_object_make(struct bw_shadow *shadow, uint64_t version, int *out_fd);
BW_MUST_USE enum bw_err bw_object_open(struct bw_shadow *shadow, uint64_t version, int *out_fd);
void bw_object_remove(struct bw_shadow *shadow, uint64_t version);

/*
 * What bw_object_made noted reaches the disk, its folder entries too, and is noted no more. NOT_FOUND is none: it was
 * dropped meanwhile. `objects` is the folder of all.
 */
void bw_object_made(struct bw_shadow *shadow, uint64_t version);
BW_MUST_USE enum bw_err bw_objects_sync(int objects, struct bw_fresh *fresh);

/* Waits for a sync that is under way, whose second part is then left to the caller; shadow_sync.c. */
BW_MUST_USE enum bw_err bw_shadow_sync_await(struct bw_shadow *shadow);

/* Copies bytes 0..size, holes as holes. SYNTAX-free: DISK_FULL, IO. */
BW_MUST_USE enum bw_err bw_copy_sparse(int from, int to, uint64_t size);

/* Whole files by reflink; UNSUPPORTED where the file system cannot. */
BW_MUST_USE enum bw_err bw_copy_reflink(int from, int to);

#endif
