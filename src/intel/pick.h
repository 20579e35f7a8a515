/* How a query picks versions and sizes a page: shared by those who ask and those who answer. */
#ifndef BW_INTEL_PICK_H
#define BW_INTEL_PICK_H

/* TAXII 2.1 §3.4.1.2 match[version]: an OR of these. */
enum bw_version_pick { BW_PICK_LAST = 1, BW_PICK_FIRST = 2, BW_PICK_ALL = 4 };

enum { BW_PAGE_MAX = 10000 }; /* rows of one page, whatever a client asks for */

#endif
