/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coverage: does the tracker hold every private and dirty page?  Complete
 * until a reason says otherwise; a reason never goes away, except the search
 * at load (coverage_regain()).
 */
#ifndef TDX_RESET_COVERAGE_H
#define TDX_RESET_COVERAGE_H

#include <linux/types.h>

/*
 * A reason's number is its bit in the private map; its text is in coverage.c.
 * The first that holds is shown: causes before what they lead to.
 */
enum coverage_reason {
	COVERAGE_SEARCH_PENDING,
	COVERAGE_SEARCH_FAILED,
	COVERAGE_DYNAMIC_PAMT,
	COVERAGE_CONFIGURED_LATE,
	COVERAGE_MODULE_UPDATED,
	COVERAGE_DISARMED,
	COVERAGE_UNGUARDED,
	COVERAGE_MISSED_CALL,
	COVERAGE_MISSED_RETURN,
	COVERAGE_MISSED_RESET,
	COVERAGE_NO_RESET_PROBE,
	COVERAGE_UNKNOWN_LEAF,
	COVERAGE_OUTSIDE_MAP,
	COVERAGE_TRACKER_FULL,
	COVERAGE_FOREIGN_TDX,
};

struct private_map_header;

void coverage_publish(struct private_map_header *map);
void coverage_lose(enum coverage_reason reason);
void coverage_regain(enum coverage_reason reason);
bool coverage_complete(void);
bool coverage_healed_by_disable(void);
bool coverage_lost(enum coverage_reason reason);
const char *coverage_reason(void);

#endif /* TDX_RESET_COVERAGE_H */
