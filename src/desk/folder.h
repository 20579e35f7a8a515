/* The data folder: where what `init` makes and `serve` needs has its place. */
#ifndef BW_DESK_FOLDER_H
#define BW_DESK_FOLDER_H

#include "sys/files.h"

#define BW_FOLDER_CERT "tls/cert.pem"
#define BW_FOLDER_KEY "tls/key.pem"
#define BW_FOLDER_CLIENT_CA "tls/client-ca.pem"
#define BW_FOLDER_NODE_KEYS "keys/node.keys"
#define BW_FOLDER_NODE_PUBLIC "keys/node.pub"
#define BW_FOLDER_CONTROL "control"   /* of operators' commands */
#define BW_FOLDER_PARTNERS "partners" /* of the ledger (accord/handover.h) */

/* A path below the data folder. */
struct bw_place {
	char path[BW_PATH_BYTES];
};

BW_MUST_USE enum bw_err bw_folder_place(const char *data, const char *name, struct bw_place *out);

/*
 * Each command's first step. NOT_FOUND with a sentence that names `init` when there is no data folder, DENIED with one
 * that names its owner. What root makes from here on is that owner's (sys/owner.h), or the service could not open it.
 */
BW_MUST_USE enum bw_err bw_folder_check(const char *data, struct bw_why *why);

/*
 * The keeper's sockets, each under its name above: local sockets only this account may use. Listening
 * replaces a socket nobody listens on. BUSY when a server is running.
 */
BW_MUST_USE enum bw_err bw_folder_listen(const char *data, const char *name, int *out_fd, struct bw_why *why);
BW_MUST_USE enum bw_err bw_folder_connect(const char *data, const char *name, int *out_fd);

#endif
