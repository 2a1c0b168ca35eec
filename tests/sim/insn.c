// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of a TDX host that the emulator lacks or does otherwise: found
 * by their bytes when a block is translated, done in a callback before they
 * would run, skipped by setting the pc behind them.  The rules of a callback
 * are in insn.h.
 */
#include "insn.h"
#include "points.h"

#include <stdio.h>
#include <string.h>

#define CR4_VMXE	(1ULL << 13)
#define EFER_LMA	(1ULL << 10)
#define EFLAGS_CF	1

static bool vmx_on[SIM_MAX_CPUS];

/* --- state of the CPU that runs the callback --------------------------------- */

bool cpu_begin(struct cpu_ctx *c)
{
	uint64_t efer;

	if (!qemu_reg("efer", &efer) || !(efer & EFER_LMA))
		return false;
	c->cpu = qemu_current_cpu();
	c->env = qemu_env(c->cpu);
	c->regs = c->env ? env_regs(c->env) : NULL;
	return c->env != NULL;
}

void cpu_exact(struct cpu_ctx *c, uintptr_t host_pc)
{
	qemu.cpu_restore_state(c->cpu, host_pc - 1);
	qemu_reg("rip", &c->rip);
}

void cpu_skip(struct cpu_ctx *c, const struct insn *insn)
{
	qemu_plugin_set_pc(c->rip + insn->len);
}

void cpu_again(struct cpu_ctx *c)
{
	qemu_plugin_set_pc(c->rip);
}

static void set_arith_flags(void *env, uint64_t flags)
{
	qemu.helper_write_eflags(env, flags, 0);
}

/* --- VMX ------------------------------------------------------------------------ */

static void on_vmxon(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct cpu_ctx c;

	if (!cpu_begin(&c))
		return;
	platform_learn_cpu(c.env);
	cpu_exact(&c, host_pc);
	vmx_on[cpu % SIM_MAX_CPUS] = true;
	event("\"ev\":\"vmxon\",\"cpu\":%u", cpu);
	set_arith_flags(c.env, 0);
	cpu_skip(&c, u);
}

static void on_vmxoff(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct cpu_ctx c;

	if (!vmx_on[cpu % SIM_MAX_CPUS] || !cpu_begin(&c))
		return;				/* the emulator raises #UD */
	cpu_exact(&c, host_pc);
	vmx_on[cpu % SIM_MAX_CPUS] = false;
	event("\"ev\":\"vmxoff\",\"cpu\":%u", cpu);
	set_arith_flags(c.env, 0);
	cpu_skip(&c, u);
}

/* VMCLEAR, VMPTRLD, INVEPT, INVVPID: no VM ever runs, so they just succeed. */
static void on_vmx_nothing(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct cpu_ctx c;

	if (!vmx_on[cpu % SIM_MAX_CPUS] || !cpu_begin(&c))
		return;
	cpu_exact(&c, host_pc);
	set_arith_flags(c.env, 0);
	cpu_skip(&c, u);
}

/*
 * TCG takes CR4.VMXE for a reserved bit: write the register ourselves.  Hardware
 * does not let it be cleared in VMX operation, and blocks INIT there; here both
 * pass, and the event log tells who was in VMX operation.
 */
static void on_mov_cr4(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	const struct insn *insn = u;
	struct cpu_ctx c;
	uint64_t value, before;

	if (!cpu_begin(&c) || !qemu_reg("cr4", &before))
		return;
	if (!(before & CR4_VMXE))
		vmx_on[cpu % SIM_MAX_CPUS] = false;
	value = c.regs[(insn->modrm & 7) | (insn->rex & 1 ? 8 : 0)];
	if (!(value & CR4_VMXE))
		return;
	cpu_exact(&c, host_pc);
	qemu.cpu_x86_update_cr4(c.env, value);
	cpu_skip(&c, insn);
}

/* --- CPUID, RDMSR ------------------------------------------------------------- */

static void on_cpuid(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct cpu_ctx c;
	uint32_t out[4];

	(void)cpu;
	if (!cpu_begin(&c) ||
	    !platform_cpuid(c.env, c.regs[R_AX], c.regs[R_CX], out))
		return;
	cpu_exact(&c, host_pc);
	c.regs[R_AX] = out[0];
	c.regs[R_BX] = out[1];
	c.regs[R_CX] = out[2];
	c.regs[R_DX] = out[3];
	cpu_skip(&c, u);
}

static void on_rdmsr(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct cpu_ctx c;
	uint64_t value;

	(void)cpu;
	if (!cpu_begin(&c) || !platform_rdmsr(c.regs[R_CX], &value))
		return;
	cpu_exact(&c, host_pc);
	c.regs[R_AX] = (uint32_t)value;
	c.regs[R_DX] = value >> 32;
	cpu_skip(&c, u);
}

/* --- SEAMCALL ------------------------------------------------------------------ */

static bool worth_logging(uint64_t leaf)
{
	return !sim_seamcalls_unlogged && leaf != TDH_PHYMEM_PAGE_RDMD && leaf != TDH_SYS_RD;
}

static void log_seamcall(unsigned int cpu, uint64_t leaf, uint64_t rcx, uint64_t r8, uint64_t rax)
{
	char insns[40] = "";

	if (!worth_logging(leaf & TDX_LEAF_MASK))
		return;
	if (count_enabled())
		snprintf(insns, sizeof(insns), ",\"instructions\":%lu", count_of(cpu));
	event("\"ev\":\"seamcall\",\"cpu\":%u,\"leaf\":\"%s\",\"nr\":\"0x%lx\","
	      "\"rcx\":\"0x%lx\",\"r8\":\"0x%lx\",\"rax\":\"0x%lx\"%s",
	      cpu, tdx_leaf_name(leaf), leaf, rcx, r8, rax, insns);
}

static void point(enum point_kind kind, const struct seam_regs *in, bool failed,
		  const struct cpu_ctx *c)
{
	struct point here = {
		.kind = kind, .leaf = in->rax & TDX_LEAF_MASK, .failed = failed,
		.large = (in->rcx & 7) == TDX_PS_2M,
	};

	if (points_on)
		points_at(&here, c);
}

static void on_seamcall(unsigned int cpu, void *u)
{
	uintptr_t host_pc = HOST_PC();
	struct seam_regs r, in;
	struct cpu_ctx c;
	uint64_t leaf, page, rcx;
	bool undefined, died;

	if (!vmx_on[cpu % SIM_MAX_CPUS] || !cpu_begin(&c))
		return;				/* #UD outside VMX operation */
	sim_machine_ready();
	sim_lock();
	undefined = tdx_undefined(c.regs[R_AX]);
	sim_unlock();
	if (undefined)
		return;
	cpu_exact(&c, host_pc);
	r = (struct seam_regs){
		.rax = c.regs[R_AX], .rcx = c.regs[R_CX], .rdx = c.regs[R_DX],
		.r8 = c.regs[R_8], .r9 = c.regs[R_9], .r10 = c.regs[R_10],
		.r11 = c.regs[R_11],
	};
	leaf = r.rax;
	page = r.r8;
	rcx = r.rcx;
	in = r;
	point(POINT_BEFORE, &in, false, &c);
	STAT_INC(seamcalls);
	sim_lock();
	wc_flush(cpu, note_poisoned);
	died = tdx.dead;
	tdx.now = sim_now();
	tdx_seamcall(cpu, &r);
	died = tdx.dead && !died;
	if (!r.vmfail && !(r.rax & TDX_STATUS_ERROR))
		stores_forget();
	sim_unlock();
	arm_fresh(cpu);
	if (died)
		event("\"ev\":\"seam-mce\",\"cpu\":%u,\"leaf\":\"%s\",\"rcx\":\"0x%lx\"", cpu,
		      tdx_leaf_name(leaf), rcx);
	if (sim_hold.ms && (leaf & TDX_LEAF_MASK) == sim_hold.leaf) {
		event("\"ev\":\"hold\",\"cpu\":%u,\"leaf\":\"%s\",\"rcx\":\"0x%lx\"", cpu,
		      tdx_leaf_name(leaf), rcx);
		g_usleep(sim_hold.ms * 1000);
	}
	log_seamcall(cpu, leaf, rcx, page, r.rax);
	if (!r.vmfail) {
		c.regs[R_AX] = r.rax;
		c.regs[R_CX] = r.rcx;
		c.regs[R_DX] = r.rdx;
		c.regs[R_8] = r.r8;
		c.regs[R_9] = r.r9;
		c.regs[R_10] = r.r10;
		c.regs[R_11] = r.r11;
	}
	set_arith_flags(c.env, r.vmfail ? EFLAGS_CF : 0);
	point(POINT_AFTER, &in, r.vmfail || r.rax & TDX_STATUS_ERROR, &c);
	cpu_skip(&c, u);
}

/* --- which kernel runs ------------------------------------------------------------ */

/*
 * A kernel is entered from code that runs where virtual is physical (the code
 * between two kernels, a decompressor), above the first MiB, where application
 * processors start.  Page-table loads tell: the first one from such an address
 * after one from elsewhere is a jump to another kernel.
 */
enum { RUNS_HIGH, RUNS_IDENTITY };
static qemu_plugin_u64 where;

static void on_identity_cr3(unsigned int cpu, void *u)
{
	(void)u;
	if (qemu_plugin_u64_get(where, cpu) == RUNS_IDENTITY)
		return;
	qemu_plugin_u64_set(where, cpu, RUNS_IDENTITY);
	sim_kernel_jump(cpu);
}

static void watch_cr3(struct qemu_plugin_insn *insn)
{
	uint64_t va = qemu_plugin_insn_vaddr(insn), pa;

	if (va < 1 << 20)
		return;			/* trampolines of every kind */
	if (va < 1ULL << 46 && qemu_plugin_translate_vaddr(va, &pa) && va == pa)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_identity_cr3,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	else
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
			insn, QEMU_PLUGIN_INLINE_STORE_U64, where, RUNS_HIGH);
}

/* --- finding them ------------------------------------------------------------------ */

/* The same bytes at many places share one copy, which lives as long as QEMU. */
static const struct insn *intern(const struct insn *insn)
{
	static GHashTable *known;
	static GMutex mutex;
	struct insn *copy;
	GBytes *key = g_bytes_new(insn, sizeof(*insn));

	g_mutex_lock(&mutex);
	if (!known)
		known = g_hash_table_new(g_bytes_hash, g_bytes_equal);
	copy = g_hash_table_lookup(known, key);
	if (!copy) {
		copy = g_memdup2(insn, sizeof(*insn));
		g_hash_table_insert(known, key, copy);
		key = NULL;
	}
	g_mutex_unlock(&mutex);
	if (key)
		g_bytes_unref(key);
	return copy;
}

static qemu_plugin_vcpu_udata_cb_t match_nt_store(struct insn *insn)
{
	unsigned int modrm_at;

	if (!nt_store_size(insn, &modrm_at))
		return NULL;
	insn->len = insn_modrm_end(insn, modrm_at);
	return on_nt_store;
}

/* The callback for an instruction; fills length and ModRM. */
static qemu_plugin_vcpu_udata_cb_t match(struct insn *insn)
{
	const uint8_t *b = &insn->bytes[insn->opcode];
	uint8_t reg;

	if (b[0] != 0x0f)
		return match_nt_store(insn);	/* VEX */
	insn->modrm = b[2];
	reg = b[2] >> 3 & 7;
	insn->len = insn->opcode + 2;
	switch (b[1]) {
	case 0xa2:
		return on_cpuid;
	case 0x32:
		return on_rdmsr;
	case 0x09:			/* WBNOINVD with F3 */
		return on_wbinvd;
	case 0xae:
		insn->len++;
		return b[2] >= 0xf0 && !insn->rep ? on_fence : NULL;
	case 0x22:
		insn->len++;
		return reg == 4 ? on_mov_cr4 : NULL;
	case 0x01:
		insn->len++;
		if (b[2] == 0xcf && insn->opsize)
			return on_seamcall;
		return b[2] == 0xc4 ? on_vmxoff : NULL;
	case 0xc7:
		if (reg != 6 || b[2] >> 6 == 3)
			return NULL;
		insn->len = insn_modrm_end(insn, insn->opcode + 2);
		return insn->rep == 0xf3 ? on_vmxon : on_vmx_nothing;
	case 0x38:
		if (!insn->opsize || insn->rep)
			return NULL;
		insn->modrm = b[3];
		insn->len = insn_modrm_end(insn, insn->opcode + 3);
		if (b[2] == 0xf8 && b[3] >> 6 != 3)
			return on_movdir64b;
		return b[2] == 0x80 || b[2] == 0x81 ? on_vmx_nothing : NULL;
	case 0xc3: case 0x2b: case 0xe7:
		return match_nt_store(insn);
	}
	return NULL;
}

/* The translator stops reading in the middle of an instruction it does not know. */
static void read_whole(struct qemu_plugin_insn *qi, struct insn *insn)
{
	static __thread GByteArray *buf;
	uint64_t va = qemu_plugin_insn_vaddr(qi);

	if (!buf)
		buf = g_byte_array_new();
	for (unsigned int n = sizeof(insn->bytes); n > insn->len; n--) {
		g_byte_array_set_size(buf, 0);
		if (!qemu_plugin_read_memory_vaddr(va, buf, n))
			continue;		/* maybe the next page is not there */
		memcpy(insn->bytes, buf->data, n);
		insn->len = n;
		return;
	}
}

static bool rip_relative(const struct insn *insn, unsigned int modrm_at)
{
	return (insn->bytes[modrm_at] & 0xc7) == 5;
}

/* Its bytes and prefixes; true if it may be one of ours. */
static bool decode(struct qemu_plugin_insn *qi, bool last_of_block, struct insn *insn)
{
	const uint8_t *b;

	*insn = (struct insn){ 0 };
	insn->len = qemu_plugin_insn_data(qi, insn->bytes, sizeof(insn->bytes));
	insn_prefixes(insn);
	b = &insn->bytes[insn->opcode];
	if (b[0] != 0x0f && b[0] != 0xc4 && b[0] != 0xc5)
		return false;
	if (last_of_block && (b[1] & 0xf0) != 0x80)	/* not a jump */
		read_whole(qi, insn);
	insn_prefixes(insn);
	return true;
}

static void on_translate(struct qemu_plugin_tb *tb, void *u)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)u;
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *qi = qemu_plugin_tb_get_insn(tb, i);
		qemu_plugin_vcpu_udata_cb_t cb;
		struct insn insn;
		unsigned int len, at;
		const uint8_t *b;

		count_insn(qi);
		if (!decode(qi, i == n - 1, &insn))
			continue;
		b = &insn.bytes[insn.opcode];
		if (b[0] == 0x0f && b[1] == 0x22 && (b[2] >> 3 & 7) == 3) {
			watch_cr3(qi);
			continue;
		}
		len = insn.len;
		cb = match(&insn);
		if (!cb)
			continue;
		if (cb == on_nt_store && nt_store_size(&insn, &at) && rip_relative(&insn, at))
			insn.next_rip = qemu_plugin_insn_vaddr(qi) + len;
		/* What follows it is no part of it: equal instructions share a copy. */
		memset(insn.bytes + insn.len, 0, sizeof(insn.bytes) - insn.len);
		qemu_plugin_register_vcpu_insn_exec_cb(qi, cb, QEMU_PLUGIN_CB_RW_REGS_PC,
						       (void *)intern(&insn));
	}
}

void insn_init(qemu_plugin_id_t id)
{
	where.score = qemu_plugin_scoreboard_new(sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate, NULL);
}
