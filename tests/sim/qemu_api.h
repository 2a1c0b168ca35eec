/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this plugin uses of QEMU: the public plugin interface, version 7, and
 * the few of QEMU's own functions that it cannot do without.  Declared here
 * because no package ships the header of that version.
 *
 * The public functions are bound by the dynamic linker.  The others are looked
 * up when the plugin is loaded (qemu_api_init()), so that a QEMU without one
 * of them is refused with its name.
 */
#ifndef SIM_QEMU_API_H
#define SIM_QEMU_API_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_QEMU_PLUGIN_VERSION 7
#define SIM_EXPORT __attribute__((visibility("default")))

/* --- the public interface ------------------------------------------------ */

typedef uint64_t qemu_plugin_id_t;

typedef struct qemu_info_t {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	union {
		struct {
			int smp_vcpus;
			int max_vcpus;
		} system;
	};
} qemu_info_t;

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;
struct qemu_plugin_scoreboard;

typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

typedef struct {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
	bool is_readonly;
} qemu_plugin_reg_descriptor;

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
	QEMU_PLUGIN_CB_R_REGS,
	QEMU_PLUGIN_CB_RW_REGS,
	QEMU_PLUGIN_CB_RW_REGS_PC,
};

enum qemu_plugin_op {
	QEMU_PLUGIN_INLINE_ADD_U64,
	QEMU_PLUGIN_INLINE_STORE_U64,
};

typedef void (*qemu_plugin_udata_cb_t)(void *u);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu, void *u);
typedef void (*qemu_plugin_tb_trans_cb_t)(struct qemu_plugin_tb *tb, void *u);

void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id,
				       qemu_plugin_vcpu_udata_cb_t cb, void *u);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_plugin_tb_trans_cb_t cb, void *u);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    qemu_plugin_udata_cb_t cb, void *u);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_vcpu_udata_cb_t cb,
					    enum qemu_plugin_cb_flags flags, void *u);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 enum qemu_plugin_op op,
							 qemu_plugin_u64 entry,
							 uint64_t imm);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t idx);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
GArray *qemu_plugin_get_registers(void);
bool qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *buf);
bool qemu_plugin_read_memory_vaddr(uint64_t addr, GByteArray *data, size_t len);
bool qemu_plugin_translate_vaddr(uint64_t vaddr, uint64_t *hwaddr);
void qemu_plugin_set_pc(uint64_t vaddr);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
void qemu_plugin_u64_set(qemu_plugin_u64 entry, unsigned int vcpu, uint64_t val);
uint64_t qemu_plugin_u64_get(qemu_plugin_u64 entry, unsigned int vcpu);
int qemu_plugin_num_vcpus(void);
void qemu_plugin_outs(const char *string);

/* --- QEMU's own functions, looked up at load ----------------------------- */

typedef struct CPUState CPUState;
typedef uint32_t MemTxResult;

/* Owner, parent and so on of QOM objects are not used: opaque and large enough. */
struct memory_region {
	_Alignas(16) unsigned char opaque[1024];
};

/* Layout of QEMU's MemoryRegionOps as far as this plugin fills it. */
struct memory_region_ops {
	uint64_t (*read)(void *opaque, uint64_t addr, unsigned int size);
	void (*write)(void *opaque, uint64_t addr, uint64_t data, unsigned int size);
	void *read_with_attrs;
	void *write_with_attrs;
	int endianness;
	struct {
		unsigned int min_access_size;
		unsigned int max_access_size;
		bool unaligned;
		void *accepts;
	} valid;
	struct {
		unsigned int min_access_size;
		unsigned int max_access_size;
		bool unaligned;
	} impl;
};

#define SIM_DEVICE_LITTLE_ENDIAN 0	/* MO_LE on a little-endian host */
#define SIM_RUN_STATE_PAUSED 4

/* One row a function: name, result, parameters. */
#define QEMU_INTERNALS(X) \
	X(cpu_restore_state, bool, (CPUState *cpu, uintptr_t host_pc)) \
	X(helper_write_eflags, void, (void *env, uint64_t flags, uint32_t mask)) \
	X(cpu_x86_update_cr4, void, (void *env, uint32_t cr4)) \
	X(cpu_x86_cpuid, void, (void *env, uint32_t leaf, uint32_t sub, uint32_t *a, \
				uint32_t *b, uint32_t *c, uint32_t *d)) \
	X(cpu_x86_inject_mce, void, (void *mon, void *cpu, int bank, uint64_t status, \
				     uint64_t mcg_status, uint64_t addr, \
				     uint64_t misc, int flags)) \
	X(cpu_ldq_mmu, uint64_t, (void *env, uint64_t addr, uint32_t oi, uintptr_t ra)) \
	X(cpu_stq_mmu, void, (void *env, uint64_t addr, uint64_t v, uint32_t oi, \
			      uintptr_t ra)) \
	X(x86_mmu_index_pl, int, (void *env, unsigned int pl)) \
	X(raise_exception_err_ra, void, (void *env, int nr, int err, uintptr_t ra)) \
	X(cpu_loop_exit, void, (CPUState *cpu)) \
	X(async_run_on_cpu, void, (CPUState *cpu, void (*fn)(CPUState *, uint64_t), \
				   uint64_t data)) \
	X(qemu_get_cpu, CPUState *, (int index)) \
	X(tlb_flush, void, (CPUState *cpu)) \
	X(bql_lock_impl, void, (const char *file, int line)) \
	X(bql_unlock, void, (void)) \
	X(bql_locked, bool, (void)) \
	X(get_system_memory, void *, (void)) \
	X(address_space_map, void *, (void *as, uint64_t addr, uint64_t *len, \
				      bool is_write, uint64_t attrs)) \
	X(memory_region_init_io, void, (struct memory_region *mr, void *owner, \
					const struct memory_region_ops *ops, \
					void *opaque, const char *name, uint64_t size)) \
	X(memory_region_add_subregion_overlap, void, (void *mr, uint64_t offset, \
						      struct memory_region *sub, \
						      int priority)) \
	X(memory_region_del_subregion, void, (void *mr, struct memory_region *sub)) \
	X(qemu_register_reset, void, (void (*fn)(void *opaque), void *opaque)) \
	X(vm_stop, int, (int state)) \
	X(vm_start, void, (void))

struct qemu_internals {
#define X(name, ret, args) ret (*name) args;
	QEMU_INTERNALS(X)
#undef X
	void *address_space_memory;
};

extern struct qemu_internals qemu;

/* General registers in the order of the instruction encoding. */
enum { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI, R_8, R_9, R_10, R_11 };

/**
 * qemu_api_init() - look up everything in QEMU that is not public
 *
 * Context: main thread, at plugin load.
 * Return: 0, or -1 with every missing name on stderr.
 */
int qemu_api_init(void);

/**
 * qemu_current_cpu() - the vCPU that runs on this thread, or NULL
 */
CPUState *qemu_current_cpu(void);

/**
 * qemu_env() - the architectural state of a vCPU
 * @cpu: a vCPU; the calling thread runs it
 *
 * Where the state lies inside @cpu differs between builds, so it is found
 * once, by the values of the general registers.
 *
 * Context: an execution callback with register access.
 * Return: the address; NULL if it cannot be told apart yet.
 */
void *qemu_env(CPUState *cpu);

/* The sixteen general registers, in encoding order. */
static inline uint64_t *env_regs(void *env)
{
	return env;
}

/**
 * qemu_reg() - read a register that has no known place in the env
 * @name: "rip", "efer", "cr0", "gs_base" ...
 * @out: its value
 *
 * Context: a callback with register access.
 * Return: false if QEMU has no such register.
 */
bool qemu_reg(const char *name, uint64_t *out);

#endif
