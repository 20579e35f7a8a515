/*
 * What the workers say to one another until an incident's report lies sealed in its folder. Kinds of frames from 64
 * on; the others stand in guard/event.h. Pure; whoever reads treats the other side as a stranger. Numbers are
 * big-endian, a block is length be32 and bytes.
 *
 *   COMPOSE   scribe -> reporter   incident be64 | stage u8 | number be32 | node since be64 | left out be64; a sealed
 *                                  memory file with the rows (guard/dossier.h) travels with it
 *   COMPOSED  reporter -> scribe   incident be64 | stage u8 | number be32 | decided be64 (ns) | decided be64 (us) |
 *                                  of a drill be32; with it a sealed memory file of pieces (name block | bytes block):
 *                                  the files of the folder. None: there is nothing to report
 *   LOOK      reporter -> witness  struct bw_look: a file, a folder, a process
 *   SEEN      witness -> reporter  struct bw_seen; of a process its executable may travel with it
 *   SIGN      scribe -> sealer     incident be64 | number be32 | manifest block
 *   SIGNED    sealer -> scribe     incident be64 | number be32 | seal block (empty: there are no keys)
 *   SHARE     scribe -> hand       incident be64 | number be32: bring its exchange.json into the exchange
 *   SHARED    hand -> scribe       incident be64 | number be32 | result u8 (enum bw_err) | words block
 *   IMAGE     judge -> hand        pid be32 | start be64 | two empty blocks: what program is that?
 *             hand -> witness      the same, with its path and command line; its open executable travels with it
 *
 * Errors: PROTOCOL (what does not fit its form, or bytes are left over), TOO_BIG past the limits below.
 */
#ifndef BW_GUARD_REPORT_FORM_H
#define BW_GUARD_REPORT_FORM_H

#include "guard/dossier.h"

enum bw_report_kind {
	BW_REPORT_COMPOSE = 64,
	BW_REPORT_COMPOSED,
	BW_REPORT_LOOK,
	BW_REPORT_SEEN,
	BW_REPORT_SIGN,
	BW_REPORT_SIGNED,
	BW_REPORT_SHARE,
	BW_REPORT_SHARED,
	BW_REPORT_IMAGE,
};

enum {
	BW_REPORT_PATH_BYTES = 32 * 1024,
	BW_REPORT_SAMPLE_BYTES = 64 * 1024,
	BW_REPORT_NOTE_BYTES = 32 * 1024,
	BW_REPORT_NOTES_SEEN = 4,                  /* of one folder */
	BW_REPORT_IMAGE_BYTES = 8 * 1024 * 1024,   /* of an executable that is copied */
	BW_REPORT_PIECES_BYTES = 96 * 1024 * 1024, /* of all files of a folder */
	BW_REPORT_MANIFEST_BYTES = 64 * 1024,
	BW_REPORT_SEAL_BYTES = 16 * 1024,
	BW_REPORT_WORDS_BYTES = 1024,
};

/* The files of a report's folder that every report has, beside samples, notes and programs. */
#define BW_PAPER_INDICATORS "indicators.json"
#define BW_PAPER_PAGE "page.html"
#define BW_PAPER_PAGE_TEXT "page.txt"
#define BW_PAPER_DUTIES "duties.json"
#define BW_PAPER_DUTIES_TEXT "duties.txt"
#define BW_PAPER_FACTS "facts.json"
#define BW_PAPER_HOME "stix-full.json"       /* a person releases it, or it stays */
#define BW_PAPER_LEAVES "stix-exchange.json" /* names nobody and no place */
#define BW_PAPER_FIRST "stix-first.json"     /* of that, what is known at once: sent and never kept */
#define BW_PAPER_RECORDS "records.bin"       /* the ledger's, as they were read (guard/dossier.h) */
#define BW_PAPER_MANIFEST "manifest"
#define BW_PAPER_SEAL "seal"

enum bw_report_stage {
	BW_STAGE_INDICATORS = 1, /* at once, from the records alone */
	BW_STAGE_WHOLE,
};

struct bw_compose {
	uint64_t incident;
	uint8_t stage; /* enum bw_report_stage */
	uint32_t number;
	int64_t since_us; /* COMPOSE alone, as the next */
	uint64_t left_out;
	uint64_t decided_ns; /* COMPOSED alone, as the next: of the first verdict */
	int64_t decided_us;
	uint32_t of_drill; /* all that the first so many of the judge's records name is a drill's; 0: not so */
};

BW_MUST_USE enum bw_err bw_compose_add(struct bw_buf *out, const struct bw_compose *what, bool is_answer);
BW_MUST_USE enum bw_err bw_compose_parse(struct bw_slice body, bool is_answer, struct bw_compose *out);

/* ---- looking --------------------------------------------------------------------------------- */

enum bw_look_at { BW_LOOK_FILE = 1, BW_LOOK_FOLDER, BW_LOOK_PROCESS };

struct bw_look {
	uint8_t at; /* enum bw_look_at */
	struct bw_file_key file;
	struct bw_file_key made; /* FILE: what stands for it now, when that is another one */
	uint64_t version;        /* FILE: the good one; 0: none */
	uint64_t max;            /* bytes to read of each content */
	uint32_t sample;         /* FILE: bytes wanted of what stands there now */
	int64_t since_us;        /* FOLDER: what came later */
	uint32_t pid;            /* PROCESS */
	uint64_t start_ns;
};

struct bw_seen_note {
	struct bw_slice name;
	struct bw_digest content;
	struct bw_slice text;
};

struct bw_seen {
	uint8_t at;
	struct bw_slice path;     /* of the good version; of the folder; of the executable */
	struct bw_slice path_now; /* FILE; PROCESS: its command line */
	struct bw_digest before;
	struct bw_digest after; /* FILE; PROCESS: the executable */
	struct bw_slice sample;
	uint8_t note_count; /* FOLDER */
	struct bw_seen_note notes[BW_REPORT_NOTES_SEEN];
};

BW_MUST_USE enum bw_err bw_look_add(struct bw_buf *out, const struct bw_look *look);
BW_MUST_USE enum bw_err bw_look_parse(struct bw_slice body, struct bw_look *out);
BW_MUST_USE enum bw_err bw_seen_add(struct bw_buf *out, const struct bw_seen *seen);
BW_MUST_USE enum bw_err bw_seen_parse(struct bw_slice body, struct bw_seen *out); /* borrows */

/* ---- signing and sharing ------------------------------------------------------------------------ */

/* SIGN, SIGNED, SHARE, SHARED: a report, and what is said of it. */
struct bw_report_word {
	uint64_t incident;
	uint32_t number;
	uint8_t result;        /* SHARED: enum bw_err */
	struct bw_slice words; /* SIGN: the manifest; SIGNED: the seal; SHARED: a sentence */
};

BW_MUST_USE enum bw_err bw_report_word_add(struct bw_buf *out, uint8_t kind, const struct bw_report_word *word);
/*
 * What came of `breakwater import --format json`, from its exit status and what it said: OK, all is in; CONFLICT, some
 * is and the rest was refused, which it will be again; IO, nothing is.
 */
BW_MUST_USE enum bw_err bw_report_imported(int status, struct bw_slice said);

BW_MUST_USE enum bw_err bw_report_word_parse(struct bw_slice body, uint8_t kind, struct bw_report_word *out);

struct bw_image {
	uint32_t pid;
	uint64_t start_ns; /* as in struct bw_process_event; 0: not known */
	struct bw_slice path;
	struct bw_slice command;
};

BW_MUST_USE enum bw_err bw_image_add(struct bw_buf *out, const struct bw_image *image);
BW_MUST_USE enum bw_err bw_image_parse(struct bw_slice body, struct bw_image *out);

/* ---- pieces --------------------------------------------------------------------------------------- */

struct bw_report_piece {
	struct bw_slice name;
	struct bw_slice bytes;
};

/* a-z, 0-9, '.' and '-', 1..47 of them, no '.' first: a file of a report's folder. */
bool bw_report_piece_name_is_fine(struct bw_slice name);

BW_MUST_USE enum bw_err bw_report_piece_add(struct bw_buf *out, const char *name, struct bw_slice bytes);
/* AGAIN: the end. PROTOCOL. */
BW_MUST_USE enum bw_err bw_report_piece_next(struct bw_cursor *in, struct bw_report_piece *out);

#endif
