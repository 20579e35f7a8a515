#include "accord/run_plan.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "desk/folder.h"
#include "net/url.h"

#define ARENA_BYTES (256 * BW_MIB)

/* ---- where parties are ---------------------------------------------------------------- */

static void add_address(struct bw_run_party *party, const struct addrinfo *at, uint16_t port)
{
	struct bw_net_address *out = &party->addresses[party->address_count];

	*out = (struct bw_net_address){ .port = port };
	if (at->ai_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)at->ai_addr;

		memcpy(out->ip, &in6->sin6_addr, sizeof(out->ip));
		out->scope = in6->sin6_scope_id;
	} else if (at->ai_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)at->ai_addr;

		out->ip[10] = 0xff; /* mapped (RFC 4291 §2.5.5.2) */
		out->ip[11] = 0xff;
		memcpy(out->ip + 12, &in->sin_addr, 4);
	} else {
		return;
	}
	party->address_count++;
}

/* The workers that connect cannot ask for names. */
static void resolve(struct bw_run_party *party, uint16_t port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	const int failed = getaddrinfo(party->host, NULL, &hints, &list);

	if (failed != 0) {
		bw_log(BW_WARNING, "address not found", BW_TEXT("host", party->host),
		       BW_TEXT("why", gai_strerror(failed)));
		return;
	}
	for (const struct addrinfo *at = list; at != NULL && party->address_count < BW_COUNT(party->addresses);
	     at = at->ai_next)
		add_address(party, at, port);
	freeaddrinfo(list);
}

static void set_place(struct bw_run_party *party, struct bw_slice address)
{
	struct bw_fault fault = { 0 };
	struct bw_url url;
	size_t len;

	if (address.len == 0)
		return;
	if (bw_url_parse(address, &url, &fault) != BW_OK || strlen(url.target) > BW_RUN_TARGET_MAX ||
	    strchr(url.target, '?') != NULL) {
		bw_log(BW_WARNING, "address not used: it is no URL of a node", BW_SLICE("address", address));
		return;
	}
	party->tls = url.tls;
	(void)snprintf(party->host, sizeof(party->host), "%s", url.host);
	bw_url_authority(&url, party->authority);
	(void)snprintf(party->prefix, sizeof(party->prefix), "%s", url.target);
	len = strlen(party->prefix);
	if (len > 0 && party->prefix[len - 1] == '/')
		party->prefix[len - 1] = '\0';
	resolve(party, url.port);
}

static void set_peer(struct bw_run_party *party, const struct bw_peer *peer)
{
	*party = (struct bw_run_party){ .is_peer = true };
	memcpy(party->pin, peer->card.certificate, sizeof(party->pin));
	set_place(party, peer->card.address);
	if (!party->tls) /* a partner over plain HTTP is none */
		party->host[0] = '\0';
}

/* ---- witnesses ------------------------------------------------------------------------- */

/* Operators with the same address are one party, whatever keys they have. */
static enum bw_err operator_of(struct bw_run_plan *plan, struct bw_slice url, uint32_t *out)
{
	struct bw_run_party party = { .is_peer = false };

	set_place(&party, url);
	BW_NEED(party.host[0] != '\0', NOT_FOUND);
	for (size_t i = 0; i < plan->party_count; i++) {
		const struct bw_run_party *known = &plan->parties[i];

		if (!known->is_peer && strcmp(known->authority, party.authority) == 0 &&
		    strcmp(known->prefix, party.prefix) == 0) {
			*out = (uint32_t)i;
			return BW_OK;
		}
	}
	BW_NEED(plan->party_count < BW_RUN_PARTIES_MAX, TOO_MANY);
	plan->parties[plan->party_count] = party;
	*out = (uint32_t)plan->party_count++;
	return BW_OK;
}

static bool has_witness(const struct bw_run_pact *pact, uint32_t party)
{
	for (size_t i = 0; i < pact->witness_count; i++)
		if (pact->witness[i] == party)
			return true;
	return false;
}

static enum bw_err set_witnesses(struct bw_run_plan *plan, struct bw_run_pact *pact)
{
	const struct bw_words *lines = &pact->entry.now->accord.witnesses;

	pact->witness[pact->witness_count++] = pact->peer;
	for (size_t i = 0; i < lines->count; i++) {
		struct bw_slice key;
		struct bw_slice url;
		uint32_t party;
		enum bw_err err;

		if (!bw_slice_cut(lines->of[i], ' ', &key, &url))
			continue; /* its cosignatures come some other way, or not at all */
		err = operator_of(plan, url, &party);
		if (err == BW_ERR_NOT_FOUND)
			continue;
		BW_TRY(err);
		if (!has_witness(pact, party))
			pact->witness[pact->witness_count++] = party;
	}
	return BW_OK;
}

/* ---- pacts ------------------------------------------------------------------------------- */

static enum bw_err keep(struct bw_run_plan *plan, const struct bw_buf *text, struct bw_slice *out)
{
	return bw_arena_copy(&plan->arena, bw_buf_slice(text), out);
}

static enum bw_err set_direction(struct bw_run_plan *plan, struct bw_run_pact *pact, size_t which)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf policy = BW_BUF_INIT(BW_POLICY_TEXT_MAX);
	const struct bw_papers *teller = which == BW_RUN_OUT ? &plan->mine : &pact->theirs;
	const struct bw_papers *hearer = which == BW_RUN_OUT ? &pact->theirs : &plan->mine;
	struct bw_vkey log[BW_PAPERS_KEYS];

	BW_TRY(bw_papers_log(teller, pact->entry.id, log));
	BW_TRY(bw_arena_copy(&plan->arena, bw_vkey_name(&log[0]), &pact->origin[which]));
	BW_TRY(bw_papers_policy(&pact->entry.now->accord, teller, hearer, &policy));
	return keep(plan, &policy, &pact->policy[which]);
}

static enum bw_err find_peer(const struct bw_run_plan *plan, const struct bw_run_pact *pact, uint32_t *out)
{
	const uint8_t *wanted = pact->entry.now->accord.party[1 - pact->entry.we].node;

	for (size_t i = 0; i < plan->book.peer_count; i++) {
		uint8_t name[BW_SHA256_BYTES];

		BW_TRY(bw_node_fingerprint(&plan->book.peers[i].card.node, name));
		if (memcmp(name, wanted, sizeof(name)) == 0) {
			*out = (uint32_t)i;
			return BW_OK;
		}
	}
	return BW_ERR_NOT_FOUND;
}

static enum bw_err set_pact(struct bw_run_plan *plan, struct bw_run_pact *pact, struct bw_why *why)
{
	enum bw_err err = bw_papers_of_peer(plan->data, &plan->book.peers[pact->peer], &plan->arena, &pact->theirs,
					    why);

	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	pact->has_papers = err == BW_OK;
	plan->parties[pact->peer].classical |= pact->entry.now->accord.classical_tls;
	if (!plan->has_papers || !pact->has_papers)
		return BW_OK;
	for (size_t which = BW_RUN_OUT; which <= BW_RUN_IN; which++) {
		err = set_direction(plan, pact, which);
		if (err != BW_OK)
			return bw_why_set(why, err, "the witnesses of '%.*s' cannot be used: %s",
					  BW_ARG(pact->entry.id), bw_err_text(err));
	}
	BW_TRY(set_witnesses(plan, pact));
	if (pact->entry.state != BW_ACCORD_IN_FORCE)
		return BW_OK;
	if (plan->clerks >= 2 * BW_RUN_ACCORDS_MAX)
		return BW_OK; /* the others go on */
	pact->flows = true;
	pact->clerk = plan->clerks;
	plan->clerks += 2;
	return BW_OK;
}

static enum bw_err read_pacts(struct bw_run_plan *plan, struct bw_why *why)
{
	struct bw_book_entry *entries;
	size_t count;

	BW_TRY(bw_book_list(&plan->book, &entries, &count, why));
	plan->pacts = bw_arena_zero(&plan->arena, count + 1, sizeof(*plan->pacts));
	BW_NEED(plan->pacts != NULL, MEMORY);
	for (size_t i = 0; i < count; i++) {
		struct bw_run_pact *pact = &plan->pacts[plan->pact_count];

		*pact = (struct bw_run_pact){ .entry = entries[i] };
		if (entries[i].now == NULL || find_peer(plan, pact, &pact->peer) != BW_OK)
			continue; /* whose partner is no peer any more stops */
		BW_TRY(set_pact(plan, pact, why));
		plan->pact_count++;
	}
	return BW_OK;
}

static enum bw_err read_own_papers(struct bw_run_plan *plan, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	enum bw_err err = bw_papers_own(plan->data, &envelope, why);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	if (err == BW_OK)
		err = bw_papers_check(bw_buf_slice(&envelope), &plan->book.self, &plan->arena, &plan->mine);
	if (err != BW_OK)
		return bw_why_set(why, err, "this node's papers do not hold: %s", bw_err_text(err));
	plan->has_papers = true;
	return BW_OK;
}

enum bw_err bw_run_plan_make(const char *data, struct bw_run_plan *plan, struct bw_why *why)
{
	*plan = (struct bw_run_plan){ .data = data, .arena = BW_ARENA_INIT(ARENA_BYTES), .mark = bw_run_mark(data) };
	BW_TRY(bw_run_basis(data, plan->basis, why));
	BW_TRY(bw_book_open(data, &plan->arena, &plan->book, why));
	if (plan->book.peer_count > BW_RUN_PEERS_MAX)
		return bw_why_set(why, BW_ERR_TOO_MANY, "more than %d peers", BW_RUN_PEERS_MAX);
	plan->parties = bw_arena_zero(&plan->arena, BW_RUN_PARTIES_MAX, sizeof(*plan->parties));
	BW_NEED(plan->parties != NULL, MEMORY);
	for (size_t i = 0; i < plan->book.peer_count; i++)
		set_peer(&plan->parties[plan->party_count++], &plan->book.peers[i]);
	BW_TRY(read_own_papers(plan, why));
	return read_pacts(plan, why);
}

void bw_run_plan_release(struct bw_run_plan *plan)
{
	bw_arena_release(&plan->arena);
}

struct bw_run_pact *bw_run_pact_of(struct bw_run_plan *plan, struct bw_slice id)
{
	for (size_t i = 0; i < plan->pact_count; i++)
		if (bw_slice_equals(plan->pacts[i].entry.id, id))
			return &plan->pacts[i];
	return NULL;
}

/* ---- changes ---------------------------------------------------------------------------------- */

static void stir(uint64_t *mark, const char *path)
{
	static const uint8_t key[BW_SIPHASH_KEY_BYTES]; /* nobody but the owner writes there */
	struct stat st;
	uint64_t words[4] = { *mark };

	if (stat(path, &st) != 0)
		return;
	words[1] = (uint64_t)st.st_ino;
	words[2] = (uint64_t)st.st_mtim.tv_sec;
	words[3] = (uint64_t)st.st_mtim.tv_nsec;
	*mark = bw_siphash(key, bw_slice_of(words, sizeof(words)));
}

/* A file that is written appears under its name by a rename, so its folder's time moves. */
uint64_t bw_run_mark(const char *data)
{
	struct bw_place place;
	const struct dirent *at;
	uint64_t mark = 0;
	DIR *dir;

	if (bw_folder_place(data, "accord/peers", &place) == BW_OK)
		stir(&mark, place.path);
	if (bw_folder_place(data, "accord/keys", &place) == BW_OK)
		stir(&mark, place.path);
	if (bw_folder_place(data, "accord/accords", &place) != BW_OK)
		return mark;
	dir = opendir(place.path);
	while (dir != NULL && (at = readdir(dir)) != NULL) {
		char path[BW_PATH_BYTES];

		if (bw_path_join(path, place.path, at->d_name) == BW_OK && strcmp(at->d_name, "..") != 0)
			stir(&mark, path);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return mark;
}
