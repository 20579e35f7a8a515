/* Whom an smbd child serves: the address first, from the kernel, the users later, from Samba. */
#include "guard/actor_parts.h"
#include "guard/keep_out.h"

/* ---- texts -------------------------------------------------------------------------------- */

static void copy_text(char *out, size_t size, struct bw_slice text)
{
	const size_t len = text.len < size - 1 ? text.len : size - 1;

	memset(out, 0, size);
	memcpy(out, text.ptr, len);
}

static bool holds_user(const char *list, struct bw_slice user)
{
	struct bw_slice rest = bw_slice_text(list);

	while (rest.len > 0) {
		const uint8_t *mark = memchr(rest.ptr, ',', rest.len);
		const struct bw_slice one = mark == NULL ? rest : bw_slice_sub(rest, 0, (size_t)(mark - rest.ptr));

		rest = bw_slice_from(rest, one.len + 1);
		if (bw_slice_equals(bw_slice_trim(one), user))
			return true;
	}
	return false;
}

/* False when it is there already, or there is no room for all of it. */
static bool add_user(char list[BW_ACTOR_USERS_BYTES], struct bw_slice user)
{
	const size_t len = strlen(list);
	const size_t room = BW_ACTOR_USERS_BYTES - 1 - len;

	if (user.len == 0 || holds_user(list, user))
		return false;
	if (len == 0) {
		copy_text(list, BW_ACTOR_USERS_BYTES, user);
		return true;
	}
	if (room < user.len + 2)
		return false;
	memcpy(list + len, ", ", 2);
	memcpy(list + len + 2, user.ptr, user.len);
	list[len + 2 + user.len] = '\0';
	return true;
}

/* ---- which child ------------------------------------------------------------------------------ */

/*
 * By its start, where that is known. Samba knows no starts, and tells of children that have ended (their sessions
 * stay in its tables for a while): then client and port must be those the kernel told. Where it told nothing, the child
 * must be alive, or have left evidence: what has its number in Samba's tables then is older only if all numbers were
 * used up meanwhile.
 */
static bool is_meant(const struct bw_actors *actors, const struct actor_node *node,
		     const struct bw_actor_client *client)
{
	const struct actor_row *row = &actors->rows[node->actor];

	if (node->pid != client->pid || !node->is_smbd || node->actor == 0 || row->about.kind != BW_ACTOR_SMB)
		return false;
	if (client->start_ns != 0 && node->start_ns != 0)
		return client->start_ns == node->start_ns;
	if (node->port == 0 || client->port == 0)
		return node->alive || node->pins > 0;
	return node->port == client->port && bw_slice_is(client->address, row->about.address);
}

static uint32_t find_child(const struct bw_actors *actors, const struct bw_actor_client *client)
{
	uint32_t n = actors->by_pid[actor_slot(client->pid)];

	while (n != 0 && !is_meant(actors, &actors->nodes[n], client))
		n = actors->nodes[n].same_slot;
	return n;
}

/* ---- who is one ---------------------------------------------------------------------------------- */

static bool is_shared_by_nature(const char *address)
{
	struct bw_address parsed;

	return bw_address_parse(bw_slice_text(address), &parsed) != BW_OK;
}

static bool is_same_client(const struct bw_actor *a, const struct bw_actor *b)
{
	if (strcmp(a->address, b->address) != 0)
		return false;
	if (!is_shared_by_nature(a->address))
		return true;
	return a->user[0] != '\0' && strcmp(a->user, b->user) == 0;
}

static void join(struct bw_actors *actors, uint32_t mine, uint32_t other)
{
	struct bw_slice rest = bw_slice_text(actors->rows[mine].about.user);
	struct bw_slice one;

	while (bw_slice_cut(rest, ',', &one, &rest))
		(void)add_user(actors->rows[other].about.user, bw_slice_trim(one));
	(void)add_user(actors->rows[other].about.user, bw_slice_trim(rest));
	actor_row_join(actors, mine, other);
}

static void join_same(struct bw_actors *actors, uint32_t mine)
{
	const struct actor_row *row = &actors->rows[mine];

	for (uint32_t i = 1; i <= actors->actors_used; i++) {
		const struct actor_row *other = &actors->rows[i];

		if (i == mine || !other->used || other->joined != 0 || other->about.kind != BW_ACTOR_SMB ||
		    !is_same_client(&row->about, &other->about))
			continue;
		join(actors, mine, i);
		return;
	}
}

uint32_t bw_actors_name(struct bw_actors *actors, const struct bw_actor_client *client, bool *out_is_news)
{
	const uint32_t n = find_child(actors, client);
	struct actor_row *own;
	uint32_t mine;

	*out_is_news = false;
	if (n == 0)
		return 0;
	own = &actors->rows[actors->nodes[n].actor];
	mine = actor_row_same(actors, actors->nodes[n].actor);
	if (own->about.address[0] == '\0' && client->address.len > 0) {
		copy_text(own->about.address, sizeof(own->about.address), client->address);
		actors->nodes[n].port = client->port;
		*out_is_news = true;
	}
	if (add_user(own->about.user, client->user))
		*out_is_news = true;
	if (mine == actors->nodes[n].actor)
		join_same(actors, mine);
	else
		(void)add_user(actors->rows[mine].about.user, client->user);
	return n;
}

static bool is_child(const struct bw_actors *actors, const struct actor_node *node)
{
	return node->used && node->is_smbd && node->actor != 0 && actors->rows[node->actor].about.kind == BW_ACTOR_SMB;
}

bool bw_actors_has_nameless(const struct bw_actors *actors)
{
	for (uint32_t n = 1; n <= actors->nodes_used; n++) {
		const struct actor_node *node = &actors->nodes[n];

		if (is_child(actors, node) && (node->alive || node->pins > 0) &&
		    actors->rows[node->actor].about.user[0] == '\0')
			return true;
	}
	return false;
}

uint32_t bw_actors_next_known(const struct bw_actors *actors, uint32_t after)
{
	for (uint32_t n = after + 1; n <= actors->nodes_used; n++) {
		const struct actor_node *node = &actors->nodes[n];

		if (is_child(actors, node) && node->alive && actors->rows[node->actor].about.address[0] != '\0')
			return n;
	}
	return 0;
}

uint32_t bw_actors_next_unknown(const struct bw_actors *actors, uint32_t after)
{
	for (uint32_t n = after + 1; n <= actors->nodes_used; n++) {
		const struct actor_node *node = &actors->nodes[n];

		if (is_child(actors, node) && node->alive && actors->rows[node->actor].about.address[0] == '\0')
			return n;
	}
	return 0;
}
