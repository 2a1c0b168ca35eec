# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Is what the component shows what the documents say?  Sourced by case.
# shellcheck disable=SC2154 # why, vm_why, name, kernel, tmp are those of case and vm.sh

# texts SOURCE: why coverage is partial and why there is no jump, as printed.
texts() {
	sed -n -e 's/^\t\t"\([^"]*\)",$/\1/p' -e 's/^\t*"\([^"]*\)";$/\1/p' \
		-e 's/^[^"]*refuse[^"]*"\([^"]*\)")*;$/\1/p' "$1"
}

# untold DOCUMENT: the lines that are no first column of a table there
untold() {
	while read -r _text; do
		grep -q -F -e "| $_text |" "$1" || echo "$_text"
	done
}

# healed SOURCE: the reasons of HEALED_BY_DISABLE, as printed.
healed() {
	awk '/^\t\[COVERAGE_/ { name = $1; gsub(/[][]/, "", name); getline; gsub(/^[^"]*"|",$/, ""); text[name] = $0 }
		/^#define HEALED_BY_DISABLE/ { on = 1 }
		on {
			line = $0
			while (match(line, /COVERAGE_[A-Z_]+/)) {
				print text[substr(line, RSTART, RLENGTH)]
				line = substr(line, RSTART + RLENGTH)
			}
			on = /\\$/
		}' "$1" | sort
}

# compare SHOWN DOCUMENTED: two sorted lists; prints what only one has.
compare() { comm -3 "$1" "$2" | tr -d '\t'; }

# Files in sysfs against Documentation/ABI, both ways; parameters against the
# table of Documentation/tdx_reset.md and against modinfo.  The table also has
# those of the other mode.  Reasons against its tables.
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
	for _source in coverage handoff; do
		texts "/src/kernel/$_source.c" >"$tmp/texts-$_source"
		expect_some "texts in $_source.c" "$(wc -l <"$tmp/texts-$_source")"
		_odd=$(untold "$doc/tdx_reset.md" <"$tmp/texts-$_source")
		[ -z "$_odd" ] || bad "texts of $_source.c that Documentation/tdx_reset.md does not have: $_odd"
	done
	sed -n 's/^| \(.*\) | yes |.*/\1/p' "$doc/tdx_reset.md" | sort >"$tmp/told-healed"
	healed /src/kernel/coverage.c >"$tmp/healed"
	expect_some "reasons that TDH.SYS.DISABLE heals" "$(wc -l <"$tmp/healed")"
	_odd=$(compare "$tmp/healed" "$tmp/told-healed")
	[ -z "$_odd" ] || bad "healed in coverage.c or in Documentation/tdx_reset.md, not in both: $_odd"
	# The twin: a text, a file or a parameter that nobody wrote of is noticed.
	echo zz-planted >>"$tmp/texts-handoff"
	[ "$(untold "$doc/tdx_reset.md" <"$tmp/texts-handoff")" = zz-planted ] || bad "a planted text was not noticed"
	echo zz-planted >>"$tmp/files"
	[ "$(compare "$tmp/files" "$tmp/told-files")" = zz-planted ] || bad "a planted file was not noticed"
	echo zz-planted >>"$tmp/params"
	[ "$(comm -23 "$tmp/params" "$tmp/told-params")" = zz-planted ] || bad "a planted parameter was not noticed"
	sed 's/BIT(COVERAGE_OUTSIDE_MAP)/BIT(COVERAGE_MISSED_CALL)/' /src/kernel/coverage.c >"$tmp/planted.c"
	healed "$tmp/planted.c" >"$tmp/healed"
	[ "$(compare "$tmp/healed" "$tmp/told-healed" | wc -l)" = 2 ] || bad "a planted reason that is healed was not noticed"
	echo "abi: $(wc -l <"$tmp/told-files") files, $(wc -l <"$tmp/described") parameters, $(cat "$tmp"/texts-* | wc -l) reasons, all documented"
	finish
}
