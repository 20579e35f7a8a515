/*
 * One fork, exec or exit, as lineage.bpf.c says it to guard/lineage.c. Both sides are built together; the reader
 * checks the length and nothing else, for the writer is the kernel's own verified program.
 */
#ifndef BW_BPF_LINEAGE_RECORD_H
#define BW_BPF_LINEAGE_RECORD_H

struct lineage_record {
	unsigned long long time_ns;  /* CLOCK_MONOTONIC */
	unsigned long long start_ns; /* CLOCK_BOOTTIME */
	unsigned long long cgroup;
	unsigned int pid;
	unsigned int parent;
	unsigned int session;
	unsigned int group;
	unsigned int uid;
	unsigned int act;    /* 1 fork, 2 exec, 3 exit: enum bw_process_act */
	unsigned int kernel; /* a thread of the kernel's own */
	char comm[16];
	unsigned int pad;
};

#endif
