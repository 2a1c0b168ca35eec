// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSRs and CPUID of a host with VMX and TDX, as far as software looks at them.
 * Intel SDM volume 4 and appendix A of volume 3 (VMX capability MSRs).
 */
#include "sim.h"

static const struct {
	uint32_t msr;
	uint64_t value;
} msrs[] = {
	{ 0x03a, 0x5 },				/* FEAT_CTL: locked, VMX outside SMX */
	{ 0x087, (uint64_t)SIM_NR_TDX_KEYIDS << 32 | (SIM_FIRST_TDX_KEYID - 1) },
						/* MKTME_KEYID_PARTITIONING */
	{ 0x480, 0x00da100000000004ULL },	/* VMX_BASIC: 4 KiB region, WB */
	{ 0x481, 0x000000ff00000016ULL },	/* pin-based controls */
	{ 0x482, 0xfff9fffe0401e172ULL },	/* processor-based controls */
	{ 0x483, 0x007fffff00036dffULL },	/* exit controls */
	{ 0x484, 0x0000ffff000011ffULL },	/* entry controls */
	{ 0x485, 0x000000007004c1e7ULL },	/* VMX_MISC */
	{ 0x486, 0x0000000080000021ULL },	/* CR0_FIXED0 */
	{ 0x487, 0x00000000ffffffffULL },	/* CR0_FIXED1 */
	{ 0x488, 0x0000000000002000ULL },	/* CR4_FIXED0 */
	{ 0x489, 0x0000000001ff2fffULL },	/* CR4_FIXED1 */
	{ 0x48b, 0x02137fff00000000ULL },	/* secondary controls */
	{ 0x48c, 0x00000f0106734141ULL },	/* EPT_VPID_CAP */
	{ 0x48d, 0x000000ff00000016ULL },	/* true pin-based */
	{ 0x48e, 0xfff9fffe04006172ULL },	/* true processor-based */
	{ 0x48f, 0x007fffff00036dfbULL },	/* true exit */
	{ 0x490, 0x0000ffff000011fbULL },	/* true entry */
	{ 0x491, 0x1 },				/* VMFUNC */
	{ 0x492, 0x0 },				/* tertiary controls */
};

bool platform_rdmsr(uint32_t msr, uint64_t *value)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(msrs); i++) {
		if (msrs[i].msr == msr) {
			*value = msrs[i].value;
			return true;
		}
	}
	return false;
}

bool platform_cpuid(void *env, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	enum { EAX, EBX, ECX, EDX };

	if (leaf != 1 && !(leaf == 7 && subleaf == 0))
		return false;
	qemu.cpu_x86_cpuid(env, leaf, subleaf, &out[EAX], &out[EBX], &out[ECX], &out[EDX]);
	if (leaf == 1) {
		out[ECX] |= 1u << 5;	/* VMX */
		out[EDX] |= 1u << 27;	/* SS, self-snoop */
	} else {
		out[ECX] |= 1u << 28;	/* MOVDIR64B */
	}
	return true;
}

/* CPUs on which a partial write poisons a line that TDX owns (Linux tdx.c:1516). */
static bool model_has_erratum(unsigned int family, unsigned int model)
{
	return family == 6 && (model == 0x8f || model == 0xcf);
}

void platform_learn_cpu(void *env)
{
	static bool known;
	uint32_t eax, ebx, ecx, edx;
	unsigned int family, model, phys_bits;

	if (__atomic_exchange_n(&known, true, __ATOMIC_RELAXED))
		return;
	qemu.cpu_x86_cpuid(env, 1, 0, &eax, &ebx, &ecx, &edx);
	family = (eax >> 8 & 15) + ((eax >> 8 & 15) == 15 ? eax >> 20 & 255 : 0);
	model = (eax >> 4 & 15) | (eax >> 12 & 0xf0);
	qemu.cpu_x86_cpuid(env, 0x80000008, 0, &eax, &ebx, &ecx, &edx);
	phys_bits = eax & 255;
	sim_set_cpu(phys_bits, model_has_erratum(family, model));
	event("\"ev\":\"cpu\",\"family\":%u,\"model\":%u,\"phys_bits\":%u,\"erratum\":%s", family,
	      model, phys_bits, model_has_erratum(family, model) ? "true" : "false");
}
