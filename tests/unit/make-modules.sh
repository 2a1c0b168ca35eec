#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# make modules copies what differs, also if it is older than the copy, and leaves
# the times of the rest alone; it never leaves the module of another kernel there.
# Runs in the build folder; no kernel is needed, those here go by file times, as
# kbuild does, and say what they were asked.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
bad() { echo "FAILED: $*"; failed=1; }

# kernel NAME RELEASE: older than anything that is built
kernel() {
	mkdir -p "$dir/$1/include/config"
	echo "$2" >"$dir/$1/include/config/kernel.release"
	printf 'modules: $(M)/tdx_reset.ko\n\t@echo asked for $(M)\n%s\n\techo %s >$@\n' \
		'$(M)/tdx_reset.ko: $(M)/main.c' "$1" >"$dir/$1/Makefile"
	find "$dir/$1" -type f -exec touch -d '2000-01-01' {} +
}
kernel kernel 6.12-cloud
kernel other 6.12
copy=$dir/modules
modules() {
	MAKEFLAGS='' make modules modules_dir="$copy" KDIR="${1:-$dir/kernel}" >"$dir/out" 2>&1 ||
		{ cat "$dir/out"; echo 'FAILED: make modules'; exit 1; }
	grep -q "^asked for $copy/kernel\$" "$dir/out" || bad 'kbuild was not asked'
}
copied() { sed -n 's/^  COPY  *//p' "$dir/out"; }
# built_for NAME WHEN
built_for() {
	[ "$(cat "$copy/kernel/tdx_reset.ko")" = "$1" ] ||
		bad "$2: the module is for $(cat "$copy/kernel/tdx_reset.ko"), not $1"
}

modules
nr=$(copied | wc -l)
[ "$nr" -ge 20 ] || bad "only $nr files copied"
[ -e "$copy/include/tdx/abi.h" ] || bad 'no headers copied'
built_for kernel 'the first'

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

# Another kernel, the first again, and by another name: what is built is for it,
# and nothing is built twice for one.
modules "$dir/other"
built_for other 'a second kernel'
modules
built_for kernel 'the first again'
ln -s kernel "$dir/name"
echo kept >>"$copy/kernel/tdx_reset.ko"
modules "$(realpath --relative-to=. "$dir/name")"
grep -q kept "$copy/kernel/tdx_reset.ko" || bad 'the same by a relative path and a link, and built again'
# The same folder after an update that brought older headers.
kernel kernel 6.13
modules
built_for kernel 'another release in the same folder'
echo 'another configuration' >"$dir/kernel/include/config/auto.conf"
touch -d '2000-01-01' "$dir/kernel/include/config/auto.conf"
echo kept >>"$copy/kernel/tdx_reset.ko"
modules
built_for kernel 'another configuration in the same folder'
if MAKEFLAGS='' make modules modules_dir="$copy" KDIR="$dir/none" >"$dir/out" 2>&1; then
	bad 'a KDIR that is not there succeeds'
fi
grep -q "$dir/none: no such folder" "$dir/out" || bad "a KDIR that is not there: $(cat "$dir/out")"

# What dkms gets: its configuration, sources that build without the rest, the version.
MAKEFLAGS='' make install-dkms DESTDIR="$dir/dkms" >"$dir/out" 2>&1 || { cat "$dir/out"; bad 'make install-dkms'; }
version=$(kexec-tdx/kexec-tdx --version | cut -d' ' -f2)
source=$dir/dkms/usr/src/tdx_reset-$version
[ "$(find "$source" -type f | wc -l)" = $((nr + 1)) ] || bad "$source: not $nr files and dkms.conf"
bash -euc 'kernel_source_dir=$1; cd "$2"; . ./dkms.conf
	[ "$PACKAGE_NAME-$PACKAGE_VERSION" = "${PWD##*/}" ]
	eval "${MAKE[0]}" && cat "${BUILT_MODULE_LOCATION[0]}/${BUILT_MODULE_NAME[0]}.ko"' \
	bash "$dir/other" "$source" >"$dir/out" 2>&1 || bad "dkms.conf: $(cat "$dir/out")"
[ "$(tail -n 1 "$dir/out")" = other ] || bad "dkms.conf builds something else: $(cat "$dir/out")"

# Kbuild takes the version from where configure has it, in each copy.
cat >"$dir/version.mk" <<'END'
include $(src)/Kbuild
print:
	@echo $(CFLAGS_main.o)
END
for src in "$copy/kernel" "$source/kernel"; do
	[ "$(make -s -f "$dir/version.mk" src="$src" print)" = "-DTDX_RESET_VERSION=\"$version\"" ] ||
		bad "$src/Kbuild: version $(make -s -f "$dir/version.mk" src="$src" print 2>&1), not $version"
done
mv "$source/configure.ac" "$source/kept"
if make -s -f "$dir/version.mk" src="$source/kernel" print >"$dir/out" 2>&1; then
	bad "Kbuild without configure.ac has a version: $(cat "$dir/out")"
fi

# Headers that are installed need no other of ours.
MAKEFLAGS='' make install-tdxincludeHEADERS DESTDIR="$dir/include" includedir= >"$dir/out" 2>&1 ||
	{ cat "$dir/out"; bad 'make install-tdxincludeHEADERS'; }
for header in reset reset_user; do
	[ -e "$dir/include/tdx/$header.h" ] || bad "tdx/$header.h is not installed"
done
grep -h -o '"tdx/.*"' "$dir/include/tdx/"*.h | tr -d '"' | sort -u >"$dir/needed"
[ -s "$dir/needed" ] || bad 'no header needs another'
while read -r header; do
	[ -e "$dir/include/$header" ] || bad "$header is needed and not installed"
done <"$dir/needed"
[ $failed = 0 ] && echo "ok: $nr files"
exit $failed
