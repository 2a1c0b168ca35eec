# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# The superset proof: the machine stands still at every point (before and after
# each SEAMCALL, after each 64-byte store, before each fence) of a scripted life
# of three TDs; tests/sim/points.h.  Sourced by case, which has the helpers.
# shellcheck disable=SC2154 # why, vm_why, name, kernel are those of case and vm.sh

# KEY: of the totals in $points or $jumps.
points_member() { echo "$points" | number "$1"; }
jumps_member() { echo "$jumps" | number "$1"; }

# expect_same WHAT NUMBER WHAT NUMBER
expect_same() { [ "${2:-x}" = "${4:-y}" ] || bad "$1: ${2:-unknown}; $3: ${4:-unknown}"; }

# What does not look at points counts, too: calls of each leaf, a line each, and
# 64-byte stores.
all_calls() {
	vm_ctl calls | tr '{' '\n' | sed -n 's/.*"leaf":"\([^"]*\)","calls":\([0-9]*\),.*/\1 \2/p'
}
all_stores() { vm_ctl stats | number movdir64b; }

# proof_start SCENARIO PARAM...: up to the moment before the life begins, where the
# machine is stopped until proof_end.
proof_start() {
	_scenario=$1; shift
	vm_start "$name" "$kernel" 1 2048 "sys_disable=absent,seamcalls=unlogged${PROOF_SIM:+,$PROOF_SIM}" \
		t.stay=1 "t.run=$_scenario" t.tds=3 t.mib=4 "$@"
	vm_wait '^VM-MAP: ' 120 || { bad "$vm_why"; finish; }
	vm_ctl stop >/dev/null || { bad "the simulator does not answer"; finish; }
	map=$(find_map)
	# None: without the component.
	vm_ctl points "${map:-0}" >/dev/null || { bad "the simulator does not look at points"; finish; }
	all_calls >"$tmp/calls-before"
	stores_before=$(all_stores)
	proof_faults "$_scenario"
}

# Leaf, status, how often, after how many calls.  OPERAND_BUSY, after which td-user
# asks again and KVM sometimes does; OPERAND_INVALID, which is final.  A page that
# cannot be reclaimed stays private for ever.
proof_faults() {
	case $1 in
	own-proof) _faults='2 0x8000020000000000 2 1
		3 0x8000020000000000 2 5
		6 0x8000020000000000 3 600
		7 0xc000010000000001 2 500
		9 0x8000020000000000 2 1
		28 0x8000020000000000 2 200
		29 0xc000010000000001 3 400' ;;
	# The second cycle fails in the middle of its second TD.
	proof) _faults='6 0xc000010000000001 1 6500
		7 0x8000020000000000 1 300
		28 0xc000010000000001 1 20
		29 0x8000020000000000 1 700' ;;
	esac
	while read -r _fault; do
		# shellcheck disable=SC2086
		vm_ctl inject $_fault >/dev/null || bad "the simulator does not inject $_fault"
	done <<-EOF
	$_faults
	EOF
}

# looked_at KEY: of each leaf whose calls were looked at, a line each; KEY: seen, failed.
looked_at() {
	echo "$points" | tr '{' '\n' | sed -n "s/.*\"leaf\":\"\([^\"]*\)\".*\"$1\":\([0-9]*\).*/\1 \2/p"
}
# succeeded LEAF: how many of its calls did
succeeded() {
	echo "$points" | tr '{' '\n' | sed -n "s/\"leaf\":\"$1\",\"seen\":\([0-9]*\),\"failed\":\([0-9]*\).*/\1 \2/p" |
		awk '{ n = $1 - $2 } END { print n + 0 }'
}

proof_end() {
	vm_ctl cont >/dev/null || bad "the simulator does not answer"
	vm_wait '^VM-PROOF: end\|^VM-RESULT: ' "${PROOF_LIMIT:-1200}" || bad "$vm_why"
	# All counts are of one moment.
	vm_ctl stop >/dev/null || bad "the simulator does not answer"
	points=$(vm_ctl points) || bad "the simulator does not answer"
	all_calls >"$tmp/calls"
	stores=$(($(all_stores) - stores_before))
	: >"$tmp/last"
	[ -z "$map" ] || vm_ctl superset "$map" >"$tmp/last" || :
	vm_ctl cont >/dev/null || bad "the simulator does not answer"
	expect_all_points
}

# No point is left out, by what is counted elsewhere: each call of each leaf, each
# store; and each page that came back from TDX was rewritten, line by line.
expect_all_points() {
	awk 'FILENAME == ARGV[1] { before[$1] = $2; next }
		$2 > before[$1] { print $1, $2 - before[$1] }' "$tmp/calls-before" "$tmp/calls" | sort >"$tmp/made"
	looked_at seen | sort >"$tmp/seen"
	expect_some "leaves that were called" "$(wc -l <"$tmp/made")"
	_odd=$(comm -3 "$tmp/made" "$tmp/seen" | tr '\t\n' ' ;')
	[ -z "$_odd" ] || bad "calls made and calls looked at differ: $_odd"
	_made=$(awk '{ n += $2 } END { print n + 0 }' "$tmp/made")
	expect_same "calls" "$_made" "points before them" "$(points_member before)"
	expect_same "calls" "$_made" "points after them" "$(points_member after)"
	expect_same "64-byte stores" "$stores" "points after them" "$(points_member store)"
	# A page of 2 MiB comes back whole.
	_back=$(($(succeeded TDH.MEM.PAGE.REMOVE) + $(succeeded TDH.PHYMEM.PAGE.RECLAIM)))
	_pages=$((_back + 511 * $(points_member large)))
	expect_same "stores into $_pages pages that came back" $((64 * _pages)) "points at stores" "$(points_member store)"
	# td-user asks TDX to flush each page of 4 KiB, KVM not the tables.
	[ "$scenario" != own-proof ] ||
		expect_same "pages flushed" "$(succeeded TDH.PHYMEM.PAGE.WBINVD)" "pages that came back" "$_pages"
	[ "$(points_member fence)" -ge "$_back" ] ||
		bad "$(points_member fence) fences are less than one each time that a page came back, $_back times"
	echo "proof: $_made calls of $(wc -l <"$tmp/made") leaves, $stores stores, counted twice; $_pages pages came back"
}

# Nothing was missing at any point, and every fault was given as often as wanted.
expect_superset() {
	expect_zero "points with a page missing in the tracker" "$(points_member bad)"
	expect_zero "points with partial coverage" "$(points_member partial)"
	expect_zero "points with an unreadable map" "$(points_member unreadable)"
	expect_zero "pages missing at the end" "$(number missing <"$tmp/last")"
	while read -r _leaf _ _count _; do
		expect_same "faults wanted of leaf $_leaf" "$_count" "given" "$(leaf_number "$_leaf" injected)"
	done <<-EOF
	$_faults
	EOF
	# More pages than TDX has: one on its way in or out, of 2 MiB in own mode.  And
	# no page stays for ever that need not.
	_most=64
	if [ "$scenario" = own-proof ]; then
		_most=512
		# KVM gives a TD small pages only.
		expect_some "pages of 2 MiB" "$(points_member large)"
	fi
	[ "$(points_member most_over)" -le $_most ] ||
		bad "the tracker held $(points_member most_over) pages too many at a point, more than $_most"
	expect_same "pages in the tracker at the end" "$(number tracker_pages <"$tmp/last")" \
		"pages that are private or dirty" "$(number sim_pages <"$tmp/last")"
}

# Copies by the strides: of each leaf the first ones before, after and failed, and of
# all others each so many.
expect_copies() {
	looked_at failed >"$tmp/failed"
	# shellcheck disable=SC2046
	set -- $(awk -v first="$first" -v calls="$calls" -v stores="$stores" -v stride="$stride" '
		function least(a, b) { return a < b ? a : b }
		function strides(n, every) { return every ? int((n + every - 1) / every) : 0 }
		FILENAME == ARGV[1] { failed[$1] = $2; next }
		{
			all += $2
			before += least($2, first)
			after += least(failed[$1], first) + least($2 - failed[$1], first)
		}
		END { print before + strides(all - before, calls), after + strides(all - after, calls), strides(stores, stride) }' "$tmp/failed" "$tmp/seen")
	expect_same "copies wanted before calls" "$1" "sent" "$(jumps_member at_before)"
	expect_same "copies wanted after calls" "$2" "sent" "$(jumps_member at_after)"
	expect_same "copies wanted at stores" "$3" "sent" "$(jumps_member at_store)"
	expect_same "leaves called" "$(wc -l <"$tmp/seen")" "met by the copies" "$(jumps_member leaves)"
}

case_proof() {
	scenario=$1 expect=$2; shift 2
	proof_start "$scenario" "$@"
	proof_end
	echo "proof: $points"
	vm_result 30 || [ "$expect" = broken ] || bad "the life did not end well: $vm_why"
	case $expect in
	holds) expect_superset ;;
	broken)
		expect_zero "points with an unreadable map" "$(points_member unreadable)"
		expect_some "points with a page missing in the tracker" "$(points_member bad)" ;;
	esac
	finish
}

# The same points as the last ones of a kernel.
case_proof_jumps() {
	scenario=$1 way=$2 expect=$3 calls=$4 stride=$5 first=$6; shift 6
	VM_LIMIT=${PROOF_LIMIT:-$VM_LIMIT}
	proof_start "$scenario" "$@"
	case $way in
	crash)
		range=$(grep -a -m 1 '^VM-CRASH-MEMORY: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2-)
		what="0 0 $range" ;;
	kexec)
		range="0 0x80000000"
		what="$(grep -a -m 1 '^VM-SYMBOLS: ' "$(vm_log)" | tr -d '\r' | cut -d' ' -f2-) $range" ;;
	esac
	# shellcheck disable=SC2086
	vm_ctl jumps "$way" $what "$calls" "$stride" "$first" || { bad "no copies"; finish; }
	proof_end
	tries=$((600 * VM_SLOW))
	while [ $tries -gt 0 ]; do
		jumps=$(vm_ctl jumps) || { bad "the simulator does not answer"; finish; }
		[ "$(jumps_member running)" != 0 ] || break
		tries=$((tries - 1))
		sleep 0.2
	done
	echo "proof: $points"
	echo "jumps: $jumps"
	vm_result 30 || bad "the life did not end well: $vm_why"
	expect_some "copies sent to the next kernel" "$(jumps_member sent)"
	expect_copies
	expect_some "points where there was something to do" "$(jumps_member had_lines)"
	expect_zero "copies that did not come to the jump" "$(jumps_member lost)"
	case $expect in
	clean)
		expect_superset
		expect_zero "copies whose next kernel inherits lines" "$(jumps_member dirty)"
		expect_same "copies sent" "$(jumps_member sent)" "of them clean" "$(jumps_member clean)" ;;
	dirty) expect_some "copies whose next kernel inherits lines" "$(jumps_member dirty)" ;;
	esac
	finish
}
