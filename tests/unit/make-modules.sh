#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make modules copies what differs, also if it is older than the copy, and leaves
# the times of the rest alone.  Runs in the build folder; no kernel is needed, the
# one here says only that it was asked.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
bad() { echo "FAILED: $*"; failed=1; }

mkdir "$dir/kernel"
printf 'modules:\n\t@echo asked for $(M)\n' >"$dir/kernel/Makefile"
copy=$dir/modules
modules() {
	MAKEFLAGS='' make modules modules_dir="$copy" KDIR="$dir/kernel" >"$dir/out" 2>&1 ||
		{ cat "$dir/out"; echo 'FAILED: make modules'; exit 1; }
	grep -q "^asked for $copy/kernel\$" "$dir/out" || bad 'kbuild was not asked'
}
copied() { sed -n 's/^  COPY  *//p' "$dir/out"; }

modules
nr=$(copied | wc -l)
[ "$nr" -ge 20 ] || bad "only $nr files copied"
[ -e "$copy/include/tdx/abi.h" ] || bad 'no headers copied'

find "$copy" -type f -exec touch -d '2001-01-01' {} +
modules
[ -z "$(copied)" ] || bad "the same, and copied: $(copied)"
[ -z "$(find "$copy" -type f -newermt '2001-01-02')" ] || bad 'the time of a file changed'

# A copy that is newer than its source, as after a checkout of something older.
echo '/* stale */' >>"$copy/kernel/main.c"
touch -d '2037-01-01' "$copy/kernel/main.c"
modules
[ "$(copied)" = kernel/main.c ] || bad "a stale kernel/main.c; copied: $(copied)"
! grep -q stale "$copy/kernel/main.c" || bad 'kernel/main.c is still stale'
[ $failed = 0 ] && echo "ok: $nr files"
exit $failed
