/* The actors themselves: by which key two families are one, and which names make a host. */
#include "guard/actor_parts.h"

/* As root these start work for others; anybody else of that name is only a process. */
static const char *const host_names[] = {
	"systemd",         "init",       "sshd", "sshd-session", "login",  "cron",        "crond",      "atd",
	"containerd-shim", "dockerd",    "runc", "conmon",       "xinetd", "inetd",       "in.telnetd", "su",
	"gdm-session-wor", "lightdm",    "sddm", "agetty",       "getty",  "supervisord", "s6-svscan",  "runsvdir",
	"xrdp-sesman",     "slurmstepd",
};

bool bw_actors_is_host_name(const char *comm)
{
	for (size_t i = 0; i < BW_COUNT(host_names); i++) {
		if (strncmp(comm, host_names[i], BW_COMM_BYTES - 1) == 0)
			return true;
	}
	return false;
}

/* Newer ones say whom they serve: "smbd[10.0.0.9]", "smbd: client [10"; "smbd-notifyd" and its like serve none. */
bool actor_is_smbd_name(const char *comm)
{
	return strncmp(comm, "smbd", 4) == 0 && (comm[4] == '\0' || comm[4] == '[' || comm[4] == ':');
}

static uint64_t mix(uint64_t kind, uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ kind << 56) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 29 ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 32;
}

/* A cgroup or session that is also a host's or the guard's tells nobody apart. */
static bool tells_apart(const struct bw_actors *actors, uint64_t cgroup, uint32_t session)
{
	for (uint32_t n = 1; n <= actors->nodes_used; n++) {
		const struct actor_node *node = &actors->nodes[n];

		if (!node->used || !(node->is_host || node->is_guard))
			continue;
		if ((cgroup != 0 && node->cgroup == cgroup) || (session != 0 && node->session == session))
			return false;
	}
	return true;
}

static enum bw_actor_kind kind_of(const struct bw_actors *actors, const struct actor_node *top)
{
	if (top->is_smbd)
		return BW_ACTOR_SMB;
	if (top->cgroup > 1 && tells_apart(actors, top->cgroup, 0))
		return BW_ACTOR_UNIT;
	if (top->session > 1 && top->session != top->pid && tells_apart(actors, 0, top->session))
		return BW_ACTOR_LOGIN;
	return BW_ACTOR_FAMILY;
}

static uint64_t key_of(enum bw_actor_kind kind, const struct actor_node *top)
{
	switch (kind) {
	case BW_ACTOR_UNIT:
		return mix(kind, top->cgroup, 0);
	case BW_ACTOR_LOGIN:
		return mix(kind, top->session, 0);
	default:
		return mix(kind, top->pid, top->start_ns != 0 ? top->start_ns : top->born_ns);
	}
}

bool actor_row_is_free(const struct bw_actors *actors)
{
	return actors->free_actor != 0 || actors->actors_used < BW_ACTORS_MAX;
}

static uint32_t take_row(struct bw_actors *actors)
{
	uint32_t row = actors->free_actor;

	if (row != 0) {
		actors->free_actor = actors->rows[row].same_slot;
		return row;
	}
	return actors->actors_used < BW_ACTORS_MAX ? ++actors->actors_used : 0;
}

uint32_t actor_row_for(struct bw_actors *actors, const struct actor_node *top)
{
	const enum bw_actor_kind kind = kind_of(actors, top);
	const uint64_t key = key_of(kind, top);
	uint32_t *slot = &actors->by_key[key % ACTOR_KEY_SLOTS];
	struct actor_row *made;
	uint32_t row;

	for (row = *slot; row != 0; row = actors->rows[row].same_slot) {
		if (actors->rows[row].key == key && actors->rows[row].about.kind == kind) {
			actors->rows[row].refs++;
			return row;
		}
	}
	if (!actor_row_is_free(actors))
		actor_room_for_row(actors);
	row = take_row(actors);
	if (row == 0)
		return 0;
	made = &actors->rows[row];
	*made = (struct actor_row){ .key = key, .same_slot = *slot, .refs = 1, .used = true };
	made->about.kind = kind;
	made->about.pid = top->pid;
	made->about.start_ns = top->start_ns;
	made->about.uid = top->uid;
	made->about.session = top->session;
	made->about.cgroup = top->cgroup;
	memcpy(made->about.comm, top->comm, sizeof(made->about.comm));
	*slot = row;
	actors->actor_count++;
	return row;
}

void actor_row_ref(struct bw_actors *actors, uint32_t row)
{
	if (row != 0)
		actors->rows[row].refs++;
}

void actor_row_unref(struct bw_actors *actors, uint32_t row)
{
	while (row != 0 && --actors->rows[row].refs == 0) {
		struct actor_row *gone = &actors->rows[row];
		const uint32_t joined = gone->joined;
		uint32_t *link = &actors->by_key[gone->key % ACTOR_KEY_SLOTS];

		while (*link != row)
			link = &actors->rows[*link].same_slot;
		*link = gone->same_slot;
		*gone = (struct actor_row){ .same_slot = actors->free_actor };
		actors->free_actor = row;
		actors->actor_count--;
		row = joined; /* it referred to that one */
	}
}

uint32_t actor_row_same(const struct bw_actors *actors, uint32_t row)
{
	while (row != 0 && actors->rows[row].joined != 0)
		row = actors->rows[row].joined;
	return row;
}

void actor_row_join(struct bw_actors *actors, uint32_t row, uint32_t other)
{
	row = actor_row_same(actors, row);
	other = actor_row_same(actors, other);
	if (row == 0 || other == 0 || row == other)
		return;
	actors->rows[row].joined = other;
	actor_row_ref(actors, other);
}

uint32_t bw_actors_same(const struct bw_actors *actors, uint32_t actor)
{
	return actor_row_same(actors, actor);
}

void bw_actors_about(const struct bw_actors *actors, uint32_t actor, struct bw_actor *out)
{
	*out = (struct bw_actor){ 0 };
	if (actor != 0)
		*out = actors->rows[actor_row_same(actors, actor)].about;
}

void bw_actors_hold(struct bw_actors *actors, uint32_t actor)
{
	actor_row_ref(actors, actor);
}

void bw_actors_let(struct bw_actors *actors, uint32_t actor)
{
	actor_row_unref(actors, actor);
}

size_t bw_actors_count(const struct bw_actors *actors)
{
	return actors->actor_count;
}
