# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Is what the component shows what the documents say?  Sourced by case.
# shellcheck disable=SC2154 # why, vm_why, name, kernel, tmp are those of case and vm.sh

# compare SHOWN DOCUMENTED: two sorted lists; prints what only one has.
compare() { comm -3 "$1" "$2" | tr -d '\t'; }

# Files in sysfs against Documentation/ABI, both ways; parameters against the
# table of Documentation/tdx_reset.md and against modinfo.  The table also has
# those of the other mode.
case_abi() {
	doc=/src/Documentation
	vm_start "$name" "$kernel" 2 2048 sys_disable=absent t.run=abi "$@"
	vm_result 120 || bad "$vm_why"
	grep -a '^VM-FILE: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2 | sort >"$tmp/files"
	grep -a '^VM-PARAM: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2 | sort >"$tmp/params"
	sed -n 's,^What:.*/sys/kernel/tdx_reset/\([a-z0-9_]\{1\,\}\)$,\1,p' \
		"$doc/ABI/testing/sysfs-kernel-tdx_reset" | sort >"$tmp/told-files"
	sed -n 's/^| `\([a-z0-9_]*\)=[^|]*|.*/\1/p' "$doc/tdx_reset.md" | sort >"$tmp/told-params"
	modinfo -F parm "/out/modules/$kernel/tdx_reset.ko" | cut -d: -f1 | sort >"$tmp/described"
	expect_some "files in sysfs" "$(wc -l <"$tmp/files")"
	expect_some "parameters" "$(wc -l <"$tmp/params")"
	_odd=$(compare "$tmp/files" "$tmp/told-files")
	[ -z "$_odd" ] || bad "in sysfs or in Documentation/ABI, not in both: $_odd"
	_odd=$(comm -23 "$tmp/params" "$tmp/told-params")
	[ -z "$_odd" ] || bad "parameters that Documentation/tdx_reset.md does not have: $_odd"
	_odd=$(compare "$tmp/params" "$tmp/described")
	[ -z "$_odd" ] || bad "parameters, or descriptions in modinfo, not both: $_odd"
	# The twin: a file or a parameter that nobody wrote of is noticed.
	echo zz-planted >>"$tmp/files"
	[ "$(compare "$tmp/files" "$tmp/told-files")" = zz-planted ] || bad "a planted file was not noticed"
	echo zz-planted >>"$tmp/params"
	[ "$(comm -23 "$tmp/params" "$tmp/told-params")" = zz-planted ] || bad "a planted parameter was not noticed"
	echo "abi: $(wc -l <"$tmp/told-files") files, $(wc -l <"$tmp/described") parameters, all documented"
	finish
}
