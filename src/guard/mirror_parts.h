/* What the files of `guard mirror` share. */
#ifndef BW_GUARD_MIRROR_PARTS_H
#define BW_GUARD_MIRROR_PARTS_H

#include "base/command.h"
#include "base/secret.h"
#include "crypto/cert.h"
#include "guard/mirror_journal.h"
#include "sys/files.h"

/* The node's certificate and its key, as docs/keys.md says where. */
struct mirror_identity {
	struct bw_buf cert;
	struct bw_secret key;
	char fingerprint[BW_FINGERPRINT_CHARS + 1];
};

BW_MUST_USE enum bw_err mirror_identity_load(const char *data, struct mirror_identity *out, struct bw_why *why);
void mirror_identity_release(struct mirror_identity *identity);

/* DATA/mirror/<fingerprint>. */
BW_MUST_USE enum bw_err mirror_folder(const char *data, const char *fingerprint, char out[BW_PATH_BYTES]);

int mirror_serve(const struct bw_call *call);
int mirror_push(const struct bw_call *call);
int mirror_verify(const struct bw_call *call);
int mirror_restore(const struct bw_call *call);

#endif
