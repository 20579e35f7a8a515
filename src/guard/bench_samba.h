/*
 * A Samba of the bench's own: smbd with its own configuration and state, in a network namespace that the bench enters
 * for as long as it lasts, and one client at an address of its own in another. Nothing of the machine's own Samba or
 * network is read or changed; what is started ends with the bench, however that ends.
 */
#ifndef BW_GUARD_BENCH_SAMBA_H
#define BW_GUARD_BENCH_SAMBA_H

#include "guard/bench_guard.h"

#define BW_SAMBA_URL "//10.77.0.1/share"

struct bw_samba {
	int home; /* the network the bench came from */
	char folder[BW_PATH_BYTES];
	char config[BW_PATH_BYTES];
	struct bw_program_run client; /* holds the client's network */
	struct bw_program_run smbd;
	int meter; /* the processor time of smbd and of all it starts: bw_place_metered */
};

#define BW_SAMBA_NONE ((struct bw_samba){ .home = -1, .client = BW_PROGRAM_NONE, .smbd = BW_PROGRAM_NONE, .meter = -1 })

/* Shares the place's tree, writable to the user nobody. UNSUPPORTED: what this machine lacks stands in `why`. */
BW_MUST_USE enum bw_err bw_samba_start(const struct bw_gbench *bench, const struct bw_place *place,
				       struct bw_samba *out, struct bw_why *why);
void bw_samba_stop(struct bw_samba *samba);

/* The words that run a program as the client; for bw_place_run. */
void bw_samba_inside(const struct bw_samba *samba, char out[64]);

/* smbclient at the client, told by `script` on its input. DENIED: it was not let in. */
BW_MUST_USE enum bw_err bw_samba_say(const struct bw_samba *samba, struct bw_slice script, int64_t *out_us,
				     struct bw_why *why);

#endif
