// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many instructions each vCPU has executed, option count=on.
 *
 * Each instruction of a translated block adds one to its vCPU's counter, in
 * code that QEMU generates inline: no call, no lock.  When off, nothing is
 * added to a block.
 *
 * An instruction that faults, or that is done again because the memory map
 * changed, counts each time; one that the simulator does itself counts once.
 * An iteration of a REP string instruction may count or not, as QEMU does it
 * in one go or not.  A vCPU that is halted counts nothing.
 */
#include "sim.h"

static qemu_plugin_u64 executed;
static bool counting;

void count_enable(void)
{
	counting = true;
}

bool count_enabled(void)
{
	return counting;
}

void count_init(void)
{
	if (counting)
		executed.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
}

void count_insn(struct qemu_plugin_insn *insn)
{
	if (counting)
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
			insn, QEMU_PLUGIN_INLINE_ADD_U64, executed, 1);
}

uint64_t count_of(unsigned int cpu)
{
	return counting ? qemu_plugin_u64_get(executed, cpu) : 0;
}
