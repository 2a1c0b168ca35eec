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

# What differs from one message to the next is @: conversions in the source, capital
# letters and words in the document.
# said FILE...: all strings; warned FILE...: the messages from pr_warn() up.
said() { cat "$@" | grep -o '"[^"]*"' | sed -e 's/%[-#0-9.]*l*[a-z]/@/g' -e 's/\\n//; s/"//g'; }
warned() { cat "$@" | grep -E '^\s*pr_(warn|err|crit|alert|emerg)(_once|_ratelimited)?\("' | said; }
# told DOCUMENT: what its tables of messages have, a message a line.
told() {
	awk -F ' [|] ' '/^[|] the log says [|]/ { on = 1; next }
		!/^[|]/ { on = 0 }
		on && !/^[|]-/ { print substr($1, 3) }' "$1" | sed 's/; /\n/g' |
		sed -E -e 's/\b(NAME|VALUE|WHAT|WHY|WAY|LEAF|[A-Z])\b/@/g' -e 's/^(cannot hook )[a-z_]+/\1@/'
}

# unsaid SAID: the lines that are in no message, also if it has its end from elsewhere.
unsaid() {
	while read -r _text; do
		grep -q -F -e "$_text" "$1" ||
			{ grep -q -F -x -e "${_text%%: *}: @" "$1" && grep -q -F -e "${_text#*: }" "$1"; } || echo "$_text"
	done
}

# unlisted TOLD: the lines that no message of the document is a part of.
unlisted() {
	while read -r _text; do
		while read -r _told; do
			case $_text in *"$_told"*) continue 2 ;; esac
		done <"$1"
		echo "$_text"
	done
}

# compare SHOWN DOCUMENTED: two sorted lists; prints what only one has.
compare() { comm -3 "$1" "$2" | tr -d '\t'; }

# modes DOCUMENT: FILE MODE of each file there.
modes() {
	awk '/^What:/ { if (name) print name, mode; name = $2; sub(".*/", "", name); mode = 444 }
		/Readable by root only/ { mode = 400 }
		END { print name, mode }' "$1" | sort
}

# Files in sysfs, with their modes, against Documentation/ABI, both ways; parameters against the
# table of Documentation/tdx_reset.md and against modinfo.  The table also has
# those of the other mode.  Reasons and warnings against its tables.
case_abi() {
	doc=/src/Documentation abi=/src/Documentation/ABI/testing/sysfs-kernel-tdx_reset
	vm_start "$name" "$kernel" 2 2048 sys_disable=absent t.run=abi "$@"
	vm_result 120 || bad "$vm_why"
	grep -a '^VM-FILE: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2 | sort >"$tmp/files"
	grep -a '^VM-FILE: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2,3 | sort >"$tmp/modes"
	modes "$abi" >"$tmp/told-modes"
	grep -a '^VM-PARAM: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2 | sort >"$tmp/params"
	sed -n 's,^What:.*/sys/kernel/tdx_reset/\([a-z0-9_]\{1\,\}\)$,\1,p' \
		"$abi" | sort >"$tmp/told-files"
	sed -n 's/^| `\([a-z0-9_]*\)=[^|]*|.*/\1/p' "$doc/tdx_reset.md" | sort >"$tmp/told-params"
	modinfo -F parm "/out/modules/$kernel/tdx_reset.ko" | cut -d: -f1 | sort >"$tmp/described"
	expect_some "files in sysfs" "$(wc -l <"$tmp/files")"
	expect_some "parameters" "$(wc -l <"$tmp/params")"
	_odd=$(compare "$tmp/files" "$tmp/told-files")
	[ -z "$_odd" ] || bad "in sysfs or in Documentation/ABI, not in both: $_odd"
	_odd=$(compare "$tmp/modes" "$tmp/told-modes")
	[ -z "$_odd" ] || bad "modes in sysfs, or in Documentation/ABI, not in both: $_odd"
	expect_some "files for root only" "$(grep -c ' 400$' "$tmp/told-modes")"
	_odd=$(comm -23 "$tmp/params" "$tmp/told-params")
	[ -z "$_odd" ] || bad "parameters that Documentation/tdx_reset.md does not have: $_odd"
	_odd=$(compare "$tmp/params" "$tmp/described")
	[ -z "$_odd" ] || bad "parameters, or descriptions in modinfo, not both: $_odd"
	_version=$(sed -n 's/^AC_INIT(\[kexec-tdx\], \[\([^]]*\)\].*/\1/p' /src/configure.ac)
	[ -n "$_version" ] || bad "configure.ac has no version"
	_odd=$(modinfo -F version "/out/modules/$kernel/tdx_reset.ko")
	[ "$_odd" = "$_version" ] || bad "the module has version $_odd, not $_version"
	for _source in coverage handoff; do
		texts "/src/kernel/$_source.c" >"$tmp/texts-$_source"
		expect_some "texts in $_source.c" "$(wc -l <"$tmp/texts-$_source")"
		_odd=$(untold "$doc/tdx_reset.md" <"$tmp/texts-$_source")
		[ -z "$_odd" ] || bad "texts of $_source.c that Documentation/tdx_reset.md does not have: $_odd"
	done
	sed -n 's/^\t  "\(.*\)" },$/\1/p' /src/kernel/enable_error.c >"$tmp/texts-causes"
	expect_some "texts in enable_error.c" "$(wc -l <"$tmp/texts-causes")"
	_odd=$(untold "$doc/tdx_reset.md" <"$tmp/texts-causes")
	[ -z "$_odd" ] || bad "causes of enable_error.c that Documentation/tdx_reset.md does not have: $_odd"
	sed -n 's/^| \(.*\) | yes |.*/\1/p' "$doc/tdx_reset.md" | sort >"$tmp/told-healed"
	healed /src/kernel/coverage.c >"$tmp/healed"
	expect_some "reasons that TDH.SYS.DISABLE heals" "$(wc -l <"$tmp/healed")"
	_odd=$(compare "$tmp/healed" "$tmp/told-healed")
	[ -z "$_odd" ] || bad "healed in coverage.c or in Documentation/tdx_reset.md, not in both: $_odd"
	said /src/kernel/*.c >"$tmp/said"
	warned /src/kernel/*.c >"$tmp/warned"
	told "$doc/tdx_reset.md" >"$tmp/told"
	expect_some "warnings" "$(wc -l <"$tmp/warned")"
	expect_some "messages in tables" "$(wc -l <"$tmp/told")"
	_odd=$(unsaid "$tmp/said" <"$tmp/told")
	[ -z "$_odd" ] || bad "messages of Documentation/tdx_reset.md that nothing in kernel/ prints: $_odd"
	_odd=$(unlisted "$tmp/told" <"$tmp/warned")
	[ -z "$_odd" ] || bad "warnings that Documentation/tdx_reset.md does not have: $_odd"
	# The twin: a text, a file or a parameter that nobody wrote of is noticed.
	echo zz-planted >>"$tmp/texts-handoff"
	[ "$(untold "$doc/tdx_reset.md" <"$tmp/texts-handoff")" = zz-planted ] || bad "a planted text was not noticed"
	echo zz-planted >>"$tmp/files"
	[ "$(compare "$tmp/files" "$tmp/told-files")" = zz-planted ] || bad "a planted file was not noticed"
	sed 's/^map 400$/map 444/' "$tmp/modes" >"$tmp/planted-modes"
	[ "$(compare "$tmp/planted-modes" "$tmp/told-modes" | wc -l)" = 2 ] || bad "a planted mode was not noticed"
	echo zz-planted >>"$tmp/params"
	[ "$(comm -23 "$tmp/params" "$tmp/told-params")" = zz-planted ] || bad "a planted parameter was not noticed"
	sed 's/BIT(COVERAGE_OUTSIDE_MAP)/BIT(COVERAGE_MISSED_CALL)/' /src/kernel/coverage.c >"$tmp/planted.c"
	healed "$tmp/planted.c" >"$tmp/healed"
	[ "$(compare "$tmp/healed" "$tmp/told-healed" | wc -l)" = 2 ] || bad "a planted reason that is healed was not noticed"
	printf '\t%s\n' 'pr_warn("zz-planted: %d\n", 1);' >"$tmp/planted.c"
	[ "$(warned "$tmp/planted.c" | unlisted "$tmp/told")" = 'zz-planted: @' ] || bad "a planted warning was not noticed"
	printf '| the log says | because |\n|---|---|\n| zz-planted N; TDX is not enabled: error N | no |\n' >"$tmp/planted.md"
	[ "$(told "$tmp/planted.md" | unsaid "$tmp/said")" = 'zz-planted @' ] || bad "a planted message was not noticed"
	echo "abi: $(wc -l <"$tmp/told-files") files, $(wc -l <"$tmp/described") parameters, $(cat "$tmp"/texts-* | wc -l) reasons, $(wc -l <"$tmp/warned") warnings, all documented"
	finish
}
