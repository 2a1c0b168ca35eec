#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The option table, the manual page and the completion agree; so do the rows and
# keys of the report with the page and with the files of the component.
set -eu
tool=${KEXEC_TDX:-kexec-tdx/kexec-tdx}
srcdir=${srcdir:-.}
man=$srcdir/packaging/man/kexec-tdx.8
completion=$srcdir/packaging/completions/kexec-tdx
[ -x "$tool" ] || { echo "$tool: not built"; exit 99; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
bad() { echo "FAILED: $*"; failed=1; }

"$tool" --list-options | cut -d' ' -f1 | sort >"$dir/table"
# In the page dashes are written \-, and options are at a word's beginning.
sed 's/\\-/-/g; s/\\fI.*//' "$man" | grep -oE -- '(^|[ "=])--?[A-Za-z0-9][a-z0-9-]*' |
	sed 's/^[ "=]//' | sort -u >"$dir/page"
while read -r option; do
	grep -qxF -- "$option" "$dir/page" || bad "$option is not in the manual page"
done <"$dir/table"
grep -- '^--' "$dir/page" | grep -vxF -e --option >"$dir/long"
while read -r option; do
	grep -qxF -- "$option" "$dir/table" || bad "$option is in the manual page only"
done <"$dir/long"

"$tool" --help >"$dir/help"
while read -r option; do
	case $option in
	--sysroot | --list-options) ;;
	*) grep -qE -- "(^|[ ,])$option([ =,]|\$)" "$dir/help" || bad "$option is not in --help" ;;
	esac
done <"$dir/table"

"$tool" --sysroot "$dir" --status --json | sed -n 's/^  "\([a-z_]*\)": .*/\1/p' | sort >"$dir/keys"
sed -n 's,^What:.*/sys/kernel/tdx_reset/\([a-z_]\{1\,\}\)$,\1,p' \
	"$srcdir/Documentation/ABI/testing/sysfs-kernel-tdx_reset" | sort >"$dir/files"
[ -s "$dir/files" ] || bad 'no files of the component are described'
comm -13 "$dir/keys" "$dir/files" >"$dir/untold"
while read -r file; do bad "--json does not have $file"; done <"$dir/untold"
# The rows of the report and their keys, in the order of the page's table.
"$tool" --sysroot "$dir" --status >"$dir/plain" || :
sed 's/^ *//' "$dir/plain" | sed 's/   *[^ ].*//; s/ unknown$//; s/ no$//' >"$dir/rows"
"$tool" --sysroot "$dir" --status --json | sed -n 's/^  "\([a-z_]*\)": .*/\1/p' |
	paste "$dir/rows" - >"$dir/report"
sed -n '/^\.ta/,/^\.fi/p' "$man" | sed -n 's/^ *\([^.].*\)/\1/p' | cut -f1,2 >"$dir/told"
diff "$dir/report" "$dir/told" || bad 'the report (<) and the table of the manual page (>) differ'

# What the page refers to is installed there.
grep '^\.I .*/doc/' "$man" | sed 's/\\-/-/g; s,.*/doc/kexec-tdx/*,,' | grep . >"$dir/installed" || :
[ "$(wc -l <"$dir/installed")" = 2 ] || bad 'the manual page names no documents'
while read -r file; do
	[ -s "$srcdir/$file" ] || bad "$file is in the manual page, and not there"
	grep -q "^nobase_dist_doc_DATA = .*" "$srcdir/Makefile.am" &&
		sed -n '/^nobase_dist_doc_DATA/,/[^\\]$/p' "$srcdir/Makefile.am" | grep -qF -- "$file" ||
		bad "$file is in the manual page, and not installed"
done <"$dir/installed"

if command -v bash >/dev/null; then
	# Completes the last word of the others.
	complete_word() {
		PATH=$(dirname "$tool"):$PATH bash -c '
			. "$1"; shift
			COMP_WORDS=(kexec-tdx "$@"); COMP_CWORD=$#
			_kexec_tdx; printf "%s\n" "${COMPREPLY[@]}"' bash "$completion" "$@"
	}
	[ "$(complete_word --reuse-c)" = --reuse-cmdline ] || bad 'completion of an option'
	: >"$dir/vmlinuz-1"
	[ "$(complete_word -l "$dir/vml")" = "$dir/vmlinuz-1" ] || bad 'completion of a kernel'
	[ "$(complete_word --initrd = "$dir/vml")" = "$dir/vmlinuz-1" ] || bad 'completion of --initrd='
	[ "$(complete_word --append "$dir/vml")" = '' ] || bad 'completion of free text'
fi
[ $failed = 0 ] && echo "ok: $(wc -l <"$dir/table") options, $(wc -l <"$dir/keys") keys"
exit $failed
