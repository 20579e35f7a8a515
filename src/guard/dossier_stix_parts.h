/* The two files that write bundles (dossier_stix.c) share this; nobody else includes it. */
#ifndef BW_GUARD_DOSSIER_STIX_PARTS_H
#define BW_GUARD_DOSSIER_STIX_PARTS_H

#include "guard/dossier.h"
#include "guard/stix_write.h"

enum { STIX_SEEN_MAX = 1024, STIX_HINTS_MAX = 32, STIX_SEED_BYTES = 160 };

enum technique { ENCRYPTED, DESTROYED, BY_SMB, TECHNIQUES };

struct stix_work {
	const struct bw_dossier *d;
	enum bw_stix_reach reach;
	struct bw_stix_writer writer;
	char seed[STIX_SEED_BYTES];
	struct bw_stix_id identity;
	struct bw_stix_id incident;
	struct bw_stix_id observed;
	struct bw_stix_id technique[TECHNIQUES];
	struct bw_stix_id seen[STIX_SEEN_MAX]; /* observables of the observed-data */
	size_t seen_count;
	struct bw_stix_id hints[STIX_HINTS_MAX]; /* indicators */
	size_t hint_count;
	struct bw_buf text; /* properties, patterns */
};

static inline bool stix_at_home(const struct stix_work *w)
{
	return w->reach == BW_STIX_HOME;
}

/* A program of the attacker's own; what everybody has would make everybody an attacker. */
bool stix_is_own_program(const struct bw_dossier *d, const struct bw_dossier_process *process);

/* Indicators of who it was, and of what was left behind. */
BW_MUST_USE enum bw_err stix_hint_who(struct stix_work *w);
BW_MUST_USE enum bw_err stix_hint_traces(struct stix_work *w);

#endif
