// SPDX-License-Identifier: GPL-2.0-or-later
/* kexec-tdx(8): takes the command lines of kexec(8), safe on TDX hosts. */
#include "config.h"

#include "sys_ops.h"
#include "tool.h"

int main(int argc, char **argv)
{
	struct tool tool = {
		.sysroot = "",
		.out = stdout,
		.err = stderr,
		.sys = &sys_real,
	};

	return tool_run(&tool, argc, argv);
}
