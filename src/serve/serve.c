/*
 * `breakwater serve`: the parent. It opens sockets and keys, forks the workers
 * and hands each what it needs. It reads nothing that a stranger has sent.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "crypto/keys.h"
#include "crypto/secret_input.h"
#include "desk/folder.h"
#include "desk/form.h"
#include "net/address.h"
#include "serve/ask.h"
#include "serve/limits.h"
#include "serve/settings.h"
#include "serve/workers.h"
#include "sys/service.h"

enum { FILE_MAX_BYTES = 256 * 1024 };

struct parent {
	struct bw_serve_shared shared; /* first: workers see the parent's memory through it */
	struct bw_call *call;
	const char *data;
	struct bw_place store;
	struct bw_serve_settings settings;
	int memory[2]; /* catalogue and bulletin as the keeper last shared them; -1: not yet */
	struct bw_secret passphrase;
	struct bw_net_address address; /* of the first listener */
	struct bw_crew *crew;
	bool is_open; /* all were ready once: fronts accept clients */
};

static const struct bw_worker workers[] = {
	/* name       runs             after start it may only */
	{ "front", bw_front_run, BW_MAY_ACCEPT },     /* frames TLS and HTTP, knows no STIX */
	{ "gate", bw_gate_run, BW_MAY_COMPUTE },      /* checks passwords */
	{ "reader", bw_reader_run, BW_MAY_COMPUTE },  /* parses objects; no files, no network, no keys */
	{ "pager", bw_pager_run, BW_MAY_READ_STORE }, /* reads pages */
	{ "keeper", bw_keeper_run,
	  BW_MAY_STORE | BW_MAY_ACCEPT },            /* writes; sees checked objects; its socket is local */
	{ "indexer", bw_indexer_run, BW_MAY_STORE }, /* builds what search needs */
	{ "signer", bw_signer_run, BW_MAY_COMPUTE }, /* the node's keys */
	{ NULL, NULL, 0 },
};

static const struct bw_link links[] = {
	{ "front", "gate" }, { "front", "reader" },  { "front", "keeper" }, { "front", "pager" },
	{ "gate", "pager" }, { "keeper", "signer" }, { NULL, NULL },
};

/* ---- telling workers what they need ------------------------------------ */

static enum bw_err tell_settings(const struct parent *p, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(8192);

	BW_TRY(bw_settings_add(&form, &p->settings));
	return bw_crew_tell(crew, who, BW_TELL_SETTINGS, bw_buf_slice(&form), -1);
}

static enum bw_err add_file(struct bw_buf *form, const char *data, const char *name, bool needed, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf content = BW_BUF_INIT(FILE_MAX_BYTES);
	struct bw_place place;
	enum bw_err err;

	/* room first: growing would leave copies of a key behind in freed memory */
	BW_TRY(bw_buf_reserve(&content, FILE_MAX_BYTES - 1));
	BW_TRY(bw_folder_place(data, name, &place));
	err = bw_file_read(place.path, &content, why);
	if (err != BW_OK && (needed || err != BW_ERR_NOT_FOUND))
		return err;
	return bw_form_add(form, bw_buf_slice(&content));
}

static enum bw_err certificate_form(const struct parent *p, struct bw_buf *form, struct bw_why *why)
{
	BW_TRY(bw_buf_reserve(form, 3 * FILE_MAX_BYTES)); /* as in add_file */
	BW_TRY(add_file(form, p->data, BW_FOLDER_CERT, true, why));
	BW_TRY(add_file(form, p->data, BW_FOLDER_KEY, true, why));
	return add_file(form, p->data, BW_FOLDER_CLIENT_CA, false, why);
}

static enum bw_err tell_certificate(const struct parent *p, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_MIB - 64);
	struct bw_why why = { 0 };
	const enum bw_err err = certificate_form(p, &form, &why);

	if (err != BW_OK) {
		bw_log(BW_ERROR, "certificate cannot be read", BW_TEXT("why", why.text));
		return err;
	}
	return bw_crew_tell(crew, who, BW_TELL_CERT, bw_buf_slice(&form), -1);
}

static enum bw_err tell_keys(const struct parent *p, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(64 * BW_KIB);
	struct bw_why why = { 0 };

	BW_TRY(add_file(&form, p->data, BW_FOLDER_NODE_KEYS, true, &why));
	BW_TRY(bw_form_add(&form, bw_secret_slice(&p->passphrase)));
	return bw_crew_tell(crew, who, BW_TELL_KEYS, bw_buf_slice(&form), -1);
}

static enum bw_err tell_memory(const struct parent *p, struct bw_crew *crew, const struct bw_member *who, size_t what)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(64);

	if (p->memory[what] < 0)
		return BW_OK;
	BW_TRY(bw_form_add_num(&form, what));
	return bw_crew_tell(crew, who, BW_TELL_MEMORY, bw_buf_slice(&form), p->memory[what]);
}

/* Which workers read the keeper's memory files. */
static bool wants_memory(const char *name, size_t what)
{
	if (what == BW_MEMORY_BULLETIN)
		return strcmp(name, "front") == 0 || strcmp(name, "pager") == 0;
	return strcmp(name, "pager") == 0 || strcmp(name, "indexer") == 0;
}

static enum bw_err started(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	struct parent *p = shared;
	const bool is_front = strcmp(who->name, "front") == 0;

	p->crew = crew;
	BW_TRY(tell_settings(p, crew, who));
	if (strcmp(who->name, "signer") == 0)
		return tell_keys(p, crew, who);
	if (is_front && !p->settings.plain)
		BW_TRY(tell_certificate(p, crew, who));
	if (is_front && p->is_open)
		BW_TRY(bw_crew_tell(crew, who, BW_TELL_OPEN, bw_slice_empty, -1));
	for (size_t what = 0; what < BW_COUNT(p->memory); what++) {
		if (wants_memory(who->name, what))
			BW_TRY(tell_memory(p, crew, who, what));
	}
	return BW_OK;
}

/* The keeper has (again) opened the store and shares its memory. */
static enum bw_err answer_share(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
				struct bw_buf *reply, int *reply_fd)
{
	struct parent *p = shared;
	struct bw_form form;
	uint64_t what;

	(void)from;
	(void)reply;
	*reply_fd = -1;
	BW_TRY(bw_form_take(body, 1, &form));
	BW_TRY(bw_form_num(&form, 0, BW_COUNT(p->memory) - 1, &what));
	BW_NEED(fd >= 0, PROTOCOL);
	if (p->memory[what] >= 0)
		(void)close(p->memory[what]);
	p->memory[what] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	BW_NEED(p->memory[what] >= 0, TOO_MANY);
	for (const struct bw_worker *w = workers; w->name != NULL; w++) {
		if (wants_memory(w->name, what))
			/* whoever is down is told when it has started */
			bw_err_drop(bw_crew_tell_all(p->crew, w->name, BW_TELL_MEMORY, body, p->memory[what]));
	}
	return BW_OK;
}

static const struct bw_ask asks[] = {
	{ "keeper", BW_ASK_SHARE, answer_share },
	{ NULL, 0, NULL },
};

static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	const struct parent *p = shared;
	size_t count = 0;

	if (strcmp(who->name, "front") == 0) {
		for (size_t i = 0; i < p->shared.listener_count; i++)
			out[count++] = p->shared.listeners[i];
	}
	if (strcmp(who->name, "keeper") == 0) {
		out[count++] = p->shared.control;
		out[count++] = p->shared.partners;
	}
	return count;
}

/* Clients wait in the sockets until now: one that woke the service by its connection must not get a 503 for it. */
static void ready(void *shared, struct bw_crew *crew)
{
	struct parent *p = shared;
	char address[BW_NET_ADDRESS_TEXT];

	p->is_open = true;
	bw_err_drop(bw_crew_tell_all(crew, "front", BW_TELL_OPEN, bw_slice_empty, -1)); /* as in answer_share */
	bw_net_address_text(&p->address, address);
	(void)printf("breakwater: exchange ready, discovery at %s://%s/taxii2/\n", p->settings.plain ? "http" : "https",
		     address);
	(void)fflush(stdout);
}

static enum bw_err read_passphrase(struct parent *p, struct bw_why *why)
{
	const char *path = bw_call_text(p->call, "passphrase-file");
	enum bw_err err;

	if (path != NULL)
		return bw_secret_from_file(path, BW_PASSPHRASE_MAX, &p->passphrase, why);
	err = bw_service_credential("node-passphrase", &p->passphrase, why);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

/* ---- reload ------------------------------------------------------------- */

/* Connections that stand keep the certificate they began with. */
static void reload_certificate(const struct parent *p, struct bw_crew *crew)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf form = BW_BUF_INIT(BW_MIB - 64);
	struct bw_why why = { 0 };

	if (certificate_form(p, &form, &why) != BW_OK) {
		bw_log(BW_ERROR, "certificate cannot be read; the old one stays", BW_TEXT("why", why.text));
		return;
	}
	bw_err_drop(bw_crew_tell_all(crew, "front", BW_TELL_CERT, bw_buf_slice(&form), -1)); /* as above */
}

/* After a rotation. A pipe gave its passphrase at the start and has no more: that one is tried again. */
static void reload_keys(struct parent *p, struct bw_crew *crew)
{
	static const struct bw_member signer = { "signer", 0 };
	const char *path = bw_call_text(p->call, "passphrase-file");
	struct bw_why why = { 0 };

	if ((path == NULL || bw_file_is_plain(path)) && read_passphrase(p, &why) != BW_OK)
		bw_log(BW_ERROR, "passphrase cannot be read; the old one is tried", BW_TEXT("why", why.text));
	if (tell_keys(p, crew, &signer) != BW_OK)
		bw_log(BW_ERROR, "node keys cannot be read again; the old ones stay", { 0 });
}

/* SIGHUP */
static void reload(void *shared, struct bw_crew *crew)
{
	struct parent *p = shared;

	if (!p->settings.plain)
		reload_certificate(p, crew);
	reload_keys(p, crew);
}

/* ---- start ------------------------------------------------------------- */

static const char *listen_words(enum bw_err err)
{
	switch (err) {
	case BW_ERR_EXISTS:
		return "the address is in use";
	case BW_ERR_NOT_FOUND:
		return "this machine has no such address";
	default:
		return bw_err_text(err);
	}
}

static const char *listen_hint(enum bw_err err)
{
	switch (err) {
	case BW_ERR_EXISTS:
		return "who has it: ss -ltnp; another port: --listen ADDRESS:PORT";
	case BW_ERR_NOT_FOUND:
		return "those it has: ip address; to listen on all: --listen [::]:8443";
	case BW_ERR_DENIED:
		return "a port below 1024 needs a privilege; 8443 needs none";
	default:
		return NULL;
	}
}

/* "[::]:0" before it is bound looks like a socket pair, which has no address: any port tells them apart. */
static bool is_this_machine_only(struct bw_net_address address)
{
	address.port = 1;
	return bw_net_address_is_loopback(&address);
}

static int open_listener(struct parent *p, const char *text)
{
	struct bw_net_address address;
	int fd;
	enum bw_err err = bw_net_address_parse(bw_slice_text(text), &address);

	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_USAGE,
				   "write an address and a port, like 127.0.0.1:8443 or [::]:8443",
				   "cannot listen on '%s': %s", text, bw_err_text(err));
	if (p->settings.plain && !is_this_machine_only(address))
		return bw_complain(p->call, BW_EXIT_USAGE, "leave --plain out, or listen on 127.0.0.1 or [::1]",
				   "cannot listen on '%s': plain HTTP is for this machine only", text);
	err = bw_net_listen(&address, false, &fd);
	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, listen_hint(err), "cannot listen on '%s': %s", text,
				   listen_words(err));
	p->shared.listeners[p->shared.listener_count++] = fd;
	if (p->shared.listener_count == 1)
		bw_err_drop(bw_net_local(fd, &p->address)); /* only what is printed depends on it */
	return BW_EXIT_OK;
}

/* Sockets that the service manager opened are held to the same rule. */
static int take_listeners(struct parent *p)
{
	for (size_t i = 0; i < p->shared.listener_count; i++) {
		struct bw_net_address address;
		const bool known = bw_net_local(p->shared.listeners[i], &address) == BW_OK;

		if (p->settings.plain && !(known && bw_net_address_is_loopback(&address)))
			return bw_complain(
				p->call, BW_EXIT_USAGE, "leave --plain out, or let the socket unit listen on 127.0.0.1",
				"cannot use the socket of the service manager: plain HTTP is for this machine only");
		if (i == 0 && known)
			p->address = address;
	}
	return BW_EXIT_OK;
}

static int open_listeners(struct parent *p)
{
	const size_t asked = bw_call_count(p->call, "listen");

	p->shared.listener_count = bw_service_listen_fds(p->shared.listeners, BW_LISTENERS_MAX);
	if (p->shared.listener_count > 0)
		return take_listeners(p);
	if (asked == 0)
		return open_listener(p, "127.0.0.1:8443");
	for (size_t i = 0; i < asked && i < BW_LISTENERS_MAX; i++) {
		const int status = open_listener(p, bw_call_nth(p->call, "listen", i));

		if (status != BW_EXIT_OK)
			return status;
	}
	return BW_EXIT_OK;
}

static void copy_setting(char out[BW_SETTING_TEXT_MAX], const char *text)
{
	(void)snprintf(out, BW_SETTING_TEXT_MAX, "%s", text == NULL ? "" : text);
}

static void read_settings(struct parent *p)
{
	copy_setting(p->settings.title, bw_call_text(p->call, "title"));
	copy_setting(p->settings.description, bw_call_text(p->call, "description"));
	copy_setting(p->settings.contact, bw_call_text(p->call, "contact"));
	p->settings.max_content_bytes = (uint64_t)bw_call_num(p->call, "max-content");
	p->settings.require_sandbox = bw_call_flag(p->call, "require-sandbox");
	p->settings.plain = bw_call_flag(p->call, "plain");
}

static int run_crew(struct parent *p)
{
	const unsigned fronts = (unsigned)bw_call_num(p->call, "fronts");
	const unsigned copies[] = { fronts, 1, 1, 1, 1, 1, 1, 0 };
	const struct bw_crew_plan plan = {
		.workers = workers,
		.links = links,
		.asks = asks,
		.copies = copies,
		.shared = p,
		.keep = keep,
		.started = started,
		.ready = ready,
		.reload = reload,
	};
	struct bw_why why = { 0 };
	const enum bw_err err = bw_crew_run(&plan, &why);

	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, "see the lines above; `breakwater doctor` may know more",
				   "the exchange has stopped: %s", why.text[0] != 0 ? why.text : bw_err_text(err));
	return BW_EXIT_OK;
}

static int serve_with(struct parent *p)
{
	struct bw_why why = { 0 };
	int status;

	if (bw_folder_check(p->data, &why) != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "%s", why.text);
	if (bw_folder_place(p->data, "store", &p->store) != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "the path of the data folder '%s' is too long",
				   p->data);
	p->shared.store = p->store.path;
	read_settings(p);
	if (read_passphrase(p, &why) != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "%s", why.text);
	status = open_listeners(p);
	if (status != BW_EXIT_OK)
		return status;
	if (bw_folder_listen(p->data, BW_FOLDER_CONTROL, &p->shared.control, &why) != BW_OK ||
	    bw_folder_listen(p->data, BW_FOLDER_PARTNERS, &p->shared.partners, &why) != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, NULL, "%s", why.text);
	return run_crew(p);
}

static int serve_run(struct bw_call *call)
{
	struct parent p = { .call = call, .data = bw_call_data(call), .memory = { -1, -1 } };
	int status;

	p.shared.data = p.data;
	p.shared.control = -1;
	p.shared.partners = -1;
	status = serve_with(&p);
	bw_secret_wipe(&p.passphrase);
	return status;
}

static const struct bw_option serve_options[] = {
	{ .name = "listen",
	  .kind = BW_OPT_TEXT,
	  .value_name = "ADDRESS:PORT",
	  .repeat = true,
	  .help = "where to listen; default 127.0.0.1:8443" },
	{ .name = "plain",
	  .kind = BW_OPT_FLAG,
	  .help = "plain HTTP instead of TLS; on this machine's own addresses only" },
	{ .name = "title", .kind = BW_OPT_TEXT, .fallback = "Breakwater exchange", .help = "title shown in discovery" },
	{ .name = "description", .kind = BW_OPT_TEXT, .help = "description shown in discovery" },
	{ .name = "contact", .kind = BW_OPT_TEXT, .help = "whom to ask, shown in discovery" },
	{ .name = "max-content",
	  .kind = BW_OPT_SIZE,
	  .unit = "bytes",
	  .min = 1024,
	  .max = 256 * 1024 * 1024,
	  .fallback = "64m",
	  .help = "largest body of one POST" },
	{ .name = "fronts",
	  .kind = BW_OPT_NUM,
	  .unit = "processes",
	  .min = 1,
	  .max = 16,
	  .fallback = "2",
	  .help = "processes that speak HTTP" },
	{ .name = "passphrase-file",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "passphrase of the node keys, in a file or a pipe; else the credential node-passphrase; else "
		  "locked" },
	{ .name = "require-sandbox",
	  .kind = BW_OPT_FLAG,
	  .help = "do not start when the kernel cannot confine every worker" },
	{ 0 },
};

const struct bw_command bw_serve_command = {
	.name = "serve",
	.summary = "run the exchange: a TAXII 2.1 server over the store",
	.usage = "",
	.details = "Runs in the foreground until SIGTERM or SIGINT; SIGHUP reads the certificate and the node keys "
		   "again. One line on "
		   "standard output says when the exchange is ready and where discovery is. Plain HTTP is refused on "
		   "addresses other machines can reach.",
	.options = serve_options,
	.max_args = 0,
	.run = serve_run,
};
