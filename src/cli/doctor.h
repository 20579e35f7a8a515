/*
 * What doctor finds out: one finding a row, with its next step.
 */
#ifndef BW_CLI_DOCTOR_H
#define BW_CLI_DOCTOR_H

#include "base/bytes.h"

enum bw_health {
	BW_HEALTH_OK,
	BW_HEALTH_NOTE,    /* works; something to know */
	BW_HEALTH_UNKNOWN, /* could not be told */
	BW_HEALTH_LACKING, /* to be repaired: exit status 1 */
};

enum { BW_SYMPTOMS_MAX = 32, BW_SYMPTOM_TEXT = 256 };

struct bw_symptom {
	const char *name; /* "landlock"; stable, for machines */
	enum bw_health health;
	char text[BW_SYMPTOM_TEXT];
	const char *next; /* what to do about it, or NULL */
};

struct bw_symptoms {
	struct bw_symptom rows[BW_SYMPTOMS_MAX];
	size_t count;
};

/* Adds a row; more than fit are dropped. */
void bw_symptom_add(struct bw_symptoms *all, const char *name, enum bw_health health, const char *next, const char *fmt,
		    ...) BW_PRINTF(5, 6);

/* Kernel: sandbox, memory files, file events. */
void bw_doctor_kernel(struct bw_symptoms *all);

/* Limits of this process and the room in the data folder. */
void bw_doctor_resources(struct bw_symptoms *all, const char *data);

/* The libraries in this process: one OpenSSL, how new, whose. */
void bw_doctor_libraries(struct bw_symptoms *all);

/* SQLite's version, and what of it the store cannot do without. */
void bw_doctor_database(struct bw_symptoms *all);

/*
 * The files that libcrypto is mapped from, each once, in a text of
 * /proc/PID/maps; returns how many there are, `first` is one of them.
 */
size_t bw_doctor_count_mapped(struct bw_slice maps, struct bw_slice library, struct bw_slice *first);

/*
 * What the version built and the newest one known (either may be empty) mean
 * when the list is `age_days` old. Pure.
 */
enum bw_health bw_doctor_judge_openssl(struct bw_slice built, struct bw_slice newest, int64_t age_days);

#endif
