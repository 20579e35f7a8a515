/*
 * The files of STIX that a command is given by name: opened, and told apart from
 * what people hand over in their place: folders, packed files, UTF-16.
 */
#ifndef BW_SYS_INPUT_H
#define BW_SYS_INPUT_H

#include "base/bytes.h"
#include "sys/why.h"

/* "-" is standard input, its descriptor duplicated. TYPE: a folder; else the words and rows of bw_why_errno. */
BW_MUST_USE enum bw_err bw_input_open(const char *path, int *out_fd, struct bw_why *why);

/*
 * What turns a file that starts with these bytes into JSON in UTF-8 on standard
 * output, e.g. "xz -dc"; NULL: nothing known, or nothing needed. Eight bytes are enough.
 */
const char *bw_input_unpacker(struct bw_slice start);

/* The same for an open file, whose place stays where it is; NULL for pipes too. */
const char *bw_input_unpacker_fd(int fd);

#endif
