/* The shadow store's inside, shared by its files only. */
#ifndef BW_GUARD_SHADOW_PARTS_H
#define BW_GUARD_SHADOW_PARTS_H

#include "guard/shadow.h"

enum { BW_FRESH_MAX = 256 };

struct bw_shadow {
	const struct bw_volume *volume;
	struct bw_shelf *shelf;
	struct bw_packs *packs;
	int folder;  /* the store */
	int objects; /* store/objects */
	int lock;
	bool read_only;
	/* objects made since the last sync; more than fit: the whole file system is synced once */
	uint64_t fresh[BW_FRESH_MAX];
	size_t fresh_count;
	struct bw_shadow_limit limit;
	uint64_t object_count;
	uint64_t replaced_bytes;
	struct bw_mended mended;
	struct {
		uint32_t pack;  /* being emptied; 0: none */
		uint64_t at;    /* what lies before this has been */
		uint32_t stuck; /* cannot be emptied: something in it is damaged */
	} tidy;
	struct bw_buf content; /* of the take that is being made */
	struct bw_buf meta;
};

/* The store's folder: root's alone, and no link. NOT_FOUND, DENIED. The caller closes. */
BW_MUST_USE enum bw_err bw_shadow_folder(const struct bw_volume *volume, int *out, struct bw_why *why);

/* Gives up what bw_shadow_set_aside took, when the file system is as good as full. */
void bw_shadow_give_up_spare(struct bw_shadow *shadow);

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

/* What bw_object_made noted reaches the disk, its folder entries too. NOT_FOUND is none: it was dropped meanwhile. */
void bw_object_made(struct bw_shadow *shadow, uint64_t version);
BW_MUST_USE enum bw_err bw_objects_sync(struct bw_shadow *shadow);

/* Copies bytes 0..size, holes as holes. SYNTAX-free: DISK_FULL, IO. */
BW_MUST_USE enum bw_err bw_copy_sparse(int from, int to, uint64_t size);

/* Whole files by reflink; UNSUPPORTED where the file system cannot. */
BW_MUST_USE enum bw_err bw_copy_reflink(int from, int to);

#endif
