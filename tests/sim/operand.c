// SPDX-License-Identifier: GPL-2.0-or-later
/* x86-64 prefixes and ModRM memory operands.  Intel SDM volume 2, chapter 2. */
#include "sim.h"

#include <string.h>

void insn_prefixes(struct insn *insn)
{
	unsigned int i = 0;

	for (; i < insn->len; i++) {
		switch (insn->bytes[i]) {
		case 0x66:
			insn->opsize = true;
			continue;
		case 0x67:
			insn->address32 = true;
			continue;
		case 0xf2:
		case 0xf3:
			insn->rep = insn->bytes[i];
			continue;
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
			insn->segment = insn->bytes[i];
			continue;
		case 0xf0:
			continue;
		}
		break;
	}
	if (i < insn->len && (insn->bytes[i] & 0xf0) == 0x40)
		insn->rex = insn->bytes[i++];
	insn->opcode = i;
}

unsigned int insn_modrm_end(const struct insn *insn, unsigned int modrm_at)
{
	uint8_t modrm = insn->bytes[modrm_at], mod = modrm >> 6, rm = modrm & 7;
	unsigned int end = modrm_at + 1;

	if (mod == 3)
		return end;
	if (rm == 4) {
		uint8_t base = insn->bytes[end++] & 7;

		if (mod == 0 && base == 5)
			end += 4;
	} else if (mod == 0 && rm == 5) {
		end += 4;
	}
	return end + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static int64_t displacement(const uint8_t *p, unsigned int size)
{
	int32_t d32;

	if (size == 1)
		return (int8_t)*p;
	if (size != 4)
		return 0;
	memcpy(&d32, p, sizeof(d32));
	return d32;
}

uint64_t insn_address(const struct insn *insn, unsigned int modrm_at, const uint64_t *regs)
{
	uint8_t modrm = insn->bytes[modrm_at], mod = modrm >> 6, rm = modrm & 7;
	unsigned int rex_b = insn->rex & 1 ? 8 : 0, rex_x = insn->rex & 2 ? 8 : 0;
	const uint8_t *p = &insn->bytes[modrm_at + 1];
	unsigned int disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;
	uint64_t addr = 0, base;

	if (rm == 4) {
		uint8_t sib = *p++;
		unsigned int index = (sib >> 3 & 7) + rex_x;

		if (mod == 0 && (sib & 7) == 5)
			disp = 4;
		else
			addr = regs[(sib & 7) + rex_b];
		if (index != 4)
			addr += regs[index] << (sib >> 6);
	} else if (mod == 0 && rm == 5) {
		disp = 4;
		addr = insn->next_rip;
	} else {
		addr = regs[rm + rex_b];
	}
	addr += displacement(p, disp);
	if (insn->address32)
		addr = (uint32_t)addr;
	if (insn->segment == 0x64 && qemu_reg("fs_base", &base))
		addr += base;
	if (insn->segment == 0x65 && qemu_reg("gs_base", &base))
		addr += base;
	return addr;
}
