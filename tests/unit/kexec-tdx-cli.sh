#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The kexec-tdx program itself on bad input.  Always with --dry-run: the real
# calls are never made here.
set -eu
tool=${KEXEC_TDX:-kexec-tdx/kexec-tdx}
[ -x "$tool" ] || { echo "$tool: not built"; exit 99; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# refused NAME WORDS ARG...: exit status 1, one line that has NAME and WORDS.
refused() {
	_name=$1 _words=$2; shift 2
	_status=0
	"$tool" --dry-run "$@" >"$dir/out" 2>"$dir/err" || _status=$?
	if [ $_status = 1 ] && [ ! -s "$dir/out" ] &&
	   [ "$(wc -l <"$dir/err")" = 1 ] &&
	   grep -qF -- "$_name" "$dir/err" && grep -qF -- "$_words" "$dir/err"; then
		echo "ok: $(cat "$dir/err")"
	else
		echo "FAILED: $* -> status $_status: $(cat "$dir/out" "$dir/err")"
		failed=1
	fi
}

mkdir "$dir/folder"
: >"$dir/empty"
head -c 20000 /dev/zero | tr '\0' 'r' >"$dir/garbage"
head -c 100000 /dev/urandom >"$dir/random"
printf 'r' | dd of="$dir/random" conv=notrunc status=none
# A bzImage of 16 setup sectors and 4 KiB behind them, and a cut one.
head -c 12288 /dev/zero >"$dir/bzImage"
at() { printf %b "$2" | dd of="$dir/bzImage" bs=1 seek=$(($1)) conv=notrunc status=none; }
at 0x1f1 '\0017'; at 0x1f5 '\0001'; at 0x1fe '\0125\0252'; at 0x201 '\0152HdrS\0017\0002'
at 0x211 '\0001'; at 0x236 '\0177\0000\0377\0007'
head -c 12000 "$dir/bzImage" >"$dir/cut"

refused "$dir/folder" 'directory' -l "$dir/folder"
refused "$dir/empty" 'empty' -l "$dir/empty"
refused "$dir/garbage" 'not a kernel' -l "$dir/garbage"
refused "$dir/random" 'not a kernel' -l "$dir/random" -s
refused "$dir/cut" 'truncated' -l "$dir/cut"
refused "$dir/cut" '12288' -p "$dir/cut"
refused "$dir/none" 'no such file' -l "$dir/none"
refused "$dir/noinitrd" 'no such file' -l "$dir/bzImage" --initrd="$dir/noinitrd"
refused "$dir/empty" 'empty' -l "$dir/bzImage" --initrd "$dir/empty"
refused "$dir/folder" 'directory' --ramdisk "$dir/folder" "$dir/bzImage" --load
refused /dev/zero 'not a regular file' -l /dev/zero
refused --bogus 'unknown' --bogus -l "$dir/bzImage"
if [ "$(id -u)" != 0 ]; then
	chmod 0 "$dir/garbage"
	refused "$dir/garbage" 'may not be read' -l "$dir/garbage"
fi

# The same with an input that is right, so that the above means something.
if "$tool" --dry-run -l "$dir/bzImage" --initrd="$dir/cut" --append='a b' >"$dir/out" 2>&1 &&
   grep -q '^kexec_file_load(.*bzImage.*cut.*, 4, "a b", 0x0)$' "$dir/out"; then
	echo "ok: $(cat "$dir/out")"
else
	echo "FAILED: a right bzImage: $(cat "$dir/out")"
	failed=1
fi

# A full disk is an error, not a success.
if [ -e /dev/full ] && "$tool" --help >/dev/full 2>"$dir/err"; then
	echo 'FAILED: --help to a full disk succeeds'
	failed=1
fi
# With -S 1 is an answer, so it is another error there.
mkdir -p "$dir/sysroot/sys/kernel"
echo 1 >"$dir/sysroot/sys/kernel/kexec_crash_loaded"
report() {
	_status=0
	"$tool" --sysroot "$dir/sysroot" "$@" >"$_to" 2>"$dir/err" || _status=$?
	[ $_status = "$_wanted" ] ||
		{ echo "FAILED: $* >$_to: status $_status, not $_wanted: $(cat "$dir/err")"; failed=1; }
}
_to=$dir/out _wanted=1 && report -S
_to=$dir/out _wanted=0 && report -S --json
_to=$dir/out _wanted=1 && report -S -u
if [ -e /dev/full ]; then
	_to=/dev/full _wanted=255 && report -S
	_to=/dev/full _wanted=255 && report -S --json
fi
exit $failed
