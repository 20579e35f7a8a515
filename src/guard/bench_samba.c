#include "guard/bench_samba.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys/clock.h"

enum {
	FOREVER_MS = 24 * 60 * 60 * 1000,
	READY_MS = 30 * 1000,
	SAY_MS = 10 * 60 * 1000,
	OUTPUT_MAX = 16 * 1024 * 1024,
	LINE_BYTES = 4 * BW_PATH_BYTES,
};

static const char config_text[] = "[global]\n"
				  "workgroup = BENCH\n"
				  "server role = standalone server\n"
				  "map to guest = bad user\n"
				  "guest account = nobody\n"
				  "passdb backend = tdbsam:%1$s/passdb.tdb\n"
				  "private dir = %1$s\n"
				  "lock directory = %1$s\n"
				  "state directory = %1$s\n"
				  "cache directory = %1$s\n"
				  "pid directory = %1$s\n"
				  "ncalrpc dir = %1$s/ncalrpc\n"
				  "log file = %1$s/log\n"
				  "usershare path =\n"
				  "bind interfaces only = yes\n"
				  "interfaces = 10.77.0.1/24\n"
				  "smb ports = 445\n"
				  "disable netbios = yes\n"
				  "load printers = no\n"
				  "printcap name = /dev/null\n"
				  "disable spoolss = yes\n"
				  "[share]\n"
				  "path = %2$s\n"
				  "read only = no\n"
				  "guest only = yes\n";

/* ---- the two networks -------------------------------------------------------------------------- */

static enum bw_err start(const char *name, const char *const *words, struct bw_program_run *out, struct bw_why *why)
{
	struct bw_program program = { .output_max = OUTPUT_MAX, .timeout_ms = FOREVER_MS, .errors_too = true };
	char path[BW_PATH_BYTES];

	if (bw_program_find(name, path) != BW_OK)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "'%s' is not installed", name);
	program.path = path;
	for (size_t i = 0; words[i] != NULL; i++)
		program.words[i] = words[i];
	return bw_program_start(&program, out);
}

/* Until the client's process is in a network of its own. */
static enum bw_err await_network(int pid, struct bw_why *why)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * READY_MS;
	const struct timespec pause = { .tv_nsec = 5000000 };
	char path[64];
	struct stat mine;
	struct stat its;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	while (bw_clock_mono_us() < until_us) {
		if (stat("/proc/self/ns/net", &mine) == 0 && stat(path, &its) == 0 && mine.st_ino != its.st_ino)
			return BW_OK;
		(void)nanosleep(&pause, NULL);
	}
	return bw_why_set(why, BW_ERR_TIMEOUT, "no network for the client");
}

/* A line for the server's network, or the client's. */
static enum bw_err set_up(const struct bw_samba *samba, bool is_client, const char *words, struct bw_why *why)
{
	char inside[64] = "";
	char line[256];

	if (is_client)
		bw_samba_inside(samba, inside);
	(void)snprintf(line, sizeof(line), "%s %s", inside, words);
	return bw_place_run(line, NULL, NULL, why);
}

static enum bw_err make_networks(struct bw_samba *samba, struct bw_why *why)
{
	char pair[128];

	samba->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (samba->home < 0 || unshare(CLONE_NEWNET) != 0)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "no network namespaces here");
	BW_TRY(start("unshare", (const char *const[]){ "--net", "sleep", "infinity", NULL }, &samba->client, why));
	BW_TRY(await_network(samba->client.pid, why));
	(void)snprintf(pair, sizeof(pair), "ip link add bench0 type veth peer name eth0 netns %d",
		       (int)samba->client.pid);
	BW_TRY(set_up(samba, false, pair, why));
	BW_TRY(set_up(samba, false, "ip link set lo up", why));
	BW_TRY(set_up(samba, false, "ip addr add 10.77.0.1/24 dev bench0", why));
	BW_TRY(set_up(samba, false, "ip link set bench0 up", why));
	BW_TRY(set_up(samba, true, "ip link set lo up", why));
	BW_TRY(set_up(samba, true, "ip addr add 10.77.0.10/24 dev eth0", why));
	return set_up(samba, true, "ip link set eth0 up", why);
}

/* ---- smbd ------------------------------------------------------------------------------------------- */

static enum bw_err configure(const struct bw_gbench *bench, const struct bw_place *place, struct bw_samba *samba,
			     struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(LINE_BYTES);

	BW_TRY(bw_path_join(samba->folder, bench->folder, "samba"));
	BW_TRY(bw_path_join(samba->config, samba->folder, "smb.conf"));
	BW_TRY(bw_folder_make(samba->folder, why));
	BW_TRY(bw_buf_addf(&text, config_text, samba->folder, place->tree));
	/* whom the share belongs to must get there */
	if (chmod(bench->folder, 0711) != 0 || chmod(place->mount, 0755) != 0 || chmod(place->tree, 0777) != 0)
		return bw_why_errno(why, errno, "open the way to", place->tree);
	return bw_file_write(samba->config, bw_buf_slice(&text), 0600, why);
}

static enum bw_err await_smbd(struct bw_samba *samba, struct bw_why *why)
{
	const int64_t until_us = bw_clock_mono_us() + INT64_C(1000) * READY_MS;
	enum bw_err err = BW_ERR_DENIED;
	int status;

	while (err != BW_OK && bw_clock_mono_us() < until_us) {
		err = bw_samba_say(samba, BW_LIT("quit\n"), NULL, why);
		if (err != BW_OK && bw_program_step(&samba->smbd, 100, &status) != BW_ERR_AGAIN)
			return bw_why_set(why, BW_ERR_UNSUPPORTED, "smbd ended: %.200s",
					  bw_buf_text(&samba->smbd.output));
	}
	return err;
}

enum bw_err bw_samba_start(const struct bw_gbench *bench, const struct bw_place *place, struct bw_samba *out,
			   struct bw_why *why)
{
	static const char *const needed[] = { "smbd", "smbclient", "smbstatus", "smbcontrol", "nft", "ip", "nsenter" };
	char path[BW_PATH_BYTES];

	*out = BW_SAMBA_NONE;
	for (size_t i = 0; i < BW_COUNT(needed); i++) {
		if (bw_program_find(needed[i], path) != BW_OK)
			return bw_why_set(why, BW_ERR_UNSUPPORTED, "'%s' is not installed", needed[i]);
	}
	BW_TRY(configure(bench, place, out, why));
	BW_TRY(make_networks(out, why));
	BW_TRY(start("smbd", (const char *const[]){ "-F", "--no-process-group", "-s", out->config, NULL }, &out->smbd,
		     why));
	if (bw_place_meter(out->smbd.pid, &out->meter) != BW_OK) /* before it has children */
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "this kernel does not tell the processor time of smbd");
	return await_smbd(out, why);
}

void bw_samba_stop(struct bw_samba *samba)
{
	bw_program_release(&samba->smbd);
	bw_program_release(&samba->client);
	if (samba->meter >= 0)
		(void)close(samba->meter);
	if (samba->home >= 0) {
		(void)setns(samba->home, CLONE_NEWNET);
		(void)close(samba->home);
	}
	if (samba->folder[0] != '\0')
		bw_place_clear(samba->folder);
	*samba = BW_SAMBA_NONE;
}

/* ---- the client ----------------------------------------------------------------------------------------- */

void bw_samba_inside(const struct bw_samba *samba, char out[64])
{
	(void)snprintf(out, 64, "nsenter --net=/proc/%d/ns/net --", (int)samba->client.pid);
}

enum bw_err bw_samba_say(const struct bw_samba *samba, struct bw_slice script, int64_t *out_us, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(OUTPUT_MAX);
	struct bw_program program = {
		.input = script, .output_max = OUTPUT_MAX, .timeout_ms = SAY_MS, .errors_too = true
	};
	char path[BW_PATH_BYTES];
	char network[64];
	int64_t began_us;
	int status;
	enum bw_err err;

	if (bw_program_find("nsenter", path) != BW_OK)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "'nsenter' is not installed");
	(void)snprintf(network, sizeof(network), "--net=/proc/%d/ns/net", (int)samba->client.pid);
	program.path = path;
	memcpy(program.words,
	       (const char *const[]){ network, "--", "smbclient", BW_SAMBA_URL, "-s", "/dev/null", "-N", NULL },
	       8 * sizeof(program.words[0]));
	began_us = bw_clock_mono_us();
	err = bw_program_whole(&program, &said, &status);
	if (err != BW_OK)
		return bw_why_set(why, err, "smbclient: %s", bw_err_text(err));
	if (out_us != NULL)
		*out_us = bw_clock_mono_us() - began_us;
	if (status != 0 || strstr(bw_buf_text(&said), "NT_STATUS_") != NULL)
		return bw_why_set(why, BW_ERR_DENIED, "smbclient said: %.200s", bw_buf_text(&said));
	return BW_OK;
}
