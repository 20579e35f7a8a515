/*
 * `breakwater accord run`: the parent. It reads documents and keys, opens sockets, forks the workers and hands each
 * what it needs. It reads nothing that a stranger has sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/run_command.h"
#include "accord/run_plan.h"
#include "accord/run_workers.h"
#include "accord/slate.h"
#include "base/log.h"
#include "crypto/cert.h"
#include "desk/folder.h"
#include "desk/node.h"

struct parent {
	struct bw_run_shared shared; /* first: workers see the parent's memory through it */
	struct bw_call *call;
	struct bw_run_plan plan;
	struct bw_crew *crew;
	struct bw_net_address address; /* of the first listener */
	bool is_open;                  /* all were ready once since the workers began */
	bool was_open;
};

static const struct bw_worker workers[] = {
	/* name       runs            after start it may only */
	{ "hall", bw_hall_run, BW_MAY_ACCEPT },        /* frames partners' TLS and HTTP; no files, no documents */
	{ "courier", bw_courier_run, BW_MAY_CONNECT }, /* goes out; no files, no documents */
	{ "clerk", bw_clerk_run, BW_MAY_COMPUTE },     /* parses and verifies; holds nothing */
	{ "ledger", bw_ledger_run, BW_MAY_STORE },     /* files below DATA/accord; decides */
	{ "notary", bw_notary_run, BW_MAY_COMPUTE },   /* keys of logs and witness, and the slate */
	{ NULL, NULL, 0 },
};

static const struct bw_link links[] = {
	{ "hall", "ledger" }, { "courier", "ledger" }, { "clerk", "ledger" }, { "notary", "ledger" }, { NULL, NULL },
};

/* ---- telling workers what they need --------------------------------------------------- */

static enum bw_err add_parties(const struct bw_run_plan *plan, struct bw_buf *form)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(BW_RUN_LIST_MAX);

	for (size_t i = 0; i < plan->party_count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf party = BW_BUF_INIT(8 * BW_KIB);

		BW_TRY(bw_run_party_add(&party, &plan->parties[i]));
		BW_TRY(bw_buf_add_block(&list, bw_buf_slice(&party)));
	}
	return bw_form_add(form, bw_buf_slice(&list));
}

static enum bw_err tell_tls(const struct parent *p, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_MIB - 64);
	BW_CLEANUP(bw_buf_release) struct bw_buf cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	uint8_t fingerprint[BW_SHA256_BYTES];
	struct bw_why why = { 0 };

	if (bw_accord_certificate(p->shared.data, NULL, 0, &cert, &key, fingerprint, &why) != BW_OK) {
		bw_log(BW_ERROR, "certificate cannot be read", BW_TEXT("why", why.text));
		return BW_ERR_NOT_FOUND;
	}
	BW_TRY(bw_buf_reserve(&form, BW_MIB - 128)); /* growing would leave copies of the key behind */
	BW_TRY(bw_form_add(&form, bw_buf_slice(&cert)));
	BW_TRY(bw_form_add(&form, bw_secret_slice(&key)));
	BW_TRY(add_parties(&p->plan, &form));
	return bw_crew_tell(crew, who, BW_RUN_TELL_TLS, bw_buf_slice(&form), -1);
}

/* The logs this node witnesses: what its partners tell it. */
static enum bw_err add_logs(const struct bw_run_plan *plan, struct bw_buf *form)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(BW_RUN_LIST_MAX);

	for (size_t i = 0; i < plan->pact_count; i++) {
		struct bw_vkey keys[BW_PAPERS_KEYS];

		/* what is over grows no more */
		if (!plan->pacts[i].has_papers || bw_book_is_over(&plan->pacts[i].entry))
			continue;
		BW_TRY(bw_papers_log(&plan->pacts[i].theirs, plan->pacts[i].entry.id, keys));
		for (size_t k = 0; k < BW_PAPERS_KEYS; k++) {
			BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_VKEY_TEXT_MAX);

			BW_TRY(bw_vkey_add(&line, &keys[k]));
			BW_TRY(bw_buf_add_block(&list, bw_buf_slice(&line)));
		}
	}
	return bw_form_add(form, bw_buf_slice(&list));
}

static enum bw_err tell_keys(const struct parent *p, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_MIB - 64);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret seeds = { 0 };
	struct bw_node_label name;
	struct bw_slice both = bw_slice_empty;
	struct bw_why why = { 0 };

	BW_TRY(bw_buf_reserve(&form, BW_MIB - 128)); /* as above */
	if (p->plan.has_papers) {
		if (bw_notary_seeds(p->shared.data, &seeds, &why) != BW_OK) {
			bw_log(BW_ERROR, "keys of the notary cannot be read", BW_TEXT("why", why.text));
			return BW_ERR_NOT_FOUND;
		}
		both = bw_secret_slice(&seeds);
	}
	BW_TRY(bw_node_label_of(&p->plan.book.self, &name));
	BW_TRY(bw_form_add(&form, bw_slice_sub(both, 0, BW_NOTARY_SEEDS_BYTES / 2)));
	BW_TRY(bw_form_add(&form, bw_slice_from(both, BW_NOTARY_SEEDS_BYTES / 2)));
	BW_TRY(bw_form_add_text(&form, name.text));
	BW_TRY(add_logs(&p->plan, &form));
	return bw_crew_tell(crew, who, BW_RUN_TELL_KEYS, bw_buf_slice(&form), -1);
}

static enum bw_err started(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	struct parent *p = shared;

	p->crew = crew;
	if (strcmp(who->name, "notary") == 0)
		return tell_keys(p, crew, who);
	if (strcmp(who->name, "hall") != 0 && strcmp(who->name, "courier") != 0)
		return BW_OK;
	BW_TRY(tell_tls(p, crew, who));
	if (p->is_open && strcmp(who->name, "hall") == 0)
		return bw_crew_tell(crew, who, BW_RUN_TELL_BEGIN, bw_slice_empty, -1);
	return BW_OK;
}

/* ---- what the ledger asks -------------------------------------------------------------- */

static enum bw_err answer_again(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
				struct bw_buf *reply, int *reply_fd)
{
	const struct parent *p = shared;

	(void)from;
	(void)body;
	(void)fd;
	(void)reply;
	*reply_fd = -1;
	bw_log(BW_NOTICE, "documents have changed: the workers begin again", { 0 });
	bw_crew_begin_again(p->crew);
	return BW_OK;
}

/* A line to the server's keeper, made by who may make sockets. No line: no server runs. */
static enum bw_err answer_store(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
				struct bw_buf *reply, int *reply_fd)
{
	const struct parent *p = shared;

	(void)from;
	(void)body;
	(void)fd;
	(void)reply;
	*reply_fd = -1;
	/* without one the ledger asks again */
	bw_err_drop(bw_folder_connect(p->shared.data, BW_FOLDER_PARTNERS, reply_fd));
	return BW_OK;
}

static const struct bw_ask asks[] = {
	{ "ledger", BW_RUN_ASK_AGAIN, answer_again },
	{ "ledger", BW_RUN_ASK_STORE, answer_store },
	{ NULL, 0, NULL },
};

static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	const struct parent *p = shared;
	size_t count = 0;

	if (strcmp(who->name, "notary") == 0)
		out[count++] = p->shared.slate;
	if (strcmp(who->name, "hall") != 0)
		return count;
	for (size_t i = 0; i < p->shared.partner_count; i++)
		out[count++] = p->shared.partners[i];
	for (size_t i = 0; i < p->shared.cache_count; i++)
		out[count++] = p->shared.caches[i];
	return count;
}

static void ready(void *shared, struct bw_crew *crew)
{
	struct parent *p = shared;
	char address[BW_NET_ADDRESS_TEXT];

	p->is_open = true;
	/* whoever is down is told when it has started */
	bw_err_drop(bw_crew_tell_all(crew, "hall", BW_RUN_TELL_BEGIN, bw_slice_empty, -1));
	if (p->was_open)
		return;
	p->was_open = true;
	bw_net_address_text(&p->address, address);
	(void)printf("breakwater: accords ready, partners at https://%s/\n", address);
	(void)fflush(stdout);
}

/* SIGHUP: addresses are looked up anew, too. */
static void reload(void *shared, struct bw_crew *crew)
{
	(void)shared;
	bw_crew_begin_again(crew);
}

/* ---- start ---------------------------------------------------------------------------------- */

static int open_listeners(struct parent *p, const char *option, const char *fallback, int *fds, size_t *count,
			  struct bw_net_address *first)
{
	const size_t asked = bw_call_count(p->call, option);

	for (size_t i = 0; i < (asked > 0 ? asked : fallback != NULL ? 1 : 0); i++) {
		const char *text = asked > 0 ? bw_call_nth(p->call, option, i) : fallback;
		struct bw_net_address address;
		enum bw_err err = bw_net_address_parse(bw_slice_text(text), &address);

		if (err != BW_OK)
			return bw_complain(p->call, BW_EXIT_USAGE, "write an address and a port, like [::]:7443",
					   "cannot listen on '%s': %s", text, bw_err_text(err));
		if (*count == BW_RUN_LISTENERS_MAX)
			return bw_complain(p->call, BW_EXIT_USAGE, NULL, "more than %d times --%s",
					   BW_RUN_LISTENERS_MAX, option);
		err = bw_net_listen(&address, false, &fds[*count]);
		if (err != BW_OK)
			return bw_complain(p->call, BW_EXIT_FAILED, NULL, "cannot listen on '%s': %s", text,
					   err == BW_ERR_EXISTS ? "the address is in use" : bw_err_text(err));
		if (*count == 0 && first != NULL)
			bw_err_drop(bw_net_local(fds[0], first)); /* only what is printed depends on it */
		(*count)++;
	}
	return BW_EXIT_OK;
}

static enum bw_err make_folder(const char *data, const char *name, struct bw_why *why)
{
	struct bw_place place;
	enum bw_err err;

	BW_TRY(bw_folder_place(data, name, &place));
	err = bw_folder_make(place.path, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

static enum bw_err open_slate(struct parent *p, struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(make_folder(p->shared.data, "accord/witnessed", why));
	BW_TRY(make_folder(p->shared.data, "accord/out", why));
	BW_TRY(make_folder(p->shared.data, "accord/in", why));
	BW_TRY(bw_folder_place(p->shared.data, "accord/witnessed/slate", &place));
	return bw_slate_file(place.path, &p->shared.slate, why);
}

static void say_plan(const struct bw_run_plan *plan)
{
	bw_log(BW_NOTICE, "accords read", BW_NUM("accords", plan->pact_count), BW_NUM("flow", plan->clerks / 2),
	       BW_NUM("peers", plan->book.peer_count));
	for (size_t i = 0; i < plan->pact_count; i++) {
		const struct bw_run_pact *pact = &plan->pacts[i];

		if (pact->entry.state != BW_ACCORD_IN_FORCE || pact->flows)
			continue;
		if (plan->has_papers && pact->has_papers)
			bw_log(BW_ERROR, "nothing flows: too many accords are in force",
			       BW_SLICE("accord", pact->entry.id), BW_NUM("most", BW_RUN_ACCORDS_MAX));
		else
			bw_log(BW_NOTICE, "nothing flows yet: papers are missing", BW_SLICE("accord", pact->entry.id),
			       BW_TEXT("whose", plan->has_papers ? "the partner's" : "this node's"));
	}
}

/* One life of the workers, by the documents as they are now. AGAIN: they have changed. */
static enum bw_err run_once(struct parent *p, struct bw_why *why)
{
	const unsigned copies[] = { 1, 1, p->plan.clerks, 1, 1, 0 };
	const struct bw_crew_plan plan = { .workers = workers,
					   .links = links,
					   .asks = asks,
					   .copies = copies,
					   .shared = p,
					   .keep = keep,
					   .started = started,
					   .ready = ready,
					   .reload = reload };

	p->is_open = false;
	say_plan(&p->plan);
	return bw_crew_run(&plan, why);
}

static int run_all(struct parent *p)
{
	struct bw_why why = { 0 };
	enum bw_err err;

	do {
		err = bw_run_plan_make(p->shared.data, &p->plan, &why);
		p->shared.plan = &p->plan;
		if (err == BW_OK)
			err = run_once(p, &why);
		bw_run_plan_release(&p->plan);
	} while (err == BW_ERR_AGAIN);
	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "accords have stopped: %s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	return BW_EXIT_OK;
}

static int run_with(struct parent *p)
{
	struct bw_why why = { 0 };
	int status;

	if (bw_accord_place(p->shared.data, &why) != BW_OK || open_slate(p, &why) != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "%s", why.text);
	status = open_listeners(p, "listen", "0.0.0.0:7443", p->shared.partners, &p->shared.partner_count, &p->address);
	if (status == BW_EXIT_OK)
		status = open_listeners(p, "log-listen", NULL, p->shared.caches, &p->shared.cache_count, NULL);
	return status == BW_EXIT_OK ? run_all(p) : status;
}

int bw_accord_run(struct bw_call *call)
{
	struct parent *p = calloc(1, sizeof(*p));
	int status;

	if (p == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", bw_err_text(BW_ERR_MEMORY));
	p->call = call;
	p->shared.data = bw_call_data(call);
	p->shared.require_sandbox = bw_call_flag(call, "require-sandbox");
	status = run_with(p);
	free(p);
	return status;
}

const struct bw_option bw_accord_run_options[] = {
	{ .name = "listen",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ADDRESS:PORT",
	  .repeat = true,
	  .help = "where partners come to, over TLS; default 0.0.0.0:7443" },
	{ .name = "log-listen",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ADDRESS:PORT",
	  .repeat = true,
	  .help = "where anybody may read the logs' tiles and checkpoints, over plain HTTP, for caches; default "
		  "nowhere" },
	{ .name = "require-sandbox",
	  .kind = BW_OPT_FLAG,
	  .help = "do not start when the kernel cannot confine every worker" },
	{ 0 },
};
