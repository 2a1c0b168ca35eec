// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions that write around the cache or empty it: MOVDIR64B,
 * non-temporal stores, fences, WBINVD.  The rules of a callback are in insn.h.
 */
#include "insn.h"
#include "points.h"

#include <string.h>

#define EXC_GP		13
#define PAGE_OFFSET_MASK 0xfffULL

/* --- lines poisoned by this thread, to be armed without sim_lock() ------------- */

#define MAX_FRESH	32

static __thread struct {
	uint64_t pa[MAX_FRESH];
	unsigned int nr;
} fresh;

void note_poisoned(uint64_t pa)
{
	if (fresh.nr < MAX_FRESH)
		fresh.pa[fresh.nr++] = pa;
}

bool arm_fresh(unsigned int cpu)
{
	bool changed = false;

	for (unsigned int i = 0; i < fresh.nr; i++) {
		if (!poison_armed(fresh.pa[i])) {
			poison_arm(fresh.pa[i]);
			changed = true;
		}
		event("\"ev\":\"poison\",\"cpu\":%u,\"pa\":\"0x%lx\"", cpu, fresh.pa[i]);
	}
	fresh.nr = 0;
	return changed;
}

static bool flush_wc(unsigned int cpu)
{
	sim_lock();
	wc_flush(cpu, note_poisoned);
	sim_unlock();
	return arm_fresh(cpu);
}

/* --- stores that go around the cache -------------------------------------------- */

/* Intel SDM volume 2, MOVDIR64B: 64 bytes from memory to the address in a register. */
void on_movdir64b(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct insn insn = *(const struct insn *)u;
	uint64_t src, dst, data[8], pa, cs = 0;
	unsigned int modrm_at = insn.opcode + 3, oi;
	bool disarm = false, known, owned = false;
	struct cpu_ctx c;

	if (!cpu_begin(&c))
		return;
	sim_machine_ready();
	cpu_exact(&c, host_pc);
	insn.next_rip = c.rip + insn.len;
	src = insn_address(&insn, modrm_at, c.regs);
	dst = c.regs[(insn.modrm >> 3 & 7) | (insn.rex & 4 ? 8 : 0)];
	if (insn.address32)
		dst = (uint32_t)dst;
	if (dst % SIM_LINE)
		qemu.raise_exception_err_ra(c.env, EXC_GP, 0, host_pc - GETPC_ADJ);
	qemu_reg("cs", &cs);
	oi = 3 << 5 | qemu.x86_mmu_index_pl(c.env, cs & 3);	/* 8 bytes, this privilege */
	for (unsigned int i = 0; i < 8; i++)
		data[i] = qemu.cpu_ldq_mmu(c.env, src + i * 8, oi, host_pc - GETPC_ADJ);
	/* Before the line has other contents: by these it is told whose it is. */
	known = qemu_plugin_translate_vaddr(dst, &pa);
	if (known) {
		sim_lock();
		owned = mem_line_owned(pa) || mem_line_poisoned(pa);
		sim_unlock();
	}
	for (unsigned int i = 0; i < 8; i++)
		qemu.cpu_stq_mmu(c.env, dst + i * 8, data[i], oi, host_pc - GETPC_ADJ);
	STAT_INC(movdir64b);
	if (owned)
		STAT_INC(made_normal);
	if (known) {
		sim_lock();
		if (points_on)
			points_storing(pa);
		stores_note(cpu, pa, owned);
		disarm = mem_line_poisoned(pa);
		mem_full_line(pa);
		disarm = disarm && !mem_page_poisoned(pa);
		sim_unlock();
		if (disarm)
			poison_disarm(pa);
		if (points_on)
			points_at(&(struct point){ .kind = POINT_STORE, .pa = pa }, &c);
	}
	cpu_skip(&c, &insn);
}

unsigned int nt_store_size(struct insn *insn, unsigned int *modrm_at)
{
	const uint8_t *b = &insn->bytes[insn->opcode];
	bool wide = false;
	uint8_t op;

	if (b[0] == 0x0f) {
		op = b[1];
		*modrm_at = insn->opcode + 2;
	} else if (b[0] == 0xc5) {
		wide = b[1] & 4;
		insn->rex = b[1] & 0x80 ? 0 : 4;
		op = b[2];
		*modrm_at = insn->opcode + 3;
	} else if (b[0] == 0xc4 && (b[1] & 0x1f) == 1) {
		wide = b[2] & 4;
		insn->rex = ~b[1] >> 5 & 7;
		op = b[3];
		*modrm_at = insn->opcode + 4;
	} else {
		return 0;
	}
	if (insn->bytes[*modrm_at] >> 6 == 3)
		return 0;
	switch (op) {
	case 0xc3:				/* MOVNTI */
		return b[0] != 0x0f ? 0 : insn->rex & 8 ? 8 : 4;
	case 0xe7:				/* MOVNTQ, MOVNTDQ */
		if (b[0] == 0x0f && !insn->opsize)
			return 8;
		/* fall through */
	case 0x2b:				/* MOVNTPS, MOVNTPD */
		return wide ? 32 : 16;
	}
	return 0;
}

void on_nt_store(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct insn insn = *(const struct insn *)u;
	unsigned int modrm_at, size = nt_store_size(&insn, &modrm_at);
	struct cpu_ctx c;
	uint64_t va, pa;

	if (!cpu_begin(&c))
		return;
	va = insn_address(&insn, modrm_at, c.regs);
	if (!qemu_plugin_translate_vaddr(va, &pa) || !mem_ptr(pa))
		return;				/* a fault, or no memory */
	if ((va & PAGE_OFFSET_MASK) + size > SIM_PAGE)
		size = SIM_PAGE - (va & PAGE_OFFSET_MASK);
	STAT_INC(nt_stores);
	sim_lock();
	wc_store(cpu, pa, size, note_poisoned);
	sim_unlock();
	if (!fresh.nr || !arm_fresh(cpu))
		return;
	cpu_exact(&c, host_pc);
	cpu_again(&c);
}

/* SFENCE, MFENCE: what is left in the buffers goes to memory. */
static void fence(unsigned int cpu, uintptr_t host_pc)
{
	struct cpu_ctx c;

	if (points_on)
		points_at(&(struct point){ .kind = POINT_FENCE }, NULL);
	if (!flush_wc(cpu) || !cpu_begin(&c))
		return;
	cpu_exact(&c, host_pc);
	cpu_again(&c);
}

void on_fence(unsigned int cpu, void *u)
{
	(void)u;
	fence(cpu, HOST_PC());
}

/* WBINVD, WBNOINVD: also what TDX wrote on this CPU goes to memory. */
void on_wbinvd(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();

	(void)u;
	STAT_INC(wbinvd);
	if (cache_on() && !sim_wbinvd_ignored(cpu)) {
		sim_lock();
		cache_wbinvd(cpu);
		sim_unlock();
		sim_report_returns();
	}
	fence(cpu, host_pc);
}
